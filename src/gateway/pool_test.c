/*
 * pool_test.c - lives of runners, the queue and the memory budget, seen from
 * outside: a real gateway, and runners that die, hang or talk nonsense as
 * requests tell them (tests/fake/fake_runner.h). [HTTP-n] are the requirements
 * of docs/protocol/http.md.
 */
#include "gateway/pool.h"

#include <signal.h>

#include "fake/gw_rig.h"
#include "net/loop.h"
#include "sys/child.h"
#include "sys/clock.h"
#include "sys/fd.h"
#include "sys/fs.h"
#include "test.h"

static struct gw_call *done(struct gw_rig *r, struct gw_call *c)
{
    CHECK(gw_rig_wait(r, c) == ERR_OK);
    return c;
}

/* ---- lives of runners ---------------------------------------------------------------- */

TEST(a_runner_that_dies_before_its_first_word_is_replaced) /* [HTTP-50] */
{
    struct gw_rig r;
    struct gw_call *c;
    char text[400];

    gw_rig_start(&r, "", NULL);
    (void)snprintf(text, sizeof(text), "fake{die=0 die_once=%s/died}", r.home);
    c = done(&r, gw_rig_chat(&r, "a", text, false));
    CHECK(c->status == 200 && gw_rig_has(c, "Hello there!"));
    CHECK(gw_rig_runner(&r, 1) != 0 && gw_rig_runner(&r, 2) == 0);
    gw_rig_stop(&r);
}

TEST(a_request_that_kills_twice_is_given_up) /* [HTTP-51] */
{
    struct gw_rig r;
    struct gw_call *c;

    gw_rig_start(&r, "", NULL);
    c = done(&r, gw_rig_chat(&r, "a", "fake{die=0}", false));
    CHECK(c->status == 503);
    CHECK(gw_rig_has(c, "\"code\":\"model_unavailable\""));
    CHECK(gw_rig_runner(&r, 1) != 0 && gw_rig_runner(&r, 2) == 0);
    /* the next request comes after a short back-off to a fresh process */
    CHECK(done(&r, gw_rig_chat(&r, "a", "hi", false))->status == 200);
    CHECK(gw_rig_runner(&r, 2) != 0 && gw_rig_runner(&r, 3) == 0);
    gw_rig_stop(&r);
}

TEST(a_death_in_mid_stream_ends_the_stream_with_an_error) /* [HTTP-12] */
{
    struct gw_rig r;
    struct gw_call *c;

    gw_rig_start(&r, "", NULL);
    c = done(&r, gw_rig_chat(&r, "a", "fake{die=2}", true));
    CHECK(c->status == 200 && gw_rig_has(c, " there"));
    CHECK(gw_rig_has(c, "data: {\"error\":"));
    CHECK(!gw_rig_has(c, "[DONE]"));
    CHECK(done(&r, gw_rig_chat(&r, "a", "hi", false))->status == 200);
    gw_rig_stop(&r);
}

TEST(a_killed_idle_runner_is_replaced_by_the_next_request)
{
    struct gw_rig r;

    gw_rig_start(&r, "", NULL);
    CHECK(done(&r, gw_rig_chat(&r, "a", "hi", false))->status == 200);
    CHECK(child_kill(gw_rig_runner(&r, 0), SIGKILL, false) == ERR_OK);
    CHECK(done(&r, gw_rig_chat(&r, "a", "hi", false))->status == 200);
    gw_rig_stop(&r);
}

TEST(a_failed_load_is_told_and_not_repeated_at_once) /* [HTTP-52] */
{
    struct gw_rig r;
    struct gw_call *c;

    gw_rig_start(&r, "load_fail=MODEL", NULL);
    c = done(&r, gw_rig_chat(&r, "a", "hi", false));
    CHECK(c->status == 502 && gw_rig_has(c, "the fake cannot load"));
    CHECK(gw_rig_has_field(c, "Retry-After: 2"));
    c = done(&r, gw_rig_chat(&r, "a", "hi", true));
    CHECK(c->status == 502 && gw_rig_has(c, "the fake cannot load"));
    CHECK(gw_rig_runner(&r, 0) != 0 && gw_rig_runner(&r, 1) == 0);
    gw_rig_stop(&r);
}

TEST(a_death_while_loading_is_tried_once_more) /* [HTTP-52] */
{
    static const char *const how[][2] = {
        {"load_die", "ended while it was loading"},
        {"hello=99", "version 99"},
    };

    for (size_t i = 0; i < COUNTOF(how); i++) {
        struct gw_rig r;
        struct gw_call *c;

        gw_rig_start(&r, how[i][0], NULL);
        c = done(&r, gw_rig_chat(&r, "a", "hi", false));
        CHECK(c->status >= 500 && gw_rig_has(c, how[i][1]));
        CHECK(gw_rig_runner(&r, 1) != 0 && gw_rig_runner(&r, 2) == 0);
        gw_rig_stop(&r);
    }
}

TEST(a_runner_that_hangs_is_replaced) /* [HTTP-50] */
{
    struct gw_rig r;
    struct gw_call *c;
    char text[400];

    gw_rig_start(&r, "", "serving.load_stall=1s", NULL);
    (void)snprintf(text, sizeof(text), "fake{hang_once=%s/hung}", r.home);
    c = done(&r, gw_rig_chat(&r, "a", text, false));
    CHECK(c->status == 200 && gw_rig_has(c, "Hello there!"));
    CHECK(gw_rig_runner(&r, 1) != 0);
    gw_rig_stop(&r);
}

TEST(an_answer_that_was_not_sent_yet_is_asked_for_again)
{
    struct gw_rig r;
    struct gw_call *c;
    char text[400];

    gw_rig_start(&r, "", NULL);
    (void)snprintf(text, sizeof(text), "fake{die=2 die_once=%s/died}", r.home);
    c = done(&r, gw_rig_chat(&r, "a", text, false));
    CHECK(c->status == 200 && gw_rig_has(c, "\"Hello there!\""));
    CHECK(gw_rig_has(c, "\"completion_tokens\":3,"));
    gw_rig_stop(&r);
}

TEST(a_model_is_refused_by_its_probe_and_not_by_a_rule_of_thumb)
{
    struct gw_rig r;

    /* the rule says 35 MiB, the probe 17 */
    gw_rig_start(&r, "need=1000", "memory.budget=20MiB", NULL);
    CHECK(done(&r, gw_rig_chat(&r, "a", "hi", false))->status == 200);
    gw_rig_stop(&r);
}

TEST(a_load_without_progress_is_given_up)
{
    struct gw_rig r;
    struct gw_call *c;

    gw_rig_start(&r, "hang", "serving.load_stall=1s", NULL);
    c = done(&r, gw_rig_chat(&r, "a", "hi", false));
    CHECK(c->status == 504 && gw_rig_has(c, "made no progress"));
    gw_rig_stop(&r);
}

TEST(a_runner_that_talks_nonsense_is_ended)
{
    for (int how = 1; how <= 3; how++) {
        struct gw_rig r;
        struct gw_call *c;
        char text[64];

        gw_rig_start(&r, "", NULL);
        (void)snprintf(text, sizeof(text), "fake{nonsense=%d}", how);
        c = done(&r, gw_rig_chat(&r, "a", text, false));
        CHECK(c->status >= 500);
        CHECK(done(&r, gw_rig_chat(&r, "a", "hi", false))->status == 200);
        gw_rig_stop(&r);
    }
}

TEST(a_client_that_leaves_frees_its_place) /* [HTTP-53] */
{
    struct gw_rig r;
    struct gw_call *c;

    gw_rig_start(&r, "", "serving.parallel=1", NULL);
    c = gw_rig_chat(&r, "a", "fake{tokens=100000 delay=5}", true);
    CHECK(gw_rig_until(&r, c, "t2 "));
    gw_rig_leave(c);
    /* the only sequence is free again, long before 500 s have passed */
    CHECK(done(&r, gw_rig_chat(&r, "a", "hi", false))->status == 200);
    c = done(&r, gw_rig_get(&r, "/metrics"));
    CHECK(gw_rig_has(c, "hearth_requests_cancelled_total 1\n"));
    gw_rig_stop(&r);
}

TEST(what_finds_no_place_in_the_queue_is_refused) /* [HTTP-54] */
{
    struct gw_rig r;
    struct gw_call *first, *second, *third;

    gw_rig_start(&r, "", "serving.parallel=1", "serving.queue=1", NULL);
    first = gw_rig_chat(&r, "a", "fake{tokens=40 delay=20}", true);
    CHECK(gw_rig_until(&r, first, "t0 "));
    second = gw_rig_chat(&r, "a", "hi", false);
    for (int i = 0; i < 5; i++)
        loop_run_once(r.loop, 10);
    third = done(&r, gw_rig_chat(&r, "a", "hi", false));
    CHECK(third->status == 429);
    CHECK(gw_rig_has(third, "\"code\":\"queue_full\""));
    CHECK(gw_rig_has_field(third, "Retry-After-Ms: "));
    CHECK(done(&r, first)->status == 200 && gw_rig_has(first, "t39 "));
    CHECK(done(&r, second)->status == 200);
    gw_rig_stop(&r);
}

/* ---- memory ---------------------------------------------------------------------------- */

TEST(models_that_do_not_fit_together_are_swapped) /* [HTTP-55] */
{
    struct gw_rig r;
    struct gw_call *c;

    gw_rig_start(&r, "need=80000000", "memory.budget=150MiB", NULL);
    CHECK(done(&r, gw_rig_chat(&r, "a", "hi", false))->status == 200);
    CHECK(done(&r, gw_rig_chat(&r, "b", "hi", false))->status == 200);
    c = done(&r, gw_rig_get(&r, "/admin/ps"));
    CHECK(!gw_rig_has(c, "\"id\":\"a\",") && gw_rig_has(c, "\"id\":\"b\","));
    c = done(&r, gw_rig_get(&r, "/admin/explain?model=a"));
    CHECK(gw_rig_has(c, "\"verdict\":\"evict\""));
    CHECK(gw_rig_has(c, "\"victims\":[\"b\"]"));
    gw_rig_stop(&r);
}

TEST(a_model_larger_than_the_budget_is_refused_with_the_numbers)
{
    struct gw_rig r;
    struct gw_call *c;

    gw_rig_start(&r, "need=300000000", "memory.budget=150MiB", NULL);
    c = done(&r, gw_rig_chat(&r, "a", "hi", false));
    CHECK(c->status == 507 && gw_rig_has(c, "memory budget is 150.0 MiB"));
    CHECK(gw_rig_has_field(c, "X-Should-Retry: false"));
    gw_rig_stop(&r);
}

TEST(a_busy_model_is_not_evicted_and_the_other_waits)
{
    struct gw_rig r;
    struct gw_call *first, *second;

    gw_rig_start(&r, "need=80000000", "memory.budget=150MiB", NULL);
    first = gw_rig_chat(&r, "a", "fake{tokens=30 delay=10}", true);
    CHECK(gw_rig_until(&r, first, "t0 "));
    second = gw_rig_chat(&r, "b", "hi", false);
    CHECK(done(&r, second)->status == 200);
    CHECK(first->over && gw_rig_has(first, "[DONE]"));
    gw_rig_stop(&r);
}

TEST(models_are_loaded_and_unloaded_on_request)
{
    struct gw_rig r;
    struct gw_call *c;

    gw_rig_start(&r, "", NULL);
    c = gw_rig_call(&r, "POST", "/admin/models/a/load", "", STR_EMPTY);
    CHECK(done(&r, c)->status == 200 && gw_rig_has(c, "\"state\":\"ready\""));
    c = gw_rig_chat(&r, "a", "fake{tokens=100000 delay=5}", true);
    CHECK(gw_rig_until(&r, c, "t1 "));
    CHECK(done(&r,
               gw_rig_call(&r, "POST", "/admin/models/a/unload", "", STR_EMPTY))
              ->status
          == 429);
    CHECK(done(&r, gw_rig_call(&r, "POST", "/admin/models/a/unload?force=true",
                               "", STR_EMPTY))
              ->status
          == 200);
    CHECK(done(&r, c)->status == 200 && gw_rig_has(c, "was unloaded"));
    c = gw_rig_call(&r, "POST", "/admin/models/a/unload?force=maybe", "",
                    STR_EMPTY);
    CHECK(done(&r, c)->status == 400);
    c = gw_rig_call(&r, "POST", "/admin/models/nope/load", "", STR_EMPTY);
    CHECK(done(&r, c)->status == 404);
    gw_rig_stop(&r);
}

TEST(an_idle_model_is_unloaded_after_its_time)
{
    struct gw_rig r;
    struct gw_call *c;

    gw_rig_start(&r, "", "serving.ttl=100ms", NULL);
    CHECK(done(&r, gw_rig_chat(&r, "a", "hi", false))->status == 200);
    for (int i = 0; i < 50; i++) {
        c = done(&r, gw_rig_get(&r, "/metrics"));
        if (gw_rig_has(c, "hearth_model_unloads_total 1\n"))
            break;
        clock_sleep_ms(20);
    }
    CHECK(gw_rig_has(c, "hearth_model_unloads_total 1\n"));
    gw_rig_stop(&r);
}

TEST(a_pinned_model_is_loaded_without_being_asked_for)
{
    struct gw_rig r;
    struct gw_call *c = NULL;

    gw_rig_start(&r, "",
                 "yaml:models:\n  - {path: a.gguf, id: mine, pin: on, aliases: "
                 "[me], context: 512}\n",
                 NULL);
    for (int i = 0; i < 50; i++) {
        c = done(&r, gw_rig_get(&r, "/admin/ps"));
        if (gw_rig_has(c, "\"state\":\"ready\""))
            break;
        clock_sleep_ms(20);
    }
    CHECK(gw_rig_has(c, "\"id\":\"mine\",\"aliases\":[\"me\"]"));
    CHECK(gw_rig_has(c, "\"pin\":true"));
    c = done(&r, gw_rig_chat(&r, "me", "hi", false));
    CHECK(c->status == 200 && gw_rig_has(c, "\"model\":\"mine\""));
    gw_rig_stop(&r);
}

TEST(a_file_put_into_the_folder_is_found)
{
    struct gw_rig r;
    struct gw_call *c;
    char path[400];
    struct buf CLEANUP(buf_done) gguf = BUF_INIT(16 << 20);

    gw_rig_start(&r, "", NULL);
    CHECK(done(&r, gw_rig_chat(&r, "new", "hi", false))->status == 404);
    (void)snprintf(path, sizeof(path), "%s/models/new.gguf", r.home);
    CHECK(fs_read("models/tiny/tiny-1m-q8_0.gguf", &gguf, NULL) == ERR_OK);
    CHECK(fs_write_atomic(path, buf_str(&gguf), 0600, NULL) == ERR_OK);
    clock_sleep_ms(2100); /* the folder is looked at every two seconds */
    c = done(&r, gw_rig_chat(&r, "new", "hi", false));
    CHECK(c->status == 200);
    gw_rig_stop(&r);
}

TEST(head_is_answered_as_get_without_a_body)
{
    struct gw_rig r;
    struct gw_call *c;

    gw_rig_start(&r, "", NULL);
    c = done(&r, gw_rig_call(&r, "HEAD", "/health", "", STR_EMPTY));
    CHECK(c->status == 200 && c->body.len == 0);
    gw_rig_stop(&r);
}

/* One allocation after the other fails, at start and in a request: the answer
 * is whole or an error in the usual shape, and the gateway goes on, or did not
 * start at all. */
TEST(a_lack_of_memory_costs_one_request_and_not_the_gateway)
{
    unsigned step = test_torture() ? 1 : 37;

    for (unsigned nth = 1; nth < 600; nth += step) {
        struct gw_rig r;
        struct gw_call *c;

        if (gw_rig_start_fault(&r, nth)) {
            c = gw_rig_chat(&r, "a", "hi", nth % 2 == 0);
            if (gw_rig_wait(&r, c) == ERR_OK)
                CHECK(gw_rig_has(c, "Hello") || gw_rig_has(c, "\"error\":{"));
            c = gw_rig_get(&r, "/health");
            if (gw_rig_wait(&r, c) != ERR_OK || c->status != 200)
                /* it was this request's */
                c = done(&r, gw_rig_get(&r, "/health"));
            CHECK(c->status == 200);
        }
        (void)gw_rig_stop_any(&r);
    }
}

TEST(a_slow_reader_holds_the_runner_and_loses_nothing) /* [HTTP-56] */
{
    struct gw_rig r;
    struct gw_call *c;

    /* 20 MB in pieces of 20 kB; the client reads nothing for a while */
    gw_rig_start(&r, "", NULL);
    c = gw_rig_chat(&r, "a", "fake{tokens=1000 pad=20000}", true);
    CHECK(gw_rig_until(&r, c, "t0 "));
    clock_sleep_ms(300);
    CHECK(done(&r, c)->status == 200);
    CHECK(gw_rig_count(c, "\"content\":\"t") == 1000);
    CHECK(str_ends(buf_str(&c->body), STR("data: [DONE]\n\n")));
    gw_rig_stop(&r);
}

TEST(a_stop_lets_running_answers_finish) /* [HTTP-57] */
{
    struct gw_rig r;
    struct gw_call *c;

    gw_rig_start(&r, "", NULL);
    c = gw_rig_chat(&r, "a", "fake{tokens=20 delay=10}", true);
    CHECK(gw_rig_until(&r, c, "t1 "));
    fd_closep(&r.in); /* STOP */
    CHECK(done(&r, c)->status == 200 && gw_rig_has(c, "[DONE]"));
    gw_rig_stop(&r);
}
