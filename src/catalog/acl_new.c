/* The access list a new object starts with: ALTER DEFAULT PRIVILEGES' rows over the built-in default. */
#include "catalog/acl.h"
#include "catalog/cat_write.h"

static STATUS default_row(SessionEnv *env, Oid role, Oid nsp, char objtype, Arena *arena, const AclItem **items, int *n, bool *found, Error *err)
{
    Datum keys[3] = {datum_oid(role), datum_oid(nsp), (Datum)(uint8_t)objtype};
    const void *form;
    *n = 0;
    TRY(cat_get(env, REL_pg_default_acl, IDX_default_acl_role_nsp_obj, 3, keys, arena, &form, err));
    *found = form != NULL;
    return form ? acl_items(env, arena, ((const Form_pg_default_acl *)form)->defaclacl, items, n, err) : ST_OK;
}

static void merge_item(AclItem *out, int *n, AclItem item)
{
    for (int i = 0; i < *n; i++)
        if (out[i].grantee == item.grantee && out[i].grantor == item.grantor) {
            out[i].privs |= item.privs;
            return;
        }
    out[(*n)++] = item;
}

static bool same_items(const AclItem *a, int na, const AclItem *b, int nb)
{
    if (na != nb) return false;
    for (int i = 0; i < na; i++) {
        bool found = false;
        for (int k = 0; k < nb && !found; k++) found = a[i].grantee == b[k].grantee && a[i].grantor == b[k].grantor && a[i].privs == b[k].privs;
        if (!found) return false;
    }
    return true;
}

STATUS acl_new_object(SessionEnv *env, char objtype, Oid owner, Oid nsp, Arena *arena, Datum *out, Error *err)
{
    static const struct { char objtype; Oid classid; char relkind; } classes[] = {
        {'r', REL_pg_class, 'r'}, {'S', REL_pg_class, 'S'}, {'f', REL_pg_proc, 0}, {'T', REL_pg_type, 0}, {'n', REL_pg_namespace, 0}};
    const AclItem *global, *schema = NULL, *builtin;
    int nglobal, nschema = 0, nbuiltin, n = 0;
    bool has_global, has_schema = false;
    *out = 0;
    TRY(default_row(env, owner, 0, objtype, arena, &global, &nglobal, &has_global, err));
    if (nsp) TRY(default_row(env, owner, nsp, objtype, arena, &schema, &nschema, &has_schema, err));
    if (!has_global && !has_schema) return ST_OK;
    Datum usual = 0;
    for (size_t i = 0; i < sizeof classes / sizeof classes[0]; i++)
        if (classes[i].objtype == objtype) TRY(acl_default(classes[i].classid, classes[i].relkind, owner, arena, &usual, err));
    TRY(acl_items(env, arena, usual, &builtin, &nbuiltin, err));
    if (!has_global) global = builtin, nglobal = nbuiltin;
    AclItem *items;
    TRY_NEW_N(items, arena, nglobal + nschema + 1, err);
    for (int i = 0; i < nglobal; i++) merge_item(items, &n, global[i]);
    for (int i = 0; i < nschema; i++) merge_item(items, &n, schema[i]);
    if (same_items(items, n, builtin, nbuiltin)) return ST_OK;
    *out = acl_make(arena, items, n);
    return *out ? ST_OK : error_out_of_memory(err, 0);
}
