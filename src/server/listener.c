/* Listening sockets, the accept loop and signals. Signals only write to a pipe that the loop polls. */
#include "server/session.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static int signal_pipe = -1;

static void on_signal(int sig)
{
    int saved = errno;
    char c = (char)sig;
    if (write(signal_pipe, &c, 1) < 0) { /* the pipe is full: a stop is already under way */
    }
    errno = saved;
}

void server_signals_install(Server *server)
{
    struct sigaction act = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    if (pipe2(server->wake_pipe, O_CLOEXEC | O_NONBLOCK)) return;
    signal_pipe = server->wake_pipe[1];
    sigaction(SIGTERM, &act, NULL);
    sigaction(SIGINT, &act, NULL);
    sigaction(SIGHUP, &act, NULL);
    signal(SIGPIPE, SIG_IGN);
}

static Status cannot_listen(Error *err, const char *where)
{
    int code = errno;
    error_set(err, ERR_CONFIG_FILE_ERROR, "could not listen on %s: %s", where, strerror(code));
    if (code == EADDRINUSE) error_hint(err, "Is another server already running on this port? Choose another one with --port.");
    return ST_FAILED;
}

static bool is_loopback(const struct sockaddr *sa)
{
    if (sa->sa_family == AF_INET) return ntohl(((const struct sockaddr_in *)sa)->sin_addr.s_addr) >> 24 == 127;
    if (sa->sa_family == AF_INET6) return IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)sa)->sin6_addr);
    return false;
}

static Status listen_on(Server *server, const struct addrinfo *ai, Error *err)
{
    int on = 1, fd = socket(ai->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    char where[256];
    snprintf(where, sizeof where, "%s port %d", server->options.host, server->options.port);
    if (fd < 0) return cannot_listen(err, where);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (ai->ai_family == AF_INET6) setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    if (bind(fd, ai->ai_addr, ai->ai_addrlen) || listen(fd, 256)) {
        Status st = cannot_listen(err, where);
        close(fd);
        return st;
    }
    struct sockaddr_storage bound;
    socklen_t len = sizeof bound;
    if (!getsockname(fd, (struct sockaddr *)&bound, &len))
        server->port = ntohs(bound.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&bound)->sin6_port : ((struct sockaddr_in *)&bound)->sin_port);
    server->listen_fds[server->nlisten++] = fd;
    return ST_OK;
}

static Status listen_tcp(Server *server, Error *err)
{
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE}, *list;
    char port[16];
    const char *host = !strcmp(server->options.host, "*") ? NULL : server->options.host;
    snprintf(port, sizeof port, "%d", server->options.port);
    int rc = getaddrinfo(host, port, &hints, &list);
    if (rc) return error_set(err, ERR_CONFIG_FILE_ERROR, "could not resolve host \"%s\": %s", server->options.host, gai_strerror(rc));
    Status st = ST_OK;
    for (struct addrinfo *ai = list; ai && !failed(st) && server->nlisten < 3; ai = ai->ai_next) {
        if (!is_loopback(ai->ai_addr) && !server->options.insecure) {
            error_set(err, ERR_CONFIG_FILE_ERROR, "refusing to listen on \"%s\" without authentication", server->options.host);
            st = error_hint(err, "Anybody who reaches this address could log in. Listen on 127.0.0.1, or pass --insecure if that is what you want.");
            break;
        }
        st = listen_on(server, ai, err);
        if (!failed(st) && server->options.port == 0) break; /* one ephemeral port only */
    }
    freeaddrinfo(list);
    return st;
}

/* Beside TCP: DIR/.s.PGSQL.PORT, as libpq expects. Not being able to is a warning: TCP still works. */
static void listen_unix(Server *server)
{
    struct sockaddr_un sa = {.sun_family = AF_UNIX};
    int n = snprintf(sa.sun_path, sizeof sa.sun_path, "%s/.s.PGSQL.%d", server->options.socket_dir, server->port);
    if (n < 0 || (size_t)n >= sizeof sa.sun_path) {
        log_event(SEV_WARNING, "Unix socket path in \"%s\" is too long; listening on TCP only", server->options.socket_dir);
        return;
    }
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int probe = fd < 0 ? -1 : connect(fd, (struct sockaddr *)&sa, sizeof sa);
    if (fd >= 0 && probe != 0) {
        close(fd);
        fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        unlink(sa.sun_path);
        if (fd >= 0 && !bind(fd, (struct sockaddr *)&sa, sizeof sa) && !chmod(sa.sun_path, 0777) && !listen(fd, 256)) {
            server->listen_fds[server->nlisten++] = fd;
            snprintf(server->socket_path, sizeof server->socket_path, "%s", sa.sun_path);
            return;
        }
    }
    log_event(SEV_WARNING, "could not listen on Unix socket \"%s\"; listening on TCP only", sa.sun_path);
    if (fd >= 0) close(fd);
}

Status listener_open(Server *server, Error *err)
{
    TRY(listen_tcp(server, err));
    if (server->options.socket_dir && server->options.socket_dir[0]) listen_unix(server);
    return ST_OK;
}

void listener_close(Server *server)
{
    for (int i = 0; i < server->nlisten; i++) close(server->listen_fds[i]);
    server->nlisten = 0;
    if (server->socket_path[0]) unlink(server->socket_path);
}

/* A connection that cannot get a thread is told so and closed. */
static void refuse(int fd)
{
    static const char busy[] = "E\0\0\0\x38SFATAL\0C53300\0Msorry, too many clients already\0\0";
    if (send(fd, busy, sizeof busy - 1, MSG_NOSIGNAL) < 0) { /* it is gone already */
    }
    close(fd);
}

static void peer_name(const struct sockaddr_storage *sa, char *addr, size_t n, int *port)
{
    addr[0] = 0;
    *port = -1;
    if (sa->ss_family == AF_INET) {
        inet_ntop(AF_INET, &((const struct sockaddr_in *)sa)->sin_addr, addr, (socklen_t)n);
        *port = ntohs(((const struct sockaddr_in *)sa)->sin_port);
    } else if (sa->ss_family == AF_INET6) {
        inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)sa)->sin6_addr, addr, (socklen_t)n);
        *port = ntohs(((const struct sockaddr_in6 *)sa)->sin6_port);
    }
}

enum { SESSION_STACK_BYTES = 1 << 20 };

static void accept_one(Server *server, int listen_fd)
{
    struct sockaddr_storage sa;
    socklen_t len = sizeof sa;
    int fd = accept4(listen_fd, (struct sockaddr *)&sa, &len, SOCK_CLOEXEC), on = 1, port;
    char addr[INET6_ADDRSTRLEN];
    Session *s;
    Error err = ERROR_INIT;
    if (fd < 0) {
        if (errno == EMFILE || errno == ENFILE || errno == ENOMEM) usleep(10000); /* out of descriptors: do not spin */
        return;
    }
    peer_name(&sa, addr, sizeof addr, &port);
    bool is_unix = sa.ss_family == AF_UNIX;
    if (!is_unix) {
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    }
    /* Some room beyond max_connections, so that the refusal can be said properly and cancel requests get through. */
    bool overload = server->nsessions >= server->options.max_connections + 32;
    if (overload || failed(session_create(server, fd, is_unix, addr[0] ? addr : NULL, port, &s, &err))) {
        if (overload) refuse(fd);
        else log_error(&err, NULL);
        error_clear(&err);
        return;
    }
    char name[16];
    pthread_t thread;
    snprintf(name, sizeof name, "session %d", s->pid);
    if (failed(thread_start(&thread, name, SESSION_STACK_BYTES, true, session_thread, s, &err))) {
        log_error(&err, NULL);
        error_clear(&err);
        session_thread_refused(s);
    }
}

/* True: stop. */
static bool drain_signals(Server *server)
{
    char c;
    bool stop = false;
    while (read(server->wake_pipe[0], &c, 1) == 1)
        if (c == SIGTERM || c == SIGINT) stop = true;
    return stop;
}

/* While draining, a second signal ends the process at once. */
static void *second_signal(void *arg)
{
    Server *server = arg;
    struct pollfd p = {.fd = server->wake_pipe[0], .events = POLLIN};
    for (;;)
        if (poll(&p, 1, -1) > 0 && drain_signals(server)) _exit(1);
    return NULL;
}

void listener_accept_loop(Server *server)
{
    struct pollfd fds[5];
    int n = server->nlisten;
    for (int i = 0; i < n; i++) fds[i] = (struct pollfd){.fd = server->listen_fds[i], .events = POLLIN};
    fds[n] = (struct pollfd){.fd = server->wake_pipe[0], .events = POLLIN};
    for (;;) {
        if (poll(fds, (nfds_t)n + 1, -1) < 0) continue;
        if (fds[n].revents && drain_signals(server)) break;
        for (int i = 0; i < n; i++)
            if (fds[i].revents) accept_one(server, fds[i].fd);
    }
    pthread_t thread;
    Error err = ERROR_INIT;
    if (failed(thread_start(&thread, "second signal", 64 * 1024, true, second_signal, server, &err))) error_clear(&err);
}
