/*
 * Running a program to its end, with every resource bounded.
 *
 * One poll loop feeds, reads and watches; nothing here waits on a single
 * descriptor, so a program that neither reads nor writes cannot hold us. When
 * the program itself has ended its group is killed before it is collected:
 * until then the kernel does not give its group's number to anybody else.
 */
#include "sys/child.h"

#include <poll.h>
#include <signal.h>
#include <sys/wait.h>

#include "sys/clock.h"
#include "sys/fd.h"
#include "sys/sys.h"

enum { TICK_MS = 20, DRAIN_ROUNDS = 64, CHUNK = 8192 };

struct pump {
    struct child_run *r;
    int pid;
    int in, out, err, ended; /* our ends; `ended` is -1 where unsupported */
    struct str left;         /* input not yet taken */
};

static void pump_done(struct pump *p)
{
    fd_closep(&p->in);
    fd_closep(&p->out);
    fd_closep(&p->err);
    fd_closep(&p->ended);
}

static void feed(struct pump *p)
{
    size_t put = 0;
    enum err e;

    if (p->in == -1)
        return;
    e = p->left.n > 0 ? fd_write(p->in, p->left.p, p->left.n, &put) : ERR_EOF;
    if (e == ERR_OK)
        p->left = str_sub(p->left, put, SIZE_MAX);
    if ((e != ERR_OK && e != ERR_AGAIN) || p->left.n == 0)
        fd_closep(&p->in); /* all given, or it does not want more */
}

/* One piece; false when nothing is there now. What does not fit is read and
 * thrown away, so that the program does not stop at a full pipe. */
static bool sip(int *fd, struct buf *into, bool *cut)
{
    char piece[CHUNK];
    size_t got = 0, keep;
    enum err e;

    if (*fd == -1)
        return false;
    e = fd_read(*fd, piece, sizeof(piece), &got);
    if (e != ERR_OK) {
        if (e != ERR_AGAIN)
            fd_closep(fd);
        return false;
    }
    keep = MIN(got, into->max - into->len);
    if (buf_add(into, (struct str){piece, keep}) != ERR_OK)
        keep = 0;
    *cut = *cut || keep < got;
    return true;
}

static bool has_ended(const struct pump *p)
{
    siginfo_t info = {0};

    return waitid(P_PID, (id_t)p->pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0
           && info.si_pid == (pid_t)p->pid;
}

static bool readable(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};

    return fd >= 0 && poll(&p, 1, 0) == 1;
}

/* Until the program ends by itself or has to be stopped. */
static enum err pump_all(struct pump *p)
{
    struct child_run *r = p->r;

    while (!has_ended(p)) {
        struct pollfd set[] = {
            {.fd = p->in, .events = POLLOUT},
            {.fd = p->out, .events = POLLIN},
            {.fd = p->err, .events = POLLIN},
            {.fd = p->ended, .events = POLLIN},
            {.fd = r->cancel_fd, .events = POLLIN},
        };
        int left = clock_left_ms(r->deadline_us);

        if (p->ended == -1)
            left = left == -1 ? TICK_MS : MIN(left, (int)TICK_MS);
        if (SYS(poll(set, COUNTOF(set), left)) == -1 && errno != EINTR)
            return sys_err(errno);
        feed(p);
        (void)sip(&p->out, &r->out, &r->out_cut);
        (void)sip(&p->err, &r->err, &r->err_cut);
        r->cancelled = readable(r->cancel_fd);
        r->timed_out = !r->cancelled && clock_left_ms(r->deadline_us) == 0
                       && !has_ended(p);
        if (r->cancelled || r->timed_out)
            break;
    }
    return ERR_OK;
}

/* What was written before the end; bounded, for a writer that escaped the
 * group could go on for ever. */
static void drain(struct pump *p)
{
    for (int i = 0; i < DRAIN_ROUNDS; i++)
        if (!sip(&p->out, &p->r->out, &p->r->out_cut))
            break;
    for (int i = 0; i < DRAIN_ROUNDS; i++)
        if (!sip(&p->err, &p->r->err, &p->r->err_cut))
            break;
}

static enum err start(const struct child_opts *o, struct pump *p, struct why *w)
{
    struct child_map maps[CHILD_FDS_MAX];
    struct child_opts with = *o;
    CLEANUP(fd_closep) int in = -1;
    CLEANUP(fd_closep) int out = -1;
    CLEANUP(fd_closep) int err = -1;
    int pair[2];

    assert(o->n_fds + 3 <= CHILD_FDS_MAX);
    TRY(fd_pipe(pair, w));
    in = pair[0];
    p->in = pair[1];
    TRY(fd_pipe(pair, w));
    p->out = pair[0];
    out = pair[1];
    TRY(fd_pipe(pair, w));
    p->err = pair[0];
    err = pair[1];
    if (fd_nonblock(p->in, true) != ERR_OK
        || fd_nonblock(p->out, true) != ERR_OK
        || fd_nonblock(p->err, true) != ERR_OK)
        return SYS_FAIL(w, "cannot prepare the pipes of %s", o->argv[0]);
    memcpy(maps, (const struct child_map[]){{in, 0}, {out, 1}, {err, 2}},
           3 * sizeof(maps[0]));
    for (size_t i = 0; i < o->n_fds; i++)
        maps[i + 3] = o->fds[i];
    with.fds = maps;
    with.n_fds = o->n_fds + 3;
    with.own_group = true;
    return child_start(&with, &p->pid, w);
}

enum err child_run(const struct child_opts *o, struct child_run *r,
                   struct why *w)
{
    CLEANUP(pump_done)
    struct pump p = {
        .r = r, .in = -1, .out = -1, .err = -1, .ended = -1, .left = r->input};
    uint64_t began = clock_us();
    enum err e, waited;

    r->out_cut = r->err_cut = r->timed_out = r->cancelled = false;
    TRY(start(o, &p, w));
    if (child_exit_fd(p.pid, &p.ended, NULL) != ERR_OK)
        p.ended = -1; /* then we look at the clock more often */
    e = pump_all(&p);
    (void)kill((pid_t)-p.pid, SIGKILL);
    drain(&p);
    waited = child_wait(p.pid, true, &r->status);
    r->wall_us = clock_us() - began;
    if (e != ERR_OK || waited != ERR_OK)
        return FAIL(w, e != ERR_OK ? e : waited, "lost sight of %s",
                    o->argv[0]);
    return ERR_OK;
}

void child_run_done(struct child_run *r)
{
    buf_done(&r->out);
    buf_done(&r->err);
}
