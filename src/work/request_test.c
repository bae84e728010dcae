/* The body of POST /v1/tasks, each member right and wrong in every way. */
#include "work/request.h"

#include "test.h"
#include "work/worklog.h"

static void refused_text(struct str json, enum err want, const char *says)
{
    struct request r = {0};
    struct why w = WHY_INIT;
    enum err e = request_parse(json, &r, &w);

    if (e != want || !str_has(str_c(w.msg), str_c(says)))
        print_error("%s (%s): %.200s\n", err_name(e), w.msg, json.p);
    CHECK(e == want && w.code == want);
    CHECK(str_has(str_c(w.msg), str_c(says)));
    CHECK(r.doc.tree == NULL && r.tests.data == NULL);
}

/* The message has to name `says`. */
static void refused(const char *json, enum err want, const char *says)
{
    refused_text(str_c(json), want, says);
}

static void refused_member(const char *member, enum err want, const char *says)
{
    char json[1000];

    CHECK(snprintf(json, sizeof(json), "{\"prompt\":\"write f\",%s}", member)
          < (int)sizeof(json));
    refused(json, want, says);
}

static struct request parsed(const char *json)
{
    struct request r = {0};
    struct why w = WHY_INIT;

    if (request_parse(str_c(json), &r, &w) != ERR_OK)
        print_error("%s: %s\n", json, w.msg);
    CHECK(w.msg[0] == '\0');
    return r;
}

/* ---- what is right ------------------------------------------------------------------ */

TEST(a_prompt_is_enough)
{
    CLEANUP(request_done) struct request r = parsed("{\"prompt\":\"write f\"}");

    CHECK(str_eq(r.prompt, STR("write f")) && r.lang == LANG_PYTHON);
    CHECK(r.entry.n == 0 && r.idem.n == 0 && r.tests.len == 0);
    CHECK(!r.has_type && !r.has_complexity && !r.cancel_on_disconnect);
    CHECK(r.stream);
}

TEST(every_member_is_read)
{
    CLEANUP(request_done)
    struct request r = parsed(
        "{\"prompt\":\"напиши f\",\"language\":\"javascript\",\"entry\":\"f_2\","
        "\"tests\":[\"f_2(1)\",\"f_2(2)\"],\"type\":\"critical\","
        "\"complexity\":10,\"stream\":false,\"cancel_on_disconnect\":true,"
        "\"idempotency_key\":\"k-1\"}");

    CHECK(str_eq(r.prompt, STR("напиши f")) && r.lang == LANG_JAVASCRIPT);
    CHECK(str_eq(r.entry, STR("f_2")) && str_eq(r.idem, STR("k-1")));
    CHECK(str_eq(buf_str(&r.tests), STR("f_2(1)\nf_2(2)\n")));
    CHECK(r.has_type && r.type == KIND_CRITICAL);
    CHECK(r.has_complexity && r.complexity == 10);
    CHECK(!r.stream && r.cancel_on_disconnect);
}

TEST(null_is_the_same_as_absent)
{
    CLEANUP(request_done)
    struct request r = parsed(
        "{\"prompt\":\"p\",\"language\":null,\"entry\":null,\"tests\":null,"
        "\"type\":null,\"complexity\":null,\"stream\":null,"
        "\"cancel_on_disconnect\":null,\"idempotency_key\":null}");

    CHECK(r.lang == LANG_PYTHON && !r.has_type && !r.has_complexity);
    CHECK(r.tests.len == 0 && r.entry.n == 0 && r.idem.n == 0);
}

TEST(tests_are_lines_or_one_text)
{
    CLEANUP(request_done)
    struct request r =
        parsed("{\"prompt\":\"p\",\"tests\":\"x = 1\\nassert f(x) == 2\"}");

    CHECK(str_has(buf_str(&r.tests), STR("x = 1\nassert f(x) == 2")));
    request_done(&r);
    r = parsed("{\"prompt\":\"p\",\"tests\":[]}");
    CHECK(r.tests.len == 0);
}

TEST(complexity_nought_is_a_choice)
{
    CLEANUP(request_done)
    struct request r = parsed("{\"prompt\":\"p\",\"complexity\":0}");

    CHECK(r.has_complexity && r.complexity == 0);
}

TEST(lines_with_tests_in_c_are_taken)
{
    CLEANUP(request_done)
    struct request r = parsed(
        "{\"prompt\":\"p\",\"language\":\"c\",\"tests\":[\"assert(f(2) == 4);\"]}");

    CHECK(str_has(buf_str(&r.tests), STR("assert(f(2) == 4);")));
}

/* ---- shape ----------------------------------------------------------------------------- */

TEST(what_is_no_json_object_is_refused)
{
    static const char *const wrong[] = {
        "",
        "{",
        "null",
        "[]",
        "\"p\"",
        "3",
        "true",
        "{\"prompt\":\"p\"} x",
        "{'prompt':'p'}",
        "[{\"prompt\":\"p\"}]",
        "{\"prompt\":\"p\",}",
    };

    for (size_t i = 0; i < COUNTOF(wrong); i++)
        refused(wrong[i], ERR_PARSE, "");
}

TEST(an_unknown_member_is_refused_by_its_name)
{
    refused_member("\"modle\":\"x\"", ERR_PARSE, "modle");
    refused_member("\"Prompt\":\"x\"", ERR_PARSE, "Prompt");
    refused_member("\"\":1", ERR_PARSE, "");
    refused_member("\"prompt\\u0000\":\"x\"", ERR_PARSE, "");
}

TEST(a_member_given_twice_is_refused)
{
    refused_member("\"prompt\":\"other\"", ERR_PARSE, "prompt");
    refused_member("\"type\":\"quick\",\"type\":\"critical\"", ERR_PARSE,
                   "type");
}

/* ---- types -------------------------------------------------------------------------------- */

TEST(every_member_of_a_wrong_type_is_refused_by_its_name)
{
    static const struct {
        const char *name;
        bool text, number, flag, list;
    } members[] = {
        {"prompt", .text = true},
        {"language", .text = true},
        {"entry", .text = true},
        {"tests", .text = true, .list = true},
        {"type", .text = true},
        {"complexity", .number = true},
        {"stream", .flag = true},
        {"cancel_on_disconnect", .flag = true},
        {"idempotency_key", .text = true},
    };

    for (size_t i = 0; i < COUNTOF(members); i++) {
        const struct {
            const char *value;
            bool right;
        } values[] = {
            {"\"x\"", members[i].text},
            {"4", members[i].number},
            {"true", members[i].flag},
            {"[\"x\"]", members[i].list},
            {"{}", false},
            {"4.5", false},
            {"[4]", false},
        };

        for (size_t k = 0; k < COUNTOF(values); k++) {
            char json[200];

            if (values[k].right)
                continue;
            (void)snprintf(json, sizeof(json), "{%s\"%s\":%s}",
                           i == 0 ? "" : "\"prompt\":\"p\",", members[i].name,
                           values[k].value);
            refused(json, ERR_PARSE, members[i].name);
        }
    }
}

TEST(values_that_nobody_knows_are_refused)
{
    refused_member("\"language\":\"cobol\"", ERR_PARSE, "language");
    refused_member("\"language\":\"\"", ERR_PARSE, "language");
    refused_member("\"type\":\"huge\"", ERR_PARSE, "type");
    refused_member("\"type\":\"Quick\"", ERR_PARSE, "type");
    refused_member("\"type\":\"\"", ERR_PARSE, "type");
    refused_member("\"complexity\":11", ERR_RANGE, "complexity");
    refused_member("\"complexity\":-1", ERR_RANGE, "complexity");
    refused_member("\"complexity\":1e30", ERR_RANGE, "complexity");
}

TEST(an_entry_is_the_name_of_a_function)
{
    static const char *const wrong[] = {"2f",   "f g",     "f()", "a.b",
                                        "f-1",  "фу",      " f",  "f\\n",
                                        "f;rm", "f\\u0000"};
    char member[100];

    for (size_t i = 0; i < COUNTOF(wrong); i++) {
        (void)snprintf(member, sizeof(member), "\"entry\":\"%s\"", wrong[i]);
        refused_member(member, ERR_PARSE, "entry");
    }
}

TEST(an_empty_prompt_is_refused)
{
    refused("{}", ERR_PARSE, "prompt");
    refused("{\"prompt\":null}", ERR_PARSE, "prompt");
    refused("{\"prompt\":\"\"}", ERR_PARSE, "prompt");
    refused("{\"prompt\":\" \\n\\t\"}", ERR_PARSE, "prompt");
}

TEST(tests_that_are_no_code_are_refused)
{
    refused_member("\"tests\":[\"assert f(2 == 4\"]", ERR_PARSE, "tests");
    refused_member("\"tests\":[\"x = 1\",\"f(2) should be 4\"]", ERR_PARSE,
                   "line 2");
    refused_member("\"language\":\"javascript\",\"tests\":\"assert f(2)\"",
                   ERR_PARSE, "tests");
    refused_member("\"tests\":[\"x = 1\",null]", ERR_PARSE, "tests");
    refused_member("\"tests\":[[\"x = 1\"]]", ERR_PARSE, "tests");
}

/* ---- size and encoding -------------------------------------------------------------------- */

/* {"prompt":"p","<name>":"<n times c>"}; for the prompt only that. */
static void long_text(struct buf *b, const char *name, size_t n)
{
    buf_clear(b);
    CHECK(buf_printf(b, "{%s\"%s\":\"",
                     strcmp(name, "prompt") == 0 ? "" : "\"prompt\":\"p\",",
                     name)
          == ERR_OK);
    for (size_t i = 0; i < n; i++)
        CHECK(buf_add_byte(b, 'f') == ERR_OK);
    CHECK(buf_add_c(b, "\"}") == ERR_OK);
}

TEST(texts_are_taken_up_to_their_limit_and_refused_over_it)
{
    static const struct {
        const char *name;
        size_t max;
    } texts[] = {
        {"prompt", REQUEST_PROMPT_MAX},
        {"tests", REQUEST_TESTS_MAX - 1}, /* a newline may be added */
        {"entry", REQUEST_ENTRY_MAX},
        {"idempotency_key", WORKLOG_IDEM_MAX},
    };

    for (size_t i = 0; i < COUNTOF(texts); i++) {
        CLEANUP(buf_done) struct buf b = BUF_INIT(REQUEST_BODY_MAX);
        CLEANUP(request_done) struct request r = {0};

        long_text(&b, texts[i].name, texts[i].max);
        r = parsed(b.data);
        CHECK(r.prompt.n != 0);
        long_text(&b, texts[i].name, texts[i].max + 2);
        refused(b.data, ERR_LIMIT, texts[i].name);
    }
}

TEST(a_nul_byte_in_a_text_is_refused)
{
    refused("{\"prompt\":\"a\\u0000b\"}", ERR_PARSE, "prompt");
    refused_member("\"tests\":\"x\\u0000\"", ERR_PARSE, "tests");
    refused_member("\"idempotency_key\":\"a\\u0000\"", ERR_PARSE,
                   "idempotency_key");
    refused_text((struct str){"{\"prompt\":\"a\0b\"}", 16}, ERR_PARSE, "");
}

TEST(what_is_no_utf8_is_refused)
{
    refused("{\"prompt\":\"\xff\"}", ERR_PARSE, "");
    refused("{\"prompt\":\"\xd0\"}", ERR_PARSE, "");
    refused("{\"prompt\":\"\xed\xa0\x80\"}", ERR_PARSE, "");
    refused("{\"prompt\":\"\\ud800\"}", ERR_PARSE, "");
    refused("\xef\xbb\xbf{\"prompt\":\"p\"}", ERR_PARSE, "");
}

TEST(deep_nesting_is_refused)
{
    CLEANUP(buf_done) struct buf b = BUF_INIT(100000);

    CHECK(buf_add_c(&b, "{\"prompt\":") == ERR_OK);
    for (int i = 0; i < 20000; i++)
        CHECK(buf_add_byte(&b, '[') == ERR_OK);
    for (int i = 0; i < 20000; i++)
        CHECK(buf_add_byte(&b, ']') == ERR_OK);
    CHECK(buf_add_byte(&b, '}') == ERR_OK);
    refused(b.data, ERR_LIMIT, "");
}

/* ---- what is stored ------------------------------------------------------------------------ */

static bool round_trip(const char *json)
{
    CLEANUP(request_done) struct request a = {0}, b = {0};
    CLEANUP(buf_done) struct buf spec = BUF_INIT(REQUEST_BODY_MAX);

    if (request_parse(str_c(json), &a, NULL) != ERR_OK
        || request_spec(&a, &spec) != ERR_OK
        || request_parse(buf_str(&spec), &b, NULL) != ERR_OK)
        return false;
    CHECK(str_eq(a.prompt, b.prompt) && str_eq(a.entry, b.entry));
    CHECK(str_eq(buf_str(&a.tests), buf_str(&b.tests)) && a.lang == b.lang);
    CHECK(a.has_type == b.has_type && (!a.has_type || a.type == b.type));
    CHECK(a.has_complexity == b.has_complexity && a.complexity == b.complexity);
    CHECK(a.cancel_on_disconnect == b.cancel_on_disconnect);
    return true;
}

TEST(what_is_stored_reads_back_as_the_same_request)
{
    CHECK(round_trip("{\"prompt\":\"p\"}"));
    CHECK(round_trip("{\"prompt\":\"п \\\"q\\\" \\n\",\"language\":\"c\","
                     "\"entry\":\"f\",\"tests\":[\"assert(f(2) == 4)\"],"
                     "\"complexity\":0,\"cancel_on_disconnect\":true}"));
    CHECK(round_trip("{\"prompt\":\"p\",\"type\":\"quick\",\"complexity\":10,"
                     "\"tests\":\"assert f('\\\\n') == 1\"}"));
}

TEST(requests_survive_the_failure_of_any_allocation)
{
    TEST_OOM(round_trip("{\"prompt\":\"p\",\"entry\":\"f\",\"type\":\"quick\","
                        "\"tests\":[\"assert f(2) == 4\"]}"));
}
