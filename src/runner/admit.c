#include "runner/admit.h"

#include "base/mem.h"

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

/* Copies an idle sequence out of the cache. True: nothing of worth is lost
 * when it leaves now. */
static bool park(struct batcher *b, int32_t seq)
{
    struct engine *e = b->engine;
    uint32_t n = prefix_len(b->prefix, seq);
    CLEANUP(mem_freep) int32_t *token = mem_calloc(n, sizeof *token);
    if (!token)
        return false;
    prefix_spell(b->prefix, seq, token);
    if (!parked_wants(&b->parked, token, n))
        return b->parked.bytes_max != 0;
    CLEANUP(buf_done) struct buf state = BUF_INIT(b->parked.bytes_max);
    return e->ops->seq_save(e, seq, &state) == ERR_OK
           && parked_put(&b->parked, token, n, &state) == ERR_OK;
}

/* The least recently used idle sequence leaves the cache. `must`: even if it
 * cannot be parked. */
static bool put_away_oldest(struct batcher *b, bool must)
{
    int32_t seq = prefix_oldest(b->prefix);
    if (seq < 0 || (!park(b, seq) && !must))
        return false;
    drop(b, seq);
    return true;
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
        if (put_away_oldest(b, true))
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

/* What is computed already of a prompt, and where it is. */
struct known {
    uint32_t n;
    int32_t seq;                      /* in the cache, or -1 */
    const struct parked_entry *entry; /* or parked, or NULL */
};

static struct known look_up(const struct batcher *b, const struct choice *c)
{
    struct known k = {.seq = -1};
    const struct parked_entry *entry;
    uint32_t max = choice_count(c) - 1;
    if (!b->engine->facts.can_share || c->job->embed)
        return k;
    k.n = prefix_match(b->prefix, choice_tokens(c), max, &k.seq);
    uint32_t n = parked_match(&b->parked, choice_tokens(c), max, &entry);
    if (n >= k.n + BATCHER_SHARE_MIN)
        k = (struct known){.n = n, .seq = -1, .entry = entry};
    return k;
}

/* Takes an open sequence. False: none is free and none can be put away. */
static bool take_sequence(struct batcher *b, struct choice *c, struct known *k)
{
    int32_t seq;
    while ((seq = prefix_open(b->prefix)) < 0) {
        if (k->seq >= 0 && prefix_oldest(b->prefix) == k->seq)
            *k = (struct known){.seq = -1}; /* the only one left */
        if (!put_away_oldest(b, true))
            return false;
    }
    c->seq = seq;
    c->fed = 0;
    if (k->seq >= 0 && prefix_fork(b->prefix, k->seq, k->n, seq) == ERR_OK) {
        b->engine->ops->seq_cp(b->engine, k->seq, seq, k->n);
        c->fed = k->n;
    }
    return true;
}

/* Parked tokens into the empty sequence of a choice. Where that fails, they
 * are computed like all others. */
static void bring_back(struct batcher *b, struct choice *c)
{
    struct engine *e = b->engine;
    struct known k = look_up(b, c); /* others may have been parked since */
    if (!k.entry || parked_len(k.entry) > admit_free(b)
        || !e->ops->seq_load(e, c->seq, buf_str(&k.entry->state)))
        return;
    parked_touch(&b->parked, k.entry);
    if (!e->ops->seq_cut(e, c->seq, k.n))
        return;
    if (prefix_add(b->prefix, c->seq, choice_tokens(c), k.n) == ERR_OK)
        c->fed = k.n;
    else
        (void)e->ops->seq_cut(e, c->seq, 0);
}

/* Cells for a choice that has a sequence, by putting idle ones away. */
static bool make_cells(struct batcher *b, const struct choice *c,
                       const struct known *k)
{
    /* Some room for those that generate, so that they are not sent back in
     * the next moment. What is shared is held now and cannot be put away. */
    uint32_t spare = b->n_running ? 8 * b->n_running + 8 : 0;
    uint32_t need = choice_count(c) - c->fed + spare;
    if (admit_free(b) + prefix_idle_cells(b->prefix) < need)
        return false;
    if (k->entry) /* comes back whole, then is cut */
        need = MAX(need, parked_len(k->entry));
    while (admit_free(b) < need && put_away_oldest(b, true))
        ;
    while (prefix_idle_cells(b->prefix) > b->idle_max
           && put_away_oldest(b, false))
        ;
    return true;
}

enum start { STARTED, LATER, NO_ROOM };

static enum start start(struct batcher *b, struct choice *c)
{
    struct known k = look_up(b, c);
    if (b->engine->facts.can_share && !c->job->embed
        && in_the_making(b, c, k.n))
        return LATER;
    if (!take_sequence(b, c, &k))
        return NO_ROOM;
    if (!make_cells(b, c, &k)) {
        drop(b, c->seq);
        c->seq = -1;
        c->fed = 0;
        return NO_ROOM;
    }
    if (c->fed == 0)
        bring_back(b, c);
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
