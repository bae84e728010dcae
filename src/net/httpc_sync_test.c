#include "net/httpc_sync.h"

#include <pthread.h>

#include "fake/http_rig.h"
#include "test.h"

/* The server turns on this thread while another one blocks. */
struct job {
    struct http_rig rig;
    struct buf url;
};

static void begin(struct job *j)
{
    j->url = BUF_INIT(1000);
    http_rig_start(&j->rig, NULL);
}

static void end(struct job *j)
{
    buf_done(&j->url);
    http_rig_stop(&j->rig);
}

static struct str url(struct job *j, const char *path)
{
    buf_clear(&j->url);
    CHECK(buf_printf(&j->url, "http://127.0.0.1:%u%s", j->rig.port, path)
          == ERR_OK);
    return buf_str(&j->url);
}

struct sync_job {
    struct httpc_request rq;
    struct buf body;
    atomic_bool cancel, over;
    int status;
    enum err e;
};

static void *run_sync(void *ctx)
{
    struct sync_job *s = ctx;

    s->e = httpc_sync_get(&s->rq, &s->body, &s->cancel, &s->status, NULL);
    atomic_store(&s->over, true);
    return NULL;
}

static void sync_get(struct job *j, struct sync_job *s, bool cancel)
{
    pthread_t thread;

    CHECK(httpc_sync_global(NULL) == ERR_OK);
    CHECK(pthread_create(&thread, NULL, run_sync, s) == 0);
    while (!atomic_load(&s->over)) {
        http_rig_turn(&j->rig);
        if (cancel && j->rig.ref.gen != 0)
            atomic_store(&s->cancel, true);
    }
    CHECK(pthread_join(thread, NULL) == 0);
}

TEST(a_thread_may_block_for_an_answer)
{
    struct sync_job s = {.body = BUF_INIT(100)};
    struct job j;

    begin(&j);
    s.rq = (struct httpc_request){
        .method = STR("POST"), .url = url(&j, "/echo"), .body = STR("sync")};
    sync_get(&j, &s, false);
    CHECK(s.e == ERR_OK && s.status == 200);
    CHECK(str_eq(buf_str(&s.body), STR("sync")));
    buf_done(&s.body);
    end(&j);
}

TEST(a_blocked_thread_can_be_cancelled_times_out_and_keeps_its_ceiling)
{
    struct sync_job s = {.body = BUF_INIT(3)}, t = {.body = BUF_INIT(3)},
                    u = {.body = BUF_INIT(3)};
    struct job j;

    begin(&j);
    s.rq =
        (struct httpc_request){.method = STR("GET"), .url = url(&j, "/hold")};
    sync_get(&j, &s, true);
    CHECK(s.e == ERR_CANCELLED && s.status == 0);
    t.rq = s.rq;
    t.rq.stall_ms = 30;
    sync_get(&j, &t, false);
    CHECK(t.e == ERR_TIMEOUT);
    u.rq = (struct httpc_request){
        .method = STR("POST"), .url = url(&j, "/echo"), .body = STR("four")};
    sync_get(&j, &u, false);
    CHECK(u.e == ERR_LIMIT && u.status == 200);
    buf_done(&u.body);
    end(&j);
}
