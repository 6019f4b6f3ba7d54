/* The type registry: what every floor may know of a data type, one TypeInfo each.
 *
 * Built-in ones are a constant table (type_table.c, facts from pg_type.def); user-defined ones (enums, domains, composites,
 * their arrays) are made by the catalog and found through type_set_resolver. */
#ifndef HELIOS_TYPES_TYPE_H
#define HELIOS_TYPES_TYPE_H

#include "common/strbuf.h"
#include "types/datum.h"

/* What input and output depend on besides the value: session settings in decoded form. */
typedef struct TimeZone TimeZone; /* opaque, types/timezone.h */
typedef enum DateStyleFormat { DATESTYLE_ISO, DATESTYLE_SQL, DATESTYLE_POSTGRES, DATESTYLE_GERMAN } DateStyleFormat;
typedef enum DateOrder { DATEORDER_MDY, DATEORDER_DMY, DATEORDER_YMD } DateOrder;
typedef enum IntervalStyle { INTERVALSTYLE_POSTGRES, INTERVALSTYLE_VERBOSE, INTERVALSTYLE_SQL, INTERVALSTYLE_ISO } IntervalStyle;
typedef struct FormatOptions {
    DateStyleFormat datestyle;
    DateOrder dateorder;
    IntervalStyle intervalstyle;
    const TimeZone *timezone; /* NULL: UTC */
    int extra_float_digits;   /* 1 by default: shortest round-trip */
    bool bytea_escape;        /* bytea_output = escape */
    int64_t now_us;           /* transaction start, timestamptz units (since 2000): for 'now', 'today' ... */
} FormatOptions;

/* Answers a reg* name or a number's name and other questions that only upper floors can; set in IoContext by the session. */
typedef struct TypeHooks TypeHooks;

typedef struct IoContext {
    const FormatOptions *format;
    Arena *arena;        /* results are made here */
    void *session;       /* opaque to this floor: handed to hooks (a SessionEnv) */
    const TypeHooks *hooks; /* may be NULL: then reg* accept and print numbers only */
} IoContext;

struct TypeInfo;
/* text -> Datum. `text` is not zero-terminated. typmod -1: none; otherwise the input function applies it (as a cast would at
 * assignment: varchar(3) of 'abcd' raises 22001; numeric(4,2) rounds). */
typedef STATUS (*TypeInputFn)(IoContext *io, const struct TypeInfo *type, Slice text, int32_t typmod, Datum *out, Error *err);
typedef STATUS (*TypeOutputFn)(IoContext *io, const struct TypeInfo *type, Datum value, StrBuf *out, Error *err);
typedef STATUS (*TypeRecvFn)(IoContext *io, const struct TypeInfo *type, Slice bytes, int32_t typmod, Datum *out, Error *err);
typedef STATUS (*TypeSendFn)(IoContext *io, const struct TypeInfo *type, Datum value, StrBuf *out, Error *err);
/* Total order of non-null values, -1/0/1, the default btree operator class. Collation: all supported ones are byte order. */
typedef int (*TypeCompareFn)(const struct TypeInfo *type, Datum a, Datum b);
typedef uint64_t (*TypeHashFn)(const struct TypeInfo *type, Datum v); /* equal values hash alike */

/* How a value is laid into a memcomparable key; storage/key_codec.c implements each. */
typedef enum KeyEncoding {
    KEYENC_NONE,    /* not indexable */
    KEYENC_BOOL, KEYENC_I16, KEYENC_I32, KEYENC_I64, /* sign-flipped big-endian */
    KEYENC_U32,     /* oid family */
    KEYENC_U8,      /* "char" */
    KEYENC_F4, KEYENC_F8,
    KEYENC_BYTES,   /* escaped, terminated: text, varchar, name, bytea */
    KEYENC_BPCHAR,  /* as BYTES without trailing blanks; not reversible */
    KEYENC_FIXED16, /* uuid */
    KEYENC_NUMERIC, KEYENC_INTERVAL, KEYENC_TIMETZ, /* not reversible */
    KEYENC_ARRAY,   /* element by element; not reversible */
    KEYENC_CUSTOM   /* TypeInfo.key_bytes gives a memcomparable string; not reversible */
} KeyEncoding;

typedef struct TypeInfo {
    Oid oid;
    const char *name;      /* pg_type.typname */
    int16_t typlen;        /* in memory here: -1 for all varlena (name, cstring, unknown too); fixed size otherwise */
    int16_t pg_typlen;     /* what pg_type and RowDescription say */
    bool byval;
    char typtype;          /* b c d e p r m */
    char category;         /* pg_type.typcategory */
    bool preferred;
    char delim;
    Oid elem;              /* pg_type.typelem */
    Oid array;             /* pg_type.typarray */
    Oid base;              /* domains: the base type; 0 otherwise */
    int32_t base_typmod;
    Oid collation;         /* 100, 950 or 0 */
    Oid relid;             /* composites */
    bool is_array;         /* a true array: typelem set and varlena array layout (int2vector, oidvector too) */
    KeyEncoding key;
    TypeInputFn input;     /* NULL: 0A000 "cannot accept a value of type x" as PostgreSQL's pseudo-types */
    TypeOutputFn output;
    TypeRecvFn recv;
    TypeSendFn send;
    TypeCompareFn compare; /* NULL: no default btree class */
    TypeHashFn hash;       /* NULL: not hashable */
    STATUS (*typmod_in)(Arena *arena, const char **args, int nargs, int32_t *out, Error *err); /* NULL: no modifiers allowed */
    void (*typmod_out)(int32_t typmod, StrBuf *out); /* "(10,2)"; NULL: none */
    STATUS (*key_bytes)(const struct TypeInfo *type, Datum v, StrBuf *out, Error *err); /* KEYENC_CUSTOM */
    const struct TypeInfo *elem_info; /* of elem; the maker of an array's TypeInfo sets it (comparing elements
                                       * needs it). Ranges: the subtype; multiranges: the range */
} TypeInfo;

/* Built-in: binary search in the constant table. Others: the resolver. NULL if unknown.
 * The pointer is valid while the session holds whatever the resolver promises (a catalog reference). */
const TypeInfo *type_builtin(Oid oid);
const TypeInfo *type_builtin_by_name(const char *name); /* pg_type.typname in pg_catalog */
int type_builtin_count(void);
const TypeInfo *type_builtin_at(int i);

struct TypeHooks {
    /* Any type, built-in ones too. NULL + no error: does not exist. */
    const TypeInfo *(*resolve)(void *session, Oid oid);
    /* reg* input and output: kind is the reg type's OID (TYPE_regclass ...). */
    STATUS (*reg_in)(void *session, Oid regtype, Slice text, Oid *out, Error *err);
    STATUS (*reg_out)(void *session, Oid regtype, Oid value, StrBuf *out, Error *err);
};
/* Through io->hooks if there, else built-in only. */
const TypeInfo *type_lookup(IoContext *io, Oid oid);

/* Convenience over the function pointers; they raise PostgreSQL's errors where a type has no such function. */
STATUS type_input(IoContext *io, const TypeInfo *type, Slice text, int32_t typmod, Datum *out, Error *err);
STATUS type_output(IoContext *io, const TypeInfo *type, Datum value, StrBuf *out, Error *err);
STATUS type_recv(IoContext *io, const TypeInfo *type, Slice bytes, int32_t typmod, Datum *out, Error *err);
STATUS type_send(IoContext *io, const TypeInfo *type, Datum value, StrBuf *out, Error *err);

/* Bare names as PostgreSQL's messages spell built-in types: "integer", "character varying", "timestamp without time zone".
 * Others: the name as it is. */
const char *type_display_name(const TypeInfo *type);

/* format_type for built-in types: "character varying(10)", "integer[]", "timestamp(3) without time zone". Appends. */
void type_format_builtin(const TypeInfo *type, int32_t typmod, bool with_typmod, StrBuf *out);

/* Length coercion of a value already of the type: varchar(n), char(n), numeric(p,s), time(p), timestamp(p), interval, bit(n).
 * is_explicit: truncation without error as in an explicit cast. */
STATUS type_apply_typmod(IoContext *io, const TypeInfo *type, Datum in, int32_t typmod, bool is_explicit, Datum *out, Error *err);

#endif
