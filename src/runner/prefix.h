/*
 * prefix.h - which tokens every sequence holds, and which of their cells are
 * shared.
 *
 * A tree of token spans. The path from the root to a sequence's leaf spells
 * its tokens; a span that several paths go through is stored once, as its
 * cells are. So the tree answers exactly the three questions of a batcher:
 * what part of this prompt is computed already, how many cells are taken, and
 * what would be gained by forgetting. Tokens are compared one by one, never
 * by hash. Siblings may begin with the same token: two sequences that
 * computed the same continuation each for itself have cells of their own.
 *
 * A sequence is *live* (somebody works on it) or *idle* (kept as cache, the
 * least recently used is forgotten first). It only mirrors the engine's
 * memory: the caller makes the same change there. Memory is bounded by the
 * number of cells and slots. Pure. One thread.
 */
#ifndef RUNNER_PREFIX_H
#define RUNNER_PREFIX_H

#include "base/err.h"

struct prefix;

NODISCARD struct prefix *prefix_new(uint32_t n_slots, uint32_t n_cells);
void prefix_free(struct prefix *p); /* NULL is fine */

/* A free sequence, now live and empty; -1 when all are taken. */
int32_t prefix_open(struct prefix *p);

/* `seq` computed `n` more tokens. ERR_LIMIT: more than all cells. On failure
 * nothing changed here, though the engine holds the tokens. */
NODISCARD enum err prefix_add(struct prefix *p, int32_t seq,
                              const int32_t *token, uint32_t n);

/* The sequence that shares the longest beginning with these tokens; returns
 * how long it is, 0 (and *seq -1) when nothing does. */
uint32_t prefix_match(const struct prefix *p, const int32_t *token, uint32_t n,
                      int32_t *seq);

/* `dst`, live and empty, gets the first `n` tokens of `src`. An idle `src`
 * counts as used now. */
NODISCARD enum err prefix_fork(struct prefix *p, int32_t src, uint32_t n,
                               int32_t dst);

void prefix_idle(struct prefix *p, int32_t seq); /* live -> idle */
void prefix_drop(struct prefix *p, int32_t seq); /* gone, its number is free */

/* An idle sequence whose tokens all stand at the beginning of another one:
 * dropping it loses nothing. -1: none. */
int32_t prefix_covered(const struct prefix *p);
int32_t prefix_oldest(const struct prefix *p); /* idle; -1: none */

uint32_t prefix_len(const struct prefix *p, int32_t seq);
/* Its tokens, prefix_len of them. */
void prefix_spell(const struct prefix *p, int32_t seq, int32_t *out);
uint32_t prefix_cells(const struct prefix *p);      /* taken */
uint32_t prefix_idle_cells(const struct prefix *p); /* by idle ones alone */

#endif
