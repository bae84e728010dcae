#include "fake/work_rig.h"

#include <pthread.h>

#include "data/json.h"
#include "net/httpc_sync.h"
#include "sys/clock.h"
#include "sys/fstree.h"
#include "test.h"

static enum err say(void *ctx, const struct asker_question *q,
                    struct asker_answer *out, struct why *w)
{
    struct work_rig *r = ctx;
    enum err e = (enum err)atomic_load(&r->fault);

    atomic_fetch_add(&r->asked, 1);
    while (atomic_load(&r->hold)) {
        if (atomic_load(q->cancel))
            return FAIL(w, ERR_CANCELLED, "cancelled");
        clock_sleep_ms(2);
    }
    if (e != ERR_OK)
        return FAIL(w, e, "scripted: %s", err_name(e));
    q->on_text(q->ctx, str_c(r->answer));
    return buf_add_c(&out->text, r->answer);
}

static void on_executor_event(void *ctx, struct str task, enum event_id e,
                              struct str data)
{
    struct work_rig *r = ctx;

    feed_push(r->feed, task, e, data);
}

static void on_feed_event(void *ctx, struct str task, enum event_id e,
                          struct str data)
{
    struct work_rig *r = ctx;

    follow_event(r->web.follow, task, e, data);
}

static void on_feed_lost(void *ctx)
{
    struct work_rig *r = ctx;

    follow_catch_up(r->web.follow);
}

static void on_gone(void *ctx, struct str task)
{
    struct work_rig *r = ctx;

    (void)crew_cancel(r->web.crew, task);
}

static void open_parts(struct work_rig *r)
{
    struct server_opts opts = SERVER_OPTS_DEFAULT;
    const struct server_handler handler = {.ctx = &r->web,
                                           .on_head = work_web_on_head,
                                           .on_request = work_web_on_request,
                                           .on_refuse = work_web_on_refuse};
    struct follow_opts follow = {
        .log = &r->web.log, .on_gone = on_gone, .ctx = r};
    const struct feed_handler feed = {r, on_feed_event, on_feed_lost};

    CHECK(loop_new(&r->web.loop, NULL) == ERR_OK);
    CHECK(worklog_open(&r->web.log, str_c(r->web.db_url), clock_unix_ms, NULL)
          == ERR_OK);
    CHECK(server_new(r->web.loop, &opts, &handler, &r->web.server, NULL)
          == ERR_OK);
    CHECK(httpc_new(r->web.loop, &r->web.client, NULL) == ERR_OK);
    follow.loop = r->web.loop;
    follow.server = r->web.server;
    CHECK(follow_new(&follow, &r->web.follow, NULL) == ERR_OK);
    CHECK(feed_new(r->web.loop, &feed, &r->feed, NULL) == ERR_OK);
    CHECK(server_listen_unix(r->web.server, r->socket, 0600, NULL, NULL)
          == ERR_OK);
}

static void open_crew(struct work_rig *r)
{
    const struct crew_opts crew = {.executor = &r->executor,
                                   .url = r->web.db_url,
                                   .now_ms = clock_unix_ms,
                                   .threads = 1,
                                   .waiting_max = 2};

    r->executor = EXECUTOR_DEFAULT;
    r->executor.asker = (struct asker){say, r};
    r->executor.on_event = on_executor_event;
    r->executor.ctx = r;
    r->executor.state = r->dir;
    r->executor.tiers = "small,large";
    CHECK(crew_new(&crew, &r->web.crew, NULL) == ERR_OK);
}

static void *client_thread(void *ctx)
{
    struct work_rig *r = ctx;

    r->steps(r);
    loop_stop(r->web.loop);
    return NULL;
}

static void rig_close(struct work_rig *r)
{
    static const struct fstree_bounds all = {1000, 1 << 30, 16};

    crew_free(r->web.crew);
    feed_free(r->feed);
    follow_free(r->web.follow);
    server_free(r->web.server);
    httpc_free(r->web.client);
    loop_free(r->web.loop);
    worklog_close(&r->web.log);
    options_done(&r->options);
    CHECK(fstree_remove(r->dir, &all, NULL) == ERR_OK);
    mem_free(r);
}

void work_rig_run(void (*steps)(struct work_rig *r),
                  const struct work_route *more, size_t n_more,
                  const char *gateway_socket)
{
    struct work_rig *r = mem_zalloc(sizeof(*r));
    pthread_t thread;

    CHECK(r != NULL && httpc_sync_global(NULL) == ERR_OK);
    CHECK(fs_mkdir_temp("/tmp", "work_rig", r->dir, NULL) == ERR_OK);
    (void)snprintf(r->socket, sizeof(r->socket), "%s/sock", r->dir);
    (void)snprintf(r->web.db_url, sizeof(r->web.db_url),
                   "sqlite:%.1000s/work.db", r->dir);
    (void)snprintf(r->web.gateway_socket, sizeof(r->web.gateway_socket),
                   "%.1200s",
                   gateway_socket != NULL ? gateway_socket : r->socket);
    CHECK(options_init(&r->options, NULL) == ERR_OK);
    r->web.options = &r->options;
    r->web.more = more;
    r->web.n_more = n_more;
    r->answer = "```python\ndef f(x):\n    return x * x\n```\n";
    r->steps = steps;
    open_parts(r);
    open_crew(r);
    r->client = client_unix(str_c(r->socket), NULL);
    CHECK(pthread_create(&thread, NULL, client_thread, r) == 0);
    loop_run(r->web.loop);
    CHECK(pthread_join(thread, NULL) == 0);
    rig_close(r);
}

enum err work_rig_call(struct work_rig *r, const char *method, const char *path,
                       const char *body, struct buf *out, struct why *w)
{
    *w = WHY_INIT;
    buf_clear(out);
    return client_call(&r->client, str_c(method), str_c(path), str_c(body), out,
                       w);
}

static enum err on_event(void *ctx, struct str event, struct str data)
{
    return buf_printf(ctx, "%.*s %.*s\n", STR_ARG(event), STR_ARG(data));
}

enum err work_rig_stream(struct work_rig *r, const char *method,
                         const char *path, const char *body, struct buf *out,
                         struct why *w)
{
    *w = WHY_INIT;
    buf_clear(out);
    return client_stream(&r->client, str_c(method), str_c(path), str_c(body),
                         on_event, out, w);
}

void work_rig_make(struct work_rig *r, const char *body, char id[ID_MAX])
{
    CLEANUP(buf_done) struct buf out = BUF_INIT(1 << 20);
    CLEANUP(json_done) struct json_doc doc = JSON_DOC_INIT;
    struct why w;

    CHECK(work_rig_call(r, "POST", "/v1/tasks", body, &out, &w) == ERR_OK);
    CHECK(json_parse(&doc, buf_str(&out), NULL, NULL) == ERR_OK);
    CHECK(str_z(json_str(json_get(json_root(&doc), "id")), id, ID_MAX));
}

void work_rig_wait(struct work_rig *r, const char *id, struct buf *out)
{
    char path[128];
    struct why w;

    (void)snprintf(path, sizeof(path), "/v1/tasks/%s", id);
    for (int i = 0; i < 3000; i++) {
        CHECK(work_rig_call(r, "GET", path, "", out, &w) == ERR_OK);
        if (str_has(buf_str(out), STR("\"state\":\"done\"")))
            return;
        clock_sleep_ms(10);
    }
    test_fail(__FILE__, __LINE__, "the task did not end");
}
