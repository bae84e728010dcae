/* A council against a scripted gateway on the same server [COUNCIL-1..3]. */
#include "council/council.h"

#include "data/json.h"
#include "data/sse.h"
#include "fake/work_rig.h"
#include "sys/clock.h"
#include "test.h"

static char asked[8192];          /* the body that the gateway was sent */
static const char *const *script; /* data of the chunks, ends with NULL */
static atomic_int aborts;
static enum err refusal;
static bool never_ends;

static void on_abort(void *ctx, struct http_ref ref)
{
    (void)ctx;
    (void)ref;
    atomic_fetch_add(&aborts, 1);
}

static enum err chat(struct work_web *web, struct http_req *req, struct str arg,
                     struct why *w)
{
    static const struct http_events events = {.on_abort = on_abort};
    CLEANUP(buf_done) struct buf out = BUF_INIT(1 << 16);
    const struct http_answer a = {.status = 200,
                                  .type = STR("text/event-stream")};

    (void)arg;
    (void)snprintf(asked, sizeof(asked), "%.*s", STR_ARG(req->body));
    if (refusal != ERR_OK)
        return FAIL(w, refusal, "the model does not exist");
    for (size_t i = 0; script[i] != NULL; i++)
        TRY(sse_add_data(&out, NULL, str_c(script[i])));
    http_follow(req, &events, NULL);
    TRY(http_stream_begin(web->server, req->ref, &a));
    TRY(http_stream_write(web->server, req->ref, buf_str(&out)));
    return never_ends ? ERR_OK : http_stream_end(web->server, req->ref);
}

static struct work_route routes[2];

static void run(void (*steps)(struct work_rig *r))
{
    routes[0] = council_routes[0];
    routes[1] =
        (struct work_route){"POST", "/v1/chat/completions", 1 << 20, chat};
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

static void sits(struct work_rig *r)
{
    CLEANUP(buf_done) struct buf out = BUF_INIT(1 << 20);
    struct why w;

    script = whole;
    CHECK(work_rig_stream(r, "POST", "/v1/council",
                          "{\"question\":\"Is it good?\",\"code\":\"x = 1\"}",
                          &out, &w)
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
    CHECK(strstr(asked, "\"content\":\"Is it good?\\n\\n```\\nx = 1\\n```\"")
          != NULL);
    CHECK(strstr(asked, "\"model\":\"tiny-6m\"") != NULL);
}

TEST(six_roles_answer_side_by_side)
{
    run(sits);
}

static void is_cut(struct work_rig *r)
{
    CLEANUP(buf_done) struct buf out = BUF_INIT(1 << 20);
    struct why w;

    script = cut;
    CHECK(work_rig_stream(r, "POST", "/v1/council", "{\"question\":\"q\"}",
                          &out, &w)
          == ERR_OK);
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

    refusal = ERR_NOTFOUND;
    CHECK(work_rig_stream(r, "POST", "/v1/council", "{\"question\":\"q\"}",
                          &out, &w)
          == ERR_NOTFOUND);
    assert_string_equal(w.msg, "the model does not exist");
    refusal = ERR_OK;
    CHECK(work_rig_stream(r, "POST", "/v1/council", "{\"question\":\" \"}",
                          &out, &w)
          == ERR_PARSE);
    CHECK(work_rig_stream(r, "POST", "/v1/council", "{}", &out, &w)
          == ERR_PARSE);
    CHECK(work_rig_stream(r, "POST", "/v1/council",
                          "{\"question\":\"q\",\"code\":5}", &out, &w)
          == ERR_PARSE);
}

TEST(the_words_of_the_gateway_reach_the_client)
{
    run(is_refused);
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

    script = cut;
    never_ends = true;
    atomic_store(&aborts, 0);
    CHECK(client_stream(&r->client, STR("POST"), STR("/v1/council"),
                        STR("{\"question\":\"q\"}"), leave, NULL, &w)
          == ERR_CANCELLED);
    for (int i = 0; i < 500 && atomic_load(&aborts) == 0; i++)
        clock_sleep_ms(10);
    CHECK(atomic_load(&aborts) == 1);
    never_ends = false;
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
