/*
 * logprob.h - log-probabilities of one step, in OpenAI's form.
 *
 * From the raw logits, before temperature, penalties and grammar: what the
 * model thought, not what the request made of it.
 */
#ifndef RUNNER_LOGPROB_H
#define RUNNER_LOGPROB_H

#include "base/buf.h"
#include "runner/engine.h"

enum { LOGPROB_TOP_MAX = 20 };

/* Appends one JSON object: token, logprob, bytes, top_logprobs with the `top`
 * likeliest (at most LOGPROB_TOP_MAX). -9999.0 stands for impossible. */
NODISCARD enum err logprob_json(struct engine *e, const float *logits,
                                int32_t token, uint32_t top, struct buf *out);

#endif
