/* Comparing and hashing single columns: resolved once, then a few instructions a value.
 *
 * By-value types other than floats are kept sign- or zero-extended in their Datum, so one 64-bit comparison orders them all. */
#include "common/hash.h"
#include "expr/expr_internal.h"

typedef enum ValueClass { CLASS_INTEGER, CLASS_FLOAT4, CLASS_FLOAT8, CLASS_OTHER } ValueClass;

static ValueClass class_of(const TypeInfo *type)
{
    switch (type->key) {
    case KEYENC_BOOL: case KEYENC_I16: case KEYENC_I32: case KEYENC_I64: case KEYENC_U32: case KEYENC_U8: return type->byval ? CLASS_INTEGER : CLASS_OTHER;
    case KEYENC_F4: return CLASS_FLOAT4;
    case KEYENC_F8: return CLASS_FLOAT8;
    default: return CLASS_OTHER;
    }
}

static STATUS no_operator(Error *err, Oid op) { return error_set(err, ERR_INTERNAL_ERROR, "operator %u is not a valid ordering operator", op); }

STATUS sort_key_init(SessionEnv *env, int attno, Oid sort_operator, Oid collation, bool nulls_first, SortKey *out, Error *err)
{
    const OperatorInfo *op = operator_by_oid(env, sort_operator);
    int strategy = operator_btree_strategy(sort_operator);
    if (!op || (strategy != 1 && strategy != 5)) return no_operator(err, sort_operator);
    const TypeInfo *type = type_builtin(op->left);
    if (!type) TRY(type_require(env, op->left, &type, err));
    *out = (SortKey){.attno = attno, .descending = strategy == 5, .nulls_first = nulls_first, .type = type, .collation = collation};
    return ST_OK;
}

static inline int compare_f8(double a, double b)
{
    if (likely(a == a && b == b)) return (a > b) - (a < b);
    return (a != a) - (b != b);
}

static inline int compare_typed(const TypeInfo *type, Datum a, Datum b)
{
    switch (class_of(type)) {
    case CLASS_INTEGER: return ((int64_t)a > (int64_t)b) - ((int64_t)a < (int64_t)b);
    case CLASS_FLOAT4: return compare_f8(datum_get_f4(a), datum_get_f4(b));
    case CLASS_FLOAT8: return compare_f8(datum_get_f8(a), datum_get_f8(b));
    default: return type->compare ? type->compare(type, a, b) : 0;
    }
}

int sort_key_compare(const SortKey *key, Datum a, bool anull, Datum b, bool bnull)
{
    if (unlikely(anull | bnull)) {
        if (anull & bnull) return 0;
        return anull == key->nulls_first ? -1 : 1;
    }
    int c = compare_typed(key->type, a, b);
    return key->descending ? -c : c;
}

STATUS equal_key_init(SessionEnv *env, int attno_a, int attno_b, Oid equality_operator, Oid collation, EqualKey *out, Error *err)
{
    const OperatorInfo *op = operator_by_oid(env, equality_operator);
    if (!op) return error_set(err, ERR_INTERNAL_ERROR, "cache lookup failed for operator %u", equality_operator);
    *out = (EqualKey){.attno_a = attno_a, .attno_b = attno_b, .eq_proc = op->proc, .collation = collation, .same_type = op->left == op->right};
    if (!(out->type_a = type_builtin(op->left))) TRY(type_require(env, op->left, &out->type_a, err));
    if (!(out->type_b = type_builtin(op->right))) TRY(type_require(env, op->right, &out->type_b, err));
    return ST_OK;
}

static inline double as_f8(ValueClass c, Datum d) { return c == CLASS_FLOAT4 ? (double)datum_get_f4(d) : datum_get_f8(d); }

bool equal_key_equal(const EqualKey *key, Datum a, Datum b)
{
    ValueClass ca = class_of(key->type_a);
    if (ca == CLASS_INTEGER) return a == b;
    if (ca != CLASS_OTHER) return compare_f8(as_f8(ca, a), as_f8(class_of(key->type_b), b)) == 0;
    if (key->same_type || !key->type_b->byval) return key->type_a->compare && key->type_a->compare(key->type_a, a, b) == 0;
    return false;
}

static uint64_t hash_value(const TypeInfo *type, Datum d)
{
    ValueClass c = class_of(type);
    if (c == CLASS_INTEGER) return hash_u64(d);
    if (c != CLASS_OTHER) {
        double v = as_f8(c, d);
        if (v == 0) v = 0; /* -0 */
        if (v != v) return hash_u64(0x7ff8000000000000ull);
        return hash_u64(datum_f8(v));
    }
    return type->hash ? type->hash(type, d) : 0;
}

uint64_t equal_key_hash_a(const EqualKey *key, Datum a) { return hash_value(key->type_a, a); }
/* Cross-type equality of by-reference values exists among the text types only, which share their form. */
uint64_t equal_key_hash_b(const EqualKey *key, Datum b) { return hash_value(class_of(key->type_a) == CLASS_OTHER ? key->type_a : key->type_b, b); }
