#include "base/arena.h"

#include <stdarg.h>

#include "base/mem.h"

#if defined(__SANITIZE_ADDRESS__)
#define ARENA_BLOCK       0 /* one heap block per allocation */
#define ARENA_FIRST_BLOCK 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ARENA_BLOCK       0
#define ARENA_FIRST_BLOCK 0
#endif
#endif
#ifndef ARENA_BLOCK
/* Blocks grow from the first to the second: thousands of waiting requests hold
 * an arena with little in it. */
#define ARENA_BLOCK       4000
#define ARENA_FIRST_BLOCK 496
#endif

struct arena_block {
    struct arena_block *next;
    size_t len, cap;
    _Alignas(max_align_t) char data[];
};

struct arena_cleanup {
    struct arena_cleanup *next;
    void (*fn)(void *);
    void *ctx;
};

void *arena_alloc(struct arena *a, size_t n)
{
    const size_t align = _Alignof(max_align_t);
    struct arena_block *b = a->blocks;
    size_t cap;
    void *p;

    if (n > a->max)
        return NULL;
    n = (MAX(n, (size_t)1) + align - 1) / align * align;
    if (b == NULL || b->cap - b->len < n) {
        cap = b == NULL ? ARENA_FIRST_BLOCK : MIN(2 * b->cap, ARENA_BLOCK);
        cap = MAX(n, cap);
        if (cap > a->max - MIN(a->used, a->max))
            cap = n;
        if (n > a->max - MIN(a->used, a->max))
            return NULL;
        b = mem_zalloc(sizeof(*b) + cap);
        if (b == NULL)
            return NULL;
        b->cap = cap;
        b->next = a->blocks;
        a->blocks = b;
        a->used += cap;
    }
    p = b->data + b->len;
    b->len += n;
    return p;
}

/* Why there was no memory for `n` bytes and a NUL. */
static enum err no_room(const struct arena *a, size_t n)
{
    return n >= a->max - MIN(a->used, a->max) ? ERR_LIMIT : ERR_NOMEM;
}

enum err arena_dup(struct arena *a, struct str s, struct str *out)
{
    char *p = s.n < SIZE_MAX ? arena_alloc(a, s.n + 1) : NULL;

    if (p == NULL)
        return no_room(a, s.n);
    if (s.n != 0)
        memcpy(p, s.p, s.n);
    *out = (struct str){p, s.n};
    return ERR_OK;
}

enum err arena_printf(struct arena *a, struct str *out, const char *fmt, ...)
{
    va_list ap;
    char *p;
    int n;

    va_start(ap, fmt);
    n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    if (n < 0)
        return ERR_RANGE;
    p = arena_alloc(a, (size_t)n + 1);
    if (p == NULL)
        return no_room(a, (size_t)n);
    va_start(ap, fmt);
    (void)vsnprintf(p, (size_t)n + 1, fmt, ap);
    va_end(ap);
    *out = (struct str){p, (size_t)n};
    return ERR_OK;
}

enum err arena_on_done(struct arena *a, void (*fn)(void *), void *ctx)
{
    struct arena_cleanup *c = arena_alloc(a, sizeof(*c));

    if (c == NULL)
        return ERR_NOMEM;
    *c = (struct arena_cleanup){a->cleanups, fn, ctx};
    a->cleanups = c;
    return ERR_OK;
}

void arena_clear(struct arena *a)
{
    struct arena_block *b;

    for (struct arena_cleanup *c = a->cleanups; c != NULL; c = c->next)
        c->fn(c->ctx);
    a->cleanups = NULL;
    while ((b = a->blocks) != NULL) {
        a->blocks = b->next;
        mem_free(b);
    }
    a->used = 0;
}

void arena_done(struct arena *a)
{
    arena_clear(a);
}
