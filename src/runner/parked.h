/*
 * parked.h - prefixes that left the cache and can come back.
 *
 * Attention walks over every cell up to the last one in use, whoever owns it:
 * on a CPU, 8,000 cells of idle prefixes double the price of a token. So
 * prefixes that nobody works on are copied out of the cache as bytes, and
 * copied in again when a prompt begins with them; that takes milliseconds
 * where computing them takes seconds.
 *
 * Bytes are bounded at birth; the least recently used goes first. An entry
 * that begins with another one replaces it. Tokens are compared one by one.
 * One thread. Knows nothing of the engine.
 */
#ifndef RUNNER_PARKED_H
#define RUNNER_PARKED_H

#include "base/buf.h"
#include "base/err.h"

enum { PARKED_ENTRIES_MAX = 64 };

struct parked_entry {
    struct buf tokens; /* int32_t */
    struct buf state;  /* what the engine wrote */
    uint64_t used;     /* 0: the entry is free */
};

struct parked {
    struct parked_entry entries[PARKED_ENTRIES_MAX];
    uint64_t bytes, bytes_max, clock;
};

/* What may be parked beside a cache of this size; part of a model's need. */
uint64_t parked_max(uint64_t kv_bytes);

struct parked parked_init(uint64_t bytes_max); /* 0: nothing is ever parked */
void parked_done(struct parked *p);

/* False: too little of these tokens is new to be worth a copy. */
bool parked_wants(const struct parked *p, const int32_t *token, uint32_t n);

/* Keeps a copy of `token`; takes `state` on success. ERR_LIMIT: larger than
 * all there is; then, and without memory, nothing changed but that others may
 * have been forgotten. */
NODISCARD enum err parked_put(struct parked *p, const int32_t *token,
                              uint32_t n, struct buf *state);

/* The entry that shares the longest beginning with these tokens, and how long
 * that is; 0 and NULL when none does. Borrowed until the next put. */
uint32_t parked_match(const struct parked *p, const int32_t *token, uint32_t n,
                      const struct parked_entry **out);
uint32_t parked_len(const struct parked_entry *e);                 /* tokens */
void parked_touch(struct parked *p, const struct parked_entry *e); /* used */

#endif
