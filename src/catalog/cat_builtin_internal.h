/* Shared by the cat_builtin*.c files only. */
#ifndef HELIOS_CATALOG_CAT_BUILTIN_INTERNAL_H
#define HELIOS_CATALOG_CAT_BUILTIN_INTERNAL_H

#include "catalog/cat_builtin.h"

extern const BuiltinTable builtin_pg_proc, builtin_pg_operator, builtin_pg_description, builtin_pg_shdescription;

#endif
