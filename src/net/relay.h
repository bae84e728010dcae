/*
 * relay.h - passes one server request through to an upstream and its answer
 * back, as it comes.
 *
 * Back-pressure goes both ways (a slow client stops the upstream, a slow
 * upstream stops the client's body), a client that leaves cancels the
 * upstream call, an upstream that fails before its head becomes 502, 503 or
 * 504 (by `on_fail`), and one that fails later cuts the client's answer so
 * that it cannot pass for complete. Hop-by-hop fields, and those that
 * Connection names, are not passed on in either direction (RFC 9110 7.6.1).
 */
#ifndef NET_RELAY_H
#define NET_RELAY_H

#include "net/http.h"
#include "net/httpc.h"

struct relay_target {
    struct httpc *client;
    struct str base_url;  /* "http://work": scheme and authority only */
    struct str unix_path; /* empty: by the network */
    const struct http1_field *extra; /* sent too; replaces the client's */
    size_t extra_count;
    /* Client fields that must not go on ("authorization"); lower case. */
    const struct str *drop;
    size_t drop_count;
    unsigned connect_ms, stall_ms, head_ms; /* as in httpc_request */
    /* Writes the answer's body for a failure before the upstream's head.
     * Returns the Content-Type. NULL: plain text. */
    struct str (*on_fail)(void *ctx, enum err e, const struct why *why,
                          struct buf *body);
    /* The request is over (may be NULL): `status` is what the client was
     * sent, 0 for nothing; `e` why it ended early. Last call. */
    void (*on_over)(void *ctx, int status, enum err e);
    void *ctx;
};

/* From on_request, with a collected or a streamed body. Copies what it needs
 * of the target. From ERR_OK on the relay answers and nobody else may; after
 * a failure the request is still the caller's to answer. */
NODISCARD enum err relay_start(struct http_req *req,
                               const struct relay_target *t, struct why *why);

#endif
