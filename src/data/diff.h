/*
 * diff.h - unified diff of two texts by lines, for showing what an attempt
 * changed. The shortest edit script by Myers ("An O(ND) Difference Algorithm
 * and Its Variations", 1986) within a bound; texts that differ by more are
 * shown as one replaced block between their common ends, which is still a
 * correct diff. Output is what patch(1) and git apply read.
 */
#ifndef DATA_DIFF_H
#define DATA_DIFF_H

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

enum { DIFF_MAX_LINES = 100000, DIFF_MAX_EDITS = 1000 };

struct diff_stat {
    size_t added, removed; /* lines */
};

/* Appends the diff with 3 lines of context; nothing when the texts are equal.
 * The names stand after "--- " and "+++ "; line ends in them become "?".
 * `stat` may be NULL. ERR_LIMIT: more than DIFF_MAX_LINES lines or `out` full;
 * ERR_NOMEM. All or nothing. */
NODISCARD enum err diff_unified(struct str old_name, struct str old_text,
                                struct str new_name, struct str new_text,
                                struct buf *out, struct diff_stat *stat);

#endif
