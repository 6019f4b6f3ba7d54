/* Sequences: rows outside transactions, logged 32 values ahead, ordered before any commit that used them.
 * RESTART and ... RESTART IDENTITY take a new storage id (in the caller's transaction), so that they can be rolled back. */
#ifndef HELIOS_STORAGE_SEQUENCE_H
#define HELIOS_STORAGE_SEQUENCE_H

#include "storage/txn.h"

typedef struct SequenceDef {
    uint32_t storage_id;
    StorePlace place;
    Oid relid;
    int64_t start, increment, min, max, cache;
    bool cycle;
} SequenceDef;

/* Creates the state (last_value = value, is_called) with the transaction's commit. */
STATUS sequence_create(Txn *txn, const SequenceDef *def, int64_t value, bool is_called, Error *err);
/* 2200H "nextval: reached maximum value of sequence \"%s\" (%s)". name: for that message. */
STATUS sequence_next(Txn *txn, const SequenceDef *def, const char *name, int64_t *out, Error *err);
/* n values at once (session cache, COPY): *first, *count <= n. */
STATUS sequence_next_many(Txn *txn, const SequenceDef *def, const char *name, int n, int64_t *first, int *count, Error *err);
STATUS sequence_set(Txn *txn, const SequenceDef *def, const char *name, int64_t value, bool is_called, Error *err);
STATUS sequence_read(Txn *txn, const SequenceDef *def, int64_t *last_value, bool *is_called, int64_t *log_cnt, Error *err);

#endif
