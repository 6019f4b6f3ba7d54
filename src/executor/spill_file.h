/* A temporary file of rows: written once in order, then read in order, any number of times. Unlinked from the start: a crash leaves nothing. */
#ifndef HELIOS_EXECUTOR_SPILL_FILE_H
#define HELIOS_EXECUTOR_SPILL_FILE_H

#include "catalog/session_env.h"

typedef struct SpillFile SpillFile;

STATUS spill_open(SessionEnv *env, MemAccount *account, SpillFile **out, Error *err);
void spill_close(SpillFile *f); /* NULL is fine */
STATUS spill_write(SpillFile *f, const void *p, size_t n, Error *err);
/* Ends writing (flushes) or reading; the next read starts at byte `at`. */
STATUS spill_seek(SpillFile *f, uint64_t at, Error *err);
STATUS spill_read(SpillFile *f, void *p, size_t n, bool *eof, Error *err); /* eof only at a clean end */
uint64_t spill_size(const SpillFile *f);
uint64_t spill_tell(const SpillFile *f); /* position of the next byte read or written */

/* Rows as mintuples, each preceded by `head` bytes of the caller's (a hash value). */
STATUS spill_put_row(SpillFile *f, const void *head, size_t nhead, const uint8_t *tuple, Error *err);
/* The tuple's bytes are in *buf (grown, charged to the file's account, freed by spill_close). NULL *tuple: end. */
STATUS spill_get_row(SpillFile *f, void *head, size_t nhead, const uint8_t **tuple, uint32_t *size, Error *err);

#endif
