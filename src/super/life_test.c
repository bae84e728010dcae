#include "super/life.h"

#include "test.h"

/* Brings it up at `now`. */
static void up(struct life *l, uint64_t now)
{
    CHECK(life_wanted(l, now) == LIFE_DO_START);
    CHECK(life_is_up(l, now));
}

/* Lets the backoff pass; returns how long it was. */
static uint64_t restart(struct life *l)
{
    uint64_t waited = l->deadline_ms - l->since_ms;

    CHECK(l->state == LIFE_BACKOFF);
    CHECK(life_tick(l, l->deadline_ms - 1) == LIFE_DO_NOTHING);
    CHECK(life_tick(l, l->deadline_ms) == LIFE_DO_START);
    return waited;
}

TEST(the_table_allows_these_ways_and_no_other)
{
    CHECK(life_may(LIFE_DOWN, LIFE_STARTING) && !life_may(LIFE_DOWN, LIFE_UP));
    CHECK(life_may(LIFE_STARTING, LIFE_UP) && life_may(LIFE_UP, LIFE_BACKOFF));
    CHECK(!life_may(LIFE_UP, LIFE_STARTING) && !life_may(LIFE_UP, LIFE_FAILED));
    CHECK(!life_may(LIFE_FAILED, LIFE_STARTING));
    CHECK(!life_may(LIFE_STATES, LIFE_DOWN));
    CHECK(strcmp(life_name(LIFE_BACKOFF), "backoff") == 0);
}

TEST(a_process_that_dies_while_up_comes_back_within_a_second)
{
    struct life l;
    uint64_t now = 1000, longest = 0;

    life_init(&l, now);
    up(&l, now);
    for (int i = 0; i < 200; i++) {
        now += 500;
        CHECK(life_died(&l, now) == LIFE_DO_NOTHING);
        if (i == 0)
            CHECK(l.deadline_ms == now + LIFE_BACKOFF_MS);
        uint64_t waited = restart(&l);

        longest = MAX(longest, waited);
        now = l.since_ms;
        CHECK(life_is_up(&l, now));
    }
    CHECK(longest == LIFE_BACKOFF_UP_MS);
    CHECK(l.starts == 201);
}

TEST(ten_seconds_of_health_forget_the_past)
{
    struct life l;

    life_init(&l, 0);
    up(&l, 0);
    CHECK(life_died(&l, 10) == LIFE_DO_NOTHING && restart(&l) == 100);
    CHECK(life_is_up(&l, 200));
    CHECK(life_died(&l, 300) == LIFE_DO_NOTHING && restart(&l) == 200);
    CHECK(life_is_up(&l, 1000));
    CHECK(life_died(&l, 1000 + LIFE_HEALTHY_MS) == LIFE_DO_NOTHING);
    CHECK(restart(&l) == 100);
}

TEST(a_process_that_never_comes_up_is_given_up)
{
    const uint64_t waits[] = {100, 200, 400, 800, 1600};
    struct life l;

    life_init(&l, 0);
    CHECK(life_wanted(&l, 0) == LIFE_DO_START);
    for (size_t i = 0; i < COUNTOF(waits); i++) {
        CHECK(life_died(&l, l.since_ms) == LIFE_DO_NOTHING);
        CHECK(restart(&l) == waits[i]);
    }
    CHECK(l.starts == LIFE_QUICK_MAX);
    CHECK(life_died(&l, l.since_ms) == LIFE_DO_GIVE_UP);
    CHECK(l.state == LIFE_FAILED && l.deadline_ms == LIFE_NO_DEADLINE);
    CHECK(life_wanted(&l, l.since_ms) == LIFE_DO_NOTHING);
}

TEST(coming_up_forgives_the_deaths_before)
{
    struct life l;

    life_init(&l, 0);
    CHECK(life_wanted(&l, 0) == LIFE_DO_START);
    for (int i = 0; i < 3 * LIFE_QUICK_MAX; i++) {
        CHECK(life_died(&l, l.since_ms) == LIFE_DO_NOTHING);
        (void)restart(&l);
        if (i % 5 == 4) {
            CHECK(life_is_up(&l, l.since_ms));
            CHECK(life_died(&l, l.since_ms) == LIFE_DO_NOTHING);
            (void)restart(&l);
        }
    }
    CHECK(l.state == LIFE_STARTING);
}

TEST(a_start_that_takes_too_long_is_killed_once)
{
    struct life l;

    life_init(&l, 0);
    CHECK(life_wanted(&l, 0) == LIFE_DO_START);
    CHECK(life_tick(&l, LIFE_START_MS - 1) == LIFE_DO_NOTHING);
    CHECK(life_tick(&l, LIFE_START_MS) == LIFE_DO_KILL);
    CHECK(life_tick(&l, LIFE_START_MS + 1) == LIFE_DO_NOTHING);
    CHECK(life_died(&l, LIFE_START_MS + 5) == LIFE_DO_NOTHING);
    CHECK(l.state == LIFE_BACKOFF);
}

TEST(stopping_waits_for_the_drain_and_then_kills)
{
    struct life l;

    life_init(&l, 0);
    up(&l, 0);
    CHECK(life_unwanted(&l, 50, 5000) == LIFE_DO_STOP);
    CHECK(l.state == LIFE_STOPPING);
    CHECK(life_unwanted(&l, 60, 5000) == LIFE_DO_NOTHING);
    CHECK(life_tick(&l, 50 + 5000 + LIFE_KILL_MS - 1) == LIFE_DO_NOTHING);
    CHECK(life_tick(&l, 50 + 5000 + LIFE_KILL_MS) == LIFE_DO_KILL);
    CHECK(life_died(&l, 8000) == LIFE_DO_NOTHING && l.state == LIFE_DOWN);
}

TEST(what_has_no_process_is_down_at_once)
{
    struct life l;

    life_init(&l, 0);
    CHECK(life_unwanted(&l, 0, 0) == LIFE_DO_NOTHING && l.state == LIFE_DOWN);
    CHECK(life_died(&l, 0) == LIFE_DO_NOTHING && l.state == LIFE_DOWN);
    up(&l, 0);
    CHECK(life_died(&l, 1) == LIFE_DO_NOTHING && l.state == LIFE_BACKOFF);
    CHECK(life_unwanted(&l, 2, 100) == LIFE_DO_NOTHING);
    CHECK(l.state == LIFE_DOWN);
}

TEST(up_counts_only_while_starting)
{
    struct life l;

    life_init(&l, 0);
    CHECK(!life_is_up(&l, 0));
    up(&l, 0);
    CHECK(!life_is_up(&l, 1) && l.state == LIFE_UP);
}

TEST(a_first_start_that_cannot_succeed_is_given_up_at_once)
{
    struct life l;

    life_init(&l, 0);
    CHECK(life_wanted(&l, 0) == LIFE_DO_START);
    life_hopeless(&l);
    CHECK(life_died(&l, 1) == LIFE_DO_GIVE_UP && l.state == LIFE_FAILED);
}

TEST(what_had_started_before_is_tried_again_whatever_it_says)
{
    struct life l;

    life_init(&l, 0);
    CHECK(life_wanted(&l, 0) == LIFE_DO_START);
    CHECK(life_is_up(&l, 1));
    CHECK(life_died(&l, 2) == LIFE_DO_NOTHING);
    CHECK(life_tick(&l, l.deadline_ms) == LIFE_DO_START);
    life_hopeless(&l);
    CHECK(life_died(&l, l.since_ms) == LIFE_DO_NOTHING);
    CHECK(l.state == LIFE_BACKOFF);
}
