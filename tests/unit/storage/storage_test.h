/* Shared by the storage tests: a directory of one's own, checking results, types and shapes. */
#ifndef STORAGE_TEST_H
#define STORAGE_TEST_H

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "storage/cluster_internal.h"
#include "storage/data_dir.h"
#include "storage/key_codec.h"
#include "storage/row_codec.h"

#define OK(call)                                                                                  \
    do {                                                                                          \
        Error ok_err_ = ERROR_INIT, *err = &ok_err_;                                              \
        if (failed(call)) cr_assert_fail("%s: %s", #call, ok_err_.message ? ok_err_.message : "?");     \
        error_clear(&ok_err_);                                                                    \
    } while (0)
/* The call fails with that SQLSTATE. */
#define FAILS(call, state)                                                                        \
    do {                                                                                          \
        Error ok_err_ = ERROR_INIT, *err = &ok_err_;                                              \
        cr_assert(failed(call), "%s succeeded", #call);                                           \
        cr_assert_eq((int)ok_err_.code, (int)(state), "%s: %s", #call, ok_err_.message);          \
        error_clear(&ok_err_);                                                                    \
    } while (0)

static inline void test_dir_make(char dir[64])
{
    snprintf(dir, 64, "/tmp/helios-storage-XXXXXX");
    cr_assert(mkdtemp(dir));
}
static inline void test_dir_remove(const char *dir) { OK(data_dir_remove(dir, err)); }

static const TypeInfo UNUSED t_bool = {.oid = 16, .name = "bool", .typlen = 1, .byval = true, .key = KEYENC_BOOL};
static const TypeInfo UNUSED t_char = {.oid = 18, .name = "char", .typlen = 1, .byval = true, .key = KEYENC_U8};
static const TypeInfo UNUSED t_int2 = {.oid = 21, .name = "int2", .typlen = 2, .byval = true, .key = KEYENC_I16};
static const TypeInfo UNUSED t_int4 = {.oid = 23, .name = "int4", .typlen = 4, .byval = true, .key = KEYENC_I32};
static const TypeInfo UNUSED t_int8 = {.oid = 20, .name = "int8", .typlen = 8, .byval = true, .key = KEYENC_I64};
static const TypeInfo UNUSED t_oid = {.oid = 26, .name = "oid", .typlen = 4, .byval = true, .key = KEYENC_U32};
static const TypeInfo UNUSED t_float4 = {.oid = 700, .name = "float4", .typlen = 4, .byval = true, .key = KEYENC_F4};
static const TypeInfo UNUSED t_float8 = {.oid = 701, .name = "float8", .typlen = 8, .byval = true, .key = KEYENC_F8};
static const TypeInfo UNUSED t_text = {.oid = 25, .name = "text", .typlen = -1, .key = KEYENC_BYTES};
static const TypeInfo UNUSED t_bpchar = {.oid = 1042, .name = "bpchar", .typlen = -1, .key = KEYENC_BPCHAR};
static const TypeInfo UNUSED t_uuid = {.oid = 2950, .name = "uuid", .typlen = 16, .key = KEYENC_FIXED16};
static const TypeInfo UNUSED t_interval = {.oid = 1186, .name = "interval", .typlen = 16, .key = KEYENC_INTERVAL};
static const TypeInfo UNUSED t_timetz = {.oid = 1266, .name = "timetz", .typlen = 12, .key = KEYENC_TIMETZ};

#endif
