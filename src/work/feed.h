/*
 * feed.h - carries events from the threads of the crew to the loop.
 *
 * A bounded queue and one wake-up. When it is full, events are dropped and the
 * loop is told that some were lost: stored events are in the database and are
 * read there, the others were only a view of work in progress.
 * feed_push: any thread; the rest: the loop's thread.
 */
#ifndef WORK_FEED_H
#define WORK_FEED_H

#include "net/loop.h"
#include "work/events.h"

enum { FEED_COUNT_MAX = 1024, FEED_BYTES_MAX = 8 << 20 };

struct feed;

struct feed_handler {
    void *ctx;
    void (*on_event)(void *ctx, struct str task, enum event_id e,
                     struct str data);
    void (*on_lost)(void *ctx); /* some did not fit since the last call */
};

NODISCARD enum err feed_new(struct loop *l, const struct feed_handler *h,
                            struct feed **out, struct why *w);
/* No thread may push any more. NULL is fine. */
void feed_free(struct feed *f);

void feed_push(struct feed *f, struct str task, enum event_id e,
               struct str data);

#endif
