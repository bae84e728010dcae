/*
 * council.h - POST /v1/council: one question, six opinions at a time.
 *
 * One request to the gateway: the question as shared messages, the roles as
 * branches that are computed together (docs/protocol/tasks.md). The opinions
 * are independent; nobody debates or decides yet. Loop thread of the
 * orchestrator.
 *
 * Events: role.delta {role, text}, role.done {role, finish}, council.done
 * {roles, prompt_tokens, cached_tokens, completion_tokens, ms}, error.
 */
#ifndef COUNCIL_COUNCIL_H
#define COUNCIL_COUNCIL_H

#include "work/work_web.h"

enum role {
#define ROLE(NAME, name, text) ROLE_##NAME,
#include "council/roles.def"
#undef ROLE
    ROLE_COUNT
};

enum {
    COUNCIL_QUESTION_MAX = 32 << 10,
    COUNCIL_CODE_MAX = 128 << 10,
    COUNCIL_MAX = 8,     /* at a time; more are refused with 429 */
    COUNCIL_TOKENS = 256 /* of one opinion */
};

const char *role_name(enum role r); /* "?" when out of range */
const char *role_text(enum role r);

struct council_question {
    struct str question, code, model; /* code may be empty */
};
/* Adds the body of the chat completion. Pure. */
NODISCARD enum err council_body(const struct council_question *q,
                                struct buf *out);

/* For work_opts.more. */
enum { COUNCIL_ROUTES = 1 };
extern const struct work_route council_routes[COUNCIL_ROUTES];

#endif
