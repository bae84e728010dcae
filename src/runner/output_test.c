#include "runner/output.h"

#include "fake/fake_engine.h"
#include "test.h"

struct shown {
    struct stops stops;
    struct output out;
    struct delta d;
    struct fake_engine *f;
};

static const struct fake_opts toy = {.n_ctx = 8,
                                     .n_seq = 1,
                                     .n_slots = 1,
                                     .n_batch = 8};

static struct shown begin(const char *stop)
{
    struct shown s = {.stops = STOPS_INIT, .d = DELTA_INIT};
    s.f = fake_engine_new(&toy);
    CHECK(s.f && stops_add(&s.stops, str_c(stop)) == ERR_OK);
    return s;
}

/* output_init keeps a pointer to the stops: call it at their final place. */
static void ready(struct shown *s)
{
    output_init(&s->out, &s->f->base, &s->stops, NULL);
}

static void end(struct shown *s)
{
    output_done(&s->out);
    stops_done(&s->stops);
    delta_done(&s->d);
    s->f->base.ops->close(&s->f->base);
}

static void token(struct shown *s, const char *piece, const char *logprob)
{
    CHECK(output_token(&s->out, str_c(piece), str_c(logprob), &s->d, NULL)
          == ERR_OK);
}

TEST(a_character_in_two_tokens_is_shown_whole)
{
    struct shown s = begin("");
    ready(&s);
    token(&s, "a\xd0", "");
    CHECK(str_eq(buf_str(&s.d.text), STR("a")));
    token(&s, "\xb6", "");
    CHECK(str_eq(buf_str(&s.d.text), STR("aж")));
    end(&s);
}

TEST(a_stop_string_over_three_tokens_is_not_shown)
{
    struct shown s = begin("STOP");
    ready(&s);
    token(&s, "text S", "");
    token(&s, "TO", "");
    CHECK(!s.out.stopped);
    token(&s, "P after", "");
    CHECK(s.out.stopped);
    CHECK(str_eq(buf_str(&s.d.text), STR("text ")));
    CHECK(output_end(&s.out, &s.d, NULL) == ERR_OK);
    CHECK(str_eq(buf_str(&s.d.text), STR("text ")));
    end(&s);
}

TEST(what_only_looked_like_a_stop_string_is_shown_at_the_end)
{
    struct shown s = begin("STOP");
    ready(&s);
    token(&s, "text STO", "");
    CHECK(str_eq(buf_str(&s.d.text), STR("text ")));
    CHECK(output_end(&s.out, &s.d, NULL) == ERR_OK);
    CHECK(str_eq(buf_str(&s.d.text), STR("text STO")));
    end(&s);
}

TEST(a_logprob_comes_with_the_text_of_its_token)
{
    struct shown s = begin("STOP");
    ready(&s);
    token(&s, "ab", "{1}");
    CHECK(str_eq(buf_str(&s.d.logprobs), STR("[{1}]")));
    delta_clear(&s.d);
    token(&s, "c S", "{2}");
    token(&s, "T", "{3}");
    CHECK(s.d.logprobs.len == 0);
    token(&s, "x", "{4}");
    CHECK(str_eq(buf_str(&s.d.logprobs), STR("[{2},{3},{4}]")));
    end(&s);
}

TEST(logprobs_of_a_swallowed_stop_string_are_dropped)
{
    struct shown s = begin("STOP");
    ready(&s);
    token(&s, "a", "{1}");
    token(&s, "ST", "{2}");
    token(&s, "OP", "{3}");
    CHECK(output_end(&s.out, &s.d, NULL) == ERR_OK);
    CHECK(str_eq(buf_str(&s.d.logprobs), STR("[{1}]")));
    end(&s);
}

TEST(tokens_without_visible_text_are_counted_in_the_next_delta)
{
    struct shown s = begin("");
    ready(&s);
    token(&s, "", "");
    token(&s, "\xd0", "");
    CHECK(delta_is_empty(&s.d));
    token(&s, "\xb6", "");
    CHECK(s.d.n_tokens == 3);
    end(&s);
}
