/*
 * fd.h - descriptors: owning, reading, writing, passing them on.
 *
 * Every descriptor made here is close-on-exec. A variable that owns one is
 * `CLEANUP(fd_closep) int fd = -1;`. No call here is stopped by a signal.
 * ERR_AGAIN: not now (non-blocking); ERR_EOF: the peer is gone. Thread: any,
 * but one descriptor belongs to one thread.
 */
#ifndef SYS_FD_H
#define SYS_FD_H

#include "base/err.h"
#include "base/str.h"

void fd_close(int fd);   /* -1 is fine */
void fd_closep(int *fd); /* closes and sets to -1; for CLEANUP */
int fd_take(int *fd);    /* moves out of a CLEANUP variable, leaves -1 */

/* open(2) with O_CLOEXEC and O_NOCTTY added; `mode` counts with O_CREAT. */
NODISCARD enum err fd_open(const char *path, int flags, unsigned mode, int *fd,
                           struct why *w);
NODISCARD enum err fd_pipe(int out[2], struct why *w); /* read, write end */
/* Two ends of a byte stream between processes; both block. */
NODISCARD enum err fd_socketpair(int out[2], struct why *w);
NODISCARD enum err fd_dup(int fd, int *out, struct why *w);
NODISCARD enum err fd_nonblock(int fd, bool on);
NODISCARD enum err fd_cloexec(int fd, bool on);

/* One read or write of at most `n` bytes. `*done` is set on success and then
 * at least 1 (n > 0). Writing to a closed pipe is ERR_EOF; no SIGPIPE where
 * the caller ignores it (sig_ignore_pipe). */
NODISCARD enum err fd_read(int fd, void *p, size_t n, size_t *done);
NODISCARD enum err fd_write(int fd, const void *p, size_t n, size_t *done);
/* Everything, on a blocking descriptor. */
NODISCARD enum err fd_write_all(int fd, struct str bytes);

/* On a Unix socket, with at most one descriptor beside the bytes. Never
 * raises SIGPIPE. fd_send: `pass` -1 for none; the caller still owns it, and
 * the peer gets a copy with the first byte. fd_recv: `*passed` is the new
 * descriptor (the caller's from now on) or -1. */
NODISCARD enum err fd_send(int fd, struct str bytes, int pass, size_t *done);
NODISCARD enum err fd_recv(int fd, void *p, size_t n, size_t *done,
                           int *passed);

/* Waits until `fd` is readable (or writable, or its peer is gone) or the
 * monotonic deadline (clock.h) has passed: ERR_TIMEOUT. */
enum fd_for { FD_READ = 1, FD_WRITE = 2, FD_BOTH = 3 };
NODISCARD enum err fd_wait(int fd, enum fd_for what, uint64_t deadline_us);

/* A large input handed to another process: written once, then nobody can
 * change or resize it. `name` is for people (/proc). */
NODISCARD enum err fd_seal(const char *name, struct str bytes, int *out,
                           struct why *w);
/* Maps a descriptor made by fd_seal in another process: checks that it is
 * sealed and at most `max` bytes (ERR_PROTOCOL, ERR_LIMIT). The bytes stay
 * until fd_unmap, also after the descriptor is closed. */
NODISCARD enum err fd_map_sealed(int fd, size_t max, struct str *out,
                                 struct why *w);
void fd_unmap(struct str *bytes); /* sets it empty; empty is fine */

#endif
