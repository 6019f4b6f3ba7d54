/* What a RecursiveUnion and the WorkTableScan inside of it share, found through the union's parameter slot. */
#ifndef HELIOS_EXECUTOR_WORK_TABLE_H
#define HELIOS_EXECUTOR_WORK_TABLE_H

#include "executor/exec_state.h"

typedef struct WorkTable {
    const TupleDesc *desc;
    TupleStore *rows; /* of the last round */
} WorkTable;

#endif
