/*
 * oai_models.c - GET /v1/models and /v1/models/{id}: what can be asked for.
 * Besides OpenAI's members an entry tells the real context and the kind, so
 * that a client need not find out by failing.
 */
#include "data/jsonw.h"
#include "gateway/exch.h"
#include "gateway/handlers.h"

enum { LIST_MAX = 8 << 20 };

static void write_model(struct gw *gw, size_t i, struct jsonw *w)
{
    const struct pool_model pm = pool_model(gw->pool, i);
    const struct registry_model *m = pm.slot->model;
    struct str aliases = m->want.aliases;
    uint32_t context = pm.slot->state == SLOT_READY ? pm.slot->ready.n_ctx
                                                    : registry_context(m);

    jsonw_obj(w);
    jsonw_key_str(w, "id", m->want.id);
    jsonw_key_cstr(w, "object", "model");
    jsonw_key_i64(w, "created", m->file.mtime_ns / 1000000000);
    jsonw_key_cstr(w, "owned_by", "hearth");
    jsonw_key_cstr(w, "kind", m->kind == REGISTRY_EMBED ? "embed" : "generate");
    jsonw_key_u64(w, "context_length", context);
    jsonw_key_u64(w, "size_bytes", m->file.size_bytes);
    jsonw_key_cstr(w, "state", slot_state_name(pm.slot->state));
    jsonw_key_arr(w, "aliases");
    while (aliases.n != 0)
        jsonw_str(w, str_cut(&aliases, ','));
    jsonw_arr_end(w);
    jsonw_obj_end(w);
}

void oai_models(struct gw *gw, struct http_req *req, const struct route *route,
                struct str arg)
{
    struct buf CLEANUP(buf_done) body = BUF_INIT(LIST_MAX);
    struct jsonw w = JSONW_INIT(&body);
    struct exch x;

    (void)arg;
    exch_begin(&x, gw, req, route);
    gw_rescan(gw);
    jsonw_obj(&w);
    jsonw_key_cstr(&w, "object", "list");
    jsonw_key_arr(&w, "data");
    for (size_t i = 0; i < pool_count(gw->pool); i++)
        if (pool_model(gw->pool, i).slot->model->problem == ERR_OK)
            write_model(gw, i, &w);
    jsonw_arr_end(&w);
    jsonw_obj_end(&w);
    exch_json(&x, 200, jsonw_end(&w), &body);
}

void oai_model(struct gw *gw, struct http_req *req, const struct route *route,
               struct str arg)
{
    struct buf CLEANUP(buf_done) body = BUF_INIT(LIST_MAX);
    struct jsonw w = JSONW_INIT(&body);
    struct oai_err o = OAI_ERR_INIT;
    struct exch x;
    size_t i = gw_find_model(gw, arg);

    exch_begin(&x, gw, req, route);
    if (i == SIZE_MAX) {
        (void)gw_no_model(gw, arg, &o);
        exch_refuse(&x, &o);
        return;
    }
    write_model(gw, i, &w);
    exch_json(&x, 200, jsonw_end(&w), &body);
}
