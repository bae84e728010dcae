/*
 * Why a tree and not a list of token arrays: cells are shared between
 * sequences in arbitrary ways, and the number of free cells must be known
 * exactly before a batch is built (the engine only says "full" when it is too
 * late). A span per fork gives both the count and the lookup.
 *
 * Invariant kept by `settle`: every span but the root has a sequence that
 * ends in it or at least two children; so there are at most two spans per
 * slot. A merge that lacks memory is skipped: only the bound suffers, and
 * running out of spans is an ordinary error of prefix_add and prefix_fork.
 */
#include "runner/prefix.h"

#include "base/mem.h"

#define NONE UINT32_MAX
#define ROOT 0U

struct span {
    uint32_t parent, child, next; /* NONE; `next` chains siblings or free */
    uint32_t start;               /* position of the first token */
    uint32_t len, cap;
    uint32_t refs, live; /* sequences through it, and how many of them live */
    uint32_t ends;       /* sequences whose last token is the last here */
    int32_t *token;
};

struct slot {
    uint32_t leaf; /* NONE: free */
    bool live;
    uint64_t used; /* when it was last of use, for idle ones */
};

struct prefix {
    struct span *spans;
    struct slot *slots;
    uint32_t *stack; /* for prefix_match */
    uint32_t n_spans, free_span;
    uint32_t n_slots, n_cells, cells;
    uint64_t clock;
};

struct prefix *prefix_new(uint32_t n_slots, uint32_t n_cells)
{
    struct prefix *p = mem_zalloc(sizeof *p);
    if (!p)
        return NULL;
    p->n_slots = n_slots;
    p->n_cells = n_cells;
    p->n_spans = 3 * n_slots + 2; /* two per slot, and room for lost merges */
    p->spans = mem_calloc(p->n_spans, sizeof *p->spans);
    p->slots = mem_calloc(n_slots, sizeof *p->slots);
    p->stack = mem_calloc(p->n_spans, sizeof *p->stack);
    if (!p->spans || !p->slots || !p->stack) {
        prefix_free(p);
        return NULL;
    }
    for (uint32_t i = 0; i < n_slots; i++)
        p->slots[i].leaf = NONE;
    p->spans[ROOT] = (struct span){.parent = NONE, .child = NONE, .next = NONE};
    for (uint32_t i = 1; i < p->n_spans; i++)
        p->spans[i].next = i + 1 < p->n_spans ? i + 1 : NONE;
    p->free_span = 1;
    return p;
}

void prefix_free(struct prefix *p)
{
    if (!p)
        return;
    for (uint32_t i = 0; p->spans && i < p->n_spans; i++)
        mem_free(p->spans[i].token);
    mem_free(p->spans);
    mem_free(p->slots);
    mem_free(p->stack);
    mem_free(p);
}

/* ---- spans ---------------------------------------------------------------- */

/* Makes room for `n` more tokens in the span. */
static bool grow(struct span *s, uint32_t n)
{
    if (s->len + n <= s->cap)
        return true;
    uint32_t cap = MAX(s->len + n, s->cap + s->cap / 2);
    int32_t *t = mem_resize(s->token, (size_t)cap * sizeof *t);
    if (!t)
        return false;
    s->token = t;
    s->cap = cap;
    return true;
}

static void copy(int32_t *to, const int32_t *from, uint32_t n)
{
    if (n)
        memmove(to, from, (size_t)n * sizeof *to);
}

static void link_child(struct prefix *p, uint32_t parent, uint32_t at)
{
    p->spans[at].parent = parent;
    p->spans[at].next = p->spans[parent].child;
    p->spans[parent].child = at;
}

static void unlink_child(struct prefix *p, uint32_t at)
{
    uint32_t *link = &p->spans[p->spans[at].parent].child;
    while (*link != at)
        link = &p->spans[*link].next;
    *link = p->spans[at].next;
}

/* A span with room for `n` tokens, not linked yet; NONE on failure. */
static uint32_t new_span(struct prefix *p, uint32_t start, uint32_t n)
{
    uint32_t at = p->free_span;
    if (at == NONE)
        return NONE;
    struct span *s = &p->spans[at];
    struct span fresh = {.parent = NONE, .child = NONE, .next = NONE};
    if (!grow(&fresh, n))
        return NONE;
    p->free_span = s->next;
    fresh.start = start;
    *s = fresh;
    return at;
}

static void free_span(struct prefix *p, uint32_t at)
{
    mem_free(p->spans[at].token);
    p->spans[at] = (struct span){.next = p->free_span};
    p->free_span = at;
}

/* Joins a span that nobody ends in with its only child. */
static void settle(struct prefix *p, uint32_t at)
{
    struct span *s = &p->spans[at];
    if (at == ROOT || s->ends || s->child == NONE
        || p->spans[s->child].next != NONE)
        return;
    uint32_t below = s->child;
    struct span *c = &p->spans[below];
    if (!grow(s, c->len))
        return;
    copy(s->token + s->len, c->token, c->len);
    int32_t *joined = s->token;
    uint32_t len = s->len + c->len, cap = s->cap;
    s->token = c->token; /* freed with the span */
    c->token = joined;
    c->start = s->start;
    c->len = len;
    c->cap = cap;
    uint32_t parent = s->parent;
    unlink_child(p, at);
    free_span(p, at);
    link_child(p, parent, below);
}

/* Cuts a span so that it begins `n` tokens later; the part before becomes a
 * span of its own, which is returned. NONE on failure. */
static uint32_t split(struct prefix *p, uint32_t at, uint32_t n)
{
    uint32_t up = new_span(p, p->spans[at].start, n);
    if (up == NONE)
        return NONE;
    struct span *s = &p->spans[at], *u = &p->spans[up];
    copy(u->token, s->token, n);
    copy(s->token, s->token + n, s->len - n);
    u->len = n;
    u->refs = s->refs;
    u->live = s->live;
    s->len -= n;
    s->start += n;
    uint32_t parent = s->parent;
    unlink_child(p, at);
    link_child(p, parent, up);
    link_child(p, up, at);
    return up;
}

/* ---- sequences ------------------------------------------------------------ */

int32_t prefix_open(struct prefix *p)
{
    for (uint32_t i = 0; i < p->n_slots; i++)
        if (p->slots[i].leaf == NONE) {
            p->slots[i] = (struct slot){.leaf = ROOT, .live = true};
            p->spans[ROOT].ends++;
            p->spans[ROOT].refs++;
            p->spans[ROOT].live++;
            return (int32_t)i;
        }
    return -1;
}

enum err prefix_add(struct prefix *p, int32_t seq, const int32_t *token,
                    uint32_t n)
{
    struct slot *slot = &p->slots[seq];
    struct span *s = &p->spans[slot->leaf];
    if (n > p->n_cells - p->cells)
        return ERR_LIMIT;
    if (n == 0)
        return ERR_OK;
    if (slot->leaf == ROOT || s->ends > 1 || s->child != NONE) {
        uint32_t at = new_span(p, s->start + s->len, n);
        if (at == NONE)
            return ERR_NOMEM;
        s->ends--;
        link_child(p, slot->leaf, at);
        slot->leaf = at;
        s = &p->spans[at];
        s->refs = s->ends = 1;
        s->live = slot->live;
    } else if (!grow(s, n)) {
        return ERR_NOMEM;
    }
    copy(s->token + s->len, token, n);
    s->len += n;
    p->cells += n;
    return ERR_OK;
}

static uint32_t common(const int32_t *a, const int32_t *b, uint32_t n)
{
    uint32_t i = 0;
    while (i < n && a[i] == b[i])
        i++;
    return i;
}

/* Some sequence that goes through a span. */
static int32_t one_through(const struct prefix *p, uint32_t at)
{
    while (!p->spans[at].ends)
        at = p->spans[at].child;
    for (uint32_t i = 0; i < p->n_slots; i++)
        if (p->slots[i].leaf == at)
            return (int32_t)i;
    return -1;
}

uint32_t prefix_match(const struct prefix *p, const int32_t *token, uint32_t n,
                      int32_t *seq)
{
    uint32_t best = 0, where = NONE, depth = 0;
    p->stack[depth++] = ROOT;
    while (depth) {
        const struct span *s = &p->spans[p->stack[--depth]];
        uint32_t from = s->start + s->len;
        for (uint32_t c = s->child; c != NONE; c = p->spans[c].next) {
            const struct span *k = &p->spans[c];
            uint32_t same =
                common(k->token, token + from, MIN(k->len, n - from));
            if (from + same > best) {
                best = from + same;
                where = c;
            }
            if (same == k->len)
                p->stack[depth++] = c;
        }
    }
    *seq = where == NONE ? -1 : one_through(p, where);
    return best;
}

/* Adds to the counters of a span and all above it. */
static void count(struct prefix *p, uint32_t at, uint32_t refs, uint32_t live)
{
    for (; at != NONE; at = p->spans[at].parent) {
        p->spans[at].refs += refs;
        p->spans[at].live += live;
    }
}

enum err prefix_fork(struct prefix *p, int32_t src, uint32_t n, int32_t dst)
{
    uint32_t at = p->slots[src].leaf;
    while (at != ROOT && p->spans[at].start >= n)
        at = p->spans[at].parent;
    if (at != ROOT && n < p->spans[at].start + p->spans[at].len) {
        at = split(p, at, n - p->spans[at].start);
        if (at == NONE)
            return ERR_NOMEM;
    }
    count(p, ROOT, UINT32_MAX, UINT32_MAX); /* dst leaves the root: minus 1 */
    p->spans[ROOT].ends--;
    p->slots[dst].leaf = at;
    p->spans[at].ends++;
    count(p, at, 1, 1);
    p->slots[src].used = ++p->clock;
    return ERR_OK;
}

void prefix_idle(struct prefix *p, int32_t seq)
{
    struct slot *slot = &p->slots[seq];
    slot->live = false;
    slot->used = ++p->clock;
    count(p, slot->leaf, 0, UINT32_MAX);
}

void prefix_drop(struct prefix *p, int32_t seq)
{
    struct slot *slot = &p->slots[seq];
    uint32_t at = slot->leaf;
    p->spans[at].ends--;
    count(p, at, UINT32_MAX, slot->live ? UINT32_MAX : 0);
    slot->leaf = NONE;
    while (at != ROOT && p->spans[at].refs == 0) {
        uint32_t parent = p->spans[at].parent;
        p->cells -= p->spans[at].len;
        unlink_child(p, at);
        free_span(p, at);
        at = parent;
    }
    settle(p, at);
}

int32_t prefix_covered(const struct prefix *p)
{
    for (uint32_t i = 0; i < p->n_slots; i++) {
        const struct slot *s = &p->slots[i];
        if (s->leaf != NONE && !s->live
            && (s->leaf == ROOT || p->spans[s->leaf].refs > 1))
            return (int32_t)i;
    }
    return -1;
}

int32_t prefix_oldest(const struct prefix *p)
{
    int32_t best = -1;
    for (uint32_t i = 0; i < p->n_slots; i++) {
        const struct slot *s = &p->slots[i];
        if (s->leaf != NONE && !s->live
            && (best < 0 || s->used < p->slots[best].used))
            best = (int32_t)i;
    }
    return best;
}

uint32_t prefix_len(const struct prefix *p, int32_t seq)
{
    const struct span *s = &p->spans[p->slots[seq].leaf];
    return s->start + s->len;
}

void prefix_spell(const struct prefix *p, int32_t seq, int32_t *out)
{
    for (uint32_t at = p->slots[seq].leaf; at != ROOT; at = p->spans[at].parent)
        copy(out + p->spans[at].start, p->spans[at].token, p->spans[at].len);
}

uint32_t prefix_cells(const struct prefix *p)
{
    return p->cells;
}

uint32_t prefix_idle_cells(const struct prefix *p)
{
    uint32_t n = 0;
    for (uint32_t i = 1; i < p->n_spans; i++)
        if (p->spans[i].refs && !p->spans[i].live)
            n += p->spans[i].len;
    return n;
}
