/*
 * A real supervisor in a child process, with tests/fake/super_part_main.c in
 * the place of gateway, orchestrator and runner.
 */
#include "super/super.h"

#include <signal.h>
#include <unistd.h>

#include "fake/scratch.h"
#include "ipc/msg.h"
#include "sys/child.h"
#include "sys/clock.h"
#include "sys/fd.h"
#include "sys/fs.h"
#include "sys/log.h"
#include "sys/process.h"
#include "test.h"

struct rig {
    struct scratch s;
    struct paths paths;
    char part[PATHS_MAX], log[256];
    int pid;   /* the supervisor; 0: none */
    int ready; /* a byte comes when it is ready */
    unsigned hang_ms;
};

static void rig_init(struct rig *r)
{
    struct paths_env env = {.uid = process_user()};
    char exe[PATHS_MAX];

    r->s = scratch_make();
    CHECK(process_exe(exe, sizeof(exe), NULL) == ERR_OK);
    env.exe = exe;
    env.hearth_home = r->s.dir;
    CHECK(paths_from(&env, &r->paths, NULL) == ERR_OK);
    CHECK(paths_make(&r->paths, NULL) == ERR_OK);
    CHECK(paths_sibling(&r->paths, "super_part", r->part, NULL) == ERR_OK);
    (void)snprintf(r->log, sizeof(r->log), "%s", scratch_path(&r->s, "log.t"));
}

static void rig_done(struct rig *r)
{
    struct child_status st;

    if (r->pid != 0) {
        (void)!child_kill(r->pid, SIGKILL, false);
        (void)!child_wait(r->pid, true, &st);
    }
    fd_close(r->ready);
    scratch_done(&r->s);
}

static void say_ready(void *ctx, const char *address)
{
    (void)!fd_write_all(*(int *)ctx, str_c(address));
}

/* The child's whole life; it ends with the error's number. */
static void serve(struct rig *r, const char *gateway, const char *work, int out)
{
    const char *const gateway_argv[] = {r->part, gateway, "gateway", r->log,
                                        NULL};
    const char *const more[] = {"--log-level", "debug", NULL};
    const char *const work_argv[] = {r->part, work, "work", r->log, NULL};
    struct super_opts o = {.paths = &r->paths,
                           .gateway = gateway_argv,
                           .work = work != NULL ? work_argv : NULL,
                           .runner = r->part,
                           .runner_args = more,
                           .gateway_socket = "/g",
                           .drain_ms = 100,
                           .hang_ms = r->hang_ms,
                           .on_ready = say_ready,
                           .ctx = &out};
    struct why w = WHY_INIT;
    enum err e;

    log_level_set(LOG_AT_ERROR);
    e = super_main(&o, &w);
    if (e != ERR_OK)
        (void)!fs_append(r->log, str_c(w.msg), NULL);
    _exit((int)e);
}

static void start(struct rig *r, const char *gateway, const char *work)
{
    int pair[2];

    CHECK(fd_pipe(pair, NULL) == ERR_OK);
    r->pid = fork();
    if (r->pid == 0)
        serve(r, gateway, work, pair[1]);
    fd_close(pair[1]);
    fd_close(r->ready);
    r->ready = pair[0];
}

static bool is_ready(struct rig *r)
{
    char text[64];
    size_t n = 0;

    return fd_read(r->ready, text, sizeof(text), &n) == ERR_OK
           && str_eq((struct str){text, n}, STR("http://127.0.0.1:1"));
}

/* Waits for the `nth` line of the log that begins with `words`; its pid. */
static int seen(struct rig *r, const char *words, int nth)
{
    for (int tries = 0; tries < 6000; tries++) {
        CLEANUP(buf_done) struct buf b = BUF_INIT(100000);
        struct str text, line;
        int count = 0;

        if (fs_is_file(r->log) && fs_read(r->log, &b, NULL) == ERR_OK) {
            text = buf_str(&b);
            while (str_line(&text, &line)) {
                uint64_t pid = 0;

                if (!str_starts(line, str_c(words)) || ++count < nth)
                    continue;
                line = str_trim(str_sub(line, strlen(words), SIZE_MAX));
                return str_u64(line, INT32_MAX, &pid) ? (int)pid : 1;
            }
        }
        clock_sleep_ms(5);
    }
    return 0;
}

static int ends(struct rig *r)
{
    struct child_status st;

    CHECK(child_wait(r->pid, true, &st) == ERR_OK);
    r->pid = 0;
    return st.exited ? st.code : -st.signal;
}

/* True when the process ends soon. */
static bool dies(const struct process_id *id)
{
    for (int tries = 0; tries < 4000; tries++) {
        if (!process_alive(id))
            return true;
        clock_sleep_ms(5);
    }
    return false;
}

static bool lives_have(struct rig *r, const char *words)
{
    CLEANUP(buf_done) struct buf b = BUF_INIT(100000);

    return fs_read(scratch_path(&r->s, "log/lives.jsonl"), &b, NULL) == ERR_OK
           && str_has(buf_str(&b), str_c(words));
}

TEST(both_parts_come_up_and_stop_in_order_on_a_signal)
{
    CLEANUP(rig_done) struct rig r = {.ready = -1};
    struct super_where where;
    struct why w = WHY_INIT;

    rig_init(&r);
    CHECK(super_find(&r.paths, &where, &w) == ERR_NOTFOUND);
    start(&r, "good", "good");
    CHECK(is_ready(&r));
    CHECK(super_find(&r.paths, &where, &w) == ERR_OK);
    CHECK(where.pid == r.pid);
    CHECK(strcmp(where.address, "http://127.0.0.1:1") == 0);
    CHECK(strcmp(where.gateway_socket, "/g") == 0);
    CHECK(child_kill(r.pid, SIGTERM, false) == ERR_OK);
    CHECK(seen(&r, "gateway stop", 1) != 0 && seen(&r, "work stop", 1) != 0);
    CHECK(ends(&r) == 0);
    CHECK(super_find(&r.paths, &where, &w) == ERR_NOTFOUND);
    CHECK(lives_have(&r, "\"event\":\"up\",\"who\":\"gateway\""));
    CHECK(lives_have(&r, "\"event\":\"stop\",\"who\":\"supervisor\""));
    CHECK(lives_have(&r, "\"status\":\"exit 0\""));
}

TEST(a_killed_part_comes_back_and_the_other_stays)
{
    CLEANUP(rig_done) struct rig r = {.ready = -1};
    int first;

    rig_init(&r);
    start(&r, "good", "good");
    CHECK(is_ready(&r));
    first = seen(&r, "gateway up", 1);
    CHECK(child_kill(first, SIGKILL, false) == ERR_OK);
    CHECK(seen(&r, "gateway up", 2) != first);
    CHECK(child_kill(seen(&r, "work up", 1), SIGKILL, false) == ERR_OK);
    CHECK(seen(&r, "work up", 2) != 0);
    CHECK(lives_have(&r, "\"status\":\"signal 9 (Killed)\""));
    CHECK(child_kill(r.pid, SIGINT, false) == ERR_OK && ends(&r) == 0);
}

TEST(a_second_server_of_the_same_home_is_refused_by_name)
{
    CLEANUP(rig_done) struct rig r = {.ready = -1};
    static struct rig second; /* large */
    char want[400];

    rig_init(&r);
    start(&r, "good", NULL);
    CHECK(is_ready(&r));
    second = r;
    second.ready = -1;
    start(&second, "good", NULL);
    CHECK(ends(&second) == ERR_BUSY);
    fd_close(second.ready);
    (void)snprintf(want, sizeof(want), "a hearth already serves %s: process %d",
                   r.s.dir, r.pid);
    CHECK(seen(&r, want, 1) != 0);
}

TEST(a_gateway_that_never_comes_up_is_given_up)
{
    CLEANUP(rig_done) struct rig r = {.ready = -1};

    rig_init(&r);
    start(&r, "die", NULL);
    CHECK(seen(&r, "gateway start", 6) != 0);
    CHECK(ends(&r) == ERR_RUNNER);
    CHECK(seen(&r, "the gateway could not start (tried 6 times)", 1) != 0);
    CHECK(lives_have(&r, "\"event\":\"give_up\""));
}

TEST(runners_are_started_for_the_gateway_and_die_with_it)
{
    CLEANUP(rig_done) struct rig r = {.ready = -1};
    struct process_id runner;
    int gateway;

    rig_init(&r);
    start(&r, "spawner", NULL);
    CHECK(is_ready(&r));
    CHECK(seen(&r, "gateway met", 1) == seen(&r, "gateway lost", 1));
    CHECK(seen(&r, "gateway refused", 1) != 0);
    CHECK(seen(&r, "runner has its arguments", 1) != 0);
    CHECK(process_id_of(seen(&r, "gateway keeps", 1), &runner) == ERR_OK);
    gateway = seen(&r, "gateway up", 1);
    CHECK(process_alive(&runner));
    CHECK(child_kill(gateway, SIGKILL, false) == ERR_OK);
    CHECK(dies(&runner));
    /* the next gateway may use the same numbers again */
    CHECK(seen(&r, "gateway keeps", 2) != runner.pid);
    CHECK(lives_have(&r, "\"who\":\"runner\",\"what\":\"tiny\""));
    CHECK(child_kill(r.pid, SIGTERM, false) == ERR_OK && ends(&r) == 0);
}

TEST(nothing_outlives_a_killed_supervisor)
{
    CLEANUP(rig_done) struct rig r = {.ready = -1};
    struct process_id gateway, work, runner;
    struct super_where where;

    rig_init(&r);
    start(&r, "spawner", "deaf");
    CHECK(is_ready(&r));
    CHECK(process_id_of(seen(&r, "gateway up", 1), &gateway) == ERR_OK);
    CHECK(process_id_of(seen(&r, "work up", 1), &work) == ERR_OK);
    CHECK(process_id_of(seen(&r, "gateway keeps", 1), &runner) == ERR_OK);
    CHECK(child_kill(r.pid, SIGKILL, false) == ERR_OK);
    CHECK(ends(&r) == -SIGKILL);
    CHECK(dies(&gateway) && dies(&work) && dies(&runner));
    /* serve.json is stale and does not count */
    CHECK(fs_is_file(scratch_path(&r.s, "run/serve.json")));
    CHECK(super_find(&r.paths, &where, NULL) == ERR_NOTFOUND);
}

/* Asks a part to stop that does not. */
static void stop_deaf(struct rig *r)
{
    rig_init(r);
    start(r, "deaf", NULL);
    CHECK(is_ready(r));
    CHECK(child_kill(r->pid, SIGTERM, false) == ERR_OK);
    CHECK(seen(r, "gateway stop", 1) != 0);
}

TEST(a_part_that_does_not_stop_is_killed_after_the_drain)
{
    CLEANUP(rig_done) struct rig r = {.ready = -1};

    stop_deaf(&r);
    CHECK(ends(&r) == 0);
    CHECK(lives_have(&r, "\"status\":\"signal 9 (Killed)\""));
}

TEST(a_second_signal_stops_now)
{
    CLEANUP(rig_done) struct rig r = {.ready = -1};

    stop_deaf(&r);
    CHECK(child_kill(r.pid, SIGTERM, false) == ERR_OK);
    CHECK(ends(&r) == 0);
}

/* The fake part answers no PING, as one whose loop does not turn. */
TEST(a_part_that_hangs_is_killed_and_started_again) /* [IPC-15] */
{
    CLEANUP(rig_done) struct rig r = {.ready = -1, .hang_ms = 200};
    int first;

    rig_init(&r);
    start(&r, "good", "good");
    CHECK(is_ready(&r));
    first = seen(&r, "gateway up", 1);
    CHECK(seen(&r, "gateway up", 2) != first);
    CHECK(seen(&r, "work up", 2) != 0);
    CHECK(lives_have(&r, "\"event\":\"hang\",\"who\":\"gateway\""));
    CHECK(lives_have(&r, "\"event\":\"hang\",\"who\":\"orchestrator\""));
    CHECK(lives_have(&r, "\"status\":\"signal 9 (Killed)\""));
    CHECK(child_kill(r.pid, SIGTERM, false) == ERR_OK && ends(&r) == 0);
}

TEST(nobody_asks_a_part_when_that_is_off) /* [IPC-15] */
{
    CLEANUP(rig_done) struct rig r = {.ready = -1};

    rig_init(&r);
    start(&r, "good", NULL);
    CHECK(is_ready(&r));
    clock_sleep_ms(300);
    CHECK(!lives_have(&r, "\"event\":\"hang\""));
    CHECK(child_kill(r.pid, SIGTERM, false) == ERR_OK && ends(&r) == 0);
}

TEST(a_part_that_breaks_the_protocol_is_killed)
{
    static const char *const modes[] = {"old", "early"};

    for (size_t i = 0; i < COUNTOF(modes); i++) {
        CLEANUP(rig_done) struct rig r = {.ready = -1};

        rig_init(&r);
        start(&r, modes[i], NULL);
        CHECK(seen(&r, "gateway start", 2) != 0); /* [IPC-10] */
        CHECK(lives_have(&r, "\"status\":\"signal 9 (Killed)\""));
        CHECK(child_kill(r.pid, SIGTERM, false) == ERR_OK && ends(&r) == 0);
    }
}
