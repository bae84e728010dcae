#include "runner/admit.h"

/* A prompt in the making has been promised the cells it will fill. */
uint32_t admit_free(const struct batcher *b)
{
    uint64_t taken = prefix_cells(b->prefix);
    for (uint32_t i = 0; i < b->n_running; i++)
        if (choice_left(b->running[i]) > 1)
            taken += choice_left(b->running[i]);
    uint32_t all = b->engine->facts.n_ctx;
    return taken < all ? all - (uint32_t)taken : 0;
}

static void drop(struct batcher *b, int32_t seq)
{
    (void)b->engine->ops->seq_cut(b->engine, seq, 0);
    prefix_drop(b->prefix, seq);
}

static bool forget_oldest(struct batcher *b)
{
    int32_t seq = prefix_oldest(b->prefix);
    if (seq >= 0)
        drop(b, seq);
    return seq >= 0;
}

/* ---- leaving ---------------------------------------------------------------- */

static void stop_running(struct batcher *b, struct choice *c)
{
    for (uint32_t i = 0; i < b->n_running; i++)
        if (b->running[i] == c) {
            memmove(&b->running[i], &b->running[i + 1],
                    (b->n_running - i - 1) * sizeof(struct choice *));
            b->n_running--;
            c->job->n_running--;
            return;
        }
}

void admit_leave(struct batcher *b, struct choice *c, bool keep)
{
    if (c->state != CHOICE_RUNNING)
        return;
    stop_running(b, c);
    if (!keep || !b->engine->facts.can_share || c->job->embed
        || prefix_len(b->prefix, c->seq) < BATCHER_SHARE_MIN) {
        drop(b, c->seq);
    } else {
        prefix_idle(b->prefix, c->seq);
        for (int32_t s; (s = prefix_covered(b->prefix)) >= 0;)
            drop(b, s);
    }
    c->seq = -1;
    c->fed = 0;
}

void admit_send_back(struct batcher *b, struct choice *c)
{
    admit_leave(b, c, true);
    c->state = CHOICE_WAITING;
}

/* Held ones first: nobody waits for what they would say. */
static struct choice *youngest(const struct batcher *b, bool held)
{
    struct choice *best = NULL;
    for (uint32_t i = 0; i < b->n_running; i++) {
        struct choice *c = b->running[i];
        if (held && !c->job->held)
            continue;
        if (!best || c->job->born_us > best->job->born_us
            || (c->job == best->job && c->index > best->index))
            best = c;
    }
    return best;
}

bool admit_room(struct batcher *b, uint32_t n)
{
    while (admit_free(b) < n) {
        if (forget_oldest(b))
            continue;
        struct choice *c = youngest(b, true);
        if (!c)
            c = youngest(b, false);
        if (b->n_running <= 1)
            return false;
        admit_send_back(b, c);
        n = MIN(n, b->n_running);
    }
    return true;
}

/* ---- starting --------------------------------------------------------------- */

static uint32_t common(const struct choice *a, const struct choice *b,
                       uint32_t max)
{
    const int32_t *x = choice_tokens(a), *y = choice_tokens(b);
    uint32_t n = MIN(max, choice_count(b)), i = 0;
    while (i < n && x[i] == y[i])
        i++;
    return i;
}

/* Somebody computes the same beginning right now: more than `have` of it. */
static bool in_the_making(const struct batcher *b, const struct choice *c,
                          uint32_t have)
{
    uint32_t max = choice_count(c) - 1;
    for (uint32_t i = 0; i < b->n_running; i++) {
        const struct choice *r = b->running[i];
        if (r->job->held || r->job->embed || choice_left(r) <= 1)
            continue;
        uint32_t same = common(c, r, max);
        if (same > r->fed && same >= have + BATCHER_SHARE_MIN)
            return true;
    }
    return false;
}

/* Takes an open sequence and what is computed of the prompt. False: no
 * sequence is free and none can be forgotten. */
static bool take_sequence(struct batcher *b, struct choice *c, int32_t from,
                          uint32_t have)
{
    int32_t seq;
    while ((seq = prefix_open(b->prefix)) < 0) {
        if (prefix_oldest(b->prefix) == from)
            have = 0; /* the only one left to forget */
        if (!forget_oldest(b))
            return false;
    }
    c->seq = seq;
    c->fed = 0;
    if (have && prefix_fork(b->prefix, from, have, seq) == ERR_OK) {
        b->engine->ops->seq_cp(b->engine, from, seq, have);
        c->fed = have;
    }
    return true;
}

enum start { STARTED, LATER, NO_ROOM };

static enum start start(struct batcher *b, struct choice *c)
{
    int32_t from = -1;
    uint32_t have = 0, n = choice_count(c);
    if (b->engine->facts.can_share && !c->job->embed) {
        have = prefix_match(b->prefix, choice_tokens(c), n - 1, &from);
        if (in_the_making(b, c, have))
            return LATER;
    }
    if (!take_sequence(b, c, from, have))
        return NO_ROOM;
    /* Some room for those that generate, so that they are not sent back in
     * the next moment. What is shared is held now and cannot be forgotten. */
    uint32_t spare = b->n_running ? 8 * b->n_running + 8 : 0;
    uint32_t need = n - c->fed + spare;
    if (admit_free(b) + prefix_idle_cells(b->prefix) < need) {
        drop(b, c->seq);
        c->seq = -1;
        c->fed = 0;
        return NO_ROOM;
    }
    while (admit_free(b) < need && forget_oldest(b))
        ;
    c->state = CHOICE_RUNNING;
    b->running[b->n_running++] = c;
    c->job->n_running++;
    if (!c->started) {
        c->started = true;
        c->started_us = b->now_us();
        c->n_cached = c->fed;
        b->stats.prompt_tokens += c->n_prompt;
        b->stats.cached_tokens += c->fed;
    }
    return STARTED;
}

/* The first waiting choice that can start now. */
static enum start start_one_of(struct batcher *b, struct job *j)
{
    for (uint32_t i = 0; i < j->n; i++) {
        if (j->choices[i].state != CHOICE_WAITING)
            continue;
        enum start s = start(b, &j->choices[i]);
        if (s != LATER)
            return s;
    }
    return LATER;
}

/* A choice that could run if a held one did not have its place. */
static bool somebody_waits(const struct batcher *b)
{
    for (const struct job *j = b->jobs; j; j = j->next)
        if (!j->held && j->n_running + j->n_ended < j->n)
            return true;
    return false;
}

void admit_waiting(struct batcher *b)
{
    uint32_t max = b->engine->facts.n_seq;
    struct choice *held;
    if (b->n_running == max && (held = youngest(b, true)) && somebody_waits(b))
        admit_send_back(b, held);
    for (uint32_t level = 0; level < max && b->n_running < max; level++)
        for (struct job *j = b->jobs; j && b->n_running < max; j = j->next) {
            if (j->n_running != level || j->n_running + j->n_ended == j->n
                || j->held)
                continue;
            if (start_one_of(b, j) == NO_ROOM)
                return;
        }
}
