/*
 * oai_messages.h - checks the conversation of a chat request (messages,
 * branches, tools) so that what reaches a model's template is well-formed and
 * every mistake is named with its place: 'messages[2].content'.
 *
 * Only the shape is looked at; the text is passed on as it came. Pure.
 */
#ifndef GATEWAY_OAI_MESSAGES_H
#define GATEWAY_OAI_MESSAGES_H

#include "gateway/oai_params.h"

enum {
    OAI_MESSAGES_MAX = 10000,
    OAI_BRANCHES_MAX = 64,
    OAI_TOOLS_MAX = 128,
};

/* `*branches` is 0 without any, else how many. */
NODISCARD enum err oai_messages_check(const struct oai_params *p,
                                      uint32_t *branches, struct oai_err *o);

/* Appends the `input` of MSG_GENERATE for a chat that was checked. */
NODISCARD enum err oai_messages_input(const struct oai_params *p,
                                      struct buf *out);

#endif
