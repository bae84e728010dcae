/*
 * record.h - what the supervisor writes down for people and other programs:
 * lives.jsonl (every start and end) and serve.json (where we are). A failure
 * to write is logged and stops nothing.
 */
#ifndef SUPER_RECORD_H
#define SUPER_RECORD_H

#include "super/super.h"
#include "sys/child.h"

/* One line of lives.jsonl. `status` NULL: it did not end. */
struct record_life {
    /* "start", "up", "hang", "end", "give_up", "ready", "stop" */
    const char *event;
    const char *who;  /* "gateway", "orchestrator", "runner", "supervisor" */
    const char *what; /* model of a runner; "" otherwise */
    int pid;          /* 0: none */
    unsigned starts;  /* how many times it was started; 0: not counted */
    const struct child_status *status;
};
void record_life(const struct paths *p, const struct record_life *r);

NODISCARD enum err record_serve(const struct super_opts *o, const char *address,
                                struct why *w);
void record_serve_drop(const struct paths *p);

#endif
