/*
 * server.h - an HTTP/1.1 server on one loop: listeners, limits, drain.
 *
 * Threat model: any client byte, any timing. A client can cost at most one
 * connection slot, one head (32 KiB), the body its route allows, 16 KiB of
 * bytes ahead, and HTTP_HIGH_WATER of unread answer; it loses the connection
 * when it makes no progress. Deadlines, one per state, are in conn.h.
 *
 * See http.h for requests and answers. All calls on the loop's thread.
 */
#ifndef NET_SERVER_H
#define NET_SERVER_H

#include "net/http.h"
#include "net/loop.h"

struct server_handler {
    void *ctx;
    /* The head is complete. May change `plan`, may answer right away (the
     * body is not read then). NULL: the default plan. */
    void (*on_head)(void *ctx, struct http_req *req, struct http_plan *plan);
    /* Head and body are complete (with plan.stream: the head). Answer now or
     * later. */
    void (*on_request)(void *ctx, struct http_req *req);
    /* Words for what the server refuses itself (400, 408, 413, 431...), in
     * the dialect of the house. NULL: the plain text. Returns the
     * Content-Type. */
    struct str (*on_refuse)(void *ctx, enum http1_no why, struct buf *body);
};

struct server_opts {
    size_t conns_max;
    struct http1_limits limits;    /* body_bytes is the default plan */
    size_t answer_max;             /* bytes of one http_respond */
    size_t arena_max;              /* bytes of req->arena */
    unsigned head_ms;              /* first byte to end of head, absolute */
    unsigned idle_ms;              /* between requests */
    unsigned body_window_ms;       /* every window must bring... */
    unsigned body_window_bytes;    /* ...this many bytes, or the end */
    unsigned write_stall_ms;       /* unread answer without progress */
    unsigned linger_ms;            /* for the client to read a refusal */
    int64_t (*unix_seconds)(void); /* for Date; NULL: no Date */
};

#define SERVER_OPTS_DEFAULT                                                    \
    ((struct server_opts){.conns_max = 10000,                                  \
                          .limits = {32768, 8192, 100, 1 << 20},               \
                          .answer_max = 64 << 20,                              \
                          .arena_max = 1 << 20,                                \
                          .head_ms = 10000,                                    \
                          .idle_ms = 60000,                                    \
                          .body_window_ms = 10000,                             \
                          .body_window_bytes = 1024,                           \
                          .write_stall_ms = 30000,                             \
                          .linger_ms = 2000})

struct server_stats {
    uint64_t accepted, requests, bytes_in, bytes_out, aborted;
    uint64_t accept_errors;
    uint64_t refused[HTTP1_NO_COUNT];
    size_t active; /* connections now */
    size_t busy;   /* requests between on_head and the end of the answer */
};

NODISCARD enum err server_new(struct loop *l, const struct server_opts *opts,
                              const struct server_handler *handler,
                              struct server **out, struct why *why);

/* Closes every connection at once, without on_abort. Not from a handler. */
void server_free(struct server *s);

/* `host` is a numeric address; `port` 0 picks one. *bound_port may be NULL.
 * *listener (may be NULL) numbers the listeners from 0; at most 8. */
NODISCARD enum err server_listen_tcp(struct server *s, const char *host,
                                     unsigned port, unsigned *bound_port,
                                     int *listener, struct why *why);

/* Takes the place of a socket that nobody listens on any more; ERR_EXISTS
 * when somebody does, or when the path is something else. Removed by
 * server_free and server_drain. */
NODISCARD enum err server_listen_unix(struct server *s, const char *path,
                                      unsigned mode, int *listener,
                                      struct why *why);

/* Stops accepting and closes idle connections; answers in progress finish
 * with "Connection: close"; after `deadline_ms` the rest is cut (on_abort).
 * Then `fn` is called once. */
void server_drain(struct server *s, unsigned deadline_ms, void (*fn)(void *ctx),
                  void *ctx);

const struct server_stats *server_stats(const struct server *s);

#endif
