/*
 * http_rig.h - a real server on a real loop with a small set of routes, and
 * raw clients for it, all on the test's one thread.
 *
 *   /echo    the body back           /hold    no answer; the test gives one
 *   /early   401 from on_head        /stream  a stream; the test writes it
 *   /tiny    body of at most 10      /up      streamed body, counted; then 200
 *   /slow    as /up, but paused from the first byte on
 *   /head    the request's fields as the body
 */
#ifndef TESTS_FAKE_HTTP_RIG_H
#define TESTS_FAKE_HTTP_RIG_H

#include "net/server.h"

struct http_rig {
    struct loop *loop;
    struct server *server;
    unsigned port;
    struct http_ref ref; /* of the latest /hold, /stream, /up, /slow */
    struct buf trace;    /* paths, in the order of on_request */
    int aborts, drains, body_ends;
    size_t body_bytes;
    bool owns_loop;
};

/* `opts` NULL: the defaults. */
void http_rig_start(struct http_rig *r, const struct server_opts *opts);
/* The same on a loop of the caller's. */
void http_rig_start_on(struct http_rig *r, struct loop *l,
                       const struct server_opts *opts);
void http_rig_stop(struct http_rig *r);

/* One round of the loop. */
void http_rig_turn(struct http_rig *r);

/* Rounds until `*n` is at least `want`; false after too many. */
bool http_rig_until(struct http_rig *r, const int *n, int want);

int http_rig_connect(struct http_rig *r); /* a descriptor to close */
void http_rig_send(struct http_rig *r, int fd, struct str bytes);

/* Reads until `end` was seen, or NULL: the connection's end ("<EOF>" or
 * "<RST>" is added then). False after too many rounds. */
bool http_rig_read(struct http_rig *r, int fd, struct buf *out,
                   const char *end);

/* connect, send, read to the end of the connection, close. */
void http_rig_talk(struct http_rig *r, struct str bytes, struct buf *out);

#endif
