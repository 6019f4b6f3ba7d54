/* Built-in rows of pg_proc, pg_operator and pg_description, the three big ones. Strings lie in pools addressed by offsets
 * (no relocations: these pages stay shared and are read only when somebody looks). */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "catalog/cat_array.h"
#include "catalog/cat_builtin_internal.h"

/* ---- pg_proc ---- */
static const struct ProcPool {
#define PGPROC(oid, name, lang, cost, rows, variadic, kind, secdef, leak, strict, retset, vol, par, nargs, ndef, ret, args, \
               allargs, modes, names, defs, src, descr)                                                                  \
    char n##oid[sizeof(name)]; char a##oid[sizeof(args)]; char l##oid[sizeof(allargs)]; char m##oid[sizeof(modes)];      \
    char r##oid[sizeof(names)]; char f##oid[sizeof(defs)]; char s##oid[sizeof(src)]; char d##oid[sizeof(descr)];
#include "catalog/pg_proc.def"
} proc_pool = {
#define PGPROC(oid, name, lang, cost, rows, variadic, kind, secdef, leak, strict, retset, vol, par, nargs, ndef, ret, args, \
               allargs, modes, names, defs, src, descr)                                                                  \
    name, args, allargs, modes, names, defs, src, descr,
#include "catalog/pg_proc.def"
};

static const struct ProcRow {
    uint32_t name; /* args, allargs, modes ... follow in the pool, each after the zero of the one before */
    uint16_t oid, variadic, ret, cost, rows;
    char lang, kind, vol, par;
    uint8_t nargs, ndef;
    bool secdef, leak, strict, retset;
} procs[] = {
#define PGPROC(oid, name, lang, cost, rows, variadic, kind, secdef, leak, strict, retset, vol, par, nargs, ndef, ret, args, \
               allargs, modes, names, defs, src, descr)                                                                  \
    {offsetof(struct ProcPool, n##oid), oid, variadic, ret, cost, rows, lang, kind, vol, par, nargs, ndef,               \
     secdef, leak, strict, retset},
#include "catalog/pg_proc.def"
};
enum { NPROCS = sizeof procs / sizeof procs[0] };

int builtin_proc_count(void) { return NPROCS; }

static const char *next_string(const char *s) { return s + strlen(s) + 1; }

void builtin_proc_get(int i, BuiltinProc *out)
{
    const struct ProcRow *p = &procs[i];
    *out = (BuiltinProc){.oid = p->oid, .variadic = p->variadic, .rettype = p->ret, .lang = p->lang, .kind = p->kind,
                         .volatility = p->vol, .parallel = p->par, .nargs = p->nargs, .ndefaults = p->ndef,
                         .secdef = p->secdef, .leakproof = p->leak, .strict = p->strict, .retset = p->retset,
                         .cost = p->cost, .rows = p->rows};
    out->name = (const char *)&proc_pool + p->name;
    out->argtypes = next_string(out->name);
    out->allargtypes = next_string(out->argtypes);
    out->argmodes = next_string(out->allargtypes);
    out->argnames = next_string(out->argmodes);
    out->argdefaults = next_string(out->argnames);
    out->src = next_string(out->argdefaults);
    out->description = next_string(out->src);
}

const char *builtin_proc_name(int i) { return (const char *)&proc_pool + procs[i].name; }

int builtin_proc_index(Oid oid)
{
    int lo = 0, hi = NPROCS - 1;
    while (lo <= hi) {
        int mid = (lo + hi) / 2;
        if (procs[mid].oid == oid) return mid;
        if (procs[mid].oid < oid) lo = mid + 1;
        else hi = mid - 1;
    }
    return -1;
}

Oid builtin_lang_oid(char lang) { return lang == 'c' ? 13 : lang == 's' ? 14 : 12; }

static Datum names_array(Arena *arena, const char *list)
{
    int n = 1, i = 0;
    for (const char *p = list; *p; p++) n += *p == ',';
    const char **v = arena_zalloc(arena, (size_t)n * sizeof *v);
    if (!v) return 0;
    for (const char *p = list;; p++) {
        const char *end = strchr(p, ',');
        size_t len = end ? (size_t)(end - p) : strlen(p);
        v[i++] = arena_strndup(arena, p, len);
        if (!end) break;
        p = end;
    }
    return cat_text_array(arena, v, n);
}

static bool proc_fill(int i, Arena *arena, void *form)
{
    Form_pg_proc *f = form;
    BuiltinProc p;
    Oid types[128];
    builtin_proc_get(i, &p);
    f->oid = p.oid;
    f->proname = p.name;
    f->pronamespace = builtin_proc_namespace(p.oid);
    f->proowner = BOOTSTRAP_SUPERUSER;
    f->prolang = builtin_lang_oid(p.lang);
    f->procost = p.cost;
    f->prorows = p.rows;
    f->provariadic = p.variadic;
    f->prokind = p.kind;
    f->prosecdef = p.secdef;
    f->proleakproof = p.leakproof;
    f->proisstrict = p.strict;
    f->proretset = p.retset;
    f->provolatile = p.volatility;
    f->proparallel = p.parallel;
    f->pronargs = p.nargs;
    f->pronargdefaults = p.ndefaults;
    f->prorettype = p.rettype;
    f->prosrc = p.src;
    int n = parse_oid_list(p.argtypes, types, 128);
    Oid *args = arena_memdup(arena, types, (size_t)(n ? n : 1) * sizeof types[0]);
    f->proargtypes = (OidVec){n, args};
    if (!args) return false;
    if (*p.argdefaults) f->proargdefaults = p.argdefaults;
    if (*p.allargtypes) {
        n = parse_oid_list(p.allargtypes, types, 128);
        if (!(f->proallargtypes = cat_oid_array(arena, types, n))) return false;
    }
    if (*p.argmodes && !(f->proargmodes = cat_char_array(arena, p.argmodes, (int)strlen(p.argmodes)))) return false;
    if (*p.argnames && !(f->proargnames = names_array(arena, p.argnames))) return false;
    return true;
}

const BuiltinTable builtin_pg_proc = {REL_pg_proc, builtin_proc_count, proc_fill, ATT_pg_proc_oid};

/* ---- pg_operator ---- */
static const struct OperPool {
#define PGOPERATOR(oid, name, kind, merge, hash, left, right, result, com, negate, code, rest, join, descr) \
    char n##oid[sizeof(name)]; char d##oid[sizeof(descr)];
#include "catalog/pg_operator.def"
} oper_pool = {
#define PGOPERATOR(oid, name, kind, merge, hash, left, right, result, com, negate, code, rest, join, descr) name, descr,
#include "catalog/pg_operator.def"
};
static const struct {
    uint16_t name, descr, oid, left, right, result, com, negate, code, rest, join;
    char kind;
    bool merge, hash;
} opers[] = {
#define PGOPERATOR(oid, name, kind, merge, hash, left, right, result, com, negate, code, rest, join, descr)         \
    {offsetof(struct OperPool, n##oid), offsetof(struct OperPool, d##oid), oid, left, right, result, com, negate, code, \
     rest, join, kind, merge, hash},
#include "catalog/pg_operator.def"
};
enum { NOPERS = sizeof opers / sizeof opers[0] };

int builtin_operator_count(void) { return NOPERS; }

static bool operator_fill(int i, Arena *arena UNUSED, void *form)
{
    *(Form_pg_operator *)form = (Form_pg_operator){
        .oid = opers[i].oid, .oprname = (const char *)&oper_pool + opers[i].name, .oprnamespace = PG_CATALOG_NAMESPACE,
        .oprowner = BOOTSTRAP_SUPERUSER, .oprkind = opers[i].kind, .oprcanmerge = opers[i].merge, .oprcanhash = opers[i].hash,
        .oprleft = opers[i].left, .oprright = opers[i].right, .oprresult = opers[i].result, .oprcom = opers[i].com,
        .oprnegate = opers[i].negate, .oprcode = opers[i].code, .oprrest = opers[i].rest, .oprjoin = opers[i].join};
    return true;
}

void builtin_operator_get(int i, Form_pg_operator *out) { operator_fill(i, NULL, out); }

const BuiltinTable builtin_pg_operator = {REL_pg_operator, builtin_operator_count, operator_fill, ATT_pg_operator_oid};

/* ---- pg_description: functions, operators, then the rest; no common order ---- */
static const struct DescrPool {
#define PGDESCRIPTION(cls, obj, sub, text) char d##cls##_##obj##_##sub[sizeof(text)];
#include "catalog/pg_description.def"
} descr_pool = {
#define PGDESCRIPTION(cls, obj, sub, text) text,
#include "catalog/pg_description.def"
};
static const struct { uint16_t cls, obj, sub; uint32_t text; } descrs[] = {
#define PGDESCRIPTION(cls, obj, sub, text) {cls, obj, sub, offsetof(struct DescrPool, d##cls##_##obj##_##sub)},
#include "catalog/pg_description.def"
};
enum { NDESCRS = sizeof descrs / sizeof descrs[0] };

static int description_count(void) { return NPROCS + NOPERS + NDESCRS; }

static bool description_fill(int i, Arena *arena UNUSED, void *form)
{
    Form_pg_description *f = form;
    if (i < NPROCS) {
        BuiltinProc p;
        builtin_proc_get(i, &p);
        *f = (Form_pg_description){p.oid, REL_pg_proc, 0, *p.description ? p.description : NULL};
    } else if (i < NPROCS + NOPERS) {
        i -= NPROCS;
        const char *text = (const char *)&oper_pool + opers[i].descr;
        *f = (Form_pg_description){opers[i].oid, REL_pg_operator, 0, *text ? text : NULL};
    } else {
        i -= NPROCS + NOPERS;
        *f = (Form_pg_description){descrs[i].obj, descrs[i].cls, descrs[i].sub,
                                   (const char *)&descr_pool + descrs[i].text};
    }
    return true;
}

const BuiltinTable builtin_pg_description = {REL_pg_description, description_count, description_fill, 0};

static const struct { uint16_t cls, obj; char text[60]; } shdescrs[] = {
#define PGSHDESCRIPTION(cls, obj, text) {cls, obj, text},
#include "catalog/pg_description.def"
};

static int shdescription_count(void) { return sizeof shdescrs / sizeof shdescrs[0]; }

static bool shdescription_fill(int i, Arena *arena UNUSED, void *form)
{
    *(Form_pg_shdescription *)form = (Form_pg_shdescription){shdescrs[i].obj, shdescrs[i].cls, shdescrs[i].text};
    return true;
}

const BuiltinTable builtin_pg_shdescription = {REL_pg_shdescription, shdescription_count, shdescription_fill, 0};
