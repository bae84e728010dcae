#include <signal.h>

#include "sys/child.h"
#include "sys/clock.h"
#include "sys/fd.h"
#include "sys/process.h"
#include "sys/sig.h"
#include "sys/sys.h"

#include "fake/scratch.h"
#include "test.h"

#define SHELL(text) ((const char *const[]){"/bin/sh", "-c", (text), NULL})

TEST(input_output_and_errors_are_carried)
{
    CLEANUP(child_run_done)
    struct child_run r = CHILD_RUN_INIT(100, 100, CLOCK_NEVER);
    struct child_opts o = {.argv = SHELL("tr a-z A-Z; echo oops >&2; exit 4")};

    r.input = STR("hello");
    CHECK(child_run(&o, &r, NULL) == ERR_OK);
    CHECK(str_eq(buf_str(&r.out), STR("HELLO")));
    CHECK(str_eq(buf_str(&r.err), STR("oops\n")));
    CHECK(r.status.exited && r.status.code == 4);
    CHECK(!r.timed_out && !r.cancelled && !r.out_cut && !r.err_cut);
}

TEST(output_over_the_ceiling_is_cut_and_the_program_still_ends)
{
    CLEANUP(child_run_done)
    struct child_run r = CHILD_RUN_INIT(1000, 10, CLOCK_NEVER);
    struct child_opts o = {
        .argv = SHELL("head -c 300000 /dev/zero; echo done >&2")};

    CHECK(child_run(&o, &r, NULL) == ERR_OK);
    CHECK(r.out.len == 1000 && r.out_cut && !r.err_cut);
    CHECK(str_eq(buf_str(&r.err), STR("done\n")));
}

TEST(input_that_nobody_reads_does_not_hold_us)
{
    CLEANUP(child_run_done)
    struct child_run r = CHILD_RUN_INIT(10, 10, CLOCK_NEVER);
    CLEANUP(buf_done) struct buf big = BUF_INIT(1 << 20);
    struct child_opts o = {.argv = SHELL("exit 0")};

    sig_ignore_pipe();
    while (big.len < 1000000)
        CHECK(buf_add_c(&big, "0123456789") == ERR_OK);
    r.input = buf_str(&big);
    CHECK(child_run(&o, &r, NULL) == ERR_OK && r.status.code == 0);
}

TEST(at_the_deadline_the_whole_group_is_killed)
{
    CLEANUP(child_run_done)
    struct child_run r = CHILD_RUN_INIT(100, 100, 0);
    struct child_opts o = {.argv = SHELL("sleep 1000 & echo $!; sleep 1000")};
    struct process_id grandchild = {0};
    uint64_t pid = 0;

    r.deadline_us = clock_us() + 300000;
    CHECK(child_run(&o, &r, NULL) == ERR_OK);
    CHECK(r.timed_out && !r.cancelled);
    CHECK(!r.status.exited && r.status.signal == SIGKILL);
    CHECK(str_u64(str_trim(buf_str(&r.out)), INT32_MAX, &pid));
    if (process_id_of((int)pid, &grandchild) == ERR_OK)
        for (int i = 0; process_alive(&grandchild) && i < 1000; i++)
            clock_sleep_ms(5);
    CHECK(!process_alive(&grandchild));
}

TEST(a_descendant_that_holds_the_pipe_does_not_hold_us)
{
    CLEANUP(child_run_done)
    struct child_run r = CHILD_RUN_INIT(100, 100, CLOCK_NEVER);
    struct child_opts o = {.argv = SHELL("sleep 1000 & echo out")};

    CHECK(child_run(&o, &r, NULL) == ERR_OK);
    CHECK(str_eq(buf_str(&r.out), STR("out\n")) && r.status.code == 0);
}

TEST(a_run_can_be_cancelled)
{
    CLEANUP(child_run_done)
    struct child_run r = CHILD_RUN_INIT(100, 100, CLOCK_NEVER);
    struct child_opts o = {.argv = SHELL("sleep 1000")};
    int p[2];

    CHECK(fd_pipe(p, NULL) == ERR_OK);
    CHECK(fd_write_all(p[1], STR("x")) == ERR_OK);
    r.cancel_fd = p[0];
    CHECK(child_run(&o, &r, NULL) == ERR_OK);
    CHECK(r.cancelled && !r.timed_out);
    fd_close(p[0]);
    fd_close(p[1]);
}

TEST(memory_and_processor_time_are_measured)
{
    CLEANUP(child_run_done)
    struct child_run r = CHILD_RUN_INIT(100, 100, CLOCK_NEVER);
    struct child_opts o = {
        .argv = SHELL("i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done")};

    CHECK(child_run(&o, &r, NULL) == ERR_OK);
    CHECK(r.status.peak_bytes > 100000 && r.status.cpu_us > 0);
    CHECK(r.wall_us > 0);
}

static bool run_once(void)
{
    CLEANUP(child_run_done)
    struct child_run r = CHILD_RUN_INIT(100, 100, CLOCK_NEVER);
    struct child_opts o = {.argv = SHELL("echo x")};

    return child_run(&o, &r, NULL) == ERR_OK && r.out.len == 2;
}

TEST(failures_leave_nothing_behind)
{
    TEST_OOM(run_once());
    TEST_SYS(EMFILE, run_once());
}
