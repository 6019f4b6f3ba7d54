/* KvRun: a finished table file that is not part of an instance yet, opened for reading. One thread at a time. */
#ifndef HELIOS_STORAGE_KV_RUN_H
#define HELIOS_STORAGE_KV_RUN_H

#include "storage/kv.h"

typedef struct KvRun KvRun;
typedef struct KvRunCursor KvRunCursor;

STATUS kv_run_open(Kv *kv, const char *path, KvRun **out, Error *err);
void kv_run_close(KvRun *run); /* NULL is fine */

STATUS kv_run_cursor_open(KvRun *run, KvRunCursor **out, Error *err);
void kv_run_cursor_close(KvRunCursor *c); /* NULL is fine */
void kv_run_seek(KvRunCursor *c, Slice key);      /* first >= key */
void kv_run_seek_back(KvRunCursor *c, Slice key); /* last <= key */
void kv_run_next(KvRunCursor *c);
void kv_run_prev(KvRunCursor *c);
bool kv_run_valid(const KvRunCursor *c);
Slice kv_run_key(const KvRunCursor *c);   /* views, valid until it moves */
Slice kv_run_value(const KvRunCursor *c);
STATUS kv_run_error(const KvRunCursor *c, Error *err);

#endif
