/* A council against a scripted gateway on the same server [COUNCIL-1..4]. */
#include "council/council.h"

#include "data/json.h"
#include "fake/fake_chat.h"
#include "fake/work_rig.h"
#include "net/httpc_sync.h"
#include "sys/clock.h"
#include "test.h"

static struct work_route routes[2];

static void run(void (*steps)(struct work_rig *r))
{
    routes[0] = council_routes[0];
    routes[1] = fake_chat_route;
    work_rig_run(steps, routes, 2, NULL);
}

#define CHUNK(i, text)                                                         \
    "{\"choices\":[{\"index\":" #i ",\"delta\":{\"content\":\"" text "\"}}]}"
#define END(i)                                                                 \
    "{\"choices\":[{\"index\":" #i ",\"delta\":{},\"finish_reason\":\"stop\"}]}"

static const char *const whole[] = {
    CHUNK(0, "a"),
    CHUNK(1, "b"),
    CHUNK(0, "c"),
    END(0),
    END(1),
    END(2),
    END(3),
    END(4),
    END(5),
    "{\"choices\":[],\"usage\":{\"prompt_tokens\":60,\"completion_tokens\":3,"
    "\"prompt_tokens_details\":{\"cached_tokens\":40}}}",
    "[DONE]",
    NULL};
static const char *const cut[] = {CHUNK(0, "a"), END(0), NULL};

static enum err ask(struct work_rig *r, const char *body, struct buf *out,
                    struct why *w)
{
    return work_rig_stream(r, "POST", "/v1/council", body, out, w);
}

static void sits(struct work_rig *r)
{
    CLEANUP(buf_done) struct buf out = BUF_INIT(1 << 20);
    struct why w;

    fake_chat.script = whole;
    CHECK(ask(r, "{\"question\":\"Is it good?\",\"code\":\"x = 1\"}", &out, &w)
          == ERR_OK);
    CHECK(
        str_starts(buf_str(&out),
                   STR("role.delta {\"role\":\"dev\",\"text\":\"a\"}\n"
                       "role.delta {\"role\":\"security\",\"text\":\"b\"}\n"
                       "role.delta {\"role\":\"dev\",\"text\":\"c\"}\n"
                       "role.done {\"role\":\"dev\",\"finish\":\"stop\"}\n")));
    CHECK(str_has(buf_str(&out),
                  STR("council.done {\"roles\":6,\"prompt_tokens\":60,"
                      "\"cached_tokens\":40,\"completion_tokens\":3,")));
    CHECK(strstr(fake_chat.asked,
                 "\"content\":\"Is it good?\\n\\n```\\nx = 1\\n```\"")
          != NULL);
    CHECK(strstr(fake_chat.asked, "\"model\":\"tiny-6m\"") != NULL);
}

TEST(six_roles_answer_side_by_side)
{
    run(sits);
}

static void is_cut(struct work_rig *r)
{
    CLEANUP(buf_done) struct buf out = BUF_INIT(1 << 20);
    struct why w;

    fake_chat.script = cut;
    CHECK(ask(r, "{\"question\":\"q\"}", &out, &w) == ERR_OK);
    CHECK(str_has(buf_str(&out), STR("error {\"error\":")));
    CHECK(!str_has(buf_str(&out), STR("council.done")));
}

TEST(a_missing_answer_is_an_error_and_not_a_council)
{
    run(is_cut);
}

static void is_refused(struct work_rig *r)
{
    CLEANUP(buf_done) struct buf out = BUF_INIT(1 << 20);
    struct why w;

    fake_chat.refusal = ERR_NOTFOUND;
    CHECK(ask(r, "{\"question\":\"q\"}", &out, &w) == ERR_NOTFOUND);
    assert_string_equal(w.msg, "no such model");
    fake_chat.refusal = ERR_OK;
    CHECK(ask(r, "{\"question\":\" \"}", &out, &w) == ERR_PARSE);
    CHECK(ask(r, "{}", &out, &w) == ERR_PARSE);
    CHECK(ask(r, "{\"question\":\"q\",\"code\":5}", &out, &w) == ERR_PARSE);
}

TEST(the_words_of_the_gateway_reach_the_client)
{
    run(is_refused);
}

static struct http_ref held;

/* The gateway, while it loads a model; `let_go` ends that. */
static enum err hold(struct work_web *web, struct http_req *req, struct str arg,
                     struct why *w)
{
    static const struct http_events events = {.on_abort = fake_chat_on_abort};

    (void)web;
    (void)arg;
    (void)w;
    held = req->ref;
    http_follow(req, &events, NULL);
    return ERR_OK;
}

static enum err let_go(struct work_web *web, struct http_req *req,
                       struct str arg, struct why *w)
{
    const struct http_answer refused = {.status = 404,
                                        .type = STR("application/json")};

    (void)arg;
    (void)w;
    TRY(http_respond(web->server, held, &refused,
                     STR("{\"error\":{\"message\":\"gone\"}}")));
    return work_web_json(web, req, 200, STR("{}"));
}

static enum err on_head(void *ctx, const struct httpc_answer *a)
{
    struct work_rig *r = ctx;
    CLEANUP(buf_done) struct buf out = BUF_INIT(1000);
    struct why w;

    CHECK(a->status == 200);
    return work_rig_call(r, "POST", "/let-go", "{}", &out, &w);
}

static char late[4096];

static enum err on_bytes(void *ctx, struct str bytes)
{
    size_t n = strlen(late);

    (void)ctx;
    (void)snprintf(late + n, sizeof(late) - n, "%.*s", STR_ARG(bytes));
    return ERR_OK;
}

static void waits(struct work_rig *r)
{
    const struct httpc_sync_events events = {on_head, on_bytes, r};
    const struct httpc_request rq = {.method = STR("POST"),
                                     .url = STR("http://work/v1/council"),
                                     .unix_path = str_c(r->socket),
                                     .body = STR("{\"question\":\"q\"}")};
    int status = 0;

    r->web.patience_ms = 20;
    CHECK(httpc_sync(&rq, &events, NULL, &status, NULL) == ERR_OK);
    assert_string_equal(late, ": the gateway has not answered yet\n\n"
                              "event: error\n"
                              "data: {\"error\":{\"message\":\"gone\"}}\n\n");
}

TEST(the_head_does_not_wait_for_a_model_that_loads) /* [COUNCIL-4] */
{
    const struct work_route more[] = {
        council_routes[0],
        {"POST", "/v1/chat/completions", 1 << 20, hold},
        {"POST", "/let-go", 1 << 20, let_go}};

    work_rig_run(waits, more, COUNTOF(more), NULL);
}

static enum err leave(void *ctx, struct str event, struct str data)
{
    (void)ctx;
    (void)event;
    (void)data;
    return ERR_CANCELLED;
}

static void is_left(struct work_rig *r)
{
    struct why w = WHY_INIT;

    fake_chat.script = cut;
    fake_chat.never_ends = true;
    atomic_store(&fake_chat.aborts, 0);
    CHECK(client_stream(&r->client, STR("POST"), STR("/v1/council"),
                        STR("{\"question\":\"q\"}"), leave, NULL, &w)
          == ERR_CANCELLED);
    for (int i = 0; i < 500 && atomic_load(&fake_chat.aborts) == 0; i++)
        clock_sleep_ms(10);
    CHECK(atomic_load(&fake_chat.aborts) == 1);
    fake_chat.never_ends = false;
}

TEST(a_client_that_leaves_ends_the_computation)
{
    run(is_left);
}

TEST(the_question_comes_first_and_the_roles_differ_only_at_the_end)
{
    CLEANUP(buf_done) struct buf out = BUF_INIT(1 << 20);
    CLEANUP(json_done) struct json_doc doc = JSON_DOC_INIT;
    const struct council_question q = {STR("q"), STR("a ``` b"), STR("m")};
    struct json v, branch;

    CHECK(council_body(&q, &out) == ERR_OK);
    CHECK(json_parse(&doc, buf_str(&out), NULL, NULL) == ERR_OK);
    v = json_root(&doc);
    CHECK(json_count(json_get(v, "messages")) == 1);
    CHECK(json_count(json_get(v, "branches")) == ROLE_COUNT);
    for (int i = 0; i < ROLE_COUNT; i++) {
        branch = json_at(json_get(v, "branches"), (size_t)i);
        CHECK(json_count(branch) == 1);
        CHECK(str_eq(json_str(json_get(json_at(branch, 0), "content")),
                     str_c(role_text((enum role)i))));
    }
    /* A fence longer than any inside. */
    CHECK(str_eq(
        json_str(json_get(json_at(json_get(v, "messages"), 0), "content")),
        STR("q\n\n````\na ``` b\n````")));
    CHECK(strcmp(role_name(ROLE_COUNT), "?") == 0);
}
