/*
 * extract.h - the code inside a model's answer.
 *
 * Models wrap code in fences (``` or ~~~, with and without a language), forget
 * to close them, write several blocks, or no fence at all. Of several blocks
 * the one that defines the entry wins, then the first in the right language.
 * Code is never taken out of JSON. The result is text to be checked: nothing
 * here judges it. Pure. Thread: any.
 */
#ifndef WORK_EXTRACT_H
#define WORK_EXTRACT_H

#include "base/buf.h"
#include "work/words.h"

enum {
    EXTRACT_ANSWER_MAX = 1 << 20, /* longer answers are not looked at */
    EXTRACT_CODE_MAX = 256 << 10,
    EXTRACT_BLOCKS = 64 /* fences after these are not looked at */
};

/* Adds the code to `out`, ending in a newline. `entry` may be empty.
 * ERR_NOTFOUND: there is no code; ERR_LIMIT: too long; ERR_NOMEM. `out` is
 * unchanged after a failure. */
NODISCARD enum err extract_code(struct str answer, enum lang lang,
                                struct str entry, struct buf *out);

/* True when the code defines `name` (by its looks). */
bool extract_defines(struct str code, enum lang lang, struct str name);

#endif
