/* CREATE TYPE (enum, composite), ALTER TYPE ... ADD VALUE, CREATE DOMAIN. */
#include "catalog/deparse.h"
#include "commands/ddl_internal.h"

enum { PROC_enum_in = 3506, PROC_enum_out = 3507, PROC_enum_recv = 3532, PROC_enum_send = 3533, PROC_domain_in = 2597, PROC_domain_recv = 2598 };

/* The schema and name of a new type; 42710 is ddl_create_type's. */
static STATUS new_type_name(SessionEnv *env, const List *names, Oid *nsp, const char **name, Error *err)
{
    const char *schema;
    TRY(ddl_split_name((const Node *)names, &schema, name, err));
    TRY(ddl_creation_namespace(env, NULL, schema, false, nsp, err));
    return ST_OK;
}

/* ---- enums: values order by their OIDs as long as none was put between others ---- */
static STATUS check_label(const char *label, Error *err)
{
    if (strlen(label) <= NAME_BYTES) return ST_OK;
    error_set(err, ERR_INVALID_NAME, "invalid enum label \"%s\"", label);
    return error_detail(err, "Labels must be %d bytes or less.", NAME_BYTES);
}

STATUS cmd_CreateEnumStmt(CommandCall *call, CreateEnumStmt *stmt, Error *err)
{
    SessionEnv *env = call->env;
    Form_pg_type f;
    cat_type_defaults(&f);
    TRY(new_type_name(env, stmt->typeName, &f.typnamespace, &f.typname, err));
    f.typowner = env->current_user;
    f.typlen = 4;
    f.typbyval = true;
    f.typtype = 'e';
    f.typcategory = 'E';
    f.typinput = PROC_enum_in;
    f.typoutput = PROC_enum_out;
    f.typreceive = PROC_enum_recv;
    f.typsend = PROC_enum_send;
    f.typstorage = 'p';
    TRY(ddl_create_type(env, &f, true, call->arena, err));
    LIST_EACH(String *, label, stmt->vals) {
        Form_pg_enum e = {.enumtypid = f.oid, .enumsortorder = (float)(label_i + 1), .enumlabel = label->sval};
        TRY(check_label(label->sval, err));
        TRY(cat_new_oid(env, &e.oid, err));
        TRY(cat_insert(env, REL_pg_enum, &e, err));
    }
    return ST_OK;
}

typedef struct EnumList { const Form_pg_enum **v; int n; } EnumList;

static STATUS enum_values(SessionEnv *env, Oid type, Arena *arena, EnumList *out, Error *err)
{
    CatScan *scan = NULL;
    const void *form;
    PtrVec rows = {0};
    Datum key = datum_oid(type);
    Status st = cat_scan_open(env, REL_pg_enum, IDX_enum_typid_sortorder, 1, &key, arena, &scan, err);
    while (!failed(st)) {
        st = cat_scan_next(scan, &form, err);
        if (failed(st) || !form) break;
        if (!ptrvec_push(&rows, arena, (void *)form)) st = error_out_of_memory(err, 0);
    }
    cat_scan_close(scan);
    *out = (EnumList){(const Form_pg_enum **)rows.v, rows.len};
    return st;
}

static const Form_pg_enum *find_label(const EnumList *list, const char *label, int *at)
{
    for (int i = 0; i < list->n; i++)
        if (!strcmp(list->v[i]->enumlabel, label)) {
            if (at) *at = i;
            return list->v[i];
        }
    return NULL;
}

static STATUS rename_label(SessionEnv *env, const EnumList *list, const AlterEnumStmt *stmt, Error *err)
{
    const Form_pg_enum *old = find_label(list, stmt->oldVal, NULL);
    if (!old) return error_set(err, ERR_INVALID_PARAMETER_VALUE, "\"%s\" is not an existing enum label", stmt->oldVal);
    if (find_label(list, stmt->newVal, NULL)) return error_set(err, ERR_DUPLICATE_OBJECT, "enum label \"%s\" already exists", stmt->newVal);
    Form_pg_enum f = *old;
    f.enumlabel = stmt->newVal;
    return cat_update(env, REL_pg_enum, &f, err);
}

STATUS cmd_AlterEnumStmt(CommandCall *call, AlterEnumStmt *stmt, Error *err)
{
    SessionEnv *env = call->env;
    const char *schema, *name;
    const Form_pg_type *type;
    EnumList list;
    Oid oid;
    int at = 0;
    TRY(ddl_split_name((const Node *)stmt->typeName, &schema, &name, err));
    TRY(lookup_type(env, schema, name, false, &oid, err));
    TRY(ddl_type_form(env, oid, call->arena, &type, err));
    if (type->typtype != 'e') return error_set(err, ERR_WRONG_OBJECT_TYPE, "%s is not an enum", format_type_text(env, oid, -1, call->arena));
    TRY(owner_check(env, REL_pg_type, oid, err));
    TRY(enum_values(env, oid, call->arena, &list, err));
    TRY(check_label(stmt->newVal, err));
    if (stmt->oldVal) return rename_label(env, &list, stmt, err);
    if (find_label(&list, stmt->newVal, NULL)) {
        if (!stmt->skipIfNewValExists) return error_set(err, ERR_DUPLICATE_OBJECT, "enum label \"%s\" already exists", stmt->newVal);
        session_notice(env, SEV_NOTICE, ERR_DUPLICATE_OBJECT, NULL, NULL, "enum label \"%s\" already exists, skipping", stmt->newVal);
        return ST_OK;
    }
    if (stmt->newValNeighbor && !find_label(&list, stmt->newValNeighbor, &at))
        return error_set(err, ERR_INVALID_PARAMETER_VALUE, "\"%s\" is not an existing enum label", stmt->newValNeighbor);
    if (stmt->newValNeighbor && !(stmt->newValIsAfter && at == list.n - 1))
        return error_set(err, ERR_FEATURE_NOT_SUPPORTED, "adding an enum value before others is not supported");
    Form_pg_enum f = {.enumtypid = oid, .enumlabel = stmt->newVal, .enumsortorder = list.n ? list.v[list.n - 1]->enumsortorder + 1 : 1};
    TRY(cat_new_oid(env, &f.oid, err));
    return cat_insert(env, REL_pg_enum, &f, err);
}

/* ---- composite types ---- */
STATUS cmd_CompositeTypeStmt(CommandCall *call, CompositeTypeStmt *stmt, Error *err)
{
    SessionEnv *env = call->env;
    const RangeVar *rv = stmt->typevar;
    NewRelation def = {.name = rv->relname, .relkind = RELKIND_COMPOSITE, .persistence = 'p', .owner = env->current_user};
    NewColumn *cols;
    TableParts parts = {0};
    Oid oid;
    TRY(ddl_creation_namespace(env, rv->catalogname, rv->schemaname, false, &def.namespace_oid, err));
    TRY_NEW_N(cols, call->arena, list_len(stmt->coldeflist) + 1, err);
    LIST_EACH(ColumnDefinition *, cd, stmt->coldeflist)
        TRY(ddl_column_definition(env, cd, rv->relname, call->sql, call->arena, &cols[def.ncols++], &parts, err));
    def.cols = cols;
    Oid taken;
    TRY(lookup_type(env, namespace_name_of(env, def.namespace_oid, call->arena), def.name, true, &taken, err));
    if (taken) return error_set(err, ERR_DUPLICATE_OBJECT, "type \"%s\" already exists", def.name);
    return ddl_create_relation(env, &def, call->arena, &oid, err);
}

/* ---- domains ---- */
static STATUS domain_check(CommandCall *call, const Form_pg_type *domain, const ConstraintDefinition *def, Error *err)
{
    SessionEnv *env = call->env;
    Form_pg_constraint f;
    Node *expr;
    ExprScope scope = {.sql = call->sql, .value_type = domain->typbasetype, .value_typmod = domain->typtypmod};
    TRY(analyze_expression(env, def->raw_expr, EXPR_KIND_DOMAIN_CHECK, &scope, call->arena, &expr, err));
    TRY(coerce_to_boolean(env, expr, "CHECK", call->arena, &expr, err));
    cat_constraint_defaults(&f);
    TRY(cat_new_oid(env, &f.oid, err));
    f.conname = def->conname;
    if (!f.conname) TRY(ddl_choose_constraint_name(env, domain->typname, NULL, "check", domain->typnamespace, call->arena, &f.conname, err));
    f.connamespace = domain->typnamespace;
    f.contype = 'c';
    f.contypid = domain->oid;
    TRY(ddl_node_text(expr, call->arena, &f.conbin, err));
    TRY(cat_insert(env, REL_pg_constraint, &f, err));
    ObjectAddress me = address(REL_pg_constraint, f.oid, 0);
    TRY(depend_add(env, me, address(REL_pg_type, domain->oid, 0), DEPEND_AUTO, err));
    return depend_add_expr(env, me, expr, 0, DEPEND_NORMAL, DEPEND_NORMAL, err);
}

static STATUS domain_default(CommandCall *call, Form_pg_type *f, const ConstraintDefinition *def, Error *err)
{
    SessionEnv *env = call->env;
    Node *raw, *expr;
    ExprScope scope = {.sql = call->sql};
    TRY(analyze_expression(env, def->raw_expr, EXPR_KIND_COLUMN_DEFAULT, &scope, call->arena, &raw, err));
    TRY(coerce_to_target(env, raw, f->typbasetype, f->typtypmod, COERCION_ASSIGNMENT, COERCE_IMPLICIT_CAST, call->arena, &expr, err));
    if (!expr) {
        error_set(err, ERR_DATATYPE_MISMATCH, "column \"%s\" is of type %s but default expression is of type %s", f->typname,
                  format_type_text(env, f->typbasetype, -1, call->arena), format_type_text(env, expr_type(raw), -1, call->arena));
        return error_hint(err, "You will need to rewrite or cast the expression.");
    }
    TRY(ddl_node_text(expr, call->arena, &f->typdefaultbin, err));
    return deparse_expr(env, expr, 0, false, call->arena, &f->typdefault, err);
}

static STATUS domain_form(CommandCall *call, const CreateDomainStmt *stmt, Form_pg_type *f, Error *err)
{
    SessionEnv *env = call->env;
    const Form_pg_type *base;
    cat_type_defaults(f);
    TRY(new_type_name(env, stmt->domainname, &f->typnamespace, &f->typname, err));
    if (failed(resolve_type_name(env, stmt->typeName, false, &f->typbasetype, &f->typtypmod, err))) return ddl_at(call->sql, stmt->typeName->location, err);
    TRY(ddl_type_form(env, f->typbasetype, call->arena, &base, err));
    if (!strchr("bdecr", base->typtype))
        return error_set(err, ERR_DATATYPE_MISMATCH, "\"%s\" is not a valid base type for a domain", base->typname);
    f->typowner = env->current_user;
    f->typlen = base->typlen;
    f->typbyval = base->typbyval;
    f->typtype = 'd';
    f->typcategory = base->typcategory;
    f->typdelim = base->typdelim;
    f->typinput = PROC_domain_in;
    f->typoutput = base->typoutput;
    f->typreceive = PROC_domain_recv;
    f->typsend = base->typsend;
    f->typalign = base->typalign;
    f->typstorage = base->typstorage;
    f->typcollation = base->typcollation;
    f->typndims = stmt->typeName->array_dims;
    f->typdefaultbin = base->typdefaultbin;
    f->typdefault = base->typdefault;
    const char *schema, *name;
    if (!stmt->collation) return ST_OK;
    TRY(ddl_split_name((const Node *)stmt->collation, &schema, &name, err));
    return lookup_collation(env, schema, name, false, &f->typcollation, err);
}

STATUS cmd_CreateDomainStmt(CommandCall *call, CreateDomainStmt *stmt, Error *err)
{
    Form_pg_type f;
    bool has_default = false, nullness = false;
    TRY(domain_form(call, stmt, &f, err));
    LIST_EACH(ConstraintDefinition *, c, stmt->constraints) {
        switch (c->contype) {
        case CONSTR_DEFAULT:
            if (has_default) return error_set(err, ERR_SYNTAX_ERROR, "multiple default expressions");
            has_default = true;
            TRY(domain_default(call, &f, c, err));
            break;
        case CONSTR_NULL:
        case CONSTR_NOTNULL:
            if (nullness && f.typnotnull != (c->contype == CONSTR_NOTNULL)) return error_set(err, ERR_SYNTAX_ERROR, "conflicting NULL/NOT NULL constraints");
            nullness = true;
            f.typnotnull = c->contype == CONSTR_NOTNULL;
            break;
        case CONSTR_CHECK: break;
        case CONSTR_PRIMARY: return error_set(err, ERR_SYNTAX_ERROR, "primary key constraints not possible for domains");
        case CONSTR_UNIQUE: return error_set(err, ERR_SYNTAX_ERROR, "unique constraints not possible for domains");
        case CONSTR_FOREIGN: return error_set(err, ERR_SYNTAX_ERROR, "foreign key constraints not possible for domains");
        default: return error_set(err, ERR_SYNTAX_ERROR, "this kind of constraint is not possible for domains");
        }
    }
    TRY(ddl_create_type(call->env, &f, true, call->arena, err));
    if (f.typcollation >= FIRST_NORMAL_OID)
        TRY(depend_add(call->env, address(REL_pg_type, f.oid, 0), address(REL_pg_collation, f.typcollation, 0), DEPEND_NORMAL, err));
    LIST_EACH(ConstraintDefinition *, c, stmt->constraints)
        if (c->contype == CONSTR_CHECK) TRY(domain_check(call, &f, c, err));
    return ST_OK;
}
