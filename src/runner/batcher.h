/*
 * batcher.h - decides what the engine computes next.
 *
 * Continuous batching over one cache: every step is one engine call with the
 * next token of every sequence that generates, and a slice of the prompts
 * that are being read. Knows nothing of channels, JSON or llama.cpp.
 *
 * Policy. Waiting choices start when a sequence and cells are free; the job
 * with the fewest running choices first, then the oldest. A prompt takes what
 * is computed already (prefix.h); one that shares its beginning with a prompt
 * in the making waits for it instead of computing the same. Idle cells cost
 * everybody time: beyond BATCHER_IDLE_MAX of them, remembered prefixes leave
 * the cache when somebody starts, and come back from where they are parked
 * (parked.h). When cells run out, remembered prefixes go first too, the least
 * recently used one before the others; then the youngest running choice gives its cells back and starts
 * again later from its tokens. No text is ever cut to make room. A choice whose
 * reader is slow gives up its place as soon as somebody waits for one.
 *
 * Slices are as large as the time allows: while another request generates, a
 * slice adds BATCHER_SLICE_US to its step (more where a step is slow itself);
 * alone it takes BATCHER_ALONE_US. The clock is injected; a slice is computed
 * from measured speed.
 *
 * One thread. The callbacks of the sink must not call back into the batcher.
 */
#ifndef RUNNER_BATCHER_H
#define RUNNER_BATCHER_H

#include "runner/job.h"
#include "runner/parked.h"
#include "runner/prefix.h"

enum {
    BATCHER_SLICE_US = 80000, /* beside the neighbours' own step */
    BATCHER_SLICE_MAX_US = 150000,
    BATCHER_ALONE_US = 1000000,
    BATCHER_SLICE_MIN = 8,    /* tokens: a prompt must get on */
    BATCHER_SLICE_FIRST = 16, /* before the speed is known */
    BATCHER_SHARE_MIN = 32,   /* tokens worth waiting for, worth remembering */
    BATCHER_IDLE_MAX = 512,   /* idle cells while somebody computes */
    BATCHER_JOBS_MAX = 256,
};

enum batcher_finish { /* as enum msg_finish */
                      BATCHER_STOP,
                      BATCHER_LENGTH,
                      BATCHER_TOOL_CALLS,
                      BATCHER_CANCELLED,
                      BATCHER_ERROR,
};

struct batcher_usage {
    uint32_t prompt_tokens, cached_tokens, completion_tokens;
    uint64_t queue_us, prefill_us, decode_us;
};

struct batcher_sink {
    void *ctx;
    void (*delta)(void *ctx, uint32_t req, uint32_t index,
                  const struct delta *d);
    void (*vector)(void *ctx, uint32_t req, uint32_t index, uint32_t n_tokens,
                   const float *values, uint32_t n);
    /* Of each choice; of an embedding request once, as its only one. */
    void (*done)(void *ctx, uint32_t req, uint32_t index, uint32_t of,
                 enum batcher_finish finish, const struct batcher_usage *u);
    /* Ends the whole request, whatever was said of its choices before. */
    void (*fail)(void *ctx, uint32_t req, const struct why *why);
};

struct batcher_stats {
    uint32_t n_active, n_waiting; /* choices */
    uint32_t cells_used, cells_total;
    uint64_t prompt_tokens, cached_tokens, completion_tokens;
    uint64_t steps, busy_us;
};

/* One entry of the batch being computed. */
struct batcher_part {
    struct choice *choice;
    uint32_t count, last; /* tokens; batch index of the last of them */
};

struct batcher {
    struct engine *engine;
    struct prefix *prefix;
    struct parked parked;
    uint32_t idle_max; /* BATCHER_IDLE_MAX */
    struct batcher_sink sink;
    uint64_t (*now_us)(void);
    struct job *jobs; /* oldest first */
    uint32_t n_jobs;
    struct choice **running; /* facts.n_seq */
    uint32_t n_running, turn;
    struct engine_batch batch;
    struct batcher_part *parts; /* facts.n_seq */
    uint32_t n_parts;
    struct delta delta;
    double us_per_token; /* of a prompt, measured; 0: not yet */
    double us_per_step;  /* of a step that reads no prompt */
    bool embed_turn;
    struct batcher_stats stats;
};

NODISCARD enum err batcher_init(struct batcher *b, struct engine *e,
                                const struct batcher_sink *sink,
                                uint64_t (*now_us)(void));
void batcher_done(struct batcher *b); /* jobs are dropped silently */

/* Takes the job on success. ERR_BUSY: BATCHER_JOBS_MAX are here already. A
 * prompt must have at least one token and fit: see batcher_fits. */
NODISCARD enum err batcher_add(struct batcher *b, struct job *j,
                               struct why *why);
/* Longest prompt that leaves room for one token of an answer. */
uint32_t batcher_prompt_max(const struct batcher *b);

void batcher_cancel(struct batcher *b, uint32_t req); /* unknown: nothing */
void batcher_hold(struct batcher *b, uint32_t req, bool hold);

/* One engine call and its consequences. False: nothing can be done now. */
bool batcher_step(struct batcher *b);

/* True while the engine reads a prompt of this request (any, for 0): stopping
 * the engine now would save time. */
bool batcher_is_reading(const struct batcher *b, uint32_t req);

bool batcher_idle(const struct batcher *b); /* no jobs at all */
void batcher_stats(const struct batcher *b, struct batcher_stats *out);

#endif
