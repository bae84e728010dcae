/*
 * chat_bridge.h - the part of llama.cpp that only C++ can reach, as C.
 *
 * Chat templates and the parsers that belong to them, grammars from JSON
 * schemas, the memory report; and the C functions that may throw. Nothing
 * thrown passes this border: it becomes an error with its text. Text goes out
 * by appending to a struct buf.
 */
#ifndef RUNNER_LLAMA_CHAT_BRIDGE_H
#define RUNNER_LLAMA_CHAT_BRIDGE_H

#include <llama.h>

#ifdef __cplusplus
extern "C" {
#endif

#include "runner/engine.h"

struct bridge_templates;
struct bridge_memory {
    uint64_t model, kv, compute; /* bytes in buffers */
    uint64_t host_model;         /* of model: what a mapped file provides */
};

/* NULL when the template does not parse. */
struct bridge_templates *bridge_templates_new(const struct llama_model *m);
void bridge_templates_free(struct bridge_templates *t);

/* As engine.h's chat_render. */
enum err bridge_render(struct bridge_templates *t, const struct engine_ask *ask,
                       struct buf *prompt, struct buf *stops,
                       struct engine_rendered *out, struct why *why);
void bridge_chat_free(struct engine_chat *c);
/* A control token whose text belongs to the answer's syntax. */
bool bridge_chat_keeps(const struct engine_chat *c, int32_t token);

enum err bridge_parser_new(struct engine_chat *c, struct engine_parser **out,
                           struct why *why);
enum err bridge_parse(struct engine_parser *p, struct str text, bool partial,
                      struct engine_parsed *out, struct why *why);
void bridge_parser_free(struct engine_parser *p);

/* The grammar that binds an answer, from the chat or else from one of the two
 * texts; NULL in `out` when nothing binds it. */
enum err bridge_grammar(const struct llama_vocab *v,
                        const struct engine_chat *chat, struct str grammar,
                        struct str json_schema, struct llama_sampler **out,
                        struct why *why);

/* llama_tokenize, llama_decode, llama_sampler_* without their exceptions. */
int32_t bridge_tokenize(const struct llama_vocab *v, struct str text,
                        int32_t *out, int32_t max, bool frame, bool parse);
int32_t bridge_decode(struct llama_context *ctx, struct llama_batch batch);
bool bridge_apply(struct llama_sampler *s, llama_token_data_array *a);
bool bridge_accept(struct llama_sampler *s, int32_t token);

enum err bridge_memory_of(const struct llama_context *ctx,
                          struct bridge_memory *out);

#ifdef __cplusplus
}
#endif
#endif
