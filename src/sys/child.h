/*
 * child.h - other programs: start, wait, run to completion.
 *
 * Programs get an argument vector, never a command line for a shell. A child
 * sees only the descriptors it is given: 0 is /dev/null unless mapped, 1 and 2
 * are ours unless mapped, all others are closed. Signals are at their
 * defaults. Thread: any (the child runs only async-signal-safe code between
 * fork and exec), but see `die_with_parent`.
 */
#ifndef SYS_CHILD_H
#define SYS_CHILD_H

#include "base/buf.h"

struct child_map {
    int from, to; /* our descriptor `from` is the child's `to` (< 64) */
};

/* Ceilings for the child, 0: as ours. Bytes, seconds, counts. */
struct child_limits {
    uint64_t memory_bytes; /* address space */
    uint64_t file_bytes;   /* largest file it may write */
    uint64_t cpu_s;
    uint64_t processes; /* of this user: useful inside a user namespace */
    uint64_t files;     /* open descriptors */
    bool no_core;       /* never write a core file */
};

struct child_opts {
    const char *const *argv; /* ends with NULL; argv[0] with a slash is the
                                file, without one it is looked up in PATH */
    const char *const *envp; /* ends with NULL; NULL: our environment */
    const char *cwd;         /* NULL: ours */
    const struct child_map *fds;
    size_t n_fds; /* at most CHILD_FDS_MAX */
    struct child_limits limits;
    bool own_group;       /* new session: the whole group can be killed */
    bool die_with_parent; /* SIGKILL when the thread that started it ends */
    int oom_score_adj;    /* 0: as ours; 1000: taken first */
};
#define CHILD_FDS_MAX 16

/* ERR_NOTFOUND, ERR_DENIED, ERR_NOMEM...: also when exec itself failed. */
NODISCARD enum err child_start(const struct child_opts *o, int *pid,
                               struct why *w);

struct child_status {
    bool exited; /* true: `code` counts; false: killed by `signal` */
    int code, signal;
    uint64_t peak_bytes; /* largest resident size */
    uint64_t cpu_us;     /* user and system, with waited-for children */
};

/* Collects the end of a child: ERR_AGAIN while it runs (`block` false). After
 * success the pid means nothing any more. */
NODISCARD enum err child_wait(int pid, bool block, struct child_status *out);

/* A descriptor that becomes readable when the process ends; for the loop.
 * The caller closes it. ERR_UNSUPPORTED before Linux 5.3. */
NODISCARD enum err child_exit_fd(int pid, int *fd, struct why *w);

/* Signal to the process, or to its whole group (own_group). Gone: OK. */
NODISCARD enum err child_kill(int pid, int signal, bool group);

/* "exit 3" or "signal 9 (Killed)". */
#define CHILD_TEXT_MAX 48
void child_text(const struct child_status *s, char out[CHILD_TEXT_MAX]);

/* ---- run to completion ------------------------------------------------ */

struct child_run {
    /* in */
    struct str input;     /* its standard input */
    uint64_t deadline_us; /* monotonic; CLOCK_NEVER: none */
    int cancel_fd;        /* readable: stop it; -1: none */
    /* out; the ceilings are the `max` of the buffers */
    struct buf out, err;   /* what it wrote first; the caller's to release */
    bool out_cut, err_cut; /* more was written and thrown away */
    bool timed_out, cancelled; /* the group was killed for that reason */
    struct child_status status;
    uint64_t wall_us;
};
#define CHILD_RUN_INIT(out_max, err_max, deadline)                             \
    ((struct child_run){.input = STR_EMPTY,                                    \
                        .deadline_us = (deadline),                             \
                        .cancel_fd = -1,                                       \
                        .out = BUF_INIT(out_max),                              \
                        .err = BUF_INIT(err_max)})

/* Starts it in its own group, feeds and reads it, and kills the whole group
 * at the end of the child, at the deadline, or on cancel. ERR_OK means that
 * it ran and `status` says how it ended; `o->fds` must not map 0, 1 or 2. */
NODISCARD enum err child_run(const struct child_opts *o, struct child_run *r,
                             struct why *w);
void child_run_done(struct child_run *r); /* releases the buffers */

#endif
