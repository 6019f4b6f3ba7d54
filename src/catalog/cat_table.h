/* The physical side of the system catalogs: a TableDef and IndexDefs for each, with storage ids equal to their OIDs (below 16384;
 * user relations get larger ones). Made on first use, once a process. Internal to src/catalog. */
#ifndef HELIOS_CATALOG_CAT_TABLE_H
#define HELIOS_CATALOG_CAT_TABLE_H

#include "catalog/cat_builtin.h"
#include "catalog/catalog.h"

typedef struct CatIndex {
    Oid oid;
    const char *name;
    bool clustered; /* the table's own key: no entries of its own */
    bool lossy;     /* a column that keys cannot hold (oidvector) was left out */
    IndexDef def;
    int nkey;
    int16_t attnums[4];
} CatIndex;

typedef struct CatTable {
    const CatForm *cf;
    const char *name;
    bool shared;
    TupleDesc *desc;   /* stored columns, hidden ones included */
    TableDef def;
    int nindexes;
    CatIndex *indexes;
    const CatIndex *pkey; /* NULL: hidden row ids */
} CatTable;

STATUS cat_table(Oid relid, const CatTable **out, Error *err); /* XX000 if relid is no catalog */
const CatIndex *cat_table_index(const CatTable *ct, Oid index);

#endif
