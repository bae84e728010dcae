/*
 * output.h - from the tokens of one choice to what its reader may see.
 *
 * bytes of a token -> whole UTF-8 characters -> nothing of a stop string ->
 * text; and, where the chat format has reasoning or tool calls, through its
 * parser into three streams. A plain answer costs time in its length only; a
 * parsed one is read again as it grows, at steps that grow with it.
 */
#ifndef RUNNER_OUTPUT_H
#define RUNNER_OUTPUT_H

#include "base/buf.h"
#include "runner/engine.h"
#include "runner/stops.h"
#include "runner/utf8fix.h"

enum { OUTPUT_MAX = 16 << 20 }; /* bytes of one answer, far over any context */

/* What is new. Cleared by whoever hands it on. */
struct delta {
    struct buf text, reasoning, tool_calls, logprobs;
    uint32_t n_tokens;
};

#define DELTA_INIT                                                             \
    ((struct delta){BUF_INIT(OUTPUT_MAX), BUF_INIT(OUTPUT_MAX),                \
                    BUF_INIT(OUTPUT_MAX), BUF_INIT(OUTPUT_MAX), 0})

struct output {
    struct engine *engine;
    const struct stops *stops;    /* the job's */
    struct engine_parser *parser; /* NULL: plain text; owned */
    struct utf8fix fix;
    struct buf held;         /* may belong to a stop string */
    struct buf all;          /* whole answer, for the parser */
    size_t parsed, parse_at; /* bytes of `all` */
    size_t shown, seen;      /* bytes let through; and with `held` */
    struct buf logprobs;     /* records that wait for their text */
    uint32_t n_waiting;      /* tokens since the last delta */
    bool stopped;            /* a stop string was found */
    bool tool_calls;         /* the answer has some */
};

void output_init(struct output *o, struct engine *e, const struct stops *stops,
                 struct engine_parser *parser);
void output_done(struct output *o);

/* One token came. `logprob`: its JSON object or empty. What may be shown is
 * appended to `d`; true in d->n_tokens when something was. After a stop
 * string `stopped` is set and later tokens must not come. */
NODISCARD enum err output_token(struct output *o, struct str piece,
                                struct str logprob, struct delta *d,
                                struct why *why);

/* The answer ended: what was held back comes out. */
NODISCARD enum err output_end(struct output *o, struct delta *d,
                              struct why *why);

void delta_clear(struct delta *d);
void delta_done(struct delta *d);
bool delta_is_empty(const struct delta *d);

#endif
