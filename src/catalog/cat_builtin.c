/* Built-in rows of the catalogs (the small ones; the big ones are in cat_builtin_proc.c), and finding them by a column. */
#include "catalog/cat_builtin.h"

#include <assert.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "catalog/acl.h"
#include "catalog/cat_array.h"
#include "catalog/cat_builtin_internal.h"
#include "common/thread.h"

#define ROWS(array) ((int)(sizeof(array) / sizeof((array)[0])))
/* A catalog whose rows are all integers and chars: kept as forms would be, without the columns that never vary. */
#define COUNT_FN(name, array) \
    static int name##_count(void) { return ROWS(array); }
#define TABLE(name, att) const BuiltinTable builtin_##name = {REL_##name, name##_count, name##_fill, att};

static const struct { uint16_t oid, handler; char type; char name[7]; } ams[] = {
#define PGAM(oid, name, handler, type) {oid, handler, type, name},
#include "catalog/pg_am.def"
};
COUNT_FN(pg_am, ams)
static bool pg_am_fill(int i, Arena *arena UNUSED, void *form)
{
    *(Form_pg_am *)form = (Form_pg_am){ams[i].oid, ams[i].name, ams[i].handler, ams[i].type};
    return true;
}
static TABLE(pg_am, ATT_pg_am_oid)

static const struct { uint16_t oid, method; char name[28]; } opfamilies[] = {
#define PGOPFAMILY(oid, method, name) {oid, method, name},
#include "catalog/pg_opfamily.def"
};
COUNT_FN(pg_opfamily, opfamilies)
static bool pg_opfamily_fill(int i, Arena *arena UNUSED, void *form)
{
    *(Form_pg_opfamily *)form = (Form_pg_opfamily){opfamilies[i].oid, opfamilies[i].method, opfamilies[i].name,
                                                   PG_CATALOG_NAMESPACE, BOOTSTRAP_SUPERUSER};
    return true;
}
static TABLE(pg_opfamily, ATT_pg_opfamily_oid)

static const struct { uint16_t oid, method, family, intype, keytype; bool is_default; char name[29]; } opclasses[] = {
#define PGOPCLASS(oid, method, name, family, intype, is_default, keytype) {oid, method, family, intype, keytype, is_default, name},
#include "catalog/pg_opclass.def"
};
COUNT_FN(pg_opclass, opclasses)
static bool pg_opclass_fill(int i, Arena *arena UNUSED, void *form)
{
    *(Form_pg_opclass *)form = (Form_pg_opclass){
        opclasses[i].oid, opclasses[i].method, opclasses[i].name, PG_CATALOG_NAMESPACE, BOOTSTRAP_SUPERUSER,
        opclasses[i].family, opclasses[i].intype, opclasses[i].is_default, opclasses[i].keytype};
    return true;
}
static TABLE(pg_opclass, ATT_pg_opclass_oid)

static const struct { uint16_t oid, family, left, right, opr, method, sortfamily; uint8_t strategy; char purpose; } amops[] = {
#define PGAMOP(oid, family, left, right, strategy, purpose, opr, method, sortfamily) \
    {oid, family, left, right, opr, method, sortfamily, strategy, purpose},
#include "catalog/pg_amop.def"
};
COUNT_FN(pg_amop, amops)
static bool pg_amop_fill(int i, Arena *arena UNUSED, void *form)
{
    *(Form_pg_amop *)form = (Form_pg_amop){amops[i].oid, amops[i].family, amops[i].left, amops[i].right,
                                           amops[i].strategy, amops[i].purpose, amops[i].opr, amops[i].method,
                                           amops[i].sortfamily};
    return true;
}
static TABLE(pg_amop, ATT_pg_amop_oid)

static const struct { uint16_t oid, family, left, right, num, proc; } amprocs[] = {
#define PGAMPROC(oid, family, left, right, num, proc) {oid, family, left, right, num, proc},
#include "catalog/pg_amproc.def"
};
COUNT_FN(pg_amproc, amprocs)
static bool pg_amproc_fill(int i, Arena *arena UNUSED, void *form)
{
    *(Form_pg_amproc *)form = (Form_pg_amproc){amprocs[i].oid, amprocs[i].family, amprocs[i].left, amprocs[i].right,
                                               (int16_t)amprocs[i].num, amprocs[i].proc};
    return true;
}
static TABLE(pg_amproc, ATT_pg_amproc_oid)

static const struct { uint16_t oid, source, target, func; char context, method; } casts[] = {
#define PGCAST(oid, source, target, func, context, method) {oid, source, target, func, context, method},
#include "catalog/pg_cast.def"
};
COUNT_FN(pg_cast, casts)
static bool pg_cast_fill(int i, Arena *arena UNUSED, void *form)
{
    *(Form_pg_cast *)form = (Form_pg_cast){casts[i].oid, casts[i].source, casts[i].target, casts[i].func,
                                           casts[i].context, casts[i].method};
    return true;
}
static TABLE(pg_cast, ATT_pg_cast_oid)

static const Form_pg_aggregate aggregates[] = {
#define PGAGGREGATE(fn, kind, ndirect, transfn, finalfn, combinefn, serialfn, deserialfn, mtransfn, minvtransfn, mfinalfn, \
                    finalextra, mfinalextra, finalmodify, mfinalmodify, sortop, transtype, transspace, mtranstype,         \
                    mtransspace, initval, minitval)                                                                        \
    {fn, kind, ndirect, transfn, finalfn, combinefn, serialfn, deserialfn, mtransfn, minvtransfn, mfinalfn, finalextra,    \
     mfinalextra, finalmodify, mfinalmodify, sortop, transtype, transspace, mtranstype, mtransspace, initval, minitval},
#include "catalog/pg_aggregate.def"
};
COUNT_FN(pg_aggregate, aggregates)
static bool pg_aggregate_fill(int i, Arena *arena UNUSED, void *form)
{
    *(Form_pg_aggregate *)form = aggregates[i];
    return true;
}
static TABLE(pg_aggregate, ATT_pg_aggregate_aggfnoid)

static const Form_pg_collation collations[] = {
#define PGCOLLATION(id, name, provider, deterministic, encoding, collate, ctype)                                  \
    {.oid = id, .collname = name, .collnamespace = PG_CATALOG_NAMESPACE, .collowner = BOOTSTRAP_SUPERUSER,             \
     .collprovider = provider, .collisdeterministic = deterministic, .collencoding = encoding,                    \
     .collcollate = collate, .collctype = ctype},
#include "catalog/pg_collation.def"
};
COUNT_FN(pg_collation, collations)
static bool pg_collation_fill(int i, Arena *arena UNUSED, void *form)
{
    *(Form_pg_collation *)form = collations[i];
    return true;
}
static TABLE(pg_collation, ATT_pg_collation_oid)

static const Form_pg_language languages[] = {
#define PGLANGUAGE(id, name, ispl, trusted, callfoid, inlinefn, validator) \
    {id, name, BOOTSTRAP_SUPERUSER, ispl, trusted, callfoid, inlinefn, validator, 0},
#include "catalog/pg_language.def"
};
COUNT_FN(pg_language, languages)
static bool pg_language_fill(int i, Arena *arena UNUSED, void *form)
{
    *(Form_pg_language *)form = languages[i];
    return true;
}
static TABLE(pg_language, ATT_pg_language_oid)

static const Form_pg_range ranges[] = {
#define PGRANGE(type, subtype, multi, coll, opc, canonical, diff) {type, subtype, multi, coll, opc, canonical, diff},
#include "catalog/pg_range.def"
};
COUNT_FN(pg_range, ranges)
static bool pg_range_fill(int i, Arena *arena UNUSED, void *form)
{
    *(Form_pg_range *)form = ranges[i];
    return true;
}
static TABLE(pg_range, ATT_pg_range_rngtypid)

static const struct { uint16_t oid, proc; uint8_t from, to; bool is_default; char name[40]; } conversions[] = {
#define PGCONVERSION(oid, name, from, to, proc, is_default) {oid, proc, from, to, is_default, name},
#include "catalog/pg_conversion.def"
};
COUNT_FN(pg_conversion, conversions)
static bool pg_conversion_fill(int i, Arena *arena UNUSED, void *form)
{
    *(Form_pg_conversion *)form = (Form_pg_conversion){
        conversions[i].oid, conversions[i].name, PG_CATALOG_NAMESPACE, BOOTSTRAP_SUPERUSER, conversions[i].from,
        conversions[i].to, conversions[i].proc, conversions[i].is_default};
    return true;
}
static TABLE(pg_conversion, ATT_pg_conversion_oid)

static const struct { uint16_t oid, parser; char name[16]; } ts_configs[] = {
#define PGTSCONFIG(oid, name, parser) {oid, parser, name},
#include "catalog/pg_ts_config.def"
};
COUNT_FN(pg_ts_config, ts_configs)
static bool pg_ts_config_fill(int i, Arena *arena UNUSED, void *form)
{
    *(Form_pg_ts_config *)form = (Form_pg_ts_config){ts_configs[i].oid, ts_configs[i].name, PG_CATALOG_NAMESPACE,
                                                     BOOTSTRAP_SUPERUSER, ts_configs[i].parser};
    return true;
}
static TABLE(pg_ts_config, ATT_pg_ts_config_oid)

static const struct { uint16_t cfg, token, seq, dict; } ts_maps[] = {
#define PGTSCONFIGMAP(cfg, token, seq, dict) {cfg, token, seq, dict},
#include "catalog/pg_ts_config.def"
};
COUNT_FN(pg_ts_config_map, ts_maps)
static bool pg_ts_config_map_fill(int i, Arena *arena UNUSED, void *form)
{
    *(Form_pg_ts_config_map *)form = (Form_pg_ts_config_map){ts_maps[i].cfg, ts_maps[i].token, ts_maps[i].seq,
                                                             ts_maps[i].dict};
    return true;
}
static TABLE(pg_ts_config_map, ATT_pg_ts_config_map_mapcfg)

static const struct { uint16_t oid, tmpl; const char *option; char name[20]; } ts_dicts[] = {
#define PGTSDICT(oid, name, tmpl, option) {oid, tmpl, option, name},
#include "catalog/pg_ts_dict.def"
};
COUNT_FN(pg_ts_dict, ts_dicts)
static bool pg_ts_dict_fill(int i, Arena *arena UNUSED, void *form)
{
    *(Form_pg_ts_dict *)form = (Form_pg_ts_dict){ts_dicts[i].oid, ts_dicts[i].name, PG_CATALOG_NAMESPACE,
                                                 BOOTSTRAP_SUPERUSER, ts_dicts[i].tmpl, ts_dicts[i].option};
    return true;
}
static TABLE(pg_ts_dict, ATT_pg_ts_dict_oid)

static const Form_pg_ts_parser ts_parsers[] = {
#define PGTSPARSER(id, name, start, token, end, headline, lextype) \
    {id, name, PG_CATALOG_NAMESPACE, start, token, end, headline, lextype},
#include "catalog/pg_ts_parser.def"
};
COUNT_FN(pg_ts_parser, ts_parsers)
static bool pg_ts_parser_fill(int i, Arena *arena UNUSED, void *form)
{
    *(Form_pg_ts_parser *)form = ts_parsers[i];
    return true;
}
static TABLE(pg_ts_parser, ATT_pg_ts_parser_oid)

static const Form_pg_ts_template ts_templates[] = {
#define PGTSTEMPLATE(id, name, init, lexize) {id, name, PG_CATALOG_NAMESPACE, init, lexize},
#include "catalog/pg_ts_template.def"
};
COUNT_FN(pg_ts_template, ts_templates)
static bool pg_ts_template_fill(int i, Arena *arena UNUSED, void *form)
{
    *(Form_pg_ts_template *)form = ts_templates[i];
    return true;
}
static TABLE(pg_ts_template, ATT_pg_ts_template_oid)

static const Form_pg_tablespace tablespaces[] = {
#define PGTABLESPACE(id, name, owner) {id, name, owner, 0, 0},
#include "catalog/pg_tablespace.def"
};
COUNT_FN(pg_tablespace, tablespaces)
static bool pg_tablespace_fill(int i, Arena *arena UNUSED, void *form)
{
    *(Form_pg_tablespace *)form = tablespaces[i];
    return true;
}
static TABLE(pg_tablespace, ATT_pg_tablespace_oid)

/* ---- pg_type ---- */
static const struct TypeRow {
    const char *name, *in, *out, *recv, *send, *modin, *modout, *analyze, *subscript;
    uint16_t oid, elem, array, coll;
    int16_t len;
    bool byval, preferred;
    char type, category, delim, align, storage;
} types[] = {
#define PGTYPE(oid, name, len, byval, type, category, preferred, delim, relid, elem, array, in, out, recv, send, modin, \
               modout, analyze, align, storage, base, typmod, coll, subscript)                                          \
    {name, in, out, recv, send, modin, modout, analyze, subscript, oid, elem, array, coll, len, byval, preferred, type,  \
     category, delim, align, storage},
#include "types/pg_type.def"
};
static const struct DomainRow {
    const char *name, *check_name, *check;
    uint16_t oid, base, array, coll;
    int16_t typmod, len;
    bool byval;
    char category, align, storage;
} domains[] = {
#define SYSDOMAIN(oid, name, base, typmod, array, coll, len, byval, category, align, storage, check_name, check) \
    {name, check_name, check, oid, base, array, coll, typmod, len, byval, category, align, storage},
#include "catalog/sys_domains.def"
};

/* The row types of the system relations and the arrays of them follow. */
static int pg_type_count(void) { return ROWS(types) + ROWS(domains) + 2 * sysrel_count(); }

static Oid proc_or_none(const char *name) { return name[0] == '-' ? 0 : builtin_proc_oid(name); }

/* Arrays of row types were numbered just before them, but for those with fixed numbers. */
static Oid row_array_type(Oid row_type)
{
    static const Oid fixed[][2] = {{71, 210}, {75, 270}, {81, 272}, {83, 273}, {1248, 10052}, {2842, 10057}, {2843, 10058},
                                   {4066, 10093}, {6101, 10112}};
    for (int i = 0; i < ROWS(fixed); i++)
        if (fixed[i][0] == row_type) return fixed[i][1];
    return row_type - 1;
}

static bool row_type_fill(const SysRel *rel, bool array, Arena *arena, Form_pg_type *f)
{
    f->oid = array ? row_array_type(rel->reltype) : rel->reltype;
    f->typname = array ? arena_printf(arena, "_%s", rel->name) : rel->name;
    f->typnamespace = rel->is_info_schema ? INFORMATION_SCHEMA_NAMESPACE : PG_CATALOG_NAMESPACE;
    f->typlen = -1;
    f->typtype = array ? 'b' : 'c';
    f->typcategory = array ? 'A' : 'C';
    f->typrelid = array ? 0 : rel->oid;
    f->typelem = array ? rel->reltype : 0;
    f->typarray = array ? 0 : row_array_type(rel->reltype);
    f->typsubscript = array ? builtin_proc_oid("array_subscript_handler") : 0;
    f->typinput = builtin_proc_oid(array ? "array_in" : "record_in");
    f->typoutput = builtin_proc_oid(array ? "array_out" : "record_out");
    f->typreceive = builtin_proc_oid(array ? "array_recv" : "record_recv");
    f->typsend = builtin_proc_oid(array ? "array_send" : "record_send");
    f->typanalyze = array ? builtin_proc_oid("array_typanalyze") : 0;
    f->typalign = 'd';
    f->typstorage = 'x';
    return f->typname != NULL;
}

static bool pg_type_fill(int i, Arena *arena, void *form)
{
    Form_pg_type *f = form;
    *f = (Form_pg_type){.typowner = BOOTSTRAP_SUPERUSER, .typisdefined = true, .typtypmod = -1, .typdelim = ','};
    if (i < ROWS(types)) {
        const struct TypeRow *t = &types[i];
        f->oid = t->oid;
        f->typname = t->name;
        f->typnamespace = PG_CATALOG_NAMESPACE;
        f->typlen = t->len;
        f->typbyval = t->byval;
        f->typtype = t->type;
        f->typcategory = t->category;
        f->typispreferred = t->preferred;
        f->typdelim = t->delim;
        f->typelem = t->elem;
        f->typarray = t->array;
        f->typcollation = t->coll;
        f->typalign = t->align;
        f->typstorage = t->storage;
        f->typinput = proc_or_none(t->in);
        f->typoutput = proc_or_none(t->out);
        f->typreceive = proc_or_none(t->recv);
        f->typsend = proc_or_none(t->send);
        f->typmodin = proc_or_none(t->modin);
        f->typmodout = proc_or_none(t->modout);
        f->typanalyze = proc_or_none(t->analyze);
        f->typsubscript = proc_or_none(t->subscript);
        return true;
    }
    if (i >= ROWS(types) + ROWS(domains)) {
        SysRel rel;
        int k = i - ROWS(types) - ROWS(domains);
        sysrel_get(k / 2, &rel);
        return row_type_fill(&rel, k & 1, arena, f);
    }
    const struct DomainRow *d = &domains[i - ROWS(types)];
    f->oid = d->oid;
    f->typname = d->name;
    f->typnamespace = INFORMATION_SCHEMA_NAMESPACE;
    f->typlen = d->len;
    f->typbyval = d->byval;
    f->typtype = 'd';
    f->typcategory = d->category;
    f->typarray = d->array;
    f->typbasetype = d->base;
    f->typtypmod = d->typmod;
    f->typcollation = d->coll;
    f->typalign = d->align;
    f->typstorage = d->storage;
    f->typinput = builtin_proc_oid("domain_in");
    f->typreceive = builtin_proc_oid("domain_recv");
    for (int t = 0; t < ROWS(types); t++)
        if (types[t].oid == d->base) {
            f->typoutput = proc_or_none(types[t].out);
            f->typsend = proc_or_none(types[t].send);
        }
    return true;
}
static TABLE(pg_type, ATT_pg_type_oid)

/* ---- pg_namespace: those that no DDL may change; public is a row of the store ---- */
static const Form_pg_namespace namespaces[] = {
    {PG_CATALOG_NAMESPACE, "pg_catalog", BOOTSTRAP_SUPERUSER, 0},
    {PG_TOAST_NAMESPACE, "pg_toast", BOOTSTRAP_SUPERUSER, 0},
    {INFORMATION_SCHEMA_NAMESPACE, "information_schema", BOOTSTRAP_SUPERUSER, 0},
};
COUNT_FN(pg_namespace, namespaces)
static bool pg_namespace_fill(int i, Arena *arena, void *form)
{
    Form_pg_namespace *f = form;
    *f = namespaces[i];
    if (f->oid == PG_TOAST_NAMESPACE) return true;
    f->nspacl = cat_acl_public(arena, BOOTSTRAP_SUPERUSER, "UC", "U");
    return f->nspacl != 0;
}
static TABLE(pg_namespace, ATT_pg_namespace_oid)

/* ---- system relations ---- */
static int pg_class_count(void) { return sysrel_count() + sysindex_count(); }

/* The two lists that system relations have, made once. */
static Datum relation_acls[2];
static Arena acl_arena;
static pthread_once_t acl_once = PTHREAD_ONCE_INIT;

static void make_relation_acls(void)
{
    relation_acls[0] = cat_acl_public(&acl_arena, BOOTSTRAP_SUPERUSER, "arwdDxt", "r");
    relation_acls[1] = cat_acl_public(&acl_arena, BOOTSTRAP_SUPERUSER, "arwdDxt", NULL);
}

static bool sysrel_to_class(const SysRel *r, Form_pg_class *f)
{
    bool table = r->relkind == 'r';
    f->oid = r->oid;
    f->relname = r->name;
    f->relnamespace = r->is_info_schema ? INFORMATION_SCHEMA_NAMESPACE : PG_CATALOG_NAMESPACE;
    f->reltype = r->reltype;
    f->relam = table ? 2 : 0;
    f->relfilenode = table && r->is_info_schema ? r->oid : 0;
    f->reltablespace = r->is_shared ? GLOBAL_TABLESPACE : 0;
    f->reltuples = -1;
    f->relisshared = r->is_shared;
    f->relkind = r->relkind;
    f->relnatts = (int16_t)r->natts;
    f->relhasrules = !table;
    for (int i = 0; table && !f->relhasindex && i < sysindex_count(); i++) {
        SysIndex x;
        sysindex_get(i, &x);
        f->relhasindex = x.table == r->oid;
    }
    static const Oid private[] = {REL_pg_authid, 12005 /* pg_shadow */, REL_pg_statistic, REL_pg_user_mapping, REL_pg_largeobject,
                                  REL_pg_subscription};
    bool hidden = false;
    for (int i = 0; i < 6; i++) hidden |= private[i] == r->oid;
    pthread_once(&acl_once, make_relation_acls);
    f->relacl = relation_acls[hidden];
    return f->relacl != 0;
}

static bool pg_class_fill(int i, Arena *arena UNUSED, void *form)
{
    Form_pg_class *f = form;
    *f = (Form_pg_class){.relowner = BOOTSTRAP_SUPERUSER, .relpersistence = 'p', .relispopulated = true, .relreplident = 'n'};
    if (i < sysrel_count()) {
        SysRel r;
        sysrel_get(i, &r);
        return sysrel_to_class(&r, f);
    }
    SysIndex x;
    SysRel r;
    Oid keys[16];
    sysindex_get(i - sysrel_count(), &x);
    f->oid = x.oid;
    f->relname = x.name;
    f->relnamespace = PG_CATALOG_NAMESPACE;
    f->relam = 403;
    f->relkind = 'i';
    f->relnatts = (int16_t)parse_oid_list(x.keys, keys, 16);
    f->reltablespace = sysrel_find(x.table, &r) && r.is_shared ? GLOBAL_TABLESPACE : 0;
    f->relisshared = f->reltablespace != 0;
    return true;
}
static TABLE(pg_class, 0)

static int pg_index_count(void) { return sysindex_count(); }
static bool pg_index_fill(int i, Arena *arena, void *form)
{
    Form_pg_index *f = form;
    SysIndex x;
    Oid keys[16];
    sysindex_get(i, &x);
    int n = parse_oid_list(x.keys, keys, 16);
    int16_t *key = arena_zalloc(arena, sizeof *key * 16), *option = arena_zalloc(arena, sizeof *option * 16);
    Oid *coll = arena_zalloc(arena, sizeof *coll * 16), *cls = arena_zalloc(arena, sizeof *cls * 16);
    if (!key || !option || !coll || !cls) return false;
    for (int k = 0; k < n; k++) key[k] = (int16_t)keys[k];
    parse_oid_list(x.collations, coll, 16);
    parse_oid_list(x.opclasses, cls, 16);
    *f = (Form_pg_index){.indexrelid = x.oid, .indrelid = x.table, .indnatts = (int16_t)n, .indnkeyatts = (int16_t)n,
                         .indisunique = x.unique, .indisprimary = x.primary, .indimmediate = true, .indisvalid = true,
                         .indisready = true, .indislive = true, .indkey = {n, key}, .indcollation = {n, coll},
                         .indclass = {n, cls}, .indoption = {n, option}};
    return true;
}
static TABLE(pg_index, ATT_pg_index_indexrelid)

/* One row an index: a constraint for the unique ones. Rows without one have conrelid 0 and are skipped by the scan. */
static int pg_constraint_count(void) { return sysindex_count() + ROWS(domains); }
static bool pg_constraint_fill(int i, Arena *arena, void *form)
{
    Form_pg_constraint *f = form;
    *f = (Form_pg_constraint){.convalidated = true, .conislocal = true, .connoinherit = true, .confupdtype = ' ',
                              .confdeltype = ' ', .confmatchtype = ' ', .connamespace = PG_CATALOG_NAMESPACE};
    if (i >= sysindex_count()) {
        const struct DomainRow *d = &domains[i - sysindex_count()];
        if (!d->check) return true;
        f->oid = (Oid)(d->oid + 1);
        f->conname = d->check_name;
        f->connamespace = INFORMATION_SCHEMA_NAMESPACE;
        f->contype = 'c';
        f->contypid = d->oid;
        f->connoinherit = false;
        f->conbin = d->check;
        return true;
    }
    SysIndex x;
    sysindex_get(i, &x);
    if (!x.constraint) return true;
    Oid keys[16];
    int16_t key[16];
    int n = parse_oid_list(x.keys, keys, 16);
    for (int k = 0; k < n; k++) key[k] = (int16_t)keys[k];
    f->oid = x.constraint;
    f->conname = x.name;
    f->contype = x.primary ? 'p' : 'u';
    f->conrelid = x.table;
    f->conindid = x.oid;
    f->conkey = cat_int2_array(arena, key, n);
    return f->conkey != 0;
}
static TABLE(pg_constraint, 0)

/* pg_attribute: for each system relation its system attributes (tables only) and columns, then the columns of the indexes. */
static uint32_t *attribute_starts; /* first row of each relation; sysrel_count() + sysindex_count() + 1 entries */
static pthread_once_t attribute_once = PTHREAD_ONCE_INIT;

static void make_attribute_starts(void)
{
    int nrels = sysrel_count(), n = nrels + sysindex_count();
    uint32_t *starts = malloc(((size_t)n + 1) * sizeof *starts);
    if (!starts) return;
    starts[0] = 0;
    for (int i = 0; i < n; i++) {
        SysRel r;
        SysIndex x;
        Oid keys[16];
        int atts;
        if (i < nrels) {
            sysrel_get(i, &r);
            atts = r.natts + (r.relkind == 'r' ? 6 : 0);
        } else {
            sysindex_get(i - nrels, &x);
            atts = parse_oid_list(x.keys, keys, 16);
        }
        starts[i + 1] = starts[i] + (uint32_t)atts;
    }
    attribute_starts = starts;
}

static int pg_attribute_count(void)
{
    pthread_once(&attribute_once, make_attribute_starts);
    return attribute_starts ? (int)attribute_starts[sysrel_count() + sysindex_count()] : 0;
}

static int attribute_owner(int row) /* index of the relation that row belongs to */
{
    int lo = 0, hi = sysrel_count() + sysindex_count() - 1;
    while (lo < hi) {
        int mid = (lo + hi + 1) / 2;
        if ((int)attribute_starts[mid] <= row) lo = mid;
        else hi = mid - 1;
    }
    return lo;
}

static void attribute_type(Form_pg_attribute *f, Oid type)
{
    f->atttypid = type;
    for (int t = 0; t < ROWS(types) + ROWS(domains); t++) {
        Form_pg_type ft;
        if ((t < ROWS(types) ? types[t].oid : domains[t - ROWS(types)].oid) != type) continue;
        if (t < ROWS(types)) {
            f->attlen = types[t].len;
            f->attbyval = types[t].byval;
            f->attalign = types[t].align;
            f->attstorage = types[t].storage;
            f->attndims = types[t].category == 'A';
        } else {
            pg_type_fill(t, NULL, &ft);
            f->attlen = ft.typlen;
            f->attbyval = ft.typbyval;
            f->attalign = ft.typalign;
            f->attstorage = ft.typstorage;
        }
        return;
    }
}

static void index_attribute(Form_pg_attribute *f, int index, int i)
{
    SysIndex x;
    SysRel r;
    SysCol c;
    Oid keys[16];
    sysindex_get(index, &x);
    parse_oid_list(x.keys, keys, 16);
    if (!sysrel_find(x.table, &r)) return;
    syscol_get(&r, (int)keys[i] - 1, &c);
    f->attrelid = x.oid;
    f->attname = c.name;
    f->attnum = (int16_t)(i + 1);
    f->attcollation = c.collation;
    attribute_type(f, c.type == TYPE_name ? TYPE_cstring : c.type); /* PostgreSQL stores name keys as cstring */
}

static bool pg_attribute_fill(int row, Arena *arena UNUSED, void *form)
{
    Form_pg_attribute *f = form;
    int owner = attribute_owner(row), i = row - (int)attribute_starts[owner];
    *f = (Form_pg_attribute){.attstattarget = -1, .attcacheoff = -1, .atttypmod = -1, .attislocal = true};
    if (owner >= sysrel_count()) {
        index_attribute(f, owner - sysrel_count(), i);
        return true;
    }
    SysRel r;
    SysCol c;
    sysrel_get(owner, &r);
    f->attrelid = r.oid;
    if (r.relkind == 'r' && i < 6) {
        const SysAttr *a = sysattr_by_num(i - 6);
        f->attname = a->name;
        f->attnum = (int16_t)a->attnum;
        f->attstattarget = 0;
        f->attnotnull = true;
        attribute_type(f, a->type);
        return true;
    }
    if (r.relkind == 'r') i -= 6;
    syscol_get(&r, i, &c);
    f->attname = c.name;
    f->attnum = (int16_t)(i + 1);
    f->atttypmod = c.typmod;
    f->attnotnull = c.not_null;
    f->attcollation = c.collation;
    attribute_type(f, c.type);
    return true;
}
static TABLE(pg_attribute, 0)

/* ---- access ---- */
static const BuiltinTable *const tables[] = {
    &builtin_pg_am, &builtin_pg_opfamily, &builtin_pg_opclass, &builtin_pg_amop, &builtin_pg_amproc, &builtin_pg_cast,
    &builtin_pg_aggregate, &builtin_pg_collation, &builtin_pg_language, &builtin_pg_range, &builtin_pg_conversion,
    &builtin_pg_ts_config, &builtin_pg_ts_config_map, &builtin_pg_ts_dict, &builtin_pg_ts_parser, &builtin_pg_ts_template,
    &builtin_pg_tablespace, &builtin_pg_type, &builtin_pg_namespace, &builtin_pg_class, &builtin_pg_index,
    &builtin_pg_constraint, &builtin_pg_attribute, &builtin_pg_proc, &builtin_pg_operator, &builtin_pg_description,
    &builtin_pg_shdescription,
};
enum { NTABLES = sizeof tables / sizeof tables[0] };

const BuiltinTable *builtin_table(Oid relid)
{
    for (int i = 0; i < NTABLES; i++)
        if (tables[i]->relid == relid) return tables[i];
    return NULL;
}
