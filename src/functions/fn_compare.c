/* Comparison of bool, "char", text kinds, bytea, oid kinds, uuid, dates, times, intervals, arrays, records; larger and smaller. */
#include "functions/fn.h"
#include "types/text.h"

/* ---- bool, "char" ---- */
FN_COMPARE_P(bool, CMP3(cf->args[0] != 0, cf->args[1] != 0))
FN(btboolcmp) { return datum_i32(CMP3(cf->args[0] != 0, cf->args[1] != 0)); }
FN_COMPARE_P(char, CMP3((uint8_t)cf->args[0], (uint8_t)cf->args[1]))
FN(btcharcmp) { return datum_i32(CMP3((uint8_t)cf->args[0], (uint8_t)cf->args[1])); }
FN(booland_statefunc) { return datum_bool(ARG_BOOL(0) && ARG_BOOL(1)); }
FN(boolor_statefunc) { return datum_bool(ARG_BOOL(0) || ARG_BOOL(1)); }

/* ---- text, name, char(n), bytea ---- */
static inline int sgn(int c) { return (c > 0) - (c < 0); }
static inline int cmp_text(CallFrame *cf) { return sgn(slice_compare(ARG_TEXT(0), ARG_TEXT(1))); }
static inline int cmp_bpchar(CallFrame *cf) { return sgn(slice_compare(bpchar_trim(ARG_TEXT(0)), bpchar_trim(ARG_TEXT(1)))); }

FN(texteq) { return slice_equal(ARG_TEXT(0), ARG_TEXT(1)); }
FN(textne) { return !slice_equal(ARG_TEXT(0), ARG_TEXT(1)); }
#define ORDER4(lt, le, gt, ge, expr) \
    FN(lt) { return (expr) < 0; }    \
    FN(le) { return (expr) <= 0; }   \
    FN(gt) { return (expr) > 0; }    \
    FN(ge) { return (expr) >= 0; }
ORDER4(text_lt, text_le, text_gt, text_ge, cmp_text(cf))
ORDER4(text_pattern_lt, text_pattern_le, text_pattern_gt, text_pattern_ge, cmp_text(cf))
FN(bttextcmp) { return datum_i32(cmp_text(cf)); }
FN(bttext_pattern_cmp) { return datum_i32(cmp_text(cf)); }
FN(text_larger) { return cmp_text(cf) > 0 ? cf->args[0] : cf->args[1]; }
FN(text_smaller) { return cmp_text(cf) < 0 ? cf->args[0] : cf->args[1]; }
FN_COMPARE_P(name, cmp_text(cf))
FN(btnamecmp) { return datum_i32(cmp_text(cf)); }
FN_COMPARE(nameeqtext, namenetext, namelttext, nameletext, namegttext, namegetext, cmp_text(cf))
FN_COMPARE(texteqname, textnename, textltname, textlename, textgtname, textgename, cmp_text(cf))
FN(btnametextcmp) { return datum_i32(cmp_text(cf)); }
FN(bttextnamecmp) { return datum_i32(cmp_text(cf)); }
FN_COMPARE_P(bpchar, cmp_bpchar(cf))
ORDER4(bpchar_pattern_lt, bpchar_pattern_le, bpchar_pattern_gt, bpchar_pattern_ge, cmp_bpchar(cf))
FN(bpcharcmp) { return datum_i32(cmp_bpchar(cf)); }
FN(btbpchar_pattern_cmp) { return datum_i32(cmp_bpchar(cf)); }
FN(bpchar_larger) { return cmp_bpchar(cf) >= 0 ? cf->args[0] : cf->args[1]; }
FN(bpchar_smaller) { return cmp_bpchar(cf) <= 0 ? cf->args[0] : cf->args[1]; }
FN_COMPARE_P(bytea, cmp_text(cf))
FN(byteacmp) { return datum_i32(cmp_text(cf)); }

/* ---- oid kinds ---- */
FN_COMPARE_P(oid, CMP3(ARG_OID(0), ARG_OID(1)))
FN(btoidcmp) { return datum_i32(CMP3(ARG_OID(0), ARG_OID(1))); }
FN(oidlarger) { return ARG_OID(0) > ARG_OID(1) ? cf->args[0] : cf->args[1]; }
FN(oidsmaller) { return ARG_OID(0) < ARG_OID(1) ? cf->args[0] : cf->args[1]; }
FN(xideq) { return ARG_OID(0) == ARG_OID(1); }
FN(xidneq) { return ARG_OID(0) != ARG_OID(1); }
FN(cideq) { return ARG_OID(0) == ARG_OID(1); }
FN_COMPARE_P(xid8, CMP3((uint64_t)cf->args[0], (uint64_t)cf->args[1]))
FN(xid8cmp) { return datum_i32(CMP3((uint64_t)cf->args[0], (uint64_t)cf->args[1])); }
FN(xid8_larger) { return cf->args[0] > cf->args[1] ? cf->args[0] : cf->args[1]; }
FN(xid8_smaller) { return cf->args[0] < cf->args[1] ? cf->args[0] : cf->args[1]; }
FN(xid8toxid) { return datum_oid((Oid)cf->args[0]); }

/* ---- by the type's own order ---- */
static int cmp_type(CallFrame *cf, Oid type)
{
    const TypeInfo *t = type_builtin(type);
    return t && t->compare ? t->compare(t, cf->args[0], cf->args[1]) : 0;
}
#define BY_TYPE(p, type)                                     \
    FN_COMPARE_U(p, cmp_type(cf, type))                      \
    FN(p##_cmp) { return datum_i32(cmp_type(cf, type)); }
#define BY_TYPE_MINMAX(p, type)                                                                      \
    FN(p##_larger) { return cmp_type(cf, type) > 0 ? cf->args[0] : cf->args[1]; }                    \
    FN(p##_smaller) { return cmp_type(cf, type) < 0 ? cf->args[0] : cf->args[1]; }
BY_TYPE(uuid, TYPE_uuid)
FN_COMPARE_P(tid, cmp_type(cf, TYPE_tid))
FN(bttidcmp) { return datum_i32(cmp_type(cf, TYPE_tid)); }
BY_TYPE(timetz, TYPE_timetz)
BY_TYPE_MINMAX(timetz, TYPE_timetz)
BY_TYPE(interval, TYPE_interval)
BY_TYPE_MINMAX(interval, TYPE_interval)
FN_COMPARE_P(oidvector, cmp_type(cf, TYPE_oidvector))
FN(btoidvectorcmp) { return datum_i32(cmp_type(cf, TYPE_oidvector)); }

FN_COMPARE_U(numeric, numeric_cmp_datum(cf->args[0], cf->args[1]))
FN(numeric_cmp) { return datum_i32(numeric_cmp_datum(cf->args[0], cf->args[1])); }
FN(numeric_larger) { return numeric_cmp_datum(cf->args[0], cf->args[1]) > 0 ? cf->args[0] : cf->args[1]; }
FN(numeric_smaller) { return numeric_cmp_datum(cf->args[0], cf->args[1]) < 0 ? cf->args[0] : cf->args[1]; }

/* ---- arrays, records ---- */
static int cmp_arrays(CallFrame *cf)
{
    ArrayView v;
    IoContext io = fn_io(cf);
    if (failed(array_open(cf->args[0], &v, cf->err))) return 0;
    const TypeInfo *elem = type_lookup(&io, v.elem);
    const TypeInfo *arr = elem ? type_lookup(&io, elem->array) : NULL;
    if (v.elem && elem && !elem->compare) {
        error_set(cf->err, ERR_UNDEFINED_FUNCTION, "could not identify a comparison function for type %s", elem->name);
        return 0;
    }
    if (!arr || !arr->compare) arr = type_builtin(TYPE__text);
    return arr->compare(arr, cf->args[0], cf->args[1]);
}
FN_COMPARE_U(array, cmp_arrays(cf))
FN(btarraycmp) { return datum_i32(cmp_arrays(cf)); }
FN(array_larger) { return cmp_arrays(cf) > 0 ? cf->args[0] : cf->args[1]; }
FN(array_smaller) { return cmp_arrays(cf) < 0 ? cf->args[0] : cf->args[1]; }
FN_COMPARE_U(record, cmp_type(cf, TYPE_record))
FN(btrecordcmp) { return datum_i32(cmp_type(cf, TYPE_record)); }
FN_COMPARE_U(record_image, cmp_type(cf, TYPE_record))
FN(btrecordimagecmp) { return datum_i32(cmp_type(cf, TYPE_record)); }

/* ---- date, time, timestamp ---- */
FN_COMPARE_U(date, CMP3(ARG_I32(0), ARG_I32(1)))
FN(date_cmp) { return datum_i32(CMP3(ARG_I32(0), ARG_I32(1))); }
FN(date_larger) { return ARG_I32(0) > ARG_I32(1) ? cf->args[0] : cf->args[1]; }
FN(date_smaller) { return ARG_I32(0) < ARG_I32(1) ? cf->args[0] : cf->args[1]; }
FN_COMPARE_U(time, CMP3(ARG_I64(0), ARG_I64(1)))
FN(time_cmp) { return datum_i32(CMP3(ARG_I64(0), ARG_I64(1))); }
FN(time_larger) { return ARG_I64(0) > ARG_I64(1) ? cf->args[0] : cf->args[1]; }
FN(time_smaller) { return ARG_I64(0) < ARG_I64(1) ? cf->args[0] : cf->args[1]; }
FN_COMPARE_U(timestamp, CMP3(ARG_I64(0), ARG_I64(1)))
FN(timestamp_cmp) { return datum_i32(CMP3(ARG_I64(0), ARG_I64(1))); }
FN(timestamp_larger) { return ARG_I64(0) > ARG_I64(1) ? cf->args[0] : cf->args[1]; }
FN(timestamp_smaller) { return ARG_I64(0) < ARG_I64(1) ? cf->args[0] : cf->args[1]; }

/* A date beyond the range of timestamps compares like an infinity. */
static int64_t date_as_timestamp(int32_t d)
{
    if (d == DATE_INFINITY || d > 106700000) return TIMESTAMP_INFINITY;
    return d == DATE_NEG_INFINITY ? TIMESTAMP_NEG_INFINITY : d * USECS_PER_DAY;
}
static int64_t in_zone(CallFrame *cf, int64_t ts)
{
    int64_t out;
    if (timestamp_to_timestamptz(ts, fn_format(cf)->timezone, &out)) return out;
    return ts > 0 ? TIMESTAMP_INFINITY : TIMESTAMP_NEG_INFINITY;
}
#define MIXED(p, q, A, B)                                                                                            \
    FN_COMPARE(p##_eq_##q, p##_ne_##q, p##_lt_##q, p##_le_##q, p##_gt_##q, p##_ge_##q, CMP3(A, B))                   \
    FN(p##_cmp_##q) { return datum_i32(CMP3(A, B)); }
MIXED(date, timestamp, date_as_timestamp(ARG_I32(0)), ARG_I64(1))
MIXED(timestamp, date, ARG_I64(0), date_as_timestamp(ARG_I32(1)))
MIXED(date, timestamptz, in_zone(cf, date_as_timestamp(ARG_I32(0))), ARG_I64(1))
MIXED(timestamptz, date, ARG_I64(0), in_zone(cf, date_as_timestamp(ARG_I32(1))))
MIXED(timestamp, timestamptz, in_zone(cf, ARG_I64(0)), ARG_I64(1))
MIXED(timestamptz, timestamp, ARG_I64(0), in_zone(cf, ARG_I64(1)))
