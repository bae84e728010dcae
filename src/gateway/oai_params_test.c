/*
 * oai_params_test.c - every field of a generation request, wrong in type, in
 * size and in value [HTTP-11], and what becomes of right ones.
 */
#include "gateway/oai_params.h"

#include "test.h"

struct body {
    char text[2000];
};

/* A chat with one more member. */
static struct body with(const char *member)
{
    struct body b;

    (void)snprintf(b.text, sizeof(b.text),
                   "{\"model\":\"m\",\"messages\":[{\"role\":\"user\","
                   "\"content\":\"x\"}]%s%s}",
                   member[0] != '\0' ? "," : "", member);
    return b;
}

/* Reads and fills; the failure's param and code are in `o`. */
static enum err run(const char *text, int where, struct msg_generate *m,
                    struct oai_params *p, struct arena *a, struct oai_err *o)
{
    *o = OAI_ERR_INIT;
    TRY(oai_params_read(str_c(text), where, a, p, o));
    return oai_params_fill(p, a, m, o);
}

static void check_refused(const char *text, int where, const char *param,
                          const char *code)
{
    struct arena CLEANUP(arena_done) a = ARENA_INIT(1 << 16);
    struct oai_params p;
    struct msg_generate m;
    struct oai_err o;
    enum err e = run(text, where, &m, &p, &a, &o);

    if (e == ERR_OK || strcmp(o.param, param) != 0 || strcmp(o.name, code) != 0)
        print_error("%s\n-> %s param %s code %s: %s\n", text, err_name(e),
                    o.param, o.name, o.msg);
    CHECK(e == ERR_PARSE || e == ERR_UNSUPPORTED);
    CHECK(oai_err_status(&o) == 400);
    CHECK(strcmp(o.param, param) == 0 && strcmp(o.name, code) == 0);
}

TEST(a_value_of_the_wrong_type_is_refused_with_its_name)
{
    static const char *const wrong_for_number[] = {"\"1\"", "true", "[]", "{}",
                                                   "[1]"};
    static const char *const numbers[] = {"n",
                                          "max_tokens",
                                          "max_completion_tokens",
                                          "temperature",
                                          "top_p",
                                          "top_k",
                                          "min_p",
                                          "repetition_penalty",
                                          "repeat_penalty",
                                          "presence_penalty",
                                          "frequency_penalty",
                                          "seed",
                                          "top_logprobs"};
    static const char *const switches[] = {"stream", "logprobs", "ignore_eos",
                                           "parallel_tool_calls"};
    static const char *const objects[] = {"logit_bias", "response_format",
                                          "chat_template_kwargs",
                                          "stream_options"};
    static const char *const arrays[] = {"messages", "tools", "branches",
                                         "modalities"};
    char member[200];

    for (size_t i = 0; i < COUNTOF(numbers); i++)
        for (size_t k = 0; k < COUNTOF(wrong_for_number); k++) {
            (void)snprintf(member, sizeof(member), "\"%s\":%s", numbers[i],
                           wrong_for_number[k]);
            check_refused(with(member).text, OAI_CHAT, numbers[i],
                          "invalid_type");
        }
    for (size_t i = 0; i < COUNTOF(switches); i++) {
        (void)snprintf(member, sizeof(member), "\"%s\":1", switches[i]);
        check_refused(with(member).text, OAI_CHAT, switches[i], "invalid_type");
    }
    for (size_t i = 0; i < COUNTOF(objects); i++) {
        (void)snprintf(member, sizeof(member), "\"%s\":[1]", objects[i]);
        check_refused(with(member).text, OAI_CHAT, objects[i], "invalid_type");
    }
    for (size_t i = 1; i < COUNTOF(arrays); i++) {
        (void)snprintf(member, sizeof(member), "\"%s\":{}", arrays[i]);
        check_refused(with(member).text, OAI_CHAT, arrays[i], "invalid_type");
    }
    check_refused("{\"model\":5,\"messages\":[]}", OAI_CHAT, "model",
                  "invalid_type");
    check_refused("{\"model\":\"m\",\"messages\":{}}", OAI_CHAT, "messages",
                  "invalid_type");
}

TEST(a_value_out_of_its_range_is_refused_with_its_name)
{
    static const char *const cases[][3] = {
        {"\"n\":0", "n", "integer_below_min_value"},
        {"\"n\":65", "n", "integer_above_max_value"},
        {"\"n\":1.5", "n", "invalid_type"},
        {"\"n\":-1", "n", "integer_below_min_value"},
        {"\"n\":1e99", "n", "integer_above_max_value"},
        {"\"max_tokens\":0", "max_tokens", "integer_below_min_value"},
        {"\"max_tokens\":4294967297", "max_tokens", "integer_above_max_value"},
        {"\"temperature\":-0.1", "temperature", "decimal_below_min_value"},
        {"\"temperature\":2.1", "temperature", "decimal_above_max_value"},
        {"\"top_p\":1.01", "top_p", "decimal_above_max_value"},
        {"\"top_k\":-1", "top_k", "integer_below_min_value"},
        {"\"presence_penalty\":-2.5", "presence_penalty",
         "decimal_below_min_value"},
        {"\"frequency_penalty\":3", "frequency_penalty",
         "decimal_above_max_value"},
        {"\"seed\":1.5", "seed", "invalid_value"},
        {"\"seed\":1e300", "seed", "invalid_value"},
        {"\"logprobs\":true,\"top_logprobs\":21", "top_logprobs",
         "integer_above_max_value"},
        {"\"top_logprobs\":2", "top_logprobs", "invalid_value"},
        {"\"stream_options\":{\"include_usage\":true}", "stream_options",
         "invalid_value"},
        {"\"stream\":true,\"stream_options\":{\"include_usage\":1}",
         "stream_options.include_usage", "invalid_type"},
        {"\"stop\":5", "stop", "invalid_type"},
        {"\"stop\":\"\"", "stop", "invalid_value"},
        {"\"stop\":[\"a\",5]", "stop", "invalid_type"},
        {"\"stop\":[\"a\",\"\"]", "stop", "invalid_value"},
        {"\"stop\":[\"1\",\"1\",\"1\",\"1\",\"1\",\"1\",\"1\",\"1\",\"1\","
         "\"1\",\"1\",\"1\",\"1\",\"1\",\"1\",\"1\",\"1\"]",
         "stop", "array_above_max_length"},
        {"\"logit_bias\":{\"x\":1}", "logit_bias", "invalid_value"},
        {"\"logit_bias\":{\"-5\":1}", "logit_bias", "invalid_value"},
        {"\"logit_bias\":{\"5\":101}", "logit_bias", "decimal_above_max_value"},
        {"\"logit_bias\":{\"5\":\"1\"}", "logit_bias", "invalid_type"},
        {"\"logit_bias\":{\"5\":null}", "logit_bias", "invalid_type"},
        {"\"response_format\":{}", "response_format.type",
         "missing_required_parameter"},
        {"\"response_format\":{\"type\":5}", "response_format.type",
         "invalid_type"},
        {"\"response_format\":{\"type\":\"xml\"}", "response_format.type",
         "invalid_value"},
        {"\"response_format\":{\"type\":\"json_schema\"}",
         "response_format.json_schema", "missing_required_parameter"},
        {"\"response_format\":{\"type\":\"json_schema\",\"json_schema\":5}",
         "response_format.json_schema", "invalid_type"},
        {"\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{"
         "\"schema\":{}}}",
         "response_format.json_schema.name", "missing_required_parameter"},
        {"\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{"
         "\"name\":\"n\"}}",
         "response_format.json_schema.schema", "missing_required_parameter"},
        {"\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{"
         "\"name\":\"n\",\"schema\":\"s\"}}",
         "response_format.json_schema.schema", "invalid_type"},
        {"\"grammar\":\"root ::= x\",\"response_format\":{\"type\":"
         "\"json_object\"}",
         "grammar", "invalid_value"},
        {"\"audio\":{}", "audio", "unsupported_parameter"},
        {"\"functions\":[]", "functions", "unsupported_parameter"},
        {"\"web_search_options\":{}", "web_search_options",
         "unsupported_parameter"},
        {"\"modalities\":[\"text\",\"audio\"]", "modalities",
         "unsupported_value"},
    };

    for (size_t i = 0; i < COUNTOF(cases); i++)
        check_refused(with(cases[i][0]).text, OAI_CHAT, cases[i][1],
                      cases[i][2]);
}

TEST(what_completions_take_differently_is_checked_there)
{
    static const char *const cases[][3] = {
        {"{\"model\":\"m\",\"prompt\":\"x\",\"suffix\":\"y\"}", "suffix",
         "unsupported_parameter"},
        {"{\"model\":\"m\",\"prompt\":\"x\",\"logprobs\":true}", "logprobs",
         "invalid_type"},
        {"{\"model\":\"m\",\"prompt\":\"x\",\"best_of\":3}", "best_of",
         "unsupported_value"},
        {"{\"prompt\":\"x\"}", "model", "missing_required_parameter"},
        {"{\"model\":null,\"prompt\":\"x\"}", "model",
         "missing_required_parameter"},
    };

    for (size_t i = 0; i < COUNTOF(cases); i++)
        check_refused(cases[i][0], OAI_COMPLETION, cases[i][1], cases[i][2]);
}

TEST(a_body_that_is_no_object_is_refused)
{
    static const char *const bodies[] = {
        "",
        "null",
        "5",
        "[]",
        "\"x\"",
        "{",
        "{\"model\":\"m\",}",
        "{\"model\":\"m\"} x",
        "{\"model\":\"\xff\"}",
        "{\"model\":\"m\",\"model\":\"n\"}",
        "{model:1}",
        "{\"model\":\"\\ud800\"}",
        "\xef\xbb\xbf{}",
    };

    for (size_t i = 0; i < COUNTOF(bodies); i++)
        check_refused(bodies[i], OAI_CHAT, "", "");
}

TEST(nesting_without_end_is_refused)
{
    struct buf CLEANUP(buf_done) deep = BUF_INIT(1 << 20);

    CHECK(buf_add_c(&deep, "{\"model\":\"m\",\"x\":") == ERR_OK);
    for (int i = 0; i < 100000; i++)
        CHECK(buf_add_byte(&deep, '[') == ERR_OK);
    check_refused(deep.data, OAI_CHAT, "", "");
}

TEST(a_template_variable_that_is_not_the_callers_is_refused) /* [HTTP-27] */
{
    static const char *const names[] = {
        "messages",        "tools",     "tool_choice", "parallel_tool_calls",
        "response_format", "bos_token", "eos_token",   "add_generation_prompt"};
    static const char *const values[] = {"[]", "null", "\"x\"", "false"};
    char member[200], param[80];

    for (size_t i = 0; i < COUNTOF(names); i++)
        for (size_t k = 0; k < COUNTOF(values); k++) {
            (void)snprintf(member, sizeof(member),
                           "\"chat_template_kwargs\":{\"x\":1,\"%s\":%s}",
                           names[i], values[k]);
            (void)snprintf(param, sizeof(param), "chat_template_kwargs.%s",
                           names[i]);
            check_refused(with(member).text, OAI_CHAT, param,
                          "unsupported_parameter");
        }
    check_refused(with("\"chat_template_kwargs\":{\"mess\\u0061ges\":[]}").text,
                  OAI_CHAT, "chat_template_kwargs.messages",
                  "unsupported_parameter");
}

TEST(other_template_variables_are_taken)
{
    struct arena CLEANUP(arena_done) a = ARENA_INIT(1 << 16);
    struct oai_params p;
    struct msg_generate m;
    struct oai_err o;

    CHECK(run(with("\"chat_template_kwargs\":{\"enable_thinking\":false,"
                   "\"custom\":{\"messages\":1}}")
                  .text,
              OAI_CHAT, &m, &p, &a, &o)
          == ERR_OK);
    CHECK(run(with("\"chat_template_kwargs\":null").text, OAI_CHAT, &m, &p, &a,
              &o)
          == ERR_OK);
}

TEST(null_is_as_good_as_nothing_and_unknown_members_are_ignored)
{
    static const char members[] =
        "\"n\":null,\"temperature\":null,\"stop\":null,\"tools\":null,"
        "\"seed\":null,\"logprobs\":null,\"stream\":null,\"audio\":null,"
        "\"response_format\":null,\"logit_bias\":null,\"store\":true,"
        "\"metadata\":{\"a\":\"b\"},\"prediction\":{},\"user\":\"u\"";
    struct arena CLEANUP(arena_done) a = ARENA_INIT(1 << 16);
    struct oai_params p;
    struct msg_generate m;
    struct oai_err o;

    CHECK(run(with(members).text, OAI_CHAT, &m, &p, &a, &o) == ERR_OK);
    CHECK(m.n == 1 && m.temperature == 1.0F && m.top_p == 1.0F);
    CHECK(m.has_seed == 0 && m.stop.n == 0 && m.logit_bias.n == 0);
    CHECK(m.max_tokens == 0 && m.repeat_penalty == 1.0F && !p.stream);
}

TEST(right_values_become_the_runners_message)
{
    struct arena CLEANUP(arena_done) a = ARENA_INIT(1 << 16);
    struct oai_params p;
    struct msg_generate m;
    struct oai_err o;

    CHECK(run(with("\"n\":3.0,\"temperature\":0,\"top_k\":40,\"min_p\":0.05,"
                   "\"repetition_penalty\":1.5,\"seed\":-9223372036854775808,"
                   "\"max_tokens\":7,\"stop\":[\"a\",\"b\"],\"logprobs\":true,"
                   "\"top_logprobs\":2,\"ignore_eos\":true,\"stream\":true,"
                   "\"stream_options\":{\"include_usage\":true},"
                   "\"response_format\":{\"type\":\"json_object\"},"
                   "\"logit_bias\":{\"5\":-100,\"6\":1.5}")
                  .text,
              OAI_CHAT, &m, &p, &a, &o)
          == ERR_OK);
    CHECK(m.n == 3 && m.temperature == 0.0F && m.top_k == 40);
    CHECK(m.repeat_penalty == 1.5F && m.max_tokens == 7);
    CHECK(m.has_seed == 1 && m.seed == UINT64_C(1) << 63);
    CHECK(str_eq(m.stop, STR("[\"a\",\"b\"]")) && m.ignore_eos == 1);
    CHECK(m.logprobs == 1 && m.top_logprobs == 2);
    CHECK(str_eq(m.json_schema, STR("{\"type\":\"object\"}")));
    CHECK(str_eq(m.logit_bias, STR("{\"5\":-100,\"6\":1.5}")));
    CHECK(p.stream && p.include_usage);
    CHECK(run(with("\"stop\":\"x\\n\"").text, OAI_CHAT, &m, &p, &a, &o)
          == ERR_OK);
    CHECK(str_eq(m.stop, STR("[\"x\\n\"]")));
}
