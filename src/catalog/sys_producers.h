/* System views whose rows are made by C code. A producer makes all its rows when the scan opens (they are few and shall be one moment's).
 * Floors above add their own views at start: producer_register("pg_cursors", fn). */
#ifndef HELIOS_CATALOG_SYS_PRODUCERS_H
#define HELIOS_CATALOG_SYS_PRODUCERS_H

#include "catalog/catalog.h"

typedef struct Producer Producer;
/* Adds a row: values and nulls are the view's natts columns, copied shallowly; by-reference values must live in `arena`. */
typedef struct ProducerRows { SessionEnv *env; Arena *arena; const TupleDesc *desc; struct PtrVec rows; } ProducerRows;
STATUS producer_add(ProducerRows *rows, const Datum *values, const bool *nulls, Error *err);
typedef STATUS (*ProducerFn)(ProducerRows *rows, Error *err);
/* Called at program start, before threads. view: a name in pg_catalog (static string). */
void producer_register(const char *view, ProducerFn fn);

/* 0A000 if nothing makes that view's rows. */
STATUS producer_open(SessionEnv *env, const Relation *rel, const VirtualKey *keys, int nkeys, Arena *arena, Producer **out, Error *err);
STATUS producer_next(Producer *p, Arena *row, Datum *values, bool *nulls, bool *more, Error *err);
void producer_close(Producer *p);

#endif
