/*
 * executor.h - does one task, top to bottom, on the calling thread.
 *
 *     while ((step = progress_next(&p)).step != STEP_NONE)
 *         do the step; store its event; fold the event
 *
 * Ask the model, run the checks, retry with the evidence, go to the next
 * model, hand over to a person. All that a step needs is in the progress, so a
 * task that was cut off by kill -9 is taken up by the same loop.
 */
#ifndef WORK_EXECUTOR_H
#define WORK_EXECUTOR_H

#include <stdatomic.h>

#include "work/asker.h"
#include "work/worklog.h"

/* Ends a running task from outside. The owner sets `reason` before
 * `interrupted`, then makes `fd` readable. */
struct executor_signal {
    atomic_bool interrupted;
    atomic_int reason; /* enum executor_reason */
    int fd;            /* -1: none */
};
enum executor_reason { EXECUTOR_CANCEL = 1, EXECUTOR_STOP };

struct executor {
    struct asker asker;
    /* Told of every event after it is stored (or at once when it is not
     * stored). On the task's thread. May be NULL. */
    void (*on_event)(void *ctx, struct str task, enum event_id e,
                     struct str data);
    void *ctx;
    const char *state; /* state folder, for scratch folders */
    const char *tiers; /* names separated by commas */
    unsigned attempts; /* of a tier */
    unsigned check_ms; /* time of one check */
    unsigned wait_ms;  /* first wait for models that cannot be reached */
    unsigned wait_most_ms;
    unsigned patience_ms; /* waits together; then the task ends in error */
    unsigned model_patience_ms; /* the same while the gateway is there and says
                                   that this model is not; then the next one */
};

#define EXECUTOR_DEFAULT                                                       \
    ((struct executor){.attempts = 2,                                          \
                       .check_ms = 10000,                                      \
                       .wait_ms = 250,                                         \
                       .wait_most_ms = 5000,                                   \
                       .patience_ms = 600000,                                  \
                       .model_patience_ms = 60000})

/* Runs the task to its verdict, from wherever it stands. ERR_OK: it has one.
 * ERR_SHUTDOWN: interrupted by EXECUTOR_STOP, to be taken up later. ERR_STORE and
 * others: the trace could not be written; the task stays unfinished. */
NODISCARD enum err executor_run(const struct executor *e, struct worklog *log,
                                struct str task, struct executor_signal *signal,
                                struct why *w);

#endif
