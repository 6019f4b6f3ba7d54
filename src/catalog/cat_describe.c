/* How messages call an object: "column a of table t". */
#include "catalog/catalog_internal.h"
#include "catalog/deparse.h"
#include "catalog/name_lookup.h"

static const char *relkind_name(char relkind)
{
    switch (relkind) {
    case 'r': case 'p': return "table";
    case 'i': case 'I': return "index";
    case 'S': return "sequence";
    case 't': return "toast table";
    case 'v': return "view";
    case 'm': return "materialized view";
    case 'c': return "composite type";
    case 'f': return "foreign table";
    default: return "relation";
    }
}

static const char *relation_text(SessionEnv *env, Oid oid, Arena *arena)
{
    const void *form;
    if (failed(cat_get_by_oid(env, REL_pg_class, IDX_class_oid, oid, arena, &form, NULL)) || !form) return "table ???";
    return arena_printf(arena, "%s %s", relkind_name(((const Form_pg_class *)form)->relkind), deparse_relation_name(env, oid, false, arena));
}

static const char *column_name(SessionEnv *env, Oid rel, int attnum, Arena *arena)
{
    Datum keys[2] = {datum_oid(rel), datum_i16((int16_t)attnum)};
    const void *form;
    if (failed(cat_get(env, REL_pg_attribute, IDX_attribute_relid_attnum, 2, keys, arena, &form, NULL)) || !form) return "???";
    return ((const Form_pg_attribute *)form)->attname;
}

static const char *constraint_text(SessionEnv *env, const Form_pg_constraint *f, Arena *arena)
{
    if (f->conrelid) return arena_printf(arena, "constraint %s on %s", f->conname, relation_text(env, f->conrelid, arena));
    return arena_printf(arena, "constraint %s", f->conname);
}

static const char *procedure_text(SessionEnv *env, Oid oid, Arena *arena)
{
    const ProcInfo *p = proc_by_oid(env, oid);
    StrBuf sb;
    if (!p) return "function ???";
    strbuf_init(&sb, arena);
    strbuf_printf(&sb, "%s %s(", p->kind == 'p' ? "procedure" : p->kind == 'a' ? "aggregate" : "function", deparse_proc_name(env, oid, arena));
    for (int i = 0; i < p->nargs; i++) strbuf_printf(&sb, "%s%s", i ? "," : "", format_type_text(env, p->args[i], -1, arena));
    strbuf_char(&sb, ')');
    return sb.oom ? NULL : strbuf_cstr(&sb);
}

/* Classes whose description is a word and a name. */
static const struct { Oid classid, index; int name_att; const char *word; bool quote; } simple[] = {
    {REL_pg_namespace, IDX_namespace_oid, ATT_pg_namespace_nspname, "schema", false},
    {REL_pg_database, IDX_database_oid, ATT_pg_database_datname, "database", false},
    {REL_pg_authid, IDX_authid_oid, ATT_pg_authid_rolname, "role", false},
    {REL_pg_extension, 3080, ATT_pg_extension_extname, "extension", false},
    {REL_pg_language, 2682, ATT_pg_language_lanname, "language", false},
    {REL_pg_collation, IDX_collation_oid, ATT_pg_collation_collname, "collation", true},
    {REL_pg_tablespace, 2697, ATT_pg_tablespace_spcname, "tablespace", false},
    {REL_pg_operator, IDX_operator_oid, ATT_pg_operator_oprname, "operator", false},
    {REL_pg_opclass, IDX_opclass_oid, ATT_pg_opclass_opcname, "operator class", false},
    {REL_pg_event_trigger, 3468, ATT_pg_event_trigger_evtname, "event trigger", false},
    {REL_pg_publication, 6110, ATT_pg_publication_pubname, "publication", false},
};

static const char *simple_text(SessionEnv *env, ObjectAddress o, Arena *arena)
{
    const void *form;
    for (size_t i = 0; i < sizeof simple / sizeof simple[0]; i++) {
        if (simple[i].classid != o.classid) continue;
        if (failed(cat_get_by_oid(env, o.classid, simple[i].index, o.objid, arena, &form, NULL)) || !form) break;
        const char *name = *(const char *const *)((const char *)form + catform_fields(catform_find(o.classid))[simple[i].name_att - 1].offset);
        return arena_printf(arena, "%s %s", simple[i].word, simple[i].quote ? quote_identifier(arena, name) : name);
    }
    return arena_printf(arena, "object %u/%u", o.classid, o.objid);
}

static const char *on_relation(SessionEnv *env, Oid classid, Oid index, Oid objid, const char *word, Arena *arena)
{
    const void *form;
    if (failed(cat_get_by_oid(env, classid, index, objid, arena, &form, NULL)) || !form) return arena_printf(arena, "%s ???", word);
    const char *name;
    Oid rel;
    if (classid == REL_pg_trigger) name = ((const Form_pg_trigger *)form)->tgname, rel = ((const Form_pg_trigger *)form)->tgrelid;
    else if (classid == REL_pg_policy) name = ((const Form_pg_policy *)form)->polname, rel = ((const Form_pg_policy *)form)->polrelid;
    else name = ((const Form_pg_rewrite *)form)->rulename, rel = ((const Form_pg_rewrite *)form)->ev_class;
    return arena_printf(arena, "%s %s on %s", word, name, relation_text(env, rel, arena));
}

const char *object_description(SessionEnv *env, ObjectAddress o, Arena *arena)
{
    const void *form;
    switch (o.classid) {
    case REL_pg_class:
        if (o.subid) return arena_printf(arena, "column %s of %s", column_name(env, o.objid, o.subid, arena), relation_text(env, o.objid, arena));
        return relation_text(env, o.objid, arena);
    case REL_pg_type: return arena_printf(arena, "type %s", format_type_text(env, o.objid, -1, arena));
    case REL_pg_proc: return procedure_text(env, o.objid, arena);
    case REL_pg_constraint:
        if (failed(cat_get_by_oid(env, REL_pg_constraint, IDX_constraint_oid, o.objid, arena, &form, NULL)) || !form) return "constraint ???";
        return constraint_text(env, form, arena);
    case REL_pg_attrdef: {
        if (failed(cat_get_by_oid(env, REL_pg_attrdef, IDX_attrdef_oid, o.objid, arena, &form, NULL)) || !form) return "default value ???";
        const Form_pg_attrdef *d = form;
        return arena_printf(arena, "default value for column %s of %s", column_name(env, d->adrelid, d->adnum, arena),
                            relation_text(env, d->adrelid, arena));
    }
    case REL_pg_cast: {
        if (failed(cat_get_by_oid(env, REL_pg_cast, 2660, o.objid, arena, &form, NULL)) || !form) return "cast ???";
        const Form_pg_cast *c = form;
        return arena_printf(arena, "cast from %s to %s", format_type_text(env, c->castsource, -1, arena),
                            format_type_text(env, c->casttarget, -1, arena));
    }
    case REL_pg_trigger: return on_relation(env, o.classid, IDX_trigger_oid, o.objid, "trigger", arena);
    case REL_pg_policy: return on_relation(env, o.classid, 3257, o.objid, "policy", arena);
    case REL_pg_rewrite: return on_relation(env, o.classid, IDX_rewrite_oid, o.objid, "rule", arena);
    default: return simple_text(env, o, arena);
    }
}
