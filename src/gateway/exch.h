/*
 * exch.h - one request and its answer: fields that every answer has, errors in
 * the dialect's shape, the access log line, the metrics. A handler embeds it
 * in what it keeps for the request, or has it on its stack.
 *
 * After exch_begin exactly one of exch_json/exch_answer/exch_refuse, or
 * exch_stream_begin and then exch_stream_end or _cut, or exch_gone (from the
 * handler's on_abort). Each writes the one log line, never with content.
 * Loop's thread.
 */
#ifndef GATEWAY_EXCH_H
#define GATEWAY_EXCH_H

#include "data/oai_err.h"
#include "gateway/gw.h"
#include "gateway/route.h"

enum { EXCH_ID_MAX = 80 };

struct exch {
    struct gw *gw;
    struct http_ref ref;
    const struct route *route;
    uint64_t start_us, first_us; /* first_us: of the answer's text, or 0 */
    char id[EXCH_ID_MAX];        /* x-request-id */
    struct str origin;           /* to echo for CORS (the settings' text) */
    char peer[48];
    struct str model; /* the registry's text; empty: none */
    uint32_t prompt_tokens, cached_tokens, completion_tokens;
    uint64_t body_bytes;
    int status; /* 0: not answered */
    bool streaming, over;
};

/* Reads what it needs from `req`; `x` must stay in place from here on. */
void exch_begin(struct exch *x, struct gw *gw, struct http_req *req,
                const struct route *route);

void exch_answer(struct exch *x, int status, const char *type, struct str body);
/* What `w` wrote into `body`; a failed writer is answered with 500. */
void exch_json(struct exch *x, int status, enum err written,
               const struct buf *body);
void exch_refuse(struct exch *x, const struct oai_err *o);
void exch_refuse_why(struct exch *x, const struct why *why);

/* Server-sent events. A failure here means that the client is gone. */
NODISCARD enum err exch_stream_begin(struct exch *x);
/* ERR_AGAIN: nothing was taken; http_events.on_drain follows. ERR_EOF. */
NODISCARD enum err exch_stream_write(struct exch *x, struct str bytes);
void exch_stream_end(struct exch *x);
/* An error event, then the end. */
void exch_stream_fail(struct exch *x, const struct oai_err *o);

/* Answered by somebody else with x->status. */
void exch_over(struct exch *x);
/* The client left, or was given up. */
void exch_gone(struct exch *x);

#endif
