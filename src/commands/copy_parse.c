/* Lines and fields of COPY's text and csv formats, out of chunks that break anywhere. */
#include "commands/copy_internal.h"

void copy_parser_init(CopyParser *p, CopySource *source, const CopyOptions *opt, MemAccount *account)
{
    memset(p, 0, sizeof *p);
    p->source = source;
    p->opt = opt;
    strbuf_init_heap(&p->carry, account);
    strbuf_init_heap(&p->scratch, account);
}

void copy_parser_free(CopyParser *p)
{
    strbuf_free(&p->carry);
    strbuf_free(&p->scratch);
}

static Status refill(CopyParser *p, Error *err)
{
    if (p->chunk.len || p->at_end) return ST_OK;
    TRY(p->source->read(p->source, &p->chunk, err));
    p->at_end = p->chunk.len == 0;
    return ST_OK;
}

/* In csv a newline inside quotes belongs to the field. Carries the quote state over the chunk's part of a line. */
static const uint8_t *line_end(const CopyParser *p, Slice s, bool *in_quote, bool *after_escape)
{
    const CopyOptions *o = p->opt;
    if (o->format == COPY_TEXT) return memchr(s.data, '\n', s.len);
    for (size_t i = 0; i < s.len; i++) {
        char c = (char)s.data[i];
        if (*after_escape) {
            *after_escape = false;
        } else if (*in_quote && c == o->escape && o->escape != o->quote) {
            *after_escape = true;
        } else if (c == o->quote) {
            *in_quote = !*in_quote;
        } else if (c == '\n' && !*in_quote) {
            return s.data + i;
        }
    }
    return NULL;
}

static Status read_line(CopyParser *p, Slice *line, bool *end, Error *err)
{
    bool in_quote = false, after_escape = false;
    strbuf_reset(&p->carry);
    *end = false;
    for (;;) {
        TRY(refill(p, err));
        if (p->at_end) {
            if (in_quote) {
                p->line++;
                p->current = strbuf_slice(&p->carry);
                return error_set(err, ERR_BAD_COPY_FILE_FORMAT, "unterminated CSV quoted field");
            }
            *line = strbuf_slice(&p->carry);
            *end = p->carry.len == 0;
            return ST_OK;
        }
        const uint8_t *nl = line_end(p, p->chunk, &in_quote, &after_escape);
        size_t n = nl ? (size_t)(nl - p->chunk.data) : p->chunk.len;
        if (nl && !p->carry.len) {
            *line = slice_of(p->chunk.data, n);
        } else {
            strbuf_append(&p->carry, p->chunk.data, n);
            TRY(strbuf_check(&p->carry, err));
            *line = strbuf_slice(&p->carry);
        }
        size_t used = n + (nl != NULL);
        p->chunk = slice_of(p->chunk.data + used, p->chunk.len - used);
        if (nl) return ST_OK;
    }
}

static int hex_value(uint8_t c) { return c >= '0' && c <= '9' ? c - '0' : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10 : -1; }

/* One backslash sequence after the backslash; returns bytes consumed. */
static size_t unescape(const uint8_t *s, const uint8_t *end, StrBuf *out)
{
    static const char from[] = "bfnrtv", to[] = "\b\f\n\r\t\v";
    const char *known = memchr(from, *s, sizeof from - 1);
    if (known) {
        strbuf_char(out, to[known - from]);
        return 1;
    }
    if (*s >= '0' && *s <= '7') {
        int v = 0, n = 0;
        while (n < 3 && s + n < end && s[n] >= '0' && s[n] <= '7') v = v * 8 + (s[n++] - '0');
        strbuf_char(out, (char)v);
        return (size_t)n;
    }
    if (*s == 'x' && s + 1 < end && hex_value(s[1]) >= 0) {
        int v = 0, n = 1;
        while (n < 3 && s + n < end && hex_value(s[n]) >= 0) v = v * 16 + hex_value(s[n++]);
        strbuf_char(out, (char)v);
        return (size_t)n;
    }
    strbuf_char(out, (char)*s);
    return 1;
}

/* Fields without a backslash are views of the line; others are unescaped into scratch, whose buffer must not move: it is reserved up front. */
static void text_fields(CopyParser *p, Slice line, CopyField *fields, int max, int *n)
{
    const CopyOptions *o = p->opt;
    const uint8_t *s = line.data, *end = line.data + line.len;
    for (*n = 0; *n <= max; ++*n) {
        const uint8_t *start = s;
        bool escaped = false;
        while (s < end && *s != (uint8_t)o->delim) {
            if (*s == '\\' && s + 1 < end) {
                escaped = true;
                s++;
            }
            s++;
        }
        Slice raw = slice_of(start, (size_t)(s - start));
        CopyField f = {.text = raw, .is_null = raw.len == o->null_len && !memcmp(raw.data, o->null_print, raw.len)};
        if (escaped && !f.is_null) {
            size_t at = p->scratch.len;
            for (const uint8_t *c = start; c < s;) {
                if (*c == '\\' && c + 1 < s) c += 1 + unescape(c + 1, s, &p->scratch);
                else strbuf_char(&p->scratch, (char)*c++);
            }
            f.text = slice_of(p->scratch.data + at, p->scratch.len - at);
        }
        if (*n < max) fields[*n] = f;
        if (s >= end) break;
        s++;
    }
    ++*n;
}

static void csv_fields(CopyParser *p, Slice line, CopyField *fields, int max, int *n)
{
    const CopyOptions *o = p->opt;
    const uint8_t *s = line.data, *end = line.data + line.len;
    for (*n = 0; *n <= max; ++*n) {
        size_t at = p->scratch.len;
        bool in_quote = false, quoted = false;
        for (; s < end && (in_quote || *s != (uint8_t)o->delim); s++) {
            char c = (char)*s;
            if (in_quote && c == o->escape && s + 1 < end && ((char)s[1] == o->escape || (char)s[1] == o->quote)) {
                strbuf_char(&p->scratch, (char)*++s);
            } else if (c == o->quote) {
                in_quote = !in_quote;
                quoted = true;
            } else {
                strbuf_char(&p->scratch, c);
            }
        }
        size_t len = p->scratch.len - at;
        CopyField f = {.text = slice_of(p->scratch.data + at, len), .quoted = quoted};
        f.is_null = !quoted && len == o->null_len && !memcmp(p->scratch.data + at, o->null_print, len);
        if (*n < max) fields[*n] = f;
        if (s >= end) break;
        s++;
    }
    ++*n;
}

static bool is_end_marker(const CopyParser *p, Slice line) { return line.len == 2 && line.data[0] == '\\' && line.data[1] == '.'; }

Status copy_next_line(CopyParser *p, CopyField *fields, int max, int *n, bool *end, Error *err)
{
    Slice line;
    TRY(read_line(p, &line, end, err));
    if (*end) return ST_OK;
    p->line++;
    if (line.len && line.data[line.len - 1] == '\r') line.len--;
    p->current = line;
    if (is_end_marker(p, line)) {
        /* What follows the marker is read and dropped, so that the stream stays in step. */
        while (!p->at_end) {
            p->chunk.len = 0;
            TRY(refill(p, err));
        }
        *end = true;
        return ST_OK;
    }
    strbuf_reset(&p->scratch);
    if (!strbuf_reserve(&p->scratch, line.len + 16)) return error_out_of_memory(err, line.len);
    if (p->opt->format == COPY_CSV) csv_fields(p, line, fields, max, n);
    else text_fields(p, line, fields, max, n);
    return strbuf_check(&p->scratch, err);
}

Status copy_read_bytes(CopyParser *p, size_t n, Slice *out, bool *end, Error *err)
{
    strbuf_reset(&p->carry);
    *end = false;
    TRY(refill(p, err));
    if (p->chunk.len >= n) {
        *out = slice_of(p->chunk.data, n);
        p->chunk = slice_of(p->chunk.data + n, p->chunk.len - n);
        return ST_OK;
    }
    while (p->carry.len < n) {
        TRY(refill(p, err));
        if (p->at_end) {
            *end = true;
            if (p->carry.len) return error_set(err, ERR_BAD_COPY_FILE_FORMAT, "unexpected EOF in COPY data");
            return ST_OK;
        }
        size_t take = n - p->carry.len < p->chunk.len ? n - p->carry.len : p->chunk.len;
        strbuf_append(&p->carry, p->chunk.data, take);
        TRY(strbuf_check(&p->carry, err));
        p->chunk = slice_of(p->chunk.data + take, p->chunk.len - take);
    }
    *out = strbuf_slice(&p->carry);
    return ST_OK;
}
