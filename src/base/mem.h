/*
 * mem.h - the only door to the heap.
 *
 * Wraps malloc so that tests can make the Nth allocation fail. Product builds
 * compile the counter away. Every function may return NULL and the caller
 * always has an answer to it. Thread: any (the fault counters are for
 * single-threaded tests).
 */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include "base/base.h"

NODISCARD void *mem_alloc(size_t n);                   /* uninitialised */
NODISCARD void *mem_zalloc(size_t n);                  /* zeroed */
NODISCARD void *mem_calloc(size_t count, size_t size); /* zeroed, checked */
NODISCARD void *mem_resize(void *p, size_t n); /* p unchanged on failure */
NODISCARD char *mem_strndup(const char *p, size_t n); /* adds a NUL */
void mem_free(void *p);                               /* NULL is fine */

/* For CLEANUP(mem_freep): frees what the pointer variable holds. */
void mem_freep(void *pp);

#ifdef TEST_FAULTS
/* Fail allocation number `nth` (1-based), and every one after it if `sticky`;
 * 0 disarms. Returns how many allocations happened since the last call. */
size_t mem_fault_arm(size_t nth, bool sticky);
size_t mem_live(void); /* blocks not yet freed */
#endif

#endif
