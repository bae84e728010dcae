#include "base/mem.h"
#include "gateway/pool_in.h"
#include "sys/clock.h"
#include "sys/fd.h"
#include "sys/log.h"

enum {
    BACKOFF_MS = 2000, /* after the first failed load; doubles */
    BACKOFF_MAX_MS = 300000,
    DEATHS_SOON = 7, /* without an answer between them */
    LEAVE_MS = 5000, /* to end politely */
    STATS_MS = 5000, /* runners are asked how they are at most so often */
};

static struct pool_place *place_of(struct slot *s)
{
    return CONTAINER_OF(s, struct pool_place, slot);
}

/* ---- memory -------------------------------------------------------------------- */

void pool_look_up(struct pool *p, struct pool_place *at)
{
    const struct registry_model *m = at->slot.model;
    struct estimate_shape shape;

    if (m->problem != ERR_OK)
        return;
    shape = governor_shape(&p->governor, m, 0);
    at->probed = estimate_get(p->estimates, &m->file, &shape, &at->estimate);
    if (!at->probed)
        estimate_computed(&m->facts, &shape, &at->estimate);
}

/* What could not be saved is found again by the next probe. */
static void tell_unsaved(enum err e, const struct why *why)
{
    if (e != ERR_OK)
        LOG(WARN, MODEL, "estimate_not_saved", LOG_WHY(why));
}

static void on_need(void *ctx, struct slot *s, const struct estimate *e)
{
    struct pool *p = ctx;
    struct planner_state state;
    struct why why = WHY_INIT;
    uint64_t total = estimate_total(e), others = 0;

    tell_unsaved(
        estimate_put(p->estimates, &s->model->file, &s->shape, e, &why), &why);
    pool_look_up(p, place_of(s));
    state = pool_state(p);
    for (size_t i = 0; i < p->count; i++)
        if (i != s->index)
            others += state.models[i].reserved_bytes;
    if (total > s->reserved_bytes && others + total > state.budget_bytes) {
        /* More than it was given room for. Now that the number is known, the
         * planner finds room, or says that there is none. */
        LOG(INFO, SCHED, "needs_more", LOG_STR("model", s->model->want.id),
            LOG_U("need_bytes", total), LOG_U("given", s->reserved_bytes));
        slot_leave(s);
        return;
    }
    s->reserved_bytes = total;
    slot_go_on(s);
}

static void note_resident(struct pool *p, struct slot *s, uint64_t bytes)
{
    struct why why = WHY_INIT;

    /* Small excesses are not worth a write. */
    if (bytes <= s->reserved_bytes + s->reserved_bytes / 16)
        return;
    s->reserved_bytes = bytes;
    tell_unsaved(estimate_measured(p->estimates, &s->model->file, &s->shape,
                                   bytes, &why),
                 &why);
    pool_look_up(p, place_of(s));
}

/* ---- loading and leaving ---------------------------------------------------------- */

enum err pool_begin_load(struct pool *p, size_t model,
                         const struct planner_plan *plan, struct why *why)
{
    struct slot *s = &p->places[model]->slot;
    struct estimate known;
    struct slot_load load = {
        .runner = ++p->next_runner,
        .shape = governor_shape(&p->governor, s->model, plan->n_ctx),
        .threads = governor_threads(s->model),
        .reserved_bytes = plan->need_bytes,
        .kv_dir = p->opts.kv_dir,
        .unconfined = p->opts.unconfined,
        .stall_ms = p->opts.load_stall_ms,
        .leave_ms = LEAVE_MS,
    };

    load.must_probe =
        !estimate_get(p->estimates, &s->model->file, &load.shape, &known);
    return slot_begin(s, &load, why);
}

void pool_evict(struct pool *p, size_t model, const char *reason)
{
    struct slot *s = &p->places[model]->slot;
    struct why why = WHY_INIT;
    struct infer *next;

    if (s->state == SLOT_ABSENT || s->state == SLOT_LEAVING)
        return;
    LOG(INFO, SCHED, "unload", LOG_STR("model", s->model->want.id),
        LOG_S("reason", reason));
    slot_leave(s);
    if (p->opts.on_unload != NULL)
        p->opts.on_unload(p->opts.ctx, reason);
    (void)FAIL(&why, ERR_RUNNER, "%.*s was unloaded",
               STR_ARG(s->model->want.id));
    for (struct infer *q = p->running.first; q != NULL; q = next) {
        next = q->next;
        if (q->model == model)
            pool_end(p, q, &(struct infer_end){&why, 0, 0, 1000});
    }
}

static void on_change(void *ctx, struct slot *s)
{
    struct pool *p = ctx;

    (void)s;
    pool_wake(p);
}

static void on_ready(void *ctx, struct slot *s)
{
    struct pool *p = ctx;
    uint64_t load_ms = s->ready.load_us / 1000;

    s->retry_ms = 0;
    LOG(INFO, SCHED, "loaded", LOG_STR("model", s->model->want.id),
        LOG_U("pid", s->pid), LOG_U("context", s->ready.n_ctx),
        LOG_U("threads", s->threads), LOG_U("load_ms", load_ms),
        LOG_U("reserved_bytes", s->reserved_bytes));
    if (p->opts.on_load != NULL)
        p->opts.on_load(p->opts.ctx, ERR_OK, load_ms);
}

/* A load that failed for a reason that the runner gave will fail again: 2 s,
 * 4 s, ... A death without a word is mostly an accident (killed for memory, by
 * a person, by one request): at once, then 250 ms, 500 ms, 1 s four times, and
 * only then longer and longer. */
static uint64_t backoff_ms(const struct slot *s)
{
    unsigned n = s->failures;
    uint64_t ms = BACKOFF_MS;

    if (!s->said_why) {
        if (n <= 1)
            return 0;
        if (n <= 3)
            return n == 2 ? 250 : 500;
        ms = PLANNER_SOON_MS;
        n = n <= DEATHS_SOON ? 1 : n - DEATHS_SOON;
    }
    while (--n > 0 && ms < BACKOFF_MAX_MS)
        ms *= 2;
    return MIN(ms, BACKOFF_MAX_MS);
}

/* May it be asked once more, as if nothing had happened? */
static bool may_ask_again(struct infer *q)
{
    if (q->retried || (q->heard && !q->keep))
        return false;
    if (q->heard)
        q->events->on_again(q->ctx);
    q->retried = true;
    q->heard = false;
    return true;
}

/* Questions of this model: ask again, or end. */
static void end_running(struct pool *p, const struct slot *s,
                        const struct infer_end *end)
{
    struct infer *q = p->running.first;

    while (q != NULL) {
        if (q->model != s->index) {
            q = q->next;
            continue;
        }
        if (may_ask_again(q)) {
            pool_release(p, q);
            pool_requeue(p, q);
        } else {
            pool_end(p, q, end);
        }
        q = p->running.first; /* what was called may have changed the list */
    }
}

/* After an accident each may wait for one more load. */
static void end_waiting(struct pool *p, const struct slot *s,
                        const struct infer_end *end, bool spare)
{
    struct infer *q = p->waiting.first;

    while (q != NULL) {
        if (q->model != s->index || (spare && !q->retried)) {
            q->retried = q->retried || q->model == s->index;
            q = q->next;
            continue;
        }
        pool_end(p, q, end);
        q = p->waiting.first;
    }
}

static void on_failed(void *ctx, struct slot *s, const struct why *why)
{
    struct pool *p = ctx;
    bool was_ready = s->ready_ms != 0;
    struct why copy = *why;
    struct infer_end end = {.why = &copy};

    s->ready_ms = 0;
    s->failures++;
    end.retry_after_ms = backoff_ms(s);
    s->retry_ms = loop_now(p->loop) + end.retry_after_ms;
    LOG(WARN, SCHED, "runner_failed", LOG_STR("model", s->model->want.id),
        LOG_B("was_loaded", was_ready), LOG_WHY(why),
        LOG_U("failures", s->failures), LOG_U("retry_ms", end.retry_after_ms));
    if (!was_ready && p->opts.on_load != NULL)
        p->opts.on_load(p->opts.ctx, why->code, 0);
    if (was_ready)
        end_running(p, s, &end);
    if (!was_ready)
        end_waiting(p, s, &end, !s->said_why);
}

static void on_room(void *ctx, struct slot *s)
{
    (void)s;
    pool_wake(ctx);
}

static enum err ask(void *ctx, enum msg_kind kind, const void *msg)
{
    struct pool *p = ctx;

    return p->opts.ask(p->opts.ctx, kind, msg);
}

/* ---- questions and answers --------------------------------------------------------- */

enum err pool_dispatch(struct pool *p, struct infer *q)
{
    struct slot *s = &p->places[q->model]->slot;

    if (q->payload.max == 0) { /* a preload: there is nothing to ask */
        const struct why fine = WHY_INIT;

        slot_used(s);
        q->events->on_end(q->ctx, &(struct infer_end){.why = &fine});
        return ERR_OK;
    }
    if (++p->next_req == 0)
        p->next_req = 1;
    TRY(line_send_raw(&s->line, q->kind, p->next_req, buf_str(&q->payload)));
    q->req = p->next_req;
    q->sent_us = clock_us();
    q->running = true;
    q->held = false;
    q->left = 0;
    pool_list_add(&p->running, q);
    slot_used(s);
    s->active++;
    s->in_use += q->slots;
    return ERR_OK;
}

void pool_release(struct pool *p, struct infer *q)
{
    struct slot *s = &p->places[q->model]->slot;

    pool_list_drop(&p->running, q);
    q->running = false;
    s->active--;
    if (!q->held)
        s->in_use -= q->slots;
    q->held = false;
    s->used_ms = loop_now(p->loop);
}

static struct infer *find(const struct pool *p, const struct slot *s,
                          uint32_t req)
{
    for (struct infer *q = p->running.first; q != NULL; q = q->next)
        if (q->req == req && q->model == s->index)
            return q;
    return NULL;
}

static void end_well(struct pool *p, struct slot *s, struct infer *q)
{
    const struct why fine = WHY_INIT;

    s->failures = 0;
    pool_end(p, q, &(struct infer_end){.why = &fine});
}

static void on_fail(struct pool *p, struct infer *q, const struct msg_fail *m)
{
    struct why why = WHY_INIT;
    enum err code =
        m->code > 0 && m->code < ERR_COUNT ? (enum err)m->code : ERR_RUNNER;

    (void)FAIL(&why, code, "%.*s", STR_ARG(str_sub(m->text, 0, 390)));
    pool_end(p, q,
             &(struct infer_end){&why, m->n_prompt, m->n_ctx,
                                 err_retryable(code) ? 1000 : 0});
}

/* Reads one frame about `q`. Its handler may end it. */
static enum err hear(struct pool *p, struct slot *s, struct infer *q,
                     const struct frame *f, struct why *why)
{
    union {
        struct msg_delta delta;
        struct msg_done done;
        struct msg_fail fail;
        struct msg_vector vector;
        struct msg_tokens tokens;
    } m;

    TRY(msg_get(f->payload, (enum msg_kind)f->kind, &m, why));
    q->heard = true;
    if (!q->keep)
        buf_done(&q->payload);
    switch (f->kind) {
    case MSG_DELTA:
        if (q->events->on_delta != NULL)
            q->events->on_delta(q->ctx, &m.delta);
        break;
    case MSG_VECTOR:
        if (q->events->on_vector != NULL)
            q->events->on_vector(q->ctx, &m.vector);
        break;
    case MSG_TOKENS:
        if (q->events->on_tokens != NULL)
            q->events->on_tokens(q->ctx, &m.tokens);
        end_well(p, s, q);
        break;
    case MSG_DONE:
        if (q->left == 0)
            q->left = MAX(m.done.of, 1U);
        q->left--;
        if (q->events->on_done != NULL)
            q->events->on_done(q->ctx, &m.done);
        if (q->left == 0 && q->running)
            end_well(p, s, q);
        break;
    default:
        on_fail(p, q, &m.fail);
        break;
    }
    return ERR_OK;
}

static void on_answer(void *ctx, struct slot *s, const struct frame *f)
{
    struct pool *p = ctx;
    struct infer *q = find(p, s, f->req);
    struct why why = WHY_INIT;
    bool known = f->kind == MSG_DELTA || f->kind == MSG_DONE
                 || f->kind == MSG_FAIL || f->kind == MSG_VECTOR
                 || f->kind == MSG_TOKENS;

    if (q == NULL)
        return; /* cancelled: the rest of its answer */
    if (known && hear(p, s, q, f, &why) == ERR_OK)
        return;
    if (!known)
        (void)FAIL(&why, ERR_PROTOCOL, "a %s is no answer", msg_name(f->kind));
    /* A runner that says nonsense once is not believed again. */
    LOG(ERROR, SCHED, "runner_nonsense", LOG_STR("model", s->model->want.id),
        LOG_S("kind", msg_name(f->kind)), LOG_WHY(&why));
    pool_evict(p, s->index, "it broke the protocol");
}

const struct slot_events pool_slot_events = {
    .on_change = on_change,
    .on_need = on_need,
    .on_ready = on_ready,
    .on_failed = on_failed,
    .on_answer = on_answer,
    .on_room = on_room,
    .ask = ask,
};

/* ---- the supervisor ------------------------------------------------------------------ */

static struct slot *by_runner(struct pool *p, uint32_t runner)
{
    for (size_t i = 0; i < p->count; i++)
        if (p->places[i]->slot.runner == runner && runner != 0)
            return &p->places[i]->slot;
    return NULL;
}

static enum err on_spawned(struct pool *p, const struct frame *f, int *fd,
                           struct why *why)
{
    struct msg_spawned m;
    struct slot *s;

    TRY(msg_spawned_get(f->payload, &m, why));
    s = by_runner(p, m.runner);
    if (s != NULL && *fd >= 0)
        slot_spawned(s, m.pid, fd_take(fd));
    return ERR_OK;
}

enum err pool_on_super(struct pool *p, const struct frame *f, int fd,
                       struct why *why)
{
    CLEANUP(fd_closep) int owned = fd;
    struct msg_spawn_fail no;
    struct msg_exited gone;
    struct slot *s;

    switch (f->kind) {
    case MSG_SPAWNED:
        return on_spawned(p, f, &owned, why);
    case MSG_SPAWN_FAIL:
        TRY(msg_spawn_fail_get(f->payload, &no, why));
        s = by_runner(p, no.runner);
        if (s != NULL)
            slot_spawn_failed(s,
                              no.code > 0 && no.code < ERR_COUNT
                                  ? (enum err)no.code
                                  : ERR_RUNNER,
                              no.text);
        return ERR_OK;
    case MSG_EXITED:
        TRY(msg_exited_get(f->payload, &gone, why));
        s = by_runner(p, gone.runner);
        if (s == NULL)
            return ERR_OK;
        note_resident(p, s, gone.peak_bytes);
        slot_exited(s, &gone);
        return ERR_OK;
    default:
        return FAIL(why, ERR_PROTOCOL, "the supervisor sent a %s",
                    msg_name(f->kind));
    }
}

/* ---- pinned models, and how runners are ------------------------------------------------ */

static void on_preloaded(void *ctx, const struct infer_end *end)
{
    if (end->why->code != ERR_OK)
        LOG(ERROR, SCHED, "pinned_not_loaded", LOG_WHY(end->why));
    (void)ctx;
}

void pool_start(struct pool *p)
{
    static const struct infer_events events = {.on_end = on_preloaded};
    struct why why = WHY_INIT;
    uint64_t retry;

    if (p->preloads != NULL || p->count == 0)
        return;
    p->preloads = mem_calloc(p->count, sizeof(*p->preloads));
    if (p->preloads == NULL)
        return; /* they load with their first request */
    for (size_t i = 0; i < p->count; i++) {
        struct infer *q = &p->preloads[p->n_preloads];

        if (!p->places[i]->slot.model->want.pin)
            continue;
        *q = (struct infer){.model = i, .events = &events};
        if (pool_submit(p, q, &retry, &why) == ERR_OK)
            p->n_preloads++;
        else
            LOG(ERROR, SCHED, "pinned_not_loaded", LOG_WHY(&why));
    }
}

void pool_ask_stats(struct pool *p)
{
    const struct msg_status m = {0};

    for (size_t i = 0; i < p->count; i++) {
        struct slot *s = &p->places[i]->slot;

        if (s->state != SLOT_READY)
            continue;
        note_resident(p, s, s->resident_bytes);
        if (line_send(&s->line, MSG_STATUS, 0, &m) != ERR_OK)
            return;
    }
}
