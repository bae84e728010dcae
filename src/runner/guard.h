/*
 * guard.h - text of clients becomes tokens, but never control tokens.
 *
 * A chat template mixes its own text, whose control texts ("<|im_end|>") must
 * become control tokens, with text of clients, where the same bytes must stay
 * text. The mixture is done by a template engine that we do not rewrite, so we
 * make the client's control texts impossible to find before it runs: a mark,
 * one private-use character that occurs nowhere else in the request, is put
 * inside each of them and taken out again after the control texts that are
 * left, which can only be the template's, have been found.
 *
 * [G1] The mark is put inside every control text in a string, inside every
 *      beginning of one at the string's end, and before a string that begins
 *      like the rest of one: so nothing forms across a border either.
 * [G2] Templates also cut and replace. As a second opinion the same request
 *      is rendered with a mark after every character that control texts begin
 *      with, which no editing can undo. If that finds other control tokens,
 *      it is the one that is used (and the edit may then not be made).
 * [G3] What is left between control texts is tokenized as plain text, and a
 *      tokenizer that still makes a control token of it (old SPM vocabularies
 *      can) is given the text in two pieces.
 *
 * A request without any of this, that is nearly every one, is tokenized as
 * the template engine gives it, in one call: the same tokens as llama-server
 * makes. With marks, the text between two control tokens is tokenized by
 * itself, as the library does too; the one difference is that user-defined
 * tokens are looked for after control tokens, not by length.
 *
 * Names and values in tools, tool results and template arguments are treated
 * like message text. Roles are not text: only the known ones are accepted.
 */
#ifndef RUNNER_GUARD_H
#define RUNNER_GUARD_H

#include "data/json.h"
#include "runner/engine.h"

/* A text too long for the context by far is not tokenized whole: that could
 * take seconds, in which nobody else gets a token. Both functions then answer
 * ERR_CONTEXT and set `*at_least` to a number of tokens that it has for sure. */

/* Appends int32_t tokens of plain text, with the model's begin and end tokens. */
NODISCARD enum err guard_text(struct engine *e, struct str text,
                              uint32_t *at_least, struct buf *tokens,
                              struct why *why);

struct guard_chat {
    struct json input; /* as engine_ask's req */
    struct json tail;  /* more messages, after those of input; may be absent */
    struct str grammar, json_schema;
    uint32_t *at_least;
};

/* Renders the chat and appends its tokens. `stops` and `out` as in engine.h's
 * chat_render; both may be NULL. */
NODISCARD enum err guard_chat(struct engine *e, const struct guard_chat *c,
                              struct buf *tokens, struct buf *stops,
                              struct engine_rendered *out, struct why *why);

#endif
