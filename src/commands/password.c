/* Password verifiers: SCRAM-SHA-256 (RFC 5802, 5803), as pg_authid.rolpassword keeps them. The hash itself is the SQL function sha256. */
#include "commands/password.h"

#include <string.h>
#include <sys/random.h>

#include "functions/call.h"

enum { SCRAM_ITERATIONS = 4096, SALT_BYTES = 16, KEY_BYTES = 32, BLOCK_BYTES = 64, PROC_sha256 = 3420 };

bool password_is_verifier(const char *text)
{
    if (!strncmp(text, "SCRAM-SHA-256$", 14)) return true;
    return !strncmp(text, "md5", 3) && strlen(text) == 35 && strspn(text + 3, "0123456789abcdef") == 32;
}

/* out = SHA-256(a || b) */
static STATUS sha256(const uint8_t *a, size_t na, const uint8_t *b, size_t nb, Arena *arena, uint8_t out[KEY_BYTES], Error *err)
{
    ArenaMark mark = arena_mark(arena);
    BuiltinFn fn = builtin_function(PROC_sha256);
    uint8_t *body;
    Datum arg = varlena_new(arena, NULL, na + nb, &body);
    bool null = false;
    Error local = ERROR_INIT;
    if (!fn) return error_unsupported(err, "SCRAM-SHA-256");
    TRY_MEM((void *)arg, err);
    memcpy(body, a, na);
    if (nb) memcpy(body + na, b, nb);
    CallFrame cf = {.args = &arg, .nulls = &null, .nargs = 1, .arena = arena, .err = &local, .site_arena = arena};
    Datum hash = fn(&cf);
    if (error_is_set(&local)) {
        error_move(err, &local);
        return ST_FAILED;
    }
    memcpy(out, varlena_slice(hash).data, KEY_BYTES);
    arena_release(arena, mark);
    return ST_OK;
}

typedef struct HmacKey { uint8_t inner[BLOCK_BYTES], outer[BLOCK_BYTES]; } HmacKey;

static STATUS hmac_key(const uint8_t *key, size_t n, Arena *arena, HmacKey *out, Error *err)
{
    uint8_t block[BLOCK_BYTES] = {0};
    if (n > BLOCK_BYTES) TRY(sha256(key, n, NULL, 0, arena, block, err));
    else memcpy(block, key, n);
    for (int i = 0; i < BLOCK_BYTES; i++) {
        out->inner[i] = block[i] ^ 0x36;
        out->outer[i] = block[i] ^ 0x5c;
    }
    return ST_OK;
}

static STATUS hmac(const HmacKey *key, const void *text, size_t n, Arena *arena, uint8_t out[KEY_BYTES], Error *err)
{
    uint8_t inner[KEY_BYTES];
    TRY(sha256(key->inner, BLOCK_BYTES, text, n, arena, inner, err));
    return sha256(key->outer, BLOCK_BYTES, inner, KEY_BYTES, arena, out, err);
}

/* PBKDF2 with one block of output (RFC 5802: Hi). */
static STATUS salted_password(const char *password, const uint8_t salt[SALT_BYTES], Arena *arena, uint8_t out[KEY_BYTES], Error *err)
{
    HmacKey key;
    uint8_t first[SALT_BYTES + 4] = {0}, u[KEY_BYTES];
    memcpy(first, salt, SALT_BYTES);
    first[SALT_BYTES + 3] = 1;
    TRY(hmac_key((const uint8_t *)password, strlen(password), arena, &key, err));
    TRY(hmac(&key, first, sizeof first, arena, u, err));
    memcpy(out, u, KEY_BYTES);
    for (int i = 1; i < SCRAM_ITERATIONS; i++) {
        TRY(hmac(&key, u, KEY_BYTES, arena, u, err));
        for (int k = 0; k < KEY_BYTES; k++) out[k] ^= u[k];
    }
    return ST_OK;
}

static void base64(const uint8_t *in, int n, char *out)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (int i = 0; i < n; i += 3) {
        uint32_t v = (uint32_t)in[i] << 16 | (i + 1 < n ? (uint32_t)in[i + 1] << 8 : 0) | (i + 2 < n ? in[i + 2] : 0);
        *out++ = digits[v >> 18];
        *out++ = digits[v >> 12 & 63];
        *out++ = i + 1 < n ? digits[v >> 6 & 63] : '=';
        *out++ = i + 2 < n ? digits[v & 63] : '=';
    }
    *out = 0;
}

STATUS password_scram_verifier(const char *password, Arena *arena, const char **out, Error *err)
{
    uint8_t salt[SALT_BYTES], salted[KEY_BYTES], client[KEY_BYTES], stored[KEY_BYTES], server[KEY_BYTES];
    char salt64[32], stored64[64], server64[64];
    HmacKey key;
    if (getrandom(salt, sizeof salt, 0) != (ssize_t)sizeof salt) return error_set(err, ERR_INTERNAL_ERROR, "could not generate a random salt");
    TRY(salted_password(password, salt, arena, salted, err));
    TRY(hmac_key(salted, KEY_BYTES, arena, &key, err));
    TRY(hmac(&key, "Client Key", 10, arena, client, err));
    TRY(sha256(client, KEY_BYTES, NULL, 0, arena, stored, err));
    TRY(hmac(&key, "Server Key", 10, arena, server, err));
    base64(salt, SALT_BYTES, salt64);
    base64(stored, KEY_BYTES, stored64);
    base64(server, KEY_BYTES, server64);
    *out = arena_printf(arena, "SCRAM-SHA-256$%d:%s$%s:%s", SCRAM_ITERATIONS, salt64, stored64, server64);
    return *out ? ST_OK : error_out_of_memory(err, 0);
}
