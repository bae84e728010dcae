#include "net/sock.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#include "sys/sys.h"

enum { BACKLOG = 4096, PARTS_MAX = 4 };

#ifndef MSG_NOSIGNAL
#define MSG_NOSIGNAL 0 /* macOS: SO_NOSIGPIPE instead, in prepare() */
#endif

#ifdef TEST_FAULTS
static size_t short_bytes;

void sock_fault_short(size_t bytes)
{
    short_bytes = bytes;
}

#define SHORT(n) (short_bytes != 0 ? MIN((size_t)(n), short_bytes) : (n))
#else
#define SHORT(n) (n)
#endif

/* ---- opening ---- */

static bool prepare(int fd)
{
    int flags = fcntl(fd, F_GETFL);
#ifdef SO_NOSIGPIPE
    int on = 1;

    (void)setsockopt(fd, SOL_SOCKET, SO_NOSIGPIPE, &on, sizeof(on));
#endif
    return flags >= 0 && fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0
           && fcntl(fd, F_SETFD, FD_CLOEXEC) == 0;
}

static int new_socket(int family)
{
    int fd = SYS(socket(family, SOCK_STREAM, 0));

    if (fd >= 0 && !prepare(fd)) {
        int e = errno;

        (void)close(fd);
        errno = e;
        return -1;
    }
    return fd;
}

static enum err open_error(struct why *why, const char *what)
{
    switch (errno) {
    case EADDRINUSE:
        return FAIL_SYS(why, ERR_EXISTS, "cannot listen on %s", what);
    case EACCES:
    case EPERM:
        return FAIL_SYS(why, ERR_DENIED, "cannot listen on %s", what);
    case ENOENT:
        return FAIL_SYS(why, ERR_NOTFOUND, "cannot listen on %s", what);
    default:
        return FAIL_SYS(why, ERR_IO, "cannot listen on %s", what);
    }
}

union address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
    struct sockaddr_un un;
    struct sockaddr_storage storage;
};

static bool parse_address(const char *host, unsigned port, union address *a,
                          socklen_t *len)
{
    *a = (union address){0};
    if (inet_pton(AF_INET, host, &a->v4.sin_addr) == 1) {
        a->v4.sin_family = AF_INET;
        a->v4.sin_port = htons((uint16_t)port);
        *len = sizeof(a->v4);
        return true;
    }
    if (inet_pton(AF_INET6, host, &a->v6.sin6_addr) == 1) {
        a->v6.sin6_family = AF_INET6;
        a->v6.sin6_port = htons((uint16_t)port);
        *len = sizeof(a->v6);
        return true;
    }
    return false;
}

static unsigned port_of(const union address *a)
{
    return a->any.sa_family == AF_INET    ? ntohs(a->v4.sin_port)
           : a->any.sa_family == AF_INET6 ? ntohs(a->v6.sin6_port)
                                          : 0;
}

enum err sock_listen_tcp(const char *host, unsigned port, int *fd,
                         unsigned *bound_port, struct why *why)
{
    union address a;
    socklen_t len;
    char what[80];
    int s, on = 1;
    enum err e;

    (void)snprintf(what, sizeof(what), "%.60s port %u", host, port);
    if (port > 65535 || !parse_address(host, port, &a, &len))
        return FAIL(why, ERR_RANGE, "%s is not an address to listen on", what);
    s = new_socket(a.any.sa_family);
    if (s < 0)
        return open_error(why, what);
    (void)setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (a.any.sa_family == AF_INET6)
        (void)setsockopt(s, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
    if (SYS(bind(s, &a.any, len)) != 0 || SYS(listen(s, BACKLOG)) != 0
        || getsockname(s, &a.any, &len) != 0) {
        e = open_error(why, what);
        (void)close(s);
        return e;
    }
    *bound_port = port_of(&a);
    *fd = s;
    return ERR_OK;
}

/* Removes a socket file that nobody listens on. */
static enum err clear_path(const union address *a, struct why *why)
{
    const char *path = a->un.sun_path;
    struct stat st;
    bool is_live;
    int s;

    if (lstat(path, &st) != 0)
        return errno == ENOENT ? ERR_OK : open_error(why, path);
    if (!S_ISSOCK(st.st_mode))
        return FAIL(why, ERR_EXISTS, "%s exists and is not a socket", path);
    s = new_socket(AF_UNIX);
    if (s < 0)
        return open_error(why, path);
    is_live = connect(s, &a->any, sizeof(a->un)) == 0 || errno != ECONNREFUSED;
    (void)close(s);
    if (is_live)
        return FAIL(why, ERR_EXISTS, "another process listens on %s", path);
    if (unlink(path) != 0 && errno != ENOENT)
        return open_error(why, path);
    return ERR_OK;
}

enum err sock_listen_unix(const char *path, unsigned mode, int *fd,
                          struct why *why)
{
    union address a = {.un = {.sun_family = AF_UNIX}};
    enum err e;
    int s;

    if (!str_z(str_c(path), a.un.sun_path, sizeof(a.un.sun_path)))
        return FAIL(why, ERR_RANGE,
                    "the path of a socket has at most %zu bytes: %.200s",
                    sizeof(a.un.sun_path) - 1, path);
    TRY(clear_path(&a, why));
    s = new_socket(AF_UNIX);
    if (s < 0)
        return open_error(why, path);
    /* Nobody can connect before listen, so the mode is in force in time. */
    if (SYS(bind(s, &a.any, sizeof(a.un))) != 0
        || SYS(chmod(path, (mode_t)mode)) != 0
        || SYS(listen(s, BACKLOG)) != 0) {
        e = open_error(why, path);
        (void)close(s);
        return e;
    }
    *fd = s;
    return ERR_OK;
}

/* ---- one connection ---- */

static int accept_one(int listener)
{
#ifdef __linux__
    return accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
#else
    int fd = accept(listener, NULL, NULL);

    if (fd >= 0 && !prepare(fd)) {
        (void)close(fd);
        errno = EMFILE;
        return -1;
    }
    return fd;
#endif
}

enum err sock_accept(int listener, int *fd)
{
    int on = 1, s;

    do {
        s = SYS_RETRY(accept_one(listener));
    } while (s < 0 && errno == ECONNABORTED);
    if (s < 0) {
        if (errno == EAGAIN)
            return ERR_AGAIN;
        return ERR_LIMIT; /* EMFILE, ENFILE, ENOBUFS, ENOMEM, a firewall */
    }
    /* Tokens leave one by one; fails on Unix sockets, which do not wait. */
    (void)setsockopt(s, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    *fd = s;
    return ERR_OK;
}

enum err sock_recv(int fd, char *dst, size_t cap, size_t *got)
{
    ssize_t n;

    n = SYS_RETRY(recv(fd, dst, SHORT(cap), 0));
    if (n == 0)
        return ERR_EOF;
    if (n < 0)
        return errno == EAGAIN ? ERR_AGAIN : ERR_IO;
    *got = (size_t)n;
    return ERR_OK;
}

enum err sock_send(int fd, const struct str *parts, size_t count, size_t *sent)
{
    struct iovec iov[PARTS_MAX];
    struct msghdr m = {.msg_iov = iov};
    size_t room = SHORT(SIZE_MAX), used = 0;
    ssize_t n;

    assert(count <= PARTS_MAX);
    for (size_t i = 0; i < count && room != 0; i++) {
        if (parts[i].n == 0)
            continue;
        iov[used].iov_base = (void *)(uintptr_t)parts[i].p; /* only read */
        iov[used].iov_len = MIN(parts[i].n, room);
        room -= iov[used++].iov_len;
    }
    m.msg_iovlen = used;
    n = SYS_RETRY(sendmsg(fd, &m, MSG_NOSIGNAL));
    if (n < 0)
        return errno == EAGAIN ? ERR_AGAIN : ERR_IO;
    *sent = (size_t)n;
    return ERR_OK;
}

void sock_shut_write(int fd)
{
    (void)shutdown(fd, SHUT_WR); /* ENOTCONN: the peer is gone already */
}

void sock_close(int fd)
{
    (void)close(fd);
}

void sock_reset(int fd)
{
    struct linger now = {.l_onoff = 1};

    (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
    (void)close(fd);
}

static int64_t peer_uid(int fd)
{
#ifdef __linux__
    struct ucred cred;
    socklen_t len = sizeof(cred);

    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) == 0
               ? (int64_t)cred.uid
               : -1;
#else
    uid_t uid;
    gid_t gid;

    return getpeereid(fd, &uid, &gid) == 0 ? (int64_t)uid : -1;
#endif
}

enum err sock_peer(int fd, struct sock_peer *out)
{
    struct sock_peer p = {.uid = -1};
    union address a = {0};
    socklen_t len = sizeof(a);

    if (getpeername(fd, &a.any, &len) != 0)
        return ERR_EOF;
    if (a.any.sa_family == AF_INET) {
        (void)inet_ntop(AF_INET, &a.v4.sin_addr, p.ip, sizeof(p.ip));
    } else if (a.any.sa_family == AF_INET6) {
        (void)inet_ntop(AF_INET6, &a.v6.sin6_addr, p.ip, sizeof(p.ip));
    } else {
        p.is_unix = true;
        p.uid = peer_uid(fd);
    }
    p.port = port_of(&a);
    *out = p;
    return ERR_OK;
}
