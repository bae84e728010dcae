#include "sys/child.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include "fake/scratch.h"
#include "sys/clock.h"
#include "sys/fd.h"
#include "sys/fs.h"
#include "sys/process.h"
#include "sys/sys.h"
#include "test.h"

#define SHELL(text) ((const char *const[]){"/bin/sh", "-c", (text), NULL})

/* Runs a program with fd 1 on a pipe and compares what it wrote. */
static bool prints(struct child_opts o, const char *want,
                   struct child_status *st)
{
    CLEANUP(fd_closep) int in = -1;
    char text[512];
    size_t n = 0, got = 0;
    struct child_map maps[3];
    int pair[2], pid = 0;
    enum err e;

    CHECK(o.n_fds < COUNTOF(maps));
    CHECK(fd_pipe(pair, NULL) == ERR_OK);
    for (size_t i = 0; i < o.n_fds; i++)
        maps[i] = o.fds[i];
    maps[o.n_fds++] = (struct child_map){pair[1], 1};
    o.fds = maps;
    e = child_start(&o, &pid, NULL);
    in = pair[0];
    fd_close(pair[1]);
    CHECK(e == ERR_OK);
    while (n < sizeof(text) - 1
           && fd_read(in, text + n, sizeof(text) - 1 - n, &got) == ERR_OK)
        n += got;
    text[n] = '\0';
    CHECK(child_wait(pid, true, st) == ERR_OK);
    if (strcmp(text, want) != 0)
        print_message("got: %s\n", text);
    return strcmp(text, want) == 0;
}

TEST(arguments_arrive_as_they_are)
{
    struct child_status st;
    const char *const argv[] = {"printf", "%s|", "a b", "$HOME",
                                "`id`",   "*",   NULL};

    CHECK(prints((struct child_opts){.argv = argv}, "a b|$HOME|`id`|*|", &st));
    CHECK(st.exited && st.code == 0 && st.peak_bytes > 0);
}

TEST(environment_and_directory_are_what_was_given)
{
    struct child_status st;
    const char *const env[] = {"ONLY=this", NULL};

    CHECK(prints((struct child_opts){.argv = SHELL("echo $ONLY $HOME; pwd"),
                                     .envp = env,
                                     .cwd = "/usr"},
                 "this\n/usr\n", &st));
}

TEST(only_given_descriptors_are_open)
{
    struct child_status st;
    int leak = fcntl(1, F_DUPFD, 8); /* without close-on-exec */
    int a = open("/dev/null", O_RDONLY | O_CLOEXEC);
    const struct child_map maps[] = {{a, 4}, {a, 3}};

    CHECK(leak >= 0 && a >= 0);
    /* 5 is the listing's own; 0, 1, 2 are always there */
    CHECK(prints(
        (struct child_opts){
            .argv = SHELL("for i in 0 1 2 3 4 5 6 7 8 9 10 11 12; do "
                          "[ -e /proc/$$/fd/$i ] && echo -n $i' '; done; "
                          "readlink /proc/$$/fd/0 /proc/$$/fd/3"),
            .fds = maps,
            .n_fds = 2},
        "0 1 2 3 4 /dev/null\n/dev/null\n", &st));
    fd_close(leak);
    fd_close(a);
}

TEST(descriptors_can_change_places)
{
    struct child_status st;
    int p[2], q[2];
    char byte;
    size_t n;

    CHECK(fd_pipe(p, NULL) == ERR_OK && fd_pipe(q, NULL) == ERR_OK);
    /* p[1] may itself be 4 or 3 here: sources are moved out of the way */
    struct child_map maps[] = {{p[1], q[1]}, {q[1], p[1]}};
    char script[64];
    (void)snprintf(script, sizeof(script), "printf P >&%d; printf Q >&%d", q[1],
                   p[1]);
    CHECK(prints(
        (struct child_opts){.argv = SHELL(script), .fds = maps, .n_fds = 2}, "",
        &st));
    CHECK(fd_read(p[0], &byte, 1, &n) == ERR_OK && byte == 'P');
    CHECK(fd_read(q[0], &byte, 1, &n) == ERR_OK && byte == 'Q');
    for (int i = 0; i < 2; i++) {
        fd_close(p[i]);
        fd_close(q[i]);
    }
}

TEST(a_program_that_cannot_run_is_an_error_with_a_reason)
{
    CLEANUP(scratch_done) struct scratch s = scratch_make();
    struct why w = WHY_INIT;
    int pid = 0;
    struct child_opts o = {.argv =
                               (const char *const[]){"/no/such/program", NULL}};

    CHECK(child_start(&o, &pid, &w) == ERR_NOTFOUND && pid == 0);
    CHECK(str_has(str_c(w.msg), STR("run the program")));
    o.argv = (const char *const[]){"no-such-program-anywhere", NULL};
    CHECK(child_start(&o, &pid, &w) == ERR_NOTFOUND);
    scratch_write(&s, "plain", STR("text"));
    o.argv = (const char *const[]){scratch_path(&s, "plain"), NULL};
    CHECK(child_start(&o, &pid, &w) == ERR_DENIED);
    o.argv = SHELL("exit 0");
    o.cwd = "/no/such/place";
    CHECK(child_start(&o, &pid, &w) == ERR_NOTFOUND);
    CHECK(str_has(str_c(w.msg), STR("enter the directory")));
    CHECK(child_wait(-1, false, &(struct child_status){0}) == ERR_IO
          || errno == ECHILD); /* none was left behind */
}

TEST(ends_are_told_apart_and_described)
{
    struct child_opts o = {.argv = SHELL("exit 3")};
    struct child_status st;
    char text[CHILD_TEXT_MAX];
    int pid = 0;

    CHECK(child_start(&o, &pid, NULL) == ERR_OK);
    CHECK(child_wait(pid, true, &st) == ERR_OK);
    child_text(&st, text);
    CHECK(st.exited && st.code == 3 && strcmp(text, "exit 3") == 0);
    o.argv = SHELL("kill -9 $$");
    CHECK(child_start(&o, &pid, NULL) == ERR_OK);
    CHECK(child_wait(pid, true, &st) == ERR_OK);
    child_text(&st, text);
    CHECK(!st.exited && st.signal == SIGKILL);
    CHECK(strcmp(text, "signal 9 (Killed)") == 0);
}

TEST(an_end_can_be_waited_for_on_a_descriptor)
{
    struct child_opts o = {.argv = SHELL("read x"), .own_group = true};
    struct child_status st;
    int pid = 0, fd = -1, pair[2];

    CHECK(fd_pipe(pair, NULL) == ERR_OK);
    o.fds = &(const struct child_map){pair[0], 0};
    o.n_fds = 1;
    CHECK(child_start(&o, &pid, NULL) == ERR_OK);
    CHECK(child_exit_fd(pid, &fd, NULL) == ERR_OK);
    CHECK(fd_wait(fd, FD_READ, clock_us()) == ERR_TIMEOUT);
    CHECK(child_wait(pid, false, &st) == ERR_AGAIN);
    CHECK(child_kill(pid, SIGTERM, true) == ERR_OK);
    CHECK(fd_wait(fd, FD_READ, CLOCK_NEVER) == ERR_OK);
    CHECK(child_wait(pid, false, &st) == ERR_OK && st.signal == SIGTERM);
    fd_close(fd);
    fd_close(pair[0]);
    fd_close(pair[1]);
}

TEST(limits_and_the_out_of_memory_score_reach_the_program)
{
    struct child_status st;

    CHECK(prints(
        (struct child_opts){
            .argv = SHELL("ulimit -n; ulimit -f; ulimit -c; "
                          "cat /proc/self/oom_score_adj"),
            .limits = {.files = 50, .file_bytes = 1024 * 512, .no_core = true},
            .oom_score_adj = 900},
        "50\n1024\n0\n900\n", &st));
}

TEST(signals_of_the_parent_do_not_reach_into_the_program)
{
    struct child_status st;

    CHECK(signal(SIGPIPE, SIG_IGN) != SIG_ERR);
    /* glibc keeps signals 32 and 33 for itself; whoever runs the tests may
     * have one or both ignored, and no program can ask for another disposition. */
    CHECK(prints(
        (struct child_opts){
            .argv = SHELL("grep -E '^Sig(Blk|Ign)' /proc/self/status | "
                          "sed 's/0000000[01][08]0000000/0000000000000000/'")},
        "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n", &st));
}

TEST(a_child_dies_with_its_parent)
{
    CLEANUP(fd_closep) int in = -1;
    int pair[2];
    char byte;
    size_t n;
    pid_t middle;

    CHECK(fd_pipe(pair, NULL) == ERR_OK);
    middle = fork();
    if (middle == 0) {
        struct child_opts o = {.argv = SHELL("echo; read x"),
                               .fds = &(const struct child_map){pair[1], 1},
                               .n_fds = 1,
                               .own_group = true,
                               .die_with_parent = true};
        int pid, none[2];

        if (fd_pipe(none, NULL) != ERR_OK)
            _exit(1);
        o.argv = (const char *const[]){"/bin/sh", "-c", "echo; exec sleep 1000",
                                       NULL};
        _exit(child_start(&o, &pid, NULL) == ERR_OK
                      && fd_read(none[0], &byte, 1, &n) == ERR_OK
                  ? 0
                  : 1);
    }
    in = pair[0];
    fd_close(pair[1]);
    CHECK(fd_read(in, &byte, 1, &n) == ERR_OK); /* the grandchild runs */
    CHECK(kill(middle, SIGKILL) == 0);
    CHECK(child_wait((int)middle, true, &(struct child_status){0}) == ERR_OK);
    CHECK(fd_read(in, &byte, 1, &n) == ERR_EOF); /* and is gone */
}

static bool start_and_wait(void)
{
    struct child_opts o = {.argv = SHELL("exit 0")};
    struct child_status st;
    int pid = 0;

    if (child_start(&o, &pid, NULL) != ERR_OK)
        return false;
    while (child_wait(pid, true, &st) != ERR_OK) {
    }
    return st.exited && st.code == 0;
}

TEST(failing_calls_leave_no_process_and_no_descriptor)
{
    TEST_SYS(EAGAIN, start_and_wait());
}
