/* inet and cidr, macaddr and macaddr8. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <stdio.h>

#include "common/hash.h"
#include "types/inet.h"
#include "types/types_internal.h"

/* ---- addresses ---- */

void inet_read(Datum v, Inet *out)
{
    Slice s = varlena_slice(v);
    memset(out, 0, sizeof *out);
    out->family = s.data[0];
    out->bits = s.data[1];
    memcpy(out->addr, s.data + 2, s.len - 2 < 16 ? s.len - 2 : 16);
}

STATUS inet_make(Arena *arena, const Inet *v, Datum *out, Error *err)
{
    return make_varlena(arena, v, 2 + inet_addr_bytes(v->family), NULL, out, err);
}

/* A decimal of at most three digits; advances *p. -1: none. */
static int decimal(const char **p)
{
    int v = 0, n = 0;
    for (; **p >= '0' && **p <= '9' && n < 4; n++) v = v * 10 + (*(*p)++ - '0');
    return n && n < 4 ? v : -1;
}

/* "10.1.2.3", as cidr also "10.1". *octets: how many were written. */
static bool parse_v4(const char *p, bool cidr, Inet *out, int *octets)
{
    for (*octets = 0; *octets < 4; ++*octets) {
        if (*octets && *p++ != '.') return false;
        int v = decimal(&p);
        if (v < 0 || v > 255) return false;
        out->addr[*octets] = (uint8_t)v;
        if (!*p) {
            ++*octets;
            return cidr || *octets == 4;
        }
    }
    return false;
}

/* Without a mask a cidr takes that of its address class, or more if more octets were written. */
static int class_bits(const Inet *v, int octets)
{
    int bits = v->addr[0] >= 240 ? 32 : v->addr[0] >= 224 ? 8 : v->addr[0] >= 192 ? 24 : v->addr[0] >= 128 ? 16 : 8;
    if (v->addr[0] >= 224 && v->addr[0] < 240) return octets > 1 ? octets * 8 : 4;
    return bits < octets * 8 ? octets * 8 : bits;
}

bool inet_parse(Slice text, bool cidr, Inet *out)
{
    char buf[64], *slash;
    memset(out, 0, sizeof *out);
    if (text.len >= sizeof buf || memchr(text.data, 0, text.len)) return false;
    memcpy(buf, text.data, text.len);
    buf[text.len] = 0;
    int bits = -1, octets = 4;
    if ((slash = strchr(buf, '/'))) {
        const char *p = slash + 1;
        *slash = 0;
        bits = decimal(&p);
        if (bits < 0 || *p) return false;
    }
    if (strchr(buf, ':')) {
        out->family = INET_V6;
        if (inet_pton(AF_INET6, buf, out->addr) != 1) return false;
    } else {
        out->family = INET_V4;
        if (!parse_v4(buf, cidr, out, &octets)) return false;
    }
    if (bits > inet_max_bits(out->family)) return false;
    if (bits < 0) bits = cidr && out->family == INET_V4 ? class_bits(out, octets) : inet_max_bits(out->family);
    out->bits = (uint8_t)bits;
    return true;
}

size_t inet_print_address(const Inet *v, char out[48])
{
    if (!inet_ntop(v->family == INET_V4 ? AF_INET : AF_INET6, v->addr, out, 48)) out[0] = 0;
    return strlen(out);
}

void inet_clear_host(Inet *v)
{
    for (int i = v->bits; i < inet_max_bits(v->family); i++) v->addr[i / 8] &= (uint8_t)~(0x80 >> i % 8);
}

static int compare_bits(const uint8_t *a, const uint8_t *b, int bits)
{
    int c = memcmp(a, b, (size_t)bits / 8);
    if (c || bits % 8 == 0) return c;
    uint8_t mask = (uint8_t)(0xFF << (8 - bits % 8));
    return (int)(a[bits / 8] & mask) - (int)(b[bits / 8] & mask);
}

int inet_cmp(const Inet *a, const Inet *b)
{
    if (a->family != b->family) return a->family < b->family ? -1 : 1;
    int c = compare_bits(a->addr, b->addr, a->bits < b->bits ? a->bits : b->bits);
    if (!c) c = (int)a->bits - (int)b->bits;
    if (!c) c = memcmp(a->addr, b->addr, inet_addr_bytes(a->family));
    return (c > 0) - (c < 0);
}

/* ---- inet, cidr ---- */

static bool host_bits_set(const Inet *v)
{
    Inet network = *v;
    inet_clear_host(&network);
    return memcmp(network.addr, v->addr, 16) != 0;
}

STATUS inet_in(IoContext *io, const TypeInfo *type, Slice text, int32_t typmod, Datum *out, Error *err)
{
    Inet v;
    bool cidr = type->oid == TYPE_cidr;
    if (!inet_parse(text, cidr, &v)) return type_bad_syntax(err, type->name, text);
    if (cidr && host_bits_set(&v)) {
        error_set(err, ERR_INVALID_TEXT_REPRESENTATION, "invalid cidr value: \"%.*s\"", (int)text.len, (const char *)text.data);
        return error_detail(err, "Value has bits set to right of mask.");
    }
    return inet_make(io->arena, &v, out, err);
}

STATUS inet_out(IoContext *io, const TypeInfo *type, Datum value, StrBuf *out, Error *err)
{
    Inet v;
    char text[48];
    inet_read(value, &v);
    strbuf_append(out, text, inet_print_address(&v, text));
    if (type->oid == TYPE_cidr || v.bits != inet_max_bits(v.family)) strbuf_printf(out, "/%d", v.bits);
    return ST_OK;
}

STATUS inet_recv(IoContext *io, const TypeInfo *type, Slice bytes, int32_t typmod, Datum *out, Error *err)
{
    Inet v = {0};
    if (bytes.len < 4) return recv_exactly(bytes, 4, err);
    v.family = bytes.data[0];
    v.bits = bytes.data[1];
    if (v.family != INET_V4 && v.family != INET_V6)
        return error_set(err, ERR_INVALID_BINARY_REPRESENTATION, "invalid address family in external \"%s\" value", type->name);
    if (v.bits > inet_max_bits(v.family))
        return error_set(err, ERR_INVALID_BINARY_REPRESENTATION, "invalid bits in external \"%s\" value", type->name);
    if (bytes.data[3] != inet_addr_bytes(v.family))
        return error_set(err, ERR_INVALID_BINARY_REPRESENTATION, "invalid length in external \"%s\" value", type->name);
    TRY(recv_exactly(bytes, 4 + inet_addr_bytes(v.family), err));
    memcpy(v.addr, bytes.data + 4, inet_addr_bytes(v.family));
    if (type->oid == TYPE_cidr && host_bits_set(&v)) {
        error_set(err, ERR_INVALID_BINARY_REPRESENTATION, "invalid external \"cidr\" value");
        return error_detail(err, "Value has bits set to right of mask.");
    }
    return inet_make(io->arena, &v, out, err);
}

STATUS inet_send(IoContext *io, const TypeInfo *type, Datum value, StrBuf *out, Error *err)
{
    Inet v;
    inet_read(value, &v);
    uint8_t head[4] = {v.family, v.bits, type->oid == TYPE_cidr, (uint8_t)inet_addr_bytes(v.family)};
    strbuf_append(out, head, 4);
    strbuf_append(out, v.addr, head[3]);
    return ST_OK;
}

int inet_compare(const TypeInfo *type, Datum a, Datum b)
{
    Inet x, y;
    inet_read(a, &x);
    inet_read(b, &y);
    return inet_cmp(&x, &y);
}

uint64_t inet_hash(const TypeInfo *type, Datum v)
{
    Slice s = varlena_slice(v);
    return hash_bytes(s.data, s.len);
}

/* Family, network, mask length, address: a shorter mask sorts before the longer ones inside of it. */
STATUS inet_key_bytes(const TypeInfo *type, Datum value, StrBuf *out, Error *err)
{
    Inet v, network;
    inet_read(value, &v);
    network = v;
    inet_clear_host(&network);
    strbuf_char(out, (char)v.family);
    strbuf_append(out, network.addr, inet_addr_bytes(v.family));
    strbuf_char(out, (char)v.bits);
    strbuf_append(out, v.addr, inet_addr_bytes(v.family));
    return strbuf_check(out, err);
}

/* ---- macaddr: six bytes, macaddr8: eight ---- */

static int hex_digit(uint8_t c)
{
    if (c >= '0' && c <= '9') return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Pairs of digits; one kind of separator, each `group` bytes apart, or none. */
static int parse_mac(Slice s, uint8_t out[8])
{
    size_t i = 0;
    int n = 0, group = 0;
    uint8_t sep = 0;
    while (i < s.len) {
        if (n == 8 || i + 1 >= s.len) return 0;
        int high = hex_digit(s.data[i]), low = hex_digit(s.data[i + 1]);
        if (high < 0 || low < 0) return 0;
        out[n++] = (uint8_t)(high << 4 | low);
        i += 2;
        if (i == s.len || hex_digit(s.data[i]) >= 0) continue;
        uint8_t c = s.data[i++];
        if ((c != ':' && c != '-' && c != '.') || (sep && c != sep) || i == s.len) return 0;
        if (!sep) group = n;
        if (n % group) return 0;
        sep = c;
    }
    bool groups_fit = !sep || (n % group == 0 && (group == 1 ? sep != '.' : group == 2 ? sep != ':' || n == 8 : group == 3 && sep != '.'));
    return groups_fit ? n : 0;
}

STATUS macaddr_in(IoContext *io, const TypeInfo *type, Slice text, int32_t typmod, Datum *out, Error *err)
{
    uint8_t mac[8];
    if (parse_mac(trim_spaces(text), mac) != 6) return type_bad_syntax(err, "macaddr", text);
    return make_varlena(io->arena, mac, 6, NULL, out, err);
}

/* Six bytes are widened by FF:FE in the middle. */
STATUS macaddr8_in(IoContext *io, const TypeInfo *type, Slice text, int32_t typmod, Datum *out, Error *err)
{
    uint8_t mac[8];
    int n = parse_mac(trim_spaces(text), mac);
    if (n != 6 && n != 8) return type_bad_syntax(err, "macaddr8", text);
    if (n == 6) {
        memmove(mac + 5, mac + 3, 3);
        mac[3] = 0xFF;
        mac[4] = 0xFE;
    }
    return make_varlena(io->arena, mac, 8, NULL, out, err);
}

STATUS macaddr_out(IoContext *io, const TypeInfo *type, Datum value, StrBuf *out, Error *err)
{
    Slice s = varlena_slice(value);
    for (size_t i = 0; i < s.len; i++) strbuf_printf(out, i ? ":%02x" : "%02x", s.data[i]);
    return ST_OK;
}

STATUS macaddr_recv(IoContext *io, const TypeInfo *type, Slice bytes, int32_t typmod, Datum *out, Error *err)
{
    TRY(recv_exactly(bytes, type->oid == TYPE_macaddr ? 6 : 8, err));
    return make_varlena(io->arena, bytes.data, bytes.len, NULL, out, err);
}
