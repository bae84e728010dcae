/* Who answers, who hangs, and whose fault a pause is [IPC-15]. */
#include "super/pulse.h"

#include "test.h"

enum { HANG_MS = 10000, EVERY_MS = HANG_MS / PULSE_TICKS };

/* The next tick, in time. */
static enum pulse_do tick(struct pulse *p)
{
    return pulse_tick(p, p->due_ms);
}

TEST(one_that_answers_lives_for_ever)
{
    struct pulse p;

    pulse_start(&p, HANG_MS, 1000);
    CHECK(p.every_ms == EVERY_MS && p.due_ms == 1000 + EVERY_MS);
    for (int i = 0; i < 1000; i++) {
        CHECK(tick(&p) == PULSE_DO_ASK);
        CHECK(pulse_answered(&p, p.number));
    }
}

TEST(one_that_is_slow_is_not_killed)
{
    struct pulse p;

    pulse_start(&p, HANG_MS, 0);
    for (int i = 0; i < 100; i++) {
        CHECK(tick(&p) == PULSE_DO_ASK);
        for (int k = 1; k < PULSE_TICKS; k++)
            CHECK(tick(&p) == PULSE_DO_NOTHING); /* asked once only */
        CHECK(pulse_answered(&p, p.number));
    }
}

TEST(silence_for_the_whole_time_is_a_hang)
{
    struct pulse p;
    uint64_t asked;

    pulse_start(&p, HANG_MS, 0);
    asked = p.due_ms;
    CHECK(tick(&p) == PULSE_DO_ASK);
    while (tick(&p) == PULSE_DO_NOTHING)
        CHECK(p.due_ms < asked + HANG_MS + EVERY_MS);
    CHECK(p.due_ms - EVERY_MS == asked + HANG_MS);
}

TEST(time_in_which_we_did_not_run_ourselves_does_not_count)
{
    struct pulse p;

    pulse_start(&p, HANG_MS, 0);
    CHECK(tick(&p) == PULSE_DO_ASK);
    for (int k = 1; k < PULSE_TICKS; k++)
        CHECK(tick(&p) == PULSE_DO_NOTHING);
    /* the lid was closed for a day: what was counted is forgotten too */
    CHECK(pulse_tick(&p, p.due_ms + 86400000) == PULSE_DO_NOTHING);
    for (int k = 1; k < PULSE_TICKS; k++)
        CHECK(tick(&p) == PULSE_DO_NOTHING);
    CHECK(tick(&p) == PULSE_DO_KILL);
}

TEST(a_machine_on_which_every_tick_is_late_kills_nobody)
{
    struct pulse p;

    pulse_start(&p, HANG_MS, 0);
    CHECK(tick(&p) == PULSE_DO_ASK);
    for (int i = 0; i < 100; i++)
        CHECK(pulse_tick(&p, p.due_ms + EVERY_MS + 1) == PULSE_DO_NOTHING);
}

TEST(an_answer_that_nobody_asked_for_is_a_fault)
{
    struct pulse p;

    pulse_start(&p, HANG_MS, 0);
    CHECK(!pulse_answered(&p, 0));
    CHECK(tick(&p) == PULSE_DO_ASK);
    CHECK(!pulse_answered(&p, p.number + 1));
    CHECK(pulse_answered(&p, p.number));
    CHECK(!pulse_answered(&p, p.number));
}

TEST(zero_means_that_nobody_looks)
{
    struct pulse p;

    pulse_start(&p, 0, 5);
    CHECK(p.every_ms == 0);
    pulse_start(&p, 1, 5);
    CHECK(p.every_ms == 1);
}
