/* Shared by the tests of types: one IoContext, text in, text out, errors. */
#ifndef TESTS_TYPES_IO_SUPPORT_H
#define TESTS_TYPES_IO_SUPPORT_H

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "types/type.h"

static Arena io_arena;
static FormatOptions io_format = {.extra_float_digits = 1};
static IoContext io = {.format = &io_format, .arena = &io_arena};
static Error io_err;

static inline void io_setup(void) { arena_init(&io_arena, NULL, 0); }

static inline void io_teardown(void)
{
    arena_destroy(&io_arena);
    error_clear(&io_err);
}

static inline const TypeInfo *type_named(const char *name)
{
    const TypeInfo *t = type_builtin_by_name(name);
    cr_assert_not_null(t, "%s", name);
    return t;
}

static inline Datum in_mod(const char *type, const char *text, int32_t typmod)
{
    Datum d = 0;
    error_clear(&io_err);
    cr_assert_eq(type_input(&io, type_named(type), slice_cstr(text), typmod, &d, &io_err), ST_OK, "%s '%s': %s", type, text, io_err.message);
    return d;
}

static inline Datum in(const char *type, const char *text) { return in_mod(type, text, -1); }

static inline const char *out(const char *type, Datum d)
{
    StrBuf sb;
    strbuf_init(&sb, &io_arena);
    error_clear(&io_err);
    cr_assert_eq(type_output(&io, type_named(type), d, &sb, &io_err), ST_OK, "%s: %s", type, io_err.message);
    return strbuf_cstr(&sb);
}

/* Text in, text out, through binary too. */
static inline void gives(const char *type, const char *text, const char *want)
{
    const TypeInfo *t = type_named(type);
    Datum d = in(type, text), back;
    cr_assert_str_eq(out(type, d), want, "%s '%s' gave '%s', not '%s'", type, text, out(type, d), want);
    if (!t->send || !t->recv) return;
    StrBuf wire;
    strbuf_init(&wire, &io_arena);
    cr_assert_eq(type_send(&io, t, d, &wire, &io_err), ST_OK);
    cr_assert_eq(type_recv(&io, t, strbuf_slice(&wire), -1, &back, &io_err), ST_OK, "%s '%s': %s", type, text, io_err.message);
    cr_assert_str_eq(out(type, back), want);
    if (t->compare) cr_assert_eq(t->compare(t, d, back), 0);
    if (t->hash) cr_assert_eq(t->hash(t, d), t->hash(t, back));
}

static inline void fails_mod(const char *type, const char *text, int32_t typmod, const char *state, const char *message, const char *detail)
{
    Datum d;
    char code[6];
    error_clear(&io_err);
    cr_assert_eq(type_input(&io, type_named(type), slice_cstr(text), typmod, &d, &io_err), ST_FAILED, "%s '%s'", type, text);
    sqlstate_text(io_err.code, code);
    cr_assert_str_eq(io_err.message, message, "%s '%s': %s", type, text, io_err.message);
    cr_assert_str_eq(code, state, "%s '%s': %s", type, text, code);
    if (detail) cr_assert(io_err.detail && strcmp(io_err.detail, detail) == 0, "%s '%s': %s", type, text, io_err.detail);
}

static inline void fails(const char *type, const char *text, const char *state, const char *message, const char *detail)
{
    fails_mod(type, text, -1, state, message, detail);
}

static inline int compare(const char *type, const char *a, const char *b)
{
    const TypeInfo *t = type_named(type);
    return t->compare(t, in(type, a), in(type, b));
}

#endif
