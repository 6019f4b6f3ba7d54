/* Frames appended to the output buffer. Sticky failure: appends never fail visibly, strbuf_check (in wire_flush) tells. */
#ifndef HELIOS_WIRE_MSG_WRITER_H
#define HELIOS_WIRE_MSG_WRITER_H

#include "common/strbuf.h"

static inline void put_u16(StrBuf *sb, uint16_t v)
{
    uint8_t b[2] = {(uint8_t)(v >> 8), (uint8_t)v};
    strbuf_append(sb, b, 2);
}
static inline void put_u32(StrBuf *sb, uint32_t v)
{
    uint8_t b[4] = {(uint8_t)(v >> 24), (uint8_t)(v >> 16), (uint8_t)(v >> 8), (uint8_t)v};
    strbuf_append(sb, b, 4);
}
static inline void put_cstring(StrBuf *sb, const char *s) { strbuf_append(sb, s, strlen(s) + 1); }

/* Begins a message; the returned offset goes to msg_end, which fills in the length. */
static inline size_t msg_begin(StrBuf *sb, char type)
{
    uint8_t b[5] = {(uint8_t)type};
    strbuf_append(sb, b, 5);
    return sb->len - 4;
}
static inline void patch_u32(StrBuf *sb, size_t at, uint32_t v)
{
    if (sb->oom || at + 4 > sb->len) return;
    sb->data[at] = (char)(v >> 24);
    sb->data[at + 1] = (char)(v >> 16);
    sb->data[at + 2] = (char)(v >> 8);
    sb->data[at + 3] = (char)v;
}
static inline void msg_end(StrBuf *sb, size_t at) { patch_u32(sb, at, (uint32_t)(sb->len - at)); }

#endif
