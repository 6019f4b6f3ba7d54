/* Statistics views' functions. Nothing is counted yet: counters are 0, times null. */
#include "functions/fn.h"

#define ZERO(name) FN(name) { return datum_i64(0); }
#define ZERO_F(name) FN(name) { return datum_f8(0); }
#define NOTHING(name) FN(name) { RETURN_NULL(); }
ZERO(pg_stat_get_numscans) ZERO(pg_stat_get_tuples_returned) ZERO(pg_stat_get_tuples_fetched) ZERO(pg_stat_get_tuples_inserted)
ZERO(pg_stat_get_tuples_updated) ZERO(pg_stat_get_tuples_deleted) ZERO(pg_stat_get_tuples_hot_updated) ZERO(pg_stat_get_dead_tuples)
ZERO(pg_stat_get_mod_since_analyze) ZERO(pg_stat_get_ins_since_vacuum) ZERO(pg_stat_get_blocks_fetched) ZERO(pg_stat_get_blocks_hit)
ZERO(pg_stat_get_vacuum_count) ZERO(pg_stat_get_autovacuum_count) ZERO(pg_stat_get_analyze_count) ZERO(pg_stat_get_autoanalyze_count)
ZERO(pg_stat_get_xact_numscans) ZERO(pg_stat_get_xact_tuples_returned) ZERO(pg_stat_get_xact_tuples_fetched)
ZERO(pg_stat_get_xact_tuples_inserted) ZERO(pg_stat_get_xact_tuples_updated) ZERO(pg_stat_get_xact_tuples_deleted)
ZERO(pg_stat_get_xact_tuples_hot_updated) ZERO(pg_stat_get_xact_blocks_fetched) ZERO(pg_stat_get_xact_blocks_hit)
ZERO(pg_stat_get_db_xact_commit) ZERO(pg_stat_get_db_xact_rollback) ZERO(pg_stat_get_db_blocks_fetched) ZERO(pg_stat_get_db_blocks_hit)
ZERO(pg_stat_get_db_tuples_returned) ZERO(pg_stat_get_db_tuples_fetched) ZERO(pg_stat_get_db_tuples_inserted)
ZERO(pg_stat_get_db_tuples_updated) ZERO(pg_stat_get_db_tuples_deleted) ZERO(pg_stat_get_db_conflict_all) ZERO(pg_stat_get_db_temp_files)
ZERO(pg_stat_get_db_temp_bytes) ZERO(pg_stat_get_db_deadlocks) ZERO(pg_stat_get_db_sessions) ZERO(pg_stat_get_db_sessions_abandoned)
ZERO(pg_stat_get_db_sessions_fatal) ZERO(pg_stat_get_db_sessions_killed) ZERO(pg_stat_get_db_conflict_bufferpin)
ZERO(pg_stat_get_db_conflict_lock) ZERO(pg_stat_get_db_conflict_snapshot) ZERO(pg_stat_get_db_conflict_startup_deadlock)
ZERO(pg_stat_get_db_conflict_tablespace) ZERO(pg_stat_get_bgwriter_buf_written_checkpoints) ZERO(pg_stat_get_bgwriter_buf_written_clean)
ZERO(pg_stat_get_bgwriter_maxwritten_clean) ZERO(pg_stat_get_bgwriter_requested_checkpoints) ZERO(pg_stat_get_bgwriter_timed_checkpoints)
ZERO(pg_stat_get_buf_alloc) ZERO(pg_stat_get_buf_fsync_backend) ZERO(pg_stat_get_buf_written_backend)
ZERO_F(pg_stat_get_db_blk_read_time) ZERO_F(pg_stat_get_db_blk_write_time) ZERO_F(pg_stat_get_db_session_time)
ZERO_F(pg_stat_get_db_active_time) ZERO_F(pg_stat_get_db_idle_in_transaction_time) ZERO_F(pg_stat_get_checkpoint_write_time)
ZERO_F(pg_stat_get_checkpoint_sync_time)
NOTHING(pg_stat_get_last_vacuum_time) NOTHING(pg_stat_get_last_autovacuum_time) NOTHING(pg_stat_get_last_analyze_time)
NOTHING(pg_stat_get_last_autoanalyze_time) NOTHING(pg_stat_get_db_stat_reset_time) NOTHING(pg_stat_get_bgwriter_stat_reset_time)
NOTHING(pg_stat_get_db_checksum_failures) NOTHING(pg_stat_get_db_checksum_last_failure) NOTHING(pg_stat_get_snapshot_timestamp)
NOTHING(pg_stat_get_function_calls) NOTHING(pg_stat_get_function_total_time) NOTHING(pg_stat_get_function_self_time)
NOTHING(pg_stat_get_xact_function_calls) NOTHING(pg_stat_get_xact_function_total_time) NOTHING(pg_stat_get_xact_function_self_time)
FN(pg_stat_have_stats) { return datum_bool(false); }
FN(pg_stat_reset) { return 0; }
FN(pg_stat_reset_shared) { return 0; }
FN(pg_stat_reset_single_table_counters) { return 0; }
FN(pg_stat_reset_single_function_counters) { return 0; }
FN(pg_stat_reset_slru) { return 0; }
FN(pg_stat_clear_snapshot) { return 0; }
FN(pg_stat_force_next_flush) { return 0; }

FN(pg_stat_get_live_tuples)
{
    const Relation *rel;
    FTRY(relation_try_open(cf->env, ARG_OID(0), LOCK_NONE, &rel, cf->err));
    return datum_i64(rel && rel->reltuples > 0 ? (int64_t)rel->reltuples : 0);
}

static void count_session(void *arg, const SessionActivity *a)
{
    struct Count { Oid db; int32_t n; } *c = arg;
    if (a->database == c->db) c->n++;
}
FN(pg_stat_get_db_numbackends)
{
    struct Count { Oid db; int32_t n; } c = {ARG_OID(0), 0};
    if (cf->env->hooks && cf->env->hooks->each_session) cf->env->hooks->each_session(cf->env, count_session, &c);
    return datum_i32(c.n);
}
