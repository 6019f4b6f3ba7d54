/* Creating the catalog rows of a relation: pg_class, pg_attribute, its row type, its dependencies. */
#include "commands/ddl_internal.h"

/* Input and output functions of the kinds of types that DDL makes. */
enum { PROC_record_in = 2290, PROC_record_out = 2291, PROC_record_recv = 2402, PROC_record_send = 2403, PROC_array_in = 750, PROC_array_out = 751,
       PROC_array_recv = 2400, PROC_array_send = 2401, PROC_array_typanalyze = 3816, PROC_array_subscript = 6179 };

static STATUS not_in_catalog(const char *name, Oid nsp, Error *err)
{
    if (nsp != PG_CATALOG_NAMESPACE) return ST_OK;
    error_set(err, ERR_INSUFFICIENT_PRIVILEGE, "permission denied to create \"pg_catalog.%s\"", name);
    return error_detail(err, "System catalog modifications are currently disallowed.");
}

static STATUS type_by_name(SessionEnv *env, const char *name, Oid nsp, Arena *arena, const Form_pg_type **out, Error *err)
{
    Datum keys[2] = {cat_name_key(arena, name), datum_oid(nsp)};
    const void *form;
    TRY_MEM(keys[0], err);
    TRY(cat_get(env, REL_pg_type, IDX_type_typname_nsp, 2, keys, arena, &form, err));
    *out = form;
    return ST_OK;
}

STATUS ddl_check_relation_name_free(SessionEnv *env, const char *name, Oid nsp, Error *err)
{
    if (lookup_relname_in(env, name, nsp)) return error_set(err, ERR_DUPLICATE_TABLE, "relation \"%s\" already exists", name);
    return ST_OK;
}

/* ---- types ---- */
static STATUS array_type_name(SessionEnv *env, const char *name, Oid nsp, Arena *arena, const char **out, Error *err)
{
    const Form_pg_type *taken;
    const char *candidate = name;
    do {
        candidate = ddl_object_name(arena, "", candidate, NULL); /* "_name", cut to length */
        TRY_MEM(candidate, err);
        TRY(type_by_name(env, candidate, nsp, arena, &taken, err));
    } while (taken && strlen(candidate) < NAME_BYTES);
    *out = candidate;
    return ST_OK;
}

static STATUS create_array_type(SessionEnv *env, const Form_pg_type *elem, Arena *arena, Error *err)
{
    Form_pg_type f;
    cat_type_defaults(&f);
    f.oid = elem->typarray;
    TRY(array_type_name(env, elem->typname, elem->typnamespace, arena, &f.typname, err));
    f.typnamespace = elem->typnamespace;
    f.typowner = elem->typowner;
    f.typcategory = 'A';
    f.typelem = elem->oid;
    f.typsubscript = PROC_array_subscript;
    f.typinput = PROC_array_in;
    f.typoutput = PROC_array_out;
    f.typreceive = PROC_array_recv;
    f.typsend = PROC_array_send;
    f.typmodin = elem->typmodin;
    f.typmodout = elem->typmodout;
    f.typanalyze = PROC_array_typanalyze;
    f.typalign = elem->typalign == 'd' ? 'd' : 'i';
    f.typcollation = elem->typcollation;
    TRY(cat_insert(env, REL_pg_type, &f, err));
    return depend_add(env, address(REL_pg_type, f.oid, 0), address(REL_pg_type, elem->oid, 0), DEPEND_INTERNAL, err);
}

STATUS ddl_create_type(SessionEnv *env, Form_pg_type *form, bool with_array, Arena *arena, Error *err)
{
    const Form_pg_type *taken;
    TRY(not_in_catalog(form->typname, form->typnamespace, err));
    TRY(type_by_name(env, form->typname, form->typnamespace, arena, &taken, err));
    if (taken) {
        error_set(err, ERR_DUPLICATE_OBJECT, "type \"%s\" already exists", form->typname);
        if (form->typrelid)
            return error_hint(err, "A relation has an associated type of the same name, so you must use a name that doesn't conflict with any existing type.");
        return ST_FAILED;
    }
    if (!form->oid) TRY(cat_new_oid(env, &form->oid, err));
    if (with_array) TRY(cat_new_oid(env, &form->typarray, err));
    TRY(cat_insert(env, REL_pg_type, form, err));
    ObjectAddress me = address(REL_pg_type, form->oid, 0);
    if (!form->typrelid) TRY(depend_add(env, me, address(REL_pg_namespace, form->typnamespace, 0), DEPEND_NORMAL, err));
    if (form->typbasetype) TRY(depend_add(env, me, address(REL_pg_type, form->typbasetype, 0), DEPEND_NORMAL, err));
    return with_array ? create_array_type(env, form, arena, err) : ST_OK;
}

static STATUS create_row_type(SessionEnv *env, const NewRelation *def, Oid relation, Oid type, Arena *arena, Error *err)
{
    Form_pg_type f;
    cat_type_defaults(&f);
    f.oid = type;
    f.typname = def->name;
    f.typnamespace = def->namespace_oid;
    f.typowner = def->owner;
    f.typtype = 'c';
    f.typcategory = 'C';
    f.typrelid = relation;
    f.typinput = PROC_record_in;
    f.typoutput = PROC_record_out;
    f.typreceive = PROC_record_recv;
    f.typsend = PROC_record_send;
    f.typalign = 'd';
    TRY(ddl_create_type(env, &f, true, arena, err));
    ObjectAddress rel = address(REL_pg_class, relation, 0), row = address(REL_pg_type, type, 0);
    if (def->relkind == RELKIND_COMPOSITE) return depend_add(env, rel, row, DEPEND_INTERNAL, err);
    return depend_add(env, row, rel, DEPEND_INTERNAL, err);
}

/* ---- columns ---- */
STATUS ddl_check_column(SessionEnv *env, const NewColumn *col, Error *err)
{
    static const char *const system_names[] = {"ctid", "xmin", "cmin", "xmax", "cmax", "tableoid"};
    const TypeInfo *type;
    for (size_t i = 0; i < sizeof system_names / sizeof system_names[0]; i++)
        if (!strcmp(col->name, system_names[i]))
            return error_set(err, ERR_DUPLICATE_COLUMN, "column name \"%s\" conflicts with a system column name", col->name);
    TRY(type_require(env, col->type, &type, err));
    if (type->typtype == 'p' && col->type != TYPE_unknown)
        return error_set(err, ERR_INVALID_TABLE_DEFINITION, "column \"%s\" has pseudo-type %s", col->name, type->name);
    return ST_OK;
}

static STATUS check_columns(SessionEnv *env, const NewRelation *def, Error *err)
{
    if (def->ncols > MAX_COLUMNS) return error_set(err, ERR_TOO_MANY_COLUMNS, "tables can have at most %d columns", MAX_COLUMNS);
    for (int i = 0; i < def->ncols; i++) {
        if (def->relkind != RELKIND_SEQUENCE) TRY(ddl_check_column(env, &def->cols[i], err));
        for (int j = 0; j < i; j++)
            if (!strcmp(def->cols[i].name, def->cols[j].name))
                return error_set(err, ERR_DUPLICATE_COLUMN, "column \"%s\" specified more than once", def->cols[i].name);
    }
    return ST_OK;
}

STATUS ddl_insert_attribute(SessionEnv *env, Oid relation, char relkind, int attnum, const NewColumn *col, Arena *arena, Error *err)
{
    Form_pg_attribute f;
    const Form_pg_type *type;
    TRY(ddl_type_form(env, col->type, arena, &type, err));
    cat_attribute_defaults(&f);
    f.attrelid = relation;
    f.attname = col->name;
    f.atttypid = col->type;
    f.attlen = type->typlen;
    f.attnum = (int16_t)attnum;
    f.attndims = col->ndims;
    f.atttypmod = col->typmod;
    f.attbyval = type->typbyval;
    f.attalign = type->typalign;
    f.attstorage = col->storage ? col->storage : type->typstorage;
    f.attcompression = col->compression;
    f.attnotnull = col->not_null;
    f.attidentity = col->identity;
    f.attgenerated = col->generated;
    f.attcollation = col->collation;
    TRY(cat_insert(env, REL_pg_attribute, &f, err));
    if (relkind == RELKIND_INDEX || relkind == RELKIND_SEQUENCE) return ST_OK;
    ObjectAddress me = address(REL_pg_class, relation, attnum);
    TRY(depend_add(env, me, address(REL_pg_type, col->type, 0), DEPEND_NORMAL, err));
    return col->collation ? depend_add(env, me, address(REL_pg_collation, col->collation, 0), DEPEND_NORMAL, err) : ST_OK;
}

static STATUS insert_class(SessionEnv *env, const NewRelation *def, Oid relation, Oid row_type, Arena *arena, Error *err)
{
    Form_pg_class f;
    cat_class_defaults(&f);
    f.oid = relation;
    f.relname = def->name;
    f.relnamespace = def->namespace_oid;
    f.reltype = row_type;
    f.relowner = def->owner;
    f.relpersistence = def->persistence;
    f.relkind = def->relkind;
    f.relnatts = (int16_t)def->ncols;
    f.relispopulated = !def->unpopulated;
    f.reloptions = def->reloptions;
    bool stored = def->relkind == RELKIND_TABLE || def->relkind == RELKIND_MATVIEW;
    if (stored) f.relam = HEAP_AM;
    else f.relreplident = 'n';
    if (!stored) f.reltuples = def->relkind == RELKIND_SEQUENCE ? 1 : -1;
    if (def->relkind == RELKIND_VIEW) f.reltuples = -1;
    if (stored || def->relkind == RELKIND_SEQUENCE) TRY(cat_new_storage_id(env, &f.relfilenode, err));
    if (def->relkind != RELKIND_COMPOSITE) {
        char objtype = def->relkind == RELKIND_SEQUENCE ? 'S' : 'r';
        TRY(grant_default_acl(env, REL_pg_class, objtype, def->owner, def->namespace_oid, arena, &f.relacl, err));
    }
    return cat_insert(env, REL_pg_class, &f, err);
}

STATUS ddl_create_relation(SessionEnv *env, const NewRelation *def, Arena *arena, Oid *out, Error *err)
{
    Oid relation, row_type = 0;
    TRY(not_in_catalog(def->name, def->namespace_oid, err));
    TRY(check_columns(env, def, err));
    TRY(ddl_check_relation_name_free(env, def->name, def->namespace_oid, err));
    TRY(cat_new_oid(env, &relation, err));
    if (def->relkind != RELKIND_SEQUENCE) TRY(cat_new_oid(env, &row_type, err));
    if (row_type) TRY(create_row_type(env, def, relation, row_type, arena, err));
    TRY(insert_class(env, def, relation, row_type, arena, err));
    for (int i = 0; i < def->ncols; i++) TRY(ddl_insert_attribute(env, relation, def->relkind, i + 1, &def->cols[i], arena, err));
    /* A composite type's schema is its type's. */
    ObjectAddress owner = def->relkind == RELKIND_COMPOSITE ? address(REL_pg_type, row_type, 0) : address(REL_pg_class, relation, 0);
    TRY(depend_add(env, owner, address(REL_pg_namespace, def->namespace_oid, 0), DEPEND_NORMAL, err));
    *out = relation;
    return ST_OK;
}
