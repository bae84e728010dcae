// What the two C++ files of this folder share. See chat_bridge.h.
#ifndef RUNNER_LLAMA_CHAT_BRIDGE_HPP
#define RUNNER_LLAMA_CHAT_BRIDGE_HPP

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

// Runs f; what it throws becomes the code `e` with the text of the exception.
template <typename F> enum err bridge_catch(struct why *why, enum err e, F f)
{
    try {
        f();
        return ERR_OK;
    } catch (const std::bad_alloc &) {
        return FAIL(why, ERR_NOMEM, "out of memory or text limit");
    } catch (const std::exception &x) {
        return FAIL(why, e, "%s", x.what());
    } catch (...) {
        return FAIL(why, e, "the chat template failed");
    }
}

// Makes a tool call the only thing that a tool grammar takes; see there.
bool bridge_only_call(std::string &grammar);

#endif
