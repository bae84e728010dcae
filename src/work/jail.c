#include "work/jail.h"

#include <inttypes.h>

#include "sys/clock.h"
#include "sys/fd.h"
#include "sys/fs.h"
#include "work/jail_filter.h"

#define JAIL_FD_TEXT "9"
_Static_assert(JAIL_FD == 9, "JAIL_FD_TEXT says it too");

static const char *const places[] = {"/usr/bin/bwrap", "/usr/local/bin/bwrap"};

/* Everything about the inside that is the same for every program. */
static const char *const inside[] = {
    "--unshare-user",
    "--unshare-all",
    "--disable-userns",
    "--new-session",
    "--die-with-parent",
    "--cap-drop",
    "ALL",
    "--clearenv",
    "--hostname",
    "sandbox",
    "--ro-bind",
    "/usr",
    "/usr",
    "--symlink",
    "usr/bin",
    "/bin",
    "--symlink",
    "usr/lib",
    "/lib",
    "--symlink",
    "usr/lib64",
    "/lib64",
    /* which compiler is cc, and where shared libraries are */
    "--ro-bind-try",
    "/etc/alternatives",
    "/etc/alternatives",
    "--ro-bind-try",
    "/etc/ld.so.cache",
    "/etc/ld.so.cache",
    "--dev",
    "/dev",
    "--remount-ro",
    "/dev",
    "--size",
    "16777216",
    "--tmpfs",
    "/tmp",
    "--setenv",
    "PATH",
    "/usr/bin:/bin",
    "--setenv",
    "LANG",
    "C",
    "--setenv",
    "HOME",
    "/tmp",
    "--setenv",
    "PYTHONDONTWRITEBYTECODE",
    "1",
    "--setenv",
    "PYTHONHASHSEED",
    "0",
};

static const char *bwrap(void)
{
    for (size_t i = 0; i < COUNTOF(places); i++)
        if (fs_is_executable(places[i]))
            return places[i];
    return NULL;
}

static enum err add(struct jail *j, const char *arg, struct why *w)
{
    if (j->n + 1 == JAIL_ARGS)
        return FAIL(w, ERR_LIMIT, "too many arguments for a sandbox");
    j->argv[j->n++] = arg;
    j->argv[j->n] = NULL;
    return ERR_OK;
}

static enum err add_limit(struct jail *j, size_t i, const char *name,
                          uint64_t value, struct why *w)
{
    (void)snprintf(j->numbers[i], sizeof(j->numbers[i]), "--%s=%" PRIu64, name,
                   value);
    return add(j, j->numbers[i], w);
}

enum err jail_make(const struct jail_opts *o, struct jail *out, struct why *w)
{
    const char *program = bwrap();

    if (program == NULL)
        return FAIL(w, ERR_SANDBOX,
                    "bubblewrap is not installed, and code is never run "
                    "without it: install the package bubblewrap");
    TRY(jail_filter_open(o->forks, &out->filter, w));
    TRY(add(out, program, w));
    TRY(add(out, "--seccomp", w));
    TRY(add(out, JAIL_FD_TEXT, w));
    for (size_t i = 0; i < COUNTOF(inside); i++)
        TRY(add(out, inside[i], w));
    TRY(add(out, o->writable ? "--bind" : "--ro-bind", w));
    TRY(add(out, o->dir, w));
    TRY(add(out, "/w", w));
    TRY(add(out, "--remount-ro", w));
    TRY(add(out, "/", w));
    TRY(add(out, "--chdir", w));
    TRY(add(out, "/w", w));
    TRY(add(out, "--", w));
    TRY(add(out, "/usr/bin/prlimit", w));
    TRY(add(out, "--core=0", w));
    TRY(add_limit(out, 0, "cpu", o->cpu_s, w));
    TRY(add_limit(out, 1, "data", o->data_bytes, w));
    TRY(add_limit(out, 2, "nproc", o->processes, w));
    TRY(add_limit(out, 3, "fsize", o->file_bytes, w));
    TRY(add_limit(out, 4, "nofile", o->files, w));
    TRY(add(out, "--", w));
    for (size_t i = 0; o->argv[i] != NULL; i++)
        TRY(add(out, o->argv[i], w));
    return ERR_OK;
}

void jail_done(struct jail *j)
{
    fd_closep(&j->filter);
}

enum err jail_blame(struct str stderr_text, struct why *w)
{
    if (!str_starts(stderr_text, STR("bwrap: "))
        && !str_starts(stderr_text, STR("prlimit: ")))
        return ERR_OK;
    return jail_check(w);
}

enum err jail_check(struct why *w)
{
    static const char *const argv[] = {"/usr/bin/true", NULL};
    CLEANUP(child_run_done)
    struct child_run run =
        CHILD_RUN_INIT(1024, 1024, clock_us() + UINT64_C(20000000));
    CLEANUP(jail_done) struct jail j = JAIL_INIT;
    struct jail_opts o = JAIL_OPTS("/usr/share", argv);
    struct child_map map = {-1, JAIL_FD};
    struct child_opts c = {.own_group = true, .fds = &map, .n_fds = 1};

    TRY(jail_make(&o, &j, w));
    map.from = j.filter;
    c.argv = j.argv;
    TRY(child_run(&c, &run, w));
    if (run.status.exited && run.status.code == 0)
        return ERR_OK;
    return FAIL(w, ERR_SANDBOX,
                "the sandbox does not work here (%.*s), and code is never run "
                "without it: user namespaces must be allowed (sysctl "
                "kernel.unprivileged_userns_clone=1) and the packages "
                "bubblewrap and util-linux installed",
                STR_ARG(str_trim(buf_str(&run.err))));
}
