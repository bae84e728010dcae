/*
 * executor_in.h - what executor.c and executor_ask.c share: one task at work. For
 * these two only.
 */
#ifndef WORK_EXECUTOR_IN_H
#define WORK_EXECUTOR_IN_H

#include "data/jsonw.h"
#include "work/executor.h"
#include "work/request.h"

struct executor_task {
    const struct executor *e;
    struct worklog *log;
    struct executor_signal *signal;
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

/* Begins the members of an event; executor_commit ends, stores, folds and tells
 * it. executor_show is for events that are only shown: nothing depends on it. */
struct jsonw *executor_begin(struct executor_task *r);
NODISCARD enum err executor_commit(struct executor_task *r, enum event_id e);
void executor_show(struct executor_task *r, enum event_id e);

bool executor_is_interrupted(const struct executor_task *r);

/* Ends the task: what went wrong is ours, not a model's. */
NODISCARD enum err executor_give_up(struct executor_task *r,
                                    const struct why *why);
NODISCARD enum err executor_escalate(struct executor_task *r,
                                     const char *reason);

/* Asks the model of this tier and stores its answer. */
NODISCARD enum err executor_attempt(struct executor_task *r, unsigned attempt);

#endif
