/*
 * timer.h - many deadlines, ordered.
 *
 * An intrusive pairing heap: a timer lives inside the object it belongs to,
 * starting one never allocates and never fails, and a stopped one may be
 * freed at once. Pure (the time is given); the loop drives one heap from its
 * own clock, see loop.h. One thread.
 */
#ifndef NET_TIMER_H
#define NET_TIMER_H

#include "base/base.h"

struct timer {
    struct timer *child, *next, *prev; /* prev: parent or left sibling */
    uint64_t at_ms;
    struct timers *heap; /* NULL while stopped */
    void (*fn)(void *ctx);
    void *ctx;
};

struct timers {
    struct timer *root;
    size_t count;
};

/* `fn` is called once per start, never from inside timer_start. */
void timer_init(struct timer *t, void (*fn)(void *ctx), void *ctx);

/* (Re)starts: fires when the clock reaches `at_ms`. */
void timer_start(struct timers *h, struct timer *t, uint64_t at_ms);
void timer_stop(struct timer *t); /* stopped or zeroed: nothing happens */
bool timer_is_running(const struct timer *t);

/* The earliest deadline, or UINT64_MAX. */
uint64_t timer_next(const struct timers *h);

/* Calls what is due at `now_ms`, earliest first. A timer that is started
 * again from its own callback waits for the next call of timer_run. */
void timer_run(struct timers *h, uint64_t now_ms);

#endif
