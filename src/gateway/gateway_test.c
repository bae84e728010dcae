/*
 * gateway_test.c - the gateway as a whole: a process of its own, real
 * connections, and runners that do what the requests tell them
 * (tests/fake/fake_runner.h). [HTTP-n] are the requirements of
 * docs/protocol/http.md.
 */
#include "fake/gw_rig.h"
#include "test.h"

static struct gw_call *done(struct gw_rig *r, struct gw_call *c)
{
    CHECK(gw_rig_wait(r, c) == ERR_OK);
    return c;
}

TEST(a_chat_is_answered_whole) /* [HTTP-20] */
{
    struct gw_rig r;
    struct gw_call *c;

    gw_rig_start(&r, "", NULL);
    c = done(&r, gw_rig_chat(&r, "a", "hi", false));
    CHECK(c->status == 200);
    CHECK(gw_rig_has_field(c, "Content-Type: application/json"));
    CHECK(gw_rig_has_field(c, "X-Request-Id: req_"));
    CHECK(gw_rig_has(c, "\"object\":\"chat.completion\""));
    CHECK(gw_rig_has(c, "\"message\":{\"role\":\"assistant\",\"content\":"
                        "\"Hello there!\",\"refusal\":null}"));
    CHECK(gw_rig_has(c, "\"finish_reason\":\"stop\""));
    CHECK(gw_rig_has(c, "\"prompt_tokens\":10,\"completion_tokens\":3,"
                        "\"total_tokens\":13"));
    CHECK(gw_rig_has(c, "\"cached_tokens\":4"));
    gw_rig_stop(&r);
}

TEST(a_streamed_chat_has_role_deltas_finish_and_done) /* [HTTP-21] */
{
    struct gw_rig r;
    struct gw_call *c;

    gw_rig_start(&r, "", NULL);
    c = done(&r, gw_rig_chat(&r, "a", "hi", true));
    CHECK(c->status == 200);
    CHECK(gw_rig_has_field(c, "Content-Type: text/event-stream"));
    CHECK(gw_rig_count(c, "data: ") == 6);
    CHECK(gw_rig_count(c, "\"role\":\"assistant\"") == 1);
    CHECK(gw_rig_has(c, "\"delta\":{\"content\":\" there\"}"));
    CHECK(gw_rig_has(c, "\"delta\":{},\"logprobs\":null,\"finish_reason\":"
                        "\"stop\"}"));
    CHECK(!gw_rig_has(c, "usage"));
    CHECK(str_ends(buf_str(&c->body), STR("data: [DONE]\n\n")));
    gw_rig_stop(&r);
}

TEST(usage_comes_in_an_extra_chunk_only_when_asked_for) /* [HTTP-22] */
{
    struct gw_rig r;
    struct gw_call *c;

    gw_rig_start(&r, "", NULL);
    c = gw_rig_post(&r, "/v1/chat/completions",
                    "{\"model\":\"a\",\"stream\":true,\"stream_options\":{"
                    "\"include_usage\":true},\"messages\":[{\"role\":\"user\","
                    "\"content\":\"hi\"}]}");
    CHECK(done(&r, c)->status == 200);
    CHECK(gw_rig_count(c, "\"usage\":null") == 5);
    CHECK(gw_rig_count(c, "\"choices\":[],\"usage\":{\"prompt_tokens\":10")
          == 1);
    gw_rig_stop(&r);
}

TEST(several_choices_and_branches_keep_their_indexes) /* [HTTP-23] */
{
    struct gw_rig r;
    struct gw_call *c;

    gw_rig_start(&r, "", NULL);
    c = gw_rig_post(&r, "/v1/chat/completions",
                    "{\"model\":\"a\",\"n\":2,\"messages\":[{\"role\":\"user\","
                    "\"content\":\"hi\"}],\"branches\":[[{\"role\":\"user\","
                    "\"content\":\"x\"}],[{\"role\":\"user\",\"content\":\"y\"}"
                    "],[{\"role\":\"user\",\"content\":\"z\"}]]}");
    CHECK(done(&r, c)->status == 200);
    CHECK(gw_rig_count(c, "\"content\":\"Hello there!\"") == 6);
    CHECK(gw_rig_has(c, "\"index\":5"));
    CHECK(!gw_rig_has(c, "\"index\":6"));
    /* a prompt counts once for its n choices */
    CHECK(gw_rig_has(c, "\"prompt_tokens\":30,\"completion_tokens\":18"));
    gw_rig_stop(&r);
}

TEST(tool_calls_are_put_together_or_streamed_as_they_come) /* [HTTP-24] */
{
    struct gw_rig r;
    struct gw_call *c;
    static const char body[] =
        "{\"model\":\"a\",\"stream\":%s,\"tools\":[{\"type\":\"function\","
        "\"function\":{\"name\":\"get_weather\",\"parameters\":{\"type\":"
        "\"object\"}}}],\"tool_choice\":\"required\",\"messages\":[{\"role\":"
        "\"user\",\"content\":\"fake{call}\"}]}";
    char text[600];

    gw_rig_start(&r, "", NULL);
    (void)snprintf(text, sizeof(text), body, "false");
    c = done(&r, gw_rig_post(&r, "/v1/chat/completions", text));
    CHECK(gw_rig_has(c, "\"content\":null"));
    CHECK(gw_rig_has(c, "\"tool_calls\":[{\"id\":\"call_1\",\"type\":"
                        "\"function\",\"function\":{\"name\":\"get_weather\","
                        "\"arguments\":\"{\\\"city\\\":\\\"Oslo\\\"}\"}}]"));
    CHECK(gw_rig_has(c, "\"finish_reason\":\"tool_calls\""));
    (void)snprintf(text, sizeof(text), body, "true");
    c = done(&r, gw_rig_post(&r, "/v1/chat/completions", text));
    CHECK(gw_rig_count(c, "\"delta\":{\"tool_calls\":[{\"index\":0,") == 3);
    CHECK(gw_rig_has(c, "\"finish_reason\":\"tool_calls\""));
    gw_rig_stop(&r);
}

TEST(what_the_client_says_reaches_the_runner) /* [HTTP-25] */
{
    struct gw_rig r;
    struct gw_call *c;

    gw_rig_start(&r, "", NULL);
    c = gw_rig_post(
        &r, "/v1/chat/completions",
        "{\"model\":\"a\",\"temperature\":0.5,\"top_p\":0.25,\"top_k\":7,"
        "\"seed\":-3,\"max_completion_tokens\":9,\"max_tokens\":5,\"stop\":"
        "\"E\",\"logit_bias\":{\"5\":-100},\"response_format\":{\"type\":"
        "\"json_schema\",\"json_schema\":{\"name\":\"n\",\"schema\":{\"type\":"
        "\"object\"}}},\"messages\":[{\"role\":\"user\",\"content\":\"fake{"
        "echo}\"}],\"whatever\":1}");
    CHECK(done(&r, c)->status == 200);
    CHECK(gw_rig_has(c, "t=0.5 p=0.25 k=7 seed=1:-3 max=9 stop=[\\\"E\\\"] "
                        "bias={\\\"5\\\":-100} schema={\\\"type\\\":"
                        "\\\"object\\\"}"));
    CHECK(gw_rig_has(c, "{\\\"messages\\\":[{\\\"role\\\":\\\"user\\\","));
    gw_rig_stop(&r);
}

TEST(text_completions_answer_each_prompt) /* [HTTP-30] */
{
    struct gw_rig r;
    struct gw_call *c;

    gw_rig_start(&r, "", NULL);
    c = gw_rig_post(&r, "/v1/completions",
                    "{\"model\":\"a\",\"prompt\":[\"x\",\"y\"],\"echo\":true,"
                    "\"logprobs\":1}");
    CHECK(done(&r, c)->status == 200);
    CHECK(gw_rig_has(c, "\"object\":\"text_completion\""));
    CHECK(gw_rig_has(c, "\"text\":\"xHello there!\""));
    CHECK(gw_rig_has(c, "\"text\":\"yHello there!\""));
    CHECK(gw_rig_has(c, "\"tokens\":[\"Hello\",\"Hello\",\"Hello\"],"
                        "\"token_logprobs\":[-0.25,-0.25,-0.25],"
                        "\"top_logprobs\":[{\"Hello\":-0.25},"));
    CHECK(gw_rig_has(c, "\"text_offset\":[0,5,10]"));
    gw_rig_stop(&r);
}

TEST(embeddings_come_as_floats_or_base64) /* [HTTP-31] */
{
    struct gw_rig r;
    struct gw_call *c;

    gw_rig_start(&r, "", NULL);
    c = gw_rig_post(&r, "/v1/embeddings",
                    "{\"model\":\"a\",\"input\":[\"x\",\"y\"]}");
    CHECK(done(&r, c)->status == 200);
    CHECK(gw_rig_has(c, "{\"object\":\"embedding\",\"index\":1,\"embedding\":["
                        "0.5,-0.25,1.0,1.0]}")
          || gw_rig_has(c, "\"embedding\":[0.5,-0.25,1,1]"));
    CHECK(gw_rig_has(c, "\"usage\":{\"prompt_tokens\":6,\"total_tokens\":6}"));
    c = gw_rig_post(&r, "/v1/embeddings",
                    "{\"model\":\"a\",\"input\":\"x\",\"encoding_format\":"
                    "\"base64\"}");
    CHECK(done(&r, c)->status == 200);
    CHECK(gw_rig_has(c, "\"embedding\":\"AAAAPwAAgL4AAAAAAACAPw==\""));
    c = gw_rig_post(&r, "/v1/embeddings",
                    "{\"model\":\"a\",\"input\":[[1,2],[3]]}");
    CHECK(done(&r, c)->status == 200);
    c = gw_rig_post(&r, "/v1/embeddings",
                    "{\"model\":\"a\",\"input\":[1,2,3]}");
    CHECK(done(&r, c)->status == 200 && gw_rig_count(c, "\"index\"") == 1);
    gw_rig_stop(&r);
}

TEST(models_are_listed_and_found_by_id) /* [HTTP-32] */
{
    struct gw_rig r;
    struct gw_call *c;

    gw_rig_start(&r, "", NULL);
    c = done(&r, gw_rig_get(&r, "/v1/models"));
    CHECK(c->status == 200 && gw_rig_count(c, "\"object\":\"model\"") == 2);
    CHECK(!gw_rig_has(c, "broken"));
    c = done(&r, gw_rig_get(&r, "/v1/models/a"));
    CHECK(c->status == 200 && gw_rig_has(c, "\"id\":\"a\""));
    {
        char path[4000] = "/v1/models/";

        memset(path + strlen(path), 'x', 3000);
        CHECK(done(&r, gw_rig_get(&r, path))->status == 404);
    }
    c = done(&r, gw_rig_get(&r, "/v1/models/nope%2Fx"));
    CHECK(c->status == 400 || c->status == 404);
    c = done(&r, gw_rig_chat(&r, "nope", "hi", false));
    CHECK(c->status == 404 && gw_rig_has(c, "\"code\":\"model_not_found\""));
    CHECK(gw_rig_has(c, "This server has: a, b, broken."));
    c = done(&r, gw_rig_chat(&r, "broken", "hi", false));
    CHECK(c->status == 502 && gw_rig_has(c, "\"code\":\"model_unusable\""));
    CHECK(gw_rig_has(c, "broken.gguf"));
    gw_rig_stop(&r);
}

TEST(health_ready_and_metrics_answer) /* [HTTP-40] */
{
    struct gw_rig r;
    struct gw_call *c;

    gw_rig_start(&r, "", NULL);
    CHECK(done(&r, gw_rig_get(&r, "/health"))->status == 200);
    CHECK(done(&r, gw_rig_get(&r, "/ready"))->status == 200);
    CHECK(done(&r, gw_rig_chat(&r, "a", "hi", false))->status == 200);
    c = done(&r, gw_rig_get(&r, "/metrics"));
    CHECK(c->status == 200);
    CHECK(gw_rig_has(c, "hearth_requests_total{route=\"/v1/chat/completions\","
                        "status=\"200\"} 1\n"));
    CHECK(gw_rig_has(c, "hearth_prompt_tokens_total 10\n"));
    CHECK(gw_rig_has(c, "hearth_model_loads_total 1\n"));
    CHECK(gw_rig_has(c, "hearth_time_to_first_token_seconds_count 1\n"));
    gw_rig_stop(&r);
}

/* ---- refusals ---------------------------------------------------------------------- */

TEST(errors_have_the_shape_and_the_status_that_clients_expect) /* [HTTP-10] */
{
    struct gw_rig r;
    struct gw_call *c;

    gw_rig_start(&r, "", NULL);
    c = done(&r, gw_rig_get(&r, "/v1/nothing"));
    CHECK(c->status == 404 && gw_rig_has(c, "{\"error\":{\"message\":"));
    c = done(&r, gw_rig_get(&r, "/v1/chat/completions"));
    CHECK(c->status == 405 && gw_rig_has_field(c, "Allow: POST"));
    c = done(&r, gw_rig_post(&r, "/v1/chat/completions", "{\"model\":"));
    CHECK(c->status == 400 && gw_rig_has(c, "could not parse the JSON body"));
    c = done(&r, gw_rig_post(&r, "/v1/chat/completions", ""));
    CHECK(c->status == 400);
    c = done(&r, gw_rig_chat(&r, "a", "fake{fail=CONTEXT}", true));
    CHECK(c->status == 400);
    CHECK(gw_rig_has(c, "\"code\":\"context_length_exceeded\""));
    CHECK(gw_rig_has(c, "maximum context length is 8192 tokens. However, your "
                        "messages resulted in 9000 tokens"));
    c = done(&r, gw_rig_chat(&r, "a", "fake{fail=SCHEMA}", true));
    CHECK(c->status == 400);
    CHECK(gw_rig_has(c, "\"param\":\"response_format.json_schema.schema\""));
    gw_rig_stop(&r);
}

TEST(an_error_inside_a_stream_is_an_event) /* [HTTP-12] */
{
    struct gw_rig r;
    struct gw_call *c;

    gw_rig_start(&r, "", NULL);
    c = done(&r, gw_rig_chat(&r, "a", "fake{fail=NOMEM fail_at=2}", true));
    CHECK(c->status == 200 && gw_rig_has(c, " there"));
    CHECK(gw_rig_has(c, "data: {\"error\":{\"message\":\"the fake says no\""));
    CHECK(!gw_rig_has(c, "[DONE]"));
    gw_rig_stop(&r);
}

TEST(a_body_that_is_too_large_is_refused) /* [HTTP-5] */
{
    struct gw_rig r;
    struct gw_call *c;
    struct buf CLEANUP(buf_done) big = BUF_INIT(1 << 20);

    gw_rig_start(&r, "", "server.body_max=64KiB", NULL);
    CHECK(buf_reserve(&big, 100000) == ERR_OK);
    memset(big.data, ' ', 100000);
    buf_grew(&big, 100000);
    c = gw_rig_call(&r, "POST", "/v1/chat/completions", "", buf_str(&big));
    CHECK(gw_rig_wait(&r, c) == ERR_OK && c->status == 413);
    CHECK(gw_rig_has(c, "{\"error\":{"));
    gw_rig_stop(&r);
}

TEST(foreign_hosts_and_origins_are_refused) /* [HTTP-2] */
{
    struct gw_rig r;
    struct gw_call *c;

    gw_rig_start(&r, "", "server.origins=https://notes.example", NULL);
    c = gw_rig_call(&r, "GET", "/v1/models", "Host: evil.example", STR_EMPTY);
    CHECK(done(&r, c)->status == 403);
    c = gw_rig_call(&r, "GET", "/v1/models", "Origin: https://evil.example",
                    STR_EMPTY);
    CHECK(done(&r, c)->status == 403);
    c = gw_rig_call(&r, "GET", "/v1/models", "Origin: https://notes.example",
                    STR_EMPTY);
    CHECK(done(&r, c)->status == 200);
    CHECK(gw_rig_has_field(c, "Access-Control-Allow-Origin: "
                              "https://notes.example"));
    c = gw_rig_call(&r, "OPTIONS", "/v1/chat/completions",
                    "Origin: https://notes.example", STR_EMPTY);
    CHECK(done(&r, c)->status == 204);
    c = gw_rig_call(&r, "OPTIONS", "/v1/chat/completions",
                    "Origin: https://evil.example", STR_EMPTY);
    CHECK(done(&r, c)->status == 403);
    gw_rig_stop(&r);
}

TEST(a_good_request_id_is_kept_and_a_bad_one_replaced) /* [HTTP-7] */
{
    struct gw_rig r;
    struct gw_call *c;

    gw_rig_start(&r, "", NULL);
    c = gw_rig_call(&r, "GET", "/health", "X-Request-Id: my-id.1", STR_EMPTY);
    CHECK(gw_rig_has_field(done(&r, c), "X-Request-Id: my-id.1\n"));
    c = gw_rig_call(&r, "GET", "/health", "X-Request-Id: a b", STR_EMPTY);
    CHECK(gw_rig_has_field(done(&r, c), "X-Request-Id: req_"));
    gw_rig_stop(&r);
}

TEST(admin_routes_are_not_on_the_network) /* [HTTP-4] */
{
    struct gw_rig r;
    struct gw_call *c;

    gw_rig_start(&r, "", NULL);
    c = done(&r, gw_rig_get(&r, "/admin/models"));
    CHECK(c->status == 200 && gw_rig_has(c, "\"id\":\"broken\""));
    r.socket[0] = '\0'; /* now by the network */
    CHECK(done(&r, gw_rig_get(&r, "/admin/models"))->status == 404);
    gw_rig_stop(&r);
}

TEST(the_orchestrators_routes_answer_503_while_it_is_down) /* [HTTP-41] */
{
    struct gw_rig r;
    struct gw_call *c;

    gw_rig_start(&r, "", NULL);
    c = done(&r, gw_rig_post(&r, "/v1/tasks", "{}"));
    CHECK(c->status >= 500);
    CHECK(gw_rig_has(c, "\"code\":\"orchestrator_unavailable\""));
    CHECK(done(&r, gw_rig_chat(&r, "a", "hi", false))->status == 200);
    gw_rig_stop(&r);
}
