/*
 * oai_gen.h - one generation on its way: the question is with the pool, and
 * the answer becomes a stream of chunks or one object, in the shape of chat
 * completions or of text completions.
 *
 * The stream begins with the first word of the model, so that what goes wrong
 * before it has a status of its own; while that takes long, comments keep the
 * connection alive. A slow reader pauses the model, one that leaves cancels
 * it. Loop's thread.
 */
#ifndef GATEWAY_OAI_GEN_H
#define GATEWAY_OAI_GEN_H

#include "base/id.h"
#include "gateway/exch.h"
#include "gateway/oai_calls.h"
#include "gateway/oai_params.h"

struct oai_choice {
    struct buf text, reasoning, logprobs; /* logprobs: "a,b,c" of entries */
    struct oai_calls calls;
    enum msg_finish finish;
    bool is_done;
    size_t text_offset; /* of the next token, for completions */
};

struct oai_gen {
    struct exch x;
    struct infer q;
    bool chat, stream, include_usage, want_logprobs;
    uint32_t n, n_choices; /* n for each branch or prompt */
    struct buf echo;       /* completions: the prompts, as a JSON array */
    struct oai_choice *choices;
    struct id id;
    int64_t created;
    uint32_t prompt_tokens, cached_tokens, completion_tokens;
    struct buf out;     /* one event at a time */
    struct buf pending; /* events that a slow reader has not taken */
    struct timer alive;
    struct task dead; /* frees it, out of the call that noticed */
    enum err failed;  /* why it is given up, for `dead` */
    bool begun, held, broken, ended;
};

/* What the request asks for, found and checked, is sent on its way; or the
 * request is refused. `m` is complete; `branches` 0 means one. */
void oai_gen_start(struct gw *gw, struct http_req *req,
                   const struct route *route, const struct oai_params *p,
                   const struct msg_generate *m, uint32_t branches);

/* Answers a request whose body was refused. */
void oai_gen_refuse(struct gw *gw, struct http_req *req,
                    const struct route *route, const struct oai_err *o);

#endif
