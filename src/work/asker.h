/*
 * asker.h - the seam through which a task asks a model.
 *
 * The product asks the gateway (asker_gateway); tests script the answers.
 * A failure says what the executor can do about it: a code whose HTTP status is
 * 4xx and that is not retryable: this model will not answer this question;
 * retryable codes: nobody could be reached now.
 */
#ifndef WORK_ASKER_H
#define WORK_ASKER_H

#include <stdatomic.h>

#include "base/buf.h"

enum { ASKER_TEXT_MAX = 1 << 20, ASKER_FINISH_MAX = 24 };

struct asker_question {
    struct str model, system, user;
    double temperature;
    uint64_t seed; /* used when the temperature is not 0 */
    void (*on_text)(void *ctx, struct str piece); /* may be NULL */
    void *ctx;
    const atomic_bool *cancel; /* true: ERR_CANCELLED soon */
};

struct asker_answer {
    struct buf text; /* the caller's to release */
    uint64_t tokens_in, tokens_out;
    char finish[ASKER_FINISH_MAX]; /* "stop", "length" */
};
#define ASKER_ANSWER_INIT                                                      \
    ((struct asker_answer){.text = BUF_INIT(ASKER_TEXT_MAX)})
void asker_answer_done(struct asker_answer *a);

struct asker {
    /* Blocks. `out` must be fresh. Thread: any. */
    enum err (*ask)(void *ctx, const struct asker_question *q,
                    struct asker_answer *out, struct why *w);
    void *ctx;
};

/* Asks the gateway at this Unix socket (NUL-terminated, borrowed). */
struct asker asker_gateway(const char *socket);

#endif
