/*
 * A runner over the toy engine, spoken to through its channel. The runner has
 * a thread of its own here; the test is the gateway.
 */
#include "runner/serve.h"

#include <pthread.h>

#include "base/mem.h"
#include "fake/fake_engine.h"
#include "ipc/chan.h"
#include "ipc/msg.h"
#include "sys/clock.h"
#include "sys/fd.h"
#include "test.h"

enum { PATIENCE_US = 20000000 };

static const struct fake_opts toy = {.n_ctx = 256,
                                     .n_seq = 2,
                                     .n_slots = 6,
                                     .n_batch = 32,
                                     .stop_every = 30};

static enum err toy_open(const struct engine_load *load, struct engine **out,
                         struct why *why)
{
    if (strcmp(load->path, "bad") == 0)
        return FAIL(why, ERR_MODEL, "the file is bad");
    CHECK(load->progress(load->ctx, 500));
    struct fake_engine *f = fake_engine_new(&toy);
    if (!f)
        return FAIL(why, ERR_NOMEM, "no memory");
    *out = &f->base;
    return ERR_OK;
}

static enum err toy_probe(const struct engine_load *load,
                          struct engine_need *out, struct why *why)
{
    (void)load;
    (void)why;
    *out = (struct engine_need){1, 2, 3, 4, 256};
    return ERR_OK;
}

static enum err no_walls(void *ctx, struct why *why)
{
    (void)ctx;
    return FAIL(why, ERR_SANDBOX, "no sandbox here");
}

struct rig {
    struct chan chan;
    struct serve_opts o;
    pthread_t thread;
    enum err result;
    struct frame f; /* the last one received */
};

static void *runner(void *ctx)
{
    struct rig *r = ctx;
    struct why why = WHY_INIT;
    r->result = serve_run(&r->o, &why);
    return NULL;
}

static void next(struct rig *r, enum msg_kind kind)
{
    enum err e = chan_recv_wait(&r->chan, &r->f, clock_us() + PATIENCE_US);
    CHECK(e == ERR_OK);
    CHECK(r->f.kind == kind);
}

static void begin(struct rig *r, const char *model)
{
    int pair[2];
    CHECK(fd_socketpair(pair, NULL) == ERR_OK);
    CHECK(chan_init(&r->chan, pair[0], CHAN_QUEUE_MAX) == ERR_OK);
    r->o.fd = pair[1];
    r->o.model = model;
    r->o.build = "test";
    r->o.probe = toy_probe;
    r->o.open = toy_open;
    CHECK(pthread_create(&r->thread, NULL, runner, r) == 0);
    next(r, MSG_HELLO);
}

static void say(struct rig *r, enum msg_kind kind, uint32_t req, const void *m)
{
    CLEANUP(buf_done) struct buf b = BUF_INIT(1 << 20);
    CHECK(msg_put(&b, kind, m) == ERR_OK);
    CHECK(chan_send_wait(&r->chan, (uint8_t)kind, req, buf_str(&b),
                         clock_us() + PATIENCE_US)
          == ERR_OK);
}

static void load(struct rig *r)
{
    struct msg_load m = {.n_seq = 2};
    say(r, MSG_LOAD, 0, &m);
    next(r, MSG_PROGRESS);
    next(r, MSG_READY);
}

static enum err joined(struct rig *r)
{
    CHECK(pthread_join(r->thread, NULL) == 0);
    return r->result;
}

static enum err end(struct rig *r)
{
    chan_done(&r->chan);
    return joined(r);
}

static struct msg_generate question(const char *prompt, uint32_t max_tokens)
{
    return (struct msg_generate){.input = str_c(prompt),
                                 .n = 1,
                                 .max_tokens = max_tokens,
                                 .top_p = 1,
                                 .repeat_penalty = 1};
}

static struct msg_fail failure(struct rig *r)
{
    struct msg_fail m;
    next(r, MSG_FAIL);
    CHECK(msg_fail_get(r->f.payload, &m, NULL) == ERR_OK);
    return m;
}

/* Reads deltas up to DONE; returns how it ended. */
static struct msg_done answer(struct rig *r, uint32_t req)
{
    struct msg_done m;
    do
        CHECK(chan_recv_wait(&r->chan, &r->f, clock_us() + PATIENCE_US)
              == ERR_OK);
    while (r->f.kind == MSG_DELTA && r->f.req == req);
    CHECK(r->f.kind == MSG_DONE && r->f.req == req);
    CHECK(msg_done_get(r->f.payload, &m, NULL) == ERR_OK);
    return m;
}

TEST(a_request_is_answered_with_deltas_and_done)
{
    struct rig r = {0};
    begin(&r, "model");
    load(&r);
    struct msg_generate q = question("hello", 12);
    say(&r, MSG_GENERATE, 7, &q);
    struct msg_done d = answer(&r, 7);
    CHECK(d.of == 1 && d.prompt_tokens == 5 && d.completion_tokens > 0);
    CHECK(end(&r) == ERR_OK);
}

TEST(the_need_is_told_without_loading)
{
    struct rig r = {0};
    struct msg_probe p = {0};
    struct msg_need n;
    begin(&r, "model");
    say(&r, MSG_PROBE, 3, &p);
    next(&r, MSG_NEED);
    CHECK(r.f.req == 3 && msg_need_get(r.f.payload, &n, NULL) == ERR_OK);
    CHECK(n.model_bytes == 1 && n.mapped_bytes == 4);
    CHECK(end(&r) == ERR_OK);
}

TEST(a_bad_model_is_an_answer_and_not_an_end)
{
    struct rig r = {0};
    struct msg_load m = {.n_seq = 2};
    begin(&r, "bad");
    for (int i = 0; i < 2; i++) {
        say(&r, MSG_LOAD, 0, &m);
        CHECK(failure(&r).code == ERR_MODEL);
    }
    struct msg_generate q = question("hello", 12);
    say(&r, MSG_GENERATE, 7, &q);
    CHECK(failure(&r).code == ERR_AGAIN);
    CHECK(end(&r) == ERR_OK);
}

TEST(a_prompt_over_the_context_is_refused_with_the_numbers)
{
    struct rig r = {0};
    char big[301];
    memset(big, 'x', 300);
    big[300] = '\0';
    begin(&r, "model");
    load(&r);
    struct msg_generate q = question(big, 1);
    say(&r, MSG_GENERATE, 1, &q);
    struct msg_fail f = failure(&r);
    CHECK(f.code == ERR_CONTEXT && f.n_prompt == 300 && f.n_ctx == 256);
    CHECK(end(&r) == ERR_OK);
}

TEST(wrong_values_fail_the_request_only)
{
    struct rig r = {0};
    begin(&r, "model");
    load(&r);
    struct msg_generate bad[9];
    for (size_t i = 0; i < COUNTOF(bad); i++)
        bad[i] = question("x", 1);
    bad[0].temperature = -1;
    bad[1].top_p = 2;
    bad[2].n = 0;
    bad[3].n = 100000;
    bad[4].stop = STR("{\"a\":1}");
    bad[5].logit_bias = STR("{\"999999\":1}");
    bad[6].branches = STR("[1]");
    bad[7].input = STR_EMPTY;
    bad[8].top_logprobs = 21;
    for (uint32_t i = 0; i < COUNTOF(bad); i++) {
        say(&r, MSG_GENERATE, i + 1, &bad[i]);
        struct msg_fail f = failure(&r);
        CHECK(r.f.req == i + 1);
        CHECK(f.code != ERR_OK && f.text.n > 0);
    }
    struct msg_generate q = question("still here", 3);
    say(&r, MSG_GENERATE, 99, &q);
    (void)answer(&r, 99);
    CHECK(end(&r) == ERR_OK);
}

TEST(cancel_is_answered_with_done)
{
    struct rig r = {0};
    struct msg_cancel c = {0};
    struct msg_pause p = {.hold = 1};
    begin(&r, "model");
    load(&r);
    struct msg_generate q = question("hello there", 0);
    say(&r, MSG_PAUSE, 5, &p); /* unknown: nothing */
    say(&r, MSG_GENERATE, 5, &q);
    say(&r, MSG_PAUSE, 5, &p);
    say(&r, MSG_CANCEL, 5, &c);
    struct msg_done d = answer(&r, 5);
    CHECK(d.finish == MSG_FINISH_CANCELLED || d.finish == MSG_FINISH_STOP);
    say(&r, MSG_CANCEL, 5, &c); /* gone already: nothing */
    CHECK(end(&r) == ERR_OK);
}

TEST(stop_finishes_what_runs_and_takes_nothing_new)
{
    struct rig r = {0};
    struct msg_stop stop = {.drain_ms = 10000};
    begin(&r, "model");
    load(&r);
    struct msg_generate q = question("hello", 12);
    say(&r, MSG_GENERATE, 1, &q);
    say(&r, MSG_STOP, 0, &stop);
    say(&r, MSG_GENERATE, 2, &q);
    bool done = false, refused = false;
    while (chan_recv_wait(&r.chan, &r.f, clock_us() + PATIENCE_US) == ERR_OK) {
        done = done || (r.f.kind == MSG_DONE && r.f.req == 1);
        refused = refused || (r.f.kind == MSG_FAIL && r.f.req == 2);
    }
    CHECK(done);
    CHECK(joined(&r) == ERR_OK);
    (void)refused; /* it may have ended before it read the last frame */
    chan_done(&r.chan);
}

TEST(the_end_of_the_channel_is_the_end)
{
    struct rig r = {0};
    begin(&r, "model");
    load(&r);
    struct msg_generate q = question("hello", 0);
    say(&r, MSG_GENERATE, 1, &q);
    CHECK(end(&r) == ERR_OK);
}

static void expect_protocol_error(uint8_t kind, struct str payload)
{
    struct rig r = {0};
    begin(&r, "model");
    load(&r);
    CHECK(chan_send_wait(&r.chan, kind, 1, payload, clock_us() + PATIENCE_US)
          == ERR_OK);
    CHECK(joined(&r) == ERR_PROTOCOL);
    chan_done(&r.chan);
}

TEST(what_a_runner_must_not_hear_ends_it)
{
    expect_protocol_error(MSG_GENERATE, STR("short"));
    expect_protocol_error(MSG_READY, STR(""));
    expect_protocol_error(MSG_LOAD, STR(""));
    expect_protocol_error(250, STR(""));
}

TEST(without_walls_it_says_so_and_does_not_start)
{
    struct rig r = {0};
    r.o.confine = no_walls;
    begin(&r, "model");
    CHECK(failure(&r).code == ERR_SANDBOX);
    CHECK(joined(&r) == ERR_SANDBOX);
    chan_done(&r.chan);
}

TEST(status_counts_what_was_done)
{
    struct rig r = {0};
    struct msg_status status = {0};
    struct msg_stats st;
    begin(&r, "model");
    load(&r);
    struct msg_generate q = question("hello", 4);
    say(&r, MSG_GENERATE, 1, &q);
    struct msg_done d = answer(&r, 1);
    say(&r, MSG_STATUS, 0, &status);
    next(&r, MSG_STATS);
    CHECK(msg_stats_get(r.f.payload, &st, NULL) == ERR_OK);
    CHECK(st.n_active == 0 && st.cells_total == 256 && st.prompt_tokens == 5);
    CHECK(st.completion_tokens == d.completion_tokens && st.rss_bytes > 0);
    CHECK(end(&r) == ERR_OK);
}

TEST(embeddings_come_as_vectors_and_one_done)
{
    struct rig r = {0};
    struct msg_embed m = {.inputs = STR("[\"one\",[97,98]]"), .normalize = 1};
    struct msg_vector v;
    begin(&r, "model");
    load(&r);
    say(&r, MSG_EMBED, 4, &m);
    for (uint32_t i = 0; i < 2; i++) {
        next(&r, MSG_VECTOR);
        CHECK(msg_vector_get(r.f.payload, &v, NULL) == ERR_OK);
        CHECK(v.values.n == FAKE_EMBD * sizeof(float));
    }
    struct msg_done d = answer(&r, 4);
    CHECK(d.of == 1 && d.index == 0 && d.prompt_tokens == 5);
    CHECK(end(&r) == ERR_OK);
}
