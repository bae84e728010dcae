#include "runner/parked.h"

#include "base/mem.h"

/* Parking a conversation must not take half of a small machine. */
#define BYTES_MAX ((uint64_t)512 << 20)

uint64_t parked_max(uint64_t kv_bytes)
{
    return MIN(kv_bytes / 2, BYTES_MAX);
}

struct parked parked_init(uint64_t bytes_max)
{
    return (struct parked){.bytes_max = bytes_max};
}

static uint64_t bytes_of(const struct parked_entry *e)
{
    return e->tokens.cap + e->state.cap;
}

static void forget(struct parked *p, struct parked_entry *e)
{
    p->bytes -= bytes_of(e);
    buf_done(&e->tokens);
    buf_done(&e->state);
    e->used = 0;
}

void parked_done(struct parked *p)
{
    for (size_t i = 0; i < PARKED_ENTRIES_MAX; i++)
        if (p->entries[i].used)
            forget(p, &p->entries[i]);
}

uint32_t parked_len(const struct parked_entry *e)
{
    return (uint32_t)(e->tokens.len / sizeof(int32_t));
}

static uint32_t common(const struct parked_entry *e, const int32_t *token,
                       uint32_t n)
{
    const int32_t *own = (const int32_t *)(const void *)e->tokens.data;
    uint32_t i = 0;
    n = MIN(n, parked_len(e));
    while (i < n && own[i] == token[i])
        i++;
    return i;
}

uint32_t parked_match(const struct parked *p, const int32_t *token, uint32_t n,
                      const struct parked_entry **out)
{
    uint32_t best = 0;
    *out = NULL;
    for (size_t i = 0; i < PARKED_ENTRIES_MAX; i++) {
        const struct parked_entry *e = &p->entries[i];
        uint32_t same = e->used ? common(e, token, n) : 0;
        if (same > best) {
            best = same;
            *out = e;
        }
    }
    return best;
}

void parked_touch(struct parked *p, const struct parked_entry *e)
{
    p->entries[e - p->entries].used = ++p->clock;
}

/* Six agents with one question end with six tails on one long prefix: one copy
 * of it is enough, a tail is computed again in no time. */
bool parked_wants(const struct parked *p, const int32_t *token, uint32_t n)
{
    const struct parked_entry *e;
    uint32_t same = parked_match(p, token, n, &e);
    if (p->bytes_max == 0)
        return false;
    return n - same > (e && same == parked_len(e) ? 0 : n / 8);
}

static struct parked_entry *oldest(struct parked *p)
{
    struct parked_entry *best = NULL;
    for (size_t i = 0; i < PARKED_ENTRIES_MAX; i++) {
        struct parked_entry *e = &p->entries[i];
        if (e->used && (!best || e->used < best->used))
            best = e;
    }
    return best;
}

static struct parked_entry *free_entry(struct parked *p)
{
    for (size_t i = 0; i < PARKED_ENTRIES_MAX; i++)
        if (!p->entries[i].used)
            return &p->entries[i];
    return NULL;
}

enum err parked_put(struct parked *p, const int32_t *token, uint32_t n,
                    struct buf *state)
{
    size_t size = (size_t)n * sizeof *token;
    struct parked_entry e = {.tokens = BUF_INIT(size)};
    TRY(buf_add(&e.tokens, (struct str){(const char *)token, size}));
    e.state = *state;
    if (bytes_of(&e) > p->bytes_max) {
        buf_done(&e.tokens);
        return ERR_LIMIT;
    }
    for (size_t i = 0; i < PARKED_ENTRIES_MAX; i++) {
        struct parked_entry *old = &p->entries[i];
        if (old->used && common(old, token, n) == parked_len(old))
            forget(p, old);
    }
    struct parked_entry *to;
    while (!(to = free_entry(p)) || bytes_of(&e) > p->bytes_max - p->bytes)
        forget(p, oldest(p));
    e.used = ++p->clock;
    *to = e;
    p->bytes += bytes_of(&e);
    *state = BUF_INIT(state->max);
    return ERR_OK;
}
