/*
 * fake_serve - the real gateway under a minimal supervisor, for tests of the
 * gateway alone:
 *
 *     fake_serve HOME RUNNER [NAME=VALUE...]
 *
 * HOME is used as HEARTH_HOME, RUNNER is the program to start as a runner, the
 * rest are settings. Prints "ready ADDRESS" when the gateway is up, one line
 * "runner PID" for each runner, and stops in order at the end of its standard
 * input. Exits with 0 when the gateway did.
 *
 *     fake_serve --gateway [NAME=VALUE...]   is the gateway itself
 */
#include <signal.h>
#include <unistd.h>

#include "base/mem.h"
#include "config/options_load.h"
#include "gateway/gateway.h"
#include "ipc/chan.h"
#include "ipc/msg.h"
#include "sys/child.h"
#include "sys/clock.h"
#include "sys/fd.h"
#include "sys/log.h"
#include "sys/process.h"

enum { RUNNERS_MAX = 64, ARGS_MAX = 40, POLL_US = 5000 };

static struct chan channel;
static const char *runner_program;
static struct {
    uint32_t id;
    int pid;
} runners[RUNNERS_MAX];

/* ---- the gateway ---------------------------------------------------------------- */

static int serve(char **settings, int count)
{
    struct paths paths;
    struct options o = {0};
    struct why why = WHY_INIT;
    struct str sets[ARGS_MAX];
    struct options_sources from = {.sets = sets};
    uint64_t fault = 0;
    enum err e;

    /* Which allocation of the gateway fails; for torture. */
    if (!str_u64(str_c(process_env("FAKE_SERVE_FAULT")), 1000000, &fault))
        fault = 0;
    (void)mem_fault_arm((size_t)fault, false);
    for (int i = 0; i < count; i++)
        sets[i] = str_c(settings[i]);
    from.set_count = (size_t)count;
    e = paths_find(&paths, &why);
    if (e == ERR_OK)
        e = paths_make(&paths, &why);
    from.config_dir = str_c(paths.config);
    from.home = str_c(paths.state);
    from.user_home = STR_EMPTY;
    if (e == ERR_OK)
        e = options_load(&o, &from, &why);
    log_init(&(struct log_opts){
        .fd = 2, .level = (enum log_level)o.log_level, .proc = "gateway"});
    if (e == ERR_OK)
        e = gateway_main(
            &(struct gateway_opts){&o, &paths, CHAN_CHILD_FD, "fp_test"}, &why);
    options_done(&o);
    if (e == ERR_OK)
        return 0;
    (void)fprintf(stderr, "gateway: %s\n", err_why(&why));
    return err_exit(e);
}

/* ---- the supervisor --------------------------------------------------------------- */

static void tell(enum msg_kind kind, const void *m, int pass)
{
    CLEANUP(buf_done) struct buf b = BUF_INIT(8192);

    if (msg_put(&b, kind, m) != ERR_OK
        || chan_send(&channel, (uint8_t)kind, 0, buf_str(&b), pass) != ERR_OK)
        fd_close(pass);
}

static void spawn(const struct msg_spawn *m)
{
    char path[4096];
    const char *argv[] = {runner_program,
                          "--model",
                          path,
                          "--ipc-fd",
                          "3",
                          m->unconfined != 0 ? "--unconfined" : NULL,
                          NULL};
    struct why why = WHY_INIT;
    int pair[2], pid = 0;
    size_t i = 0;
    enum err e;

    while (i < RUNNERS_MAX && runners[i].pid != 0)
        i++;
    if (i == RUNNERS_MAX || !str_z(m->path, path, sizeof(path))
        || fd_socketpair(pair, &why) != ERR_OK)
        _exit(20);
    e = child_start(
        &(struct child_opts){.argv = argv,
                             .fds = &(const struct child_map){pair[1], 3},
                             .n_fds = 1,
                             .own_group = true,
                             .die_with_parent = true},
        &pid, &why);
    fd_close(pair[1]);
    if (e != ERR_OK) {
        fd_close(pair[0]);
        tell(MSG_SPAWN_FAIL,
             &(struct msg_spawn_fail){m->runner, e, str_c(why.msg)}, -1);
        return;
    }
    runners[i].id = m->runner;
    runners[i].pid = pid;
    (void)printf("runner %d\n", pid);
    (void)fflush(stdout);
    tell(MSG_SPAWNED, &(struct msg_spawned){m->runner, (uint32_t)pid}, pair[0]);
}

static void reap(void)
{
    for (size_t i = 0; i < RUNNERS_MAX; i++) {
        struct child_status st;
        char text[CHILD_TEXT_MAX];

        if (runners[i].pid == 0
            || child_wait(runners[i].pid, false, &st) != ERR_OK)
            continue;
        child_text(&st, text);
        tell(MSG_EXITED,
             &(struct msg_exited){.runner = runners[i].id,
                                  .pid = (uint32_t)runners[i].pid,
                                  .status = (uint32_t)st.code,
                                  .signal = (uint32_t)st.signal,
                                  .text = str_c(text)},
             -1);
        runners[i].pid = 0;
    }
}

static void handle(const struct frame *f)
{
    struct msg_spawn sp;
    struct msg_kill k;
    struct msg_up up;

    if (f->kind == MSG_UP && msg_up_get(f->payload, &up, NULL) == ERR_OK) {
        (void)printf("ready %.*s\n", STR_ARG(up.address));
        (void)fflush(stdout);
    } else if (f->kind == MSG_SPAWN
               && msg_spawn_get(f->payload, &sp, NULL) == ERR_OK) {
        spawn(&sp);
    } else if (f->kind == MSG_KILL
               && msg_kill_get(f->payload, &k, NULL) == ERR_OK) {
        for (size_t i = 0; i < RUNNERS_MAX; i++)
            if (runners[i].pid != 0 && runners[i].id == k.runner)
                (void)!child_kill(runners[i].pid, SIGKILL, true);
    }
}

static int start_gateway(char **argv, int argc)
{
    char exe[4096];
    const char *args[ARGS_MAX] = {exe, "--gateway"};
    struct why why = WHY_INIT;
    int pair[2], pid = 0;

    for (int i = 3; i < argc && i < ARGS_MAX; i++)
        args[i - 1] = argv[i];
    if (process_exe(exe, sizeof(exe), &why) != ERR_OK
        || fd_socketpair(pair, &why) != ERR_OK
        || child_start(
               &(struct child_opts){.argv = args,
                                    .fds =
                                        &(const struct child_map){pair[1], 3},
                                    .n_fds = 1,
                                    .own_group = true,
                                    .die_with_parent = true},
               &pid, &why)
               != ERR_OK
        || chan_init(&channel, pair[0], CHAN_QUEUE_MAX) != ERR_OK) {
        (void)fprintf(stderr, "fake_serve: %s\n", why.msg);
        _exit(21);
    }
    fd_close(pair[1]);
    return pid;
}

/* Ends with the gateway's exit status. */
static int watch(int pid)
{
    bool stopping = false;
    struct child_status st;
    struct frame f;

    for (;;) {
        char byte;
        size_t got;
        enum err e = chan_recv_wait(&channel, &f, clock_us() + POLL_US);

        if (e == ERR_OK)
            handle(&f);
        reap();
        if (child_wait(pid, false, &st) == ERR_OK)
            return st.exited ? st.code : 100 + st.signal;
        if (e == ERR_EOF)
            clock_sleep_ms(1);
        if (stopping || fd_wait(0, FD_READ, 0) != ERR_OK
            || fd_read(0, &byte, 1, &got) != ERR_EOF)
            continue;
        stopping = true;
        tell(MSG_STOP, &(struct msg_stop){2000}, -1);
    }
}

int main(int argc, char **argv)
{
    if (argc >= 2 && strcmp(argv[1], "--gateway") == 0)
        return serve(argv + 2, MIN(argc - 2, ARGS_MAX));
    if (argc < 3)
        return 64;
    /* NOLINTNEXTLINE(concurrency-mt-unsafe): before the first thread */
    if (setenv("HEARTH_HOME", argv[1], 1) != 0)
        return 71;
    runner_program = argv[2];
    return watch(start_gateway(argv, argc));
}
