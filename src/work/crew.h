/*
 * crew.h - the threads that run tasks, and the tasks that wait for one.
 *
 * First come, first served; both the number of threads and the number of
 * waiting tasks are bounded. A task that is accepted is in the database before
 * it comes here, so losing the crew loses nothing. crew_add, crew_cancel,
 * crew_stop and crew_count may be called from any thread.
 */
#ifndef WORK_CREW_H
#define WORK_CREW_H

#include "base/id.h"
#include "work/executor.h"

enum { CREW_THREADS_MAX = 64 };

struct crew;

struct crew_opts {
    const struct executor
        *executor;   /* borrowed; on_event comes on its threads */
    const char *url; /* of work.db, borrowed */
    int64_t (*now_ms)(void);
    unsigned threads;     /* 1..CREW_THREADS_MAX */
    unsigned waiting_max; /* tasks */
};

/* `threads` of them run from now on. */
NODISCARD enum err crew_new(const struct crew_opts *o, struct crew **out,
                            struct why *w);

/* ERR_BUSY: too many tasks wait. `resumed`: accepted in an earlier life, so it
 * is taken past that bound. ERR_NOMEM. Twice the same: once. */
NODISCARD enum err crew_add(struct crew *c, struct str id, bool resumed,
                            struct why *w);
bool crew_has_room(struct crew *c);

/* The task ends as cancelled soon. False: it neither waits nor runs. */
bool crew_cancel(struct crew *c, struct str id);

struct crew_count {
    unsigned running, waiting;
};
struct crew_count crew_count(struct crew *c);

/* Interrupts what runs (to be taken up later), waits for the threads, frees
 * all. NULL is fine. */
void crew_free(struct crew *c);

#endif
