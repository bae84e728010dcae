/*
 * The batcher over a toy engine that checks every cell (fake_engine.h): what
 * it says must equal what each prompt gives alone, whatever else went on.
 */
#include "runner/batcher.h"

#include "base/mem.h"
#include "base/rng.h"
#include "fake/fake_engine.h"
#include "test.h"

enum { REQS = 64, CHOICES = 8 };

struct heard {
    struct buf text[CHOICES];
    bool done[CHOICES];
    enum batcher_finish finish[CHOICES];
    struct batcher_usage usage[CHOICES];
    uint32_t n_done, n_vectors;
    bool failed;
    float vector[FAKE_EMBD];
};

static struct heard heard[REQS];
static uint64_t now;

static uint64_t fake_now(void)
{
    return now += 1000;
}

static void on_delta(void *ctx, uint32_t req, uint32_t index,
                     const struct delta *d)
{
    (void)ctx;
    CHECK(!heard[req].done[index] && !heard[req].failed);
    CHECK(buf_add(&heard[req].text[index], buf_str(&d->text)) == ERR_OK);
}

static void on_vector(void *ctx, uint32_t req, uint32_t index,
                      uint32_t n_tokens, const float *values, uint32_t n)
{
    (void)ctx;
    (void)index;
    CHECK(n == FAKE_EMBD && n_tokens > 0);
    memcpy(heard[req].vector, values, sizeof heard[req].vector);
    heard[req].n_vectors++;
}

static void on_done(void *ctx, uint32_t req, uint32_t index, uint32_t of,
                    enum batcher_finish finish, const struct batcher_usage *u)
{
    (void)ctx;
    struct heard *h = &heard[req];
    CHECK(!h->done[index] && index < of);
    h->done[index] = true;
    h->finish[index] = finish;
    h->usage[index] = *u;
    h->n_done++;
}

static void on_fail(void *ctx, uint32_t req, const struct why *why)
{
    (void)ctx;
    CHECK(why->code != ERR_OK);
    heard[req].failed = true;
}

struct rig {
    struct fake_engine *f;
    struct batcher b;
};

static const struct fake_opts usual = {.n_ctx = 400,
                                       .n_seq = 4,
                                       .n_slots = 10,
                                       .n_batch = 64,
                                       .stop_every = 40};

static struct rig open_rig(const struct fake_opts *o)
{
    struct rig r = {.f = fake_engine_new(o)};
    const struct batcher_sink sink = {NULL, on_delta, on_vector, on_done,
                                      on_fail};
    CHECK(r.f);
    CHECK(batcher_init(&r.b, &r.f->base, &sink, fake_now) == ERR_OK);
    memset(heard, 0, sizeof heard);
    for (int i = 0; i < REQS; i++)
        for (int k = 0; k < CHOICES; k++)
            heard[i].text[k] = BUF_INIT(1 << 16);
    return r;
}

/* An engine with so many cells, whose answers have no end of their own. */
static struct rig open_endless(uint32_t n_ctx)
{
    struct fake_opts o = usual;
    o.n_ctx = n_ctx;
    o.stop_every = 0;
    return open_rig(&o);
}

/* Everything that is left is idle cache, and the engine agrees. */
static void close_rig(struct rig *r)
{
    CHECK(r->f->broken == NULL);
    CHECK(r->b.n_running == 0 || !batcher_idle(&r->b));
    CHECK(prefix_covered(r->b.prefix) == -1); /* nothing is kept twice */
    if (!r->f->o.whole_embed)
        CHECK(fake_engine_cells(r->f) == prefix_cells(r->b.prefix));
    batcher_done(&r->b);
    r->f->base.ops->close(&r->f->base);
    for (int i = 0; i < REQS; i++)
        for (int k = 0; k < CHOICES; k++)
            buf_done(&heard[i].text[k]);
}

/* A request whose choices have these prompts. */
static struct job *make(struct rig *r, uint32_t req, uint32_t n,
                        const char *const *prompts, uint32_t max_tokens,
                        uint32_t seed)
{
    struct engine *e = &r->f->base;
    struct engine_sampling s = {.temperature = (float)seed, .seed = seed};
    struct job *j = job_new(e, req, n);
    CHECK(j);
    j->max_tokens = max_tokens;
    for (uint32_t i = 0; i < n; i++) {
        struct choice *c = &j->choices[i];
        CHECK(e->ops->tokenize(e, str_c(prompts[i]), true, false, &c->tokens,
                               NULL)
              == ERR_OK);
        c->n_prompt = choice_count(c);
        CHECK(e->ops->sampler_new(e, &s, NULL, &c->sampler, NULL) == ERR_OK);
    }
    return j;
}

static void submit(struct rig *r, uint32_t req, const char *prompt,
                   uint32_t max_tokens)
{
    struct job *j = make(r, req, 1, &prompt, max_tokens, 0);
    CHECK(batcher_add(&r->b, j, NULL) == ERR_OK);
}

static void run_out(struct rig *r)
{
    for (int i = 0; i < 20000 && !batcher_idle(&r->b); i++) {
        CHECK(batcher_step(&r->b));
        CHECK(r->f->broken == NULL);
    }
    CHECK(batcher_idle(&r->b));
}

static void expect_text(const struct rig *r, uint32_t req, uint32_t index,
                        const char *prompt, uint32_t max, uint32_t seed)
{
    CLEANUP(buf_done) struct buf tokens = BUF_INIT(1 << 16);
    CLEANUP(buf_done) struct buf want = BUF_INIT(1 << 16);
    int32_t p[512];
    uint32_t n = (uint32_t)strlen(prompt);
    for (uint32_t i = 0; i < n; i++)
        p[i] = (unsigned char)prompt[i];
    uint32_t room = r->f->o.n_ctx - n;
    max = max ? MIN(max, room) : room;
    CHECK(fake_engine_expect(&r->f->o, p, n, seed, max, &tokens) == ERR_OK);
    for (size_t i = 0; i < tokens.len; i += 4)
        CHECK(buf_add_byte(&want, tokens.data[i]) == ERR_OK);
    CHECK(str_eq(buf_str(&heard[req].text[index]), buf_str(&want)));
}

TEST(an_answer_is_what_its_prompt_gives_alone)
{
    struct rig r = open_rig(&usual);
    submit(&r, 1, "one prompt", 30);
    run_out(&r);
    expect_text(&r, 1, 0, "one prompt", 30, 0);
    CHECK(heard[1].usage[0].prompt_tokens == 10);
    CHECK(heard[1].usage[0].completion_tokens == heard[1].text[0].len);
    close_rig(&r);
}

TEST(neighbours_do_not_change_an_answer)
{
    struct rig r = open_rig(&usual);
    char prompt[16][40];
    for (uint32_t i = 0; i < 16; i++) {
        (void)snprintf(prompt[i], sizeof prompt[i], "prompt number %u", i);
        submit(&r, i, prompt[i], 20);
    }
    run_out(&r);
    for (uint32_t i = 0; i < 16; i++)
        expect_text(&r, i, 0, prompt[i], 20, 0);
    close_rig(&r);
}

static const char shared[] =
    "a long beginning that many requests have in common, as agents do, "
    "and that is worth computing only once for all of them. ";

TEST(branches_compute_their_common_beginning_once)
{
    struct rig r = open_rig(&usual);
    char text[4][200];
    const char *p[4];
    for (int i = 0; i < 4; i++) {
        (void)snprintf(text[i], sizeof text[i], "%sbranch %d", shared, i);
        p[i] = text[i];
    }
    struct job *j = make(&r, 1, 4, p, 5, 0);
    CHECK(batcher_add(&r.b, j, NULL) == ERR_OK);
    run_out(&r);
    for (uint32_t i = 0; i < 4; i++)
        expect_text(&r, 1, i, p[i], 5, 0);
    /* the beginning, "branch ", four digits, and the answers */
    CHECK(r.f->tokens_computed <= sizeof shared + 7 + 4 * (1 + 5) + 4 * 8);
    CHECK(heard[1].usage[3].cached_tokens >= sizeof shared - 1);
    close_rig(&r);
}

TEST(separate_requests_share_a_prompt_in_the_making)
{
    struct rig r = open_rig(&usual);
    char text[4][200];
    for (uint32_t i = 0; i < 4; i++) {
        (void)snprintf(text[i], sizeof text[i], "%sagent %u", shared, i);
        submit(&r, i, text[i], 5);
    }
    run_out(&r);
    for (uint32_t i = 0; i < 4; i++)
        expect_text(&r, i, 0, text[i], 5, 0);
    CHECK(r.f->tokens_computed < 2 * sizeof shared);
    close_rig(&r);
}

TEST(a_conversation_goes_on_from_what_is_remembered)
{
    struct rig r = open_rig(&usual);
    char second[400];
    submit(&r, 1, shared, 10);
    run_out(&r);
    uint64_t before = r.f->tokens_computed;
    (void)snprintf(second, sizeof second, "%s%s and more", shared,
                   heard[1].text[0].data);
    submit(&r, 2, second, 10);
    run_out(&r);
    expect_text(&r, 2, 0, second, 10, 0);
    CHECK(r.f->tokens_computed - before < 25);
    CHECK(heard[2].usage[0].cached_tokens >= sizeof shared);
    close_rig(&r);
}

/* `shared` is answered, then others come, then it goes on. Returns how many
 * tokens that took. */
static uint64_t come_back(struct rig *r)
{
    char other[300], second[400];
    submit(r, 1, shared, 10);
    run_out(r);
    for (uint32_t i = 2; i < 4; i++) {
        (void)snprintf(other, sizeof other, "%u is about %s", i, shared);
        submit(r, i, other, 10);
        run_out(r);
    }
    uint64_t before = r->f->tokens_computed;
    (void)snprintf(second, sizeof second, "%s%s and more", shared,
                   heard[1].text[0].data);
    submit(r, 5, second, 10);
    run_out(r);
    expect_text(r, 5, 0, second, 10, 0);
    return r->f->tokens_computed - before;
}

TEST(idle_prefixes_leave_the_cache_and_come_back)
{
    struct fake_opts o = usual;
    o.n_ctx = 800;
    o.kv_bytes = 100000;
    struct rig r = open_rig(&o);
    r.b.idle_max = 20;
    CHECK(come_back(&r) < 25);
    CHECK(r.f->saves >= 2 && r.f->loads == 1);
    CHECK(heard[5].usage[0].cached_tokens >= sizeof shared);
    close_rig(&r);
}

TEST(idle_prefixes_stay_in_the_cache_where_they_cannot_be_parked)
{
    struct fake_opts o = usual;
    o.n_ctx = 800; /* all of them fit */
    struct rig r = open_rig(&o);
    r.b.idle_max = 20;
    CHECK(come_back(&r) < 25);
    CHECK(r.f->saves == 0);
    close_rig(&r);
}

TEST(a_parked_prefix_that_cannot_come_back_is_computed_again)
{
    struct fake_opts o = usual;
    o.kv_bytes = 100000;
    struct rig r = open_rig(&o);
    r.b.idle_max = 20;
    r.f->load_fails = true;
    CHECK(come_back(&r) > sizeof shared);
    CHECK(heard[5].usage[0].cached_tokens < 20);
    close_rig(&r);
}

TEST(what_must_go_for_lack_of_cells_is_parked_too)
{
    struct fake_opts o = usual;
    o.kv_bytes = 100000;
    o.n_ctx = 200; /* one conversation of them */
    struct rig r = open_rig(&o);
    r.b.idle_max = 1000;
    CHECK(come_back(&r) < 25);
    CHECK(r.f->loads == 1);
    close_rig(&r);
}

TEST(the_same_seed_gives_the_same_answer_and_others_do_not)
{
    struct rig r = open_rig(&usual);
    const char *p[] = {"seeded", "seeded"};
    struct job *a = make(&r, 1, 2, p, 20, 7), *b = make(&r, 2, 1, p, 20, 8);
    CHECK(batcher_add(&r.b, a, NULL) == ERR_OK);
    CHECK(batcher_add(&r.b, b, NULL) == ERR_OK);
    run_out(&r);
    expect_text(&r, 1, 0, "seeded", 20, 7);
    expect_text(&r, 1, 1, "seeded", 20, 7);
    expect_text(&r, 2, 0, "seeded", 20, 8);
    close_rig(&r);
}

/* Many choices with long answers in a cache far too small for all of them. */
TEST(a_full_cache_sends_choices_back_and_loses_nothing)
{
    struct rig r = open_endless(160);
    char prompt[10][60];
    for (uint32_t i = 0; i < 10; i++) {
        (void)snprintf(prompt[i], sizeof prompt[i],
                       "prompt %u with some length to it", i);
        submit(&r, i, prompt[i], 60);
    }
    run_out(&r);
    for (uint32_t i = 0; i < 10; i++)
        expect_text(&r, i, 0, prompt[i], 60, 0);
    close_rig(&r);
}

TEST(an_answer_ends_where_the_context_ends)
{
    struct rig r = open_endless(64);
    submit(&r, 1, "x", 0);
    run_out(&r);
    CHECK(heard[1].text[0].len == 63);
    CHECK(heard[1].finish[0] == BATCHER_LENGTH);
    close_rig(&r);
}

TEST(a_model_that_cannot_share_computes_everything_itself)
{
    struct fake_opts o = usual;
    o.no_share = true;
    o.n_slots = o.n_seq;
    struct rig r = open_rig(&o);
    submit(&r, 1, shared, 10);
    submit(&r, 2, shared, 10);
    run_out(&r);
    expect_text(&r, 1, 0, shared, 10, 0);
    expect_text(&r, 2, 0, shared, 10, 0);
    CHECK(heard[2].usage[0].cached_tokens == 0);
    CHECK(fake_engine_cells(r.f) == 0);
    close_rig(&r);
}

TEST(a_stopped_step_is_done_again)
{
    for (uint32_t at = 1; at < 12; at++)
        for (int no_share = 0; no_share < 2; no_share++) {
            struct fake_opts o = usual;
            o.no_share = no_share;
            struct rig r = open_rig(&o);
            submit(&r, 1, shared, 10);
            submit(&r, 2, "short", 10);
            r.f->abort_in = at;
            run_out(&r);
            expect_text(&r, 1, 0, shared, 10, 0);
            expect_text(&r, 2, 0, "short", 10, 0);
            close_rig(&r);
        }
}

TEST(a_broken_step_fails_those_in_it_and_no_others)
{
    struct rig r = open_rig(&usual);
    submit(&r, 1, "one", 50);
    for (int i = 0; i < 3; i++)
        CHECK(batcher_step(&r.b));
    r.f->break_in = 1;
    CHECK(batcher_step(&r.b));
    CHECK(heard[1].failed && batcher_idle(&r.b));
    submit(&r, 2, "two", 10);
    run_out(&r);
    expect_text(&r, 2, 0, "two", 10, 0);
    close_rig(&r);
}

TEST(cancelling_at_any_moment_ends_a_request_once_and_frees_its_place)
{
    for (int at = 0; at < 30; at++) {
        struct rig r = open_rig(&usual);
        submit(&r, 1, shared, 20);
        submit(&r, 2, "stays", 20);
        for (int i = 0; i < at; i++)
            (void)batcher_step(&r.b);
        batcher_cancel(&r.b, 1);
        batcher_cancel(&r.b, 1);
        CHECK(heard[1].n_done == 1);
        run_out(&r);
        expect_text(&r, 2, 0, "stays", 20, 0);
        CHECK(r.b.n_running == 0);
        close_rig(&r);
    }
}

TEST(a_held_request_waits_and_others_go_on)
{
    struct rig r = open_rig(&usual);
    submit(&r, 1, "held one", 20);
    submit(&r, 2, "other", 20);
    CHECK(batcher_step(&r.b));
    batcher_hold(&r.b, 1, true);
    size_t before = heard[1].text[0].len;
    while (batcher_step(&r.b))
        ;
    CHECK(heard[2].n_done == 1 && heard[1].n_done == 0);
    CHECK(heard[1].text[0].len == before);
    batcher_hold(&r.b, 1, false);
    run_out(&r);
    expect_text(&r, 1, 0, "held one", 20, 0);
    close_rig(&r);
}

TEST(held_requests_make_room_for_others)
{
    struct rig r = open_endless(100);
    char big[71];
    memset(big, 'q', 70);
    big[70] = '\0';
    submit(&r, 1, big, 20);
    CHECK(batcher_step(&r.b));
    batcher_hold(&r.b, 1, true);
    submit(&r, 2, "another prompt", 60);
    for (int i = 0; i < 200 && heard[2].n_done == 0; i++)
        (void)batcher_step(&r.b);
    CHECK(heard[2].n_done == 1);
    batcher_hold(&r.b, 1, false);
    run_out(&r);
    expect_text(&r, 1, 0, big, 20, 0);
    close_rig(&r);
}

TEST(slow_readers_do_not_keep_the_places)
{
    struct rig r = open_rig(&usual);
    for (uint32_t i = 0; i < usual.n_seq; i++)
        submit(&r, i, "held one", 20);
    CHECK(batcher_step(&r.b));
    for (uint32_t i = 0; i < usual.n_seq; i++)
        batcher_hold(&r.b, i, true);
    submit(&r, 9, "quick one", 3);
    for (int i = 0; i < 50 && heard[9].n_done == 0; i++)
        (void)batcher_step(&r.b);
    CHECK(heard[9].n_done == 1);
    for (uint32_t i = 0; i < usual.n_seq; i++)
        batcher_hold(&r.b, i, false);
    run_out(&r);
    for (uint32_t i = 0; i < usual.n_seq; i++)
        expect_text(&r, i, 0, "held one", 20, 0);
    close_rig(&r);
}

TEST(a_request_of_many_choices_does_not_starve_one_of_a_single_choice)
{
    struct fake_opts o = usual;
    o.stop_every = 0;
    struct rig r = open_rig(&o);
    const char *p[] = {"a", "b", "c", "d", "e", "f", "g", "h"};
    struct job *j = make(&r, 1, 8, p, 10, 0);
    CHECK(batcher_add(&r.b, j, NULL) == ERR_OK);
    submit(&r, 2, "single", 10);
    while (heard[2].n_done == 0)
        CHECK(batcher_step(&r.b));
    CHECK(heard[1].n_done <= 4); /* at most the first round was before it */
    run_out(&r);
    close_rig(&r);
}

TEST(a_long_prompt_is_read_in_slices_beside_a_neighbour)
{
    struct rig r = open_rig(&usual);
    char big[301];
    memset(big, 'w', 300);
    big[300] = '\0';
    submit(&r, 1, "neighbour", 60);
    for (int i = 0; i < 3; i++)
        CHECK(batcher_step(&r.b));
    r.b.us_per_token = 10000; /* 80 ms are 8 tokens */
    r.b.us_per_step = 1000;
    submit(&r, 2, big, 5);
    size_t before = heard[1].text[0].len;
    CHECK(batcher_step(&r.b));
    CHECK(heard[1].text[0].len == before + 1);
    CHECK(r.b.batch.count <= 1 + BATCHER_SLICE_MIN);
    run_out(&r);
    expect_text(&r, 2, 0, big, 5, 0);
    close_rig(&r);
}

TEST(prompts_are_read_in_turn)
{
    struct rig r = open_rig(&usual);
    char big[251];
    memset(big, 'w', 250);
    big[250] = '\0';
    submit(&r, 1, big, 5);
    submit(&r, 2, "a short prompt of some forty characters.", 5);
    for (int i = 0; i < 2; i++)
        CHECK(batcher_step(&r.b));
    CHECK(heard[2].text[0].len > 0); /* after the long one's first slice */
    CHECK(heard[1].text[0].len == 0);
    run_out(&r);
    close_rig(&r);
}

TEST(too_many_requests_are_refused)
{
    struct rig r = open_rig(&usual);
    for (uint32_t i = 0; i < BATCHER_JOBS_MAX; i++)
        submit(&r, 1, "x", 1);
    const char *p = "one more";
    struct job *j = make(&r, 2, 1, &p, 1, 0);
    CHECK(batcher_add(&r.b, j, NULL) == ERR_BUSY);
    job_free(j);
    close_rig(&r);
}

/* ---- embeddings ------------------------------------------------------------------ */

static void embed(struct rig *r, uint32_t req, const char *text, bool normalize)
{
    struct job *j = make(r, req, 1, &text, 0, 0);
    j->embed = true;
    j->normalize = normalize;
    CHECK(batcher_add(&r->b, j, NULL) == ERR_OK);
}

TEST(an_embedding_is_the_same_however_it_was_cut)
{
    float first[FAKE_EMBD];
    for (int small = 0; small < 2; small++) {
        struct fake_opts o = usual;
        o.n_batch = small ? 7 : 64;
        struct rig r = open_rig(&o);
        embed(&r, 1, "embed this text, please", true);
        submit(&r, 2, "beside it", 20);
        run_out(&r);
        float sum = 0;
        for (int i = 0; i < FAKE_EMBD; i++)
            sum += heard[1].vector[i] * heard[1].vector[i];
        CHECK(sum > 0.999F && sum < 1.001F);
        if (small)
            assert_memory_equal(first, heard[1].vector, sizeof first);
        memcpy(first, heard[1].vector, sizeof first);
        expect_text(&r, 2, 0, "beside it", 20, 0);
        close_rig(&r);
    }
}

TEST(an_encoder_gets_its_inputs_whole)
{
    struct fake_opts o = usual;
    o.whole_embed = true;
    struct rig r = open_rig(&o);
    for (uint32_t i = 1; i < 6; i++)
        embed(&r, i, "twenty bytes of text", false);
    run_out(&r);
    for (uint32_t i = 2; i < 6; i++)
        assert_memory_equal(heard[1].vector, heard[i].vector,
                            sizeof heard[1].vector);
    close_rig(&r);
}

/* ---- everything at once ---------------------------------------------------------- */

static const char *const words[] = {"red ", "green ", "blue ", "grey "};

static void random_prompt(struct rng *r, char *out, size_t cap)
{
    size_t n = 0, k = 1 + rng_below(r, 12);
    out[0] = '\0';
    for (size_t i = 0; i < k && n + 8 < cap; i++) {
        const char *w = words[rng_below(r, 4)];
        n += (size_t)snprintf(out + n, cap - n, "%s", w);
    }
}

static void chaos(uint64_t seed)
{
    struct rng rng = RNG_INIT(seed);
    struct fake_opts o = usual;
    static char prompt[REQS][CHOICES][128];
    uint32_t n_choices[REQS], max[REQS];
    bool gone[REQS] = {false};
    o.n_ctx = 130 + (uint32_t)rng_below(&rng, 300);
    o.n_slots = 5 + (uint32_t)rng_below(&rng, 8);
    o.n_batch = 8 + (uint32_t)rng_below(&rng, 60);
    o.no_share = rng_below(&rng, 4) == 0;
    o.kv_bytes = 1000 * rng_below(&rng, 8);
    struct rig r = open_rig(&o);
    r.b.idle_max = (uint32_t)rng_below(&rng, 200);
    r.f->load_fails = rng_below(&rng, 8) == 0;
    for (uint32_t q = 0; q < 40; q++) {
        const char *p[CHOICES];
        n_choices[q] = 1 + (uint32_t)rng_below(&rng, CHOICES);
        max[q] = 1 + (uint32_t)rng_below(&rng, 30);
        for (uint32_t i = 0; i < n_choices[q]; i++) {
            random_prompt(&rng, prompt[q][i], sizeof prompt[q][i]);
            p[i] = prompt[q][i];
        }
        struct job *j = make(&r, q, n_choices[q], p, max[q], 0);
        CHECK(batcher_add(&r.b, j, NULL) == ERR_OK);
        for (uint64_t k = rng_below(&rng, 12); k; k--) {
            if (rng_below(&rng, 10) == 0)
                r.f->abort_in = 1;
            (void)batcher_step(&r.b);
        }
        uint32_t victim = (uint32_t)rng_below(&rng, q + 1);
        batcher_hold(&r.b, victim, rng_below(&rng, 2));
        if (rng_below(&rng, 8) == 0) {
            batcher_cancel(&r.b, victim);
            gone[victim] = true;
        }
    }
    for (uint32_t q = 0; q < 40; q++)
        batcher_hold(&r.b, q, false);
    run_out(&r);
    for (uint32_t q = 0; q < 40; q++) {
        CHECK(heard[q].n_done == n_choices[q] && !heard[q].failed);
        for (uint32_t i = 0; i < n_choices[q] && !gone[q]; i++)
            expect_text(&r, q, i, prompt[q][i], max[q], 0);
    }
    close_rig(&r);
}

TEST(any_mixture_of_events_gives_every_request_its_own_answer)
{
    uint64_t rounds = test_torture() ? 400 : 40;
    for (uint64_t seed = 1; seed <= rounds; seed++)
        chaos(seed);
}

/* ---- without memory --------------------------------------------------------------- */

static void no_delta(void *ctx, uint32_t req, uint32_t index,
                     const struct delta *d)
{
    (void)ctx;
    (void)req;
    (void)index;
    (void)d;
}

static bool answer_without(void)
{
    const struct batcher_sink sink = {NULL, no_delta, on_vector, on_done,
                                      on_fail};
    struct batcher b = {0};
    const char *p = "prompt";
    memset(heard, 0, sizeof heard);
    struct fake_engine *f = fake_engine_new(&usual);
    if (!f)
        return false;
    bool ok = batcher_init(&b, &f->base, &sink, fake_now) == ERR_OK;
    struct job *j = ok ? job_new(&f->base, 1, 1) : NULL;
    ok = j
         && f->base.ops->tokenize(&f->base, str_c(p), false, false,
                                  &j->choices[0].tokens, NULL)
                == ERR_OK;
    struct engine_sampling s = {0};
    ok = ok
         && f->base.ops->sampler_new(&f->base, &s, NULL, &j->choices[0].sampler,
                                     NULL)
                == ERR_OK;
    if (ok) {
        j->max_tokens = 4;
        ok = batcher_add(&b, j, NULL) == ERR_OK;
        while (batcher_step(&b))
            ;
        ok = ok && !heard[1].failed;
    } else {
        job_free(j);
    }
    if (b.engine)
        batcher_done(&b);
    f->base.ops->close(&f->base);
    return ok;
}

TEST(without_memory_a_request_fails_and_nothing_is_lost)
{
    TEST_OOM(answer_without());
}
