/* Catalog rows below the caches: what bootstrap and virtual scans need beyond cat_write.h. Internal to src/catalog. */
#ifndef HELIOS_CATALOG_CAT_ACCESS_H
#define HELIOS_CATALOG_CAT_ACCESS_H

#include "catalog/cat_write.h"

/* show_all false: functions without code are left out, as clients shall see pg_proc. */
STATUS cat_scan_open_at(SessionEnv *env, Oid catalog, Oid index, int nkeys, const Datum *keys, const Snapshot *snap, bool show_all,
                        Arena *arena, CatScan **out, Error *err);
/* Only the store's rows, none built in. */
STATUS cat_scan_open_stored(SessionEnv *env, Oid catalog, Oid index, int nkeys, const Datum *keys, Arena *arena, CatScan **out, Error *err);
/* Without a session: no cache is told. */
STATUS cat_raw_insert(Txn *txn, Oid catalog, const void *form, Arena *arena, Error *err);

#endif
