/*
 * oai_embeddings.c - POST /v1/embeddings. The vectors are collected and go out
 * as one object, as floats or as base64 of little-endian float32 (what
 * OpenAI's own client asks for unless told otherwise).
 */
#include "base/mem.h"
#include "data/base64.h"
#include "data/jsonw.h"
#include "gateway/exch.h"
#include "gateway/handlers.h"
#include "gateway/oai_field.h"
#include "sys/clock.h"

enum {
    INPUTS_MAX = 2048,
    VECTOR_MAX = 1 << 20,  /* bytes of one */
    ANSWER_MAX = 60 << 20, /* server_opts.answer_max is 64 MiB */
};

struct embedding {
    struct exch x;
    struct infer q;
    struct task dead;
    struct oai_err failure;
    struct buf *vectors; /* float32 each */
    uint32_t count;
    uint32_t tokens;
    bool base64, broken;
};

static void embedding_free(struct embedding *m)
{
    loop_cancel(m->x.gw->loop, &m->dead);
    for (uint32_t i = 0; i < m->count && m->vectors != NULL; i++)
        buf_done(&m->vectors[i]);
    mem_free(m->vectors);
    buf_done(&m->q.payload);
    mem_free(m);
}

/* ---- the request ------------------------------------------------------------------- */

struct ask {
    struct str model, inputs;
    uint32_t count;
    uint32_t dimensions; /* 0: as the model has them */
    bool base64;
};

static enum err check_tokens(struct str raw, struct oai_err *o)
{
    struct json_scan scan;
    struct json_item item;
    struct why why = WHY_INIT;
    uint64_t token;

    if (json_scan_open(&scan, raw, OAI_DEPTH, &why) != ERR_OK)
        return oai_wrong_body(o, &why);
    for (bool empty = true;; empty = false) {
        if (json_scan_next(&scan, &item, &why) != ERR_OK)
            return oai_wrong_body(o, &why);
        if (item.type == JSON_ABSENT)
            return empty ? oai_wrong(o, "input", "empty_array",
                                     "an input has no tokens")
                         : ERR_OK;
        if (item.type != JSON_NUMBER || !str_u64(item.raw, INT32_MAX, &token))
            return oai_wrong(o, "input", "invalid_value",
                             "%.*s is not the number of a token",
                             STR_ARG(str_sub(item.raw, 0, 40)));
    }
}

static enum err check_input(const struct json_item *item, struct oai_err *o)
{
    if (item->type == JSON_ARRAY)
        return check_tokens(item->raw, o);
    if (item->type != JSON_STRING)
        return oai_wrong_type(o, "input",
                              "a string, an array of strings, of tokens or of "
                              "arrays of tokens",
                              item->type);
    if (item->raw.n == 2)
        return oai_wrong(o, "input", "invalid_value",
                         "an input is an empty string");
    return ERR_OK;
}

static enum err count_inputs(struct str raw, struct ask *a, struct oai_err *o)
{
    struct json_scan scan;
    struct json_item item;
    struct why why = WHY_INIT;
    enum json_type first = JSON_ABSENT;

    if (json_scan_open(&scan, raw, OAI_DEPTH, &why) != ERR_OK)
        return oai_wrong_body(o, &why);
    for (a->count = 0;; a->count++) {
        if (json_scan_next(&scan, &item, &why) != ERR_OK)
            return oai_wrong_body(o, &why);
        if (item.type == JSON_ABSENT)
            break;
        if (a->count == INPUTS_MAX)
            return oai_wrong(o, "input", "array_above_max_length",
                             "it has more than %d inputs", INPUTS_MAX);
        if (a->count > 0 && item.type != first)
            return oai_wrong(o, "input", "invalid_value",
                             "its elements are of different types");
        first = item.type;
        TRY(check_input(&item, o));
    }
    if (a->count == 0)
        return oai_wrong(o, "input", "empty_array",
                         "it must have at least one element");
    a->inputs = raw;
    return ERR_OK;
}

static enum err read_input(const struct json_field *f, struct arena *arena,
                           struct ask *a, struct oai_err *o)
{
    struct json_scan scan;
    struct json_item first = {STR_EMPTY, STR_EMPTY, JSON_ABSENT};
    struct str raw = f->raw;

    if (!oai_given(f))
        return oai_missing(o, "input");
    if (f->type != JSON_STRING && f->type != JSON_ARRAY)
        return oai_wrong_type(o, "input", "a string or an array", f->type);
    /* One text, or the tokens of one text, is a list of one. */
    if (f->type == JSON_STRING
        || (json_scan_open(&scan, f->raw, OAI_DEPTH, NULL) == ERR_OK
            && json_scan_next(&scan, &first, NULL) == ERR_OK
            && first.type == JSON_NUMBER)) {
        if (arena_printf(arena, &raw, "[%.*s]", STR_ARG(f->raw)) != ERR_OK)
            return oai_err_fail(o, ERR_LIMIT, "input", NULL,
                                "the request is too large");
    }
    return count_inputs(raw, a, o);
}

static enum err read_ask(struct http_req *req, struct ask *a, struct oai_err *o)
{
    struct json_field f[] = {{.name = "model"},
                             {.name = "input"},
                             {.name = "encoding_format"},
                             {.name = "dimensions"}};
    struct str format = STR("float");

    TRY(oai_members(req->body, f, COUNTOF(f), o));
    if (!oai_given(&f[0]))
        return oai_missing(o, "model");
    TRY(oai_text(&f[0], &req->arena, &a->model, o));
    TRY(oai_text(&f[2], &req->arena, &format, o));
    TRY(oai_u32(&f[3], 1, 1 << 20, &a->dimensions, o));
    a->base64 = str_eq(format, STR("base64"));
    if (!a->base64 && !str_eq(format, STR("float")))
        return oai_wrong(o, "encoding_format", "invalid_value",
                         "it must be float or base64");
    return read_input(&f[1], &req->arena, a, o);
}

/* ---- the answer --------------------------------------------------------------------- */

static enum err write_vector(const struct buf *v, bool base64, struct jsonw *w)
{
    struct buf CLEANUP(buf_done) text = BUF_INIT(2 * VECTOR_MAX);

    if (base64) {
        TRY(base64_encode(buf_str(v), &text)); /* little-endian as it came */
        jsonw_str(w, buf_str(&text));
        return ERR_OK;
    }
    jsonw_arr(w);
    for (size_t at = 0; at + sizeof(float) <= v->len; at += sizeof(float)) {
        float value;

        memcpy(&value, v->data + at, sizeof(value));
        jsonw_f32(w, value);
    }
    jsonw_arr_end(w);
    return ERR_OK;
}

static enum err write_answer(const struct embedding *m, struct buf *body)
{
    struct jsonw w = JSONW_INIT(body);

    jsonw_obj(&w);
    jsonw_key_cstr(&w, "object", "list");
    jsonw_key_arr(&w, "data");
    for (uint32_t i = 0; i < m->count; i++) {
        jsonw_obj(&w);
        jsonw_key_cstr(&w, "object", "embedding");
        jsonw_key_u64(&w, "index", i);
        jsonw_key(&w, "embedding");
        TRY(write_vector(&m->vectors[i], m->base64, &w));
        jsonw_obj_end(&w);
    }
    jsonw_arr_end(&w);
    jsonw_key_str(&w, "model", m->x.model);
    jsonw_key_obj(&w, "usage");
    jsonw_key_u64(&w, "prompt_tokens", m->tokens);
    jsonw_key_u64(&w, "total_tokens", m->tokens);
    jsonw_obj_end(&w);
    jsonw_obj_end(&w);
    return jsonw_end(&w);
}

static void on_dead(void *ctx)
{
    struct embedding *m = ctx;

    exch_refuse(&m->x, &m->failure);
    embedding_free(m);
}

static void on_vector(void *ctx, const struct msg_vector *v)
{
    struct embedding *m = ctx;
    enum err e = ERR_PROTOCOL;

    if (m->broken)
        return;
    if (v->index < m->count && m->vectors[v->index].len == 0
        && v->values.n % sizeof(float) == 0)
        e = buf_add(&m->vectors[v->index], v->values);
    m->tokens += v->n_tokens;
    if (e == ERR_OK)
        return;
    m->broken = true;
    (void)oai_err_fail(&m->failure, e, NULL, NULL, "%s", err_text(e));
    pool_cancel(m->x.gw->pool, &m->q);
    loop_post(m->x.gw->loop, &m->dead);
}

static void on_end(void *ctx, const struct infer_end *end)
{
    struct embedding *m = ctx;
    struct buf CLEANUP(buf_done) body = BUF_INIT(ANSWER_MAX);

    if (m->broken)
        return; /* on_dead comes */
    m->x.prompt_tokens = m->tokens;
    if (end->why->code == ERR_OK) {
        exch_json(&m->x, 200, write_answer(m, &body), &body);
    } else {
        oai_err_from(&m->failure, end->why,
                     end->why->code == ERR_CONTEXT ? "input" : NULL);
        m->failure.retry_after_ms = end->retry_after_ms;
        exch_refuse(&m->x, &m->failure);
    }
    embedding_free(m);
}

static void on_abort(void *ctx, struct http_ref ref)
{
    struct embedding *m = ctx;

    (void)ref;
    pool_cancel(m->x.gw->pool, &m->q);
    exch_gone(&m->x);
    embedding_free(m);
}

/* ---- on its way ------------------------------------------------------------------------ */

static enum err prepare(struct embedding *m, const struct ask *a,
                        struct oai_err *o)
{
    struct gw *gw = m->x.gw;
    const struct msg_embed msg = {.inputs = a->inputs, .normalize = 1};
    const struct registry_model *model;
    enum err e;

    m->q.model = gw_find_model(gw, a->model);
    if (m->q.model == SIZE_MAX)
        return gw_no_model(gw, a->model, o);
    model = registry_at(gw->registry, m->q.model);
    m->x.model = model->want.id;
    if (a->dimensions != 0 && a->dimensions != model->facts.embedding_length)
        return oai_err_fail(
            o, ERR_UNSUPPORTED, "dimensions", "unsupported_value",
            "Unsupported 'dimensions': vectors of '%.*s' have "
            "%u and cannot be shortened.",
            STR_ARG(model->want.id), (unsigned)model->facts.embedding_length);
    m->base64 = a->base64;
    m->vectors = mem_calloc(a->count, sizeof(*m->vectors));
    e = m->vectors == NULL ? ERR_NOMEM : msg_embed_put(&m->q.payload, &msg);
    if (e != ERR_OK)
        return oai_err_fail(o, e, NULL, NULL, "%s",
                            e == ERR_LIMIT ? "the request is too large"
                                           : err_text(e));
    m->count = a->count;
    for (uint32_t i = 0; i < m->count; i++)
        m->vectors[i] = BUF_INIT(VECTOR_MAX);
    return ERR_OK;
}

static enum err submit(struct embedding *m, struct oai_err *o)
{
    struct why why = WHY_INIT;
    uint64_t retry = 0;

    if (pool_submit(m->x.gw->pool, &m->q, &retry, &why) == ERR_OK)
        return ERR_OK;
    oai_err_from(o, &why, NULL);
    o->retry_after_ms = retry;
    return o->code;
}

void oai_embeddings(struct gw *gw, struct http_req *req,
                    const struct route *route, struct str arg)
{
    static const struct infer_events infer_table = {.on_vector = on_vector,
                                                    .on_end = on_end};
    static const struct http_events http_table = {.on_abort = on_abort};
    struct embedding *m = mem_zalloc(sizeof(*m));
    struct oai_err o = OAI_ERR_INIT;
    struct ask a = {.model = STR_EMPTY, .inputs = STR_EMPTY};
    struct exch x;
    enum err e = ERR_NOMEM;

    (void)arg;
    exch_begin(&x, gw, req, route);
    if (m == NULL) {
        (void)oai_err_fail(&o, e, NULL, NULL, "out of memory");
        exch_refuse(&x, &o);
        return;
    }
    m->x = x;
    m->q = (struct infer){.kind = MSG_EMBED,
                          .payload = BUF_INIT(FRAME_MAX),
                          .slots = 1,
                          .events = &infer_table,
                          .ctx = m};
    task_init(&m->dead, on_dead, m);
    e = read_ask(req, &a, &o);
    if (e == ERR_OK)
        e = prepare(m, &a, &o);
    if (e == ERR_OK)
        e = submit(m, &o);
    if (e == ERR_OK) {
        http_follow(req, &http_table, m);
        return;
    }
    exch_refuse(&m->x, &o);
    embedding_free(m);
}
