/*
 * guard_marks.h - where marks go in one string ([G1], [G2] of guard.h), and
 * how control texts are found. Pure; all state is in the struct.
 */
#ifndef RUNNER_GUARD_MARKS_H
#define RUNNER_GUARD_MARKS_H

#include "base/buf.h"
#include "runner/engine.h"

enum { GUARD_MARK_LEN = 4 }; /* bytes of a plane 15 character */

struct guard_marks {
    const struct engine_control *controls;
    size_t n_controls;
    char mark[GUARD_MARK_LEN];
    bool first[256]; /* bytes that control texts begin with, in any case */
    bool everywhere; /* [G2] instead of [G1] */
    size_t n_put;    /* marks so far */
    bool hot;        /* a byte that control texts begin with was seen */
    bool clash;      /* the mark itself was seen: choose another */
};

/* `number` chooses the mark: 0, 1, 2... */
void guard_marks_init(struct guard_marks *g, struct engine *e, bool everywhere,
                      unsigned number);

/* Appends `s` with its marks. */
NODISCARD enum err guard_marks_put(struct guard_marks *g, struct str s,
                                   struct buf *out);

/* Appends `s` without marks. */
NODISCARD enum err guard_marks_remove(const struct guard_marks *g, struct str s,
                                      struct buf *out);

/* The longest control text that `s` has at `at`, or NULL. */
const struct engine_control *guard_marks_find(const struct guard_marks *g,
                                              struct str s, size_t at);

/* Appends the tokens of the control texts in `s`, in order. */
NODISCARD enum err guard_marks_list(const struct guard_marks *g, struct str s,
                                    struct buf *tokens);

#endif
