#include "runner/serve.h"

#include "base/rng.h"
#include "ipc/chan.h"
#include "ipc/msg.h"
#include "runner/backlog.h"
#include "runner/batcher.h"
#include "runner/intake.h"
#include "sys/clock.h"
#include "sys/entropy.h"
#include "sys/log.h"
#include "sys/process.h"

enum {
    LOOK_EVERY_US = 4000, /* at the channel, while computing */
    SEND_PATIENCE_US = 30000000,
    FRAMES_AT_ONCE = 16, /* handled between two steps */
    FULL_WAIT_US = 20000,
};

struct serve {
    const struct serve_opts *o;
    struct chan chan;
    struct backlog backlog;
    struct buf out; /* a message being built */
    struct engine *engine;
    struct batcher batcher;
    struct rng seeds;
    bool stopping, gone; /* STOP came; the channel ended */
    enum err broken;     /* why it ended badly */
    uint64_t deadline_us, looked_us;
    unsigned permille;
};

/* ---- sending ---------------------------------------------------------------- */

static void lost(struct serve *s, enum err e)
{
    s->gone = true;
    if (e != ERR_EOF && e != ERR_OK && s->broken == ERR_OK)
        s->broken = e;
}

static void send(struct serve *s, enum msg_kind kind, uint32_t req,
                 const void *m)
{
    if (s->gone)
        return;
    buf_clear(&s->out);
    enum err e = msg_put(&s->out, kind, m);
    if (e == ERR_OK)
        e = chan_send(&s->chan, (uint8_t)kind, req, buf_str(&s->out), -1);
    if (e == ERR_AGAIN) /* the peer has stopped reading for a long time */
        e = chan_send_wait(&s->chan, (uint8_t)kind, req, buf_str(&s->out),
                           clock_us() + SEND_PATIENCE_US);
    if (e != ERR_OK)
        lost(s, e);
}

static void fail(struct serve *s, uint32_t req, const struct why *why,
                 struct intake_size size)
{
    struct msg_fail m = {.code = why->code ? why->code : ERR_RUNNER,
                         .text = str_c(err_why(why)),
                         .n_prompt = size.n_prompt,
                         .n_ctx = size.n_ctx};
    if (m.code != ERR_CONTEXT)
        m.n_prompt = m.n_ctx = 0;
    send(s, MSG_FAIL, req, &m);
}

static void fail_with(struct serve *s, uint32_t req, enum err e,
                      const char *text)
{
    struct why why = WHY_INIT;
    (void)FAIL(&why, e, "%s", text);
    fail(s, req, &why, (struct intake_size){0, 0});
}

/* ---- the batcher's sink ------------------------------------------------------ */

static void on_delta(void *ctx, uint32_t req, uint32_t index,
                     const struct delta *d)
{
    struct msg_delta m = {.index = index,
                          .text = buf_str(&d->text),
                          .reasoning = buf_str(&d->reasoning),
                          .tool_calls = buf_str(&d->tool_calls),
                          .logprobs = buf_str(&d->logprobs),
                          .n_tokens = d->n_tokens};
    send(ctx, MSG_DELTA, req, &m);
}

static void on_vector(void *ctx, uint32_t req, uint32_t index,
                      uint32_t n_tokens, const float *values, uint32_t n)
{
    struct msg_vector m = {
        .index = index,
        .n_tokens = n_tokens,
        .values = {(const char *)values, n * sizeof *values}};
    send(ctx, MSG_VECTOR, req, &m);
}

static void on_done(void *ctx, uint32_t req, uint32_t index, uint32_t of,
                    enum batcher_finish finish, const struct batcher_usage *u)
{
    static const uint8_t names[] = {
        [BATCHER_STOP] = MSG_FINISH_STOP,
        [BATCHER_LENGTH] = MSG_FINISH_LENGTH,
        [BATCHER_TOOL_CALLS] = MSG_FINISH_TOOL_CALLS,
        [BATCHER_CANCELLED] = MSG_FINISH_CANCELLED,
        [BATCHER_ERROR] = MSG_FINISH_ERROR,
    };
    struct msg_done m = {.index = index,
                         .of = of,
                         .finish = names[finish],
                         .prompt_tokens = u->prompt_tokens,
                         .cached_tokens = u->cached_tokens,
                         .completion_tokens = u->completion_tokens,
                         .queue_us = u->queue_us,
                         .prefill_us = u->prefill_us,
                         .decode_us = u->decode_us};
    send(ctx, MSG_DONE, req, &m);
}

static void on_fail(void *ctx, uint32_t req, const struct why *why)
{
    fail(ctx, req, why, (struct intake_size){0, 0});
}

/* ---- the engine's questions --------------------------------------------------- */

/* Reads what has come; true when the running step should stop. */
static bool look(struct serve *s)
{
    struct frame f;
    bool stop = false;
    enum err e;
    while (backlog_has_room(&s->backlog)) {
        e = chan_recv(&s->chan, &f);
        if (e == ERR_AGAIN)
            return stop;
        if (e != ERR_OK) {
            lost(s, e);
            return true;
        }
        if (f.kind == MSG_CANCEL && s->engine)
            stop = stop || batcher_is_reading(&s->batcher, f.req);
        e = backlog_push(&s->backlog, &f);
        if (e != ERR_OK) {
            lost(s, e);
            return true;
        }
    }
    return stop;
}

static bool on_abort(void *ctx)
{
    struct serve *s = ctx;
    uint64_t now = clock_us();
    if (s->gone)
        return true;
    if (now - s->looked_us < LOOK_EVERY_US)
        return false;
    s->looked_us = now;
    return look(s);
}

static bool on_progress(void *ctx, unsigned permille)
{
    struct serve *s = ctx;
    if (permille < s->permille + 10 && permille < 1000)
        return !s->gone;
    s->permille = permille;
    struct msg_progress m = {.permille = permille};
    send(s, MSG_PROGRESS, 0, &m);
    (void)look(s);
    return !s->gone;
}

/* ---- the model ---------------------------------------------------------------- */

static void reply_probe(struct serve *s, uint32_t req,
                        const struct msg_probe *m)
{
    struct why why = WHY_INIT;
    struct engine_need need;
    struct engine_load load = {
        .path = s->o->model,
        .n_ctx = m->n_ctx,
        .n_seq = m->n_seq,
        .n_batch = m->n_batch,
        .n_ubatch = m->n_ubatch,
        .n_threads = 1,
        .flash_attn = m->flash_attn,
        .use_mmap = m->use_mmap,
        .embedding = m->embedding,
    };
    if (s->o->probe(&load, &need, &why) != ERR_OK) {
        LOG(WARN, RUNNER, "probe_failed", LOG_WHY(&why));
        fail(s, req, &why, (struct intake_size){0, 0});
        return;
    }
    struct msg_need r = {.model_bytes = need.model,
                         .kv_bytes = need.kv + parked_max(need.kv),
                         .compute_bytes = need.compute,
                         .mapped_bytes = need.mapped,
                         .n_ctx = need.n_ctx};
    send(s, MSG_NEED, req, &r);
}

static void say_ready(struct serve *s, uint32_t req, uint64_t load_us)
{
    const struct engine_facts *f = &s->engine->facts;
    struct msg_ready r = {.arch = str_c(f->arch),
                          .name = str_c(f->name),
                          .n_ctx = f->n_ctx,
                          .n_ctx_train = f->n_ctx_train,
                          .n_vocab = f->n_vocab,
                          .n_embd = f->n_embd,
                          .n_params = f->n_params,
                          .model_bytes = f->model_bytes,
                          .kv_bytes = f->kv_bytes + parked_max(f->kv_bytes),
                          .compute_bytes = f->compute_bytes,
                          .chat_template = f->chat_template,
                          .can_generate = f->can_generate,
                          .can_embed = f->can_embed,
                          .load_us = load_us};
    LOG(INFO, RUNNER, "model_loaded", LOG_S("arch", f->arch),
        LOG_U("n_ctx", f->n_ctx), LOG_U("n_seq", f->n_seq),
        LOG_U("load_us", load_us));
    send(s, MSG_READY, req, &r);
}

static void load(struct serve *s, uint32_t req, const struct msg_load *m)
{
    struct why why = WHY_INIT;
    uint64_t start = clock_us();
    struct engine_load l = {
        .path = s->o->model,
        .n_ctx = m->n_ctx,
        .n_seq = m->n_seq,
        .n_batch = m->n_batch,
        .n_ubatch = m->n_ubatch,
        .n_threads = m->n_threads,
        .flash_attn = m->flash_attn,
        .use_mmap = m->use_mmap,
        .embedding = m->embedding,
        .progress = on_progress,
        .abort = on_abort,
        .ctx = s,
    };
    struct batcher_sink sink = {.ctx = s,
                                .delta = on_delta,
                                .vector = on_vector,
                                .done = on_done,
                                .fail = on_fail};
    struct engine *e = NULL;
    s->permille = 0;
    enum err err = s->o->open(&l, &e, &why);
    if (err == ERR_OK
        && batcher_init(&s->batcher, e, &sink, clock_us) != ERR_OK) {
        err = FAIL(&why, ERR_NOMEM, "no memory for the batcher");
        e->ops->close(e);
    }
    if (err != ERR_OK) {
        LOG(WARN, RUNNER, "load_failed", LOG_WHY(&why));
        fail(s, req, &why, (struct intake_size){0, 0});
        return;
    }
    s->engine = e;
    say_ready(s, req, clock_us() - start);
}

/* ---- requests ------------------------------------------------------------------ */

static void submit(struct serve *s, uint32_t req, struct job *j)
{
    struct why why = WHY_INIT;
    if (batcher_add(&s->batcher, j, &why) == ERR_OK)
        return;
    job_free(j);
    fail(s, req, &why, (struct intake_size){0, 0});
}

static void generate(struct serve *s, uint32_t req,
                     const struct msg_generate *m)
{
    struct why why = WHY_INIT;
    struct intake_size size = {0, 0};
    struct job *j;
    if (intake_generate(s->engine, m, req, rng_u64(&s->seeds), &j, &size, &why)
        != ERR_OK)
        fail(s, req, &why, size);
    else
        submit(s, req, j);
}

static void embed(struct serve *s, uint32_t req, const struct msg_embed *m)
{
    struct why why = WHY_INIT;
    struct intake_size size = {0, 0};
    struct job *j;
    if (intake_embed(s->engine, m, req, &j, &size, &why) != ERR_OK)
        fail(s, req, &why, size);
    else
        submit(s, req, j);
}

static void count(struct serve *s, uint32_t req, const struct msg_count *m)
{
    struct why why = WHY_INIT;
    struct msg_tokens r = {0};
    if (intake_count(s->engine, m, &r.n_tokens, &why) != ERR_OK)
        fail(s, req, &why, (struct intake_size){0, 0});
    else
        send(s, MSG_TOKENS, req, &r);
}

static void say_stats(struct serve *s, uint32_t req)
{
    struct batcher_stats b = {0};
    uint64_t rss = 0;
    if (s->engine)
        batcher_stats(&s->batcher, &b);
    if (process_rss_self(&rss) != ERR_OK)
        rss = 0;
    struct msg_stats m = {.n_active = b.n_active,
                          .n_waiting = b.n_waiting,
                          .cells_used = b.cells_used,
                          .cells_total = b.cells_total,
                          .prompt_tokens = b.prompt_tokens,
                          .cached_tokens = b.cached_tokens,
                          .completion_tokens = b.completion_tokens,
                          .steps = b.steps,
                          .busy_us = b.busy_us,
                          .rss_bytes = rss};
    send(s, MSG_STATS, req, &m);
}

/* ---- messages ------------------------------------------------------------------ */

/* Why a request cannot even be looked at now, or NULL. */
static const char *refusal(const struct serve *s, enum err *e)
{
    *e = s->stopping ? ERR_SHUTDOWN : ERR_AGAIN;
    if (s->stopping)
        return "the model is being unloaded";
    return s->engine ? NULL : "the model is not loaded yet";
}

static enum err on_request(struct serve *s, const struct frame *f,
                           struct why *why)
{
    union {
        struct msg_generate generate;
        struct msg_embed embed;
        struct msg_count count;
    } m;
    enum err no;
    const char *text = refusal(s, &no);
    TRY(msg_get(f->payload, f->kind, &m, why));
    if (text)
        fail_with(s, f->req, no, text);
    else if (f->kind == MSG_GENERATE)
        generate(s, f->req, &m.generate);
    else if (f->kind == MSG_EMBED)
        embed(s, f->req, &m.embed);
    else
        count(s, f->req, &m.count);
    return ERR_OK;
}

static enum err on_model(struct serve *s, const struct frame *f,
                         struct why *why)
{
    struct msg_probe p;
    struct msg_load l;
    if (s->engine)
        return FAIL(why, ERR_PROTOCOL, "%s after the model was loaded",
                    msg_name(f->kind));
    if (f->kind == MSG_PROBE) {
        TRY(msg_probe_get(f->payload, &p, why));
        reply_probe(s, f->req, &p);
    } else {
        TRY(msg_load_get(f->payload, &l, why));
        load(s, f->req, &l);
    }
    return ERR_OK;
}

static enum err on_stop(struct serve *s, struct str payload, struct why *why)
{
    struct msg_stop m;
    TRY(msg_stop_get(payload, &m, why));
    s->stopping = true;
    s->deadline_us = clock_us() + (uint64_t)m.drain_ms * 1000;
    return ERR_OK;
}

static enum err handle(struct serve *s, const struct frame *f, struct why *why)
{
    struct msg_cancel cancel;
    struct msg_pause pause;
    struct msg_status status;
    switch (f->kind) {
    case MSG_PROBE:
    case MSG_LOAD:
        return on_model(s, f, why);
    case MSG_GENERATE:
    case MSG_EMBED:
    case MSG_COUNT:
        return on_request(s, f, why);
    case MSG_CANCEL:
        TRY(msg_cancel_get(f->payload, &cancel, why));
        if (s->engine)
            batcher_cancel(&s->batcher, f->req);
        return ERR_OK;
    case MSG_PAUSE:
        TRY(msg_pause_get(f->payload, &pause, why));
        if (s->engine)
            batcher_hold(&s->batcher, f->req, pause.hold);
        return ERR_OK;
    case MSG_STATUS:
        TRY(msg_status_get(f->payload, &status, why));
        say_stats(s, f->req);
        return ERR_OK;
    case MSG_STOP:
        return on_stop(s, f->payload, why);
    default:
        return FAIL(why, ERR_PROTOCOL, "message %u is not for a runner",
                    f->kind);
    }
}

/* Handles some of what has come. */
static enum err drain(struct serve *s, struct why *why)
{
    struct frame f;
    (void)look(s);
    for (int i = 0; i < FRAMES_AT_ONCE && backlog_pop(&s->backlog, &f); i++)
        TRY(handle(s, &f, why));
    return ERR_OK;
}

/* Sleeps until a frame comes. While the peer reads slowly, only a moment: room
 * in the queue is no event. */
static void rest(struct serve *s)
{
    struct frame f;
    uint64_t until = s->stopping ? s->deadline_us : CLOCK_NEVER;
    if (!chan_has_room(&s->chan))
        until = MIN(until, clock_us() + FULL_WAIT_US);
    if (s->backlog.at < s->backlog.bytes.len || s->gone)
        return;
    enum err e = chan_recv_wait(&s->chan, &f, until);
    if (e == ERR_OK)
        e = backlog_push(&s->backlog, &f);
    if (e != ERR_OK && e != ERR_TIMEOUT)
        lost(s, e);
}

static bool is_over(const struct serve *s)
{
    if (s->gone)
        return true;
    if (!s->stopping)
        return false;
    bool idle = !s->engine || batcher_idle(&s->batcher);
    return (idle && s->backlog.at == s->backlog.bytes.len)
           || clock_us() >= s->deadline_us;
}

static enum err loop(struct serve *s, struct why *why)
{
    while (!is_over(s)) {
        TRY(drain(s, why));
        enum err e = chan_flush(&s->chan);
        if (e != ERR_OK && e != ERR_AGAIN)
            lost(s, e);
        if (is_over(s)
            || (s->engine && chan_has_room(&s->chan)
                && batcher_step(&s->batcher)))
            continue;
        rest(s);
    }
    if (!s->gone) {
        enum err e = chan_flush_wait(&s->chan, clock_us() + SEND_PATIENCE_US);
        if (e != ERR_OK)
            lost(s, e);
    }
    if (s->broken != ERR_OK)
        return FAIL(why, s->broken, "the channel broke");
    return ERR_OK;
}

static enum err start(struct serve *s, struct why *why)
{
    uint64_t rss;
    struct msg_hello hello = {.version = MSG_VERSION,
                              .role = STR("runner"),
                              .build = str_c(s->o->build)};
    TRY(entropy_fill(&s->seeds.state, sizeof s->seeds.state));
    (void)!process_rss_self(&rss); /* opens what it needs, see process.h */
    send(s, MSG_HELLO, 0, &hello);
    return s->o->confine ? s->o->confine(s->o->ctx, why) : ERR_OK;
}

enum err serve_run(const struct serve_opts *o, struct why *why)
{
    struct serve s = {
        .o = o, .backlog = BACKLOG_INIT, .out = BUF_INIT(FRAME_MAX)};
    if (chan_init(&s.chan, o->fd, CHAN_QUEUE_MAX) != ERR_OK)
        return FAIL(why, ERR_NOMEM, "no memory for the channel");
    enum err e = start(&s, why);
    if (e != ERR_OK) { /* the supervisor sees the end, the gateway the reason */
        fail(&s, 0, why, (struct intake_size){0, 0});
        (void)!chan_flush_wait(&s.chan, clock_us() + SEND_PATIENCE_US);
    } else {
        e = loop(&s, why);
    }
    if (s.engine) {
        batcher_done(&s.batcher);
        s.engine->ops->close(s.engine);
    }
    chan_done(&s.chan);
    backlog_done(&s.backlog);
    buf_done(&s.out);
    return e;
}
