#include "net/loop.h"

#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "test.h"

struct seen {
    struct loop *loop;
    struct task task;
    struct watch *watch;
    int calls, status;
    unsigned events;
};

static struct loop *made(void)
{
    struct loop *l = NULL;

    CHECK(loop_new(&l, NULL) == ERR_OK);
    return l;
}

static void count(void *ctx)
{
    struct seen *s = ctx;

    s->calls++;
}

static void count_and_stop(void *ctx)
{
    struct seen *s = ctx;

    s->calls++;
    loop_stop(s->loop);
}

static void count_and_post_again(void *ctx)
{
    struct seen *s = ctx;

    s->calls++;
    loop_post(s->loop, &s->task);
}

TEST(a_posted_task_runs_in_the_next_round_and_once)
{
    struct seen s = {.loop = made()};

    task_init(&s.task, count, &s);
    loop_post(s.loop, &s.task);
    loop_post(s.loop, &s.task);
    CHECK(s.calls == 0);
    loop_run_once(s.loop, 100);
    loop_run_once(s.loop, 0);
    CHECK(s.calls == 1);
    loop_post(s.loop, &s.task);
    loop_cancel(s.loop, &s.task);
    loop_run_once(s.loop, 0);
    CHECK(s.calls == 1);
    loop_free(s.loop);
}

TEST(a_task_that_posts_itself_lets_the_others_run)
{
    struct seen greedy = {.loop = made()}, other = {.loop = greedy.loop};

    task_init(&greedy.task, count_and_post_again, &greedy);
    task_init(&other.task, count, &other);
    loop_post(greedy.loop, &greedy.task);
    loop_post(greedy.loop, &other.task);
    loop_run_once(greedy.loop, 100);
    CHECK(greedy.calls == 2 && other.calls == 1); /* before and after sleep */
    loop_run_once(greedy.loop, 100);
    CHECK(greedy.calls == 4);
    loop_free(greedy.loop);
}

static void post_thrice_and_stop(void *ctx)
{
    struct seen *s = ctx;

    if (s->calls++ < 3)
        loop_post(s->loop, &s->task);
    else
        loop_stop(s->loop);
}

/* Nothing else would wake the loop: it would sleep for ever. */
TEST(a_task_that_a_timer_or_a_task_posts_runs_before_the_loop_sleeps)
{
    struct seen s = {.loop = made()};
    struct timer t;

    task_init(&s.task, post_thrice_and_stop, &s);
    timer_init(&t, count_and_post_again, &s);
    loop_timer_start(s.loop, &t, 1);
    loop_run(s.loop);
    CHECK(s.calls == 4);
    loop_free(s.loop);
}

static void *post_from_thread(void *ctx)
{
    struct seen *s = ctx;

    loop_post(s->loop, &s->task);
    return NULL;
}

TEST(another_thread_may_post)
{
    struct seen s = {.loop = made()};
    pthread_t thread;

    task_init(&s.task, count_and_stop, &s);
    CHECK(pthread_create(&thread, NULL, post_from_thread, &s) == 0);
    loop_run(s.loop);
    CHECK(pthread_join(thread, NULL) == 0);
    CHECK(s.calls == 1);
    loop_free(s.loop);
}

TEST(a_timer_stops_the_loop)
{
    struct seen s = {.loop = made()};
    struct timer t;

    timer_init(&t, count_and_stop, &s);
    loop_timer_start(s.loop, &t, 1);
    loop_run(s.loop);
    CHECK(s.calls == 1);
    loop_free(s.loop);
}

static void on_fd(void *ctx, unsigned events)
{
    struct seen *s = ctx;

    s->calls++;
    s->events |= events;
    watch_close(s->watch);
}

TEST(a_watch_tells_of_bytes_and_may_close_itself)
{
    struct seen s = {.loop = made()};
    int fds[2];

    CHECK(pipe(fds) == 0);
    CHECK(watch_open(s.loop, fds[0], on_fd, &s, &s.watch, NULL) == ERR_OK);
    CHECK(watch_set(s.watch, WATCH_READ) == ERR_OK);
    loop_run_once(s.loop, 1);
    CHECK(s.calls == 0);
    CHECK(write(fds[1], "x", 1) == 1);
    loop_run_once(s.loop, 100);
    CHECK(s.calls == 1 && s.events == WATCH_READ);
    loop_run_once(s.loop, 1);
    CHECK(s.calls == 1);
    (void)close(fds[0]);
    (void)close(fds[1]);
    loop_free(s.loop);
}

TEST(a_hang_up_is_seen_without_reading)
{
    struct seen s = {.loop = made()};
    int fds[2];

    CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0);
    CHECK(write(fds[1], "unread", 6) == 6);
    CHECK(watch_open(s.loop, fds[0], on_fd, &s, &s.watch, NULL) == ERR_OK);
    CHECK(watch_set(s.watch, WATCH_HANGUP) == ERR_OK);
    loop_run_once(s.loop, 1);
    CHECK(s.calls == 0);
    (void)close(fds[1]);
    loop_run_once(s.loop, 100);
    CHECK(s.calls == 1 && (s.events & WATCH_HANGUP) != 0);
    (void)close(fds[0]);
    loop_free(s.loop);
}

static void on_signal(void *ctx, int signo)
{
    struct seen *s = ctx;

    s->status = signo;
    s->calls++;
}

TEST(a_signal_becomes_a_call)
{
    struct seen s = {.loop = made()};

    CHECK(loop_on_signal(s.loop, SIGUSR1, on_signal, &s, NULL) == ERR_OK);
    CHECK(raise(SIGUSR1) == 0);
    for (int i = 0; i < 100 && s.calls == 0; i++)
        loop_run_once(s.loop, 10);
    CHECK(s.calls == 1 && s.status == SIGUSR1);
    loop_free(s.loop);
}

static void on_child(void *ctx, int pid, int status)
{
    struct seen *s = ctx;

    (void)pid;
    s->status = status;
    s->calls++;
}

TEST(the_end_of_a_child_is_told_also_when_it_came_first)
{
    struct seen s = {.loop = made()}, none = {.loop = s.loop};
    struct child_watch *c = NULL;
    siginfo_t info;
    int pid = fork();

    if (pid == 0)
        _exit(7);
    CHECK(pid > 0);
    /* It has ended, and nobody has waited for it yet. */
    CHECK(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT) == 0);
    CHECK(child_watch_open(s.loop, pid, on_child, &s, &c, NULL) == ERR_OK);
    for (int i = 0; i < 100 && s.calls == 0; i++)
        loop_run_once(s.loop, 10);
    CHECK(s.calls == 1 && WIFEXITED(s.status) && WEXITSTATUS(s.status) == 7);
    CHECK(child_watch_open(s.loop, pid, on_child, &none, &c, NULL) == ERR_OK);
    for (int i = 0; i < 100 && none.calls == 0; i++)
        loop_run_once(s.loop, 10);
    CHECK(none.calls == 1 && none.status == -1);
    loop_free(s.loop);
}

TEST(a_child_that_ends_later_is_reaped_and_no_other)
{
    struct seen s = {.loop = made()};
    struct child_watch *c = NULL;
    int fds[2], pid, other, status;

    CHECK(pipe(fds) == 0);
    pid = fork();
    if (pid == 0) {
        char byte;

        (void)close(fds[1]);
        _exit(read(fds[0], &byte, 1) == 0 ? 3 : 4);
    }
    other = fork();
    if (other == 0)
        _exit(5);
    CHECK(child_watch_open(s.loop, pid, on_child, &s, &c, NULL) == ERR_OK);
    loop_run_once(s.loop, 1);
    CHECK(s.calls == 0);
    (void)close(fds[1]);
    for (int i = 0; i < 100 && s.calls == 0; i++)
        loop_run_once(s.loop, 10);
    CHECK(s.calls == 1 && WEXITSTATUS(s.status) == 3);
    CHECK(waitpid(other, &status, 0) == other && WEXITSTATUS(status) == 5);
    (void)close(fds[0]);
    loop_free(s.loop);
}

TEST(what_is_still_open_is_closed_with_the_loop)
{
    struct seen s = {.loop = made()};
    struct child_watch *c = NULL;
    int fds[2];

    CHECK(pipe(fds) == 0);
    CHECK(watch_open(s.loop, fds[0], on_fd, &s, &s.watch, NULL) == ERR_OK);
    CHECK(watch_set(s.watch, WATCH_READ) == ERR_OK);
    CHECK(loop_on_signal(s.loop, SIGUSR2, on_signal, &s, NULL) == ERR_OK);
    CHECK(child_watch_open(s.loop, 1, on_child, &s, &c, NULL) == ERR_OK);
    loop_free(s.loop);
    CHECK(s.calls == 0);
    (void)close(fds[0]);
    (void)close(fds[1]);
}

static bool opens(void)
{
    struct loop *l = NULL;
    struct watch *w = NULL;
    struct child_watch *c = NULL;
    int fds[2];
    bool ok = loop_new(&l, NULL) == ERR_OK;

    CHECK(pipe(fds) == 0);
    ok = ok && watch_open(l, fds[0], on_fd, NULL, &w, NULL) == ERR_OK
         && loop_on_signal(l, SIGUSR1, on_signal, NULL, NULL) == ERR_OK
         && child_watch_open(l, 1, on_child, NULL, &c, NULL) == ERR_OK;
    loop_free(l);
    (void)close(fds[0]);
    (void)close(fds[1]);
    return ok;
}

TEST(every_allocation_may_fail)
{
    TEST_OOM(opens());
}
