/*
 * progress.h - how far a task is, rebuilt from its stored events, and what
 * has to be done next.
 *
 * This is the whole state machine of a task. The executor does nothing but: ask
 * progress_next, do it, store an event, fold the event. A task that is
 * resumed after a crash folds its stored events and goes on with
 * progress_next: it takes the same way because it is the same code. Nothing
 * but progress_fold changes a progress. Pure. One thread.
 */
#ifndef WORK_PROGRESS_H
#define WORK_PROGRESS_H

#include "base/buf.h"
#include "work/events.h"
#include "work/extract.h"
#include "work/matrix.h"

enum { PROGRESS_REASON_MAX = 400, PROGRESS_ENTRY_MAX = 128 };

struct progress {
    uint64_t seq; /* of the last event folded */
    int64_t created_ms;
    bool is_classified, in_review, is_done, is_decided;
    enum kind kind;
    unsigned complexity;
    struct matrix_plan plan;
    char entry[PROGRESS_ENTRY_MAX]; /* "" when unknown */
    struct buf tests; /* one test per line, or a source; may be empty */
    size_t tier;      /* index of the model that tries, or next tries */
    bool in_tier;
    unsigned attempt; /* of this tier, from 1; 0: none began */
    unsigned attempts, answers, escalations; /* of the task */
    bool is_answered;                        /* the attempt has its answer */
    bool is_failed;                          /* a check of it failed */
    bool is_over; /* ... and attempt.failed was written */
    bool repeats; /* it was the same code as the one before */
    bool passed[CHECK_COUNT];
    enum check_id failed_check;
    char reason[PROGRESS_REASON_MAX]; /* of the last escalation or review */
    struct buf code;                  /* of the last answer; may be empty */
    struct buf evidence; /* of its failed check; "" for a first attempt */
    uint64_t tokens_in, tokens_out;
    size_t worker; /* index + 1 of the tier that made the last attempt */
    enum verdict verdict;
};

enum step {
    STEP_NONE, /* the task is over */
    STEP_CLASSIFY,
    STEP_TIER,
    STEP_ATTEMPT,
    STEP_CHECK,
    STEP_FAIL,     /* write attempt.failed */
    STEP_ESCALATE, /* to the next tier, or to a person */
    STEP_REVIEW,
    STEP_END,
};

struct progress_step {
    enum step step;
    enum check_id check;  /* STEP_CHECK */
    unsigned attempt;     /* STEP_ATTEMPT: its number in the tier */
    enum verdict verdict; /* STEP_END */
};

void progress_init(struct progress *p);
void progress_done(struct progress *p);

/* Takes the stored event `e` with its JSON object `data`. ERR_PARSE when it
 * does not fit (a damaged or newer database); `p` is then unusable. */
NODISCARD enum err progress_fold(struct progress *p, enum event_id e,
                                 struct str data, struct why *w);

struct progress_step progress_next(const struct progress *p);

/* The model that tries now; "" past the end of the chain. */
const char *progress_model(const struct progress *p);
/* The model of the last attempt; "" before the first. */
const char *progress_worker(const struct progress *p);

#endif
