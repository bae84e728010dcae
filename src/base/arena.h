/*
 * arena.h - memory that lives as long as one request or one turn.
 *
 * Allocations are bumped out of blocks and freed all at once. The arena has a
 * byte ceiling given at birth; cleanup callbacks release what is not memory
 * (descriptors, library objects) in reverse order of registration. Under
 * sanitizers every allocation is its own block, so that use after the end and
 * overruns are seen. One thread at a time.
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include "base/err.h"
#include "base/str.h"

struct arena {
    struct arena_block *blocks;
    struct arena_cleanup *cleanups;
    size_t used, max; /* bytes asked of the heap so far, and the ceiling */
};

#define ARENA_INIT(max_bytes) ((struct arena){.max = (max_bytes)})

/* Zeroed, aligned for any type. NULL past the ceiling or without memory. */
NODISCARD void *arena_alloc(struct arena *a, size_t n);

/* Copies with a NUL after the bytes. `out` changes only on success. */
NODISCARD enum err arena_dup(struct arena *a, struct str s, struct str *out);
NODISCARD enum err arena_printf(struct arena *a, struct str *out,
                                const char *fmt, ...) PRINTF_LIKE(3, 4);

/* Runs `fn(ctx)` when the arena is cleared or done. */
NODISCARD enum err arena_on_done(struct arena *a, void (*fn)(void *),
                                 void *ctx);

void arena_clear(struct arena *a); /* frees all, stays usable */
void arena_done(struct arena *a);

#endif
