/* Names of built-in types as SQL spells them. */
#include "types/types_internal.h"

typedef struct SqlName {
    Oid oid;
    const char *name;
    const char *after; /* what follows the modifier: "time(3) without time zone" */
} SqlName;

static const SqlName sql_names[] = {
    {TYPE_bit, "bit", ""}, {TYPE_bool, "boolean", ""}, {TYPE_bpchar, "character", ""}, {TYPE_float4, "real", ""},
    {TYPE_float8, "double precision", ""}, {TYPE_int2, "smallint", ""}, {TYPE_int4, "integer", ""}, {TYPE_int8, "bigint", ""},
    {TYPE_numeric, "numeric", ""}, {TYPE_interval, "interval", ""}, {TYPE_time, "time", " without time zone"},
    {TYPE_timetz, "time", " with time zone"}, {TYPE_timestamp, "timestamp", " without time zone"},
    {TYPE_timestamptz, "timestamp", " with time zone"}, {TYPE_varbit, "bit varying", ""}, {TYPE_varchar, "character varying", ""},
    {TYPE_char, "\"char\"", ""},
};

static const SqlName *find_sql_name(Oid oid)
{
    for (size_t i = 0; i < sizeof sql_names / sizeof *sql_names; i++)
        if (sql_names[i].oid == oid) return &sql_names[i];
    return NULL;
}


void type_format_builtin(const TypeInfo *type, int32_t typmod, bool with_typmod, StrBuf *out)
{
    bool brackets = type->is_array && type->elem && type->name[0] == '_';
    const TypeInfo *t = brackets && type->elem_info ? type->elem_info : type;
    const SqlName *n = find_sql_name(t->oid);
    bool modified = with_typmod && typmod >= 0 && t->typmod_out;
    /* character without a length means character(1) in SQL: the unlimited one has only its internal name */
    if (with_typmod && typmod < 0 && (t->oid == TYPE_bpchar || t->oid == TYPE_bit))
        strbuf_str(out, t->oid == TYPE_bpchar ? "bpchar" : "\"bit\"");
    else if (n) strbuf_str(out, n->name);
    else strbuf_str(out, t->name);
    if (modified) t->typmod_out(typmod, out);
    if (n && !modified) strbuf_str(out, n->after); /* a precision brings its own: "(3) with time zone" */
    if (brackets) strbuf_str(out, "[]");
}

const char *type_display_name(const TypeInfo *type)
{
    switch (type->oid) { /* names with an end would need a buffer; messages need them whole */
    case TYPE_time: return "time without time zone";
    case TYPE_timetz: return "time with time zone";
    case TYPE_timestamp: return "timestamp without time zone";
    case TYPE_timestamptz: return "timestamp with time zone";
    default: break;
    }
    const SqlName *n = find_sql_name(type->oid);
    return n ? n->name : type->name;
}
