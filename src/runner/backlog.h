/*
 * backlog.h - frames that were read but not handled yet.
 *
 * While the engine computes, frames are read only to see whether one asks it
 * to stop; they are kept here, in order, until the step is over. Bounded:
 * when it is full, reading waits.
 */
#ifndef RUNNER_BACKLOG_H
#define RUNNER_BACKLOG_H

#include "ipc/frame.h"

struct backlog {
    struct buf bytes; /* heads and payloads */
    size_t at;        /* of the first frame not handled */
};

#define BACKLOG_INIT                                                           \
    ((struct backlog){.bytes = BUF_INIT(3 * (size_t)FRAME_MAX)})

/* No more than half is used, so another frame of any size fits. */
bool backlog_has_room(const struct backlog *b);
NODISCARD enum err backlog_push(struct backlog *b, const struct frame *f);
/* False: empty. The payload is borrowed until the next push. */
NODISCARD bool backlog_pop(struct backlog *b, struct frame *out);
void backlog_done(struct backlog *b);

#endif
