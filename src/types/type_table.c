/* The registry of built-in types: pg_type.def joined with types_impl.def, and the checked calls over its functions. */
#define _GNU_SOURCE
#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

#include "types/types_internal.h"

typedef struct Fact {
    Oid oid;
    const char *name;
    int typlen;
    bool byval;
    char typtype, category;
    bool preferred;
    char delim;
    Oid relid, elem, array, collation;
    const char *subscript;
} Fact;

static const Fact facts[] = {
#define PGTYPE(oid, typname, typlen, typbyval, typtype, typcategory, typispreferred, typdelim, typrelid, typelem, typarray, typinput, \
               typoutput, typreceive, typsend, typmodin, typmodout, typanalyze, typalign, typstorage, typbasetype, typtypmod,         \
               typcollation, typsubscript)                                                                                            \
    {oid, typname, typlen, typbyval, typtype, typcategory, typispreferred, typdelim, typrelid, typelem, typarray, typcollation,       \
     typsubscript},
#include "types/pg_type.def"
};
#define NTYPES ((int)(sizeof facts / sizeof *facts))

typedef struct Impl {
    const char *name;
    TypeInputFn input;
    TypeOutputFn output;
    TypeRecvFn recv;
    TypeSendFn send;
    TypeCompareFn compare;
    TypeHashFn hash;
    KeyEncoding key;
    STATUS (*typmod_in)(Arena *arena, const char **args, int nargs, int32_t *out, Error *err);
    void (*typmod_out)(int32_t typmod, StrBuf *out);
    STATUS (*key_bytes)(const TypeInfo *type, Datum v, StrBuf *out, Error *err);
} Impl;

static const Impl impls[] = {
#define TYPE_IMPL(typname, input, output, recv, send, compare, hash, key, typmod_in, typmod_out, key_bytes) \
    {typname, input, output, recv, send, compare, hash, KEYENC_##key, typmod_in, typmod_out, key_bytes},
#include "types/types_impl.def"
#undef TYPE_IMPL
};

/* Built once: 190 rows. The index by OID makes a look-up one load; all pinned OIDs are below 6200. */
#define OID_LIMIT 6200
static TypeInfo table[NTYPES];
static uint8_t index_of_oid[OID_LIMIT]; /* index + 1, 0: none */
static uint8_t by_name[NTYPES];
static pthread_once_t once = PTHREAD_ONCE_INIT;
_Static_assert(sizeof facts / sizeof *facts < 255, "indexes fit a byte");

static const Impl *find_impl(const char *name)
{
    for (size_t i = 0; i < sizeof impls / sizeof *impls; i++)
        if (strcmp(impls[i].name, name) == 0) return &impls[i];
    return NULL;
}

/* Values that PostgreSQL keeps at a fixed length by reference are varlenas here, but for three plain structs. */
static int16_t length_here(const Fact *f)
{
    if (f->oid == TYPE_tid) return 8;
    if (f->byval || f->oid == TYPE_interval || f->oid == TYPE_uuid) return (int16_t)f->typlen;
    return f->oid == TYPE_timetz ? 12 : -1;
}

static void fill(TypeInfo *t, const Fact *f)
{
    *t = (TypeInfo){.oid = f->oid, .name = f->name, .typlen = length_here(f), .pg_typlen = (int16_t)f->typlen,
                    .byval = f->byval || f->oid == TYPE_tid, .typtype = f->typtype, .category = f->category,
                    .preferred = f->preferred, .delim = f->delim, .elem = f->elem, .array = f->array, .base_typmod = -1,
                    .collation = f->collation, .relid = f->relid, .is_array = f->subscript[0] == 'a'};
    const Impl *impl = find_impl(f->name);
    if (!impl) return;
    t->input = impl->input;
    t->output = impl->output;
    t->recv = impl->recv;
    t->send = impl->send;
    t->compare = impl->compare;
    t->hash = impl->hash;
    t->key = impl->key;
    t->typmod_in = impl->typmod_in;
    t->typmod_out = impl->typmod_out;
    t->key_bytes = impl->key_bytes;
}

/* An array can what its elements can. */
static void fill_array(TypeInfo *t)
{
    const TypeInfo *elem = &table[index_of_oid[t->elem] - 1];
    t->elem_info = elem;
    if (t->name[0] != '_') return;
    t->input = elem->input ? array_in : NULL;
    t->output = elem->output ? array_out : NULL;
    t->recv = elem->recv ? array_recv : NULL;
    t->send = elem->send ? array_send : NULL;
    t->compare = elem->compare ? array_compare : NULL;
    t->hash = elem->hash ? array_hash : NULL;
    t->key = elem->key == KEYENC_NONE ? KEYENC_NONE : KEYENC_ARRAY;
    t->key_bytes = elem->key == KEYENC_NONE ? NULL : array_key_bytes;
    t->typmod_in = elem->typmod_in;
    t->typmod_out = elem->typmod_out;
}

/* Facts of pg_range. */
static const struct { Oid range, subtype, multirange; } ranges[] = {
    {TYPE_int4range, TYPE_int4, TYPE_int4multirange}, {TYPE_int8range, TYPE_int8, TYPE_int8multirange},
    {TYPE_numrange, TYPE_numeric, TYPE_nummultirange}, {TYPE_daterange, TYPE_date, TYPE_datemultirange},
    {TYPE_tsrange, TYPE_timestamp, TYPE_tsmultirange}, {TYPE_tstzrange, TYPE_timestamptz, TYPE_tstzmultirange},
};

static TypeInfo *at_oid(Oid oid) { return &table[index_of_oid[oid] - 1]; }

static int compare_names(const void *a, const void *b)
{
    return strcmp(table[*(const uint8_t *)a].name, table[*(const uint8_t *)b].name);
}

static void build(void)
{
    for (int i = 0; i < NTYPES; i++) {
        assert(facts[i].oid < OID_LIMIT);
        fill(&table[i], &facts[i]);
        index_of_oid[facts[i].oid] = (uint8_t)(i + 1);
        by_name[i] = (uint8_t)i;
    }
    for (int i = 0; i < NTYPES; i++)
        if (table[i].is_array && table[i].elem) fill_array(&table[i]);
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++) {
        at_oid(ranges[i].range)->elem_info = at_oid(ranges[i].subtype);
        at_oid(ranges[i].multirange)->elem_info = at_oid(ranges[i].range);
    }
    qsort(by_name, NTYPES, sizeof *by_name, compare_names);
}

static void ready(void) { pthread_once(&once, build); }

const TypeInfo *type_builtin(Oid oid)
{
    ready();
    return oid < OID_LIMIT && index_of_oid[oid] ? &table[index_of_oid[oid] - 1] : NULL;
}

const TypeInfo *type_builtin_by_name(const char *name)
{
    ready();
    for (int low = 0, high = NTYPES; low < high;) {
        int mid = (low + high) / 2, c = strcmp(name, table[by_name[mid]].name);
        if (c == 0) return &table[by_name[mid]];
        if (c < 0) high = mid;
        else low = mid + 1;
    }
    return NULL;
}

int type_builtin_count(void) { return NTYPES; }

const TypeInfo *type_builtin_at(int i)
{
    ready();
    assert(i >= 0 && i < NTYPES);
    return &table[i];
}

const TypeInfo *type_lookup(IoContext *io, Oid oid)
{
    const TypeInfo *t = type_builtin(oid);
    return t || !io->hooks || !io->hooks->resolve ? t : io->hooks->resolve(io->session, oid);
}

/* ---- checked calls ---- */

/* Pseudo-types have no values by their nature; a type that is not done yet says so. */
static Status missing(const TypeInfo *type, const char *what, const char *done, Error *err)
{
    if (type->typtype == 'p' || type->oid == TYPE_pg_node_tree)
        return error_set(err, ERR_FEATURE_NOT_SUPPORTED, "cannot %s a value of type %s", what, type->name);
    return error_set(err, ERR_FEATURE_NOT_SUPPORTED, "%s of type %s is not supported", done, type_display_name(type));
}

STATUS type_input(IoContext *io, const TypeInfo *type, Slice text, int32_t typmod, Datum *out, Error *err)
{
    return likely(type->input) ? type->input(io, type, text, typmod, out, err) : missing(type, "accept", "input", err);
}

STATUS type_output(IoContext *io, const TypeInfo *type, Datum value, StrBuf *out, Error *err)
{
    return likely(type->output) ? type->output(io, type, value, out, err) : missing(type, "display", "output", err);
}

STATUS type_recv(IoContext *io, const TypeInfo *type, Slice bytes, int32_t typmod, Datum *out, Error *err)
{
    if (likely(type->recv)) return type->recv(io, type, bytes, typmod, out, err);
    if (type->typtype == 'p') return missing(type, "accept", "", err);
    return error_set(err, ERR_UNDEFINED_FUNCTION, "no binary input function available for type %s", type_display_name(type));
}

STATUS type_send(IoContext *io, const TypeInfo *type, Datum value, StrBuf *out, Error *err)
{
    if (likely(type->send)) return type->send(io, type, value, out, err);
    if (type->typtype == 'p') return missing(type, "display", "", err);
    return error_set(err, ERR_UNDEFINED_FUNCTION, "no binary output function available for type %s", type_display_name(type));
}

/* ---- shared by the t_*.c files ---- */

Status (type_bad_syntax)(Error *err, const char *type, Slice text)
{
    return error_set(err, ERR_INVALID_TEXT_REPRESENTATION, "invalid input syntax for type %s: \"%.*s\"", type, (int)text.len,
                     (const char *)text.data);
}

Status (type_out_of_range)(Error *err, const char *type, Slice text)
{
    return error_set(err, ERR_NUMERIC_VALUE_OUT_OF_RANGE, "value \"%.*s\" is out of range for type %s", (int)text.len,
                     (const char *)text.data, type);
}

STATUS recv_exactly(Slice bytes, size_t n, Error *err)
{
    if (likely(bytes.len == n)) return ST_OK;
    if (bytes.len < n) return error_set(err, ERR_PROTOCOL_VIOLATION, "insufficient data left in message");
    return error_set(err, ERR_INVALID_BINARY_REPRESENTATION, "incorrect binary data format");
}

STATUS make_varlena(Arena *arena, const void *data, size_t n, uint8_t **body, Datum *out, Error *err)
{
    if (unlikely(n > VARLENA_MAX)) return error_set(err, ERR_PROGRAM_LIMIT_EXCEEDED, "a value of %zu bytes is too large", n);
    *out = varlena_new(arena, data, n, body);
    return *out ? ST_OK : error_out_of_memory(err, n);
}
