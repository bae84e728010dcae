#include "gateway/oai_messages.h"

#include "data/jsonw.h"

enum { NAME_MAX_BYTES = 64, PATH_BYTES = 80 };

struct place {
    char text[PATH_BYTES];
};

static struct place place(const char *base, size_t i, const char *member)
{
    struct place p;

    (void)snprintf(p.text, sizeof(p.text), "%s[%zu]%s%s", base, i,
                   member[0] != '\0' ? "." : "", member);
    return p;
}

static bool is_word(struct str raw, const char *list)
{
    struct str rest = str_c(list);

    if (raw.n < 2)
        return false;
    while (rest.n != 0)
        if (str_eq(str_cut(&rest, '|'), str_sub(raw, 1, raw.n - 2)))
            return true;
    return false;
}

/* Calls `each` for the elements of an array. */
static enum err each_element(struct str raw, size_t max, const char *param,
                             enum err (*each)(void *ctx, size_t i,
                                              const struct json_item *item,
                                              struct oai_err *o),
                             void *ctx, struct oai_err *o)
{
    struct json_scan scan;
    struct json_item item;
    struct why why = WHY_INIT;

    if (json_scan_open(&scan, raw, OAI_DEPTH, &why) != ERR_OK)
        return oai_wrong_body(o, &why);
    for (size_t i = 0;; i++) {
        if (json_scan_next(&scan, &item, &why) != ERR_OK)
            return oai_wrong_body(o, &why);
        if (item.type == JSON_ABSENT)
            return i == 0 ? oai_wrong(o, param, "empty_array",
                                      "it must have at least one element")
                          : ERR_OK;
        if (i == max)
            return oai_wrong(o, param, "array_above_max_length",
                             "it has more than %zu elements", max);
        TRY(each(ctx, i, &item, o));
    }
}

/* ---- messages -------------------------------------------------------------------- */

static enum err check_part(void *ctx, size_t i, const struct json_item *item,
                           struct oai_err *o)
{
    const char *base = ctx;
    struct json_field f[] = {{.name = "type"}, {.name = "text"}};

    if (item->type != JSON_OBJECT)
        return oai_wrong_type(o, place(base, i, "").text, "an object",
                              item->type);
    TRY(oai_members(item->raw, f, 2, o));
    if (!oai_given(&f[0]))
        return oai_missing(o, place(base, i, "type").text);
    if (f[0].type != JSON_STRING)
        return oai_wrong_type(o, place(base, i, "type").text, "a string",
                              f[0].type);
    if (!is_word(f[0].raw, "text"))
        return oai_err_fail(o, ERR_UNSUPPORTED, place(base, i, "type").text,
                            "unsupported_value",
                            "Unsupported content of type %.*s: this server's "
                            "models read text only.",
                            STR_ARG(str_sub(f[0].raw, 0, 40)));
    if (!oai_given(&f[1]))
        return oai_missing(o, place(base, i, "text").text);
    if (f[1].type != JSON_STRING)
        return oai_wrong_type(o, place(base, i, "text").text, "a string",
                              f[1].type);
    return ERR_OK;
}

static enum err check_call(void *ctx, size_t i, const struct json_item *item,
                           struct oai_err *o)
{
    const char *base = ctx;
    struct json_field f[] = {{.name = "id"}, {.name = "function"}};
    struct json_field g[] = {{.name = "name"}, {.name = "arguments"}};

    if (item->type != JSON_OBJECT)
        return oai_wrong_type(o, place(base, i, "").text, "an object",
                              item->type);
    TRY(oai_members(item->raw, f, 2, o));
    if (oai_given(&f[0]) && f[0].type != JSON_STRING)
        return oai_wrong_type(o, place(base, i, "id").text, "a string",
                              f[0].type);
    if (!oai_given(&f[1]))
        return oai_missing(o, place(base, i, "function").text);
    if (f[1].type != JSON_OBJECT)
        return oai_wrong_type(o, place(base, i, "function").text, "an object",
                              f[1].type);
    TRY(oai_members(f[1].raw, g, 2, o));
    for (size_t k = 0; k < 2; k++) {
        const char *member = k == 0 ? "function.name" : "function.arguments";

        if (!oai_given(&g[k]))
            return oai_missing(o, place(base, i, member).text);
        if (g[k].type != JSON_STRING)
            return oai_wrong_type(o, place(base, i, member).text, "a string",
                                  g[k].type);
    }
    return ERR_OK;
}

static enum err check_content(const char *base, size_t i,
                              const struct json_field *content, bool may_miss,
                              struct oai_err *o)
{
    struct place p = place(base, i, "content");

    if (!oai_given(content))
        return may_miss ? ERR_OK : oai_missing(o, p.text);
    if (content->type == JSON_STRING)
        return ERR_OK;
    if (content->type != JSON_ARRAY)
        return oai_wrong_type(o, p.text, "a string or an array of parts",
                              content->type);
    return each_element(content->raw, OAI_MESSAGES_MAX, p.text, check_part,
                        p.text, o);
}

static enum err check_message(void *ctx, size_t i, const struct json_item *item,
                              struct oai_err *o)
{
    const char *base = ctx;
    struct json_field f[] = {{.name = "role"},
                             {.name = "content"},
                             {.name = "tool_calls"},
                             {.name = "tool_call_id"},
                             {.name = "name"}};
    bool calls;

    if (item->type != JSON_OBJECT)
        return oai_wrong_type(o, place(base, i, "").text, "an object",
                              item->type);
    TRY(oai_members(item->raw, f, COUNTOF(f), o));
    if (!oai_given(&f[0]))
        return oai_missing(o, place(base, i, "role").text);
    if (f[0].type != JSON_STRING)
        return oai_wrong_type(o, place(base, i, "role").text, "a string",
                              f[0].type);
    if (!is_word(f[0].raw, "system|developer|user|assistant|tool"))
        return oai_wrong(o, place(base, i, "role").text, "invalid_value",
                         "%.*s is none of system, developer, user, assistant, "
                         "tool",
                         STR_ARG(str_sub(f[0].raw, 0, 40)));
    calls = oai_given(&f[2]);
    if (calls && f[2].type != JSON_ARRAY)
        return oai_wrong_type(o, place(base, i, "tool_calls").text, "an array",
                              f[2].type);
    TRY(check_content(base, i, &f[1], calls || is_word(f[0].raw, "assistant"),
                      o));
    if (is_word(f[0].raw, "tool")
        && (!oai_given(&f[3]) || f[3].type != JSON_STRING))
        return oai_missing(o, place(base, i, "tool_call_id").text);
    if (oai_given(&f[4]) && f[4].type != JSON_STRING)
        return oai_wrong_type(o, place(base, i, "name").text, "a string",
                              f[4].type);
    if (!calls)
        return ERR_OK;
    return each_element(f[2].raw, OAI_TOOLS_MAX,
                        place(base, i, "tool_calls").text, check_call,
                        place(base, i, "tool_calls").text, o);
}

static enum err check_branch(void *ctx, size_t i, const struct json_item *item,
                             struct oai_err *o)
{
    uint32_t *count = ctx;
    struct place p = place("branches", i, "");

    if (item->type != JSON_ARRAY)
        return oai_wrong_type(o, p.text, "an array of messages", item->type);
    (*count)++;
    return each_element(item->raw, OAI_MESSAGES_MAX, p.text, check_message,
                        p.text, o);
}

/* ---- tools -------------------------------------------------------------------------- */

struct tools {
    struct str wanted; /* by tool_choice, between quotes; empty: none named */
    bool found;
};

static bool is_tool_name(struct str raw)
{
    if (raw.n < 3 || raw.n > NAME_MAX_BYTES + 2)
        return false;
    for (size_t i = 1; i + 1 < raw.n; i++) {
        char c = raw.p[i];

        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z')
              || (c >= 'A' && c <= 'Z') || c == '_' || c == '-' || c == '.'))
            return false;
    }
    return true;
}

static enum err check_tool(void *ctx, size_t i, const struct json_item *item,
                           struct oai_err *o)
{
    struct tools *t = ctx;
    struct json_field f[] = {{.name = "type"}, {.name = "function"}};
    struct json_field g[] = {
        {.name = "name"}, {.name = "description"}, {.name = "parameters"}};

    if (item->type != JSON_OBJECT)
        return oai_wrong_type(o, place("tools", i, "").text, "an object",
                              item->type);
    TRY(oai_members(item->raw, f, 2, o));
    if (!oai_given(&f[0]))
        return oai_missing(o, place("tools", i, "type").text);
    if (!is_word(f[0].raw, "function"))
        return oai_err_fail(o, ERR_UNSUPPORTED, place("tools", i, "type").text,
                            "unsupported_value",
                            "Unsupported tool of type %.*s: only functions are "
                            "supported.",
                            STR_ARG(str_sub(f[0].raw, 0, 40)));
    if (!oai_given(&f[1]))
        return oai_missing(o, place("tools", i, "function").text);
    if (f[1].type != JSON_OBJECT)
        return oai_wrong_type(o, place("tools", i, "function").text,
                              "an object", f[1].type);
    TRY(oai_members(f[1].raw, g, COUNTOF(g), o));
    if (!oai_given(&g[0]))
        return oai_missing(o, place("tools", i, "function.name").text);
    if (g[0].type != JSON_STRING || !is_tool_name(g[0].raw))
        return oai_wrong(o, place("tools", i, "function.name").text,
                         "invalid_value",
                         "it must be 1 to %d letters, digits, '_', '-' or '.'",
                         NAME_MAX_BYTES);
    if (oai_given(&g[1]) && g[1].type != JSON_STRING)
        return oai_wrong_type(o, place("tools", i, "function.description").text,
                              "a string", g[1].type);
    if (oai_given(&g[2]) && g[2].type != JSON_OBJECT)
        return oai_wrong_type(o, place("tools", i, "function.parameters").text,
                              "an object", g[2].type);
    t->found = t->found || str_eq(g[0].raw, t->wanted);
    return ERR_OK;
}

/* {"type":"function","function":{"name":".."}} */
static enum err named_choice(const struct json_field *choice, struct str *name,
                             struct oai_err *o)
{
    struct json_field f[] = {{.name = "type"}, {.name = "function"}};
    struct json_field g[] = {{.name = "name"}};

    TRY(oai_members(choice->raw, f, 2, o));
    if (!is_word(f[0].raw, "function"))
        return oai_wrong(o, "tool_choice.type", "invalid_value",
                         "it must be \"function\"");
    if (f[1].type != JSON_OBJECT)
        return oai_missing(o, "tool_choice.function");
    TRY(oai_members(f[1].raw, g, 1, o));
    if (g[0].type != JSON_STRING)
        return oai_missing(o, "tool_choice.function.name");
    *name = g[0].raw;
    return ERR_OK;
}

static enum err check_tools(const struct oai_params *p, struct oai_err *o)
{
    const struct json_field *choice = &p->tool_choice;
    struct tools t = {STR_EMPTY, false};

    if (oai_given(choice) && choice->type == JSON_OBJECT)
        TRY(named_choice(choice, &t.wanted, o));
    else if (oai_given(choice) && choice->type != JSON_STRING)
        return oai_wrong_type(o, "tool_choice", "a string or an object",
                              choice->type);
    else if (oai_given(choice) && !is_word(choice->raw, "none|auto|required"))
        return oai_wrong(o, "tool_choice", "invalid_value",
                         "%.*s is none of none, auto, required",
                         STR_ARG(str_sub(choice->raw, 0, 40)));
    if (oai_given(&p->tools))
        TRY(each_element(p->tools.raw, OAI_TOOLS_MAX, "tools", check_tool, &t,
                         o));
    else if (oai_given(choice) && !is_word(choice->raw, "none|auto"))
        return oai_wrong(o, "tool_choice", "invalid_value",
                         "it is only allowed together with 'tools'");
    if (t.wanted.n != 0 && !t.found)
        return oai_wrong(o, "tool_choice", "invalid_value",
                         "there is no tool called %.*s",
                         STR_ARG(str_sub(t.wanted, 0, 70)));
    return ERR_OK;
}

enum err oai_messages_check(const struct oai_params *p, uint32_t *branches,
                            struct oai_err *o)
{
    char messages[] = "messages";
    uint32_t count = 0;

    if (!oai_given(&p->messages))
        return oai_missing(o, "messages");
    TRY(each_element(p->messages.raw, OAI_MESSAGES_MAX, messages, check_message,
                     messages, o));
    if (oai_given(&p->branches))
        TRY(each_element(p->branches.raw, OAI_BRANCHES_MAX, "branches",
                         check_branch, &count, o));
    TRY(check_tools(p, o));
    *branches = count;
    return ERR_OK;
}

enum err oai_messages_input(const struct oai_params *p, struct buf *out)
{
    struct jsonw w = JSONW_INIT(out);

    jsonw_obj(&w);
    jsonw_key_raw(&w, "messages", p->messages.raw);
    if (oai_given(&p->tools)) {
        jsonw_key_raw(&w, "tools", p->tools.raw);
        jsonw_key_bool(&w, "parallel_tool_calls", p->parallel_tool_calls);
        if (oai_given(&p->tool_choice))
            jsonw_key_raw(&w, "tool_choice", p->tool_choice.raw);
    }
    if (oai_given(&p->chat_template_kwargs))
        jsonw_key_raw(&w, "chat_template_kwargs", p->chat_template_kwargs.raw);
    jsonw_obj_end(&w);
    return jsonw_end(&w);
}
