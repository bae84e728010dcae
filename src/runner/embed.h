/*
 * embed.h - pooling of token embeddings into one vector. Part of the batcher.
 *
 * The model says how it pools (mean, first, last). A model that says nothing
 * gets the mean over all its tokens, the usual choice for models trained to
 * generate. Inputs are computed in pieces, so their length is bounded by the
 * context and by nothing else; only encoders, where every token sees every
 * other, are computed whole.
 */
#ifndef RUNNER_EMBED_H
#define RUNNER_EMBED_H

#include "runner/batcher.h"

/* Pools a computed part of an input. */
NODISCARD enum err embed_take(struct batcher *b, const struct batcher_part *p,
                              struct why *why);

/* All parts are there: writes n_embd values, of length 1 if the job wants. */
NODISCARD enum err embed_finish(struct batcher *b, struct choice *c, float *out,
                                struct why *why);

#endif
