/*
 * id.h - public identifiers such as "req_01hqzw5x8k3m9v2t7r4n6p8s0a".
 *
 * A prefix, "_", and 26 characters of Crockford base 32: 48 bits of time in
 * milliseconds and 80 random bits (the ULID layout), so that ids sort by
 * their time of birth. Time and random bits are given by the caller. Pure.
 */
#ifndef BASE_ID_H
#define BASE_ID_H

#include "base/str.h"

#define ID_MAX 48 /* bytes with the NUL; prefixes are at most 16 bytes */

struct id {
    char text[ID_MAX];
};

struct id id_make(const char *prefix, int64_t unix_ms,
                  const unsigned char random[10]);

/* True for the form above with exactly this prefix. */
bool id_valid(struct str text, const char *prefix);

#endif
