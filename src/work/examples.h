/*
 * examples.h - tests that stand in the words of a task.
 *
 *   f(2) == 4     f(2) -> 4     f(2) → 4     f(2) returns 4     f(2) вернёт 4
 *
 * A call is taken only when all its arguments are literals and a literal
 * follows: "f(n) returns 4 for even n" is no test. The literals are those of
 * Python, which for numbers, strings and lists are those of JavaScript and C
 * too. Pure. Thread: any.
 */
#ifndef WORK_EXAMPLES_H
#define WORK_EXAMPLES_H

#include "base/buf.h"
#include "work/words.h"

enum { EXAMPLES_MAX = 32, EXAMPLES_TEXT_MAX = 400, EXAMPLES_DEPTH = 16 };

/* Adds one line per example in the language's own form ("assert f(2) == 4")
 * and sets `*count`. `entry` not empty: only calls of that name; else calls of
 * the name that occurs first, which goes to `*name` (a slice of `text`; may be
 * NULL). ERR_NOMEM, ERR_LIMIT (out->max): `out` is unchanged. */
NODISCARD enum err examples_find(struct str text, enum lang lang,
                                 struct str entry, struct buf *out,
                                 size_t *count, struct str *name);

#endif
