/* Access control lists as values: acldefault, aclexplode. */
#include "catalog/acl.h"
#include "catalog/cat_write.h"
#include "functions/fn.h"

FN(acldefault_sql)
{
    static const struct { char letter; Oid classid; char relkind; } classes[] = {
        {'r', RELATION_pg_class, 'r'}, {'s', RELATION_pg_class, 'S'}, {'d', RELATION_pg_database, 0}, {'f', RELATION_pg_proc, 0},
        {'l', REL_pg_language, 0}, {'n', RELATION_pg_namespace, 0}, {'T', RELATION_pg_type, 0}};
    Datum out = 0;
    char c = (char)cf->args[0];
    for (size_t i = 0; i < sizeof classes / sizeof classes[0]; i++)
        if (classes[i].letter == c) {
            FTRY(acl_default(classes[i].classid, classes[i].relkind, ARG_OID(1), cf->arena, &out, cf->err));
            FTRY(acl_for_display(cf->env, cf->arena, out, &out, cf->err));
            return out;
        }
    if (!strchr("ctFSpL", c) || !c) return CALL_ERROR(cf, ERR_INVALID_PARAMETER_VALUE, "unrecognized object type abbreviation: %c", c);
    out = acl_make(cf->arena, NULL, 0);
    return out ? out : fn_oom(cf);
}

/* (grantor, grantee, privilege_type, is_grantable), one row a privilege */
typedef struct Explode { const AclItem *items; int n, item, bit; } Explode;
FN(aclexplode)
{
    Explode *s = cf->site_state;
    if (!s) {
        Datum copy;
        Arena *site = cf->site_arena ? cf->site_arena : cf->arena;
        s = fn_site_alloc(cf, sizeof *s);
        FTRY_MEM(s);
        FTRY(datum_copy(site, cf->args[0], false, -1, &copy, cf->err));
        FTRY(acl_items(cf->env, site, copy, &s->items, &s->n, cf->err));
        cf->site_state = s;
    }
    for (; s->item < s->n; s->item++, s->bit = 0)
        for (; s->bit < 14; s->bit++) {
            const AclItem *it = &s->items[s->item];
            uint32_t p = 1u << s->bit;
            if (!(it->privs & p)) continue;
            s->bit++;
            Datum v[4] = {datum_oid(it->grantor), datum_oid(it->grantee), call_return_cstr(cf, acl_privilege_name(p)), datum_bool(it->privs & ACL_GRANT(p))};
            return fn_return_row(cf, 4, v, NULL);
        }
    cf->set->done = true;
    return 0;
}
