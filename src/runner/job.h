/*
 * job.h - a request while it lives in the runner.
 *
 * A job has choices; each is one sequence with its own dice and output. Born
 * by intake.c from a message, given to the batcher, freed by it. Plain data
 * with a destructor: the batcher decides everything.
 */
#ifndef RUNNER_JOB_H
#define RUNNER_JOB_H

#include "runner/engine.h"
#include "runner/output.h"
#include "runner/stops.h"

enum { JOB_CHOICES_MAX = 256 };

enum choice_state {
    CHOICE_WAITING, /* has no sequence (not yet, or it had to give it back) */
    CHOICE_RUNNING, /* has one; tokens[fed..n) are still to be computed */
    CHOICE_ENDED,
};

struct choice {
    struct job *job;
    uint32_t index;
    enum choice_state state;
    struct buf tokens; /* int32_t: the prompt, then what was generated */
    uint32_t n_prompt;
    uint32_t n_cached; /* of the prompt, not computed for this choice */
    uint32_t fed;      /* tokens that the engine holds for it */
    int32_t seq;       /* -1: none */
    bool started;      /* ever */
    const struct engine_chat *chat; /* the job's, or NULL */
    struct engine_sampler *sampler;
    struct output out;
    double *sum; /* embedding: what was pooled so far, n_embd */
    uint64_t started_us, first_us;
};

struct job {
    struct job *next; /* by age */
    uint32_t req;
    bool embed, normalize; /* embedding job; unit length wanted */
    bool held;             /* the reader is slow */
    struct choice *choices;
    uint32_t n, n_running, n_ended;
    struct engine *engine;
    struct engine_chat **chats; /* owned; one per branch */
    uint32_t n_chats;
    struct stops stops;
    uint32_t max_tokens; /* 0: as many as fit */
    bool logprobs;
    uint32_t top_logprobs;
    uint64_t born_us;
};

/* `n` waiting choices without tokens. NULL without memory. */
NODISCARD struct job *job_new(struct engine *e, uint32_t req, uint32_t n);
void job_free(struct job *j); /* NULL is fine; choices must have no sequence */

const int32_t *choice_tokens(const struct choice *c);
uint32_t choice_count(const struct choice *c); /* tokens */
uint32_t choice_left(const struct choice *c);  /* not yet computed */
NODISCARD enum err choice_add(struct choice *c, int32_t token);

#endif
