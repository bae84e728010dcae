// The other half of chat_bridge.h: grammars, the memory report, and C functions
// of the library that may throw.
#include "runner/llama/chat_bridge.hpp"

#include <algorithm>

#include "json-schema-to-grammar.h"
#include "llama-ext.h"

namespace
{

llama_sampler *lazy_grammar(const llama_vocab *v, const common_chat_params &p)
{
    std::vector<std::string> words;
    std::vector<llama_token> tokens;
    for (const auto &t : p.grammar_triggers) {
        switch (t.type) {
        case COMMON_GRAMMAR_TRIGGER_TYPE_WORD: {
            auto ids = common_tokenize(v, t.value, false, true);
            if (ids.size() == 1)
                tokens.push_back(ids[0]);
            else
                words.push_back(regex_escape(t.value));
            break;
        }
        case COMMON_GRAMMAR_TRIGGER_TYPE_PATTERN:
            words.push_back(t.value);
            break;
        case COMMON_GRAMMAR_TRIGGER_TYPE_PATTERN_FULL:
            words.push_back("^" + t.value + "$");
            break;
        case COMMON_GRAMMAR_TRIGGER_TYPE_TOKEN:
            tokens.push_back(t.token);
            break;
        }
    }
    std::vector<const char *> c_words;
    for (const auto &w : words)
        c_words.push_back(w.c_str());
    return llama_sampler_init_grammar_lazy_patterns(
        v, p.grammar.c_str(), "root", c_words.data(), c_words.size(),
        tokens.data(), tokens.size());
}

// The grammar of a chat also describes what the template wrote already.
llama_sampler *chat_grammar(const llama_vocab *v, const engine_chat &c)
{
    if (c.p.grammar_lazy)
        return lazy_grammar(v, c.p);
    llama_sampler *s =
        llama_sampler_init_grammar(v, c.p.grammar.c_str(), "root");
    if (!s || c.user_grammar)
        return s;
    try {
        const std::string &gp = c.p.generation_prompt;
        auto ids = common_tokenize(v, gp, false, true);
        for (size_t i = 0; i < ids.size(); i++) {
            std::string piece = common_token_to_piece(v, ids[i], true);
            if (i == 0 && !piece.empty() && std::isspace(piece[0])
                && !std::isspace(gp[0]))
                continue; // a space that the tokenizer put in front
            llama_sampler_accept(s, ids[i]);
        }
    } catch (...) {
        llama_sampler_free(s);
        throw;
    }
    return s;
}

// Every token is checked against all alternatives that are open, and nothing
// in the library stops a grammar that makes a step take minutes.
void bound(const std::string &grammar)
{
    const long most = 1000;
    long n = std::count(grammar.begin(), grammar.end(), '|');
    if (n > most)
        throw std::invalid_argument(
            "the grammar or schema has " + std::to_string(n)
            + " alternatives; at most " + std::to_string(most)
            + " are taken, because each one is tried for every token");
}

} // namespace

std::string bridge_schema_grammar(const std::string &schema)
{
    static const std::string frame = "JSON schema conversion failed:\n";
    try {
        return json_schema_to_grammar(json::parse(schema));
    } catch (const std::bad_alloc &) {
        throw;
    } catch (const std::exception &x) {
        std::string what = x.what();
        if (what.rfind(frame, 0) == 0)
            what.erase(0, frame.size());
        throw bridge_bad_schema(what);
    }
}

// "required" means a call and nothing before it. The library's grammar for it
// allows any text first, which a small model never ends; the one for "auto" has
// a rule for a call alone, so that becomes the root. False: no such rule here.
bool bridge_only_call(std::string &grammar)
{
    size_t root = grammar.find("root ::=");
    size_t end = grammar.find('\n', root);
    if (root == std::string::npos || end == std::string::npos
        || grammar.find("\ntool-call ::=") == std::string::npos)
        return false;
    grammar.replace(root, end - root, "root ::= tool-call");
    return true;
}

extern "C" {

enum err bridge_grammar(const struct llama_vocab *v,
                        const struct engine_chat *chat, struct str grammar,
                        struct str json_schema, struct llama_sampler **out,
                        struct why *why)
{
    return bridge_catch(why, ERR_PARSE, [&] {
        llama_sampler *s = nullptr;
        std::string g = text_of(grammar);
        bool own = chat && !chat->p.grammar.empty(); // tools, schema
        if (!own && json_schema.n)
            g = bridge_schema_grammar(text_of(json_schema));
        bound(own ? chat->p.grammar : g);
        if (own || !g.empty()) {
            s = own ? chat_grammar(v, *chat)
                    : llama_sampler_init_grammar(v, g.c_str(), "root");
            if (!s)
                throw std::invalid_argument("the grammar does not parse");
        }
        *out = s;
    });
}

int32_t bridge_tokenize(const struct llama_vocab *v, struct str text,
                        int32_t *out, int32_t max, bool frame, bool parse)
{
    try {
        return llama_tokenize(v, text.p, (int32_t)text.n, out, max, frame,
                              parse);
    } catch (...) {
        return INT32_MIN;
    }
}

int32_t bridge_decode(struct llama_context *ctx, struct llama_batch batch)
{
    try {
        return llama_decode(ctx, batch);
    } catch (...) {
        return -4;
    }
}

bool bridge_apply(struct llama_sampler *s, llama_token_data_array *a)
{
    try {
        llama_sampler_apply(s, a);
        return true;
    } catch (...) {
        return false;
    }
}

bool bridge_accept(struct llama_sampler *s, int32_t token)
{
    try {
        llama_sampler_accept(s, token);
        return true;
    } catch (...) {
        return false;
    }
}

enum err bridge_memory_of(const struct llama_context *ctx,
                          struct bridge_memory *out)
{
    return bridge_catch(nullptr, ERR_MODEL, [&] {
        struct bridge_memory m = {};
        for (const auto &kv : llama_get_memory_breakdown(ctx)) {
            m.model += kv.second.model;
            m.kv += kv.second.context;
            m.compute += kv.second.compute;
            if (ggml_backend_buft_is_host(kv.first))
                m.host_model += kv.second.model;
        }
        *out = m;
    });
}
}
