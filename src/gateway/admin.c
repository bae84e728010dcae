/*
 * admin.c - the /admin routes, on the Unix socket only: what is loaded, what
 * memory it takes, what the planner would do and why; loading and unloading.
 */
#include "base/mem.h"
#include "data/jsonw.h"
#include "data/uri.h"
#include "gateway/exch.h"
#include "gateway/handlers.h"
#include "sys/clock.h"

enum { PAGE_MAX = 8 << 20, NAME_MAX_BYTES = 1024 };

static void refuse_no_model(struct exch *x, struct str name)
{
    struct oai_err o = OAI_ERR_INIT;

    (void)gw_no_model(x->gw, name, &o);
    exch_refuse(x, &o);
}

/* ---- what there is --------------------------------------------------------------- */

static const char *source_name(enum estimate_source s)
{
    return s == ESTIMATE_MEASURED
               ? "measured"
               : (s == ESTIMATE_PROBED ? "probed" : "computed");
}

static void write_identity(const struct pool_model *pm, struct jsonw *w)
{
    const struct registry_model *m = pm->slot->model;
    struct str aliases = m->want.aliases;

    jsonw_key_str(w, "id", m->want.id);
    jsonw_key_arr(w, "aliases");
    while (aliases.n != 0)
        jsonw_str(w, str_cut(&aliases, ','));
    jsonw_arr_end(w);
    jsonw_key_str(w, "path", m->want.path);
    jsonw_key_cstr(w, "kind", m->kind == REGISTRY_EMBED ? "embed" : "generate");
    jsonw_key_cstr(w, "arch", m->arch);
    jsonw_key_u64(w, "params", m->facts.n_params);
    jsonw_key_u64(w, "file_bytes", m->file.size_bytes);
    jsonw_key_bool(w, "pin", m->want.pin);
}

static void write_state(struct gw *gw, const struct pool_model *pm,
                        struct jsonw *w)
{
    const struct slot *s = pm->slot;
    const struct registry_model *m = s->model;
    bool loaded = s->state == SLOT_READY;
    uint64_t now = pool_now(gw->pool);

    jsonw_key_cstr(w, "state",
                   m->problem != ERR_OK ? "unusable"
                                        : slot_state_name(s->state));
    jsonw_key_u64(w, "load_permille", s->permille);
    jsonw_key_u64(w, "context", loaded ? s->ready.n_ctx : registry_context(m));
    jsonw_key_u64(w, "need_bytes", estimate_total(&pm->estimate));
    jsonw_key_cstr(w, "need_source", source_name(pm->source));
    jsonw_key_u64(w, "reserved_bytes", s->reserved_bytes);
    jsonw_key_u64(w, "resident_bytes", s->resident_bytes);
    jsonw_key_u64(w, "idle_ms",
                  loaded && s->active == 0 ? now - s->used_ms : 0);
    jsonw_key_u64(w, "active", s->active);
    jsonw_key_u64(w, "waiting", pm->waiting);
    if (m->problem != ERR_OK)
        jsonw_key_cstr(w, "error", m->problem_text);
    else if (s->failure.code != ERR_OK && !loaded)
        jsonw_key_cstr(w, "error", s->failure.msg);
    else
        jsonw_key_null(w, "error");
}

static void write_process(const struct slot *s, struct jsonw *w)
{
    char text[CLOCK_TEXT_MAX];

    clock_text(s->loaded_unix_ms, text);
    jsonw_key_u64(w, "pid", s->pid);
    if (s->loaded_unix_ms != 0)
        jsonw_key_cstr(w, "loaded_at", text);
    else
        jsonw_key_null(w, "loaded_at");
    jsonw_key_u64(w, "threads", s->threads);
    jsonw_key_u64(w, "load_ms", s->ready.load_us / 1000);
    jsonw_key_u64(w, "prompt_tokens", s->stats.prompt_tokens);
    jsonw_key_u64(w, "cached_tokens", s->stats.cached_tokens);
    jsonw_key_u64(w, "completion_tokens", s->stats.completion_tokens);
    jsonw_key_u64(w, "cells_used", s->stats.cells_used);
    jsonw_key_u64(w, "cells_total", s->stats.cells_total);
    jsonw_key_u64(w, "busy_ms", s->stats.busy_us / 1000);
}

static void list(struct gw *gw, struct http_req *req, const struct route *route,
                 bool loaded_only)
{
    struct buf CLEANUP(buf_done) body = BUF_INIT(PAGE_MAX);
    struct jsonw w = JSONW_INIT(&body);
    struct pool_memory mem = pool_memory(gw->pool);
    struct exch x;

    exch_begin(&x, gw, req, route);
    gw_rescan(gw);
    pool_ask_stats(gw->pool);
    jsonw_obj(&w);
    jsonw_key_cstr(&w, "object", "list");
    jsonw_key_arr(&w, "data");
    for (size_t i = 0; i < pool_count(gw->pool); i++) {
        struct pool_model pm = pool_model(gw->pool, i);

        if (loaded_only && pm.slot->state == SLOT_ABSENT)
            continue;
        jsonw_obj(&w);
        write_identity(&pm, &w);
        write_state(gw, &pm, &w);
        if (loaded_only)
            write_process(pm.slot, &w);
        jsonw_obj_end(&w);
    }
    jsonw_arr_end(&w);
    jsonw_key_u64(&w, "budget_bytes", mem.budget_bytes);
    jsonw_key_u64(&w, "used_bytes", mem.reserved_bytes);
    jsonw_obj_end(&w);
    exch_json(&x, 200, jsonw_end(&w), &body);
}

void admin_models(struct gw *gw, struct http_req *req,
                  const struct route *route, struct str arg)
{
    (void)arg;
    list(gw, req, route, false);
}

void admin_ps(struct gw *gw, struct http_req *req, const struct route *route,
              struct str arg)
{
    (void)arg;
    list(gw, req, route, true);
}

void admin_memory(struct gw *gw, struct http_req *req,
                  const struct route *route, struct str arg)
{
    struct buf CLEANUP(buf_done) body = BUF_INIT(PAGE_MAX);
    struct jsonw w = JSONW_INIT(&body);
    struct pool_memory mem = pool_memory(gw->pool);
    struct exch x;

    (void)arg;
    exch_begin(&x, gw, req, route);
    jsonw_obj(&w);
    jsonw_key_u64(&w, "budget_bytes", mem.budget_bytes);
    jsonw_key_u64(&w, "used_bytes", mem.reserved_bytes);
    jsonw_key_u64(&w, "resident_bytes", mem.resident_bytes);
    jsonw_key_u64(&w, "headroom_bytes", mem.headroom_bytes);
    jsonw_key_arr(&w, "models");
    for (size_t i = 0; i < pool_count(gw->pool); i++) {
        struct pool_model pm = pool_model(gw->pool, i);

        jsonw_obj(&w);
        jsonw_key_str(&w, "id", pm.slot->model->want.id);
        jsonw_key_cstr(&w, "source", source_name(pm.source));
        jsonw_key_u64(&w, "model_bytes", pm.estimate.model_bytes);
        jsonw_key_u64(&w, "kv_bytes", pm.estimate.kv_bytes);
        jsonw_key_u64(&w, "compute_bytes", pm.estimate.compute_bytes);
        jsonw_key_u64(&w, "mapped_bytes", pm.estimate.mapped_bytes);
        jsonw_key_u64(&w, "measured_bytes", pm.estimate.measured_bytes);
        jsonw_key_u64(&w, "reserved_bytes", pm.slot->reserved_bytes);
        jsonw_obj_end(&w);
    }
    jsonw_arr_end(&w);
    jsonw_obj_end(&w);
    exch_json(&x, 200, jsonw_end(&w), &body);
}

void admin_explain(struct gw *gw, struct http_req *req,
                   const struct route *route, struct str arg)
{
    struct buf CLEANUP(buf_done) body = BUF_INIT(PAGE_MAX);
    struct buf CLEANUP(buf_done) name = BUF_INIT(NAME_MAX_BYTES);
    struct jsonw w = JSONW_INIT(&body);
    struct planner_plan plan;
    struct why why = WHY_INIT;
    struct exch x;
    size_t model;

    (void)arg;
    exch_begin(&x, gw, req, route);
    if (uri_get_param(req->head->query, STR("model"), &name, &why) != ERR_OK) {
        (void)FAIL(&why, ERR_PARSE, "which model? add ?model=<id>");
        exch_refuse_why(&x, &why);
        return;
    }
    model = gw_find_model(gw, buf_str(&name));
    if (model == SIZE_MAX) {
        refuse_no_model(&x, buf_str(&name));
        return;
    }
    pool_explain(gw->pool, model, 1, &plan);
    jsonw_obj(&w);
    jsonw_key_str(&w, "model",
                  pool_model(gw->pool, model).slot->model->want.id);
    jsonw_key_cstr(&w, "verdict", planner_verdict_name(plan.verdict));
    jsonw_key_cstr(&w, "reason", plan.reason);
    jsonw_key_u64(&w, "context", plan.n_ctx);
    jsonw_key_u64(&w, "need_bytes", plan.need_bytes);
    jsonw_key_u64(&w, "free_bytes", plan.free_bytes);
    jsonw_key_u64(&w, "budget_bytes", pool_memory(gw->pool).budget_bytes);
    jsonw_key_u64(&w, "retry_after_ms", plan.retry_after_ms);
    jsonw_key_arr(&w, "victims");
    for (size_t k = 0; k < plan.victim_count; k++)
        jsonw_str(&w,
                  pool_model(gw->pool, plan.victims[k]).slot->model->want.id);
    jsonw_arr_end(&w);
    jsonw_obj_end(&w);
    exch_json(&x, 200, jsonw_end(&w), &body);
}

/* ---- loading and unloading ------------------------------------------------------------ */

struct load {
    struct exch x;
    struct infer q; /* without a payload: nothing but the load */
};

static void answer_state(struct exch *x, size_t model)
{
    struct buf CLEANUP(buf_done) body = BUF_INIT(PAGE_MAX);
    struct jsonw w = JSONW_INIT(&body);
    struct pool_model pm = pool_model(x->gw->pool, model);

    jsonw_obj(&w);
    write_identity(&pm, &w);
    write_state(x->gw, &pm, &w);
    jsonw_obj_end(&w);
    exch_json(x, 200, jsonw_end(&w), &body);
}

static void on_load_end(void *ctx, const struct infer_end *end)
{
    struct load *l = ctx;
    struct oai_err o = OAI_ERR_INIT;

    if (end->why->code == ERR_OK) {
        answer_state(&l->x, l->q.model);
    } else {
        oai_err_from(&o, end->why, NULL);
        o.retry_after_ms = end->retry_after_ms;
        exch_refuse(&l->x, &o);
    }
    mem_free(l);
}

static void on_load_abort(void *ctx, struct http_ref ref)
{
    struct load *l = ctx;

    (void)ref;
    pool_cancel(l->x.gw->pool, &l->q);
    exch_gone(&l->x);
    mem_free(l);
}

void admin_load(struct gw *gw, struct http_req *req, const struct route *route,
                struct str arg)
{
    static const struct infer_events infer_table = {.on_end = on_load_end};
    static const struct http_events http_table = {.on_abort = on_load_abort};
    struct load *l = mem_zalloc(sizeof(*l));
    struct why why = WHY_INIT;
    struct exch x;
    uint64_t retry = 0;

    exch_begin(&x, gw, req, route);
    if (l == NULL) {
        (void)FAIL(&why, ERR_NOMEM, "out of memory");
        exch_refuse_why(&x, &why);
        return;
    }
    l->x = x;
    l->q = (struct infer){
        .model = gw_find_model(gw, arg), .events = &infer_table, .ctx = l};
    if (l->q.model == SIZE_MAX)
        refuse_no_model(&x, arg);
    else if (pool_submit(gw->pool, &l->q, &retry, &why) != ERR_OK)
        exch_refuse_why(&x, &why);
    else {
        http_follow(req, &http_table, l);
        return;
    }
    mem_free(l);
}

void admin_unload(struct gw *gw, struct http_req *req,
                  const struct route *route, struct str arg)
{
    struct buf CLEANUP(buf_done) force = BUF_INIT(16);
    struct why why = WHY_INIT;
    struct exch x;
    size_t model = gw_find_model(gw, arg);
    enum err given =
        uri_get_param(req->head->query, STR("force"), &force, NULL);
    bool forced = given == ERR_OK && str_eq(buf_str(&force), STR("true"));

    exch_begin(&x, gw, req, route);
    if (given != ERR_NOTFOUND && !forced
        && !str_eq(buf_str(&force), STR("false"))) {
        (void)FAIL(&why, ERR_PARSE, "force is true or false");
        exch_refuse_why(&x, &why);
        return;
    }
    if (model == SIZE_MAX)
        refuse_no_model(&x, arg);
    else if (pool_unload(gw->pool, model, forced, &why) != ERR_OK)
        exch_refuse_why(&x, &why);
    else
        answer_state(&x, model);
}
