/* Advisory locks: session and transaction scope, exclusive and shared, one bigint or two ints as the key. */
#include "functions/fn.h"

static LockTag tag_of(CallFrame *cf, bool one)
{
    LockTag t = {.kind = LOCKTAG_ADVISORY, .database = cf->env->database_oid, .sub = one ? 1 : 2};
    if (one) {
        t.a = (uint32_t)((uint64_t)ARG_I64(0) >> 32);
        t.b = (uint32_t)ARG_I64(0);
    } else {
        t.a = (uint32_t)ARG_I32(0);
        t.b = (uint32_t)ARG_I32(1);
    }
    return t;
}

static Datum acquire(CallFrame *cf, bool one, LockMode mode, bool session, bool try_only)
{
    bool granted = false;
    FTRY(lock_acquire(cf->env->locks, tag_of(cf, one), mode, try_only ? LOCK_SKIP : LOCK_WAIT, session, NULL, &granted, cf->err));
    return try_only ? datum_bool(granted) : 0;
}

static Datum release(CallFrame *cf, bool one, LockMode mode)
{
    bool held = lock_release(cf->env->locks, tag_of(cf, one), mode, true);
    if (!held) session_notice(cf->env, SEV_WARNING, ERR_WARNING, NULL, NULL, "you don't own a lock of type %s", lock_mode_name(mode));
    return datum_bool(held);
}

#define LOCKS(suffix, one)                                                                                                     \
    FN(pg_advisory_lock_##suffix) { return acquire(cf, one, LOCK_EXCLUSIVE, true, false); }                                     \
    FN(pg_advisory_lock_shared_##suffix) { return acquire(cf, one, LOCK_SHARE, true, false); }                                  \
    FN(pg_advisory_xact_lock_##suffix) { return acquire(cf, one, LOCK_EXCLUSIVE, false, false); }                               \
    FN(pg_advisory_xact_lock_shared_##suffix) { return acquire(cf, one, LOCK_SHARE, false, false); }                            \
    FN(pg_try_advisory_lock_##suffix) { return acquire(cf, one, LOCK_EXCLUSIVE, true, true); }                                  \
    FN(pg_try_advisory_lock_shared_##suffix) { return acquire(cf, one, LOCK_SHARE, true, true); }                               \
    FN(pg_try_advisory_xact_lock_##suffix) { return acquire(cf, one, LOCK_EXCLUSIVE, false, true); }                            \
    FN(pg_try_advisory_xact_lock_shared_##suffix) { return acquire(cf, one, LOCK_SHARE, false, true); }                         \
    FN(pg_advisory_unlock_##suffix) { return release(cf, one, LOCK_EXCLUSIVE); }                                                \
    FN(pg_advisory_unlock_shared_##suffix) { return release(cf, one, LOCK_SHARE); }
LOCKS(int8, true)
LOCKS(int4, false)
FN(pg_advisory_unlock_all) { lock_release_session_advisory(cf->env->locks); return 0; }
