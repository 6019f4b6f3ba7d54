/* Files and directories of the data directory; internal to src/storage. */
#ifndef HELIOS_STORAGE_DATA_DIR_H
#define HELIOS_STORAGE_DATA_DIR_H

#include "storage/kv.h"

enum { DATA_PATH_MAX = 4096, STORE_FORMAT = 1 };

/* DIR and its folders, made if missing; DIR/VERSION written or checked. */
STATUS data_dir_prepare(const char *dir, Error *err);
STATUS data_dir_lock(const char *dir, int *fd, Error *err); /* F0001 if another server has it */
STATUS data_dir_clean(const char *dir, Error *err);         /* what a crash may leave: tmp, scratch, half-made and dropped databases */
STATUS data_dir_remove(const char *path, Error *err);       /* recursively; a missing one is fine */
STATUS data_dir_rename(const char *from, const char *to, bool missing_ok, Error *err); /* durable */

/* Writes or checks an instance's format record. *is_new: it holds no relation yet. */
STATUS store_format_check(Kv *kv, bool *is_new, Error *err);

#endif
