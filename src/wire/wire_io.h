/* WireIo: a connection's two byte streams. Blocking, on the connection's own thread: one recv and one send per round trip.
 *
 * Input is buffered up to WIRE_IN_KEEP bytes between messages; a longer message gets a buffer of its own size, bounded by the caller's limit
 * and charged to the account, and freed again afterwards. Output collects in `out` until it is flushed or passes WIRE_OUT_FLUSH.
 * Errors: 08006 when the peer is gone, 08P01 for lengths that cannot be, 53200 past the budget. */
#ifndef HELIOS_WIRE_WIRE_IO_H
#define HELIOS_WIRE_WIRE_IO_H

#include "common/interrupt.h"
#include <sys/types.h>

#include "common/strbuf.h"

enum { WIRE_IN_KEEP = 4096, WIRE_OUT_KEEP = 8192, WIRE_OUT_FLUSH = 32768, WIRE_MESSAGE_MAX = 0x3fffffff };

/* Replaceable transport (TLS); NULL members: plain socket. */
typedef struct WireTransport {
    ssize_t (*recv)(void *arg, void *buf, size_t n);
    ssize_t (*send)(void *arg, const void *buf, size_t n);
    void *arg;
} WireTransport;

typedef struct WireIo {
    int fd;
    WireTransport transport;
    MemAccount *account;
    Interrupt *interrupt;  /* checked while waiting for input between messages; may be NULL */
    uint8_t *in;
    size_t in_cap, in_pos, in_len;
    StrBuf out;            /* heap, charged to account */
    bool broken;           /* a send failed: further output is dropped, the session ends at its next read */
    uint64_t bytes_in, bytes_out;
} WireIo;

void wire_io_init(WireIo *io, int fd, MemAccount *account, Interrupt *interrupt);
void wire_io_destroy(WireIo *io); /* closes the socket */

/* One frame of the running protocol: type byte, length, body. The body is a view valid until the next read. max_body: bound for this state
 * (small before authentication). *eof: the peer closed between messages. */
STATUS wire_read_message(WireIo *io, size_t max_body, char *type, Slice *body, bool *eof, Error *err);
/* A start-up packet: length without type byte. */
STATUS wire_read_startup(WireIo *io, size_t max_body, Slice *body, bool *eof, Error *err);
/* Is there input already buffered (pipelining)? Then the answer may wait and be sent together with the next. */
static inline bool wire_input_buffered(const WireIo *io) { return io->in_len > io->in_pos; }
/* Raw bytes (the one-byte answers to SSLRequest). */
STATUS wire_flush(WireIo *io, Error *err);
/* Flush if much has collected. */
static inline STATUS wire_flush_if_full(WireIo *io, Error *err) { return io->out.len >= WIRE_OUT_FLUSH ? wire_flush(io, err) : ST_OK; }

#endif
