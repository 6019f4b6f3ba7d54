/* Functions, operators, casts, aggregates and operator classes: descriptors and candidate lists. Built-in ones come straight from the
 * constant tables; the store is asked only for what can be there. */
#include <assert.h>
#include <string.h>

#include "catalog/cat_access.h"
#include "catalog/catalog_internal.h"
#include "catalog/name_lookup.h"

/* ---- which built-ins have code ---- */
static bool (*has_code)(Oid proc);

void catalog_set_builtin_code(bool (*fn)(Oid proc)) { has_code = fn; }

bool proc_has_code(Oid proc) { return proc >= FIRST_NORMAL_OID || !has_code || has_code(proc); }

/* ---- functions ---- */
static STATUS copy_oids(Arena *arena, const Oid *v, int n, const Oid **out, Error *err)
{
    *out = n ? arena_memdup(arena, v, (size_t)n * sizeof *v) : NULL;
    return n && !*out ? error_out_of_memory(err, 0) : ST_OK;
}

static STATUS fill_arg_names(ProcInfo *p, const char *const *names, int n, Arena *arena, Error *err)
{
    int want = p->nall ? p->nall : p->nargs;
    TRY_NEW_N(p->names, arena, want ? want : 1, err);
    for (int i = 0; i < want; i++) {
        p->names[i] = arena_strdup(arena, i < n ? names[i] : "");
        TRY_MEM(p->names[i], err);
    }
    return ST_OK;
}

static STATUS split_names(const char *list, Arena *arena, const char ***out, int *n, Error *err)
{
    int count = 1;
    for (const char *c = list; *c; c++) count += *c == ',';
    TRY_NEW_N(*out, arena, count, err);
    *n = 0;
    for (const char *c = list;; c++) {
        size_t len = strcspn(c, ",");
        (*out)[*n] = arena_strndup(arena, c, len);
        TRY_MEM((*out)[(*n)++], err);
        c += len;
        if (!*c) return ST_OK;
    }
}

static STATUS builtin_proc(Entry *e, int index, Error *err)
{
    BuiltinProc b;
    Oid types[FUNCTION_ARGS_MAX];
    ProcInfo *p;
    builtin_proc_get(index, &b);
    TRY_NEW(p, &e->arena, err);
    *p = (ProcInfo){.oid = b.oid, .namespace_oid = builtin_proc_namespace(b.oid), .name = b.name, .result = b.rettype, .nargs = b.nargs,
                    .ndefaults = b.ndefaults, .variadic = b.variadic, .kind = b.kind, .strict = b.strict, .retset = b.retset,
                    .security_definer = b.secdef, .leakproof = b.leakproof, .volatility = b.volatility, .parallel = b.parallel,
                    .cost = (float)b.cost, .rows = (float)b.rows, .language = b.lang == 's' ? 's' : 'i', .source = b.src,
                    .defaults_text = *b.argdefaults ? b.argdefaults : NULL, .implemented = proc_has_code(b.oid)};
    TRY(copy_oids(&e->arena, types, parse_oid_list(b.argtypes, types, FUNCTION_ARGS_MAX), &p->args, err));
    if (*b.allargtypes) {
        p->nall = parse_oid_list(b.allargtypes, types, FUNCTION_ARGS_MAX);
        TRY(copy_oids(&e->arena, types, p->nall, &p->all_args, err));
        p->modes = b.argmodes;
    }
    if (*b.argnames) {
        const char **names;
        int n;
        TRY(split_names(b.argnames, &e->arena, &names, &n, err));
        TRY(fill_arg_names(p, names, n, &e->arena, err));
    }
    e->object = p;
    return ST_OK;
}

static STATUS language_letter(SessionEnv *env, Oid lang, Arena *tmp, char *out, Error *err)
{
    const void *form;
    *out = lang == 14 ? 's' : lang == 12 || lang == 13 ? 'i' : 'p';
    if (*out != 'p') return ST_OK;
    TRY(cat_get_by_oid(env, REL_pg_language, 2682 /* pg_language_oid_index */, lang, tmp, &form, err));
    if (form && strcmp(((const Form_pg_language *)form)->lanname, "plpgsql")) *out = 'x';
    return ST_OK;
}

static STATUS user_proc_args(const Form_pg_proc *f, ProcInfo *p, Arena *arena, Arena *tmp, Error *err)
{
    TRY(copy_oids(arena, f->proargtypes.v, f->proargtypes.n, &p->args, err));
    if (f->proallargtypes) TRY(cat_get_oids(arena, f->proallargtypes, &p->all_args, &p->nall, err));
    if (f->proargmodes) {
        int n;
        TRY(cat_get_chars(arena, f->proargmodes, &p->modes, &n, err));
    }
    if (f->proargnames) {
        const char *const *names;
        int n;
        TRY(cat_get_texts(tmp, f->proargnames, &names, &n, err));
        TRY(fill_arg_names(p, names, n, arena, err));
    }
    if (!f->proargdefaults) return ST_OK;
    Node *list = NULL;
    TRY(node_read(slice_cstr(f->proargdefaults), arena, &list, err));
    if (!list || nodeTag(list) != T_List || ((List *)list)->len != f->pronargdefaults)
        return error_set(err, ERR_DATA_CORRUPTED, "malformed argument defaults of function %u", f->oid);
    p->defaults = (Node **)((List *)list)->items;
    return ST_OK;
}

static STATUS user_proc(SessionEnv *env, Entry *e, Arena *tmp, Error *err)
{
    const void *form;
    ProcInfo *p;
    TRY(cat_get_by_oid(env, REL_pg_proc, IDX_proc_oid, (Oid)e->key, tmp, &form, err));
    const Form_pg_proc *f = form;
    if (!f) return ST_OK;
    TRY_NEW(p, &e->arena, err);
    *p = (ProcInfo){.oid = f->oid, .namespace_oid = f->pronamespace, .result = f->prorettype, .nargs = f->pronargs,
                    .ndefaults = f->pronargdefaults, .variadic = f->provariadic, .kind = f->prokind, .strict = f->proisstrict,
                    .retset = f->proretset, .security_definer = f->prosecdef, .leakproof = f->proleakproof,
                    .volatility = f->provolatile, .parallel = f->proparallel, .cost = f->procost, .rows = f->prorows,
                    .implemented = true};
    p->name = arena_strdup(&e->arena, f->proname);
    p->source = arena_strdup(&e->arena, f->prosrc ? f->prosrc : "");
    TRY_MEM(p->name, err);
    TRY_MEM(p->source, err);
    TRY(language_letter(env, f->prolang, tmp, &p->language, err));
    TRY(user_proc_args(f, p, &e->arena, tmp, err));
    e->object = p;
    return ST_OK;
}

static STATUS build_proc(SessionEnv *env, Entry *e, Error *err)
{
    int i = builtin_proc_index((Oid)e->key);
    if (i >= 0) return builtin_proc(e, i, err);
    Arena tmp;
    arena_init(&tmp, env->account, 0);
    Status st = user_proc(env, e, &tmp, err);
    arena_destroy(&tmp);
    return st;
}

static STATUS get_proc(SessionEnv *env, Oid oid, const ProcInfo **out, Error *err)
{
    Entry *e;
    TRY(cache_get(env, ENTRY_PROC, ENTRY_KEY(oid), oid < FIRST_NORMAL_OID, build_proc, &e, err));
    *out = e->object;
    return ST_OK;
}

const ProcInfo *proc_by_oid(SessionEnv *env, Oid oid)
{
    const ProcInfo *p = NULL;
    return oid && !failed(get_proc(env, oid, &p, NULL)) ? p : NULL;
}

/* ---- candidates ---- */
typedef struct Candidates {
    SessionEnv *env;
    Arena *arena;
    PtrVec found;
    const Oid *path; /* namespaces that count, best first */
    int npath;
} Candidates;

static int path_position(const Candidates *c, Oid namespace_oid)
{
    for (int i = 0; i < c->npath; i++)
        if (c->path[i] == namespace_oid) return i;
    return -1;
}

static STATUS candidates_path(Candidates *c, const char *schema, Error *err)
{
    if (!schema) return search_path_oids(c->env, true, c->arena, &c->path, &c->npath, err);
    Oid *ns;
    TRY_NEW(ns, c->arena, err);
    TRY(lookup_namespace(c->env, schema, false, ns, err));
    c->path = ns;
    c->npath = 1;
    return ST_OK;
}

static bool same_args(const Oid *a, int na, const Oid *b, int nb)
{
    return na == nb && (na == 0 || !memcmp(a, b, (size_t)na * sizeof *a));
}

/* The same signature in two schemas of the path: the earlier one hides the later. */
static STATUS add_proc(Candidates *c, Oid oid, Error *err)
{
    const ProcInfo *p;
    TRY(get_proc(c->env, oid, &p, err));
    if (!p) return ST_OK;
    int at = path_position(c, p->namespace_oid);
    if (at < 0) return ST_OK;
    for (int i = 0; i < c->found.len; i++) {
        const ProcInfo *q = c->found.v[i];
        if (!same_args(p->args, p->nargs, q->args, q->nargs)) continue;
        if (path_position(c, q->namespace_oid) > at) c->found.v[i] = (void *)p;
        return ST_OK;
    }
    return ptrvec_push(&c->found, c->arena, (void *)p) ? ST_OK : error_out_of_memory(err, 0);
}

static STATUS any_rows(SessionEnv *env, Oid catalog, bool *out, Error *err)
{
    Arena tmp;
    CatScan *scan = NULL;
    const void *form = NULL;
    arena_init(&tmp, env->account, 0);
    Status st = cat_scan_open_stored(env, catalog, 0, 0, NULL, &tmp, &scan, err);
    if (!failed(st)) st = cat_scan_next(scan, &form, err);
    cat_scan_close(scan);
    arena_destroy(&tmp);
    *out = form != NULL;
    return st;
}

/* Is there anything but built-in rows? Spares the look-ups of databases without functions and operators of their own. */
static STATUS has_user_rows(SessionEnv *env, int which, bool *out, Error *err)
{
    CatSession *cs = env->cat;
    uint64_t generation = catalog_generation(env);
    if (cs->rows_generation[which] != generation) {
        TRY(any_rows(env, which == 0 ? REL_pg_proc : REL_pg_operator, &cs->has_rows[which], err));
        cs->rows_generation[which] = generation;
    }
    *out = cs->has_rows[which];
    return ST_OK;
}

static STATUS collect_procs(Candidates *c, const char *name, Error *err)
{
    CatScan *scan = NULL;
    const void *form;
    Datum key = cat_name_key(c->arena, name);
    TRY_MEM(key, err);
    BuiltinRange r = builtin_lookup(builtin_table(REL_pg_proc), ATT_pg_proc_proname, key);
    for (int i = 0; i < r.n; i++) {
        BuiltinProc b;
        int row = builtin_row(r, i);
        if (strcmp(builtin_proc_name(row), name)) continue;
        builtin_proc_get(row, &b);
        TRY(add_proc(c, b.oid, err));
    }
    bool more;
    TRY(has_user_rows(c->env, 0, &more, err));
    if (!more) return ST_OK;
    Status st = cat_scan_open_stored(c->env, REL_pg_proc, IDX_proc_proname_args_nsp, 1, &key, c->arena, &scan, err);
    while (!failed(st)) {
        st = cat_scan_next(scan, &form, err);
        if (failed(st) || !form) break;
        st = add_proc(c, ((const Form_pg_proc *)form)->oid, err);
    }
    cat_scan_close(scan);
    return st;
}

STATUS proc_candidates(SessionEnv *env, const char *schema, const char *name, Arena *arena, const ProcInfo ***out, int *n, Error *err)
{
    Candidates c = {.env = env, .arena = arena};
    TRY(candidates_path(&c, schema, err));
    TRY(collect_procs(&c, name, err));
    *out = (const ProcInfo **)c.found.v;
    *n = c.found.len;
    return ST_OK;
}

/* ---- operators ---- */
static STATUS build_operator(SessionEnv *env, Entry *e, Error *err)
{
    const void *form;
    Arena tmp;
    arena_init(&tmp, env->account, 0);
    Status st = cat_get_by_oid(env, REL_pg_operator, IDX_operator_oid, (Oid)e->key, &tmp, &form, err);
    const Form_pg_operator *f = form;
    OperatorInfo *o = NULL;
    if (!failed(st) && f) {
        o = arena_zalloc(&e->arena, sizeof *o);
        const char *name = arena_strdup(&e->arena, f->oprname);
        if (!o || !name) st = error_out_of_memory(err, sizeof *o);
        else *o = (OperatorInfo){f->oid, f->oprnamespace, f->oprleft, f->oprright, f->oprresult, f->oprcode, f->oprcom, f->oprnegate,
                                 f->oprrest, f->oprjoin, name, f->oprcanmerge, f->oprcanhash};
    }
    e->object = o;
    arena_destroy(&tmp);
    return st;
}

static STATUS get_operator(SessionEnv *env, Oid oid, const OperatorInfo **out, Error *err)
{
    Entry *e;
    TRY(cache_get(env, ENTRY_OPERATOR, ENTRY_KEY(oid), oid < FIRST_NORMAL_OID, build_operator, &e, err));
    *out = e->object;
    return ST_OK;
}

const OperatorInfo *operator_by_oid(SessionEnv *env, Oid oid)
{
    const OperatorInfo *o = NULL;
    return oid && !failed(get_operator(env, oid, &o, NULL)) ? o : NULL;
}

static STATUS add_operator(Candidates *c, Oid oid, bool prefix, Error *err)
{
    const OperatorInfo *o;
    TRY(get_operator(c->env, oid, &o, err));
    if (!o || (o->left == 0) != prefix) return ST_OK;
    int at = path_position(c, o->namespace_oid);
    if (at < 0) return ST_OK;
    for (int i = 0; i < c->found.len; i++) {
        const OperatorInfo *q = c->found.v[i];
        if (q->left != o->left || q->right != o->right) continue;
        if (path_position(c, q->namespace_oid) > at) c->found.v[i] = (void *)o;
        return ST_OK;
    }
    return ptrvec_push(&c->found, c->arena, (void *)o) ? ST_OK : error_out_of_memory(err, 0);
}

static STATUS collect_operators(Candidates *c, const char *name, bool prefix, Error *err)
{
    CatScan *scan = NULL;
    const void *form;
    bool more;
    Datum key = cat_name_key(c->arena, name);
    TRY_MEM(key, err);
    BuiltinRange r = builtin_lookup(builtin_table(REL_pg_operator), ATT_pg_operator_oprname, key);
    for (int i = 0; i < r.n; i++) {
        Form_pg_operator f;
        builtin_operator_get(builtin_row(r, i), &f);
        if (!strcmp(f.oprname, name)) TRY(add_operator(c, f.oid, prefix, err));
    }
    TRY(has_user_rows(c->env, 1, &more, err));
    if (!more) return ST_OK;
    Status st = cat_scan_open_stored(c->env, REL_pg_operator, IDX_operator_oprname_l_r_n, 1, &key, c->arena, &scan, err);
    while (!failed(st)) {
        st = cat_scan_next(scan, &form, err);
        if (failed(st) || !form) break;
        st = add_operator(c, ((const Form_pg_operator *)form)->oid, prefix, err);
    }
    cat_scan_close(scan);
    return st;
}

STATUS operator_candidates(SessionEnv *env, const char *schema, const char *name, bool prefix, Arena *arena, const OperatorInfo ***out,
                           int *n, Error *err)
{
    Candidates c = {.env = env, .arena = arena};
    TRY(candidates_path(&c, schema, err));
    TRY(collect_operators(&c, name, prefix, err));
    *out = (const OperatorInfo **)c.found.v;
    *n = c.found.len;
    return ST_OK;
}

/* ---- casts ---- */
static const CastInfo casts[] = {
#define PGCAST(oid, source, target, func, context, method) {oid, source, target, func, context, method},
#include "catalog/pg_cast.def"
};

static STATUS build_cast(SessionEnv *env, Entry *e, Error *err)
{
    Datum keys[2] = {datum_oid((Oid)(e->key >> 32)), datum_oid((Oid)e->key)};
    const void *form;
    Arena tmp;
    arena_init(&tmp, env->account, 0);
    Status st = cat_get(env, REL_pg_cast, IDX_cast_source_target, 2, keys, &tmp, &form, err);
    const Form_pg_cast *f = form;
    CastInfo *c = NULL;
    if (!failed(st) && f) {
        c = arena_zalloc(&e->arena, sizeof *c);
        if (c) *c = (CastInfo){f->oid, f->castsource, f->casttarget, f->castfunc, f->castcontext, f->castmethod};
        else st = error_out_of_memory(err, sizeof *c);
    }
    e->object = c;
    arena_destroy(&tmp);
    return st;
}

const CastInfo *cast_find(SessionEnv *env, Oid source, Oid target)
{
    BuiltinRange r = builtin_lookup(builtin_table(REL_pg_cast), ATT_pg_cast_castsource, datum_oid(source));
    for (int i = 0; i < r.n; i++) {
        const CastInfo *c = &casts[builtin_row(r, i)];
        if (c->source == source && c->target == target) return c;
    }
    /* Casts between two built-in types are all built in: nothing to ask the store for. */
    if (source < FIRST_NORMAL_OID && target < FIRST_NORMAL_OID) return NULL;
    Entry *e;
    if (failed(cache_get(env, ENTRY_CAST, (uint64_t)source << 32 | target, false, build_cast, &e, NULL))) return NULL;
    return e->object;
}

/* ---- aggregates ---- */
static STATUS build_aggregate(SessionEnv *env, Entry *e, Error *err)
{
    const void *form;
    Arena tmp;
    arena_init(&tmp, env->account, 0);
    Status st = cat_get_by_oid(env, REL_pg_aggregate, IDX_aggregate_fnoid, (Oid)e->key, &tmp, &form, err);
    const Form_pg_aggregate *f = form;
    AggregateInfo *a = NULL;
    if (!failed(st) && f) {
        a = arena_zalloc(&e->arena, sizeof *a);
        if (a) *a = (AggregateInfo){.proc = f->aggfnoid, .transfn = f->aggtransfn, .finalfn = f->aggfinalfn, .combinefn = f->aggcombinefn,
                                    .sort_operator = f->aggsortop, .trans_type = f->aggtranstype, .kind = f->aggkind,
                                    .ndirect = f->aggnumdirectargs, .final_extra = f->aggfinalextra,
                                    .initial = arena_strdup(&e->arena, f->agginitval)};
        else st = error_out_of_memory(err, sizeof *a);
    }
    e->object = a;
    arena_destroy(&tmp);
    return st;
}

const AggregateInfo *aggregate_by_proc(SessionEnv *env, Oid proc)
{
    Entry *e;
    if (failed(cache_get(env, ENTRY_AGGREGATE, ENTRY_KEY(proc), proc < FIRST_NORMAL_OID, build_aggregate, &e, NULL))) return NULL;
    return e->object;
}

/* ---- operator classes: built-in ones only (CREATE OPERATOR CLASS is not there) ---- */
int operator_btree_strategy(Oid operator_oid)
{
    const BuiltinTable *bt = builtin_table(REL_pg_amop);
    BuiltinRange r = builtin_lookup(bt, ATT_pg_amop_amopopr, datum_oid(operator_oid));
    for (int i = 0; i < r.n; i++) {
        Form_pg_amop f;
        bt->fill(builtin_row(r, i), NULL, &f);
        if (f.amopopr == operator_oid && f.amopmethod == BTREE_AM) return f.amopstrategy;
    }
    return 0;
}

static bool find_opclass(Oid am, Oid type, Form_pg_opclass *out)
{
    const BuiltinTable *bt = builtin_table(REL_pg_opclass);
    BuiltinRange r = builtin_lookup(bt, ATT_pg_opclass_opcintype, datum_oid(type));
    for (int i = 0; i < r.n; i++) {
        bt->fill(builtin_row(r, i), NULL, out);
        if (out->opcintype == type && out->opcmethod == am && out->opcdefault) return true;
    }
    return false;
}

/* The default class for a type: its own, that of a type it can be taken for without conversion, or a polymorphic one. */
static bool default_opclass(SessionEnv *env, Oid type, Oid am, Form_pg_opclass *out)
{
    type = type_base_of(env, type, NULL);
    if (find_opclass(am, type, out)) return true;
    const TypeInfo *ti = catalog_type(env, type);
    bool found = false;
    Form_pg_opclass f;
    for (size_t i = 0; i < sizeof casts / sizeof casts[0]; i++) {
        if (casts[i].source != type || casts[i].method != 'b' || casts[i].context != 'i' || !find_opclass(am, casts[i].target, &f)) continue;
        const TypeInfo *target = type_builtin(casts[i].target);
        if (!found || (target && target->preferred)) *out = f;
        found = true;
    }
    if (found || !ti) return found;
    if (ti->is_array) return find_opclass(am, TYPE_anyarray, out);
    if (ti->typtype == 'e') return find_opclass(am, TYPE_anyenum, out);
    if (ti->typtype == 'c') return find_opclass(am, TYPE_record, out);
    if (ti->typtype == 'r') return find_opclass(am, TYPE_anyrange, out);
    if (ti->typtype == 'm') return find_opclass(am, TYPE_anymultirange, out);
    return false;
}

Oid type_default_opclass(SessionEnv *env, Oid type, Oid am)
{
    Form_pg_opclass f;
    return default_opclass(env, type, am, &f) ? f.oid : 0;
}

static Oid btree_operator(SessionEnv *env, Oid type, int strategy)
{
    Form_pg_opclass c;
    const BuiltinTable *bt = builtin_table(REL_pg_amop);
    if (!default_opclass(env, type, BTREE_AM, &c)) return 0;
    BuiltinRange r = builtin_lookup(bt, ATT_pg_amop_amopfamily, datum_oid(c.opcfamily));
    for (int i = 0; i < r.n; i++) {
        Form_pg_amop f;
        bt->fill(builtin_row(r, i), NULL, &f);
        if (f.amopfamily == c.opcfamily && f.amoplefttype == c.opcintype && f.amoprighttype == c.opcintype && f.amopstrategy == strategy)
            return f.amopopr;
    }
    return 0;
}

Oid type_equality_operator(SessionEnv *env, Oid type) { return btree_operator(env, type, 3); }
Oid type_less_operator(SessionEnv *env, Oid type) { return btree_operator(env, type, 1); }
Oid type_greater_operator(SessionEnv *env, Oid type) { return btree_operator(env, type, 5); }
