/* A small reader of TOML as configuration files use it: [section] headers, key = value with strings, integers and booleans, comments. */
#include "server/config_file.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/log.h"

typedef struct Reader {
    const char *path;
    int line;
    char section[128];
    const ConfigKey *keys;
    int n;
    Arena *arena;
} Reader;

static Status bad(const Reader *r, Error *err, const char *what)
{
    return error_set(err, ERR_CONFIG_FILE_ERROR, "%s:%d: %s", r->path, r->line, what);
}

static char *trim(char *s)
{
    while (isspace((unsigned char)*s)) s++;
    char *end = s + strlen(s);
    while (end > s && isspace((unsigned char)end[-1])) *--end = 0;
    return s;
}

/* Ends the line at a # that is not inside a string. */
static void strip_comment(char *s)
{
    char quote = 0;
    for (; *s; s++) {
        if (quote) {
            if (*s == '\\' && quote == '"' && s[1]) s++;
            else if (*s == quote) quote = 0;
        } else if (*s == '"' || *s == '\'') {
            quote = *s;
        } else if (*s == '#') {
            *s = 0;
            return;
        }
    }
}

/* Edit distance, for suggestions. */
static int distance(const char *a, const char *b)
{
    int row[64], n = (int)strlen(b);
    if (n >= 63 || strlen(a) >= 63) return 99;
    for (int j = 0; j <= n; j++) row[j] = j;
    for (int i = 1; a[i - 1]; i++) {
        int diagonal = row[0];
        row[0] = i;
        for (int j = 1; j <= n; j++) {
            int up = row[j], best = diagonal + (a[i - 1] != b[j - 1]);
            if (up + 1 < best) best = up + 1;
            if (row[j - 1] + 1 < best) best = row[j - 1] + 1;
            diagonal = up;
            row[j] = best;
        }
    }
    return row[n];
}

static void unknown_key(const Reader *r, const char *key)
{
    const ConfigKey *nearest = NULL;
    int best = 4;
    for (int i = 0; i < r->n; i++) {
        int d = distance(key, r->keys[i].key);
        if (d < best) best = d, nearest = &r->keys[i];
    }
    if (nearest)
        log_event(SEV_WARNING, "%s:%d: unknown key \"%s\" in [%s]; did you mean \"%s\" in [%s]?", r->path, r->line, key, r->section, nearest->key, nearest->section);
    else
        log_event(SEV_WARNING, "%s:%d: unknown key \"%s\" in [%s] has no effect", r->path, r->line, key, r->section);
}

static Status read_string(Reader *r, char *value, const char **out, Error *err)
{
    size_t len = strlen(value);
    if (len < 2 || (value[0] != '"' && value[0] != '\'') || value[len - 1] != value[0]) return bad(r, err, "expected a quoted string");
    char *copy = arena_strndup(r->arena, value + 1, len - 2), *to = copy;
    TRY_MEM(copy, err);
    for (char *from = copy; *from; from++) {
        if (value[0] == '"' && *from == '\\' && from[1]) {
            from++;
            *to++ = *from == 'n' ? '\n' : *from == 't' ? '\t' : *from;
        } else {
            *to++ = *from;
        }
    }
    *to = 0;
    *out = copy;
    return ST_OK;
}

static Status read_value(Reader *r, const ConfigKey *k, char *value, Error *err)
{
    char *end;
    if (k->type == CONFIG_STRING) return read_string(r, value, k->target, err);
    if (k->type == CONFIG_BOOL) {
        if (strcmp(value, "true") && strcmp(value, "false")) return bad(r, err, "expected true or false");
        *(bool *)k->target = value[0] == 't';
        return ST_OK;
    }
    errno = 0;
    long v = strtol(value, &end, 10);
    if (!*value || *end || errno || v < k->min || v > k->max) {
        bad(r, err, "expected a number in range");
        return error_detail(err, "%s must be between %d and %d.", k->key, k->min, k->max);
    }
    *(int *)k->target = (int)v;
    return ST_OK;
}

static Status read_entry(Reader *r, char *s, Error *err)
{
    char *eq = strchr(s, '=');
    if (!eq) return bad(r, err, "expected key = value");
    *eq = 0;
    char *key = trim(s), *value = trim(eq + 1);
    for (int i = 0; i < r->n; i++)
        if (!strcmp(r->keys[i].section, r->section) && !strcmp(r->keys[i].key, key)) return read_value(r, &r->keys[i], value, err);
    unknown_key(r, key);
    return ST_OK;
}

static Status read_line(Reader *r, char *text, Error *err)
{
    strip_comment(text);
    char *s = trim(text);
    if (!*s) return ST_OK;
    if (*s != '[') return read_entry(r, s, err);
    size_t len = strlen(s);
    if (s[len - 1] != ']') return bad(r, err, "expected [section]");
    s[len - 1] = 0;
    snprintf(r->section, sizeof r->section, "%s", trim(s + 1));
    return ST_OK;
}

Status config_file_read(const char *path, const ConfigKey *keys, int n, Arena *arena, Error *err)
{
    char text[4096];
    FILE *f = fopen(path, "r");
    Reader r = {.path = path, .keys = keys, .n = n, .arena = arena};
    Status st = ST_OK;
    if (!f) return error_set(err, ERR_CONFIG_FILE_ERROR, "could not open configuration file \"%s\": %s", path, strerror(errno));
    while (!failed(st) && fgets(text, sizeof text, f)) {
        r.line++;
        st = read_line(&r, text, err);
    }
    if (!failed(st) && ferror(f)) st = bad(&r, err, strerror(errno));
    fclose(f);
    return st;
}
