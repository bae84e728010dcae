// See chat_bridge.h. The library's own C++ is used, not rewritten: templates,
// parsers and schemas follow the models and change with every release.
#include "runner/llama/chat_bridge.hpp"

#include <random>

struct bridge_templates {
    common_chat_templates_ptr t;
    const llama_vocab *vocab;
};

struct engine_parser {
    common_chat_parser_params parse;
    common_chat_msg seen;
    std::vector<std::string> ids;
    std::mt19937_64 rng{std::random_device{}()};
};

namespace
{

void put(struct buf *b, const std::string &s)
{
    if (buf_add(b, {s.data(), s.size()}) != ERR_OK)
        throw std::bad_alloc();
}

void set_tools(common_chat_templates_inputs &in, const json &req)
{
    if (req.contains("tools") && !req.at("tools").is_null())
        in.tools = common_chat_tools_parse_oaicompat(req.at("tools"));
    in.parallel_tool_calls = req.value("parallel_tool_calls", true);
    if (!req.contains("tool_choice") || req.at("tool_choice").is_null())
        return;
    const json &choice = req.at("tool_choice");
    if (choice.is_string()) {
        in.tool_choice =
            common_chat_tool_choice_parse_oaicompat(choice.get<std::string>());
    } else { // {"type":"function","function":{"name":..}}: only this one
        std::string name = choice.at("function").at("name").get<std::string>();
        std::vector<common_chat_tool> one;
        for (const auto &t : in.tools)
            if (t.name == name)
                one.push_back(t);
        if (one.empty())
            throw std::invalid_argument("tool_choice names no tool: " + name);
        in.tools = one;
        in.tool_choice = COMMON_CHAT_TOOL_CHOICE_REQUIRED;
    }
    if (in.tool_choice == COMMON_CHAT_TOOL_CHOICE_NONE)
        in.tools.clear();
}

void set_format(common_chat_templates_inputs &in, const json &req)
{
    if (!in.json_schema.empty() || !req.contains("response_format")
        || !req.at("response_format").is_object())
        return;
    const json &f = req.at("response_format");
    std::string type = f.value("type", "text");
    if (type == "json_object")
        in.json_schema = "{\"type\":\"object\"}";
    else if (type == "json_schema")
        in.json_schema = f.at("json_schema").at("schema").dump();
    else if (type != "text")
        throw std::invalid_argument("response_format of unknown type: " + type);
}

common_chat_templates_inputs inputs_of(const struct engine_ask &ask)
{
    json req = json::parse(text_of(ask.req));
    common_chat_templates_inputs in;
    in.messages = common_chat_msgs_parse_oaicompat(req.at("messages"));
    in.reasoning_format = COMMON_REASONING_FORMAT_AUTO;
    in.grammar = text_of(ask.grammar);
    in.json_schema = text_of(ask.json_schema);
    set_tools(in, req);
    set_format(in, req);
    if (req.contains("chat_template_kwargs")
        && req.at("chat_template_kwargs").is_object())
        for (const auto &kv : req.at("chat_template_kwargs").items())
            in.chat_template_kwargs[kv.key()] = kv.value().dump();
    auto think = in.chat_template_kwargs.find("enable_thinking");
    if (think != in.chat_template_kwargs.end())
        in.enable_thinking = think->second != "false";
    return in;
}

// Words that start a tool call: as one token where they are one.
void find_kept(engine_chat &c, const llama_vocab *v)
{
    for (const auto &text : c.p.preserved_tokens) {
        auto ids = common_tokenize(v, text, false, true);
        if (ids.size() == 1)
            c.kept.push_back(ids[0]);
    }
}

std::string call_id(std::mt19937_64 &rng)
{
    static const char set[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    std::string s = "call_";
    for (int i = 0; i < 24; i++)
        s += set[rng() % (sizeof set - 1)];
    return s;
}

json delta_of(const common_chat_msg_diff &d)
{
    json f = json::object();
    json o = {{"index", (int)d.tool_call_index}};
    if (!d.tool_call_delta.id.empty()) {
        o["id"] = d.tool_call_delta.id;
        o["type"] = "function";
    }
    if (!d.tool_call_delta.name.empty())
        f["name"] = d.tool_call_delta.name;
    f["arguments"] = d.tool_call_delta.arguments;
    o["function"] = f;
    return o;
}

// The library says of all that goes wrong, also of a schema, that the template
// cannot be read. Which it was is found out only after a failure.
common_chat_params apply_once(const bridge_templates &t,
                              const common_chat_templates_inputs &in)
{
    static const std::string frame =
        "Unable to generate parser for this template. "
        "Automatic parser generation failed: ";
    try {
        return common_chat_templates_apply(t.t.get(), in);
    } catch (const std::bad_alloc &) {
        throw;
    } catch (const std::exception &x) {
        if (!in.json_schema.empty())
            bridge_schema_grammar(in.json_schema);
        std::string what = x.what();
        if (what.rfind(frame, 0) == 0)
            what.erase(0, frame.size());
        throw std::invalid_argument(what);
    }
}

common_chat_params apply(const bridge_templates &t,
                         common_chat_templates_inputs in, bool *only)
{
    auto p = apply_once(t, in);
    *only = false;
    if (in.tool_choice != COMMON_CHAT_TOOL_CHOICE_REQUIRED)
        return p;
    if (p.grammar.empty())
        throw std::invalid_argument("the chat template of this model has no "
                                    "tools: tool_choice cannot be enforced");
    in.tool_choice = COMMON_CHAT_TOOL_CHOICE_AUTO;
    auto lazy = common_chat_templates_apply(t.t.get(), in);
    *only = lazy.grammar_lazy && bridge_only_call(lazy.grammar);
    lazy.grammar_lazy = false;
    lazy.grammar_triggers.clear();
    return *only ? lazy : p;
}

} // namespace

extern "C" {

struct bridge_templates *bridge_templates_new(const struct llama_model *m)
{
    try {
        return new bridge_templates{common_chat_templates_init(m, ""),
                                    llama_model_get_vocab(m)};
    } catch (...) {
        return nullptr;
    }
}

void bridge_templates_free(struct bridge_templates *t)
{
    delete t;
}

enum err bridge_render(struct bridge_templates *t, const struct engine_ask *ask,
                       struct buf *prompt, struct buf *stops,
                       struct engine_rendered *out, struct why *why)
{
    return bridge_catch(why, ERR_PARSE, [&] {
        auto in = inputs_of(*ask);
        bool only;
        auto p = apply(*t, in, &only);
        put(prompt, p.prompt);
        if (!out)
            return;
        auto c = std::make_unique<engine_chat>();
        c->parse = common_chat_parser_params(p);
        c->parse.reasoning_format = in.reasoning_format;
        if (!p.parser.empty())
            c->parse.parser.load(p.parser);
        // Neither grammar describes what the template wrote already.
        c->user_grammar = !in.grammar.empty() || only;
        for (const auto &s : p.additional_stops)
            put(stops, s + std::string(1, '\0'));
        // An answer that the parser gives back as it is needs no parser.
        static const std::string probe = "Any text, 1 < 2.\n\n  Indented.";
        out->plain =
            in.tools.empty() && !p.supports_thinking && in.json_schema.empty()
            && common_chat_parse(probe, false, c->parse).content == probe;
        c->p = std::move(p);
        find_kept(*c, t->vocab);
        out->chat = c.release();
    });
}

void bridge_chat_free(struct engine_chat *c)
{
    delete c;
}

bool bridge_chat_keeps(const struct engine_chat *c, int32_t token)
{
    for (llama_token t : c->kept)
        if (t == token)
            return true;
    return false;
}

enum err bridge_parser_new(struct engine_chat *c, struct engine_parser **out,
                           struct why *why)
{
    return bridge_catch(why, ERR_NOMEM, [&] {
        auto p = std::make_unique<engine_parser>();
        p->parse = c->parse;
        *out = p.release();
    });
}

enum err bridge_parse(struct engine_parser *p, struct str text, bool partial,
                      struct engine_parsed *out, struct why *why)
{
    return bridge_catch(why, ERR_PARSE, [&] {
        auto msg = common_chat_parse(text_of(text), partial, p->parse);
        if (msg.empty())
            return;
        msg.set_tool_call_ids(p->ids, [&] { return call_id(p->rng); });
        auto diffs = common_chat_msg_diff::compute_diffs(p->seen, msg);
        json calls = json::array();
        for (const auto &d : diffs) {
            put(out->reasoning, d.reasoning_content_delta);
            put(out->text, d.content_delta);
            if (d.tool_call_index != std::string::npos)
                calls.push_back(delta_of(d));
        }
        if (!calls.empty())
            put(out->tool_calls, calls.dump_safe());
        out->has_tool_calls = !msg.tool_calls.empty();
        p->seen = std::move(msg);
    });
}

void bridge_parser_free(struct engine_parser *p)
{
    delete p;
}
}
