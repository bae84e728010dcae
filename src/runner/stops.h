/*
 * stops.h - finds stop strings in text that arrives in pieces.
 *
 * What could be the beginning of a stop string is held back until more text
 * decides, so that no part of one is ever shown. The occurrence that is
 * complete first wins (of two, the one that begins first), so the result does
 * not depend on where the text was cut. Pure.
 */
#ifndef RUNNER_STOPS_H
#define RUNNER_STOPS_H

#include "base/buf.h"

enum { STOPS_MAX = 32, STOPS_LEN_MAX = 1024 }; /* strings; bytes of one */

struct stops {
    struct buf text; /* the strings one after the other */
    uint32_t len[STOPS_MAX];
    uint32_t count;
};

#define STOPS_INIT                                                             \
    ((struct stops){.text = BUF_INIT((size_t)STOPS_MAX * STOPS_LEN_MAX)})

/* An empty string is ignored. ERR_LIMIT: too many or too long. */
NODISCARD enum err stops_add(struct stops *s, struct str text);
void stops_done(struct stops *s);

/* How much of `held` may be shown now. `*hit`: a stop string begins exactly
 * there, and nothing after it is wanted. Without a hit the rest, shorter than
 * the longest stop string, has to be kept and shown to the next call with
 * what comes after it. */
size_t stops_scan(const struct stops *s, struct str held, bool *hit);

#endif
