/* A table that rows are written to: constraints, generated columns, indexes and foreign keys, compiled once, applied to each row. Shared by
 * ModifyTable, RowWriter and referential actions. */
#ifndef HELIOS_EXECUTOR_ROW_TARGET_H
#define HELIOS_EXECUTOR_ROW_TARGET_H

#include "executor/events.h"
#include "executor/row_identity.h"

typedef struct IndexTarget {
    const IndexInfo *info;
    const Bitset *columns;      /* attnums it reads */
    ExprProgram **exprs;        /* per index column: NULL for a plain one */
    ExprProgram *predicate;
    Datum *values, *old_values;
    bool *nulls, *old_nulls;
} IndexTarget;

typedef struct RowTarget {
    SessionEnv *env;
    Arena *arena;               /* lifetime of the target */
    MemAccount *account;
    const Relation *rel;
    EventQueue *events;
    RowCodec *codec;
    ExprContext ec;             /* scan: the row at hand */
    Arena tuple_arena;          /* reset per row by row_target_begin */
    int nindexes;
    IndexTarget *indexes;       /* secondary ones */
    ExprProgram **checks;       /* per constraint of rel; NULL where it is no check */
    ExprProgram **generated;    /* per column */
    bool has_generated, has_checks, prepared_checks;
    const Bitset *key_columns;  /* attnums whose change needs the strongest row lock */
    bool transient;
} RowTarget;

STATUS row_target_new(SessionEnv *env, const Relation *rel, EventQueue *events, Arena *arena, MemAccount *account, RowTarget **out, Error *err);
void row_target_end(RowTarget *t); /* NULL is fine */
static inline void row_target_begin(RowTarget *t)
{
    if (t->tuple_arena.blocks) arena_reset(&t->tuple_arena);
}

/* Where a duplicate is not an error: which unique index objected. info NULL: none. */
typedef struct Conflict { const IndexInfo *index; Slice row_key; } Conflict;

/* row: a virtual row of all attributes. Computes generated columns. conflict may be NULL: duplicates raise 23505. */
STATUS row_target_insert(RowTarget *t, TupleSlot *row, Conflict *conflict, Error *err);
/* old: locked, newest. changed: attnums (generated ones are added by the target). */
STATUS row_target_update(RowTarget *t, TupleSlot *old, TupleSlot *row, const Bitset *changed, Error *err);
STATUS row_target_delete(RowTarget *t, TupleSlot *old, Error *err);
/* The lock an update of these columns takes. */
RowLockStrength row_target_strength(const RowTarget *t, const Bitset *changed);

/* constraints.c */
STATUS constraints_prepare(RowTarget *t, Error *err);
STATUS constraints_check(RowTarget *t, TupleSlot *row, Error *err);
/* "(1, abc, null)" as in DETAIL: Failing row contains. */
STATUS row_description(SessionEnv *env, TupleSlot *row, Arena *arena, const char **out, Error *err);
/* "(a, b)=(1, x)" of key columns: attnums (0: expression text of the index). */
STATUS key_description(SessionEnv *env, const Relation *rel, const IndexInfo *index, int n, const int16_t *attnums, const Datum *values, const bool *nulls,
                       const Oid *types, Arena *arena, const char **out, Error *err);
STATUS raise_duplicate(RowTarget *t, const IndexInfo *index, TupleSlot *row, Error *err);

/* Index values of a row; *applies false: outside of a partial index. */
STATUS index_values(RowTarget *t, IndexTarget *ix, TupleSlot *row, Datum *values, bool *nulls, bool *applies, Error *err);

/* foreign_keys.c */
STATUS fk_row_added(RowTarget *t, TupleSlot *row, const Bitset *changed, Error *err);   /* changed NULL: inserted */
STATUS fk_row_removed(RowTarget *t, TupleSlot *old, TupleSlot *now, const Bitset *changed, Error *err); /* now NULL: deleted */
/* Raises at once if the row has no parent. */
STATUS fk_validate_row(RowTarget *t, const ConstraintInfo *c, TupleSlot *row, Error *err);
/* Again, at the end of the statement or transaction. */
STATUS fk_check_again(EventQueue *q, Oid relation, Oid constraint, Slice row_key, Error *err);
STATUS fk_act(EventQueue *q, Oid parent, Oid constraint, bool is_delete, const Datum *old_key, const Datum *new_key, const bool *new_nulls, Error *err);

#endif
