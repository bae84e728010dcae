#include "runner/embed.h"

#include "base/mem.h"

#include <math.h>

static enum err add_row(struct batcher *b, struct choice *c, uint32_t row,
                        struct why *why)
{
    uint32_t n = b->engine->facts.n_embd;
    const float *v = b->engine->ops->embedding(b->engine, row, c->seq);
    if (!v)
        return FAIL(why, ERR_RUNNER, "the engine gave no embedding");
    for (uint32_t i = 0; i < n; i++)
        c->sum[i] += (double)v[i];
    return ERR_OK;
}

enum err embed_take(struct batcher *b, const struct batcher_part *p,
                    struct why *why)
{
    struct choice *c = p->choice;
    uint32_t first = p->last + 1 - p->count;
    bool begins = c->fed == 0, ends = choice_left(c) == p->count;
    if (!c->sum)
        c->sum = mem_calloc(b->engine->facts.n_embd, sizeof *c->sum);
    if (!c->sum)
        return FAIL(why, ERR_NOMEM, "no memory for an embedding");
    if (begins)
        memset(c->sum, 0, b->engine->facts.n_embd * sizeof *c->sum);
    switch (b->engine->ops->pool(b->engine)) {
    case ENGINE_POOL_MEAN:
        for (uint32_t i = first; i <= p->last; i++)
            TRY(add_row(b, c, i, why));
        return ERR_OK;
    case ENGINE_POOL_FIRST:
        return begins ? add_row(b, c, first, why) : ERR_OK;
    case ENGINE_POOL_LAST:
    case ENGINE_POOL_DONE:
        return ends ? add_row(b, c, p->last, why) : ERR_OK;
    }
    return ERR_OK;
}

enum err embed_finish(struct batcher *b, struct choice *c, float *out,
                      struct why *why)
{
    uint32_t n = b->engine->facts.n_embd;
    double length = 0;
    for (uint32_t i = 0; i < n; i++)
        length += c->sum[i] * c->sum[i];
    if (!isfinite(length))
        return FAIL(why, ERR_MODEL, "the model computed no numbers (NaN)");
    double by = 1;
    if (c->job->normalize)
        by = length > 0 ? 1 / sqrt(length) : 0;
    else if (b->engine->ops->pool(b->engine) == ENGINE_POOL_MEAN)
        by = 1.0 / choice_count(c);
    for (uint32_t i = 0; i < n; i++)
        out[i] = (float)(c->sum[i] * by);
    return ERR_OK;
}
