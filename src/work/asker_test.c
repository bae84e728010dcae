/* The gateway's stream as an answer, and what its failures become. */
#include "work/asker.h"

#include "fake/fake_chat.h"
#include "fake/work_rig.h"
#include "test.h"

static void heard(void *ctx, struct str piece)
{
    CHECK(buf_printf(ctx, "[%.*s]", STR_ARG(piece)) == ERR_OK);
}

static enum err ask(struct work_rig *r, struct asker_answer *out,
                    struct buf *pieces, struct why *w)
{
    struct asker asker = asker_gateway(r->web.gateway_socket);
    const struct asker_question q = {.model = STR("m"),
                                     .system = STR("s"),
                                     .user = STR("u \"quoted\""),
                                     .temperature = 0.7,
                                     .seed = 5,
                                     .on_text = heard,
                                     .ctx = pieces};

    *w = WHY_INIT;
    *out = ASKER_ANSWER_INIT;
    return asker.ask(asker.ctx, &q, out, w);
}

static const char *const whole[] = {
    "{\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\"}}]}",
    "{\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\"}}]}",
    "{\"choices\":[{\"index\":0,\"delta\":{\"content\":\"b\"}}]}",
    "{\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}",
    "{\"choices\":[],\"usage\":{\"prompt_tokens\":7,\"completion_tokens\":2}}",
    "[DONE]",
    NULL};

static void answers(struct work_rig *r)
{
    CLEANUP(buf_done) struct buf pieces = BUF_INIT(1000);
    struct asker_answer a;
    struct why w;

    fake_chat.script = whole;
    CHECK(ask(r, &a, &pieces, &w) == ERR_OK);
    CHECK(str_eq(buf_str(&a.text), STR("ab")));
    CHECK(str_eq(buf_str(&pieces), STR("[a][b]")));
    CHECK(a.tokens_in == 7 && a.tokens_out == 2);
    assert_string_equal(a.finish, "stop");
    assert_string_equal(
        fake_chat.asked,
        "{\"model\":\"m\",\"messages\":[{\"role\":\"system\","
        "\"content\":\"s\"},{\"role\":\"user\",\"content\":"
        "\"u \\\"quoted\\\"\"}],\"stream\":true,\"stream_options\":{"
        "\"include_usage\":true},\"temperature\":0.7,\"seed\":5}");
    asker_answer_done(&a);
}

TEST(an_answer_comes_in_pieces_and_whole)
{
    work_rig_run(answers, &fake_chat_route, 1, NULL);
}

static const char *const cut[] = {
    "{\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\"}}]}", NULL};
static const char *const broken[] = {"{\"choices\":", NULL};
static const char *const died[] = {
    "{\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\"}}]}",
    "{\"error\":{\"message\":\"the model process died\"}}", NULL};

static void fails(struct work_rig *r)
{
    static const struct {
        const char *const *script;
        enum err refusal, e;
        const char *words;
    } cases[] = {
        {cut, ERR_OK, ERR_EOF, "cut off"},
        {broken, ERR_OK, ERR_PARSE, "JSON"},
        {died, ERR_OK, ERR_RUNNER, "the model process died"},
        {whole, ERR_NOTFOUND, ERR_NOTFOUND, "no such model"},
        {whole, ERR_BUSY, ERR_BUSY, "no such model"},
    };

    for (size_t i = 0; i < COUNTOF(cases); i++) {
        CLEANUP(buf_done) struct buf pieces = BUF_INIT(1000);
        struct asker_answer a;
        struct why w;
        enum err e;

        fake_chat.script = cases[i].script;
        fake_chat.refusal = cases[i].refusal;
        e = ask(r, &a, &pieces, &w);
        if (e != cases[i].e || strstr(w.msg, cases[i].words) == NULL)
            print_error("%zu: %s: %s\n", i, err_name(e), w.msg);
        CHECK(e == cases[i].e);
        CHECK(strstr(w.msg, cases[i].words) != NULL);
        asker_answer_done(&a);
    }
    fake_chat.refusal = ERR_OK;
}

TEST(every_failure_has_a_code_that_says_what_to_do)
{
    work_rig_run(fails, &fake_chat_route, 1, NULL);
}

TEST(a_gateway_that_is_not_there_may_come)
{
    CLEANUP(buf_done) struct buf pieces = BUF_INIT(1000);
    struct work_rig *r = mem_zalloc(sizeof(*r));
    struct asker_answer a;
    struct why w;
    enum err e;

    (void)snprintf(r->web.gateway_socket, sizeof(r->web.gateway_socket),
                   "/tmp/hearth-nobody-listens-here.sock");
    e = ask(r, &a, &pieces, &w);
    CHECK(e != ERR_OK && err_retryable(e));
    asker_answer_done(&a);
    mem_free(r);
}
