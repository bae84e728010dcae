#include "sys/fd.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sys/clock.h"
#include "sys/sys.h"

#ifndef MSG_NOSIGNAL
#define MSG_NOSIGNAL 0 /* darwin: SO_NOSIGPIPE, or the ignored signal */
#endif
#ifndef MSG_CMSG_CLOEXEC
#define MSG_CMSG_CLOEXEC 0
#endif

void fd_close(int fd)
{
    int saved = errno;

    /* After EINTR the descriptor is gone on Linux: never close twice. */
    if (fd >= 0)
        (void)close(fd);
    errno = saved;
}

void fd_closep(int *fd)
{
    fd_close(*fd);
    *fd = -1;
}

int fd_take(int *fd)
{
    int taken = *fd;

    *fd = -1;
    return taken;
}

enum err fd_open(const char *path, int flags, unsigned mode, int *fd,
                 struct why *w)
{
    int opened =
        SYS_RETRY(open(path, flags | O_CLOEXEC | O_NOCTTY, (mode_t)mode));

    if (opened == -1)
        return SYS_FAIL(w, "cannot open %s", path);
    *fd = opened;
    return ERR_OK;
}

static enum err flag(int fd, int get, int set, int bit, bool on)
{
    int flags = SYS(fcntl(fd, get));

    if (flags == -1)
        return sys_err(errno);
    flags = on ? flags | bit : flags & ~bit;
    return SYS(fcntl(fd, set, flags)) == -1 ? sys_err(errno) : ERR_OK;
}

enum err fd_nonblock(int fd, bool on)
{
    return flag(fd, F_GETFL, F_SETFL, O_NONBLOCK, on);
}

enum err fd_cloexec(int fd, bool on)
{
    return flag(fd, F_GETFD, F_SETFD, FD_CLOEXEC, on);
}

static enum err pair_cloexec(int pair[2], struct why *w)
{
    for (int i = 0; i < 2; i++) {
        if (fd_cloexec(pair[i], true) == ERR_OK)
            continue;
        enum err e = SYS_FAIL(w, "cannot mark a descriptor");
        fd_close(pair[0]);
        fd_close(pair[1]);
        return e;
    }
    return ERR_OK;
}

enum err fd_pipe(int out[2], struct why *w)
{
    int pair[2];

#ifdef __linux__
    if (SYS(pipe2(pair, O_CLOEXEC)) == -1)
        return SYS_FAIL(w, "cannot make a pipe");
#else
    if (SYS(pipe(pair)) == -1)
        return SYS_FAIL(w, "cannot make a pipe");
    TRY(pair_cloexec(pair, w));
#endif
    memcpy(out, pair, sizeof(pair));
    return ERR_OK;
}

enum err fd_socketpair(int out[2], struct why *w)
{
    int pair[2];

    if (SYS(socketpair(AF_UNIX, SOCK_STREAM, 0, pair)) == -1)
        return SYS_FAIL(w, "cannot make a socket pair");
    TRY(pair_cloexec(pair, w));
    memcpy(out, pair, sizeof(pair));
    return ERR_OK;
}

enum err fd_dup(int fd, int *out, struct why *w)
{
    int copy = SYS(fcntl(fd, F_DUPFD_CLOEXEC, 3));

    if (copy == -1)
        return SYS_FAIL(w, "cannot copy a descriptor");
    *out = copy;
    return ERR_OK;
}

enum err fd_read(int fd, void *p, size_t n, size_t *done)
{
    ssize_t got = SYS_RETRY(read(fd, p, n));

    if (got < 0)
        return sys_err(errno);
    if (got == 0 && n > 0)
        return ERR_EOF;
    *done = (size_t)got;
    return ERR_OK;
}

enum err fd_write(int fd, const void *p, size_t n, size_t *done)
{
    ssize_t put = SYS_RETRY(write(fd, p, n));

    if (put < 0)
        return sys_err(errno);
    if (put == 0 && n > 0)
        return ERR_IO;
    *done = (size_t)put;
    return ERR_OK;
}

enum err fd_write_all(int fd, struct str bytes)
{
    while (bytes.n > 0) {
        size_t put = 0;

        TRY(fd_write(fd, bytes.p, bytes.n, &put));
        bytes = str_sub(bytes, put, SIZE_MAX);
    }
    return ERR_OK;
}

/* Room for exactly one descriptor, aligned as the kernel wants it. */
union one_fd {
    struct cmsghdr align;
    char bytes[CMSG_SPACE(sizeof(int))];
};

enum err fd_send(int fd, struct str bytes, int pass, size_t *done)
{
    struct iovec part = {.iov_len = bytes.n};
    struct msghdr m = {.msg_iov = &part, .msg_iovlen = 1};
    union one_fd control = {0};
    ssize_t put;

    memcpy(&part.iov_base, &bytes.p, sizeof(bytes.p)); /* only read from */
    if (pass >= 0) {
        struct cmsghdr *c;

        m.msg_control = control.bytes;
        m.msg_controllen = sizeof(control.bytes);
        c = CMSG_FIRSTHDR(&m);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(sizeof(int));
        memcpy(CMSG_DATA(c), &pass, sizeof(int));
    }
    put = SYS_RETRY(sendmsg(fd, &m, MSG_NOSIGNAL));
    if (put < 0)
        return sys_err(errno);
    *done = (size_t)put;
    return ERR_OK;
}

/* Takes the first descriptor of `m`, closes any other. */
static int one_fd_of(struct msghdr *m)
{
    int taken = -1;

    for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c != NULL;
         c = CMSG_NXTHDR(m, c)) {
        size_t count;

        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
            continue;
        count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < count; i++) {
            int fd;

            memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(int));
            if (taken == -1)
                taken = fd;
            else
                fd_close(fd);
        }
    }
    return taken;
}

enum err fd_recv(int fd, void *p, size_t n, size_t *done, int *passed)
{
    struct iovec part = {.iov_base = p, .iov_len = n};
    union one_fd control = {0};
    struct msghdr m = {.msg_iov = &part,
                       .msg_iovlen = 1,
                       .msg_control = control.bytes,
                       .msg_controllen = sizeof(control.bytes)};
    ssize_t got = SYS_RETRY(recvmsg(fd, &m, MSG_CMSG_CLOEXEC));
    int taken;

    if (got < 0)
        return sys_err(errno);
    taken = one_fd_of(&m);
    if (got == 0 && n > 0) {
        fd_close(taken);
        return ERR_EOF;
    }
#ifndef __linux__
    if (taken >= 0 && fd_cloexec(taken, true) != ERR_OK) {
        fd_close(taken);
        return sys_err(errno);
    }
#endif
    *done = (size_t)got;
    *passed = taken;
    return ERR_OK;
}

enum err fd_wait(int fd, enum fd_for what, uint64_t deadline_us)
{
    struct pollfd p = {.fd = fd};

    if ((what & FD_READ) != 0)
        p.events |= POLLIN;
    if ((what & FD_WRITE) != 0)
        p.events |= POLLOUT;
    for (;;) {
        int n = SYS(poll(&p, 1, clock_left_ms(deadline_us)));

        if (n > 0)
            return ERR_OK;
        if (n == 0)
            return ERR_TIMEOUT;
        if (errno != EINTR)
            return sys_err(errno);
    }
}
