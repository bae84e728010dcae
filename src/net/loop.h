/*
 * loop.h - one event loop: timers, posted tasks, descriptors, signals, and
 * the end of child processes. A thin owner of one uv_loop_t.
 *
 * Everything is called from loop_run, on the thread that runs it, and never
 * from inside the call that asked for it. Only loop_post and loop_stop may be
 * called from other threads. libuv's own small tables come from its allocator,
 * which ends the process when the heap is exhausted; everything else here
 * fails softly. A callback may close or stop anything, itself
 * included. Times are milliseconds of a monotonic clock (loop_now).
 */
#ifndef NET_LOOP_H
#define NET_LOOP_H

#include "base/err.h"
#include "net/timer.h"

struct loop;

NODISCARD enum err loop_new(struct loop **out, struct why *why);

/* Closes what is still open (watches, signals, children) without calling
 * back, drops posted tasks, frees all. Not from inside loop_run. */
void loop_free(struct loop *l);

void loop_run(struct loop *l); /* until loop_stop */
/* One round: at most `wait_ms` asleep. For tests. */
void loop_run_once(struct loop *l, unsigned wait_ms);
void loop_stop(struct loop *l); /* any thread; also before loop_run */

uint64_t loop_now(const struct loop *l); /* as of this round */

/* ---- timers: timer_init comes first; loop_timer_start cannot fail ---- */
void loop_timer_start(struct loop *l, struct timer *t, uint64_t delay_ms);
/* timer_stop(t) stops. For a period, start again from the callback. */

/* ---- tasks: run `fn` soon, before the loop sleeps again ---- */
struct task {
    struct task *next;
    void (*fn)(void *ctx);
    void *ctx;
    bool is_posted;
};

void task_init(struct task *t, void (*fn)(void *ctx), void *ctx);
/* Any thread. A task that is already posted stays posted once. The task must
 * live until it ran or was cancelled. */
void loop_post(struct loop *l, struct task *t);
void loop_cancel(struct loop *l, struct task *t); /* not posted: fine */

/* ---- descriptors (level-triggered) ---- */
enum {
    WATCH_READ = 1,
    WATCH_WRITE = 2,
    WATCH_HANGUP = 4 /* the peer closed or shut down its side */
};

struct watch;

/* `fd` stays the caller's: it closes it after watch_close. Sets O_NONBLOCK.
 * `events` of the callback also carry WATCH_READ when the descriptor broke,
 * so that the next read says how. */
NODISCARD enum err watch_open(struct loop *l, int fd,
                              void (*fn)(void *ctx, unsigned events), void *ctx,
                              struct watch **out, struct why *why);
/* A set of WATCH_*; 0 sleeps. */
NODISCARD enum err watch_set(struct watch *w, unsigned events);
void watch_close(struct watch *w); /* NULL is fine; no call after this */

/* ---- signals ---- */
/* Every `signo` from now on, until loop_free. At most 16. */
NODISCARD enum err loop_on_signal(struct loop *l, int signo,
                                  void (*fn)(void *ctx, int signo), void *ctx,
                                  struct why *why);

/* ---- children ---- */
struct child_watch;

/* Calls `fn` once, with the status of waitpid, after `pid` ended; reaps only
 * that pid, also when it ended before this call. `status` is -1 when it is no
 * child of ours. The object is gone when `fn` is called. */
NODISCARD enum err child_watch_open(struct loop *l, int pid,
                                    void (*fn)(void *ctx, int pid, int status),
                                    void *ctx, struct child_watch **out,
                                    struct why *why);
/* Forgets it without reaping; not after `fn` was called. NULL is fine. */
void child_watch_close(struct child_watch *c);

#endif
