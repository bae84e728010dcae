#include "gateway/planner.h"

#include <inttypes.h>
#include <stdarg.h>

enum { CTX_STEP = 256 }; /* a cut context is a multiple of this */

static const char *const verdict_names[] = {
    [PLANNER_ADMIT] = "admit", [PLANNER_LOAD] = "load",
    [PLANNER_EVICT] = "evict", [PLANNER_SHRINK] = "shrink",
    [PLANNER_WAIT] = "wait",   [PLANNER_REFUSE] = "refuse",
};

const char *planner_verdict_name(enum planner_verdict v)
{
    return (size_t)v < COUNTOF(verdict_names) ? verdict_names[v] : "?";
}

/* ---- sums ------------------------------------------------------------------ */

static uint64_t add(uint64_t a, uint64_t b)
{
    return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

static uint64_t sub(uint64_t a, uint64_t b)
{
    return a > b ? a - b : 0;
}

static uint64_t need_at(const struct planner_model *m, uint64_t ctx)
{
    if (m->ctx_bytes != 0 && ctx > UINT64_MAX / m->ctx_bytes)
        return UINT64_MAX;
    return add(m->fixed_bytes, ctx * m->ctx_bytes);
}

struct sums {
    uint64_t reserved; /* by all */
    uint64_t pinned;   /* by those that stay whatever comes */
    uint64_t loading;  /* reserved, but not yet taken from the system */
    uint64_t leaving;
};

static struct sums sum(const struct planner_state *s)
{
    struct sums t = {0};

    for (size_t i = 0; i < s->count; i++) {
        const struct planner_model *m = &s->models[i];

        t.reserved = add(t.reserved, m->reserved_bytes);
        if (m->pinned)
            t.pinned = add(t.pinned, m->reserved_bytes);
        if (m->at == PLANNER_LOADING)
            t.loading = add(t.loading, m->reserved_bytes);
        if (m->at == PLANNER_LEAVING)
            t.leaving = add(t.leaving, m->reserved_bytes);
    }
    return t;
}

static uint64_t free_now(const struct planner_state *s, const struct sums *t)
{
    uint64_t in_budget = sub(s->budget_bytes, t->reserved);
    uint64_t in_system = s->headroom_bytes == UINT64_MAX
                             ? UINT64_MAX
                             : sub(s->headroom_bytes, t->loading);

    return MIN(in_budget, in_system);
}

/* What a load could have with everything evicted that may ever be. */
static uint64_t free_at_most(const struct planner_state *s,
                             const struct sums *t)
{
    uint64_t in_budget = sub(s->budget_bytes, t->pinned);
    uint64_t in_system =
        s->headroom_bytes == UINT64_MAX
            ? UINT64_MAX
            : add(sub(s->headroom_bytes, t->loading), t->reserved - t->pinned);

    return MIN(in_budget, in_system);
}

/* ---- words ------------------------------------------------------------------ */

struct size_text {
    char text[24];
};

static struct size_text size(uint64_t bytes)
{
    struct size_text t;

    if (bytes >= UINT64_C(1) << 30)
        (void)snprintf(t.text, sizeof(t.text), "%.1f GiB",
                       (double)bytes / (double)(UINT64_C(1) << 30));
    else
        (void)snprintf(t.text, sizeof(t.text), "%.1f MiB",
                       (double)bytes / (double)(UINT64_C(1) << 20));
    return t;
}

static void say(struct planner_plan *p, enum planner_verdict v, const char *fmt,
                ...) PRINTF_LIKE(3, 4);
static void say(struct planner_plan *p, enum planner_verdict v, const char *fmt,
                ...)
{
    va_list args;

    p->verdict = v;
    va_start(args, fmt);
    (void)vsnprintf(p->reason, sizeof(p->reason), fmt, args);
    va_end(args);
}

/* ---- who makes room ---------------------------------------------------------- */

/* Rule 4: its time after the load is up, so it may have to give way. */
static bool is_past_turn(const struct planner_state *s,
                         const struct planner_model *m)
{
    return s->now_ms >= add(m->ready_ms, s->turn_ms);
}

static bool is_overdue(const struct planner_state *s, uint64_t arrived_ms)
{
    return s->now_ms >= add(arrived_ms, s->turn_ms);
}

/* Idle before busy, then least recently used. */
static bool leaves_before(const struct planner_model *a,
                          const struct planner_model *b)
{
    if ((a->active == 0) != (b->active == 0))
        return a->active == 0;
    return a->used_ms < b->used_ms;
}

/* The next one to leave among those that `may`, not yet in `taken`. */
static size_t next_to_leave(const struct planner_state *s, const bool *may,
                            const struct planner_plan *taken)
{
    size_t best = SIZE_MAX;

    for (size_t i = 0; i < s->count; i++) {
        bool is_taken = !may[i];

        for (size_t k = 0; k < taken->victim_count && !is_taken; k++)
            is_taken = taken->victims[k] == i;
        if (!is_taken
            && (best == SIZE_MAX
                || leaves_before(&s->models[i], &s->models[best])))
            best = i;
    }
    return best;
}

/* Drops victims, the most recently used first, that turn out not to be needed
 * because a later one alone frees enough. */
static void spare(const struct planner_state *s, struct planner_plan *p,
                  uint64_t freed, uint64_t wanted)
{
    for (size_t k = p->victim_count; k-- > 0;) {
        uint64_t bytes = s->models[p->victims[k]].reserved_bytes;

        if (sub(freed, bytes) < wanted)
            continue;
        freed -= bytes;
        p->victim_count--;
        for (size_t j = k; j < p->victim_count; j++)
            p->victims[j] = p->victims[j + 1];
    }
}

/* Fills p->victims with enough of those that `may` leave to free `wanted`
 * bytes. False, with none, when all together are not enough. */
static bool choose(const struct planner_state *s, const bool *may,
                   uint64_t wanted, struct planner_plan *p)
{
    uint64_t freed = 0;

    p->victim_count = 0;
    while (freed < wanted && p->victim_count < PLANNER_VICTIMS_MAX) {
        size_t i = next_to_leave(s, may, p);

        if (i == SIZE_MAX)
            break;
        p->victims[p->victim_count++] = i;
        freed = add(freed, s->models[i].reserved_bytes);
    }
    if (freed < wanted) {
        p->victim_count = 0;
        return false;
    }
    spare(s, p, freed, wanted);
    return true;
}

static bool is_evictable(const struct planner_state *s, size_t i,
                         const struct planner_request *rq)
{
    const struct planner_model *m = &s->models[i];

    if (i == rq->model || m->at != PLANNER_READY || m->pinned || m->active != 0)
        return false;
    return m->waiting_ms == PLANNER_NEVER
           || (is_overdue(s, rq->arrived_ms) && is_past_turn(s, m)
               && rq->arrived_ms < m->waiting_ms);
}

/* The model whose oldest request is the oldest of all that wait for a load,
 * or SIZE_MAX. */
static size_t first_in_line(const struct planner_state *s)
{
    size_t best = SIZE_MAX;

    for (size_t i = 0; i < s->count; i++) {
        const struct planner_model *m = &s->models[i];

        if (m->at != PLANNER_ABSENT || m->waiting_ms == PLANNER_NEVER
            || m->retry_ms > s->now_ms)
            continue;
        if (best == SIZE_MAX || m->waiting_ms < s->models[best].waiting_ms)
            best = i;
    }
    return best;
}

/* Rule 4 seen from the loaded model: has it to drain for one that has waited
 * its turn? `*whom` is that one. */
static bool gives_way(const struct planner_state *s, size_t model,
                      uint64_t arrived_ms, size_t *whom)
{
    size_t first = first_in_line(s);
    bool may[PLANNER_MODELS_MAX];
    struct planner_plan scratch = {.victim_count = 0};
    struct sums t;
    uint64_t need, have;

    if (first == SIZE_MAX || !is_overdue(s, s->models[first].waiting_ms)
        || arrived_ms <= s->models[first].waiting_ms)
        return false;
    t = sum(s);
    need = need_at(&s->models[first], s->models[first].ctx);
    need = MIN(need, free_at_most(s, &t)); /* it may be cut down */
    have = add(free_now(s, &t), t.leaving);
    if (have >= need)
        return false;
    for (size_t i = 0; i < s->count; i++)
        may[i] = s->models[i].at == PLANNER_READY && !s->models[i].pinned
                 && is_past_turn(s, &s->models[i]);
    if (!choose(s, may, need - have, &scratch))
        return false;
    *whom = first;
    for (size_t k = 0; k < scratch.victim_count; k++)
        if (scratch.victims[k] == model)
            return true;
    return false;
}

/* ---- placing ------------------------------------------------------------------- */

static void place_ready(const struct planner_state *s,
                        const struct planner_request *rq,
                        struct planner_plan *p)
{
    const struct planner_model *m = &s->models[rq->model];
    size_t whom = 0;

    if (m->waiting_ms < rq->arrived_ms)
        say(p, PLANNER_WAIT, "an older request waits for %s", m->name);
    else if (gives_way(s, rq->model, rq->arrived_ms, &whom))
        say(p, PLANNER_WAIT, "%s gives way to %s, which has waited %.1f s",
            m->name, s->models[whom].name,
            (double)(s->now_ms - s->models[whom].waiting_ms) / 1000);
    else if (m->active != 0 && m->in_use + rq->slots > m->slots)
        say(p, PLANNER_WAIT,
            "%s computes %" PRIu32 " of %" PRIu32
            " sequences and this needs %" PRIu32,
            m->name, m->in_use, m->slots, rq->slots);
    else
        say(p, PLANNER_ADMIT, "%s is loaded", m->name);
}

/* Rules 5 and 6. False when it was refused. */
static bool fit(const struct planner_state *s, const struct sums *t,
                const struct planner_model *m, struct planner_plan *p)
{
    uint64_t most = free_at_most(s, t), ctx;

    p->n_ctx = m->ctx;
    p->need_bytes = need_at(m, m->ctx);
    if (p->need_bytes <= most)
        return true;
    ctx = m->ctx_bytes != 0 ? sub(most, m->fixed_bytes) / m->ctx_bytes : 0;
    ctx = MIN(ctx, m->ctx) / CTX_STEP * CTX_STEP;
    if (ctx >= m->ctx_min && ctx > 0 && most > m->fixed_bytes) {
        p->n_ctx = (uint32_t)ctx;
        p->need_bytes = need_at(m, ctx);
        return true;
    }
    p->code = ERR_NOFIT;
    p->retry_after_ms = 0;
    if (need_at(m, m->ctx_min) <= sub(s->budget_bytes, t->pinned)) {
        p->retry_after_ms = 10000;
        say(p, PLANNER_REFUSE,
            "%s needs %s with a context of %" PRIu32
            " tokens; other programs leave %s of this machine's memory",
            m->name, size(p->need_bytes).text, m->ctx, size(most).text);
    } else {
        say(p, PLANNER_REFUSE,
            "%s needs %s with a context of %" PRIu32 " tokens (%s with %" PRIu32
            "); the memory budget is %s, of "
            "which pinned models hold %s",
            m->name, size(p->need_bytes).text, m->ctx,
            size(need_at(m, m->ctx_min)).text, m->ctx_min,
            size(s->budget_bytes).text, size(t->pinned).text);
    }
    return false;
}

/* Rule 3: may this load go before an older one that waits for memory? Only
 * when there is room for both. */
static bool is_after_older(const struct planner_state *s,
                           const struct planner_request *rq,
                           struct planner_plan *p)
{
    size_t first = first_in_line(s);
    const struct planner_model *older;
    uint64_t both;

    if (first == SIZE_MAX || first == rq->model)
        return false;
    older = &s->models[first];
    both = add(p->need_bytes, need_at(older, older->ctx));
    if (older->waiting_ms >= rq->arrived_ms || both <= p->free_bytes)
        return false;
    say(p, PLANNER_WAIT, "%s came first and has still to be loaded",
        older->name);
    return true;
}

/* Who it waits for, when it does not fit beside the busy ones. */
static void wait_for_room(const struct planner_state *s, struct planner_plan *p,
                          const char *name)
{
    const char *busy = "";
    uint32_t requests = 0;

    for (size_t i = 0; i < s->count; i++) {
        if (s->models[i].active <= requests)
            continue;
        requests = s->models[i].active;
        busy = s->models[i].name;
    }
    say(p, PLANNER_WAIT, "%s needs %s and %s are free; waits for %s%s", name,
        size(p->need_bytes).text, size(p->free_bytes).text,
        busy[0] != '\0' ? busy : "others to leave",
        busy[0] != '\0' ? " to finish" : "");
}

/* Rule 7. True when that many are loaded that this one cannot be yet. */
static bool make_a_place(const struct planner_state *s,
                         const struct planner_request *rq,
                         struct planner_plan *p)
{
    bool may[PLANNER_MODELS_MAX];
    size_t taken = 0, leaving = 0, victim;

    for (size_t i = 0; i < s->count; i++) {
        taken += s->models[i].at != PLANNER_ABSENT;
        leaving += s->models[i].at == PLANNER_LEAVING;
        may[i] = is_evictable(s, i, rq);
    }
    if (taken < s->loaded_max)
        return false;
    victim = next_to_leave(s, may, p);
    say(p, PLANNER_WAIT, "%zu models are loaded, which is all there can be",
        taken);
    if (taken - leaving < s->loaded_max || victim == SIZE_MAX)
        return true; /* one is on its way out, or all are busy */
    p->victims[p->victim_count++] = victim;
    say(p, PLANNER_EVICT, "%zu models are loaded; %s leaves", taken,
        s->models[victim].name);
    return true;
}

static void place_absent(const struct planner_state *s,
                         const struct planner_request *rq,
                         struct planner_plan *p)
{
    const struct planner_model *m = &s->models[rq->model];
    struct sums t = sum(s);
    bool may[PLANNER_MODELS_MAX];
    enum planner_verdict load;
    uint64_t soon;

    p->free_bytes = free_now(s, &t);
    if (m->retry_ms > s->now_ms && m->retry_ms - s->now_ms <= PLANNER_SOON_MS) {
        say(p, PLANNER_WAIT, "%s is loaded again in a moment", m->name);
        return;
    }
    if (m->retry_ms > s->now_ms) {
        p->code = ERR_RUNNER;
        p->retry_after_ms = m->retry_ms - s->now_ms;
        say(p, PLANNER_REFUSE, "the last load of %s failed; next try in %.1f s",
            m->name, (double)p->retry_after_ms / 1000);
        return;
    }
    if (!fit(s, &t, m, p) || is_after_older(s, rq, p))
        return;
    load = p->n_ctx < m->ctx ? PLANNER_SHRINK : PLANNER_LOAD;
    if (p->need_bytes <= p->free_bytes) {
        if (make_a_place(s, rq, p))
            return;
        say(p, load, "%s needs %s of %s free", m->name,
            size(p->need_bytes).text, size(p->free_bytes).text);
        return;
    }
    for (size_t i = 0; i < s->count; i++)
        may[i] = is_evictable(s, i, rq);
    soon = add(p->free_bytes, t.leaving); /* without sending anybody away */
    if (p->need_bytes > soon && choose(s, may, p->need_bytes - soon, p)) {
        say(p, load == PLANNER_LOAD ? PLANNER_EVICT : PLANNER_SHRINK,
            "%s needs %s and %s are free; %s%s leave%s", m->name,
            size(p->need_bytes).text, size(p->free_bytes).text,
            s->models[p->victims[0]].name,
            p->victim_count > 1 ? " and others" : "",
            p->victim_count > 1 ? "" : "s");
    } else {
        wait_for_room(s, p, m->name);
    }
}

void planner_place(const struct planner_state *s,
                   const struct planner_request *rq, struct planner_plan *out)
{
    const struct planner_model *m = &s->models[rq->model];
    struct planner_plan p = {.code = ERR_OK};

    switch (m->at) {
    case PLANNER_READY:
        place_ready(s, rq, &p);
        break;
    case PLANNER_LOADING:
        say(&p, PLANNER_WAIT, "%s is being loaded", m->name);
        break;
    case PLANNER_LEAVING:
        say(&p, PLANNER_WAIT, "%s is being unloaded", m->name);
        break;
    case PLANNER_ABSENT:
        place_absent(s, rq, &p);
        break;
    }
    *out = p;
}

/* ---- sweeping -------------------------------------------------------------------- */

static bool is_idle(const struct planner_model *m)
{
    return m->at == PLANNER_READY && !m->pinned && m->active == 0
           && m->waiting_ms == PLANNER_NEVER;
}

void planner_sweep(const struct planner_state *s, struct planner_plan *out)
{
    struct planner_plan p = {.code = ERR_OK};
    bool may[PLANNER_MODELS_MAX];
    struct sums t = sum(s);
    uint64_t over = sub(sub(t.reserved, t.leaving), s->budget_bytes);

    for (size_t i = 0; i < s->count; i++) {
        const struct planner_model *m = &s->models[i];

        may[i] = is_idle(m);
        if (may[i] && m->ttl_ms != 0 && s->now_ms >= add(m->used_ms, m->ttl_ms)
            && p.victim_count < PLANNER_VICTIMS_MAX) {
            p.victims[p.victim_count++] = i;
            over = sub(over, m->reserved_bytes);
        }
    }
    if (p.victim_count > 0) {
        say(&p, PLANNER_EVICT, "idle for longer than its time to live");
    } else if (over > 0 && choose(s, may, over, &p)) {
        say(&p, PLANNER_EVICT, "%s more are reserved than the budget has",
            size(over).text);
    } else {
        say(&p, PLANNER_WAIT, "nothing to unload");
    }
    *out = p;
}

uint64_t planner_next_sweep(const struct planner_state *s)
{
    uint64_t next = PLANNER_NEVER;

    for (size_t i = 0; i < s->count; i++)
        if (is_idle(&s->models[i]) && s->models[i].ttl_ms != 0)
            next = MIN(next, add(s->models[i].used_ms, s->models[i].ttl_ms));
    return next;
}
