/* One session's settings: an entry for each value that differs from the built-in default, a mirror of the rows of settings.def
 * for the typed getters, and one undo stack for SET, SET LOCAL and function SET clauses. */
#define _GNU_SOURCE
#include "common/settings.h"

#include <assert.h>
#include <stdlib.h>
#include <strings.h>

#include "common/settings_internal.h"

typedef struct Entry {
    int index;    /* into the table, or -1: a custom name */
    char *custom; /* its name; heap */
    SettingValue value, reset;
    uint8_t source, reset_source;
    bool settled; /* scratch of setting_commit */
} Entry;

typedef struct Undo {
    int entry;
    SettingValue old;
    uint8_t old_source;
    bool is_local;
} Undo;

struct SettingSet {
    MemAccount *account;
    uint64_t generation;
    SettingReportFn report;
    void *report_arg;
    int nentries, entries_cap;
    Entry *entries; /* never removed: Undo refers to them */
    size_t nundo, undo_cap;
    Undo *undo;
    SettingValue by_id[SET_COUNT]; /* borrowed from the entry or the default */
};

static const SettingInfo custom_info = {.type = SETTING_STRING, .context = SETCTX_USERSET, .name = "",
                                        .category = "Customized Options", .boot_value = ""};

/* ---- values ---- */

static bool is_text(int index) { return index < 0 || setting_info(index)->type == SETTING_STRING; }

static size_t text_bytes(const char *s) { return sizeof(SettingText) + strlen(s) + 1; }

static SettingText *text_new(SettingSet *set, const char *s)
{
    SettingText *t = mem_alloc(set->account, text_bytes(s));
    if (!t) return NULL;
    t->refs = 1;
    strcpy(t->text, s);
    return t;
}

static SettingValue hold(int index, SettingValue v)
{
    if (is_text(index) && v.s && v.s->refs >= 0) v.s->refs++;
    return v;
}

static void drop(SettingSet *set, int index, SettingValue v)
{
    if (is_text(index) && v.s && v.s->refs >= 0 && --v.s->refs == 0) mem_free(set->account, v.s, text_bytes(v.s->text));
}

static bool same_value(int index, SettingValue a, SettingValue b)
{
    if (!is_text(index)) return a.i == b.i;
    return a.s == b.s || (a.s && b.s && strcmp(a.s->text, b.s->text) == 0);
}

static const SettingInfo *info_of(const Entry *e) { return e->index < 0 ? &custom_info : setting_info(e->index); }

/* ---- entries ---- */

static Entry *find_entry(const SettingSet *set, int index, const char *name)
{
    for (int i = 0; i < set->nentries; i++) {
        Entry *e = &set->entries[i];
        if (e->index == index && (index >= 0 || strcasecmp(e->custom, name) == 0)) return e;
    }
    return NULL;
}

static Entry *add_entry(SettingSet *set, int index, const char *name)
{
    if (set->nentries == set->entries_cap) {
        int cap = set->entries_cap ? set->entries_cap * 2 : 8;
        Entry *grown = mem_realloc(set->account, set->entries, (size_t)set->entries_cap * sizeof *grown, (size_t)cap * sizeof *grown);
        if (!grown) return NULL;
        set->entries = grown;
        set->entries_cap = cap;
    }
    Entry e = {.index = index, .source = SETSRC_DEFAULT, .reset_source = SETSRC_DEFAULT};
    if (index < 0) {
        e.custom = mem_alloc(set->account, strlen(name) + 1);
        if (!e.custom) return NULL;
        strcpy(e.custom, name);
    } else {
        e.value = e.reset = setting_default(index);
    }
    set->entries[set->nentries] = e;
    return &set->entries[set->nentries++];
}

static SettingValue value_at(const SettingSet *set, int index)
{
    int id = setting_id_of(index);
    if (id >= 0) return set->by_id[id];
    Entry *e = find_entry(set, index, "");
    return e ? e->value : setting_default(index);
}

static void send_report(SettingSet *set, const Entry *e)
{
    Arena arena;
    arena_init(&arena, NULL, 256);
    const char *shown = setting_format(info_of(e), e->value, true, &arena);
    if (shown) set->report(set->report_arg, info_of(e)->name, shown);
    arena_destroy(&arena);
}

/* Takes over the caller's reference to v. */
static void assign(SettingSet *set, Entry *e, SettingValue v, uint8_t source)
{
    SettingValue old = e->value;
    bool changed = !same_value(e->index, old, v);
    e->value = v;
    e->source = source;
    int id = e->index < 0 ? -1 : setting_id_of(e->index);
    if (id >= 0) set->by_id[id] = v;
    set->generation++;
    if (changed && set->report && info_of(e)->report) send_report(set, e);
    drop(set, e->index, old);
}

/* ---- creation ---- */

static bool copy_entries(SettingSet *set, const SettingSet *base)
{
    for (int i = 0; i < base->nentries; i++) {
        const Entry *from = &base->entries[i];
        Entry *e = add_entry(set, from->index, from->custom);
        if (!e) return false;
        SettingValue v = from->value;
        if (is_text(e->index) && v.s && v.s->refs >= 0 && !(v.s = text_new(set, v.s->text))) return false;
        assign(set, e, v, from->source);
        e->reset = hold(e->index, v);
        e->reset_source = from->source;
    }
    return true;
}

SettingSet *settings_new(const SettingSet *base, MemAccount *account)
{
    SettingSet *set = mem_alloc(account, sizeof *set);
    if (!set) return NULL;
    *set = (SettingSet){.account = account, .generation = 1};
    for (int id = 0; id < SET_COUNT; id++) set->by_id[id] = setting_default(setting_of_id((SettingId)id));
    if (base && !copy_entries(set, base)) {
        settings_free(set);
        return NULL;
    }
    return set;
}

void settings_free(SettingSet *set)
{
    if (!set) return;
    for (size_t i = 0; i < set->nundo; i++) drop(set, set->entries[set->undo[i].entry].index, set->undo[i].old);
    for (int i = 0; i < set->nentries; i++) {
        Entry *e = &set->entries[i];
        drop(set, e->index, e->value);
        drop(set, e->index, e->reset);
        if (e->custom) mem_free(set->account, e->custom, strlen(e->custom) + 1);
    }
    mem_free(set->account, set->undo, set->undo_cap * sizeof *set->undo);
    mem_free(set->account, set->entries, (size_t)set->entries_cap * sizeof *set->entries);
    mem_free(set->account, set, sizeof *set);
}

/* ---- SET ---- */

static STATUS unknown_name(const char *name, Error *err)
{
    return error_set(err, ERR_UNDEFINED_OBJECT, "unrecognized configuration parameter \"%s\"", name);
}

/* "prefix.name", each a simple identifier. */
static bool valid_custom_name(const char *name)
{
    bool start = true, dot = false;
    for (const unsigned char *p = (const unsigned char *)name; *p; p++) {
        bool letter = (*p | 32) >= 'a' && (*p | 32) <= 'z';
        if (*p == '.' && !start) dot = start = true;
        else if (letter || *p == '_' || *p >= 128 || (!start && ((*p >= '0' && *p <= '9') || *p == '$'))) start = false;
        else return false;
    }
    return dot && !start;
}

static STATUS check_custom_name(const char *name, Error *err)
{
    if (!strchr(name, '.')) return unknown_name(name, err);
    if (!valid_custom_name(name)) {
        error_set(err, ERR_INVALID_NAME, "invalid configuration parameter name \"%s\"", name);
        return error_detail(err, "Custom parameter names must be two or more simple identifiers separated by dots.");
    }
    return ST_OK;
}

static STATUS denied(const char *name, Error *err)
{
    return error_set(err, ERR_INSUFFICIENT_PRIVILEGE, "permission denied to set parameter \"%s\"", name);
}

static STATUS not_now(const char *fmt_tail, const char *name, Error *err)
{
    return error_set(err, ERR_CANT_CHANGE_RUNTIME_PARAM, "parameter \"%s\" cannot be %s", name, fmt_tail);
}

/* May this source change a setting of this context? */
static STATUS check_context(const SettingInfo *info, const char *name, SettingChange how, Error *err)
{
    bool at_start = how.source == SETSRC_FILE || how.source == SETSRC_ENV || how.source == SETSRC_ARGV;
    if (how.source == SETSRC_DEFAULT) return ST_OK;
    switch (info->context) {
    case SETCTX_INTERNAL: return not_now("changed", name, err);
    case SETCTX_POSTMASTER: return at_start ? ST_OK : not_now("changed without restarting the server", name, err);
    case SETCTX_SIGHUP: return at_start ? ST_OK : not_now("changed now", name, err);
    case SETCTX_SU_BACKEND:
    case SETCTX_BACKEND:
        if (how.source == SETSRC_SESSION) return not_now("set after connection start", name, err);
        if (info->context == SETCTX_BACKEND) return ST_OK;
        break;
    case SETCTX_SUSET: break;
    case SETCTX_USERSET: return ST_OK;
    }
    return at_start || how.is_superuser ? ST_OK : denied(name, err);
}

static STATUS push_undo(SettingSet *set, Entry *e, bool is_local, Error *err)
{
    if (set->nundo == set->undo_cap) {
        size_t cap = set->undo_cap ? set->undo_cap * 2 : 8;
        Undo *grown = mem_realloc(set->account, set->undo, set->undo_cap * sizeof *grown, cap * sizeof *grown);
        TRY_MEM(grown, err);
        set->undo = grown;
        set->undo_cap = cap;
    }
    set->undo[set->nundo++] = (Undo){(int)(e - set->entries), hold(e->index, e->value), e->source, is_local};
    return ST_OK;
}

/* Takes over the reference to v. */
static STATUS store(SettingSet *set, Entry *e, SettingValue v, SettingChange how, Error *err)
{
    bool own_voice = how.source == SETSRC_DEFAULT;
    if (how.source == SETSRC_SESSION) {
        if (failed(push_undo(set, e, how.is_local, err))) {
            drop(set, e->index, v);
            return ST_FAILED;
        }
        assign(set, e, v, SETSRC_SESSION);
        return ST_OK;
    }
    if (own_voice || how.source >= (SettingSource)e->reset_source) {
        drop(set, e->index, e->reset);
        e->reset = hold(e->index, v);
        e->reset_source = (uint8_t)how.source;
    }
    if (own_voice || how.source >= (SettingSource)e->source) assign(set, e, v, (uint8_t)how.source);
    else drop(set, e->index, v);
    return ST_OK;
}

static STATUS reset_one(SettingSet *set, Entry *e, SettingChange how, Error *err)
{
    if (how.source == SETSRC_SESSION) TRY(push_undo(set, e, how.is_local, err));
    assign(set, e, hold(e->index, e->reset), e->reset_source);
    return ST_OK;
}

static STATUS set_value(SettingSet *set, int index, const char *name, const char *value, SettingChange how, Arena *tmp, Error *err)
{
    const SettingInfo *info = index < 0 ? &custom_info : setting_info(index);
    const char *shown_name = index < 0 ? name : info->name, *text = value;
    SettingValue v = {0};
    TRY(check_context(info, shown_name, how, err));
    Entry *e = find_entry(set, index, name);
    if (!value) {
        if (how.check_only || (!e && index >= 0)) return ST_OK;
        return e ? reset_one(set, e, how, err) : unknown_name(name, err);
    }
    if (index >= 0) TRY(setting_parse(info, value, tmp, &v, &text, err));
    if (how.check_only) return ST_OK;
    if (is_text(index)) {
        v.s = text_new(set, text);
        TRY_MEM(v.s, err);
    }
    if (!e) e = add_entry(set, index, name);
    if (!e) {
        drop(set, index, v);
        return error_out_of_memory(err, sizeof *e);
    }
    return store(set, e, v, how, err);
}

STATUS setting_set(SettingSet *set, const char *name, const char *value, SettingChange how, Error *err)
{
    Arena tmp;
    int index = setting_find(name);
    if (index < 0 && !find_entry(set, -1, name)) TRY(check_custom_name(name, err));
    arena_init(&tmp, NULL, 256);
    Status st = set_value(set, index, name, value, how, &tmp, err);
    arena_destroy(&tmp);
    return st;
}

void settings_reset_all(SettingSet *set)
{
    for (int i = 0; i < set->nentries; i++) {
        Entry *e = &set->entries[i];
        if (info_of(e)->no_reset_all || info_of(e)->context < SETCTX_SUSET || e->source != SETSRC_SESSION) continue;
        Status st = reset_one(set, e, (SettingChange){.source = SETSRC_SESSION}, NULL);
        (void)st; /* out of memory for the undo record: the value stays */
    }
}

/* ---- SHOW ---- */

static STATUS format_named(const SettingSet *set, const char *name, bool units, Arena *arena, const char **out, Error *err)
{
    int index = setting_find(name);
    Entry *e = index < 0 ? find_entry(set, -1, name) : NULL;
    if (index < 0 && !e) return unknown_name(name, err);
    SettingValue v = index < 0 ? e->value : value_at(set, index);
    *out = setting_format(index < 0 ? &custom_info : setting_info(index), v, units, arena);
    if (*out) *out = arena_strdup(arena, *out); /* not borrowed from a value that may change */
    TRY_MEM(*out, err);
    return ST_OK;
}

STATUS setting_show(const SettingSet *set, const char *name, bool missing_ok, Arena *arena, const char **out, Error *err)
{
    *out = NULL;
    if (missing_ok && setting_find(name) < 0 && !find_entry(set, -1, name)) return ST_OK;
    return format_named(set, name, true, arena, out, err);
}

STATUS setting_raw(const SettingSet *set, const char *name, Arena *arena, const char **out, Error *err)
{
    return format_named(set, name, false, arena, out, err);
}

SettingSource setting_source(const SettingSet *set, const char *name)
{
    Entry *e = find_entry(set, setting_find(name), name);
    return e ? (SettingSource)e->source : SETSRC_DEFAULT;
}

bool settings_each_name(const SettingSet *set, int i, const char **name)
{
    if (i < setting_count()) {
        *name = setting_info(i)->name;
        return true;
    }
    i -= setting_count();
    for (int k = 0; k < set->nentries; k++) {
        if (set->entries[k].index >= 0 || i-- > 0) continue;
        *name = set->entries[k].custom;
        return true;
    }
    return false;
}

/* ---- typed getters ---- */

bool setting_bool(const SettingSet *set, SettingId id) { return set->by_id[id].i != 0; }
int64_t setting_int(const SettingSet *set, SettingId id) { return set->by_id[id].i; }
double setting_real(const SettingSet *set, SettingId id) { return set->by_id[id].r; }
uint64_t setting_generation(const SettingSet *set) { return set->generation; }

const char *setting_string(const SettingSet *set, SettingId id)
{
    const SettingInfo *info = setting_info(setting_of_id(id));
    if (info->type == SETTING_STRING) return set->by_id[id].s->text;
    assert(info->type == SETTING_ENUM);
    return setting_enum_static(id, set->by_id[id].i);
}

/* ---- transactions ---- */

size_t setting_mark(const SettingSet *set) { return set->nundo; }

void setting_rollback_to(SettingSet *set, size_t mark)
{
    while (set->nundo > mark) {
        Undo *u = &set->undo[--set->nundo];
        assign(set, &set->entries[u->entry], u->old, u->old_source);
    }
}

/* From the newest change back: an entry keeps its value from its last plain SET on, local ones after that are undone. */
void setting_commit(SettingSet *set)
{
    if (!set->nundo) return;
    for (int i = 0; i < set->nentries; i++) set->entries[i].settled = false;
    while (set->nundo > 0) {
        Undo *u = &set->undo[--set->nundo];
        Entry *e = &set->entries[u->entry];
        if (!u->is_local) e->settled = true;
        if (e->settled) drop(set, e->index, u->old);
        else assign(set, e, u->old, u->old_source);
    }
}

void settings_on_report(SettingSet *set, SettingReportFn fn, void *arg)
{
    set->report = fn;
    set->report_arg = arg;
}
