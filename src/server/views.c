/* System views over what the session itself holds: pg_cursors, pg_prepared_statements. */
#include "server/session.h"

#include "catalog/cat_array.h"
#include "catalog/sys_producers.h"

static Status text_value(Arena *arena, const char *s, Datum *out, Error *err)
{
    *out = varlena_cstr(arena, s ? s : "");
    TRY_MEM(*out, err);
    return ST_OK;
}

static Status cursor_row(ProducerRows *rows, const Portal *p, Error *err)
{
    Datum v[6];
    bool nulls[6] = {false};
    TRY(text_value(rows->arena, p->name, &v[0], err));
    TRY(text_value(rows->arena, p->sql, &v[1], err));
    v[2] = datum_bool(p->cursor_options & CURSOR_HOLD);
    v[3] = datum_bool(p->cursor_options & CURSOR_BINARY);
    v[4] = datum_bool(p->scrollable);
    v[5] = datum_i64(p->created_at);
    return producer_add(rows, v, nulls, err);
}

static Status cursors(ProducerRows *rows, Error *err)
{
    Session *s = session_of(rows->env);
    size_t pos = 0;
    Slice key;
    void *value;
    while (hashmap_next(s->portals, &pos, &key, &value)) TRY(cursor_row(rows, value, err));
    return ST_OK;
}

static Status statement_row(ProducerRows *rows, const PreparedStatement *ps, Error *err)
{
    Datum v[7], *types;
    bool nulls[7] = {false};
    TRY(text_value(rows->arena, ps->name, &v[0], err));
    TRY(text_value(rows->arena, ps->shown ? ps->shown : ps->sql, &v[1], err));
    v[2] = datum_i64(ps->prepared_at);
    TRY_NEW_N(types, rows->arena, ps->params.n + 1, err);
    for (int i = 0; i < ps->params.n; i++) types[i] = datum_oid(ps->params.types[i]);
    v[3] = cat_array_build(rows->arena, TYPE_regtype, types, ps->params.n);
    TRY_MEM(v[3], err);
    v[4] = datum_bool(ps->from_sql);
    v[5] = datum_i64(ps->generic_runs);
    v[6] = datum_i64(ps->custom_runs);
    return producer_add(rows, v, nulls, err);
}

static Status statements(ProducerRows *rows, Error *err)
{
    Session *s = session_of(rows->env);
    size_t pos = 0;
    Slice key;
    void *value;
    while (hashmap_next(s->prepared, &pos, &key, &value))
        if (key.len) TRY(statement_row(rows, value, err)); /* the unnamed one is not shown */
    return ST_OK;
}

void server_views_register(void)
{
    producer_register("pg_cursors", cursors);
    producer_register("pg_prepared_statements", statements);
}
