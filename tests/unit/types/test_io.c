/* Text input and output of every type against PostgreSQL 15's answers (cases/io.txt, written by gen_io.py). */
#include "types/io_support.h"

TestSuite(io, .init = io_setup, .fini = io_teardown);

static void unescape(char *s)
{
    char *to = s;
    for (; *s; s++) {
        if (*s != '\\') {
            *to++ = *s;
            continue;
        }
        s++;
        *to++ = *s == 'n' ? '\n' : *s == 't' ? '\t' : *s == 'r' ? '\r' : *s;
    }
    *to = 0;
}

/* What this server answers, in the file's form. */
static const char *answer(const TypeInfo *t, const char *text)
{
    Datum d;
    StrBuf sb, value;
    strbuf_init(&sb, &io_arena);
    strbuf_init(&value, &io_arena);
    error_clear(&io_err);
    if (!failed(type_input(&io, t, slice_cstr(text), -1, &d, &io_err)) && !failed(type_output(&io, t, d, &value, &io_err))) {
        strbuf_printf(&sb, "OK %s", strbuf_cstr(&value));
        return strbuf_cstr(&sb);
    }
    char code[6];
    const char *context = io_err.context ? io_err.context : "";
    sqlstate_text(io_err.code, code);
    strbuf_printf(&sb, "ER %s | %s | %s | %.*s", code, io_err.message, io_err.detail ? io_err.detail : "", (int)strcspn(context, "\n"), context);
    return strbuf_cstr(&sb);
}

Test(io, answers_as_postgresql_does)
{
    char path[512], *line = NULL;
    size_t cap = 0;
    int cases = 0, wrong = 0;
    snprintf(path, sizeof path, "%.*s/cases/io.txt", (int)(strrchr(__FILE__, '/') - __FILE__), __FILE__);
    FILE *f = fopen(path, "r");
    cr_assert_not_null(f);
    while (getline(&line, &cap, f) > 0) {
        line[strcspn(line, "\n")] = 0;
        char *type = line, *text = strchr(type, '\t'), *want;
        *text++ = 0;
        want = strchr(text, '\t');
        *want++ = 0;
        unescape(text);
        unescape(want);
        const TypeInfo *t = type_builtin_by_name(type);
        const char *got = answer(t, text);
        cases++;
        if (strcmp(got, want) == 0) continue;
        if (wrong++ < 60) fprintf(stderr, "%s '%s'\n  want %s\n  got  %s\n", type, text, want, got);
        arena_reset(&io_arena);
    }
    free(line);
    fclose(f);
    cr_assert_eq(wrong, 0, "%d of %d cases differ", wrong, cases);
    cr_assert_gt(cases, 3000);
}
