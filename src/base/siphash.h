/*
 * siphash.h - SipHash-2-4 (Aumasson, Bernstein, 2012): a keyed hash for tables
 * whose keys come from a peer. Pure. Thread: any.
 */
#ifndef BASE_SIPHASH_H
#define BASE_SIPHASH_H

#include "base/str.h"

uint64_t siphash(struct str s, uint64_t k0, uint64_t k1);

#endif
