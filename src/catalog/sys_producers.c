/* Rows of pg_settings, pg_stat_activity, pg_locks and of the views that are truthfully empty here (no replication, no archiver ...). */
#include "catalog/sys_producers.h"

#include <stdio.h>
#include <string.h>

#include "catalog/cat_array.h"
#include "catalog/name_lookup.h"
#include "types/timezone.h"

struct Producer {
    ProducerRows rows;
    int next;
};

typedef struct Row { Datum *values; bool *nulls; } Row;

enum { MAX_REGISTERED = 32 };
static struct { const char *view; ProducerFn fn; } registered[MAX_REGISTERED];
static int nregistered;

void producer_register(const char *view, ProducerFn fn)
{
    if (nregistered < MAX_REGISTERED) registered[nregistered++] = (typeof(registered[0])){view, fn};
}

STATUS producer_add(ProducerRows *rows, const Datum *values, const bool *nulls, Error *err)
{
    size_t n = (size_t)rows->desc->natts;
    Row *row;
    TRY_NEW(row, rows->arena, err);
    row->values = arena_memdup(rows->arena, values, n * sizeof *values);
    row->nulls = arena_memdup(rows->arena, nulls, n * sizeof *nulls);
    if (!row->values || !row->nulls || !ptrvec_push(&rows->rows, rows->arena, row)) return error_out_of_memory(err, n);
    return ST_OK;
}

/* A row being filled by column number, nulls by default. */
typedef struct RowBuilder { Datum values[64]; bool nulls[64]; Arena *arena; bool oom; } RowBuilder;

static void row_start(RowBuilder *b, Arena *arena)
{
    memset(b->nulls, true, sizeof b->nulls);
    memset(b->values, 0, sizeof b->values);
    b->arena = arena;
    b->oom = false;
}

static void row_datum(RowBuilder *b, int col, Datum d)
{
    b->values[col] = d;
    b->nulls[col] = false;
}

static void row_text(RowBuilder *b, int col, const char *s)
{
    if (!s) return;
    row_datum(b, col, varlena_cstr(b->arena, s));
    b->oom |= !b->values[col];
}

static STATUS row_finish(RowBuilder *b, ProducerRows *rows, Error *err)
{
    return b->oom ? error_out_of_memory(err, 0) : producer_add(rows, b->values, b->nulls, err);
}

/* ---- pg_settings ---- */
static STATUS enum_array(Arena *arena, const char *list, Datum *out, Error *err)
{
    const char *v[64];
    int n = 0;
    for (const char *p = list; *p && n < 64; n++) {
        size_t len = strcspn(p, ",");
        v[n] = arena_strndup(arena, p, len);
        TRY_MEM(v[n], err);
        p += len + (p[len] == ',');
    }
    *out = cat_text_array(arena, v, n);
    return *out ? ST_OK : error_out_of_memory(err, 0);
}

static STATUS settings_rows(ProducerRows *rows, Error *err)
{
    static const char *const contexts[] = {"internal", "postmaster", "sighup", "superuser-backend", "backend", "superuser", "user"};
    static const char *const types[] = {"bool", "integer", "real", "string", "enum"};
    static const char *const sources[] = {"default", "configuration file", "environment variable", "command line", "database", "user",
                                          "client", "session"};
    for (int i = 0; i < setting_count(); i++) {
        const SettingInfo *s = setting_info(i);
        const char *value;
        RowBuilder b;
        row_start(&b, rows->arena);
        TRY(setting_raw(rows->env->settings, s->name, rows->arena, &value, err));
        row_text(&b, 0, s->name);
        row_text(&b, 1, value);
        row_text(&b, 2, s->unit);
        row_text(&b, 3, s->category);
        row_text(&b, 4, s->short_desc);
        row_text(&b, 5, s->extra_desc);
        row_text(&b, 6, contexts[s->context]);
        row_text(&b, 7, types[s->type]);
        row_text(&b, 8, sources[setting_source(rows->env->settings, s->name)]);
        row_text(&b, 9, s->min);
        row_text(&b, 10, s->max);
        if (s->enum_values) {
            Datum a;
            TRY(enum_array(rows->arena, s->enum_values, &a, err));
            row_datum(&b, 11, a);
        }
        row_text(&b, 12, s->boot_value);
        row_text(&b, 13, setting_source(rows->env->settings, s->name) == SETSRC_SESSION ? s->boot_value : value);
        row_datum(&b, 16, datum_bool(false));
        TRY(row_finish(&b, rows, err));
    }
    return ST_OK;
}

/* ---- pg_stat_activity ---- */
typedef struct ActivityArg { ProducerRows *rows; Error *err; Status st; } ActivityArg;

static void row_time(RowBuilder *b, int col, int64_t t)
{
    if (t) row_datum(b, col, datum_i64(t));
}

static STATUS client_address(RowBuilder *b, ProducerRows *rows, int col, const char *addr, Error *err)
{
    const TypeInfo *inet = type_builtin(TYPE_inet);
    IoContext io = session_io(rows->env, rows->arena);
    Datum d;
    if (!addr || !inet || !inet->input) return ST_OK;
    Error ignored = ERROR_INIT;
    if (!failed(type_input(&io, inet, slice_cstr(addr), -1, &d, &ignored))) row_datum(b, col, d);
    error_clear(&ignored);
    (void)err;
    return ST_OK;
}

static void add_activity(void *arg, const SessionActivity *a)
{
    ActivityArg *aa = arg;
    RowBuilder b;
    if (failed(aa->st)) return;
    bool own = aa->rows->env->is_superuser || a->user == aa->rows->env->current_user;
    row_start(&b, aa->rows->arena);
    row_datum(&b, 0, datum_oid(a->database));
    row_text(&b, 1, a->database_name);
    row_datum(&b, 2, datum_i32(a->pid));
    row_datum(&b, 4, datum_oid(a->user));
    row_text(&b, 5, a->user_name);
    row_text(&b, 6, a->application_name ? a->application_name : "");
    if (own) {
        aa->st = client_address(&b, aa->rows, 7, a->client_addr, aa->err);
        row_datum(&b, 9, datum_i32(a->client_addr ? a->client_port : -1));
        row_time(&b, 10, a->backend_start);
        row_time(&b, 11, a->xact_start);
        row_time(&b, 12, a->query_start);
        row_time(&b, 13, a->state_change);
        row_text(&b, 14, a->wait_event_type);
        row_text(&b, 15, a->wait_event);
        row_text(&b, 16, a->state);
        if (a->xid) row_datum(&b, 17, datum_oid((Oid)a->xid));
        row_text(&b, 20, a->query);
        row_text(&b, 21, "client backend");
    } else {
        row_text(&b, 20, "<insufficient privilege>");
    }
    if (!failed(aa->st)) aa->st = row_finish(&b, aa->rows, aa->err);
}

static STATUS activity_rows(ProducerRows *rows, Error *err)
{
    ActivityArg arg = {rows, err, ST_OK};
    if (rows->env->hooks && rows->env->hooks->each_session) rows->env->hooks->each_session(rows->env, add_activity, &arg);
    return arg.st;
}

/* ---- pg_locks ---- */
static void add_lock(void *arg, const LockInfo *l)
{
    static const char *const kinds[] = {"relation", "database", "object", "advisory", "transactionid"};
    ActivityArg *aa = arg;
    RowBuilder b;
    char buf[48];
    if (failed(aa->st)) return;
    row_start(&b, aa->rows->arena);
    row_text(&b, 0, kinds[l->tag.kind]);
    if (l->tag.kind != LOCKTAG_TRANSACTION) row_datum(&b, 1, datum_oid(l->tag.database));
    switch (l->tag.kind) {
    case LOCKTAG_RELATION: row_datum(&b, 2, datum_oid(l->tag.a)); break;
    case LOCKTAG_TRANSACTION: row_datum(&b, 6, datum_oid(l->tag.b)); break;
    case LOCKTAG_OBJECT: case LOCKTAG_ADVISORY:
        row_datum(&b, 7, datum_oid(l->tag.a));
        row_datum(&b, 8, datum_oid(l->tag.b));
        row_datum(&b, 9, datum_i16((int16_t)l->tag.sub));
        break;
    case LOCKTAG_DATABASE: break;
    }
    snprintf(buf, sizeof buf, "%d/%llu", l->pid, (unsigned long long)l->virtual_xid);
    row_text(&b, 10, buf);
    row_datum(&b, 11, datum_i32(l->pid));
    row_text(&b, 12, lock_mode_name(l->mode));
    row_datum(&b, 13, datum_bool(l->granted));
    row_datum(&b, 14, datum_bool(false));
    aa->st = row_finish(&b, aa->rows, aa->err);
}

static STATUS lock_rows(ProducerRows *rows, Error *err)
{
    ActivityArg arg = {rows, err, ST_OK};
    lock_each(rows->env->cluster, add_lock, &arg);
    return arg.st;
}

/* ---- time zones ---- */
static STATUS zone_row(ProducerRows *rows, const char *name, const char *abbrev, int seconds_east, bool is_dst, Error *err)
{
    RowBuilder b;
    Interval *offset;
    int col = 0;
    TRY_NEW(offset, rows->arena, err);
    offset->time = (int64_t)seconds_east * 1000000;
    row_start(&b, rows->arena);
    if (name) row_text(&b, col++, name);
    row_text(&b, col++, abbrev);
    row_datum(&b, col++, datum_ptr(offset));
    row_datum(&b, col, datum_bool(is_dst));
    return row_finish(&b, rows, err);
}

typedef struct ZoneArg { ProducerRows *rows; int64_t unix_now; Error *err; Status st; } ZoneArg;

static void add_zone(void *arg, const char *name)
{
    ZoneArg *za = arg;
    const TimeZone *tz = failed(za->st) ? NULL : timezone_find(slice_cstr(name));
    if (!tz) return;
    ZoneOffset now = timezone_at(tz, za->unix_now);
    za->st = zone_row(za->rows, name, now.abbrev, now.seconds_east, now.is_dst, za->err);
}

static STATUS zone_name_rows(ProducerRows *rows, Error *err)
{
    ZoneArg arg = {rows, clock_wall_us() / 1000000, err, ST_OK};
    timezone_each_name(add_zone, &arg);
    return arg.st;
}

static STATUS zone_abbrev_rows(ProducerRows *rows, Error *err)
{
    for (int i = 0; i < timezone_abbrev_count(); i++) {
        ZoneAbbrev z;
        const char *name = timezone_abbrev_at(i, &z);
        if (z.zone) { /* one that follows a zone: as it is now */
            ZoneOffset now = timezone_at(z.zone, clock_wall_us() / 1000000);
            z.seconds_east = now.seconds_east;
            z.is_dst = now.is_dst;
        }
        TRY(zone_row(rows, NULL, name, z.seconds_east, z.is_dst, err));
    }
    return ST_OK;
}

/* One row of counters of things that never happen here (no archiver): zeros, and nulls where a time would stand. */
static STATUS zero_row(ProducerRows *rows, Error *err)
{
    RowBuilder b;
    row_start(&b, rows->arena);
    for (int i = 0; i < rows->desc->natts; i++)
        if (rows->desc->atts[i].type == TYPE_int8 || rows->desc->atts[i].type == TYPE_float8) row_datum(&b, i, 0);
    return row_finish(&b, rows, err);
}

static STATUS no_rows(ProducerRows *rows UNUSED, Error *err UNUSED) { return ST_OK; }

/* Truthfully empty: what they would show does not exist in this server. */
static const struct { const char *view; ProducerFn fn; } producers[] = {
    {"pg_settings", settings_rows}, {"pg_stat_activity", activity_rows}, {"pg_locks", lock_rows},
    {"pg_timezone_names", zone_name_rows}, {"pg_timezone_abbrevs", zone_abbrev_rows},
    {"pg_prepared_xacts", no_rows}, {"pg_stat_user_functions", no_rows}, {"pg_stat_xact_user_functions", no_rows},
    {"pg_stat_archiver", zero_row}, {"pg_stat_bgwriter", zero_row},
    {"view_routine_usage", no_rows}, {"routine_column_usage", no_rows}, {"routine_routine_usage", no_rows},
    {"routine_sequence_usage", no_rows}, {"routine_table_usage", no_rows}, {"check_constraint_routine_usage", no_rows},
    {"pg_seclabels", no_rows}, {"pg_publication_tables", no_rows}, {"pg_stats_ext", no_rows}, {"pg_stats_ext_exprs", no_rows},
    {"pg_available_extension_versions", no_rows}, {"pg_file_settings", no_rows}, {"pg_hba_file_rules", no_rows},
    {"pg_ident_file_mappings", no_rows}, {"pg_stat_replication", no_rows}, {"pg_stat_wal_receiver", no_rows},
    {"pg_stat_subscription", no_rows}, {"pg_stat_subscription_stats", no_rows}, {"pg_replication_slots", no_rows},
    {"pg_stat_replication_slots", no_rows}, {"pg_replication_origin_status", no_rows}, {"pg_stat_progress_analyze", no_rows},
    {"pg_stat_progress_vacuum", no_rows}, {"pg_stat_progress_cluster", no_rows}, {"pg_stat_progress_create_index", no_rows},
    {"pg_stat_progress_basebackup", no_rows}, {"pg_stat_progress_copy", no_rows}, {"pg_user_mappings", no_rows},
    {"pg_stat_database_conflicts", no_rows}, {"pg_shmem_allocations", no_rows}, {"pg_stat_slru", no_rows},
    {"_pg_foreign_data_wrappers", no_rows}, {"_pg_foreign_servers", no_rows}, {"_pg_foreign_tables", no_rows},
    {"_pg_foreign_table_columns", no_rows}, {"_pg_user_mappings", no_rows}, {"foreign_data_wrappers", no_rows},
    {"foreign_data_wrapper_options", no_rows}, {"foreign_servers", no_rows}, {"foreign_server_options", no_rows},
    {"foreign_tables", no_rows}, {"foreign_table_options", no_rows}, {"user_mappings", no_rows}, {"user_mapping_options", no_rows},
    {"column_options", no_rows}, {"transforms", no_rows},
};

static ProducerFn find_producer(const char *view)
{
    for (int i = 0; i < nregistered; i++)
        if (!strcmp(registered[i].view, view)) return registered[i].fn;
    for (size_t i = 0; i < sizeof producers / sizeof producers[0]; i++)
        if (!strcmp(producers[i].view, view)) return producers[i].fn;
    return NULL;
}

STATUS producer_open(SessionEnv *env, const Relation *rel, const VirtualKey *keys UNUSED, int nkeys UNUSED, Arena *arena, Producer **out,
                     Error *err)
{
    ProducerFn fn = find_producer(rel->name);
    Producer *p;
    if (!fn) return error_set(err, ERR_FEATURE_NOT_SUPPORTED, "system view \"%s\" is not supported", rel->name);
    TRY_NEW(p, arena, err);
    p->rows = (ProducerRows){.env = env, .arena = arena, .desc = rel->desc};
    TRY(fn(&p->rows, err));
    *out = p;
    return ST_OK;
}

STATUS producer_next(Producer *p, Arena *row UNUSED, Datum *values, bool *nulls, bool *more, Error *err UNUSED)
{
    *more = p->next < p->rows.rows.len;
    if (!*more) return ST_OK;
    const Row *r = p->rows.rows.v[p->next++];
    memcpy(values, r->values, (size_t)p->rows.desc->natts * sizeof *values);
    memcpy(nulls, r->nulls, (size_t)p->rows.desc->natts * sizeof *nulls);
    return ST_OK;
}

void producer_close(Producer *p UNUSED) {}
