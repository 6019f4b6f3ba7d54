/* Socket buffers. See wire_io.h. */
#include "wire/wire_io.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

void wire_io_init(WireIo *io, int fd, MemAccount *account, Interrupt *interrupt)
{
    memset(io, 0, sizeof *io);
    io->fd = fd;
    io->account = account;
    io->interrupt = interrupt;
    strbuf_init_heap(&io->out, account);
}

void wire_io_destroy(WireIo *io)
{
    if (io->fd >= 0) close(io->fd);
    io->fd = -1;
    mem_free(io->account, io->in, io->in_cap);
    io->in = NULL;
    io->in_cap = io->in_len = io->in_pos = 0;
    strbuf_free(&io->out);
}

static Status peer_gone(Error *err)
{
    return error_set(err, ERR_CONNECTION_FAILURE, "unexpected EOF on client connection");
}

/* Resizes the input buffer to hold `cap` bytes from in_pos on; keeps what is unread. */
static Status in_resize(WireIo *io, size_t cap, Error *err)
{
    size_t unread = io->in_len - io->in_pos;
    uint8_t *fresh = mem_alloc(io->account, cap);
    if (!fresh) return error_out_of_memory(err, cap);
    if (unread) memcpy(fresh, io->in + io->in_pos, unread);
    mem_free(io->account, io->in, io->in_cap);
    io->in = fresh;
    io->in_cap = cap;
    io->in_pos = 0;
    io->in_len = unread;
    return ST_OK;
}

static ssize_t transport_recv(WireIo *io, void *buf, size_t n)
{
    return io->transport.recv ? io->transport.recv(io->transport.arg, buf, n) : recv(io->fd, buf, n, 0);
}

/* One recv; the wait ends early when an interrupt that concerns an idle session is raised (shutdown closes the reading side). */
static Status in_fill(WireIo *io, bool *eof, Error *err)
{
    *eof = false;
    for (;;) {
        ssize_t n = transport_recv(io, io->in + io->in_len, io->in_cap - io->in_len);
        if (n > 0) {
            io->in_len += (size_t)n;
            io->bytes_in += (uint64_t)n;
            return ST_OK;
        }
        if (n == 0) {
            *eof = true;
            return ST_OK;
        }
        if (errno == EINTR || errno == EAGAIN) {
            TRY(INTERRUPT_CHECK(io->interrupt, err));
            continue;
        }
        *eof = true; /* reset by peer is an end too */
        return ST_OK;
    }
}

/* Makes `need` bytes available at in_pos. *eof only if the stream ended before the first of them. */
static Status in_need(WireIo *io, size_t need, bool *eof, Error *err)
{
    *eof = false;
    if (io->in_len - io->in_pos >= need) return ST_OK;
    if (io->in_pos + need > io->in_cap) {
        if (need <= io->in_cap) {
            memmove(io->in, io->in + io->in_pos, io->in_len - io->in_pos);
            io->in_len -= io->in_pos;
            io->in_pos = 0;
        } else {
            TRY(in_resize(io, need < WIRE_IN_KEEP ? WIRE_IN_KEEP : need, err));
        }
    }
    while (io->in_len - io->in_pos < need) {
        bool end;
        TRY(in_fill(io, &end, err));
        if (end) {
            if (io->in_len == io->in_pos) {
                *eof = true;
                return ST_OK;
            }
            return peer_gone(err);
        }
    }
    return ST_OK;
}

static uint32_t get_u32(const uint8_t *p) { return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3]; }

/* A buffer that grew for a long message goes back to its normal size once everything in it was read. */
static void in_shrink(WireIo *io)
{
    if (io->in_pos == io->in_len) {
        io->in_pos = io->in_len = 0;
        if (io->in_cap > WIRE_IN_KEEP) {
            mem_free(io->account, io->in, io->in_cap);
            io->in = NULL;
            io->in_cap = 0;
        }
    }
}

static Status read_frame(WireIo *io, size_t header, size_t max_body, char *type, Slice *body, bool *eof, Error *err)
{
    uint32_t length;
    in_shrink(io);
    TRY(in_need(io, header, eof, err));
    if (*eof) return ST_OK;
    if (type) *type = (char)io->in[io->in_pos];
    length = get_u32(io->in + io->in_pos + header - 4);
    if (length < 4 || length - 4 > max_body) {
        error_set(err, ERR_PROTOCOL_VIOLATION, "invalid message length");
        err->severity = SEV_FATAL;
        return ST_FAILED;
    }
    TRY(in_need(io, header + length - 4, eof, err));
    if (*eof) return peer_gone(err);
    *body = slice_of(io->in + io->in_pos + header, length - 4);
    io->in_pos += header + length - 4;
    return ST_OK;
}

Status wire_read_message(WireIo *io, size_t max_body, char *type, Slice *body, bool *eof, Error *err)
{
    return read_frame(io, 5, max_body, type, body, eof, err);
}

Status wire_read_startup(WireIo *io, size_t max_body, Slice *body, bool *eof, Error *err)
{
    return read_frame(io, 4, max_body, NULL, body, eof, err);
}

static ssize_t transport_send(WireIo *io, const void *buf, size_t n)
{
    return io->transport.send ? io->transport.send(io->transport.arg, buf, n) : send(io->fd, buf, n, MSG_NOSIGNAL);
}

Status wire_flush(WireIo *io, Error *err)
{
    size_t done = 0;
    Status st = strbuf_check(&io->out, err);
    while (!failed(st) && !io->broken && done < io->out.len) {
        ssize_t n = transport_send(io, io->out.data + done, io->out.len - done);
        if (n > 0) {
            done += (size_t)n;
            io->bytes_out += (uint64_t)n;
        } else if (n < 0 && (errno == EINTR || errno == EAGAIN)) {
            continue;
        } else {
            io->broken = true;
            st = peer_gone(err);
        }
    }
    io->out.oom = false;
    if (io->out.cap > WIRE_OUT_FLUSH * 2) strbuf_free(&io->out);
    strbuf_reset(&io->out);
    return st;
}
