/*
 * gateway.c - the process: puts the parts together, talks with the supervisor,
 * and stops in order.
 *
 * Start: models are registered (headers only), listeners opened, then HELLO
 * and UP to the supervisor; no runner is asked for before a request or a
 * pinned model needs one. Stop (STOP, SIGTERM): no new connections and no new
 * questions, answers in progress finish until the deadline, runners end.
 */
#include "gateway/gateway.h"

#include <signal.h>

#include "base/mem.h"
#include "config/optval.h"
#include "gateway/gw.h"
#include "gateway/route.h"
#include "sys/clock.h"
#include "sys/log.h"
#include "sys/process.h"
#include "sys/sig.h"

enum { SOCKET_MODE = 0600, ARENA_BYTES = 64 << 20 };

/* ---- stopping ----------------------------------------------------------------------- */

static void on_pool_drained(void *ctx)
{
    struct gw *gw = ctx;

    loop_stop(gw->loop);
}

static void on_server_drained(void *ctx)
{
    struct gw *gw = ctx;

    pool_drain(gw->pool, on_pool_drained, gw);
}

static void stop(struct gw *gw, unsigned drain_ms)
{
    if (gw->stopping)
        return;
    gw->stopping = true;
    LOG(INFO, GATEWAY, "stopping", LOG_U("drain_ms", drain_ms));
    server_drain(gw->server, drain_ms, on_server_drained, gw);
}

static void on_signal(void *ctx, int signo)
{
    struct gw *gw = ctx;

    (void)signo;
    stop(gw, (unsigned)gw->options->server_drain);
}

/* ---- the supervisor -------------------------------------------------------------------- */

static void lose_super(struct gw *gw, enum err e, const char *what)
{
    gw->super_is_up = false;
    if (gw->stopping && e == ERR_EOF) {
        loop_stop(gw->loop);
        return;
    }
    gw->outcome = FAIL(&gw->why, e, "the supervisor is gone (%s)", what);
    loop_stop(gw->loop);
}

/* That this loop turns is all that the supervisor asks [IPC-15]. */
static enum err on_ping(struct gw *gw, struct str payload, struct why *why)
{
    struct msg_ping m;

    TRY(msg_ping_get(payload, &m, why));
    /* A queue that is full has a supervisor that reads nothing. */
    IGNORE(line_send(&gw->super, MSG_PONG, 0, &(struct msg_pong){m.number}));
    return ERR_OK;
}

static void on_super_frame(void *ctx, const struct frame *f)
{
    struct gw *gw = ctx;
    struct msg_stop m;
    struct why why = WHY_INIT;
    enum err e;

    if (f->kind == MSG_STOP) {
        e = msg_stop_get(f->payload, &m, &why);
        if (e == ERR_OK)
            stop(gw, m.drain_ms);
    } else if (f->kind == MSG_PING) {
        e = on_ping(gw, f->payload, &why);
    } else {
        e = pool_on_super(gw->pool, f, line_take_fd(&gw->super), &why);
    }
    if (e != ERR_OK)
        lose_super(gw, e, err_why(&why));
}

static void on_super_closed(void *ctx, enum err e)
{
    lose_super(ctx, e, err_name(e));
}

static enum err ask_super(void *ctx, enum msg_kind kind, const void *msg)
{
    struct gw *gw = ctx;

    return line_send(&gw->super, kind, 0, msg);
}

static enum err greet(struct gw *gw, int fd, struct why *why)
{
    static const struct line_events events = {.on_frame = on_super_frame,
                                              .on_closed = on_super_closed};
    const struct msg_hello hello = {MSG_VERSION, STR("gateway"),
                                    str_c(gw->build)};
    const struct msg_up up = {str_c(gw->address)};
    enum err e;

    TRY(line_open(&gw->super, gw->loop, fd, &events, gw, why));
    e = line_send(&gw->super, MSG_HELLO, 0, &hello);
    if (e == ERR_OK)
        e = line_send(&gw->super, MSG_UP, 0, &up);
    if (e != ERR_OK)
        return FAIL(why, e, "the supervisor does not listen");
    gw->super_is_up = true;
    return ERR_OK;
}

/* ---- parts ------------------------------------------------------------------------------ */

static void on_load(void *ctx, enum err e, uint64_t load_ms)
{
    struct gw *gw = ctx;

    if (e != ERR_OK) {
        metrics_add(&gw->metrics, METRICS_load_failures, 1);
        return;
    }
    metrics_add(&gw->metrics, METRICS_loads, 1);
    metrics_observe(&gw->metrics, METRICS_load_time, (double)load_ms / 1e3);
}

static void on_unload(void *ctx, const char *reason)
{
    struct gw *gw = ctx;

    (void)reason;
    metrics_add(&gw->metrics, METRICS_unloads, 1);
}

static enum err make_pool(struct gw *gw, struct why *why)
{
    const struct options *o = gw->options;
    const struct pool_opts opts = {
        .budget_bytes = o->memory_budget,
        .reserve_bytes = o->memory_reserve,
        .context_min = (uint32_t)o->serving_context_min,
        .queue_max = (uint32_t)o->serving_queue,
        .queue_wait_ms = o->serving_queue_wait,
        .turn_ms = o->serving_turn,
        .load_stall_ms = (unsigned)o->serving_load_stall,
        .use_mmap = o->runner_mmap,
        .unconfined = o->runner_unconfined,
        .kv_dir = gw->kv_dir,
        .ask = ask_super,
        .on_load = on_load,
        .on_unload = on_unload,
        .ctx = gw,
    };
    char path[FS_PATH_MAX];

    TRY(registry_new(clock_us(), &gw->registry));
    TRY(gw_add_models(gw, why));
    (void)snprintf(path, sizeof(path), "%s/estimates.json", gw->paths->state);
    TRY(estimate_open(path, &gw->estimates));
    (void)snprintf(gw->kv_dir, sizeof(gw->kv_dir), "%.1000s/kv",
                   gw->paths->cache);
    TRY(fs_mkdirs(gw->kv_dir, why));
    return pool_new(gw->loop, gw->registry, gw->estimates, &opts, &gw->pool,
                    why);
}

static enum err listen_all(struct gw *gw, struct why *why)
{
    struct optval_addr addr;
    char path[FS_PATH_MAX];
    unsigned port = 0;

    TRY(optval_addr(gw->options->server_listen, &addr, why));
    (void)snprintf(path, sizeof(path), "%s/gateway.sock", gw->paths->run);
    TRY(server_listen_unix(gw->server, path, SOCKET_MODE, &gw->unix_socket,
                           why));
    TRY(server_listen_tcp(gw->server, addr.host, addr.port, &port, &gw->tcp,
                          why));
    (void)snprintf(gw->address, sizeof(gw->address),
                   addr.ipv6 ? "http://[%s]:%u" : "http://%s:%u", addr.host,
                   port);
    return ERR_OK;
}

static enum err make_server(struct gw *gw, struct why *why)
{
    struct server_opts opts = SERVER_OPTS_DEFAULT;
    const struct server_handler handler = {
        .ctx = gw,
        .on_head = route_on_head,
        .on_request = route_on_request,
        .on_refuse = route_on_refuse,
    };

    opts.conns_max = (size_t)gw->options->server_connections;
    opts.arena_max = ARENA_BYTES;
    opts.unix_seconds = NULL;
    TRY(server_new(gw->loop, &opts, &handler, &gw->server, why));
    TRY(httpc_new(gw->loop, &gw->httpc, why));
    (void)snprintf(gw->work_socket, sizeof(gw->work_socket),
                   "%.980s/orchestrator.sock", gw->paths->run);
    return listen_all(gw, why);
}

static enum err start(struct gw *gw, int super_fd, struct why *why)
{
    TRY(loop_new(&gw->loop, why));
    TRY(make_pool(gw, why));
    TRY(make_server(gw, why));
    TRY(loop_on_signal(gw->loop, SIGTERM, on_signal, gw, why));
    TRY(greet(gw, super_fd, why));
    LOG(INFO, GATEWAY, "listening", LOG_S("address", gw->address),
        LOG_U("models", pool_count(gw->pool)),
        LOG_U("memory_budget", pool_memory(gw->pool).budget_bytes));
    pool_start(gw->pool);
    return ERR_OK;
}

static void gw_done(struct gw *gw)
{
    if (gw->pool != NULL)
        pool_abandon(gw->pool);
    line_close(&gw->super);
    if (gw->server != NULL)
        server_free(gw->server);
    if (gw->httpc != NULL)
        httpc_free(gw->httpc);
    pool_free(gw->pool);
    estimate_close(gw->estimates);
    registry_free(gw->registry);
    if (gw->loop != NULL)
        loop_free(gw->loop);
    mem_free(gw);
}

enum err gateway_main(const struct gateway_opts *opts, struct why *why)
{
    struct gw *gw = mem_zalloc(sizeof(*gw));
    enum err e;

    if (gw == NULL)
        return FAIL(why, ERR_NOMEM, "out of memory");
    sig_ignore_pipe();
    gw->options = opts->options;
    gw->paths = opts->paths;
    gw->build = opts->build;
    gw->tcp = gw->unix_socket = -1;
    gw->rules = (struct origin_rules){opts->options->server_hosts,
                                      opts->options->server_origins};
    gw->started_unix_ms = clock_unix_ms();
    e = start(gw, opts->super_fd, &gw->why);
    if (e == ERR_OK) {
        loop_run(gw->loop);
        e = gw->outcome;
    }
    if (e != ERR_OK)
        (void)FAIL(why, e, "%s",
                   gw->why.code != ERR_OK ? gw->why.msg : err_text(e));
    gw_done(gw);
    return e;
}

enum err gateway_doc_routes(struct buf *out)
{
    return route_doc(out);
}

enum err gateway_doc_metrics(struct buf *out)
{
    return metrics_doc(out);
}
