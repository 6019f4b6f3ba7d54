/* Password verifiers: SCRAM-SHA-256 (RFC 5803), as pg_authid.rolpassword keeps them. */
#include "commands/password.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <string.h>

enum { SCRAM_ITERATIONS = 4096, SALT_BYTES = 16, KEY_BYTES = 32 };

bool password_is_verifier(const char *text)
{
    if (!strncmp(text, "SCRAM-SHA-256$", 14)) return true;
    return !strncmp(text, "md5", 3) && strlen(text) == 35 && strspn(text + 3, "0123456789abcdef") == 32;
}

static bool hmac(const uint8_t *key, const char *text, uint8_t out[KEY_BYTES])
{
    unsigned n = KEY_BYTES;
    return HMAC(EVP_sha256(), key, KEY_BYTES, (const unsigned char *)text, strlen(text), out, &n) != NULL;
}

STATUS password_scram_verifier(const char *password, Arena *arena, const char **out, Error *err)
{
    uint8_t salt[SALT_BYTES], salted[KEY_BYTES], client[KEY_BYTES], stored[KEY_BYTES], server[KEY_BYTES];
    char salt64[64], stored64[64], server64[64];
    unsigned n = KEY_BYTES;
    bool ok = RAND_bytes(salt, SALT_BYTES) == 1 &&
              PKCS5_PBKDF2_HMAC(password, (int)strlen(password), salt, SALT_BYTES, SCRAM_ITERATIONS, EVP_sha256(), KEY_BYTES, salted) == 1 &&
              hmac(salted, "Client Key", client) && EVP_Digest(client, KEY_BYTES, stored, &n, EVP_sha256(), NULL) == 1 && hmac(salted, "Server Key", server);
    if (!ok) return error_set(err, ERR_INTERNAL_ERROR, "could not compute a password verifier");
    EVP_EncodeBlock((unsigned char *)salt64, salt, SALT_BYTES);
    EVP_EncodeBlock((unsigned char *)stored64, stored, KEY_BYTES);
    EVP_EncodeBlock((unsigned char *)server64, server, KEY_BYTES);
    *out = arena_printf(arena, "SCRAM-SHA-256$%d:%s$%s:%s", SCRAM_ITERATIONS, salt64, stored64, server64);
    return *out ? ST_OK : error_out_of_memory(err, 0);
}
