/* Shared by the deparse_*.c files. Text is appended to one buffer; failures are sticky in Deparser.status. */
#ifndef HELIOS_CATALOG_DEPARSE_INTERNAL_H
#define HELIOS_CATALOG_DEPARSE_INTERNAL_H

#include "catalog/catalog_internal.h"
#include "catalog/deparse.h"
#include "catalog/name_lookup.h"

/* PostgreSQL's layout: how far clauses stand in. */
enum { INDENT_STD = 8, INDENT_JOIN = 4, INDENT_VAR = 4, INDENT_LIMIT = 40 };

/* What Vars of one query level are called. */
typedef struct NameLevel {
    const Query *query;      /* NULL: an expression over one relation */
    const Relation *rel;     /* then */
    const char **rte_names;  /* per range table entry; NULL: unnamed (joins) */
    const struct NameLevel *outer;
} NameLevel;

typedef struct Deparser {
    SessionEnv *env;
    Arena *arena;
    StrBuf *buf;
    const NameLevel *level;
    bool pretty;             /* leave out parentheses that are not needed; unqualified names where visible */
    bool var_prefix;         /* tab.col */
    int indent;
    int depth;
    const char *const *names; /* what the next query's output columns shall be called; NULL: what they are */
    int nnames;
    const List *windows, *window_tlist; /* of the query being printed, for OVER (...) */
    Status status;
    Error *err;
} Deparser;

static inline void put(Deparser *d, const char *s) { if (s) strbuf_str(d->buf, s); }
void put_ident(Deparser *d, const char *name);
/* Newline, indentation and keyword; then the indentation changes. */
void put_keyword(Deparser *d, const char *s, int before, int after, int plus);

void put_expr(Deparser *d, const Node *node, bool show_implicit);
void put_expr_paren(Deparser *d, const Node *node, bool show_implicit, const Node *parent);
void put_const(Deparser *d, const Const *c, int show_type); /* -1 never, 0 where needed, 1 always */
void put_type(Deparser *d, Oid type, int32_t typmod);
void put_operator(Deparser *d, Oid op);
void put_list(Deparser *d, const List *list, bool show_implicit);
void put_cast(Deparser *d, const Node *arg, Oid type, int32_t typmod, const Node *parent);
void put_func(Deparser *d, const FuncExpr *f, bool show_implicit);
void put_aggregate(Deparser *d, const Aggref *a);
void put_window_func(Deparser *d, const WindowFunc *w);
void put_function_call(Deparser *d, const Node *node);      /* also where a cast would be printed as one */
/* Prints the name of a Var; the bare column name (NULL for a whole row). */
const char *put_var(Deparser *d, const Var *v, int levels_up);
void put_sort_clause(Deparser *d, const List *clauses, const List *tlist, bool force_colno);
void put_window_spec(Deparser *d, const WindowClause *wc, const List *tlist);
/* names_visible: output column names matter to whoever reads it. */
void put_query(Deparser *d, const Query *q, bool names_visible);
STATUS deparse_query_named(SessionEnv *env, const Query *query, const char *const *names, int nnames, bool pretty, Arena *arena,
                           const char **out, Error *err);
bool looks_like_function(const Node *node);

#endif
