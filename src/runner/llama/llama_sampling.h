/*
 * llama_sampling.h - choosing the next token with llama.cpp's samplers.
 * Part of engine_llama.c; see engine.h for the contract.
 */
#ifndef RUNNER_LLAMA_LLAMA_SAMPLING_H
#define RUNNER_LLAMA_LLAMA_SAMPLING_H

#include "runner/engine.h"

#include <llama.h>

/* Space for one candidate list, shared by the samplers of an engine: they
 * work one after the other. */
struct llama_sampling_space {
    struct llama_context *ctx;
    const struct llama_vocab *vocab;
    llama_token_data *cand; /* n_vocab */
    uint32_t n_vocab;
};

NODISCARD enum err llama_sampling_new(struct llama_sampling_space *space,
                                      const struct engine_sampling *s,
                                      const struct engine_chat *chat,
                                      struct engine_sampler **out,
                                      struct why *why);
NODISCARD enum err llama_sampling_pick(struct engine_sampler *s, uint32_t row,
                                       int32_t *token, struct why *why);
void llama_sampling_free(struct engine_sampler *s);

#endif
