/* Facts of the system relations: their columns and indexes, from sys_columns.def and sys_indexes.def. The names lie in one
 * string pool addressed by offsets, so that these tables need no relocation and stay shared, read-only pages. */
#include <assert.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "catalog/cat_builtin.h"

static const struct SysPool {
#define SYSREL(oid, name, schema, relkind, reltype, shared) char r##oid[sizeof(name)];
#define SYSCOL(rel, num, name, type, typmod, notnull, len, coll) char c##rel##_##num[sizeof(name)];
#include "catalog/sys_columns.def"
#define SYSINDEX(oid, name, rel, uniq, prim, keys, cls, coll, con) char i##oid[sizeof(name)];
#include "catalog/sys_indexes.def"
#define SYSINDEX(oid, name, rel, uniq, prim, keys, cls, coll, con) \
    char k##oid[sizeof(keys)]; char o##oid[sizeof(cls)]; char l##oid[sizeof(coll)];
#include "catalog/sys_indexes.def"
} pool = {
#define SYSREL(oid, name, schema, relkind, reltype, shared) name,
#define SYSCOL(rel, num, name, type, typmod, notnull, len, coll) name,
#include "catalog/sys_columns.def"
#define SYSINDEX(oid, name, rel, uniq, prim, keys, cls, coll, con) name,
#include "catalog/sys_indexes.def"
#define SYSINDEX(oid, name, rel, uniq, prim, keys, cls, coll, con) keys, cls, coll,
#include "catalog/sys_indexes.def"
};
#define POOL(member) ((uint16_t)offsetof(struct SysPool, member))
static_assert(sizeof(struct SysPool) < 65536, "pool offsets are 16 bits");

static const char *pool_str(uint16_t offset) { return (const char *)&pool + offset; }

enum { /* index of each relation's first column */
#define SYSCOL(rel, num, name, type, typmod, notnull, len, coll) COL_##rel##_##num,
#include "catalog/sys_columns.def"
    NCOLS
};

static const struct { uint16_t oid, name, reltype, first_col; char relkind; bool shared, info; } rels[] = {
#define SYSREL(oid, name, schema, relkind, reltype, shared) \
    {oid, POOL(r##oid), reltype, COL_##oid##_1, relkind, shared, sizeof(schema) != sizeof("pg_catalog")},
#include "catalog/sys_columns.def"
};
static const struct { uint16_t name, type, coll; int16_t typmod; bool notnull; } cols[] = {
#define SYSCOL(rel, num, name, type, typmod, notnull, len, coll) {POOL(c##rel##_##num), type, coll, typmod, notnull},
#include "catalog/sys_columns.def"
};
static const struct { uint16_t oid, table, con, name, keys, cls, coll; bool unique, primary; } indexes[] = {
#define SYSINDEX(oid, name, rel, uniq, prim, keys, cls, coll, con) \
    {oid, rel, con, POOL(i##oid), POOL(k##oid), POOL(o##oid), POOL(l##oid), uniq, prim},
#include "catalog/sys_indexes.def"
};
enum { NRELS = sizeof rels / sizeof rels[0], NINDEXES = sizeof indexes / sizeof indexes[0] };

int sysrel_count(void) { return NRELS; }

void sysrel_get(int i, SysRel *out)
{
    int next = i + 1 < NRELS ? rels[i + 1].first_col : NCOLS;
    *out = (SysRel){.oid = rels[i].oid, .reltype = rels[i].reltype, .name = pool_str(rels[i].name),
                    .is_info_schema = rels[i].info, .is_shared = rels[i].shared, .relkind = rels[i].relkind,
                    .natts = next - rels[i].first_col, .first_col = rels[i].first_col};
}

bool sysrel_find(Oid oid, SysRel *out)
{
    int lo = 0, hi = NRELS - 1;
    while (lo <= hi) {
        int mid = (lo + hi) / 2;
        if (rels[mid].oid == oid) {
            sysrel_get(mid, out);
            return true;
        }
        if (rels[mid].oid < oid) lo = mid + 1;
        else hi = mid - 1;
    }
    return false;
}

bool sysrel_by_name(bool info_schema, const char *name, SysRel *out)
{
    for (int i = 0; i < NRELS; i++)
        if (rels[i].info == info_schema && !strcmp(pool_str(rels[i].name), name)) {
            sysrel_get(i, out);
            return true;
        }
    return false;
}

void syscol_get(const SysRel *rel, int i, SysCol *out)
{
    int c = rel->first_col + i;
    *out = (SysCol){.name = pool_str(cols[c].name), .type = cols[c].type, .collation = cols[c].coll,
                    .typmod = cols[c].typmod, .not_null = cols[c].notnull};
}

int sysindex_count(void) { return NINDEXES; }

void sysindex_get(int i, SysIndex *out)
{
    *out = (SysIndex){.oid = indexes[i].oid, .table = indexes[i].table, .constraint = indexes[i].con,
                      .name = pool_str(indexes[i].name), .keys = pool_str(indexes[i].keys),
                      .opclasses = pool_str(indexes[i].cls), .collations = pool_str(indexes[i].coll),
                      .unique = indexes[i].unique, .primary = indexes[i].primary};
}

bool sysindex_find(Oid oid, SysIndex *out)
{
    for (int i = 0; i < NINDEXES; i++)
        if (indexes[i].oid == oid) {
            sysindex_get(i, out);
            return true;
        }
    return false;
}

int parse_oid_list(const char *text, Oid *out, int max)
{
    int n = 0;
    while (*text && n < max) {
        char *end;
        out[n] = (Oid)strtoul(text, &end, 10);
        if (end == text) break;
        n++;
        text = *end == ' ' ? end + 1 : end;
    }
    return n;
}

static const SysAttr sysattrs[] = {
    {-6, "tableoid", TYPE_oid, 4}, {-5, "cmax", TYPE_cid, 4}, {-4, "xmax", TYPE_xid, 4},
    {-3, "cmin", TYPE_cid, 4},     {-2, "xmin", TYPE_xid, 4}, {-1, "ctid", TYPE_tid, 6},
};

const SysAttr *sysattr_by_num(int attnum) { return attnum >= -6 && attnum <= -1 ? &sysattrs[attnum + 6] : NULL; }

const SysAttr *sysattr_by_name(const char *name)
{
    for (int i = 0; i < 6; i++)
        if (!strcmp(sysattrs[i].name, name)) return &sysattrs[i];
    return NULL;
}
