/*
 * rng.h - reproducible pseudo-random numbers (SplitMix64; Steele, Lea,
 * Flood, OOPSLA 2014). For sampling, jitter and tests; never for secrets
 * (those come from sys_random). One generator belongs to one thread.
 */
#ifndef BASE_RNG_H
#define BASE_RNG_H

#include "base/base.h"

struct rng {
    uint64_t state;
};

#define RNG_INIT(seed) ((struct rng){(seed)})

uint64_t rng_u64(struct rng *r);
uint64_t rng_below(struct rng *r, uint64_t n); /* 0..n-1 without bias; n > 0 */
double rng_unit(struct rng *r);                /* [0, 1) */

#endif
