/*
 * oai_params.h - the body of a generation request, read and checked by the
 * table oai_params.def, and turned into the runner's MSG_GENERATE.
 *
 * The body is scanned once; large parts (messages, tools) stay slices of it.
 * Pure.
 */
#ifndef GATEWAY_OAI_PARAMS_H
#define GATEWAY_OAI_PARAMS_H

#include "gateway/oai_field.h"
#include "ipc/msg.h"

enum { OAI_CHAT = 1, OAI_COMPLETION = 2 };

struct oai_params {
#define NUMBER(field, name, where, min, max, def) float field;
#define COUNT(field, name, where, min, max, def)  uint32_t field;
#define SWITCH(field, name, where, def)           bool field;
#define RAW(field, name, where, type)             struct json_field field;
#define REFUSED(name, where, advice)
#define OURS(name, advice)
#include "gateway/oai_params.def"
#undef NUMBER
#undef COUNT
#undef SWITCH
#undef RAW
#undef REFUSED
#undef OURS
    struct str model_name;
    bool include_usage;
    uint32_t n_logprobs; /* alternatives, when want_logprobs */
    bool want_logprobs;
};

/* Reads `body` for a chat or a completion. Slices point into `body`, texts
 * into the arena. */
NODISCARD enum err oai_params_read(struct str body, int where, struct arena *a,
                                   struct oai_params *p, struct oai_err *o);

/* Everything of MSG_GENERATE but is_chat, input and branches. Texts may point
 * into the body or the arena. */
NODISCARD enum err oai_params_fill(const struct oai_params *p, struct arena *a,
                                   struct msg_generate *m, struct oai_err *o);

#endif
