/* Reading a table file that no instance holds yet: a transaction's own run. */
#ifndef HELIOS_STORAGE_RUN_READER_H
#define HELIOS_STORAGE_RUN_READER_H

#include "storage/shim/shim.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct ShimRun ShimRun;
/* options: of the instance the file is meant for (shim_file_options); only read during the call. NULL on error. */
ShimRun *shim_run_open(const rocksdb_options_t *options, const char *path, ShimError *e);
void shim_run_close(ShimRun *run); /* NULL is fine; its iterators are gone before */
rocksdb_iterator_t *shim_run_iterator(ShimRun *run); /* rocksdb_iter_destroy */

#ifdef __cplusplus
}
#endif
#endif
