/*
 * prompt.h - the words that a model is asked with, and the one line that a
 * failed check hands to the next attempt.
 *
 * The tiny models are trained on exactly these texts (models/tiny/README.md):
 * a change here is a change of their contract. Pure. Thread: any.
 */
#ifndef WORK_PROMPT_H
#define WORK_PROMPT_H

#include "base/buf.h"
#include "work/words.h"

enum { PROMPT_EVIDENCE_CHARS = 160, PROMPT_EVIDENCE_MAX = 800 };

/* The system message. Static. */
struct str prompt_system(enum lang lang);

/* Adds the one user message: the task as it was given, and for a retry the
 * code that failed and why. `evidence` empty: a first attempt. */
NODISCARD enum err prompt_user(struct str task, enum lang lang, struct str code,
                               struct str evidence, struct buf *out);

/* Adds `text` as evidence: one line, no control characters, at most
 * PROMPT_EVIDENCE_CHARS characters. */
NODISCARD enum err prompt_evidence(struct str text, struct buf *out);

#endif
