/*
 * map.h - bounded hash table from byte strings to pointers.
 *
 * Keys are copied, values are the caller's. The hash is SipHash, keyed per
 * table: with a secret random seed a peer who chooses keys cannot choose
 * collisions. The number of
 * entries is bounded at birth. Iteration order is unspecified; do not change
 * the table while iterating. One thread at a time.
 */
#ifndef BASE_MAP_H
#define BASE_MAP_H

#include "base/err.h"
#include "base/str.h"

struct map {
    struct map_slot *slots;
    size_t count, cap, max;
    uint64_t seed;
};

#define MAP_INIT(max_entries, hash_seed)                                       \
    ((struct map){.max = (max_entries), .seed = (hash_seed)})

void *map_get(const struct map *m, struct str key); /* NULL when absent */

/* ERR_EXISTS when the key is there (nothing changes), ERR_LIMIT at `max`. */
NODISCARD enum err map_add(struct map *m, struct str key, void *value);

void *map_drop(struct map *m, struct str key); /* the value, or NULL */

/* for (size_t i = 0; map_next(&m, &i, &key, &value);) ... */
bool map_next(const struct map *m, size_t *i, struct str *key, void **value);

void map_done(struct map *m); /* keys only: values are the caller's */

#endif
