#include "gateway/slot.h"

#include "sys/clock.h"
#include "sys/log.h"

enum wait { WAIT_NONE, WAIT_START, WAIT_STALL, WAIT_PING, WAIT_LEAVE };
enum { START_MS = 15000, PING_MS = 5000 };

#define TO(NAME) (1U << SLOT_##NAME)
static const struct {
    const char *name;
    enum planner_residency residency;
    enum wait wait;
    unsigned to;
} states[] = {
#define STATE(NAME, name, residency, waits, wait, to)                          \
    {#name, PLANNER_##residency, WAIT_##wait, to},
#include "gateway/slot_state.def"
#undef STATE
};
#undef TO

const char *slot_state_name(enum slot_state st)
{
    return (size_t)st < COUNTOF(states) ? states[st].name : "?";
}

enum planner_residency slot_residency(const struct slot *s)
{
    return states[s->state].residency;
}

static void restart_deadline(struct slot *s)
{
    switch (states[s->state].wait) {
    case WAIT_NONE:
        timer_stop(&s->deadline);
        break;
    case WAIT_START:
        loop_timer_start(s->loop, &s->deadline, START_MS);
        break;
    case WAIT_STALL:
        loop_timer_start(s->loop, &s->deadline, s->stall_ms);
        break;
    case WAIT_PING:
        loop_timer_start(s->loop, &s->deadline,
                         MIN(PING_MS, MAX(s->stall_ms / 4, 1U)));
        break;
    case WAIT_LEAVE:
        loop_timer_start(s->loop, &s->deadline, s->leave_ms);
        break;
    }
}

void slot_go(struct slot *s, enum slot_state to)
{
    assert((states[s->state].to & (1U << to)) != 0);
    LOG(DEBUG, SCHED, "slot", LOG_STR("model", s->model->want.id),
        LOG_S("from", slot_state_name(s->state)),
        LOG_S("to", slot_state_name(to)));
    s->state = to;
    s->entered_ms = loop_now(s->loop);
    restart_deadline(s);
    s->events->on_change(s->ctx, s);
}

static void ask_kill(struct slot *s)
{
    const struct msg_kill m = {s->runner};

    (void)s->events->ask(s->ctx, MSG_KILL, &m);
}

/* The process, whatever is left of it, has to go; its requests and what
 * waits for it hear why. */
static void fail(struct slot *s, const struct why *why)
{
    line_close(&s->line);
    s->failure = *why;
    if (s->state != SLOT_LEAVING)
        slot_go(s, SLOT_LEAVING);
    ask_kill(s);
    s->events->on_failed(s->ctx, s, why);
}

/* A runner that computes answers STATUS between two steps, several times a
 * second; one that says nothing at all hangs. */
static void ping(struct slot *s)
{
    const struct msg_status m = {0};
    uint64_t silent = loop_now(s->loop) - s->heard_ms;
    struct why why = WHY_INIT;

    if (s->active != 0 && silent >= s->stall_ms) {
        (void)FAIL(&why, ERR_TIMEOUT,
                   "the process of %.*s has said nothing for %.1f s",
                   STR_ARG(s->model->want.id), (double)silent / 1000);
        fail(s, &why);
        return;
    }
    if (s->active != 0 && line_send(&s->line, MSG_STATUS, 0, &m) == ERR_NOMEM)
        LOG0(WARN, SCHED, "no_memory_to_ask");
    restart_deadline(s);
}

void slot_give_up(struct slot *s, const char *reason)
{
    LOG(WARN, SCHED, "runner_given_up", LOG_STR("model", s->model->want.id),
        LOG_S("reason", reason));
    ask_kill(s); /* its channel ends, which tells the rest */
}

void slot_used(struct slot *s)
{
    s->used_ms = loop_now(s->loop);
    if (s->active == 0)
        s->heard_ms = s->used_ms;
}

static void on_deadline(void *ctx)
{
    struct slot *s = ctx;
    struct why why = WHY_INIT;

    if (s->state == SLOT_READY) {
        ping(s);
        return;
    }

    if (s->state == SLOT_LEAVING) {
        ask_kill(s); /* it was asked politely before */
        restart_deadline(s);
        return;
    }
    (void)FAIL(&why, ERR_TIMEOUT, "loading %.*s made no progress (%s, %u%%)",
               STR_ARG(s->model->want.id), slot_state_name(s->state),
               s->permille / 10);
    fail(s, &why);
}

/* ---- what the runner says --------------------------------------------------- */

static enum err send_load(struct slot *s)
{
    const struct msg_load m = {
        .n_ctx = s->shape.n_ctx,
        .n_seq = s->shape.n_seq,
        .n_batch = s->shape.n_batch,
        .n_ubatch = s->shape.n_ubatch,
        .n_threads = s->threads,
        .flash_attn = s->shape.flash_attn,
        .use_mmap = s->shape.use_mmap,
        .embedding = s->shape.embedding,
    };

    slot_go(s, SLOT_LOADING);
    return line_send(&s->line, MSG_LOAD, 0, &m);
}

static enum err send_probe(struct slot *s)
{
    const struct msg_probe m = {
        .n_ctx = s->shape.n_ctx,
        .n_seq = s->shape.n_seq,
        .n_batch = s->shape.n_batch,
        .n_ubatch = s->shape.n_ubatch,
        .flash_attn = s->shape.flash_attn,
        .use_mmap = s->shape.use_mmap,
        .embedding = s->shape.embedding,
    };

    slot_go(s, SLOT_PROBING);
    return line_send(&s->line, MSG_PROBE, 0, &m);
}

static enum err on_hello(struct slot *s, struct str payload, struct why *why)
{
    struct msg_hello m;

    TRY(msg_hello_get(payload, &m, why));
    if (m.version != MSG_VERSION)
        return FAIL(why, ERR_PROTOCOL,
                    "the runner speaks version %u and the gateway %u: they are "
                    "of different installations",
                    m.version, MSG_VERSION);
    return s->must_probe ? send_probe(s) : send_load(s);
}

static enum err on_need(struct slot *s, struct str payload, struct why *why)
{
    struct msg_need m;
    struct estimate e;

    TRY(msg_need_get(payload, &m, why));
    e = (struct estimate){
        .model_bytes = m.model_bytes,
        .kv_bytes = m.kv_bytes,
        .compute_bytes = m.compute_bytes,
        .mapped_bytes = m.mapped_bytes,
        .n_ctx = m.n_ctx,
    };
    s->events->on_need(s->ctx, s, &e);
    return ERR_OK;
}

static enum err on_ready(struct slot *s, struct str payload, struct why *why)
{
    TRY(msg_ready_get(payload, &s->ready, why));
    s->ready.arch = s->ready.name = STR_EMPTY;
    s->permille = 1000;
    s->ready_ms = s->used_ms = loop_now(s->loop);
    s->loaded_unix_ms = clock_unix_ms();
    slot_go(s, SLOT_READY);
    s->events->on_ready(s->ctx, s);
    return ERR_OK;
}

/* The runner says itself why it cannot go on. */
static void on_load_failed(struct slot *s, struct str payload)
{
    struct msg_fail m;
    struct why why = WHY_INIT;

    s->said_why = true;
    if (msg_fail_get(payload, &m, &why) == ERR_OK)
        (void)FAIL(&why,
                   m.code > 0 && m.code < ERR_COUNT ? (enum err)m.code
                                                    : ERR_MODEL,
                   "%.*s: %.*s", STR_ARG(s->model->want.id),
                   STR_ARG(str_sub(m.text, 0, 300)));
    fail(s, &why);
}

static enum err on_own_frame(struct slot *s, const struct frame *f,
                             struct why *why)
{
    struct msg_progress progress;

    switch (f->kind) {
    case MSG_HELLO:
        if (s->state == SLOT_SPAWNING)
            return on_hello(s, f->payload, why);
        break;
    case MSG_NEED:
        if (s->state == SLOT_PROBING)
            return on_need(s, f->payload, why);
        break;
    case MSG_PROGRESS:
        if (s->state != SLOT_LOADING)
            break;
        TRY(msg_progress_get(f->payload, &progress, why));
        s->permille = MIN(progress.permille, 1000U);
        restart_deadline(s);
        return ERR_OK;
    case MSG_READY:
        if (s->state == SLOT_LOADING)
            return on_ready(s, f->payload, why);
        break;
    case MSG_STATS:
        TRY(msg_stats_get(f->payload, &s->stats, why));
        s->resident_bytes = s->stats.rss_bytes;
        return ERR_OK;
    default:
        break;
    }
    return FAIL(why, ERR_PROTOCOL, "a %s in state %s", msg_name(f->kind),
                slot_state_name(s->state));
}

static void on_frame(void *ctx, const struct frame *f)
{
    struct slot *s = ctx;
    struct why why = WHY_INIT;
    enum err e;

    s->heard_ms = loop_now(s->loop);
    if (s->state == SLOT_LEAVING)
        return; /* nobody waits for it any more */
    if (f->kind == MSG_FAIL && f->req == 0) {
        on_load_failed(s, f->payload);
        return;
    }
    if (f->req != 0) {
        s->events->on_answer(s->ctx, s, f);
        return;
    }
    if ((e = on_own_frame(s, f, &why)) == ERR_OK)
        return;
    if (why.code == ERR_OK)
        (void)FAIL(&why, e, "%s: %s", msg_name(f->kind), err_text(e));
    fail(s, &why);
}

/* ---- its end ------------------------------------------------------------------ */

static void on_closed(void *ctx, enum err e)
{
    struct slot *s = ctx;
    struct why why = WHY_INIT;

    if (s->state == SLOT_LEAVING) {
        line_close(&s->line);
        return;
    }
    (void)FAIL(&why, e == ERR_PROTOCOL ? ERR_PROTOCOL : ERR_RUNNER,
               "the process of %.*s ended while %s", STR_ARG(s->model->want.id),
               s->state == SLOT_READY ? "it was loaded" : "it was loading");
    fail(s, &why);
}

static void on_room(void *ctx)
{
    struct slot *s = ctx;

    s->events->on_room(s->ctx, s);
}

static const struct line_events line_table = {on_frame, on_closed, on_room};

static void set_absent(struct slot *s)
{
    line_close(&s->line);
    s->runner = s->pid = 0;
    s->reserved_bytes = s->resident_bytes = 0;
    s->permille = 0;
    s->stats = (struct msg_stats){0};
    slot_go(s, SLOT_ABSENT);
}

void slot_spawned(struct slot *s, uint32_t pid, int fd)
{
    struct why why = WHY_INIT;

    s->pid = pid;
    if (s->state == SLOT_LEAVING)
        return;
    if (line_open(&s->line, s->loop, fd, &line_table, s, &why) != ERR_OK)
        fail(s, &why);
}

void slot_spawn_failed(struct slot *s, enum err e, struct str text)
{
    struct why why = WHY_INIT;
    bool was_wanted = s->state != SLOT_LEAVING;

    /* Nothing of this is the client's doing. */
    s->said_why = e != ERR_LIMIT && e != ERR_NOMEM;
    (void)FAIL(&why, s->said_why ? ERR_RUNNER : ERR_AGAIN,
               "no process for %.*s: %.*s", STR_ARG(s->model->want.id),
               STR_ARG(str_sub(text, 0, 300)));
    s->failure = why;
    set_absent(s);
    if (was_wanted)
        s->events->on_failed(s->ctx, s, &why);
}

void slot_exited(struct slot *s, const struct msg_exited *m)
{
    struct why why = WHY_INIT;
    bool was_wanted;

    /* Its last words say more than its end, and come by another way. */
    line_drain(&s->line);
    was_wanted = s->state != SLOT_LEAVING;
    (void)FAIL(&why, ERR_RUNNER, "the process of %.*s ended: %.*s",
               STR_ARG(s->model->want.id), STR_ARG(str_sub(m->text, 0, 300)));
    LOG(INFO, SCHED, "runner_exited", LOG_STR("model", s->model->want.id),
        LOG_U("pid", m->pid), LOG_U("status", m->status),
        LOG_U("signal", m->signal), LOG_U("peak_bytes", m->peak_bytes));
    if (was_wanted)
        s->failure = why;
    set_absent(s);
    if (was_wanted)
        s->events->on_failed(s->ctx, s, &why);
}

/* ---- what the pool wants -------------------------------------------------------- */

void slot_init(struct slot *s, size_t index, const struct registry_model *m,
               struct loop *l, const struct slot_events *events, void *ctx)
{
    *s = (struct slot){
        .index = index,
        .model = m,
        .loop = l,
        .events = events,
        .ctx = ctx,
        .failure = WHY_INIT,
    };
    timer_init(&s->deadline, on_deadline, s);
}

void slot_done(struct slot *s)
{
    timer_stop(&s->deadline);
    line_close(&s->line);
}

enum err slot_begin(struct slot *s, const struct slot_load *load,
                    struct why *why)
{
    const struct msg_spawn m = {
        .runner = load->runner,
        .model = s->model->want.id,
        .path = s->model->want.path,
        .kv_dir = str_c(load->kv_dir),
        .unconfined = load->unconfined,
    };
    enum err e = s->events->ask(s->ctx, MSG_SPAWN, &m);

    if (e != ERR_OK)
        return FAIL(why, e, "the supervisor does not answer");
    s->runner = load->runner;
    s->shape = load->shape;
    s->threads = load->threads;
    s->must_probe = load->must_probe;
    s->reserved_bytes = load->reserved_bytes;
    s->stall_ms = load->stall_ms;
    s->leave_ms = load->leave_ms;
    s->said_why = false;
    slot_go(s, SLOT_SPAWNING);
    return ERR_OK;
}

void slot_leave(struct slot *s)
{
    const struct msg_stop stop = {0};

    if (s->state == SLOT_LEAVING || s->state == SLOT_ABSENT)
        return;
    if (!line_is_open(&s->line)
        || line_send(&s->line, MSG_STOP, 0, &stop) != ERR_OK)
        ask_kill(s);
    slot_go(s, SLOT_LEAVING);
}

void slot_go_on(struct slot *s)
{
    if (s->state == SLOT_PROBING && send_load(s) != ERR_OK)
        slot_leave(s);
}
