/*
 * The attacks themselves are in tests/fake/sandbox_probe_main.c, a program of
 * its own: a sandbox cannot be left again.
 */
#include "sys/sandbox.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <arpa/inet.h>

#include "fake/scratch.h"
#include "sys/child.h"
#include "sys/clock.h"
#include "sys/fd.h"
#include "sys/fs.h"
#include "sys/paths.h"
#include "sys/process.h"
#include "test.h"

struct rig {
    struct scratch s;
    int tcp, local; /* listening sockets that must not be reached */
    char port[8], probe[PATHS_MAX];
};

static void rig_done(struct rig *r)
{
    fd_close(r->tcp);
    fd_close(r->local);
    scratch_done(&r->s);
}

static void rig_init(struct rig *r)
{
    struct sockaddr_in in = {.sin_family = AF_INET,
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    socklen_t n = sizeof(in);
    struct paths p = {0};

    r->s = scratch_make();
    scratch_write(&r->s, "model.txt", STR("weights"));
    scratch_write(&r->s, "canary.txt", STR("secret"));
    scratch_write(&r->s, "kv/old", STR("x"));
    CHECK(symlink("../canary.txt", scratch_path(&r->s, "kv/planted")) == 0);
    r->tcp = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    r->local = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    (void)snprintf(un.sun_path, sizeof(un.sun_path), "%.100s",
                   scratch_path(&r->s, "sock"));
    CHECK(bind(r->tcp, (const struct sockaddr *)&in, sizeof(in)) == 0);
    CHECK(listen(r->tcp, 5) == 0);
    CHECK(getsockname(r->tcp, (struct sockaddr *)&in, &n) == 0);
    CHECK(bind(r->local, (const struct sockaddr *)&un, sizeof(un)) == 0);
    CHECK(listen(r->local, 5) == 0);
    (void)snprintf(r->port, sizeof(r->port), "%u", ntohs(in.sin_port));
    CHECK(process_exe(p.exe, sizeof(p.exe), NULL) == ERR_OK);
    CHECK(paths_sibling(&p, "sandbox_probe", r->probe, NULL) == ERR_OK);
}

static struct child_run run(struct rig *r, bool free_run)
{
    struct child_run c = CHILD_RUN_INIT(20000, 20000, CLOCK_NEVER);
    const char *argv[5] = {r->probe};
    size_t n = 1;

    if (free_run)
        argv[n++] = "--open";
    argv[n++] = r->s.dir;
    argv[n] = r->port;
    CHECK(child_run(&(struct child_opts){.argv = argv}, &c, NULL) == ERR_OK);
    return c;
}

TEST(a_confined_process_reaches_nothing_that_it_was_not_given)
{
    CLEANUP(rig_done) struct rig r = {.tcp = -1, .local = -1};
    CLEANUP(buf_done) struct buf b = BUF_INIT(100);
    CLEANUP(child_run_done) struct child_run c = {.cancel_fd = -1};

    rig_init(&r);
    c = run(&r, false);
    if (!c.status.exited || c.status.code != 0)
        print_message("%s%s\n", buf_str(&c.out).p, c.err.len ? c.err.data : "");
    CHECK(c.status.exited && c.status.code == 0);
    CHECK(str_has(buf_str(&c.out), STR("refused read_canary")));
    CHECK(str_has(buf_str(&c.out), STR("refused run_program")));
    CHECK(!str_has(buf_str(&c.out), STR("ALLOWED")));
    CHECK(fs_read(scratch_path(&r.s, "canary.txt"), &b, NULL) == ERR_OK);
    CHECK(str_eq(buf_str(&b), STR("secret")));
}

TEST(the_same_attacks_work_without_the_sandbox)
{
    static const char *const names[] = {
        "read_canary",   "write_model", "make_file_outside",
        "socket_tcp",    "connect_tcp", "send_udp",
        "connect_unix",  "run_program", "make_process",
        "signal_parent", "list_root",   "executable_memory",
        "change_mode",   "hold_parent", "canary_by_link"};
    CLEANUP(rig_done) struct rig r = {.tcp = -1, .local = -1};
    CLEANUP(child_run_done) struct child_run c = {.cancel_fd = -1};
    char line[64];

    rig_init(&r);
    c = run(&r, true);
    CHECK(c.status.exited && c.status.code == 1);
    for (size_t i = 0; i < COUNTOF(names); i++) {
        (void)snprintf(line, sizeof(line), "ALLOWED %s ", names[i]);
        if (!str_has(buf_str(&c.out), str_c(line)))
            print_message("%s?\n%s\n", line, c.out.data);
        CHECK(str_has(buf_str(&c.out), str_c(line)));
    }
}

TEST(a_path_that_is_not_there_is_named)
{
    const char *const paths[] = {"/no/such/model"};
    struct sandbox_opts o = {.read_only = paths, .n_read_only = 1};
    int pair[2];
    char text[400];
    size_t n = 0;
    pid_t child;

    CHECK(fd_pipe(pair, NULL) == ERR_OK);
    child = fork();
    if (child == 0) {
        struct sandbox_report report;
        struct why w = WHY_INIT;

        if (sandbox_enter(&o, &report, &w) == ERR_NOTFOUND)
            (void)!fd_write_all(pair[1], str_c(w.msg));
        _exit(0);
    }
    fd_close(pair[1]);
    CHECK(fd_read(pair[0], text, sizeof(text), &n) == ERR_OK);
    CHECK(str_has((struct str){text, n}, STR("/no/such/model")));
    fd_close(pair[0]);
    CHECK(child_wait((int)child, true, &(struct child_status){0}) == ERR_OK);
}

TEST(the_system_can_be_asked_what_it_could_hold)
{
    struct sandbox_report r;

    sandbox_probe(&r);
    CHECK(r.files == (r.landlock_abi >= 1));
    CHECK(r.tcp == (r.landlock_abi >= 4));
}
