/* Domains: NOT NULL and CHECK of the domain and of the domains below it, innermost first, read from the catalog when compiled. */
#include "catalog/cat_write.h"
#include "expr/expr_internal.h"

enum { INDEX_type_oid = 2703, INDEX_constraint_contypid = 2666 };

static STATUS emit_checks(Compiler *c, Oid domain, const char *name, Datum *v, bool *n)
{
    CatScan *scan = NULL;
    Datum key = datum_oid(domain);
    const void *form;
    Status st = cat_scan_open(c->env, RELATION_pg_constraint, INDEX_constraint_contypid, 1, &key, c->arena, &scan, c->err);
    while (!failed(st)) {
        st = cat_scan_next(scan, &form, c->err);
        if (failed(st) || !form) break;
        const Form_pg_constraint *con = form;
        if (con->contypid != domain || con->contype != 'c' || !con->conbin) continue;
        DomainData *d = arena_zalloc(c->arena, sizeof *d);
        Node *expr = NULL;
        ExprStep *s;
        if (!d) {
            st = error_out_of_memory(c->err, sizeof *d);
            break;
        }
        d->constraint = arena_strdup(c->arena, con->conname);
        d->display_name = name;
        TRY_GOTO(st, node_read(slice_cstr(con->conbin), c->arena, &expr, c->err), done);
        TRY_GOTO(st, expr_compile(c->env, expr, c->arena, &d->check, c->err), done);
        TRY_GOTO(st, emit(c, OP_DOMAIN_CHECK, v, n, &s), done);
        s->d.data = d;
    }
done:
    cat_scan_close(scan);
    return st;
}

static STATUS emit_domain(Compiler *c, Oid domain, Datum *v, bool *n)
{
    const void *form = NULL;
    const TypeInfo *type;
    TRY(compiler_type(c, domain, &type));
    if (type->typtype != 'd') return ST_OK;
    TRY(emit_domain(c, type->base, v, n));
    const char *name = format_type_text(c->env, domain, -1, c->arena);
    TRY(cat_get_by_oid(c->env, RELATION_pg_type, INDEX_type_oid, domain, c->arena, &form, c->err));
    if (form && ((const Form_pg_type *)form)->typnotnull) {
        DomainData *d;
        ExprStep *s;
        TRY_NEW(d, c->arena, c->err);
        d->display_name = name;
        TRY(emit(c, OP_DOMAIN_NOTNULL, v, n, &s));
        s->d.data = d;
    }
    return emit_checks(c, domain, name, v, n);
}

STATUS compile_domain(Compiler *c, const CoerceToDomain *d, Datum *v, bool *n)
{
    c->prog->session_objects = true;
    TRY(compile_expr(c, d->arg, v, n));
    return emit_domain(c, d->resulttype, v, n);
}

STATUS step_domain_not_null(DomainData *d, bool isnull, Error *err)
{
    if (!isnull) return ST_OK;
    error_set(err, ERR_NOT_NULL_VIOLATION, "domain %s does not allow null values", d->display_name);
    return error_names(err, NULL, NULL, NULL, d->display_name, NULL);
}

STATUS step_domain_check(DomainData *d, ExprContext *ec, Datum *v, bool *n, Error *err)
{
    Datum saved = ec->case_value, r;
    bool saved_null = ec->case_null, rnull;
    ec->case_value = *v;
    ec->case_null = *n;
    Status st = expr_eval(d->check, ec, &r, &rnull, err);
    ec->case_value = saved;
    ec->case_null = saved_null;
    TRY(st);
    if (rnull || r) return ST_OK;
    error_set(err, ERR_CHECK_VIOLATION, "value for domain %s violates check constraint \"%s\"", d->display_name, d->constraint);
    return error_names(err, NULL, NULL, NULL, d->display_name, d->constraint);
}
