#include "net/timer.h"

static struct timer *meld(struct timer *a, struct timer *b)
{
    struct timer *low, *high;

    if (a == NULL || b == NULL)
        return a != NULL ? a : b;
    low = b->at_ms < a->at_ms ? b : a;
    high = low == a ? b : a;
    high->next = low->child;
    if (high->next != NULL)
        high->next->prev = high;
    high->prev = low;
    low->child = high;
    low->next = low->prev = NULL;
    return low;
}

/* The two passes of Fredman et al. (1986), iteratively: melds neighbours,
 * keeps the pairs on a stack threaded through `next`, and melds that. */
static struct timer *meld_siblings(struct timer *t)
{
    struct timer *stack = NULL, *root = NULL, *a, *b, *pair;

    while (t != NULL) {
        a = t;
        b = a->next;
        t = b != NULL ? b->next : NULL;
        a->next = a->prev = NULL;
        if (b != NULL)
            b->next = b->prev = NULL;
        pair = meld(a, b);
        pair->next = stack;
        stack = pair;
    }
    while (stack != NULL) {
        pair = stack;
        stack = pair->next;
        pair->next = NULL;
        root = meld(root, pair);
    }
    return root;
}

void timer_init(struct timer *t, void (*fn)(void *ctx), void *ctx)
{
    *t = (struct timer){.fn = fn, .ctx = ctx};
}

void timer_start(struct timers *h, struct timer *t, uint64_t at_ms)
{
    timer_stop(t);
    t->at_ms = at_ms;
    t->heap = h;
    h->root = meld(h->root, t);
    h->count++;
}

void timer_stop(struct timer *t)
{
    struct timers *h = t->heap;
    struct timer *children;

    if (h == NULL)
        return;
    children = meld_siblings(t->child);
    if (t == h->root) {
        h->root = children;
    } else {
        if (t->prev->child == t)
            t->prev->child = t->next;
        else
            t->prev->next = t->next;
        if (t->next != NULL)
            t->next->prev = t->prev;
        h->root = meld(h->root, children);
    }
    h->count--;
    t->child = t->next = t->prev = NULL;
    t->heap = NULL;
}

bool timer_is_running(const struct timer *t)
{
    return t->heap != NULL;
}

uint64_t timer_next(const struct timers *h)
{
    return h->root != NULL ? h->root->at_ms : UINT64_MAX;
}

void timer_run(struct timers *h, uint64_t now_ms)
{
    struct timers due = {0};
    struct timer *t;

    /* Moved aside first, so that a callback which starts its timer again
     * with no delay cannot keep us here. Stopping works there as well. */
    while ((t = h->root) != NULL && t->at_ms <= now_ms) {
        timer_stop(t);
        timer_start(&due, t, t->at_ms);
    }
    while ((t = due.root) != NULL) {
        timer_stop(t);
        t->fn(t->ctx);
    }
}
