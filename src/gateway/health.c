/*
 * health.c - GET /health, /ready and /metrics.
 */
#include "data/jsonw.h"
#include "gateway/exch.h"
#include "gateway/handlers.h"
#include "sys/process.h"

enum { PAGE_MAX = 1 << 20 };

void health_alive(struct gw *gw, struct http_req *req,
                  const struct route *route, struct str arg)
{
    struct exch x;

    (void)arg;
    exch_begin(&x, gw, req, route);
    exch_answer(&x, 200, "application/json", STR("{\"status\":\"ok\"}"));
}

static size_t usable_models(const struct gw *gw)
{
    size_t n = 0;

    for (size_t i = 0; i < pool_count(gw->pool); i++)
        n += pool_model(gw->pool, i).slot->model->problem == ERR_OK;
    return n;
}

void health_ready(struct gw *gw, struct http_req *req,
                  const struct route *route, struct str arg)
{
    struct buf CLEANUP(buf_done) body = BUF_INIT(PAGE_MAX);
    struct jsonw w = JSONW_INIT(&body);
    size_t usable = usable_models(gw);
    bool ready = gw->super_is_up && !gw->stopping && usable > 0;
    struct exch x;

    (void)arg;
    exch_begin(&x, gw, req, route);
    jsonw_obj(&w);
    jsonw_key_cstr(&w, "status", ready ? "ready" : "not ready");
    jsonw_key_bool(&w, "supervisor", gw->super_is_up);
    jsonw_key_bool(&w, "stopping", gw->stopping);
    jsonw_key_u64(&w, "models", pool_count(gw->pool));
    jsonw_key_u64(&w, "usable_models", usable);
    jsonw_obj_end(&w);
    exch_json(&x, ready ? 200 : 503, jsonw_end(&w), &body);
}

/* Numbers that are kept elsewhere are read when they are asked for. */
static void gather(struct gw *gw)
{
    const struct server_stats *s = server_stats(gw->server);
    struct pool_memory mem = pool_memory(gw->pool);
    struct metrics *m = &gw->metrics;
    uint64_t refused = 0, runners = 0, own = 0;

    for (size_t i = 0; i < HTTP1_NO_COUNT; i++)
        refused += s->refused[i];
    for (size_t i = 0; i < pool_count(gw->pool); i++)
        runners += pool_model(gw->pool, i).slot->pid != 0;
    if (process_rss_self(&own) == ERR_OK)
        metrics_set(m, METRICS_own_memory, own);
    metrics_set(m, METRICS_connections, s->accepted);
    metrics_set(m, METRICS_bytes_in, s->bytes_in);
    metrics_set(m, METRICS_bytes_out, s->bytes_out);
    metrics_set(m, METRICS_refused, refused);
    metrics_set(m, METRICS_connections_open, s->active);
    metrics_set(m, METRICS_requests_open, s->busy);
    metrics_set(m, METRICS_queue, pool_waiting(gw->pool));
    metrics_set(m, METRICS_runners, runners);
    metrics_set(m, METRICS_memory_budget, mem.budget_bytes);
    metrics_set(m, METRICS_memory_reserved, mem.reserved_bytes);
    metrics_set(m, METRICS_memory_resident, mem.resident_bytes);
    metrics_set(m, METRICS_start_time, (uint64_t)gw->started_unix_ms / 1000);
}

void health_metrics(struct gw *gw, struct http_req *req,
                    const struct route *route, struct str arg)
{
    struct buf CLEANUP(buf_done) body = BUF_INIT(PAGE_MAX);
    struct why why = WHY_INIT;
    struct exch x;
    enum err e;

    (void)arg;
    exch_begin(&x, gw, req, route);
    gather(gw);
    pool_ask_stats(gw->pool); /* for the next time */
    e = metrics_write(&gw->metrics, route_name_at, &body);
    if (e == ERR_OK) {
        exch_answer(&x, 200, "text/plain; version=0.0.4; charset=utf-8",
                    buf_str(&body));
        return;
    }
    (void)FAIL(&why, e, "%s", err_text(e));
    exch_refuse_why(&x, &why);
}
