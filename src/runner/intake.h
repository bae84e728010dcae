/*
 * intake.h - from a message of the gateway to a job.
 *
 * What a client wrote never becomes a control token: see guard.h for how chat
 * templates are filled in, and why. Plain prompts are tokenized with control
 * texts as ordinary text.
 */
#ifndef RUNNER_INTAKE_H
#define RUNNER_INTAKE_H

#include "ipc/msg.h"
#include "runner/job.h"

/* Numbers for ERR_CONTEXT; n_prompt may be a lower bound, as the text says. */
struct intake_size {
    uint32_t n_prompt, n_ctx;
};

/* `seed` is used where the message has none. ERR_CONTEXT (with `size` set)
 * when a prompt does not leave room for one token of an answer; ERR_PARSE for
 * what the template refuses. */
NODISCARD enum err intake_generate(struct engine *e,
                                   const struct msg_generate *m, uint32_t req,
                                   uint64_t seed, struct job **out,
                                   struct intake_size *size, struct why *why);

NODISCARD enum err intake_embed(struct engine *e, const struct msg_embed *m,
                                uint32_t req, struct job **out,
                                struct intake_size *size, struct why *why);

NODISCARD enum err intake_count(struct engine *e, const struct msg_count *m,
                                uint32_t *n_tokens, struct why *why);

#endif
