/*
 * httpc.h - HTTP client on the loop (libcurl, multi_socket).
 *
 * One `struct httpc` per loop keeps the connection pool; a call is one
 * request. http and https only, no redirects, no proxy from the environment,
 * no cookies, certificates always checked. Answers stream: on_data may refuse
 * a piece (ERR_AGAIN) and gets the same bytes again after httpc_resume. There
 * is no limit on total time: silence is what ends a call.
 * For threads that may block see httpc_sync.h. All calls on the loop's thread.
 */
#ifndef NET_HTTPC_H
#define NET_HTTPC_H

#include "data/http1.h"
#include "net/loop.h"

struct httpc;
struct httpc_call;

struct httpc_request {
    struct str method;    /* "GET" */
    struct str url;       /* http://host:port/path?query */
    struct str unix_path; /* not empty: connect there; url's host is a label */
    const struct http1_field *fields;
    size_t field_count;
    struct str body; /* borrowed until on_done or cancel */
    /* Instead of `body`: *n = 0 is the end, ERR_AGAIN waits for
     * httpc_resume, other errors end the call. Sent with Content-Length when
     * `body_length` is given, else chunked. NULL: use `body`. */
    enum err (*on_need)(void *ctx, char *dst, size_t cap, size_t *n);
    uint64_t body_length;
    bool has_body_length;
    unsigned connect_ms; /* 0: 5,000 */
    unsigned stall_ms;   /* no byte in either direction; 0: 60,000 */
    /* The same until the answer's head; 0: stall_ms. Not in httpc_sync. */
    unsigned head_ms;
    uint64_t answer_max; /* bytes of the answer's body; 0: 64 MiB */
};

struct httpc_answer {
    int status;
    const struct http1_field *fields; /* borrowed during on_head */
    size_t field_count;
};

struct httpc_events {
    /* The final head (never 1xx). May be NULL. */
    void (*on_head)(void *ctx, const struct httpc_answer *a);
    /* ERR_OK: taken. ERR_AGAIN: not taken, call httpc_resume later. Any
     * other error ends the call with that error. */
    enum err (*on_data)(void *ctx, struct str bytes);
    /* Exactly once, last, unless cancelled. ERR_OK: the whole answer came
     * (whatever its status). Else ERR_TIMEOUT (silence), ERR_IO (refused,
     * reset), ERR_EOF (cut short), ERR_LIMIT, ERR_PROTOCOL, ERR_NOMEM, or
     * what on_data returned. The call is gone after this. */
    void (*on_done)(void *ctx, enum err e, const struct why *why);
};

NODISCARD enum err httpc_new(struct loop *l, struct httpc **out,
                             struct why *why);
void httpc_free(struct httpc *h); /* cancels all calls */

NODISCARD enum err httpc_start(struct httpc *h, const struct httpc_request *rq,
                               const struct httpc_events *events, void *ctx,
                               struct httpc_call **out, struct why *why);

/* After ERR_AGAIN from on_data or on_need: ask again, in the next round. */
void httpc_resume(struct httpc_call *c);

/* No event follows; the connection is closed. Also from inside an event of
 * the same call. */
void httpc_cancel(struct httpc_call *c);

#endif
