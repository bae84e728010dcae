// What the two C++ files of this folder share. See chat_bridge.h.
#ifndef RUNNER_LLAMA_CHAT_BRIDGE_HPP
#define RUNNER_LLAMA_CHAT_BRIDGE_HPP

#include <stdexcept>
#include <string>

#include "chat.h"
#include "common.h"

#include "runner/llama/chat_bridge.h"

using json = common_json;

struct engine_chat {
    common_chat_parser_params parse;
    common_chat_params p;
    std::vector<llama_token> kept; // control tokens that the parser reads
    bool user_grammar = false;     // p.grammar is the client's own
};

inline std::string text_of(struct str s)
{
    return std::string(s.p, s.n);
}

// The client's JSON schema is at fault: ERR_SCHEMA, whatever code f fails with.
struct bridge_bad_schema : std::invalid_argument {
    using std::invalid_argument::invalid_argument;
};

// Runs f; what it throws becomes the code `e` with the text of the exception.
template <typename F> enum err bridge_catch(struct why *why, enum err e, F f)
{
    try {
        f();
        return ERR_OK;
    } catch (const std::bad_alloc &) {
        return FAIL(why, ERR_NOMEM, "out of memory or text limit");
    } catch (const bridge_bad_schema &x) {
        return FAIL(why, ERR_SCHEMA, "%s", x.what());
    } catch (const std::exception &x) {
        return FAIL(why, e, "%s", x.what());
    } catch (...) {
        return FAIL(why, e, "the chat template failed");
    }
}

// A schema (JSON text) as a grammar; throws bridge_bad_schema in plain words.
std::string bridge_schema_grammar(const std::string &schema);

// Makes a tool call the only thing that a tool grammar takes; see there.
bool bridge_only_call(std::string &grammar);

#endif
