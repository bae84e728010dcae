/*
 * work_rig.h - the orchestrator's HTTP, crew and database on a real loop and a
 * Unix socket, with a scripted model in the place of the gateway.
 *
 * The test's steps run on a thread of their own, as a client; the loop runs on
 * the calling thread until they are done. A CHECK that fails ends the program.
 */
#ifndef TESTS_FAKE_WORK_RIG_H
#define TESTS_FAKE_WORK_RIG_H

#include <stdatomic.h>

#include "client/client.h"
#include "sys/fs.h"
#include "work/feed.h"
#include "work/work_web.h"

struct work_rig {
    struct work_web web;
    struct executor executor;
    struct feed *feed;
    struct options options;
    struct client client;
    char dir[FS_PATH_MAX];
    char socket[FS_PATH_MAX + 32];
    atomic_uint asked;  /* questions to the model so far */
    atomic_bool hold;   /* the model waits while this is set */
    atomic_int fault;   /* enum err that the model answers with; 0: none */
    const char *answer; /* what it says */
    void (*steps)(struct work_rig *r);
};

/* Sets up, runs `steps`, takes down. */
void work_rig_run(void (*steps)(struct work_rig *r),
                  const struct work_route *more, size_t n_more,
                  const char *gateway_socket);

/* One call; the answer's bytes in `out` (cleared before). */
enum err work_rig_call(struct work_rig *r, const char *method, const char *path,
                       const char *body, struct buf *out, struct why *w);
/* One stream; "name data\n" for each event in `out`. */
enum err work_rig_stream(struct work_rig *r, const char *method,
                         const char *path, const char *body, struct buf *out,
                         struct why *w);
/* Makes a task without stream and gives its id. */
void work_rig_make(struct work_rig *r, const char *body, char id[ID_MAX]);
/* Waits until the task is over; its JSON in `out`. */
void work_rig_wait(struct work_rig *r, const char *id, struct buf *out);

#endif
