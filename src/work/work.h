/*
 * work.h - the orchestrator process: tasks, reviews, and what cmd/ adds to it
 * (the council). README.md shows the way of a task through the files.
 *
 * One loop thread serves HTTP on the orchestrator's Unix socket; the crew's
 * threads run the tasks and ask the gateway over its socket. The state is
 * work.db: the process may be killed at any instant and goes on where it was.
 */
#ifndef WORK_WORK_H
#define WORK_WORK_H

#include "work/work_web.h"

struct work_opts {
    const struct options *options;
    const struct paths *paths;     /* made (paths_make) */
    int super_fd;                  /* the supervisor's channel; taken */
    const char *build;             /* version text for HELLO */
    const struct work_route *more; /* routes of other rooms (council) */
    size_t n_more;
};

/* Serves until the supervisor says STOP or goes away, or SIGTERM. Returns what
 * ended it: ERR_OK, or why it could not start. */
NODISCARD enum err work_main(const struct work_opts *opts, struct why *w);

/* Appends the tables of docs/protocol/tasks.md that come from .def files. */
NODISCARD enum err work_doc(struct buf *out);

#endif
