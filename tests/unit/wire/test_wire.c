/* wire: bounded frames, checked reads, messages as bytes. */
#include <criterion/criterion.h>

#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "wire/backend_msgs.h"
#include "wire/frontend_msgs.h"

typedef struct Pair { int client; WireIo io; MemAccount account; } Pair;

static void pair_open(Pair *p, int64_t limit)
{
    int fds[2];
    cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    p->client = fds[0];
    mem_account_init(&p->account, NULL, "test", limit);
    wire_io_init(&p->io, fds[1], &p->account, NULL);
}

static void pair_close(Pair *p)
{
    close(p->client);
    wire_io_destroy(&p->io);
    cr_assert_eq(p->account.used, 0, "all memory is given back");
}

static void client_sends(Pair *p, const void *bytes, size_t n) { cr_assert_eq(write(p->client, bytes, n), (ssize_t)n); }

Test(wire_io, a_message_is_read_whole_or_not_at_all)
{
    Pair p;
    Error err = ERROR_INIT;
    char type;
    Slice body;
    bool eof;
    pair_open(&p, 0);
    client_sends(&p, "Q\0\0\0\rselect 1\0S\0\0\0\4", 19);
    cr_assert_eq(wire_read_message(&p.io, 1000, &type, &body, &eof, &err), ST_OK);
    cr_assert_eq(type, 'Q');
    cr_assert_eq(body.len, 9);
    cr_assert(wire_input_buffered(&p.io));
    cr_assert_eq(wire_read_message(&p.io, 1000, &type, &body, &eof, &err), ST_OK);
    cr_assert_eq(type, 'S');
    cr_assert_eq(body.len, 0);
    close(p.client);
    cr_assert_eq(wire_read_message(&p.io, 1000, &type, &body, &eof, &err), ST_OK);
    cr_assert(eof);
    p.client = dup(0);
    pair_close(&p);
}

Test(wire_io, lengths_are_checked_before_memory_is_asked_for)
{
    static const char *const frames[] = {"Q\0\0\0\3", "Q\377\377\377\377", "Q\177\377\377\377"};
    for (int i = 0; i < 3; i++) {
        Pair p;
        Error err = ERROR_INIT;
        char type;
        Slice body;
        bool eof;
        pair_open(&p, 0);
        client_sends(&p, frames[i], 5);
        cr_assert_eq(wire_read_message(&p.io, 10000, &type, &body, &eof, &err), ST_FAILED);
        cr_assert_eq(err.code, ERR_PROTOCOL_VIOLATION);
        cr_assert_lt(p.account.peak, 8192);
        error_clear(&err);
        pair_close(&p);
    }
}

Test(wire_io, a_message_past_the_budget_is_53200)
{
    Pair p;
    Error err = ERROR_INIT;
    char type;
    Slice body;
    bool eof;
    pair_open(&p, 16384);
    client_sends(&p, "Q\0\1\0\0", 5);
    cr_assert_eq(wire_read_message(&p.io, 1 << 20, &type, &body, &eof, &err), ST_FAILED);
    cr_assert_eq(err.code, ERR_OUT_OF_MEMORY);
    error_clear(&err);
    pair_close(&p);
}

Test(wire_io, a_peer_that_stops_inside_a_message_is_an_error)
{
    Pair p;
    Error err = ERROR_INIT;
    char type;
    Slice body;
    bool eof;
    pair_open(&p, 0);
    client_sends(&p, "Q\0\0\0\rsel", 8);
    shutdown(p.client, SHUT_WR);
    cr_assert_eq(wire_read_message(&p.io, 1000, &type, &body, &eof, &err), ST_FAILED);
    cr_assert_eq(err.code, ERR_CONNECTION_FAILURE);
    error_clear(&err);
    pair_close(&p);
}

/* Every prefix of every valid message is refused without reading past its end; so is random noise. */
Test(frontend, truncated_and_random_messages_are_refused_cleanly)
{
    static const char bind[] = "p\0s\0\0\1\0\1\0\2\0\0\0\3abc\377\377\377\377\0\1\0\0";
    static const char parse[] = "s\0select $1\0\0\1\0\0\0\27";
    Arena arena;
    BindMsg b;
    ParseMsg q;
    StartupMsg st;
    ExecuteMsg ex;
    NamedMsg nm;
    arena_init(&arena, NULL, 0);
    for (size_t n = 0; n < sizeof bind - 1; n++) {
        Error err = ERROR_INIT;
        uint8_t *copy = malloc(n ? n : 1); /* the sanitizer sees a read past the end */
        memcpy(copy, bind, n);
        cr_assert_eq(frontend_bind(slice_of(copy, n), &arena, &b, &err), ST_FAILED, "prefix of %zu bytes", n);
        error_clear(&err);
        free(copy);
    }
    Error err = ERROR_INIT;
    cr_assert_eq(frontend_bind(slice_of(bind, sizeof bind - 1), &arena, &b, &err), ST_OK);
    cr_assert_eq(b.nparams, 2);
    cr_assert(b.nulls[1] && !b.nulls[0] && b.params[0].len == 3);
    cr_assert_eq(frontend_parse(slice_of(parse, sizeof parse - 1), &arena, &q, &err), ST_OK);
    cr_assert_eq(q.types[0], 23);
    unsigned seed = (unsigned)time(NULL);
    cr_log_info("seed %u\n", seed);
    srand(seed);
    for (int i = 0; i < 20000; i++) {
        size_t n = (size_t)rand() % 40;
        uint8_t *noise = malloc(n + 1);
        for (size_t k = 0; k < n; k++) noise[k] = (uint8_t)(rand() % 4 ? rand() % 4 : rand());
        Error e = ERROR_INIT;
        bool ok = frontend_bind(slice_of(noise, n), &arena, &b, &e) == ST_OK || frontend_parse(slice_of(noise, n), &arena, &q, &e) == ST_OK ||
                  frontend_startup(slice_of(noise, n), &arena, &st, &e) == ST_OK || frontend_execute(slice_of(noise, n), &ex, &e) == ST_OK ||
                  frontend_named(slice_of(noise, n), &nm, &e) == ST_OK;
        cr_assert(ok || e.code != 0);
        error_clear(&e);
        free(noise);
        arena_reset(&arena);
    }
    arena_destroy(&arena);
}

Test(backend, messages_have_their_length_and_fields)
{
    Pair p;
    Error err = ERROR_INIT;
    char got[256];
    pair_open(&p, 0);
    error_set(&err, ERR_UNIQUE_VIOLATION, "duplicate key");
    error_names(&err, "public", "t", NULL, NULL, "t_pkey");
    backend_error(&p.io, &err);
    backend_ready(&p.io, 'I');
    error_clear(&err);
    cr_assert_eq(wire_flush(&p.io, &err), ST_OK);
    ssize_t n = read(p.client, got, sizeof got);
    cr_assert_gt(n, 20);
    cr_assert_eq(got[0], 'E');
    size_t len = (size_t)(uint8_t)got[3] << 8 | (uint8_t)got[4];
    cr_assert_eq(got[1 + len], 'Z');
    cr_assert_eq((size_t)n, 1 + len + 6);
    cr_assert(memmem(got, (size_t)n, "C23505", 7) && memmem(got, (size_t)n, "nt_pkey", 8) && memmem(got, (size_t)n, "tt", 3));
    pair_close(&p);
}
