/*
 * workdir.h - the folder of one attempt: made before it, gone after it.
 *
 *     <state>/work/<task>/<n>/code/    what the sandbox sees as /w
 *     <state>/work/<task>/<n>/output   what the candidate printed
 *
 * Names come from ids and numbers, never from the words of a task or a model.
 * What a candidate leaves there is bounded and removed without following
 * links. Thread: one per folder.
 */
#ifndef WORK_WORKDIR_H
#define WORK_WORKDIR_H

#include "sys/fs.h"
#include "work/words.h"

enum { WORKDIR_OUTPUT_MAX = 1 << 20, WORKDIR_PATH_MAX = 1280 };

struct workdir {
    char task_dir[WORKDIR_PATH_MAX], dir[WORKDIR_PATH_MAX];
    char code_dir[WORKDIR_PATH_MAX], output[WORKDIR_PATH_MAX];
};

/* Removes what an earlier life left there. `state` is the state folder,
 * `task` a valid id. `s` must be zeroed or done. */
NODISCARD enum err workdir_open(struct workdir *s, const char *state,
                                struct str task, unsigned n, struct why *w);
/* Writes the candidate under the name of its language. */
NODISCARD enum err workdir_put(struct workdir *s, enum lang lang,
                               struct str code, struct why *w);
/* Adds the end of what the candidate printed, at most `max` bytes. */
NODISCARD enum err workdir_output(struct workdir *s, size_t max,
                                  struct buf *out, struct why *w);
void workdir_done(struct workdir *s); /* removes it; zeroed is fine */

/* At start-up: everything that attempts of an earlier life left behind. */
void workdir_sweep(const char *state);

#endif
