/*
 * http.h - what a handler sees of one HTTP request, and how it answers.
 *
 * Order of events for one request: on_head, (body arrives), on_request, and
 * then exactly one of: an answer by http_respond; a stream by
 * http_stream_begin .. http_stream_end; or on_abort because the client left.
 * on_head and on_request belong to the server (server.h); the later events go
 * to the table that the handler gives to http_follow.
 *
 * `struct http_req *` is valid inside the callback that passes it. Across
 * time keep its `ref`: every function here takes a ref and answers ERR_EOF
 * when that request is over, so a late answer is harmless.
 *
 * The head, and the body, are released when the answer begins. What a long
 * stream needs to remember it copies first; this is what keeps thousands of
 * idle streams small.
 *
 * A client that closes its sending side while it waits counts as gone.
 * All calls on the loop's thread.
 */
#ifndef NET_HTTP_H
#define NET_HTTP_H

#include "base/arena.h"
#include "base/buf.h"
#include "data/http1.h"

struct server;

/* Refers to a request without owning it. {0} refers to none, ever. */
struct http_ref {
    uint32_t slot;
    uint32_t gen;
};

/* At most this many bytes wait for a slow client before http_stream_write
 * says ERR_AGAIN, and on_drain comes when this few are left. */
enum { HTTP_HIGH_WATER = 256 << 10, HTTP_LOW_WATER = 64 << 10 };

struct http_req {
    struct http_ref ref;
    struct server *server;
    const struct http1_head *head; /* NULL once the answer began */
    struct str body;               /* collected body; complete in on_request */
    struct arena arena;            /* lives until the request is over */
    int listener;                  /* what server_listen_* returned */
    bool is_streamed;              /* the plan said stream */
};

/* What to do with the body; a handler changes it in on_head. */
struct http_plan {
    uint64_t body_max; /* larger bodies are refused with 413 */
    bool stream;       /* on_request comes at once, the body by on_body */
};

/* Events after on_request. Any may be NULL. */
struct http_events {
    /* plan.stream: the next piece. Call http_body_pause to wait. */
    void (*on_body)(void *ctx, struct http_ref ref, struct str piece);
    void (*on_body_end)(void *ctx, struct http_ref ref);
    /* After ERR_AGAIN: the queue is below HTTP_LOW_WATER again. */
    void (*on_drain)(void *ctx, struct http_ref ref);
    /* The client left, or was dropped, before the answer was complete.
     * At most once, and never after http_respond or http_stream_end (or
     * _abort). The ref is dead already; free what belongs to the request. */
    void (*on_abort)(void *ctx, struct http_ref ref);
};

/* From on_head or on_request. Another call replaces the table. */
void http_follow(struct http_req *req, const struct http_events *events,
                 void *ctx);

/* Who asks, for logs, rate limits and local trust. */
struct http_peer {
    bool is_unix;
    char text[64]; /* "127.0.0.1:40000", "[::1]:40000", "unix" */
    char ip[48];   /* "127.0.0.1"; "" for a Unix socket */
    int64_t uid;   /* of a Unix peer, else -1 */
};

NODISCARD enum err http_peer(struct http_req *req, struct http_peer *out);

/* The live request, or NULL. */
struct http_req *http_get(struct server *s, struct http_ref ref);

/* Moves the collected body out: *out owns it, req->body becomes empty. */
void http_take_body(struct http_req *req, struct buf *out);

/* Streamed bodies: no on_body until resumed; the bytes wait in the kernel. */
void http_body_pause(struct server *s, struct http_ref ref);
void http_body_resume(struct server *s, struct http_ref ref);

struct http_answer {
    int status;
    struct str type; /* Content-Type; empty: none */
    const struct http1_field *fields;
    size_t field_count;
};

/* The whole answer. Copies what the kernel does not take at once. Adds
 * Content-Length, Connection and Date itself; ERR_RANGE when a field is one
 * of those (or Transfer-Encoding) or holds bytes that a field may not;
 * ERR_LIMIT when the body passes server_opts.answer_max; ERR_NOMEM; ERR_EOF.
 * After any failure but ERR_EOF the request still waits for an answer. */
NODISCARD enum err http_respond(struct server *s, struct http_ref ref,
                                const struct http_answer *a, struct str body);

/* The same failures as http_respond. A Content-Length among the fields is
 * allowed here and becomes the framing; otherwise chunked (close-delimited
 * for HTTP/1.0). What a stream writes in one round of the loop, this head
 * included, leaves together when the round ends. */
NODISCARD enum err http_stream_begin(struct server *s, struct http_ref ref,
                                     const struct http_answer *a);

/* Takes all of `bytes` or none. ERR_AGAIN: too much waits already, try again
 * in on_drain. ERR_EOF: the client is gone (on_abort follows, or came).
 * ERR_LIMIT: more than the announced Content-Length, or more than
 * HTTP_HIGH_WATER in one call. Answers to HEAD swallow the bytes. */
NODISCARD enum err http_stream_write(struct server *s, struct http_ref ref,
                                     struct str bytes);

/* Complete. ERR_RANGE (and the connection is cut) when fewer bytes were
 * written than announced. No event follows. */
enum err http_stream_end(struct server *s, struct http_ref ref);

/* Cuts the connection so that the client sees a broken answer. Also gives up
 * a request that was not answered. No event follows. */
void http_stream_abort(struct server *s, struct http_ref ref);

/* Bytes that still wait for this client, or for the end of the round. */
size_t http_stream_queued(struct server *s, struct http_ref ref);

#endif
