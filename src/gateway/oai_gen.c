#include "gateway/oai_gen.h"

#include "base/mem.h"
#include "data/sse.h"
#include "gateway/oai_shape.h"
#include "sys/clock.h"

enum {
    ALIVE_MS = 10000,      /* between comments while nothing comes */
    EVENT_MAX = 4 << 20,   /* bytes of one event */
    PENDING_MAX = 1 << 20, /* not taken by a slow reader */
    TEXT_MAX = 16 << 20,   /* of one choice that is not streamed */
    ANSWER_MAX = 48 << 20, /* of a whole answer */
};

static void choice_clear(struct oai_choice *c)
{
    buf_clear(&c->text);
    buf_clear(&c->reasoning);
    buf_clear(&c->logprobs);
    oai_calls_done(&c->calls);
    c->is_done = false;
    c->text_offset = 0;
}

static void gen_free(struct oai_gen *g)
{
    timer_stop(&g->alive);
    loop_cancel(g->x.gw->loop, &g->dead);
    for (uint32_t i = 0; i < g->n_choices && g->choices != NULL; i++) {
        buf_done(&g->choices[i].text);
        buf_done(&g->choices[i].reasoning);
        buf_done(&g->choices[i].logprobs);
        oai_calls_done(&g->choices[i].calls);
    }
    mem_free(g->choices);
    buf_done(&g->out);
    buf_done(&g->pending);
    buf_done(&g->echo);
    buf_done(&g->q.payload);
    mem_free(g);
}

/* ---- failing ---------------------------------------------------------------------- */

/* The answer cannot go on. Nobody calls back after this. */
static void give_up(struct oai_gen *g, const struct oai_err *o)
{
    if (g->begun)
        exch_stream_fail(&g->x, o);
    else
        exch_refuse(&g->x, o);
    gen_free(g);
}

static void on_dead(void *ctx)
{
    struct oai_gen *g = ctx;
    struct oai_err o = OAI_ERR_INIT;

    (void)oai_err_fail(&o, g->failed, NULL, NULL, "%s",
                       g->failed == ERR_LIMIT ? "the answer is too large"
                                              : err_text(g->failed));
    give_up(g, &o);
}

/* From inside an event of the pool, where freeing must wait. */
static void fail(struct oai_gen *g, enum err e)
{
    if (g->broken)
        return;
    g->broken = true;
    g->failed = e;
    pool_cancel(g->x.gw->pool, &g->q);
    loop_post(g->x.gw->loop, &g->dead);
}

/* ---- streaming ---------------------------------------------------------------------- */

/* Keeps what a slow reader has not taken, and holds the model. */
static void hold(struct oai_gen *g, struct str bytes)
{
    if (buf_add(&g->pending, bytes) != ERR_OK) {
        fail(g, ERR_LIMIT);
        return;
    }
    if (!g->held && !g->ended)
        pool_hold(g->x.gw->pool, &g->q, true);
    g->held = true;
}

static void emit(struct oai_gen *g)
{
    struct str bytes = buf_str(&g->out);
    enum err e = ERR_AGAIN;

    if (g->broken || bytes.n == 0)
        return;
    if (g->pending.len == 0)
        e = exch_stream_write(&g->x, bytes);
    if (e == ERR_AGAIN)
        hold(g, bytes);
    else if (e != ERR_OK && e != ERR_EOF) /* ERR_EOF: on_abort follows */
        fail(g, e);
    buf_clear(&g->out);
    if (g->out.cap > 65536)
        buf_done(&g->out);
}

static void restart_alive(struct oai_gen *g)
{
    if (g->stream)
        loop_timer_start(g->x.gw->loop, &g->alive, ALIVE_MS);
}

/* The head, and the role of every choice. False when it cannot be. */
static bool begin(struct oai_gen *g)
{
    enum err e;

    if (g->begun)
        return true;
    e = exch_stream_begin(&g->x);
    if (e != ERR_OK) {
        if (e != ERR_EOF)
            fail(g, e);
        return false;
    }
    g->begun = true;
    for (uint32_t i = 0; g->chat && i < g->n_choices; i++)
        if ((e = oai_shape_role(g, i, &g->out)) != ERR_OK)
            fail(g, e);
    emit(g);
    return !g->broken;
}

static void on_alive(void *ctx)
{
    struct oai_gen *g = ctx;

    if (!g->broken && begin(g) && g->pending.len == 0
        && sse_add_comment(&g->out, STR("waiting")) == ERR_OK)
        emit(g);
    buf_done(&g->out); /* idle: a waiting stream holds as little as it can */
    restart_alive(g);
}

static void on_drain(void *ctx, struct http_ref ref)
{
    struct oai_gen *g = ctx;
    enum err e;

    (void)ref;
    if (g->broken || g->pending.len == 0)
        return;
    e = exch_stream_write(&g->x, buf_str(&g->pending));
    if (e == ERR_AGAIN || e == ERR_EOF)
        return;
    if (e != ERR_OK) {
        fail(g, e);
        return;
    }
    buf_done(&g->pending);
    if (g->ended) {
        exch_stream_end(&g->x);
        gen_free(g);
        return;
    }
    g->held = false;
    pool_hold(g->x.gw->pool, &g->q, false);
}

/* ---- what the model says --------------------------------------------------------------- */

/* "[a,b]" appended as "a,b" behind what is there. */
static enum err add_entries(struct buf *list, struct str array)
{
    struct str inner = str_sub(array, 1, array.n < 2 ? 0 : array.n - 2);

    if (inner.n == 0)
        return ERR_OK;
    if (list->len != 0)
        TRY(buf_add_byte(list, ','));
    return buf_add(list, inner);
}

static enum err keep(struct oai_choice *c, const struct msg_delta *m)
{
    TRY(buf_add(&c->text, m->text));
    TRY(buf_add(&c->reasoning, m->reasoning));
    if (m->tool_calls.n != 0)
        TRY(oai_calls_add(&c->calls, m->tool_calls, NULL));
    return add_entries(&c->logprobs, m->logprobs);
}

static void on_delta(void *ctx, const struct msg_delta *m)
{
    struct oai_gen *g = ctx;
    enum err e;

    if (g->broken)
        return;
    if (m->index >= g->n_choices) {
        fail(g, ERR_PROTOCOL);
        return;
    }
    if (g->x.first_us == 0)
        g->x.first_us = clock_us();
    restart_alive(g);
    if (!g->stream) {
        e = keep(&g->choices[m->index], m);
    } else {
        if (!begin(g))
            return;
        e = oai_shape_delta(g, m, &g->out);
        if (e == ERR_OK)
            emit(g);
    }
    if (e != ERR_OK)
        fail(g, e);
}

/* The runner died; nothing has been sent to the client yet. */
static void on_again(void *ctx)
{
    struct oai_gen *g = ctx;

    for (uint32_t i = 0; i < g->n_choices; i++)
        choice_clear(&g->choices[i]);
    g->prompt_tokens = g->cached_tokens = g->completion_tokens = 0;
}

static void note_times(struct oai_gen *g, const struct msg_done *m)
{
    struct metrics *all = &g->x.gw->metrics;

    metrics_observe(all, METRICS_queue_time, (double)m->queue_us / 1e6);
    if (m->completion_tokens > 0)
        metrics_observe(all, METRICS_token_time,
                        (double)m->decode_us / 1e6 / m->completion_tokens);
}

static void on_done(void *ctx, const struct msg_done *m)
{
    struct oai_gen *g = ctx;
    struct oai_choice *c;
    enum err e;

    if (g->broken)
        return;
    if (m->index >= g->n_choices || g->choices[m->index].is_done
        || m->finish > MSG_FINISH_TOOL_CALLS) {
        fail(g, ERR_PROTOCOL);
        return;
    }
    c = &g->choices[m->index];
    c->is_done = true;
    c->finish = (enum msg_finish)m->finish;
    g->completion_tokens += m->completion_tokens;
    if (m->index % g->n == 0) { /* the prompt counts once for its n choices */
        g->prompt_tokens += m->prompt_tokens;
        g->cached_tokens += m->cached_tokens;
    }
    note_times(g, m);
    if (!g->stream || !begin(g))
        return;
    e = oai_shape_finish(g, m->index, &g->out);
    if (e == ERR_OK)
        emit(g);
    else
        fail(g, e);
}

static void end_stream(struct oai_gen *g)
{
    static const struct str last = {"data: [DONE]\n\n", 14};

    if (!begin(g))
        return;
    if (g->include_usage && oai_shape_usage(g, &g->out) != ERR_OK) {
        fail(g, ERR_NOMEM);
        return;
    }
    if (buf_add(&g->out, last) != ERR_OK) {
        fail(g, ERR_NOMEM);
        return;
    }
    g->ended = true;
    emit(g);
    if (!g->broken && g->pending.len == 0) {
        exch_stream_end(&g->x);
        gen_free(g);
    } /* else on_drain, on_abort or on_dead has the rest */
}

static void end_whole(struct oai_gen *g)
{
    struct buf CLEANUP(buf_done) body = BUF_INIT(ANSWER_MAX);
    enum err e = oai_shape_whole(g, &body);

    exch_json(&g->x, 200, e, &body);
    gen_free(g);
}

static void explain(const struct oai_gen *g, const struct infer_end *end,
                    struct oai_err *o)
{
    const char *what = g->chat ? "messages" : "prompt";

    oai_err_from(o, end->why,
                 end->why->code == ERR_SCHEMA
                     ? "response_format.json_schema.schema"
                     : NULL);
    o->retry_after_ms = end->retry_after_ms;
    if (end->why->code != ERR_CONTEXT || end->n_ctx == 0)
        return;
    (void)oai_err_fail(o, ERR_CONTEXT, what, NULL,
                       "This model's maximum context length is %u tokens. "
                       "However, your %s resulted in %u tokens. Please reduce "
                       "the length of the %s.",
                       end->n_ctx, what, end->n_prompt, what);
}

static void on_end(void *ctx, const struct infer_end *end)
{
    struct oai_gen *g = ctx;
    struct oai_err o = OAI_ERR_INIT;

    g->x.prompt_tokens = g->prompt_tokens;
    g->x.cached_tokens = g->cached_tokens;
    g->x.completion_tokens = g->completion_tokens;
    if (g->broken)
        return; /* on_dead comes */
    if (end->why->code != ERR_OK) {
        explain(g, end, &o);
        give_up(g, &o);
    } else if (g->stream) {
        end_stream(g);
    } else {
        end_whole(g);
    }
}

static void on_abort(void *ctx, struct http_ref ref)
{
    struct oai_gen *g = ctx;

    (void)ref;
    pool_cancel(g->x.gw->pool, &g->q);
    g->x.completion_tokens = g->completion_tokens;
    exch_gone(&g->x);
    gen_free(g);
}

/* ---- beginning ---------------------------------------------------------------------------- */

void oai_gen_refuse(struct gw *gw, struct http_req *req,
                    const struct route *route, const struct oai_err *o)
{
    struct exch x;

    exch_begin(&x, gw, req, route);
    exch_refuse(&x, o);
}

static enum err prepare(struct oai_gen *g, const struct oai_params *p,
                        const struct msg_generate *m, uint32_t branches)
{
    g->stream = p->stream;
    g->include_usage = p->include_usage;
    g->want_logprobs = p->want_logprobs;
    g->n = p->n;
    g->n_choices = p->n * MAX(branches, 1U);
    g->choices = mem_calloc(g->n_choices, sizeof(*g->choices));
    if (g->choices == NULL)
        return ERR_NOMEM;
    for (uint32_t i = 0; i < g->n_choices; i++)
        g->choices[i] = (struct oai_choice){
            .text = BUF_INIT(TEXT_MAX),
            .reasoning = BUF_INIT(TEXT_MAX),
            .logprobs = BUF_INIT(TEXT_MAX),
        };
    g->q.kind = MSG_GENERATE;
    g->q.slots = g->n_choices;
    g->q.keep = !p->stream;
    return msg_generate_put(&g->q.payload, m);
}

static struct oai_gen *gen_new(struct gw *gw, bool chat)
{
    static const struct infer_events infer_table = {
        .on_delta = on_delta,
        .on_done = on_done,
        .on_again = on_again,
        .on_end = on_end,
    };
    struct oai_gen *g = mem_zalloc(sizeof(*g));

    if (g == NULL)
        return NULL;
    g->x.gw = gw;
    g->chat = chat;
    g->out = BUF_INIT(EVENT_MAX);
    g->pending = BUF_INIT(PENDING_MAX);
    g->echo = BUF_INIT(TEXT_MAX);
    g->q.payload = BUF_INIT(FRAME_MAX);
    g->q.events = &infer_table;
    g->q.ctx = g;
    g->id = gw_id(chat ? "chatcmpl" : "cmpl");
    g->created = clock_unix_ms() / 1000;
    timer_init(&g->alive, on_alive, g);
    task_init(&g->dead, on_dead, g);
    return g;
}

/* Every reason not to even ask. */
static enum err check_model(struct oai_gen *g, const struct oai_params *p,
                            struct oai_err *o)
{
    struct gw *gw = g->x.gw;
    const struct registry_model *m;

    g->q.model = gw_find_model(gw, p->model_name);
    if (g->q.model == SIZE_MAX)
        return gw_no_model(gw, p->model_name, o);
    m = registry_at(gw->registry, g->q.model);
    g->x.model = m->want.id;
    if (m->problem == ERR_OK && m->kind == REGISTRY_EMBED)
        return oai_err_fail(o, ERR_UNSUPPORTED, "model", "model_not_supported",
                            "The model '%.*s' makes embeddings; it does not "
                            "generate text.",
                            STR_ARG(m->want.id));
    return ERR_OK;
}

void oai_gen_start(struct gw *gw, struct http_req *req,
                   const struct route *route, const struct oai_params *p,
                   const struct msg_generate *m, uint32_t branches)
{
    static const struct http_events http_table = {.on_drain = on_drain,
                                                  .on_abort = on_abort};
    struct oai_gen *g = gen_new(gw, m->is_chat);
    struct oai_err o = OAI_ERR_INIT;
    struct why why = WHY_INIT;
    uint64_t retry = 0;
    enum err e;

    if (g == NULL) {
        (void)oai_err_fail(&o, ERR_NOMEM, NULL, NULL, "out of memory");
        oai_gen_refuse(gw, req, route, &o);
        return;
    }
    exch_begin(&g->x, gw, req, route);
    e = check_model(g, p, &o);
    if (e == ERR_OK && (e = prepare(g, p, m, branches)) != ERR_OK)
        (void)oai_err_fail(&o, e, NULL, NULL, "%s",
                           e == ERR_LIMIT ? "the request is too large"
                                          : err_text(e));
    if (e == ERR_OK && p->echo
        && (e = buf_add(&g->echo, m->branches)) != ERR_OK)
        (void)oai_err_fail(&o, e, NULL, NULL, "%s", err_text(e));
    if (e == ERR_OK
        && (e = pool_submit(gw->pool, &g->q, &retry, &why)) != ERR_OK) {
        oai_err_from(&o, &why, NULL);
        o.retry_after_ms = retry;
    }
    if (e != ERR_OK) {
        give_up(g, &o);
        return;
    }
    http_follow(req, &http_table, g);
    restart_alive(g);
}
