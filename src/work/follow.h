/*
 * follow.h - clients that watch a task: server-sent events, stored ones first
 * to last without a gap, the others as they come.
 *
 * A client that reads slowly loses deltas, never stored events: those are read
 * from the database when it has room again. The stream ends after the task's
 * last event. Loop thread.
 */
#ifndef WORK_FOLLOW_H
#define WORK_FOLLOW_H

#include "net/server.h"
#include "work/worklog.h"

enum { FOLLOW_MAX = 1000, FOLLOW_KEEPALIVE_MS = 15000 };

struct follow;

struct follow_opts {
    struct loop *loop;
    struct server *server;
    struct worklog *log; /* of the loop's thread */
    /* A client with `cancels` left before the end. */
    void (*on_gone)(void *ctx, struct str task);
    void *ctx;
};

NODISCARD enum err follow_new(const struct follow_opts *o, struct follow **out,
                              struct why *w);
void follow_free(struct follow *f); /* before the server; NULL is fine */

struct follow_what {
    struct str task;
    uint64_t after; /* the events after this one */
    bool over;      /* the task has its verdict: end after what is stored */
    bool cancels;   /* tell on_gone when the client leaves before the end */
};

/* Answers `req` with the events. ERR_BUSY: too many watch; after a failure
 * the request is still to be answered. */
NODISCARD enum err follow_start(struct follow *f, struct http_req *req,
                                const struct follow_what *what, struct why *w);

void follow_event(struct follow *f, struct str task, enum event_id e,
                  struct str data);
void follow_catch_up(struct follow *f); /* events were lost on their way */

#endif
