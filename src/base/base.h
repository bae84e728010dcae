/*
 * base.h - the one header every source file includes first.
 *
 * Holds only compiler and language plumbing: fixed-width types, attributes,
 * scope-exit cleanup and the list of banned libc functions. It must not
 * declare anything that allocates, logs or talks to the system.
 */
#ifndef BASE_BASE_H
#define BASE_BASE_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NODISCARD             __attribute__((warn_unused_result))
#define PRINTF_LIKE(f, a)     __attribute__((format(printf, f, a)))
#define UNUSED                __attribute__((unused))
#define LIKELY(x)             __builtin_expect(!!(x), 1)
#define UNLIKELY(x)           __builtin_expect(!!(x), 0)
#define COUNTOF(a)            (sizeof(a) / sizeof((a)[0]))
#define CONTAINER_OF(p, T, m) ((T *)(void *)((char *)(p)-offsetof(T, m)))
#define MIN(a, b)             ((a) < (b) ? (a) : (b))
#define MAX(a, b)             ((a) > (b) ? (a) : (b))

/* Run `fn(&var)` when `var` leaves scope, however it leaves it. Such a
 * variable is always initialised where it is declared. */
#define CLEANUP(fn) __attribute__((cleanup(fn)))

/* Move a pointer out of a CLEANUP variable: returns it and leaves NULL. */
#define TAKE(p)                                                                \
    __extension__({                                                            \
        __typeof__(p) take_ = (p);                                             \
        (p) = NULL;                                                            \
        take_;                                                                 \
    })

/* A NODISCARD result that really does not matter; say why beside it. */
#define IGNORE(expr) ((void)!(expr))

#include "base/banned.h"

#endif
