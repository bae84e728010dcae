/*
 * admit.h - who gets a sequence and cells. Part of the batcher (see its
 * header for the policy); split off because it is the half about memory.
 */
#ifndef RUNNER_ADMIT_H
#define RUNNER_ADMIT_H

#include "runner/batcher.h"

/* Starts waiting choices as far as sequences and cells reach. */
void admit_waiting(struct batcher *b);

/* Makes `n` cells free for running choices: forgets idle prefixes, then sends
 * the youngest choice back. False: a single choice is all there is and still
 * does not fit. */
NODISCARD bool admit_room(struct batcher *b, uint32_t n);

/* The choice leaves its sequence. `keep`: its prefix is remembered. */
void admit_leave(struct batcher *b, struct choice *c, bool keep);

/* Back to waiting; its tokens will be computed again. */
void admit_send_back(struct batcher *b, struct choice *c);

/* Cells that nobody uses or has been promised. */
uint32_t admit_free(const struct batcher *b);

#endif
