/*
 * oai_calls.h - tool calls of one answer, put together from their deltas:
 * by `index`, never by `id`; `arguments` come in pieces. Bounded. One thread.
 */
#ifndef GATEWAY_OAI_CALLS_H
#define GATEWAY_OAI_CALLS_H

#include "base/buf.h"
#include "data/jsonw.h"

enum { OAI_CALLS_MAX = 128, OAI_CALLS_BYTES = 4 << 20 };

struct oai_call {
    struct buf id, name, arguments;
};

struct oai_calls {
    struct oai_call *list;
    size_t count;
};

/* `deltas`: the JSON array of MSG_DELTA.tool_calls. ERR_PARSE, ERR_LIMIT,
 * ERR_NOMEM. */
NODISCARD enum err oai_calls_add(struct oai_calls *c, struct str deltas,
                                 struct why *why);
/* Writes the array of whole calls. */
void oai_calls_write(const struct oai_calls *c, struct jsonw *w);
void oai_calls_done(struct oai_calls *c); /* zeroed is fine */

#endif
