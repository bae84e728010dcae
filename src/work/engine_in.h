/*
 * engine_in.h - what engine.c and engine_ask.c share: one task at work. For
 * these two only.
 */
#ifndef WORK_ENGINE_IN_H
#define WORK_ENGINE_IN_H

#include "data/jsonw.h"
#include "work/engine.h"
#include "work/request.h"

struct engine_task {
    const struct engine *e;
    struct worklog *log;
    struct engine_signal *signal;
    struct str task;
    struct request request;
    struct progress p;
    struct buf members; /* of the event that is being made */
    struct jsonw w;     /* ... */
    unsigned deaths;    /* of the model process, on this question */
    unsigned waited_ms, wait_ms;
    unsigned refused_ms; /* of waited_ms: the gateway said no */
    struct why *why;
};

/* Begins the members of an event; engine_commit ends, stores, folds and tells
 * it. engine_show is for events that are only shown: nothing depends on it. */
struct jsonw *engine_begin(struct engine_task *r);
NODISCARD enum err engine_commit(struct engine_task *r, enum event_id e);
void engine_show(struct engine_task *r, enum event_id e);

bool engine_is_interrupted(const struct engine_task *r);

/* Ends the task: what went wrong is ours, not a model's. */
NODISCARD enum err engine_give_up(struct engine_task *r, const struct why *why);
NODISCARD enum err engine_escalate(struct engine_task *r, const char *reason);

/* Asks the model of this tier and stores its answer. */
NODISCARD enum err engine_attempt(struct engine_task *r, unsigned attempt);

#endif
