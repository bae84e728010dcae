#include "runner/logprob.h"

#include <math.h>

#include "data/json.h"
#include "fake/fake_engine.h"
#include "test.h"

static const struct fake_opts toy = {.n_ctx = 8,
                                     .n_seq = 1,
                                     .n_slots = 1,
                                     .n_batch = 8};

static double number(struct json v, const char *key)
{
    double d = 0;
    CHECK(json_get_f64(v, key, -1e9, 1e9, &d, NULL) == ERR_OK);
    return d;
}

/* Logits of a vocabulary in which nothing is possible. */
static void nothing(float logits[FAKE_VOCAB])
{
    for (int i = 0; i < FAKE_VOCAB; i++)
        logits[i] = -INFINITY;
}

static struct json answer(const float *logits, int32_t token, uint32_t n_top,
                          struct json_doc *doc)
{
    CLEANUP(buf_done) struct buf out = BUF_INIT(1 << 16);
    struct fake_engine *f = fake_engine_new(&toy);
    CHECK(logprob_json(&f->base, logits, token, n_top, &out) == ERR_OK);
    CHECK(json_parse(doc, buf_str(&out), NULL, NULL) == ERR_OK);
    f->base.ops->close(&f->base);
    return json_root(doc);
}

TEST(logprobs_are_those_of_the_raw_softmax)
{
    float logits[FAKE_VOCAB];
    CLEANUP(json_done) struct json_doc doc = JSON_DOC_INIT;
    nothing(logits);
    logits['a'] = logf(0.5F) + 3;
    logits['b'] = logf(0.3F) + 3;
    logits['c'] = logf(0.2F) + 3;
    struct json v = answer(logits, 'b', 2, &doc);
    struct json top = json_get(v, "top_logprobs");
    CHECK(str_eq(json_str(json_get(v, "token")), STR("b")));
    CHECK(fabs(exp(number(v, "logprob")) - 0.3) < 1e-5);
    CHECK(json_count(top) == 2);
    CHECK(str_eq(json_str(json_get(json_at(top, 0), "token")), STR("a")));
    CHECK(fabs(exp(number(json_at(top, 0), "logprob")) - 0.5) < 1e-5);
    CHECK(json_count(json_get(v, "bytes")) == 1);
}

TEST(an_impossible_token_has_a_number_too)
{
    float logits[FAKE_VOCAB];
    CLEANUP(json_done) struct json_doc doc = JSON_DOC_INIT;
    nothing(logits);
    logits['a'] = 1;
    CHECK(number(answer(logits, 'b', 0, &doc), "logprob") < -9998);
}
