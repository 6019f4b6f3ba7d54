/* inet and cidr: a varlena of u8 family (2: IPv4, 3: IPv6), u8 mask length, then 4 or 16 address bytes. */
#ifndef HELIOS_TYPES_INET_H
#define HELIOS_TYPES_INET_H

#include "types/datum.h"

#define INET_V4 2
#define INET_V6 3

typedef struct Inet {
    uint8_t family, bits;
    uint8_t addr[16];
} Inet;

static inline int inet_max_bits(uint8_t family) { return family == INET_V4 ? 32 : 128; }
static inline size_t inet_addr_bytes(uint8_t family) { return family == INET_V4 ? 4 : 16; }

void inet_read(Datum v, Inet *out);
STATUS inet_make(Arena *arena, const Inet *v, Datum *out, Error *err);
/* False: no address. cidr: missing octets are zero, the mask follows from those that are there. */
bool inet_parse(Slice text, bool cidr, Inet *out);
/* The address alone, as host() prints it. At most 46 bytes with the zero; returns the length. */
size_t inet_print_address(const Inet *v, char out[48]);
int inet_cmp(const Inet *a, const Inet *b); /* network part, mask length, whole address */
void inet_clear_host(Inet *v);              /* zero all bits behind the mask */

#endif
