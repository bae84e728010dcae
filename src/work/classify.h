/*
 * classify.h - what kind of task is this, from its words (English, Russian).
 *
 * Only chooses where a task enters the chain and how much evidence it needs;
 * outcomes decide the rest. Rules stand in classify.def. Rules for critical
 * subjects (authentication, cryptography, payments, migrations, destruction)
 * win over all others, because to take a critical task for a small one costs
 * far more than the opposite. No rule fired: `unsure`, and the task is a
 * standard one.
 *
 * Pure, no allocation, about 10 microseconds; of a long text the first
 * CLASSIFY_HEAD and the last CLASSIFY_TAIL bytes are read. Text inside code
 * fences is not read: it is what the task is about. Thread: any.
 */
#ifndef WORK_CLASSIFY_H
#define WORK_CLASSIFY_H

#include "work/words.h"

enum { CLASSIFY_HEAD = 3072, CLASSIFY_TAIL = 1024, CLASSIFY_REASONS = 8 };

struct classify {
    enum kind kind;
    unsigned complexity; /* 0-10, inside the range of `kind` */
    bool unsure;
    const char *reasons[CLASSIFY_REASONS]; /* texts of rules that fired */
    size_t n_reasons;
};

void classify(struct str text, struct classify *out);

#endif
