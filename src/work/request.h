/*
 * request.h - the JSON of POST /v1/tasks, read strictly: a member that is
 * unknown, of a wrong type or too long is refused with its name. Pure.
 */
#ifndef WORK_REQUEST_H
#define WORK_REQUEST_H

#include "base/buf.h"
#include "data/json.h"
#include "work/words.h"

enum {
    REQUEST_PROMPT_MAX = 64 << 10,
    REQUEST_TESTS_MAX = 64 << 10,
    REQUEST_ENTRY_MAX = 100,
    REQUEST_BODY_MAX = 512 << 10
};

struct request {
    struct json_doc doc; /* the slices below point into it */
    struct str prompt, entry, idem;
    struct buf tests; /* lines, or a source; empty: none given */
    enum lang lang;
    bool has_type, has_complexity;
    enum kind type;
    unsigned complexity;
    bool stream, cancel_on_disconnect;
};

/* `r` must be zeroed or done. ERR_PARSE, ERR_RANGE, ERR_LIMIT, ERR_NOMEM; the
 * tests must be code of the language. */
NODISCARD enum err request_parse(struct str json, struct request *r,
                                 struct why *w);
void request_done(struct request *r);

/* Adds what the task is, as JSON that request_parse reads: what is stored. */
NODISCARD enum err request_spec(const struct request *r, struct buf *out);

#endif
