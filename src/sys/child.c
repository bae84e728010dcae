/*
 * Starting programs.
 *
 * fork and exec by hand and not posix_spawn: the latter cannot set limits,
 * the parent-death signal or the out-of-memory score. All that may allocate
 * happens before the fork; the child calls only what is safe after a fork of
 * a process with threads. The child tells why it failed through a pipe that a
 * successful exec closes, so the parent never mistakes a failed start for a
 * program that ended.
 */
#include "sys/child.h"

#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/prctl.h>
#include <sys/syscall.h>
#endif

#include "sys/fd.h"
#include "sys/fs.h"
#include "sys/process.h"
#include "sys/sys.h"

enum { HIGH_FD = 64, SIGNALS = 65, FDS_SCAN_MAX = 65536 };

/* What the child says before it gives up. */
struct failure {
    int sys;
    char step[24];
};

struct plan {
    const struct child_opts *o;
    char program[FS_PATH_MAX];
    int say; /* write end of the failure pipe */
    int parent;
};

#ifndef __GLIBC__ /* which declares it with _GNU_SOURCE */
extern char **environ;
#endif

/* ---- in the child: async-signal-safe calls only ------------------------- */

static __attribute__((noreturn)) void give_up(const struct plan *p,
                                              const char *step)
{
    struct failure f = {.sys = errno};
    size_t n = 0;

    while (*step != '\0' && n + 1 < sizeof(f.step))
        f.step[n++] = *step++;
    if (write(p->say, &f, sizeof(f)) == -1) {
        /* then the parent sees an end without a word */
    }
    _exit(127);
}

#ifdef __GLIBC__
#define LIMIT_KIND __rlimit_resource_t
#else
#define LIMIT_KIND int
#endif

static void limit(const struct plan *p, LIMIT_KIND what, uint64_t value)
{
    struct rlimit l = {(rlim_t)value, (rlim_t)value};
    struct rlimit now;

    if (value == 0)
        return;
    /* Never raise: an unprivileged child could not, and none should. */
    if (getrlimit(what, &now) == 0) {
        l.rlim_max = MIN(l.rlim_max, now.rlim_max);
        l.rlim_cur = MIN(l.rlim_cur, l.rlim_max);
    }
    if (setrlimit(what, &l) == -1)
        give_up(p, "set a limit");
}

static void set_limits(const struct plan *p)
{
    const struct child_limits *l = &p->o->limits;
    const struct rlimit none = {0, 0};

    limit(p, RLIMIT_AS, l->memory_bytes);
    limit(p, RLIMIT_FSIZE, l->file_bytes);
    limit(p, RLIMIT_CPU, l->cpu_s);
    limit(p, RLIMIT_NPROC, l->processes);
    limit(p, RLIMIT_NOFILE, l->files);
    if (l->no_core && setrlimit(RLIMIT_CORE, &none) == -1)
        give_up(p, "forbid core files");
}

/* Descriptors from `first` on do not survive exec. */
static void close_on_exec_from(int first)
{
#if defined(__linux__) && defined(SYS_close_range)
    if (syscall(SYS_close_range, (unsigned)first, ~0U, 4U /* CLOEXEC */) == 0)
        return;
#endif
    long last = sysconf(_SC_OPEN_MAX);

    if (last < 0 || last > FDS_SCAN_MAX)
        last = FDS_SCAN_MAX;
    for (int fd = first; fd < (int)last; fd++)
        (void)fcntl(fd, F_SETFD, FD_CLOEXEC);
}

/* First all sources out of the way, so that no target overwrites one. */
static void set_fds(struct plan *p)
{
    const struct child_opts *o = p->o;
    int high[CHILD_FDS_MAX], say;
    bool has_input = false;

    say = fcntl(p->say, F_DUPFD_CLOEXEC, HIGH_FD);
    if (say == -1)
        give_up(p, "copy a descriptor");
    p->say = say;
    for (size_t i = 0; i < o->n_fds; i++) {
        high[i] = fcntl(o->fds[i].from, F_DUPFD_CLOEXEC, HIGH_FD);
        if (high[i] == -1)
            give_up(p, "copy a descriptor");
    }
    close_on_exec_from(3);
    for (size_t i = 0; i < o->n_fds; i++) {
        if (dup2(high[i], o->fds[i].to) == -1)
            give_up(p, "place a descriptor");
        has_input = has_input || o->fds[i].to == 0;
    }
    if (!has_input) {
        int null = open("/dev/null", O_RDWR | O_CLOEXEC);

        if (null == -1 || dup2(null, 0) == -1)
            give_up(p, "open /dev/null");
        if (null == 0) /* 0 was free: dup2 kept it close-on-exec */
            (void)fcntl(0, F_SETFD, 0);
    }
}

static void set_fate(const struct plan *p)
{
#ifdef __linux__
    if (p->o->die_with_parent) {
        if (prctl(PR_SET_PDEATHSIG, SIGKILL) == -1)
            give_up(p, "ask to die with us");
        if (getppid() != p->parent) /* too late: it is gone already */
            _exit(127);
    }
    if (p->o->oom_score_adj != 0) {
        char text[16];
        int n = 0, v = MIN(p->o->oom_score_adj, 1000), div = 1000;
        int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

        /* snprintf is not safe here */
        for (bool began = false; div > 0; div /= 10) {
            began = began || v / div > 0 || div == 1;
            if (began)
                text[n++] = (char)('0' + v / div % 10);
        }
        if (fd == -1 || write(fd, text, (size_t)n) != n)
            give_up(p, "set the out-of-memory score");
        (void)close(fd);
    }
#else
    (void)p;
#endif
}

static __attribute__((noreturn)) void become(struct plan *p)
{
    const struct child_opts *o = p->o;
    sigset_t none;
    char *const *argv, *const *envp;

    if (o->own_group && setsid() == -1)
        give_up(p, "make a session");
    set_fate(p);
    if (o->cwd != NULL && chdir(o->cwd) == -1)
        give_up(p, "enter the directory");
    set_fds(p);
    set_limits(p); /* last: we need descriptors above what may be allowed */
    for (int s = 1; s < SIGNALS; s++)
        (void)signal(s, SIG_DFL);
    (void)sigemptyset(&none);
    (void)pthread_sigmask(SIG_SETMASK, &none, NULL);
    /* execve does not write to them; its type is older than const. */
    memcpy(&argv, &o->argv, sizeof(argv));
    memcpy(&envp, &o->envp, sizeof(envp));
    (void)execve(p->program, argv, o->envp != NULL ? envp : environ);
    give_up(p, "run the program");
}

/* ---- in the parent ------------------------------------------------------ */

/* argv[0] with a slash as it is; else the first match in PATH. */
static enum err find_program(const char *name, char out[FS_PATH_MAX],
                             struct why *w)
{
    struct str path = str_c(process_env("PATH"));
    char dir[FS_PATH_MAX];

    if (strchr(name, '/') != NULL) {
        if (!str_z(str_c(name), out, FS_PATH_MAX))
            return FAIL(w, ERR_LIMIT, "a program's path is too long");
        return ERR_OK;
    }
    while (path.n > 0 && name[0] != '\0') {
        struct str part = str_cut(&path, ':');

        if (part.n > 0 && str_z(part, dir, sizeof(dir))
            && fs_join(dir, name, out) == ERR_OK && fs_is_executable(out))
            return ERR_OK;
    }
    return FAIL(w, ERR_NOTFOUND, "there is no program %s in PATH", name);
}

/* Waits until the child runs its program or says why it cannot. */
static enum err hear(int from, const char *name, int pid, struct why *w)
{
    struct failure f = {0};
    size_t got = 0;
    enum err e = fd_read(from, &f, sizeof(f), &got);

    if (e == ERR_EOF)
        return ERR_OK;
    (void)kill((pid_t)pid, SIGKILL);
    while (waitpid((pid_t)pid, NULL, 0) == -1 && errno == EINTR) {
    }
    if (e != ERR_OK || got != sizeof(f))
        return FAIL(w, ERR_IO, "cannot hear from %s at its start", name);
    f.step[sizeof(f.step) - 1] = '\0';
    errno = f.sys;
    return SYS_FAIL(w, "cannot start %s: cannot %s", name, f.step);
}

enum err child_start(const struct child_opts *o, int *pid, struct why *w)
{
    struct plan p = {.o = o, .parent = process_self()};
    CLEANUP(fd_closep) int hear_fd = -1;
    CLEANUP(fd_closep) int say_fd = -1;
    int pair[2];
    sigset_t all, before;
    pid_t child;

    assert(o->n_fds <= CHILD_FDS_MAX && o->argv[0] != NULL);
    TRY(find_program(o->argv[0], p.program, w));
    TRY(fd_pipe(pair, w));
    hear_fd = pair[0];
    say_fd = p.say = pair[1];
    /* No handler of ours may run in the child. */
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    child = SYS(fork());
    if (child == 0)
        become(&p);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (child == -1)
        return SYS_FAIL(w, "cannot make a process for %s", o->argv[0]);
    fd_closep(&say_fd);
    TRY(hear(hear_fd, o->argv[0], (int)child, w));
    *pid = (int)child;
    return ERR_OK;
}

enum err child_wait(int pid, bool block, struct child_status *out)
{
    struct rusage use;
    int raw = 0;
    pid_t got = SYS_RETRY(wait4((pid_t)pid, &raw, block ? 0 : WNOHANG, &use));

    if (got == -1)
        return sys_err(errno);
    if (got == 0)
        return ERR_AGAIN;
    *out = (struct child_status){
        .exited = WIFEXITED(raw),
        .code = WIFEXITED(raw) ? WEXITSTATUS(raw) : 0,
        .signal = WIFSIGNALED(raw) ? WTERMSIG(raw) : 0,
#ifdef __APPLE__
        .peak_bytes = (uint64_t)use.ru_maxrss,
#else
        .peak_bytes = (uint64_t)use.ru_maxrss * 1024U,
#endif
        .cpu_us =
            (uint64_t)(use.ru_utime.tv_sec + use.ru_stime.tv_sec) * 1000000U
            + (uint64_t)(use.ru_utime.tv_usec + use.ru_stime.tv_usec),
    };
    return ERR_OK;
}

enum err child_exit_fd(int pid, int *fd, struct why *w)
{
#if defined(__linux__) && defined(SYS_pidfd_open)
    long got = SYS(syscall(SYS_pidfd_open, (pid_t)pid, 0U)); /* cloexec */

    if (got == -1)
        return SYS_FAIL(w, "cannot watch process %d", pid);
    *fd = (int)got;
    return ERR_OK;
#else
    (void)fd;
    return FAIL(w, ERR_UNSUPPORTED, "cannot watch process %d", pid);
#endif
}

enum err child_kill(int pid, int signal, bool group)
{
    assert(pid > 1);
    if (SYS(kill((pid_t)(group ? -pid : pid), signal)) == -1 && errno != ESRCH)
        return sys_err(errno);
    return ERR_OK;
}

void child_text(const struct child_status *s, char out[CHILD_TEXT_MAX])
{
    const char *name = "unknown";

#ifdef __GLIBC__ /* unlike strsignal without a shared buffer */
    if (sigdescr_np(s->signal) != NULL)
        name = sigdescr_np(s->signal);
#endif
    if (s->exited)
        (void)snprintf(out, CHILD_TEXT_MAX, "exit %d", s->code);
    else
        (void)snprintf(out, CHILD_TEXT_MAX, "signal %d (%s)", s->signal, name);
}
