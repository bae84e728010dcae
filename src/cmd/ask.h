/*
 * ask.h - giving a task to the orchestrator, for the commands that do.
 */
#ifndef CMD_ASK_H
#define CMD_ASK_H

#include "cmd/ctx.h"
#include "cmd/trace.h"

/* `body`: the JSON of POST /v1/tasks. Follows the task to its end. */
NODISCARD enum err ask_run(struct ctx *c, struct str body, struct trace *t);

/* Prints the answer; ERR_UNVERIFIED when no attempt passed its checks. */
NODISCARD enum err ask_verdict(struct ctx *c, struct trace *t);

void ask_cancel(struct ctx *c, const char *task);

/* --set-file: every task of a JSON-lines file, as a table. */
NODISCARD enum err ask_set(struct ctx *c);

#endif
