/*
 * splits.h - the files of one model.
 *
 * A large model may come in parts, "name-00001-of-00003.gguf" and so on, of
 * which the first is named and the library opens the others. The sandbox has
 * to know all of them. Pure: looks at the name only.
 */
#ifndef RUNNER_SPLITS_H
#define RUNNER_SPLITS_H

#include "base/arena.h"

enum { SPLITS_MAX = 999 };

/* The paths of all parts, in `a`; just `path` when it is no first part. */
NODISCARD enum err splits_list(const char *path, struct arena *a,
                               const char *const **out, size_t *n);

#endif
