/* Status: the must-use result of every function that can fail.
 *
 * The reason of a failure travels in an Error (error.h); the Status only says that there is one, so that control flow is
 * plain returns and the compiler finds a result nobody looked at. There is no longjmp in this program. */
#ifndef HELIOS_COMMON_STATUS_H
#define HELIOS_COMMON_STATUS_H

#include <stdbool.h>

typedef enum Status { ST_OK = 0, ST_FAILED = 1 } Status;

/* Declares a checked function: STATUS txn_commit(Txn *txn, Error *err); */
#define STATUS __attribute__((warn_unused_result)) Status

#define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args)))
#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)
#define UNUSED __attribute__((unused))

static inline bool failed(Status st) { return unlikely(st != ST_OK); }

/* The outcome of a body and then of its clean-up: failed if either failed (the Error keeps the first reason itself). */
static inline Status first_error(Status body, Status cleanup) { return failed(body) ? body : cleanup; }

/* Returns from the calling STATUS function unless `call` succeeded. Not for functions that hold a cursor, lock or snapshot:
 * those use TRY_GOTO and one `done:` label. */
#define TRY(call)                         \
    do {                                  \
        Status try_st_ = (call);          \
        if (failed(try_st_)) return try_st_; \
    } while (0)

/* `st` is the local Status that the done: label returns. */
#define TRY_GOTO(st, call, label)     \
    do {                              \
        (st) = (call);                \
        if (failed(st)) goto label;   \
    } while (0)

#endif
