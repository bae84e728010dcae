#include "gateway/pool.h"

#include "base/mem.h"
#include "gateway/pool_in.h"
#include "sys/log.h"

enum {
    AGAIN_MS = 250,
    SWEEP_MAX_MS = 10000,
    RUNNERS_MAX = 60, /* the supervisor has 64 places, some for those that go */
};

/* ---- lists ------------------------------------------------------------------ */

void pool_list_add(struct pool_list *l, struct infer *q)
{
    q->prev = l->last;
    q->next = NULL;
    if (l->last != NULL)
        l->last->next = q;
    else
        l->first = q;
    l->last = q;
}

void pool_list_drop(struct pool_list *l, struct infer *q)
{
    if (q->prev != NULL)
        q->prev->next = q->next;
    else
        l->first = q->next;
    if (q->next != NULL)
        q->next->prev = q->prev;
    else
        l->last = q->prev;
    q->prev = q->next = NULL;
}

static void unqueue(struct pool *p, struct infer *q)
{
    pool_list_drop(&p->waiting, q);
    q->queued = false;
    p->n_waiting--;
    p->places[q->model]->waiting--;
}

static void put_back(struct pool *p, struct infer *q)
{
    struct infer *after = p->waiting.last;

    while (after != NULL && after->arrived_ms > q->arrived_ms)
        after = after->prev;
    if (after == p->waiting.last) {
        pool_list_add(&p->waiting, q);
    } else {
        q->prev = after;
        q->next = after != NULL ? after->next : p->waiting.first;
        q->next->prev = q;
        if (after != NULL)
            after->next = q;
        else
            p->waiting.first = q;
    }
    q->queued = true;
    p->n_waiting++;
    p->places[q->model]->waiting++;
}

void pool_requeue(struct pool *p, struct infer *q)
{
    put_back(p, q);
    pool_wake(p);
}

void pool_end(struct pool *p, struct infer *q, const struct infer_end *end)
{
    if (q->queued)
        unqueue(p, q);
    if (q->running)
        pool_release(p, q);
    buf_done(&q->payload);
    pool_wake(p);
    q->events->on_end(q->ctx, end); /* last: it may free q */
}

/* ---- plans -------------------------------------------------------------------- */

struct planner_state pool_state(struct pool *p)
{
    uint64_t now = loop_now(p->loop);

    for (size_t i = 0; i < p->count; i++)
        governor_view(&p->governor, &p->places[i]->slot,
                      &p->places[i]->estimate, &p->views[i]);
    for (struct infer *q = p->waiting.last; q != NULL; q = q->prev)
        p->views[q->model].waiting_ms = q->arrived_ms;
    return (struct planner_state){
        .now_ms = now,
        .budget_bytes = p->governor.budget_bytes,
        .headroom_bytes = governor_headroom(&p->governor, now),
        .turn_ms = p->opts.turn_ms,
        .loaded_max = RUNNERS_MAX,
        .models = p->views,
        .count = p->count,
    };
}

static void refuse(struct pool *p, struct infer *q, enum err code,
                   uint64_t retry_after_ms, const char *reason)
{
    const struct slot *s = &p->places[q->model]->slot;
    struct why why = WHY_INIT;

    /* During a back-off the failure itself is the better explanation. */
    if (code == ERR_RUNNER && s->failure.code != ERR_OK)
        (void)FAIL(&why, s->failure.code, "%s", s->failure.msg);
    else
        (void)FAIL(&why, code, "%s", reason);
    pool_end(p, q, &(struct infer_end){&why, 0, 0, retry_after_ms});
}

static void tell_plan(const struct pool *p, const struct infer *q,
                      const struct planner_plan *plan)
{
    const struct slot *s = &p->places[q->model]->slot;

    if (plan->verdict == PLANNER_ADMIT || plan->verdict == PLANNER_WAIT)
        return;
    LOG(INFO, SCHED, "plan", LOG_STR("model", s->model->want.id),
        LOG_S("verdict", planner_verdict_name(plan->verdict)),
        LOG_S("reason", plan->reason), LOG_U("context", plan->n_ctx),
        LOG_U("need_bytes", plan->need_bytes),
        LOG_U("free_bytes", plan->free_bytes),
        LOG_U("victims", plan->victim_count));
}

static bool wants_probe(const struct pool_place *at,
                        const struct planner_plan *plan)
{
    return !at->probed && at->slot.state == SLOT_ABSENT
           && ((plan->verdict == PLANNER_REFUSE && plan->code == ERR_NOFIT)
               || (plan->verdict == PLANNER_SHRINK && plan->victim_count == 0));
}

/* Carries a plan out. False when `q` is gone and lists may have changed. */
static bool carry_out(struct pool *p, struct infer *q,
                      const struct planner_plan *plan)
{
    struct pool_place *at = p->places[q->model];
    struct why why = WHY_INIT;
    enum err e;

    tell_plan(p, q, plan);
    if (wants_probe(at, plan)) {
        /* Refused or cut down by rule of thumb: ask a runner first. Its NEED
         * comes to on_need, which goes on or gives the number to us. */
        struct planner_plan probe = *plan;

        probe.n_ctx = 0;
        probe.need_bytes = 0;
        if (pool_begin_load(p, q->model, &probe, &why) == ERR_OK) {
            at->blocked = true;
            return true;
        }
    }
    switch (plan->verdict) {
    case PLANNER_ADMIT:
        unqueue(p, q);
        e = pool_dispatch(p, q);
        if (e == ERR_OK)
            return false;
        if (e == ERR_AGAIN || e == ERR_EOF || e == ERR_IO) {
            put_back(p,
                     q); /* full, or dead: the slot wakes us when it is not */
            break;
        }
        refuse(p, q, e, 0,
               e == ERR_LIMIT ? "the request is too large for the model's "
                                "channel"
                              : err_text(e));
        return false;
    case PLANNER_LOAD:
    case PLANNER_EVICT:
    case PLANNER_SHRINK:
        for (size_t k = 0; k < plan->victim_count; k++)
            pool_evict(p, plan->victims[k], "evicted");
        if (plan->victim_count != 0)
            break;
        if (pool_begin_load(p, q->model, plan, &why) == ERR_OK)
            break;
        refuse(p, q, why.code, 1000, why.msg);
        return false;
    case PLANNER_REFUSE:
        refuse(p, q, plan->code, plan->retry_after_ms, plan->reason);
        return false;
    case PLANNER_WAIT:
        break;
    }
    at->blocked = true;
    return true;
}

static bool pump_one(struct pool *p)
{
    for (struct infer *q = p->waiting.first; q != NULL; q = q->next) {
        struct planner_request rq = {q->model, q->arrived_ms, q->slots};
        struct planner_state state;
        struct planner_plan plan;

        if (p->places[q->model]->blocked)
            continue;
        state = pool_state(p);
        planner_place(&state, &rq, &plan);
        if (!carry_out(p, q, &plan))
            return true;
    }
    return false;
}

static void refuse_overdue(struct pool *p)
{
    while (p->waiting.first != NULL
           && loop_now(p->loop)
                  >= p->waiting.first->arrived_ms + p->opts.queue_wait_ms)
        refuse(p, p->waiting.first, ERR_AGAIN, 5000,
               "the request waited too long for its model");
}

static void plan_sweep(struct pool *p)
{
    struct planner_state state = pool_state(p);
    uint64_t next = planner_next_sweep(&state);
    uint64_t wait = SWEEP_MAX_MS;

    if (next != PLANNER_NEVER)
        wait = next > state.now_ms ? MIN(wait, next - state.now_ms) : 1;
    loop_timer_start(p->loop, &p->sweep, wait);
}

static void check_drained(struct pool *p)
{
    void (*fn)(void *) = p->on_drained;

    if (!p->draining || fn == NULL || p->running.first != NULL
        || p->waiting.first != NULL)
        return;
    p->on_drained = NULL;
    fn(p->drained_ctx);
}

static void on_pump(void *ctx)
{
    struct pool *p = ctx;

    for (size_t i = 0; i < p->count; i++)
        p->places[i]->blocked = false;
    refuse_overdue(p);
    while (pump_one(p))
        ;
    if (p->waiting.first != NULL)
        loop_timer_start(p->loop, &p->again, AGAIN_MS);
    plan_sweep(p);
    check_drained(p);
}

static void on_sweep(void *ctx)
{
    struct pool *p = ctx;
    struct planner_state state = pool_state(p);
    struct planner_plan plan;

    planner_sweep(&state, &plan);
    for (size_t k = 0; k < plan.victim_count; k++)
        pool_evict(p, plan.victims[k], plan.reason);
    plan_sweep(p);
}

void pool_wake(struct pool *p)
{
    loop_post(p->loop, &p->pump);
}

/* ---- the border ------------------------------------------------------------------ */

enum err pool_new(struct loop *l, struct registry *registry,
                  struct estimate_store *estimates,
                  const struct pool_opts *opts, struct pool **out,
                  struct why *why)
{
    struct pool *p = mem_zalloc(sizeof(*p));
    enum err e;

    if (p == NULL)
        return FAIL(why, ERR_NOMEM, "out of memory");
    p->loop = l;
    p->registry = registry;
    p->estimates = estimates;
    p->opts = *opts;
    p->governor.context_min = opts->context_min;
    p->governor.use_mmap = opts->use_mmap;
    governor_init(&p->governor, opts->budget_bytes, opts->reserve_bytes,
                  loop_now(l));
    task_init(&p->pump, on_pump, p);
    timer_init(&p->again, on_pump, p);
    timer_init(&p->sweep, on_sweep, p);
    e = pool_extend(p, why);
    if (e != ERR_OK) {
        pool_free(p);
        return e;
    }
    *out = p;
    return ERR_OK;
}

enum err pool_extend(struct pool *p, struct why *why)
{
    while (p->count < registry_count(p->registry)) {
        struct pool_place *at = mem_zalloc(sizeof(*at));

        if (at == NULL)
            return FAIL(why, ERR_NOMEM, "out of memory");
        slot_init(&at->slot, p->count, registry_at(p->registry, p->count),
                  p->loop, &pool_slot_events, p);
        pool_look_up(p, at);
        p->places[p->count++] = at;
    }
    return ERR_OK;
}

void pool_free(struct pool *p)
{
    if (p == NULL)
        return;
    loop_cancel(p->loop, &p->pump);
    timer_stop(&p->again);
    timer_stop(&p->sweep);
    for (size_t i = 0; i < p->count; i++) {
        slot_done(&p->places[i]->slot);
        mem_free(p->places[i]);
    }
    for (size_t i = 0; i < p->n_preloads; i++)
        buf_done(&p->preloads[i].payload);
    mem_free(p->preloads);
    mem_free(p);
}

enum err pool_submit(struct pool *p, struct infer *q, uint64_t *retry_after_ms,
                     struct why *why)
{
    struct pool_place *at = p->places[q->model];

    *retry_after_ms = 0;
    if (p->draining) {
        *retry_after_ms = 2000;
        return FAIL(why, ERR_SHUTDOWN, "the server is stopping");
    }
    if (at->slot.state == SLOT_ABSENT
        && registry_refresh(p->registry, q->model)) {
        pool_look_up(p, at); /* another file: other needs, another chance */
        at->slot.retry_ms = 0;
    }
    if (at->slot.model->problem != ERR_OK)
        return FAIL(why, at->slot.model->problem, "%s",
                    at->slot.model->problem_text);
    if (at->waiting >= p->opts.queue_max) {
        *retry_after_ms = 1000;
        return FAIL(why, ERR_BUSY, "%u requests wait for %.*s already",
                    at->waiting, STR_ARG(at->slot.model->want.id));
    }
    q->arrived_ms = loop_now(p->loop);
    q->running = q->heard = q->retried = q->held = false;
    q->left = 0;
    pool_requeue(p, q);
    return ERR_OK;
}

void pool_cancel(struct pool *p, struct infer *q)
{
    const struct msg_cancel m = {0};
    struct slot *s = &p->places[q->model]->slot;
    enum err e = ERR_OK;

    if (q->queued)
        unqueue(p, q);
    if (q->running) {
        if (s->state == SLOT_READY)
            e = line_send(&s->line, MSG_CANCEL, q->req, &m);
        pool_release(p, q);
    }
    buf_done(&q->payload);
    if (e == ERR_AGAIN || e == ERR_NOMEM)
        slot_give_up(s, "it takes no CANCEL");
    pool_wake(p);
}

void pool_hold(struct pool *p, struct infer *q, bool hold)
{
    const struct msg_pause m = {hold};
    struct slot *s = &p->places[q->model]->slot;

    if (!q->running || q->held == hold)
        return;
    q->held = hold;
    s->in_use += hold ? 0 - q->slots : q->slots;
    if (line_send(&s->line, MSG_PAUSE, q->req, &m) == ERR_AGAIN)
        slot_give_up(s, "it takes no PAUSE");
    if (hold)
        pool_wake(p);
}

enum err pool_unload(struct pool *p, size_t model, bool force, struct why *why)
{
    struct pool_place *at = p->places[model];

    if (at->slot.active != 0 && !force)
        return FAIL(why, ERR_BUSY, "%.*s answers %u requests",
                    STR_ARG(at->slot.model->want.id), at->slot.active);
    pool_evict(p, model, "asked to");
    return ERR_OK;
}

void pool_explain(struct pool *p, size_t model, uint32_t slots,
                  struct planner_plan *out)
{
    struct planner_state state = pool_state(p);
    struct planner_request rq = {model, state.now_ms, slots};

    planner_place(&state, &rq, out);
}

void pool_drain(struct pool *p, void (*fn)(void *ctx), void *ctx)
{
    p->draining = true;
    p->on_drained = fn;
    p->drained_ctx = ctx;
    pool_wake(p);
}

void pool_abandon(struct pool *p)
{
    struct why why = WHY_INIT;
    const struct infer_end end = {&why, 0, 0, 2000};

    (void)FAIL(&why, ERR_SHUTDOWN, "the server is stopping");
    p->draining = true;
    while (p->waiting.first != NULL)
        pool_end(p, p->waiting.first, &end);
    while (p->running.first != NULL)
        pool_end(p, p->running.first, &end);
}

/* ---- for people -------------------------------------------------------------------- */

struct pool_memory pool_memory(struct pool *p)
{
    struct pool_memory m = {.budget_bytes = p->governor.budget_bytes};

    m.headroom_bytes = governor_headroom(&p->governor, loop_now(p->loop));
    for (size_t i = 0; i < p->count; i++) {
        m.reserved_bytes += p->places[i]->slot.reserved_bytes;
        m.resident_bytes += p->places[i]->slot.resident_bytes;
    }
    return m;
}

size_t pool_count(const struct pool *p)
{
    return p->count;
}

struct pool_model pool_model(const struct pool *p, size_t model)
{
    const struct pool_place *at = p->places[model];

    return (struct pool_model){
        .slot = &at->slot,
        .estimate = at->estimate,
        .source = estimate_source(&at->estimate, at->probed),
        .waiting = at->waiting,
    };
}

size_t pool_waiting(const struct pool *p)
{
    return p->n_waiting;
}

uint64_t pool_now(const struct pool *p)
{
    return loop_now(p->loop);
}
