#include "runner/intake.h"

#include "base/mem.h"
#include "data/json.h"
#include "runner/guard.h"
#include "runner/logprob.h"

#define PROMPT_BYTES_MAX ((size_t)64 << 20)

enum {
    BIAS_MAX = 1024,
    N_MAX = 128,
    RULES_MAX = 64 << 10, /* bytes of a grammar or schema */
    PENALTY_LAST_N = 64,  /* where the request has none */
};

static uint32_t count_of(const struct buf *tokens)
{
    return (uint32_t)(tokens->len / sizeof(int32_t));
}

static enum err check_size(struct engine *e, uint32_t n, uint32_t room,
                           struct intake_size *size, struct why *why)
{
    uint32_t max = e->facts.n_ctx_seq;
    if (n == 0)
        return FAIL(why, ERR_RANGE, "the prompt is empty");
    if (n + room <= max)
        return ERR_OK;
    *size = (struct intake_size){n, max};
    return FAIL(why, ERR_CONTEXT,
                "the prompt has %u tokens and the model's context holds %u", n,
                max);
}

/* ---- what a request says besides its text ---------------------------------- */

static enum err read_stops(struct str text, struct stops *out, struct why *why)
{
    CLEANUP(json_done) struct json_doc doc = JSON_DOC_INIT;
    if (text.n == 0)
        return ERR_OK;
    TRY(json_parse(&doc, text, NULL, why));
    struct json v = json_root(&doc);
    struct str one;
    if (json_type(v) == JSON_STRING) {
        if (stops_add(out, json_str(v)) != ERR_OK)
            return json_fail(v, ERR_LIMIT, why, "stop string too long");
        return ERR_OK;
    }
    struct str key;
    struct json item;
    for (struct json_iter it = json_iter(v); json_next(&it, &key, &item);) {
        TRY(json_as_str(item, &one, why));
        if (stops_add(out, one) != ERR_OK)
            return json_fail(item, ERR_LIMIT, why,
                             "at most %d stop strings of %d bytes", STOPS_MAX,
                             STOPS_LEN_MAX);
    }
    return ERR_OK;
}

static enum err read_bias(struct engine *e, struct str text,
                          struct engine_bias *out, size_t *n, struct why *why)
{
    CLEANUP(json_done) struct json_doc doc = JSON_DOC_INIT;
    if (text.n == 0)
        return ERR_OK;
    TRY(json_parse(&doc, text, NULL, why));
    struct str key;
    struct json item;
    for (struct json_iter it = json_iter(json_root(&doc));
         json_next(&it, &key, &item);) {
        uint64_t token;
        double bias;
        if (*n == BIAS_MAX)
            return json_fail(item, ERR_LIMIT, why, "at most %d entries",
                             BIAS_MAX);
        if (!str_u64(key, e->facts.n_vocab - 1, &token))
            return json_fail(item, ERR_RANGE, why, "is not a token");
        TRY(json_as_f64(item, -1000, 1000, &bias, why));
        if (bias <= -100) /* OpenAI: a ban */
            bias = -1e30;
        out[(*n)++] = (struct engine_bias){(int32_t)token, (float)bias};
    }
    return ERR_OK;
}

static bool in(float v, float min, float max)
{
    return v >= min && v <= max; /* false for NaN */
}

static enum err check_sampling(const struct engine_sampling *s, struct why *why)
{
    if (!in(s->temperature, 0, 100))
        return FAIL(why, ERR_RANGE, "temperature must be 0 to 100");
    if (!in(s->top_p, 0, 1) || !in(s->min_p, 0, 1))
        return FAIL(why, ERR_RANGE, "top_p and min_p must be 0 to 1");
    if (!in(s->repeat_penalty, 0.01F, 100))
        return FAIL(why, ERR_RANGE, "repeat_penalty must be 0.01 to 100");
    if (!in(s->presence_penalty, -100, 100)
        || !in(s->frequency_penalty, -100, 100))
        return FAIL(why, ERR_RANGE, "penalties must be -100 to 100");
    if (s->top_k > INT32_MAX)
        return FAIL(why, ERR_RANGE, "top_k is too large");
    if (s->grammar.n > RULES_MAX || s->json_schema.n > RULES_MAX)
        return FAIL(why, ERR_LIMIT,
                    "the grammar or schema has %zu bytes, at most %d are taken",
                    MAX(s->grammar.n, s->json_schema.n), RULES_MAX);
    return ERR_OK;
}

static struct engine_sampling sampling_of(const struct engine *e,
                                          const struct msg_generate *m)
{
    return (struct engine_sampling){
        .temperature = m->temperature,
        .top_p = m->top_p,
        .min_p = m->min_p,
        .top_k = m->top_k,
        .repeat_penalty = m->repeat_penalty,
        .presence_penalty = m->presence_penalty,
        .frequency_penalty = m->frequency_penalty,
        .penalty_last_n = m->penalty_last_n
                              ? MIN(m->penalty_last_n, e->facts.n_ctx_seq)
                              : PENALTY_LAST_N,
        .ignore_eos = m->ignore_eos,
        .grammar = m->grammar,
        .json_schema = m->json_schema,
    };
}

/* ---- prompts ---------------------------------------------------------------- */

/* One branch on its way to its choices. */
struct branch {
    struct buf tokens;
    struct engine_rendered chat;
};

struct request {
    struct engine *e;
    const struct msg_generate *m;
    struct json input, branches; /* parsed, for chats; and always */
    uint64_t seed;
    struct intake_size *size;
};

static enum err plain_branch(const struct request *r, struct json tail,
                             struct branch *out, struct why *why)
{
    CLEANUP(buf_done) struct buf text = BUF_INIT(PROMPT_BYTES_MAX);
    struct str end = STR_EMPTY;
    if (json_type(tail) != JSON_ABSENT)
        TRY(json_as_str(tail, &end, why));
    TRY(buf_add(&text, r->m->input));
    TRY(buf_add(&text, end));
    return guard_text(r->e, buf_str(&text), &r->size->n_prompt, &out->tokens,
                      why);
}

static enum err chat_branch(const struct request *r, struct json tail,
                            struct job *j, struct branch *out, struct why *why)
{
    CLEANUP(buf_done) struct buf stops = BUF_INIT(1 << 16);
    struct guard_chat chat = {r->input, tail, r->m->grammar, r->m->json_schema,
                              &r->size->n_prompt};
    TRY(guard_chat(r->e, &chat, &out->tokens, &stops, &out->chat, why));
    for (struct str rest = buf_str(&stops); rest.n;)
        TRY(stops_add(&j->stops, str_cut(&rest, '\0')));
    return ERR_OK;
}

/* The choices of one branch: same prompt, dice of their own. */
static enum err fill_choices(struct job *j, uint32_t first, uint32_t n,
                             const struct branch *b, struct engine_sampling *s,
                             uint64_t seed, struct why *why)
{
    struct engine *e = j->engine;
    for (uint32_t i = 0; i < n; i++) {
        struct choice *c = &j->choices[first + i];
        struct engine_parser *parser = NULL;
        if (buf_add(&c->tokens, buf_str(&b->tokens)) != ERR_OK)
            return FAIL(why, ERR_NOMEM, "no memory for the prompt");
        c->n_prompt = choice_count(c);
        c->chat = b->chat.chat;
        s->seed = (uint32_t)((seed + i) ^ ((seed + i) >> 32));
        TRY(e->ops->sampler_new(e, s, c->chat, &c->sampler, why));
        if (c->chat && !b->chat.plain) {
            TRY(e->ops->parser_new(b->chat.chat, &parser, why));
            output_init(&c->out, e, &j->stops, parser);
        }
    }
    return ERR_OK;
}

static enum err fill_branch(const struct request *r, struct job *j, uint32_t at,
                            struct json tail, struct engine_sampling *s,
                            struct why *why)
{
    CLEANUP(buf_done) struct buf tokens = BUF_INIT(PROMPT_BYTES_MAX);
    struct branch b = {.tokens = tokens};
    enum err e = r->m->is_chat ? chat_branch(r, tail, j, &b, why)
                               : plain_branch(r, tail, &b, why);
    tokens = b.tokens; /* freed here whatever happens */
    if (b.chat.chat)
        j->chats[j->n_chats++] = b.chat.chat;
    TRY(e);
    TRY(check_size(r->e, count_of(&tokens), 1, r->size, why));
    return fill_choices(j, at * r->m->n, r->m->n, &b, s, r->seed, why);
}

static enum err fill_job(const struct request *r, struct job *j,
                         uint32_t n_branches, struct why *why)
{
    const struct msg_generate *m = r->m;
    struct engine_sampling s = sampling_of(r->e, m);
    CLEANUP(mem_freep)
    struct engine_bias *bias = mem_calloc(BIAS_MAX, sizeof *bias);
    j->chats = mem_calloc(n_branches, sizeof(struct engine_chat *));
    if (!bias || !j->chats)
        return FAIL(why, ERR_NOMEM, "no memory for the request");
    j->max_tokens = m->max_tokens;
    j->logprobs = m->logprobs || m->top_logprobs;
    j->top_logprobs = m->top_logprobs;
    TRY(check_sampling(&s, why));
    TRY(read_stops(m->stop, &j->stops, why));
    TRY(read_bias(r->e, m->logit_bias, bias, &s.n_bias, why));
    s.bias = bias;
    for (uint32_t i = 0; i < n_branches; i++)
        TRY(fill_branch(r, j, i, json_at(r->branches, i), &s, why));
    return ERR_OK;
}

enum err intake_generate(struct engine *e, const struct msg_generate *m,
                         uint32_t req, uint64_t seed, struct job **out,
                         struct intake_size *size, struct why *why)
{
    CLEANUP(json_done) struct json_doc input = JSON_DOC_INIT;
    CLEANUP(json_done) struct json_doc branches = JSON_DOC_INIT;
    size->n_ctx = e->facts.n_ctx_seq;
    if (!e->facts.can_generate)
        return FAIL(why, ERR_UNSUPPORTED, "this model only embeds");
    if (m->top_logprobs > LOGPROB_TOP_MAX)
        return FAIL(why, ERR_RANGE, "top_logprobs must be 0 to %d",
                    LOGPROB_TOP_MAX);
    if (m->is_chat)
        TRY(json_parse(&input, m->input, NULL, why));
    if (m->branches.n)
        TRY(json_parse(&branches, m->branches, NULL, why));
    struct request r = {e,
                        m,
                        json_root(&input),
                        json_root(&branches),
                        m->has_seed ? m->seed : seed,
                        size};
    size_t n = MAX(json_count(r.branches), 1);
    if (m->n < 1 || m->n > N_MAX || n * m->n > JOB_CHOICES_MAX)
        return FAIL(why, ERR_RANGE, "a request has 1 to %d choices",
                    JOB_CHOICES_MAX);
    struct job *j = job_new(e, req, (uint32_t)n * m->n);
    if (!j)
        return FAIL(why, ERR_NOMEM, "no memory for the request");
    enum err err = fill_job(&r, j, (uint32_t)n, why);
    if (err != ERR_OK) {
        job_free(j);
        return err;
    }
    *out = j;
    return ERR_OK;
}

/* ---- embeddings and counting ------------------------------------------------ */

static enum err token_ids(struct engine *e, struct json ids, struct buf *out,
                          struct why *why)
{
    struct str key;
    struct json item;
    for (struct json_iter it = json_iter(ids); json_next(&it, &key, &item);) {
        uint64_t id;
        TRY(json_as_u64(item, 0, e->facts.n_vocab - 1, &id, why));
        int32_t t = (int32_t)id;
        TRY(buf_add(out, (struct str){(const char *)&t, sizeof t}));
    }
    return ERR_OK;
}

static enum err fill_input(struct engine *e, struct json in, struct choice *c,
                           struct intake_size *size, struct why *why)
{
    struct str text;
    if (json_type(in) == JSON_ARRAY) {
        TRY(token_ids(e, in, &c->tokens, why));
    } else {
        TRY(json_as_str(in, &text, why));
        TRY(guard_text(e, text, &size->n_prompt, &c->tokens, why));
    }
    c->n_prompt = choice_count(c);
    return check_size(e, c->n_prompt, 0, size, why);
}

enum err intake_embed(struct engine *e, const struct msg_embed *m, uint32_t req,
                      struct job **out, struct intake_size *size,
                      struct why *why)
{
    CLEANUP(json_done) struct json_doc doc = JSON_DOC_INIT;
    size->n_ctx = e->facts.n_ctx_seq;
    if (!e->facts.can_embed)
        return FAIL(why, ERR_UNSUPPORTED, "this model cannot embed");
    TRY(json_parse(&doc, m->inputs, NULL, why));
    struct json inputs = json_root(&doc), in;
    size_t n = json_count(inputs);
    if (json_type(inputs) != JSON_ARRAY || n < 1 || n > 2048)
        return FAIL(why, ERR_RANGE, "a request has 1 to 2048 inputs");
    struct job *j = job_new(e, req, (uint32_t)n);
    if (!j)
        return FAIL(why, ERR_NOMEM, "no memory for the request");
    j->embed = true;
    j->normalize = m->normalize;
    struct str key;
    uint32_t i = 0;
    enum err err = ERR_OK;
    for (struct json_iter it = json_iter(inputs);
         err == ERR_OK && json_next(&it, &key, &in); i++)
        err = fill_input(e, in, &j->choices[i], size, why);
    if (err != ERR_OK) {
        job_free(j);
        return err;
    }
    *out = j;
    return ERR_OK;
}

enum err intake_count(struct engine *e, const struct msg_count *m,
                      uint32_t *n_tokens, struct why *why)
{
    CLEANUP(buf_done) struct buf tokens = BUF_INIT(PROMPT_BYTES_MAX);
    CLEANUP(json_done) struct json_doc input = JSON_DOC_INIT;
    uint32_t at_least; /* the text says it */
    if (m->is_chat) {
        TRY(json_parse(&input, m->input, NULL, why));
        struct guard_chat chat = {.input = json_root(&input),
                                  .at_least = &at_least};
        TRY(guard_chat(e, &chat, &tokens, NULL, NULL, why));
    } else {
        TRY(guard_text(e, m->input, &at_least, &tokens, why));
    }
    *n_tokens = count_of(&tokens);
    return ERR_OK;
}
