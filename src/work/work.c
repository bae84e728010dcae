/*
 * work.c - puts the process together and takes it apart. What may fail at
 * start-up (state folder, database, sandbox) fails here with words; a missing
 * sandbox is no reason not to start, because reading past tasks needs none:
 * checks then say what to install.
 */
#include "work/work.h"

#include <signal.h>

#include "base/mem.h"
#include "sys/clock.h"
#include "sys/fs.h"
#include "sys/log.h"
#include "sys/sig.h"
#include "work/feed.h"
#include "work/jail.h"
#include "work/super_link.h"
#include "work/words.h"
#include "work/workdir.h"

enum { SOCKET_MODE = 0600, TERM_DRAIN_MS = 5000, WAITING_MAX = 200 };

struct work {
    const struct work_opts *opts;
    struct work_web web;
    struct super_link super;
    struct feed *feed;
    struct executor executor;
    char tiers[1024];
    bool stops;
};

/* ---- the end -------------------------------------------------------------------------- */

static void on_drained(void *ctx)
{
    struct work *k = ctx;

    loop_stop(k->web.loop);
}

/* Those who watch get until then; tasks that still run are taken up by the
 * next life. */
static void stop(struct work *k, unsigned drain_ms)
{
    if (k->stops)
        return;
    k->stops = k->web.is_draining = true;
    LOG(INFO, WORK, "stopping", LOG_U("drain_ms", drain_ms),
        LOG_U("running", crew_count(k->web.crew).running));
    server_drain(k->web.server, drain_ms, on_drained, k);
}

static void on_stop(void *ctx, uint32_t drain_ms)
{
    stop(ctx, drain_ms);
}

static void on_gone(void *ctx)
{
    LOG0(WARN, WORK, "supervisor_gone");
    stop(ctx, 0);
}

static void on_signal(void *ctx, int signo)
{
    (void)signo;
    stop(ctx, TERM_DRAIN_MS);
}

/* ---- events ------------------------------------------------------------------------------ */

/* On a thread of the crew. */
static void on_executor_event(void *ctx, struct str task, enum event_id e,
                              struct str data)
{
    struct work *k = ctx;

    feed_push(k->feed, task, e, data);
}

static void on_feed_event(void *ctx, struct str task, enum event_id e,
                          struct str data)
{
    struct work *k = ctx;

    follow_event(k->web.follow, task, e, data);
}

static void on_feed_lost(void *ctx)
{
    struct work *k = ctx;

    follow_catch_up(k->web.follow);
}

static void on_client_gone(void *ctx, struct str task)
{
    struct work *k = ctx;

    IGNORE(crew_cancel(k->web.crew, task)); /* it may have ended by now */
}

/* ---- parts -------------------------------------------------------------------------------- */

static enum err open_state(struct work *k, struct why *w)
{
    const struct paths *p = k->opts->paths;

    (void)snprintf(k->web.db_url, sizeof(k->web.db_url),
                   "sqlite:%.1000s/work.db", p->state);
    (void)snprintf(k->web.gateway_socket, sizeof(k->web.gateway_socket),
                   "%.1000s/gateway.sock", p->run);
    workdir_sweep(p->state);
    return worklog_open(&k->web.log, str_c(k->web.db_url), clock_unix_ms, w);
}

static enum err make_server(struct work *k, struct why *w)
{
    struct server_opts opts = SERVER_OPTS_DEFAULT;
    const struct server_handler handler = {.ctx = &k->web,
                                           .on_head = work_web_on_head,
                                           .on_request = work_web_on_request,
                                           .on_refuse = work_web_on_refuse};
    struct follow_opts follow = {.loop = k->web.loop,
                                 .log = &k->web.log,
                                 .on_gone = on_client_gone,
                                 .ctx = k};

    opts.conns_max = FOLLOW_MAX + 100;
    TRY(server_new(k->web.loop, &opts, &handler, &k->web.server, w));
    TRY(httpc_new(k->web.loop, &k->web.client, w));
    follow.server = k->web.server;
    return follow_new(&follow, &k->web.follow, w);
}

static enum err make_crew(struct work *k, struct why *w)
{
    const struct options *o = k->opts->options;
    const struct feed_handler handler = {k, on_feed_event, on_feed_lost};
    const struct crew_opts crew = {.executor = &k->executor,
                                   .url = k->web.db_url,
                                   .now_ms = clock_unix_ms,
                                   .threads = (unsigned)o->tasks_parallel,
                                   .waiting_max = WAITING_MAX};
    struct matrix_plan plan;

    if (!str_z(o->tasks_tiers, k->tiers, sizeof(k->tiers)))
        return FAIL(w, ERR_CONFIG, "tasks.tiers is too long");
    TRY(matrix_chain(o->tasks_tiers, (unsigned)o->tasks_attempts, &plan, w));
    k->executor = EXECUTOR_DEFAULT;
    k->executor.asker = asker_gateway(k->web.gateway_socket);
    k->executor.on_event = on_executor_event;
    k->executor.ctx = k;
    k->executor.state = k->opts->paths->state;
    k->executor.tiers = k->tiers;
    k->executor.attempts = (unsigned)o->tasks_attempts;
    k->executor.check_ms = (unsigned)o->tasks_check_time;
    TRY(feed_new(k->web.loop, &handler, &k->feed, w));
    return crew_new(&crew, &k->web.crew, w);
}

static enum err resume_one(void *ctx, struct str id)
{
    struct work *k = ctx;

    LOG(INFO, WORK, "task_resumed", LOG_STR("task", id));
    return crew_add(k->web.crew, id, true, NULL);
}

static enum err listen(struct work *k, struct why *w)
{
    char path[WORK_PATH_MAX];

    (void)snprintf(path, sizeof(path), "%.1000s/orchestrator.sock",
                   k->opts->paths->run);
    TRY(server_listen_unix(k->web.server, path, SOCKET_MODE, NULL, w));
    return super_link_up(&k->super, path, w);
}

static void probe_sandbox(void)
{
    struct why why = WHY_INIT;

    if (jail_check(&why) != ERR_OK)
        LOG(ERROR, WORK, "no_sandbox", LOG_WHY(&why));
}

static enum err start(struct work *k, struct why *w)
{
    TRY(loop_new(&k->web.loop, w));
    TRY(super_link_open(&k->super, k->web.loop, k->opts->super_fd,
                        k->opts->build, w));
    TRY(open_state(k, w));
    TRY(make_server(k, w));
    TRY(make_crew(k, w));
    TRY(loop_on_signal(k->web.loop, SIGTERM, on_signal, k, w));
    TRY(worklog_unfinished(&k->web.log, resume_one, k, w));
    probe_sandbox(); /* may take its time: before UP, after which we answer */
    TRY(listen(k, w));
    LOG(INFO, WORK, "ready", LOG_S("tiers", k->tiers),
        LOG_U("parallel", k->opts->options->tasks_parallel));
    return ERR_OK;
}

/* The threads first: after them nothing feeds events. */
static void work_done(struct work *k)
{
    crew_free(k->web.crew);
    feed_free(k->feed);
    follow_free(k->web.follow);
    if (k->web.server != NULL)
        server_free(k->web.server);
    if (k->web.client != NULL)
        httpc_free(k->web.client);
    super_link_close(&k->super);
    if (k->web.loop != NULL)
        loop_free(k->web.loop);
    worklog_close(&k->web.log);
    mem_free(k);
}

enum err work_main(const struct work_opts *opts, struct why *w)
{
    struct work *k = mem_zalloc(sizeof(*k));
    enum err e;

    if (k == NULL)
        return FAIL(w, ERR_NOMEM, "no memory for the orchestrator");
    sig_ignore_pipe();
    k->opts = opts;
    k->web.options = opts->options;
    k->web.more = opts->more;
    k->web.n_more = opts->n_more;
    k->super.on_stop = on_stop;
    k->super.on_gone = on_gone;
    k->super.ctx = k;
    e = start(k, w);
    if (e == ERR_OK)
        loop_run(k->web.loop);
    work_done(k);
    return e;
}

enum err work_doc(struct buf *out)
{
    TRY(buf_add_c(out, "## Events\n\n"));
    TRY(event_doc(out));
    return words_doc(out);
}
