/* Steps that ask the session, the row or the type registry for a value. */
#include "expr/expr_internal.h"

static void put_u64(uint8_t *p, uint64_t v) { memcpy(p, &v, 8); }

/* The identity of a row for UPDATE, DELETE and row locks: stamp(8) xmin(8) key length(4) key row; read by executor/row_identity.c. */
static STATUS row_identity(TupleSlot *slot, Arena *arena, Datum *v, Error *err)
{
    uint8_t *p;
    uint32_t nkey = (uint32_t)slot->key.len;
    *v = varlena_new(arena, NULL, 20 + slot->key.len + slot->row.len, &p);
    TRY_MEM(*v, err);
    put_u64(p, slot->stamp);
    put_u64(p + 8, slot->xmin);
    memcpy(p + 16, &nkey, 4);
    if (nkey) memcpy(p + 20, slot->key.data, nkey);
    if (slot->row.len) memcpy(p + 20 + nkey, slot->row.data, slot->row.len);
    return ST_OK;
}

STATUS step_system_column(TupleSlot *slot, int attno, ExprContext *ec, Datum *v, bool *n, Error *err)
{
    *n = false;
    *v = 0;
    switch (attno) {
    case ATTNUM_ROWID:
        *n = slot->empty || !slot->key.len; /* the null-extended side of an outer join */
        return *n ? ST_OK : row_identity(slot, ec->tuple_arena, v, err);
    case ATTNUM_TABLEOID: *v = datum_oid(slot->table_oid); break;
    case ATTNUM_CTID: *v = slot->stamp; break;
    case ATTNUM_XMIN: *v = datum_oid((Oid)slot->xmin); break;
    case ATTNUM_XMAX: case ATTNUM_CMIN: case ATTNUM_CMAX: break;
    default: return error_set(err, ERR_INTERNAL_ERROR, "invalid attribute number %d", attno);
    }
    return ST_OK;
}

STATUS step_io_coerce(IoCoerceData *d, ExprContext *ec, Datum *v, bool *n, Error *err)
{
    IoContext io = session_io(ec->env, ec->tuple_arena);
    StrBuf sb;
    strbuf_init(&sb, ec->tuple_arena);
    TRY(type_output(&io, d->from, *v, &sb, err));
    TRY(strbuf_check(&sb, err));
    if (d->to->oid == TYPE_text || d->to->oid == TYPE_varchar) {
        *v = varlena_new(ec->tuple_arena, strbuf_cstr(&sb), sb.len, NULL);
        TRY_MEM(*v, err);
        return ST_OK;
    }
    return type_input(&io, d->to, strbuf_slice(&sb), -1, v, err);
}

void step_min_max(MinMaxData *d, Datum *v, bool *n)
{
    bool have = false;
    Datum best = 0;
    for (int i = 0; i < d->in.n; i++) {
        if (d->in.nulls[i]) continue;
        int c = have ? d->type->compare(d->type, d->in.v[i], best) : 0;
        if (!have || (d->greatest ? c > 0 : c < 0)) best = d->in.v[i];
        have = true;
    }
    *v = best;
    *n = !have;
}

static STATUS call_by_oid(ExprContext *ec, Oid proc, Oid result, Oid argtype, Datum arg, bool has_arg, Datum *v, bool *n, Error *err)
{
    bool argnull = false;
    return call_function(ec->env, proc, INVALID_OID, result, has_arg ? 1 : 0, &argtype, &arg, &argnull, ec->tuple_arena, v, n, err);
}

/* pg_proc rows that turn a timestamptz into the other types of now. */
enum { PROC_timestamptz_date = 1178, PROC_timestamptz_timetz = 1388, PROC_timestamptz_time = 2019, PROC_timestamptz_timestamp = 2027,
       PROC_current_schema = 1402 };

static STATUS name_value(ExprContext *ec, const char *name, Datum *v, bool *n, Error *err)
{
    *n = name == NULL;
    *v = 0;
    if (!name) return ST_OK;
    *v = varlena_cstr(ec->tuple_arena, name);
    TRY_MEM(*v, err);
    return ST_OK;
}

STATUS step_sql_value(const SQLValueFunction *f, ExprContext *ec, Datum *v, bool *n, Error *err)
{
    SessionEnv *env = ec->env;
    Datum now = datum_i64(env->txn_start);
    Oid proc = INVALID_OID, type = f->type;
    *n = false;
    switch (f->op) {
    case SVF_CURRENT_DATE: proc = PROC_timestamptz_date; type = TYPE_date; break;
    case SVF_CURRENT_TIME: case SVF_CURRENT_TIME_N: proc = PROC_timestamptz_timetz; type = TYPE_timetz; break;
    case SVF_LOCALTIME: case SVF_LOCALTIME_N: proc = PROC_timestamptz_time; type = TYPE_time; break;
    case SVF_LOCALTIMESTAMP: case SVF_LOCALTIMESTAMP_N: proc = PROC_timestamptz_timestamp; type = TYPE_timestamp; break;
    case SVF_CURRENT_TIMESTAMP: case SVF_CURRENT_TIMESTAMP_N: type = TYPE_timestamptz; break;
    case SVF_CURRENT_ROLE: case SVF_CURRENT_USER: case SVF_USER: return name_value(ec, role_name_of(env, env->current_user, ec->tuple_arena), v, n, err);
    case SVF_SESSION_USER: return name_value(ec, role_name_of(env, env->session_user, ec->tuple_arena), v, n, err);
    case SVF_CURRENT_CATALOG: return name_value(ec, env->database_name, v, n, err);
    case SVF_CURRENT_SCHEMA: return call_by_oid(ec, PROC_current_schema, TYPE_name, INVALID_OID, 0, false, v, n, err);
    }
    *v = now;
    if (proc) TRY(call_by_oid(ec, proc, type, TYPE_timestamptz, now, true, v, n, err));
    if (f->typmod < 0 || *n) return ST_OK;
    IoContext io = session_io(env, ec->tuple_arena);
    return type_apply_typmod(&io, type_builtin(type), *v, f->typmod, true, v, err);
}

STATUS step_next_value(Oid seq, Oid type, ExprContext *ec, Datum *v, bool *n, Error *err)
{
    enum { PROC_nextval = 1574 };
    TRY(call_by_oid(ec, PROC_nextval, TYPE_int8, TYPE_regclass, datum_oid(seq), true, v, n, err));
    int64_t value = datum_get_i64(*v);
    if (type == TYPE_int4 && value != (int32_t)value) return error_set(err, ERR_NUMERIC_VALUE_OUT_OF_RANGE, "integer out of range");
    if (type == TYPE_int2 && value != (int16_t)value) return error_set(err, ERR_NUMERIC_VALUE_OUT_OF_RANGE, "smallint out of range");
    return ST_OK;
}
