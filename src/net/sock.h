/*
 * sock.h - the few socket calls of the server, each one system call.
 *
 * The only door through which bytes of clients pass: tests make each call fail
 * (sys.h) or move little, and TLS will stand here. All sockets are
 * non-blocking and close-on-exec. Thread: any.
 */
#ifndef NET_SOCK_H
#define NET_SOCK_H

#include "base/err.h"
#include "base/str.h"

/* `host` is a numeric address. *bound_port is the real one for port 0. */
NODISCARD enum err sock_listen_tcp(const char *host, unsigned port, int *fd,
                                   unsigned *bound_port, struct why *why);

/* A dead socket in the way is replaced; ERR_EXISTS for a live one and for
 * anything that is no socket. */
NODISCARD enum err sock_listen_unix(const char *path, unsigned mode, int *fd,
                                    struct why *why);

/* ERR_AGAIN: nobody waits. ERR_LIMIT: no descriptors or memory now. */
NODISCARD enum err sock_accept(int listener, int *fd);

/* ERR_OK: *got > 0. ERR_EOF, ERR_AGAIN, ERR_IO (reset and the like). */
NODISCARD enum err sock_recv(int fd, char *dst, size_t cap, size_t *got);

/* Sends a prefix of the `count` (1..4) parts together. ERR_OK: *sent > 0. */
NODISCARD enum err sock_send(int fd, const struct str *parts, size_t count,
                             size_t *sent);

void sock_shut_write(int fd); /* the peer sees the end */
void sock_close(int fd);
void sock_reset(int fd); /* closes so that the peer sees a failure */

struct sock_peer {
    bool is_unix;
    char ip[48];
    unsigned port;
    int64_t uid; /* of a Unix peer, else -1 */
};

NODISCARD enum err sock_peer(int fd, struct sock_peer *out);

#ifdef TEST_FAULTS
/* No recv or send moves more than this at once; 0: no bound. */
void sock_fault_short(size_t bytes);
#endif

#endif
