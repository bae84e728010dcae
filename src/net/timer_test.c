#include "net/timer.h"

#include "base/rng.h"
#include "test.h"

struct probe {
    struct timer t;
    struct timers *heap;
    struct probe *stops;
    uint64_t again_at;
    int fired, order;
};

static int turn;

static void fire(void *ctx)
{
    struct probe *p = ctx;

    p->fired++;
    p->order = ++turn;
    if (p->stops != NULL)
        timer_stop(&p->stops->t);
    if (p->again_at != 0)
        timer_start(p->heap, &p->t, p->again_at);
}

TEST(timers_fire_in_order_and_only_when_due)
{
    struct timers h = {0};
    struct probe p[3] = {{.heap = &h}, {.heap = &h}, {.heap = &h}};

    for (int i = 0; i < 3; i++)
        timer_init(&p[i].t, fire, &p[i]);
    timer_start(&h, &p[0].t, 30);
    timer_start(&h, &p[1].t, 10);
    timer_start(&h, &p[2].t, 20);
    CHECK(timer_next(&h) == 10);
    timer_run(&h, 25);
    CHECK(p[0].fired == 0 && p[1].fired == 1 && p[2].fired == 1);
    CHECK(p[1].order < p[2].order);
    CHECK(timer_is_running(&p[0].t) && !timer_is_running(&p[1].t));
    timer_stop(&p[0].t);
    CHECK(timer_next(&h) == UINT64_MAX && h.count == 0);
}

TEST(a_timer_started_from_its_own_call_waits_for_the_next_run)
{
    struct timers h = {0};
    struct probe p = {.heap = &h, .again_at = 5};

    timer_init(&p.t, fire, &p);
    timer_start(&h, &p.t, 5);
    timer_run(&h, 9);
    CHECK(p.fired == 1);
    timer_run(&h, 9);
    CHECK(p.fired == 2);
    timer_stop(&p.t);
}

TEST(a_due_timer_that_another_one_stops_does_not_fire)
{
    struct timers h = {0};
    struct probe b = {.heap = &h}, a = {.heap = &h, .stops = &b};

    timer_init(&a.t, fire, &a);
    timer_init(&b.t, fire, &b);
    timer_start(&h, &a.t, 1);
    timer_start(&h, &b.t, 2);
    timer_run(&h, 10);
    CHECK(a.fired == 1 && b.fired == 0);
}

TEST(any_mixture_of_starts_and_stops_keeps_the_order)
{
    struct timers h = {0};
    static struct probe p[500];
    struct rng r = RNG_INIT(7);
    uint64_t last = 0;

    for (size_t i = 0; i < COUNTOF(p); i++) {
        p[i] = (struct probe){.heap = &h};
        timer_init(&p[i].t, fire, &p[i]);
    }
    for (int i = 0; i < 20000; i++) {
        struct timer *t = &p[rng_below(&r, COUNTOF(p))].t;

        if (rng_below(&r, 3) == 0)
            timer_stop(t);
        else
            timer_start(&h, t, rng_below(&r, 1000));
    }
    while (h.root != NULL) {
        uint64_t at = timer_next(&h);

        CHECK(at >= last);
        for (size_t i = 0; i < COUNTOF(p); i++)
            CHECK(!timer_is_running(&p[i].t) || p[i].t.at_ms >= at);
        last = at;
        timer_stop(h.root);
    }
    CHECK(h.count == 0);
}
