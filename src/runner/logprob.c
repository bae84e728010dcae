#include "runner/logprob.h"

#include "data/jsonw.h"

#include <math.h>

#define IMPOSSIBLE (-9999.0)

struct scored {
    int32_t token;
    float logit;
};

/* The `n` largest, in order, by insertion: n is small. */
static uint32_t largest(const float *logits, uint32_t n_vocab, uint32_t n,
                        struct scored *best)
{
    uint32_t count = 0;
    for (uint32_t t = 0; t < n_vocab && n; t++) {
        if (count == n && !(logits[t] > best[n - 1].logit))
            continue;
        uint32_t at = count < n ? count++ : n - 1;
        for (; at > 0 && logits[t] > best[at - 1].logit; at--)
            best[at] = best[at - 1];
        best[at] = (struct scored){(int32_t)t, logits[t]};
    }
    return count;
}

/* log of the sum of all exponentials. */
static double normalizer(const float *logits, uint32_t n)
{
    float top = -INFINITY;
    double sum = 0;
    for (uint32_t i = 0; i < n; i++)
        top = logits[i] > top ? logits[i] : top;
    for (uint32_t i = 0; i < n; i++)
        sum += (double)expf(logits[i] - top);
    return sum > 0 ? (double)top + log(sum) : (double)top;
}

static void entry(struct jsonw *w, struct engine *e, int32_t token,
                  double logprob)
{
    struct str piece = e->ops->piece(e, NULL, token);
    jsonw_key_str(w, "token", piece);
    jsonw_key_f64(w, "logprob",
                  isfinite(logprob) ? MAX(logprob, IMPOSSIBLE) : IMPOSSIBLE);
    jsonw_key_arr(w, "bytes");
    for (size_t i = 0; i < piece.n; i++)
        jsonw_u64(w, (unsigned char)piece.p[i]);
    jsonw_arr_end(w);
}

enum err logprob_json(struct engine *e, const float *logits, int32_t token,
                      uint32_t top, struct buf *out)
{
    struct scored best[LOGPROB_TOP_MAX];
    uint32_t n =
        largest(logits, e->facts.n_vocab, MIN(top, LOGPROB_TOP_MAX), best);
    double all = normalizer(logits, e->facts.n_vocab);
    struct jsonw w = JSONW_INIT(out);
    jsonw_obj(&w);
    entry(&w, e, token, (double)logits[token] - all);
    jsonw_key_arr(&w, "top_logprobs");
    for (uint32_t i = 0; i < n; i++) {
        jsonw_obj(&w);
        entry(&w, e, best[i].token, (double)best[i].logit - all);
        jsonw_obj_end(&w);
    }
    jsonw_arr_end(&w);
    jsonw_obj_end(&w);
    return jsonw_end(&w);
}
