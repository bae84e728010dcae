#include "base/mem.h"

#ifdef TEST_FAULTS
static size_t fault_at, fault_seen, live;
static bool fault_sticky;

size_t mem_fault_arm(size_t nth, bool sticky)
{
    size_t seen = fault_seen;

    fault_at = nth;
    fault_sticky = sticky;
    fault_seen = 0;
    return seen;
}

size_t mem_live(void)
{
    return __atomic_load_n(&live, __ATOMIC_RELAXED);
}

static bool fault_hit(void)
{
    size_t n = __atomic_add_fetch(&fault_seen, 1, __ATOMIC_RELAXED);

    return fault_at != 0 && (n == fault_at || (fault_sticky && n > fault_at));
}

static void *counted(void *p)
{
    if (p != NULL)
        (void)__atomic_add_fetch(&live, 1, __ATOMIC_RELAXED);
    return p;
}
#else
static bool fault_hit(void)
{
    return false;
}

static void *counted(void *p)
{
    return p;
}
#endif

void *mem_alloc(size_t n)
{
    return fault_hit() ? NULL : counted(malloc(n != 0 ? n : 1));
}

void *mem_zalloc(size_t n)
{
    return fault_hit() ? NULL : counted(calloc(1, n != 0 ? n : 1));
}

void *mem_calloc(size_t count, size_t size)
{
    size_t n;

    if (__builtin_mul_overflow(count, size, &n))
        return NULL;
    return mem_zalloc(n);
}

void *mem_resize(void *p, size_t n)
{
    void *q;

    if (fault_hit())
        return NULL;
    q = realloc(p, n != 0 ? n : 1);
    return p == NULL ? counted(q) : q;
}

char *mem_strndup(const char *p, size_t n)
{
    char *q = n < SIZE_MAX ? mem_alloc(n + 1) : NULL;

    if (q == NULL)
        return NULL;
    if (n != 0)
        memcpy(q, p, n);
    q[n] = '\0';
    return q;
}

void mem_free(void *p)
{
#ifdef TEST_FAULTS
    if (p != NULL)
        (void)__atomic_sub_fetch(&live, 1, __ATOMIC_RELAXED);
#endif
    free(p);
}

void mem_freep(void *pp)
{
    void *p;

    /* pp is a `T **`; copying the bytes avoids reading it as `void **`. */
    memcpy(&p, pp, sizeof(p));
    mem_free(p);
    p = NULL;
    memcpy(pp, &p, sizeof(p));
}
