#include "gateway/oai_messages.h"

#include "test.h"

struct body {
    char text[4000];
};

static struct body chat(const char *messages, const char *more)
{
    struct body b;

    (void)snprintf(b.text, sizeof(b.text),
                   "{\"model\":\"m\",\"messages\":%s%s%s}", messages,
                   more[0] != '\0' ? "," : "", more);
    return b;
}

#define USER "[{\"role\":\"user\",\"content\":\"x\"}]"
#define TOOL                                                                   \
    "{\"type\":\"function\",\"function\":{\"name\":\"f\",\"parameters\":{}}}"

static enum err check(const char *text, uint32_t *branches, struct oai_err *o,
                      struct buf *input)
{
    struct arena CLEANUP(arena_done) a = ARENA_INIT(1 << 16);
    struct oai_params p;

    *o = OAI_ERR_INIT;
    TRY(oai_params_read(str_c(text), OAI_CHAT, &a, &p, o));
    TRY(oai_messages_check(&p, branches, o));
    if (input != NULL)
        CHECK(oai_messages_input(&p, input) == ERR_OK);
    return ERR_OK;
}

TEST(every_mistake_is_named_with_its_place) /* [HTTP-11] */
{
    static const char *const cases[][4] = {
        {"[]", "", "messages", "empty_array"},
        {"[5]", "", "messages[0]", "invalid_type"},
        {"[{}]", "", "messages[0].role", "missing_required_parameter"},
        {"[{\"role\":5}]", "", "messages[0].role", "invalid_type"},
        {"[{\"role\":\"boss\",\"content\":\"x\"}]", "", "messages[0].role",
         "invalid_value"},
        {"[{\"role\":\"user\"}]", "", "messages[0].content",
         "missing_required_parameter"},
        {"[{\"role\":\"user\",\"content\":null}]", "", "messages[0].content",
         "missing_required_parameter"},
        {"[{\"role\":\"user\",\"content\":5}]", "", "messages[0].content",
         "invalid_type"},
        {"[{\"role\":\"user\",\"content\":[]}]", "", "messages[0].content",
         "empty_array"},
        {"[{\"role\":\"user\",\"content\":[\"x\"]}]", "",
         "messages[0].content[0]", "invalid_type"},
        {"[{\"role\":\"user\",\"content\":[{\"type\":\"image_url\"}]}]", "",
         "messages[0].content[0].type", "unsupported_value"},
        {"[{\"role\":\"user\",\"content\":[{\"type\":\"text\"}]}]", "",
         "messages[0].content[0].text", "missing_required_parameter"},
        {"[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":1}]}]",
         "", "messages[0].content[0].text", "invalid_type"},
        {"[{\"role\":\"user\",\"content\":\"x\",\"name\":5}]", "",
         "messages[0].name", "invalid_type"},
        {"[{\"role\":\"tool\",\"content\":\"x\"}]", "",
         "messages[0].tool_call_id", "missing_required_parameter"},
        {"[{\"role\":\"assistant\",\"tool_calls\":5}]", "",
         "messages[0].tool_calls", "invalid_type"},
        {"[{\"role\":\"assistant\",\"tool_calls\":[{\"id\":5}]}]", "",
         "messages[0].tool_calls[0].id", "invalid_type"},
        {"[{\"role\":\"assistant\",\"tool_calls\":[{\"function\":{\"name\":"
         "\"f\",\"arguments\":{}}}]}]",
         "", "messages[0].tool_calls[0].function.arguments", "invalid_type"},
        {USER, "\"branches\":[]", "branches", "empty_array"},
        {USER, "\"branches\":[5]", "branches[0]", "invalid_type"},
        {USER, "\"branches\":[[]]", "branches[0]", "empty_array"},
        {USER, "\"branches\":[" USER ",[{\"role\":\"x\"}]]",
         "branches[1][0].role", "invalid_value"},
        {USER, "\"tools\":[]", "tools", "empty_array"},
        {USER, "\"tools\":[5]", "tools[0]", "invalid_type"},
        {USER, "\"tools\":[{\"type\":\"custom\"}]", "tools[0].type",
         "unsupported_value"},
        {USER, "\"tools\":[{\"type\":\"function\"}]", "tools[0].function",
         "missing_required_parameter"},
        {USER,
         "\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"a b\"}}]",
         "tools[0].function.name", "invalid_value"},
        {USER,
         "\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"a\","
         "\"parameters\":[]}}]",
         "tools[0].function.parameters", "invalid_type"},
        {USER, "\"tool_choice\":\"required\"", "tool_choice", "invalid_value"},
        {USER, "\"tools\":[" TOOL "],\"tool_choice\":\"maybe\"", "tool_choice",
         "invalid_value"},
        {USER, "\"tools\":[" TOOL "],\"tool_choice\":5", "tool_choice",
         "invalid_type"},
        {USER,
         "\"tools\":[" TOOL "],\"tool_choice\":{\"type\":\"function\","
         "\"function\":{\"name\":\"g\"}}",
         "tool_choice", "invalid_value"},
        {USER, "\"tools\":[" TOOL "],\"tool_choice\":{\"type\":\"function\"}",
         "tool_choice.function", "missing_required_parameter"},
    };

    for (size_t i = 0; i < COUNTOF(cases); i++) {
        struct body b = chat(cases[i][0], cases[i][1]);
        struct oai_err o;
        uint32_t branches = 0;
        enum err e = check(b.text, &branches, &o, NULL);

        if (e == ERR_OK || strcmp(o.param, cases[i][2]) != 0
            || strcmp(o.name, cases[i][3]) != 0)
            print_error("%s\n-> param %s code %s: %s\n", b.text, o.param,
                        o.name, o.msg);
        CHECK(e == ERR_PARSE || e == ERR_UNSUPPORTED);
        CHECK(strcmp(o.param, cases[i][2]) == 0);
        CHECK(strcmp(o.name, cases[i][3]) == 0);
    }
}

TEST(messages_are_required)
{
    struct oai_err o;
    uint32_t branches;

    CHECK(check("{\"model\":\"m\"}", &branches, &o, NULL) == ERR_PARSE);
    CHECK(strcmp(o.param, "messages") == 0);
}

TEST(well_formed_conversations_pass_and_go_on_as_they_came)
{
    static const char *const good[] = {
        USER,
        "[{\"role\":\"developer\",\"content\":\"be short\"},{\"role\":"
        "\"user\",\"content\":[{\"type\":\"text\",\"text\":\"x\"}]}]",
        "[{\"role\":\"user\",\"content\":\"\"},{\"role\":\"assistant\","
        "\"content\":null,\"tool_calls\":[{\"id\":\"c\",\"type\":\"function\","
        "\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}}]},{\"role\":"
        "\"tool\",\"tool_call_id\":\"c\",\"content\":\"5\"}]",
    };

    for (size_t i = 0; i < COUNTOF(good); i++) {
        struct body b = chat(good[i], "");
        struct buf CLEANUP(buf_done) input = BUF_INIT(10000);
        struct oai_err o;
        uint32_t branches = 9;

        CHECK(check(b.text, &branches, &o, &input) == ERR_OK);
        CHECK(branches == 0);
        CHECK(str_has(buf_str(&input), str_c(good[i])));
    }
}

TEST(tools_and_branches_are_part_of_the_input)
{
    struct body b = chat(USER, "\"tools\":[" TOOL "],\"tool_choice\":{"
                               "\"type\":\"function\",\"function\":{\"name\":"
                               "\"f\"}},\"parallel_tool_calls\":false,"
                               "\"branches\":[" USER "," USER "]");
    struct buf CLEANUP(buf_done) input = BUF_INIT(10000);
    struct oai_err o;
    uint32_t branches = 0;

    CHECK(check(b.text, &branches, &o, &input) == ERR_OK);
    CHECK(branches == 2);
    CHECK(str_has(buf_str(&input), STR("\"tools\":[" TOOL "]")));
    CHECK(str_has(buf_str(&input), STR("\"parallel_tool_calls\":false")));
    CHECK(str_has(buf_str(&input), STR("\"tool_choice\":{\"type\"")));
    CHECK(!str_has(buf_str(&input), STR("branches")));
}
