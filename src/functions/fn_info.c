/* Catalog information: definitions, names, visibility, comments, sizes. */
#include <stdio.h>
#include <stdlib.h>

#include "catalog/cat_write.h"
#include "catalog/deparse.h"
#include "catalog/name_lookup.h"
#include "catalog/reg_types.h"
#include "functions/fn.h"

static Datum text_or_null(CallFrame *cf, const char *s)
{
    if (!s) RETURN_NULL();
    return call_return_cstr(cf, s);
}
static bool pretty_arg(CallFrame *cf, int i) { return cf->nargs > i && ARG_BOOL(i); }

/* ---- definitions ---- */
typedef Status (*DeparseFn)(SessionEnv *, Oid, bool, Arena *, const char **, Error *);
static Datum definition(CallFrame *cf, DeparseFn fn, bool pretty)
{
    const char *s = NULL;
    FTRY(fn(cf->env, ARG_OID(0), pretty, cf->arena, &s, cf->err));
    return text_or_null(cf, s);
}
FN(pg_get_viewdef) { return definition(cf, deparse_viewdef, false); }
FN(pg_get_viewdef_ext) { return definition(cf, deparse_viewdef, ARG_BOOL(1)); }
FN(pg_get_viewdef_wrap) { return definition(cf, deparse_viewdef, true); }
static Datum viewdef_name(CallFrame *cf)
{
    Oid oid;
    const char *s = NULL;
    FTRY(reg_input(cf->env, TYPE_regclass, ARG_TEXT(0), &oid, cf->err));
    FTRY(deparse_viewdef(cf->env, oid, pretty_arg(cf, 1), cf->arena, &s, cf->err));
    return text_or_null(cf, s);
}
FN(pg_get_viewdef_name) { return viewdef_name(cf); }
FN(pg_get_viewdef_name_ext) { return viewdef_name(cf); }
FN(pg_get_constraintdef) { return definition(cf, deparse_constraintdef, false); }
FN(pg_get_constraintdef_ext) { return definition(cf, deparse_constraintdef, ARG_BOOL(1)); }
FN(pg_get_triggerdef) { return definition(cf, deparse_triggerdef, false); }
FN(pg_get_triggerdef_ext) { return definition(cf, deparse_triggerdef, ARG_BOOL(1)); }
static Datum indexdef(CallFrame *cf, int column, bool pretty)
{
    const char *s = NULL;
    FTRY(deparse_indexdef(cf->env, ARG_OID(0), column, pretty, cf->arena, &s, cf->err));
    return text_or_null(cf, s);
}
FN(pg_get_indexdef) { return indexdef(cf, 0, false); }
FN(pg_get_indexdef_ext) { return indexdef(cf, ARG_I32(1), ARG_BOOL(2)); }
static Datum node_expr(CallFrame *cf)
{
    const char *s = NULL;
    char *text = fn_arg_cstr(cf, 0);
    if (!text) return 0;
    FTRY(deparse_node_text(cf->env, text, ARG_OID(1), pretty_arg(cf, 2), cf->arena, &s, cf->err));
    return text_or_null(cf, s);
}
FN(pg_get_expr) { return node_expr(cf); }
FN(pg_get_expr_ext) { return node_expr(cf); }
FN(pg_get_functiondef)
{
    const char *s = NULL;
    FTRY(deparse_functiondef(cf->env, ARG_OID(0), cf->arena, &s, cf->err));
    return text_or_null(cf, s);
}
static Datum arguments(CallFrame *cf, bool defaults, bool identity)
{
    const char *s = NULL;
    FTRY(deparse_function_arguments(cf->env, ARG_OID(0), defaults, identity, cf->arena, &s, cf->err));
    return text_or_null(cf, s);
}
FN(pg_get_function_arguments) { return arguments(cf, true, false); }
FN(pg_get_function_identity_arguments) { return arguments(cf, false, true); }
FN(pg_get_function_result)
{
    const char *s = NULL;
    FTRY(deparse_function_result(cf->env, ARG_OID(0), cf->arena, &s, cf->err));
    return text_or_null(cf, s);
}
/* What this server has none of. */
FN(pg_get_function_sqlbody) { RETURN_NULL(); }
FN(pg_get_function_arg_default) { RETURN_NULL(); }
FN(pg_get_ruledef) { RETURN_NULL(); }
FN(pg_get_ruledef_ext) { RETURN_NULL(); }
FN(pg_get_partkeydef) { RETURN_NULL(); }
FN(pg_get_partition_constraintdef) { RETURN_NULL(); }
FN(pg_get_statisticsobjdef) { RETURN_NULL(); }
FN(pg_get_statisticsobjdef_columns) { RETURN_NULL(); }
FN(pg_get_statisticsobjdef_expressions) { RETURN_NULL(); }
FN(pg_get_replica_identity_index) { RETURN_NULL(); }

/* ---- names ---- */
FN(format_type)
{
    if (cf->nulls[0]) RETURN_NULL();
    return call_return_cstr(cf, format_type_text(cf->env, ARG_OID(0), cf->nulls[1] ? -1 : ARG_I32(1), cf->arena));
}
FN(pg_get_userbyid)
{
    Datum d = 0;
    const char *name = role_name_of(cf->env, ARG_OID(0), cf->arena);
    if (!name) name = arena_printf(cf->arena, "unknown (OID=%u)", ARG_OID(0));
    FTRY_MEM(name);
    return (d = varlena_cstr(cf->arena, name)) ? d : fn_oom(cf);
}
FN(pg_typeof) { return datum_oid(cf->arg_types[0]); }
static Datum to_reg(CallFrame *cf, Oid type)
{
    Oid oid = 0;
    Slice s = ARG_TEXT(0);
    if (s.len && s.data[0] >= '0' && s.data[0] <= '9') RETURN_NULL();
    FTRY(reg_input_or_zero(cf->env, type, s, &oid, cf->err));
    if (!oid) RETURN_NULL();
    return datum_oid(oid);
}
FN(to_regclass) { return to_reg(cf, TYPE_regclass); }
FN(to_regtype) { return to_reg(cf, TYPE_regtype); }
FN(to_regproc) { return to_reg(cf, TYPE_regproc); }
FN(to_regprocedure) { return to_reg(cf, TYPE_regprocedure); }
FN(to_regoper) { return to_reg(cf, TYPE_regoper); }
FN(to_regoperator) { return to_reg(cf, TYPE_regoperator); }
FN(to_regrole) { return to_reg(cf, TYPE_regrole); }
FN(to_regnamespace) { return to_reg(cf, TYPE_regnamespace); }
FN(to_regcollation) { return to_reg(cf, TYPE_regcollation); }
FN(text_regclass) { Oid oid = 0; FTRY(reg_input(cf->env, TYPE_regclass, ARG_TEXT(0), &oid, cf->err)); return datum_oid(oid); }
FN(pg_collation_for)
{
    if (cf->nargs && cf->arg_types) {
        const TypeInfo *t = fn_type(cf, cf->arg_types[0]);
        if (!t) return 0;
        if (!t->collation) {
            if (cf->arg_types[0] == TYPE_unknown) RETURN_NULL();
            return CALL_ERROR(cf, ERR_DATATYPE_MISMATCH, "collations are not supported by type %s", format_type_text(cf->env, cf->arg_types[0], -1, cf->arena));
        }
    }
    if (!cf->collation) RETURN_NULL();
    const char *name = collation_name_of(cf->env, cf->collation, cf->arena);
    return name ? call_return_cstr(cf, arena_printf(cf->arena, "\"%s\"", name)) : (cf->isnull = true, 0);
}
FN(oidvectortypes)
{
    ArrayView v;
    ArrayIter it;
    Datum d;
    bool null, any = false;
    StrBuf sb;
    strbuf_init(&sb, cf->arena);
    FTRY(array_open(cf->args[0], &v, cf->err));
    for (array_iter_init(&it, &v, type_builtin(TYPE_oid)); array_next(&it, &d, &null); any = true) {
        if (any) strbuf_str(&sb, ", ");
        strbuf_str(&sb, format_type_text(cf->env, datum_get_oid(d), -1, cf->arena));
    }
    return fn_return_buf(cf, &sb);
}

/* ---- visibility ---- */
FN(pg_table_is_visible) { const char *n = relation_name_of(cf->env, ARG_OID(0), cf->arena); if (!n) RETURN_NULL(); return datum_bool(relation_is_visible(cf->env, ARG_OID(0))); }
FN(pg_type_is_visible) { if (!catalog_type(cf->env, ARG_OID(0))) RETURN_NULL(); return datum_bool(type_is_visible(cf->env, ARG_OID(0))); }
FN(pg_function_is_visible) { if (!proc_by_oid(cf->env, ARG_OID(0))) RETURN_NULL(); return datum_bool(proc_is_visible(cf->env, ARG_OID(0))); }
FN(pg_operator_is_visible) { if (!operator_by_oid(cf->env, ARG_OID(0))) RETURN_NULL(); return datum_bool(true); }
FN(pg_opclass_is_visible) { return datum_bool(true); }
FN(pg_opfamily_is_visible) { return datum_bool(true); }
FN(pg_collation_is_visible) { return datum_bool(true); }
FN(pg_conversion_is_visible) { return datum_bool(true); }
FN(pg_statistics_obj_is_visible) { return datum_bool(true); }
FN(pg_ts_config_is_visible) { return datum_bool(true); }
FN(pg_ts_dict_is_visible) { return datum_bool(true); }
FN(pg_ts_parser_is_visible) { return datum_bool(true); }
FN(pg_ts_template_is_visible) { return datum_bool(true); }

/* ---- comments ---- */
static Datum comment(CallFrame *cf, Oid classid, Oid oid, int sub) { return text_or_null(cf, classid ? cat_comment(cf->env, classid, oid, sub, cf->arena) : NULL); }
static Datum comment_named(CallFrame *cf)
{
    char *name = fn_arg_cstr(cf, 1);
    return name ? comment(cf, lookup_relname_in(cf->env, name, PG_CATALOG_NAMESPACE), ARG_OID(0), 0) : 0;
}
FN(sql_obj_description) { return comment_named(cf); }
FN(sql_shobj_description) { return comment_named(cf); }
FN(sql_col_description) { return comment(cf, RELATION_pg_class, ARG_OID(0), ARG_I32(1)); }
FN(sql_obj_description_any)
{
    static const Oid classes[] = {RELATION_pg_class, RELATION_pg_proc, RELATION_pg_type, RELATION_pg_namespace, RELATION_pg_operator,
                                  RELATION_pg_constraint, RELATION_pg_trigger};
    for (size_t i = 0; i < sizeof classes / sizeof classes[0]; i++) {
        const char *s = cat_comment(cf->env, classes[i], ARG_OID(0), 0, cf->arena);
        if (s) return call_return_cstr(cf, s);
    }
    RETURN_NULL();
}
FN(pg_describe_object)
{
    if (!ARG_OID(0) && !ARG_OID(1)) RETURN_NULL();
    return text_or_null(cf, object_description(cf->env, (ObjectAddress){ARG_OID(0), ARG_OID(1), ARG_I32(2)}, cf->arena));
}

/* ---- sizes ---- */
static bool index_of(CallFrame *cf, Oid oid, const Relation **table, const IndexInfo **index)
{
    const void *form;
    *table = NULL;
    *index = NULL;
    if (failed(cat_get_by_oid(cf->env, RELATION_pg_index, IDX_index_indexrelid, oid, cf->arena, &form, cf->err))) return false;
    if (!form) return true;
    if (failed(relation_try_open(cf->env, ((const Form_pg_index *)form)->indrelid, LOCK_NONE, table, cf->err))) return false;
    if (*table) *index = relation_index(*table, oid);
    return true;
}
static int64_t bytes_of_index(CallFrame *cf, const Relation *table, const IndexInfo *ix)
{
    return ix->clustered_key ? 0 : (int64_t)storage_bytes(cf->env->db, table->def.place, ix->def.storage_id);
}
/* false: error or no such relation (isnull). */
static bool relation_bytes(CallFrame *cf, Oid oid, int64_t *main, int64_t *indexes)
{
    const Relation *rel, *table;
    const IndexInfo *ix;
    *main = *indexes = 0;
    if (failed(relation_try_open(cf->env, oid, LOCK_NONE, &rel, cf->err))) return false;
    if (!rel) {
        cf->isnull = true;
        return false;
    }
    if (rel->is_virtual) return true;
    if (rel->relkind == RELKIND_INDEX) {
        if (!index_of(cf, oid, &table, &ix)) return false;
        if (ix) *main = bytes_of_index(cf, table, ix);
    } else if (rel->relkind == RELKIND_TABLE || rel->relkind == RELKIND_MATVIEW || rel->relkind == RELKIND_TOAST) {
        *main = (int64_t)storage_bytes(cf->env->db, rel->def.place, rel->def.storage_id);
        for (int i = 0; i < rel->nindexes; i++) *indexes += bytes_of_index(cf, rel, &rel->indexes[i]);
    }
    return true;
}
static Datum size(CallFrame *cf, bool with_main, bool with_indexes)
{
    int64_t m, x;
    if (!relation_bytes(cf, ARG_OID(0), &m, &x)) return 0;
    return datum_i64((with_main ? m : 0) + (with_indexes ? x : 0));
}
FN(sql_pg_relation_size) { return size(cf, true, false); }
FN(pg_relation_size)
{
    Slice fork = ARG_TEXT(1);
    if (slice_equal(fork, slice_cstr("main"))) return size(cf, true, false);
    if (slice_equal(fork, slice_cstr("fsm")) || slice_equal(fork, slice_cstr("vm")) || slice_equal(fork, slice_cstr("init"))) return size(cf, false, false);
    error_set(cf->err, ERR_INVALID_PARAMETER_VALUE, "invalid fork name");
    error_hint(cf->err, "Valid fork names are \"main\", \"fsm\", \"vm\", and \"init\".");
    return 0;
}
FN(pg_table_size) { return size(cf, true, false); }
FN(pg_indexes_size) { return size(cf, false, true); }
FN(pg_total_relation_size) { return size(cf, true, true); }
static Datum database_bytes(CallFrame *cf, Oid oid)
{
    Database *db;
    if (oid == cf->env->database_oid) return datum_i64((int64_t)database_size_bytes(cf->env->db));
    if (!database_name_of(cf->env, oid, cf->arena)) return CALL_ERROR(cf, ERR_UNDEFINED_DATABASE, "database with OID %u does not exist", oid);
    FTRY(database_acquire(cf->env->cluster, oid, false, &db, cf->err));
    int64_t n = (int64_t)database_size_bytes(db);
    database_release(db);
    return datum_i64(n);
}
FN(pg_database_size_oid) { return database_bytes(cf, ARG_OID(0)); }
FN(pg_database_size_name)
{
    Oid oid;
    char *name = fn_arg_cstr(cf, 0);
    if (!name) return 0;
    FTRY(lookup_database(cf->env, name, false, &oid, cf->err));
    return database_bytes(cf, oid);
}
FN(pg_tablespace_size_oid) { return datum_i64((int64_t)database_size_bytes(cf->env->db)); }
FN(pg_tablespace_size_name) { return datum_i64((int64_t)database_size_bytes(cf->env->db)); }
FN(pg_tablespace_location) { return call_return_cstr(cf, ""); }
static uint32_t storage_of(CallFrame *cf, Oid oid)
{
    const Relation *rel, *table;
    const IndexInfo *ix;
    if (failed(relation_try_open(cf->env, oid, LOCK_NONE, &rel, cf->err)) || !rel) return 0;
    if (rel->relkind == RELKIND_SEQUENCE) return rel->sequence.storage_id;
    if (rel->relkind != RELKIND_INDEX) return rel->def.storage_id;
    return index_of(cf, oid, &table, &ix) && ix ? ix->def.storage_id : 0;
}
FN(pg_relation_filenode) { uint32_t id = storage_of(cf, ARG_OID(0)); if (!id) RETURN_NULL(); return datum_oid(id); }
FN(pg_relation_filepath)
{
    uint32_t id = storage_of(cf, ARG_OID(0));
    if (!id) RETURN_NULL();
    return call_return_cstr(cf, arena_printf(cf->arena, "base/%u/%u", cf->env->database_oid, id));
}
FN(pg_column_size)
{
    if (cf->nulls[0]) RETURN_NULL();
    const TypeInfo *t = fn_type(cf, cf->arg_types[0]);
    if (!t) return 0;
    return datum_i32(t->byval ? t->pg_typlen : (int32_t)datum_size(cf->args[0], false, t->typlen));
}
FN(pg_column_compression) { RETURN_NULL(); }

/* ---- relations ---- */
FN(pg_relation_is_updatable)
{
    const Relation *rel;
    FTRY(relation_try_open(cf->env, ARG_OID(0), LOCK_NONE, &rel, cf->err));
    if (!rel || rel->is_virtual) return datum_i32(0);
    return datum_i32(rel->relkind == RELKIND_TABLE || rel->relkind == RELKIND_PARTITIONED ? 28 : 0);
}
FN(pg_column_is_updatable)
{
    const Relation *rel;
    FTRY(relation_try_open(cf->env, ARG_OID(0), LOCK_NONE, &rel, cf->err));
    return datum_bool(rel && !rel->is_virtual && rel->relkind == RELKIND_TABLE && ARG_I16(1) > 0);
}
FN(pg_relation_is_publishable) { return datum_bool(false); }
FN(pg_partition_root) { RETURN_NULL(); }
FN(row_security_active)
{
    const Relation *rel;
    FTRY(relation_open(cf->env, ARG_OID(0), LOCK_NONE, &rel, cf->err));
    return datum_bool(rel->row_security && !cf->env->is_superuser && (rel->force_row_security || rel->owner != cf->env->current_user));
}

static Datum tri(CallFrame *cf, int v) { if (v < 0) RETURN_NULL(); return datum_bool(v != 0); }
FN(pg_indexam_has_property)
{
    static const struct { const char *name; bool btree; } props[] = {
        {"can_order", true}, {"can_unique", true}, {"can_multi_col", true}, {"can_exclude", true}, {"can_include", true}};
    Slice p = ARG_TEXT(1);
    if (ARG_OID(0) != BTREE_AM) RETURN_NULL();
    for (size_t i = 0; i < sizeof props / sizeof props[0]; i++)
        if (slice_equal(p, slice_cstr(props[i].name))) return datum_bool(props[i].btree);
    RETURN_NULL();
}
FN(pg_index_has_property)
{
    const Relation *table;
    const IndexInfo *ix;
    Slice p = ARG_TEXT(1);
    if (!index_of(cf, ARG_OID(0), &table, &ix)) return 0;
    if (!ix) RETURN_NULL();
    return tri(cf, slice_equal(p, slice_cstr("clusterable")) || slice_equal(p, slice_cstr("index_scan")) || slice_equal(p, slice_cstr("backward_scan")) ||
                       slice_equal(p, slice_cstr("bitmap_scan")) ? 1 : -1);
}
FN(pg_index_column_has_property)
{
    const Relation *table;
    const IndexInfo *ix;
    Slice p = ARG_TEXT(2);
    int col = ARG_I32(1);
    if (!index_of(cf, ARG_OID(0), &table, &ix)) return 0;
    if (!ix || col < 1 || col > ix->def.ncolumns) RETURN_NULL();
    bool key = col <= ix->nkeyatts;
    int opt = key && ix->options ? ix->options[col - 1] : 0;
    if (slice_equal(p, slice_cstr("asc"))) return tri(cf, key && !(opt & 1));
    if (slice_equal(p, slice_cstr("desc"))) return tri(cf, key && (opt & 1));
    if (slice_equal(p, slice_cstr("nulls_first"))) return tri(cf, key && (opt & 2));
    if (slice_equal(p, slice_cstr("nulls_last"))) return tri(cf, key && !(opt & 2));
    if (slice_equal(p, slice_cstr("orderable"))) return tri(cf, key);
    if (slice_equal(p, slice_cstr("distance_orderable"))) return tri(cf, 0);
    if (slice_equal(p, slice_cstr("returnable"))) return tri(cf, 1);
    if (slice_equal(p, slice_cstr("search_array")) || slice_equal(p, slice_cstr("search_nulls"))) return tri(cf, key);
    RETURN_NULL();
}

/* ---- information_schema's helpers: domains are resolved by the caller ---- */
FN(_pg_char_max_length)
{
    Oid t = ARG_OID(0);
    int32_t m = ARG_I32(1);
    if (m == -1) RETURN_NULL();
    if (t == TYPE_bpchar || t == TYPE_varchar) return datum_i32(m - 4);
    if (t == TYPE_bit || t == TYPE_varbit) return datum_i32(m);
    RETURN_NULL();
}
FN(_pg_char_octet_length)
{
    Oid t = ARG_OID(0);
    int32_t m = ARG_I32(1);
    if (t != TYPE_text && t != TYPE_bpchar && t != TYPE_varchar) RETURN_NULL();
    return datum_i32(m == -1 || t == TYPE_text ? 1 << 30 : (m - 4) * 4);
}
FN(_pg_numeric_precision)
{
    int32_t m = ARG_I32(1);
    switch (ARG_OID(0)) {
    case TYPE_int2: return datum_i32(16);
    case TYPE_int4: return datum_i32(32);
    case TYPE_int8: return datum_i32(64);
    case TYPE_float4: return datum_i32(24);
    case TYPE_float8: return datum_i32(53);
    case TYPE_numeric: if (m != -1) return datum_i32(((m - 4) >> 16) & 0xFFFF); RETURN_NULL();
    default: RETURN_NULL();
    }
}
FN(_pg_numeric_precision_radix)
{
    switch (ARG_OID(0)) {
    case TYPE_int2: case TYPE_int4: case TYPE_int8: case TYPE_float4: case TYPE_float8: return datum_i32(2);
    case TYPE_numeric: return datum_i32(10);
    default: RETURN_NULL();
    }
}
FN(_pg_numeric_scale)
{
    int32_t m = ARG_I32(1);
    switch (ARG_OID(0)) {
    case TYPE_int2: case TYPE_int4: case TYPE_int8: return datum_i32(0);
    case TYPE_numeric: if (m != -1) return datum_i32((m - 4) & 0x7FF); RETURN_NULL();
    default: RETURN_NULL();
    }
}
FN(_pg_datetime_precision)
{
    int32_t m = ARG_I32(1);
    switch (ARG_OID(0)) {
    case TYPE_date: return datum_i32(0);
    case TYPE_time: case TYPE_timetz: case TYPE_timestamp: case TYPE_timestamptz: return datum_i32(m < 0 ? 6 : m);
    case TYPE_interval: return datum_i32(m < 0 || (m & 0xFFFF) == 0xFFFF ? 6 : m & 0xFFFF);
    default: RETURN_NULL();
    }
}
FN(_pg_interval_type)
{
    StrBuf sb;
    strbuf_init(&sb, cf->arena);
    if (ARG_OID(0) != TYPE_interval || ARG_I32(1) < 0) RETURN_NULL();
    interval_typmod_out(ARG_I32(1), &sb);
    for (size_t i = 0; i < sb.len; i++)
        if (sb.data[i] >= 'a' && sb.data[i] <= 'z') sb.data[i] = (char)(sb.data[i] - 32);
    Slice s = strbuf_slice(&sb);
    if (s.len && s.data[0] == ' ') s = slice_of(s.data + 1, s.len - 1);
    return call_return_text(cf, s);
}
FN(_pg_index_position)
{
    const Relation *table;
    const IndexInfo *ix;
    if (!index_of(cf, ARG_OID(0), &table, &ix)) return 0;
    for (int i = 0; ix && i < ix->def.ncolumns; i++)
        if (ix->attnums[i] == ARG_I16(1)) return datum_i32(i + 1);
    RETURN_NULL();
}
FN(_pg_truetypid)
{
    /* (pg_attribute row, pg_type row): the base type of a domain, else the column's type */
    return CALL_ERROR(cf, ERR_FEATURE_NOT_SUPPORTED, "function _pg_truetypid is not supported");
}
FN(_pg_truetypmod) { return CALL_ERROR(cf, ERR_FEATURE_NOT_SUPPORTED, "function _pg_truetypmod is not supported"); }

/* ---- lists ---- */
FN(pg_options_to_table)
{
    typedef struct State { ArrayView v; ArrayIter it; } State;
    State *s = cf->site_state;
    Datum d, copy;
    bool null;
    if (!s) {
        s = cf->site_state = fn_site_alloc(cf, sizeof *s);
        FTRY_MEM(s);
        FTRY(datum_copy(cf->site_arena ? cf->site_arena : cf->arena, cf->args[0], false, -1, &copy, cf->err));
        FTRY(array_open(copy, &s->v, cf->err));
        array_iter_init(&s->it, &s->v, type_builtin(TYPE_text));
    }
    do {
        if (!array_next(&s->it, &d, &null)) {
            cf->set->done = true;
            return 0;
        }
    } while (null);
    Slice t = varlena_slice(d);
    const uint8_t *eq = memchr(t.data, '=', t.len);
    size_t n = eq ? (size_t)(eq - t.data) : t.len;
    Datum v[2] = {call_return_text(cf, slice_of(t.data, n)), eq ? call_return_text(cf, slice_of(eq + 1, t.len - n - 1)) : 0};
    return fn_return_row(cf, 2, v, (bool[]){false, !eq});
}

static const struct { const char *word; char cat; bool bare; const char *catdesc, *baredesc; } keywords[] = {
#define KEYWORD(word, cat, bare, catdesc, baredesc) {word, cat, bare, catdesc, baredesc},
#include "catalog/keywords.def"
};
FN(pg_get_keywords)
{
    size_t i = (size_t)(uintptr_t)cf->site_state;
    if (i >= sizeof keywords / sizeof keywords[0]) {
        cf->set->done = true;
        return 0;
    }
    Datum c[5];
    c[0] = call_return_cstr(cf, keywords[i].word);
    c[1] = keywords[i].cat;
    c[2] = datum_bool(keywords[i].bare);
    c[3] = call_return_cstr(cf, keywords[i].catdesc);
    c[4] = call_return_cstr(cf, keywords[i].baredesc);
    cf->site_state = (void *)(uintptr_t)(i + 1);
    return fn_return_row(cf, 5, c, NULL);
}
