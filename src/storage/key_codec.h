/* Memcomparable key bytes of column values, and back. */
#ifndef HELIOS_STORAGE_KEY_CODEC_H
#define HELIOS_STORAGE_KEY_CODEC_H

#include "storage/table.h"

/* Appends each part: a null marker byte ordered by nulls_first, then the value's bytes (inverted when descending).
 * 54000 past 2704 bytes of one key, compressed if need be (PostgreSQL's bound: "index row size %zu exceeds btree version 4 maximum 2704 for index ..."). */
STATUS key_encode(const KeyPart *parts, int n, const Datum *values, const bool *nulls, StrBuf *out, Error *err);
/* Decodes reversible parts into values/nulls (the others are stepped over, value 0); by-reference results in arena, uuids may point
 * into key. *used (may be NULL): bytes consumed. XX001 if malformed. */
STATUS key_decode(const KeyPart *parts, int n, Slice key, Arena *arena, Datum *values, bool *nulls, size_t *used, Error *err);
/* The same into memory of key_decode_room(n, key) bytes. */
STATUS key_decode_into(const KeyPart *parts, int n, Slice key, uint8_t *room, Datum *values, bool *nulls, size_t *used, Error *err);
static inline size_t key_decode_room(int n, Slice key) { return key.len + 4 * (size_t)n; }
STATUS key_skip(const KeyPart *part, Slice key, size_t *used, Error *err);
bool key_part_reversible(const KeyPart *part);

#endif
