/*
 * trace.h - shows the events of one task to a person, as they come.
 *
 * The story goes to stderr, in the order in which it happens. What the caller
 * needs at the end (verdict, answer) is kept here. Event names and fields:
 * docs/protocol/tasks.md.
 */
#ifndef CMD_TRACE_H
#define CMD_TRACE_H

#include "cmd/ctx.h"

enum { TRACE_CODE_MAX = 1 << 20, TRACE_NAME_MAX = 64 };

struct trace {
    struct ctx *c;
    bool quiet;   /* keep, show nothing */
    bool in_text; /* the model is writing: mid-line perhaps */
    bool at_line_start;
    char task[TRACE_NAME_MAX]; /* id */
    char verdict[TRACE_NAME_MAX];
    char model[TRACE_NAME_MAX]; /* that solved it, or tried last */
    uint64_t seq;               /* of the last event */
    uint64_t attempts, escalations, tokens_in, tokens_out, ms;
    struct buf code;  /* the answer */
    char checks[256]; /* "syntax ok, compile ok, tests failed" */
    bool is_over;
};

void trace_init(struct trace *t, struct ctx *c, bool quiet);
void trace_done(struct trace *t);

/* A client_event_fn with the trace as its context. */
enum err trace_event(void *trace, struct str event, struct str data);

bool trace_is_verified(const struct trace *t);

#endif
