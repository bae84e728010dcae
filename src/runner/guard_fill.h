/*
 * guard_fill.h - the JSON of a chat, copied with marks in its client text.
 * The half of the guard that knows what a chat request looks like.
 */
#ifndef RUNNER_GUARD_FILL_H
#define RUNNER_GUARD_FILL_H

#include "data/json_write.h"
#include "runner/guard_marks.h"

struct guard_fill {
    struct guard_marks marks; /* afterwards: what was found and put */
    struct jsonw w;
    struct buf scratch; /* the caller's to release */
    struct why *why;
};

/* Replaces `out` by the request with marks: `everywhere` for [G2] instead of
 * [G1], with mark `number`. Checks messages and roles. */
NODISCARD enum err guard_fill_marked(struct engine *e, struct json input,
                                     struct json tail, bool everywhere,
                                     unsigned number, struct guard_fill *f,
                                     struct buf *out);

/* Appends the request as it came: marks would spoil grammar and parser. */
NODISCARD enum err guard_fill_unmarked(struct json input, struct json tail,
                                       struct buf *out, struct why *why);

#endif
