/* Gaps: ranges of a storage id that hold only deleted entries, so that scans (of queues, above all) may jump over them. */
#ifndef HELIOS_STORAGE_GAPS_H
#define HELIOS_STORAGE_GAPS_H

#include "storage/txn_internal.h"

enum { GAP_WORTH = 64 /* stepping over fewer deletions is not worth a note */ };

void gaps_free(struct Gaps *gaps); /* NULL is fine */
/* Around the write of a commit: gaps that get a key are forgotten before it becomes visible. *ticket: call gaps_after_commit. */
void gaps_before_commit(Txn *t, bool *ticket);
void gaps_after_commit(Txn *t);

/* A forward scan of a snapshot with that sequence stepped over deletions between two neighbouring keys and saw none in between:
 * [after, before). */
void gaps_note(Txn *t, uint64_t sequence, Slice after, Slice before);
/* The end of a gap that `key` lies in and that is empty for readers at `sequence`; copied into out. */
bool gaps_jump(Txn *t, uint64_t sequence, Slice key, StrBuf *out);

#endif
