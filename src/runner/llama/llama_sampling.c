/*
 * One sampler per sequence. The order is llama.cpp's: bias, penalties, top-k,
 * top-p, min-p, temperature, then the dice. Penalties look at what this
 * sequence has generated, not at its prompt. Equal seeds give equal dice; the
 * logits under them may differ in the last bits with the number of sequences
 * in the batch, which is the kernels' doing.
 *
 * Short cuts keep the common cases off the vocabulary-sized path. Without dice,
 * bias and penalties the likeliest logit is looked up in place; where biases
 * only lower, as the one against the end of text, it still is the likeliest
 * unless it is one of those. And a grammar is first asked about the one token
 * that was chosen; only when it says no are all candidates put before it and
 * the choice is made again.
 */
#include "runner/llama/llama_sampling.h"

#include "base/mem.h"
#include "runner/llama/chat_bridge.h"

#include <math.h>

struct engine_sampler {
    struct llama_sampling_space *space;
    struct llama_sampler *chain;   /* NULL: the likeliest */
    struct llama_sampler *grammar; /* NULL: free text */
    llama_logit_bias *bias;        /* what the chain begins with */
    size_t n_bias;
    bool only_lowers; /* the chain is greedy, and no bias raises a token */
};

static bool penalizes(const struct engine_sampling *s)
{
    return s->penalty_last_n > 0
           && (s->repeat_penalty != 1.0F || s->presence_penalty != 0.0F
               || s->frequency_penalty != 0.0F);
}

static bool add(struct llama_sampler *chain, struct llama_sampler *s)
{
    if (s)
        llama_sampler_chain_add(chain, s);
    return s != NULL;
}

/* User's bias, tokens that the model never wants said, and no end of text
 * where it is not wanted. */
static enum err list_bias(struct engine_sampler *r,
                          const struct engine_sampling *s)
{
    int32_t n_off = 0;
    const struct llama_vocab *vocab = r->space->vocab;
    const llama_token *off = llama_vocab_get_suppress_tokens(vocab, &n_off);
    size_t max = s->n_bias + (size_t)n_off + (s->ignore_eos ? 64 : 0), n = 0;
    if (max == 0)
        return ERR_OK;
    r->bias = mem_calloc(max, sizeof *r->bias);
    if (!r->bias)
        return ERR_NOMEM;
    for (size_t i = 0; i < s->n_bias; i++)
        r->bias[n++] = (llama_logit_bias){s->bias[i].token, s->bias[i].bias};
    for (int32_t i = 0; i < n_off; i++)
        r->bias[n++] = (llama_logit_bias){off[i], -INFINITY};
    for (int32_t t = 0; s->ignore_eos && t < (int32_t)r->space->n_vocab; t++)
        if (n < max && llama_vocab_is_eog(vocab, t))
            r->bias[n++] = (llama_logit_bias){t, -INFINITY};
    r->n_bias = n;
    r->only_lowers = s->temperature <= 0 && !penalizes(s);
    for (size_t i = 0; i < n; i++)
        if (!(r->bias[i].bias <= 0.0F))
            r->only_lowers = false;
    return ERR_OK;
}

static enum err make_chain(struct engine_sampler *r,
                           const struct engine_sampling *s)
{
    struct llama_sampler *chain = r->chain;
    int32_t n_vocab = (int32_t)r->space->n_vocab;
    bool ok = true;
    TRY(list_bias(r, s));
    if (r->n_bias)
        ok = add(chain, llama_sampler_init_logit_bias(
                            n_vocab, (int32_t)r->n_bias, r->bias));
    if (penalizes(s))
        ok = ok
             && add(chain,
                    llama_sampler_init_penalties(
                        n_vocab, (int32_t)s->penalty_last_n, s->repeat_penalty,
                        s->frequency_penalty, s->presence_penalty));
    if (s->temperature <= 0)
        return ok && add(chain, llama_sampler_init_greedy()) ? ERR_OK
                                                             : ERR_NOMEM;
    if (s->top_k > 0)
        ok = ok && add(chain, llama_sampler_init_top_k((int32_t)s->top_k));
    if (s->top_p < 1.0F)
        ok = ok && add(chain, llama_sampler_init_top_p(s->top_p, 1));
    if (s->min_p > 0.0F)
        ok = ok && add(chain, llama_sampler_init_min_p(s->min_p, 1));
    ok = ok && add(chain, llama_sampler_init_temp(s->temperature))
         && add(chain, llama_sampler_init_dist(s->seed));
    return ok ? ERR_OK : ERR_NOMEM;
}

enum err llama_sampling_new(struct llama_sampling_space *space,
                            const struct engine_sampling *s,
                            const struct engine_chat *chat,
                            struct engine_sampler **out, struct why *why)
{
    int32_t n_off = 0;
    (void)llama_vocab_get_suppress_tokens(space->vocab, &n_off);
    struct engine_sampler *r = mem_zalloc(sizeof *r);
    if (!r)
        return FAIL(why, ERR_NOMEM, "no memory for a sampler");
    r->space = space;
    enum err e = bridge_grammar(space->vocab, chat, s->grammar, s->json_schema,
                                &r->grammar, why);
    if (e == ERR_OK
        && (s->temperature > 0 || s->n_bias || n_off || s->ignore_eos
            || penalizes(s))) {
        r->chain = llama_sampler_chain_init((llama_sampler_chain_params){true});
        e = r->chain ? make_chain(r, s) : ERR_NOMEM;
        if (e != ERR_OK)
            (void)FAIL(why, e, "no memory for a sampler");
    }
    if (e != ERR_OK) {
        llama_sampling_free(r);
        return e;
    }
    *out = r;
    return ERR_OK;
}

void llama_sampling_free(struct engine_sampler *s)
{
    if (!s)
        return;
    if (s->chain)
        llama_sampler_free(s->chain);
    if (s->grammar)
        llama_sampler_free(s->grammar);
    mem_free(s->bias);
    mem_free(s);
}

/* -1 when there is no number among them. */
static int32_t likeliest(const float *logits, uint32_t n)
{
    int32_t best = -1;
    float top = -INFINITY;
    for (uint32_t i = 0; i < n; i++)
        if (logits[i] > top) {
            top = logits[i];
            best = (int32_t)i;
        }
    return best;
}

/* Chooses among all candidates, those that the grammar refuses left out. */
static int32_t choose(struct engine_sampler *s, const float *logits, bool bound)
{
    llama_token_data *cand = s->space->cand;
    uint32_t n = s->space->n_vocab;
    for (uint32_t i = 0; i < n; i++)
        cand[i] = (llama_token_data){(llama_token)i, logits[i], 0.0F};
    llama_token_data_array all = {cand, n, -1, false};
    if (bound && !bridge_apply(s->grammar, &all))
        return -1;
    if (s->chain) {
        if (!bridge_apply(s->chain, &all) || all.selected < 0
            || (size_t)all.selected >= all.size)
            return -1;
        const llama_token_data *c = &all.data[all.selected];
        return c->logit == -INFINITY ? -1 : c->id;
    }
    int32_t best = -1;
    float top = -INFINITY;
    for (size_t i = 0; i < all.size; i++)
        if (all.data[i].logit > top) {
            top = all.data[i].logit;
            best = all.data[i].id;
        }
    return best;
}

/* What the chain would choose of logits whose likeliest is `t`. */
static bool chain_agrees(const struct engine_sampler *s, int32_t t)
{
    if (!s->chain)
        return true;
    for (size_t i = 0; i < s->n_bias; i++)
        if (s->bias[i].token == t)
            return false;
    return s->only_lowers;
}

static bool allowed(struct engine_sampler *s, int32_t token)
{
    llama_token_data one = {token, 1.0F, 0.0F};
    llama_token_data_array a = {&one, 1, -1, false};
    return bridge_apply(s->grammar, &a) && one.logit != -INFINITY;
}

enum err llama_sampling_pick(struct engine_sampler *s, uint32_t row,
                             int32_t *token, struct why *why)
{
    const float *logits = llama_get_logits_ith(s->space->ctx, (int32_t)row);
    if (!logits)
        return FAIL(why, ERR_RUNNER, "no logits for a sequence");
    int32_t t = likeliest(logits, s->space->n_vocab);
    if (t < 0)
        return FAIL(why, ERR_MODEL, "the model computed no numbers (NaN)");
    if (!chain_agrees(s, t))
        t = choose(s, logits, false);
    if (s->grammar && (t < 0 || !allowed(s, t)))
        t = choose(s, logits, true);
    if (t < 0)
        return FAIL(why, ERR_MODEL, "no token satisfies the request");
    if (s->chain && !bridge_accept(s->chain, t))
        return FAIL(why, ERR_RUNNER, "the sampler failed");
    if (s->grammar && !bridge_accept(s->grammar, t))
        return FAIL(why, ERR_RUNNER, "the grammar came to a dead end");
    *token = t;
    return ERR_OK;
}
