/*
 * oai_chat.c - POST /v1/chat/completions and POST /v1/completions: from a body
 * to a question for the pool (oai_gen.h has the rest of the way).
 */
#include "gateway/handlers.h"
#include "gateway/oai_gen.h"
#include "gateway/oai_messages.h"

static enum err too_large(struct oai_err *o, enum err e)
{
    return oai_err_fail(o, e, NULL, NULL, "%s",
                        e == ERR_LIMIT ? "the request is too large"
                                       : err_text(e));
}

void oai_chat(struct gw *gw, struct http_req *req, const struct route *route,
              struct str arg)
{
    struct buf CLEANUP(buf_done) input = BUF_INIT(FRAME_MAX);
    /* Not the request's: that one lives as long as the stream. */
    struct arena CLEANUP(arena_done) arena = ARENA_INIT(FRAME_MAX);
    struct oai_params p;
    struct msg_generate m;
    struct oai_err o = OAI_ERR_INIT;
    uint32_t branches = 0;
    enum err e;

    (void)arg;
    e = oai_params_read(req->body, OAI_CHAT, &arena, &p, &o);
    if (e == ERR_OK)
        e = oai_messages_check(&p, &branches, &o);
    if (e == ERR_OK)
        e = oai_params_fill(&p, &arena, &m, &o);
    if (e == ERR_OK && (e = oai_messages_input(&p, &input)) != ERR_OK)
        (void)too_large(&o, e);
    if (e != ERR_OK) {
        oai_gen_refuse(gw, req, route, &o);
        return;
    }
    m.is_chat = 1;
    m.input = buf_str(&input);
    m.branches = branches != 0 ? p.branches.raw : STR_EMPTY;
    oai_gen_start(gw, req, route, &p, &m, branches);
}

/* ---- text completions --------------------------------------------------------------- */

enum { PROMPTS_MAX = 64 };

static enum err wrong_prompt(struct oai_err *o, enum json_type got)
{
    if (got == JSON_NUMBER || got == JSON_ARRAY)
        return oai_err_fail(o, ERR_UNSUPPORTED, "prompt", "unsupported_value",
                            "Unsupported 'prompt': this server takes prompts "
                            "as text, not as tokens.");
    return oai_wrong_type(o, "prompt", "a string or an array of strings", got);
}

/* The prompts as a JSON array of strings: the branches of an empty prefix. */
static enum err read_prompts(const struct oai_params *p, struct arena *a,
                             struct str *list, uint32_t *count,
                             struct oai_err *o)
{
    struct json_scan scan;
    struct json_item item;
    struct why why = WHY_INIT;

    if (!oai_given(&p->prompt))
        return oai_missing(o, "prompt");
    if (p->prompt.type == JSON_STRING) {
        *count = 1;
        if (arena_printf(a, list, "[%.*s]", STR_ARG(p->prompt.raw)) != ERR_OK)
            return too_large(o, ERR_LIMIT);
        return ERR_OK;
    }
    if (p->prompt.type != JSON_ARRAY)
        return wrong_prompt(o, p->prompt.type);
    if (json_scan_open(&scan, p->prompt.raw, OAI_DEPTH, &why) != ERR_OK)
        return oai_wrong_body(o, &why);
    for (uint32_t n = 0;; n++) {
        if (json_scan_next(&scan, &item, &why) != ERR_OK)
            return oai_wrong_body(o, &why);
        if (item.type == JSON_ABSENT && n > 0) {
            *count = n;
            *list = p->prompt.raw;
            return ERR_OK;
        }
        if (item.type == JSON_ABSENT || n == PROMPTS_MAX)
            return oai_wrong(o, "prompt",
                             n == 0 ? "empty_array" : "array_above_max_length",
                             "it must have 1 to %d texts", PROMPTS_MAX);
        if (item.type != JSON_STRING)
            return wrong_prompt(o, item.type);
    }
}

void oai_completions(struct gw *gw, struct http_req *req,
                     const struct route *route, struct str arg)
{
    struct arena CLEANUP(arena_done) arena = ARENA_INIT(FRAME_MAX);
    struct oai_params p;
    struct msg_generate m;
    struct oai_err o = OAI_ERR_INIT;
    struct str prompts = STR_EMPTY;
    uint32_t count = 0;
    enum err e;

    (void)arg;
    e = oai_params_read(req->body, OAI_COMPLETION, &arena, &p, &o);
    if (e == ERR_OK)
        e = read_prompts(&p, &arena, &prompts, &count, &o);
    if (e == ERR_OK)
        e = oai_params_fill(&p, &arena, &m, &o);
    if (e == ERR_OK && p.echo && p.stream)
        e = oai_err_fail(&o, ERR_UNSUPPORTED, "echo", "unsupported_value",
                         "Unsupported 'echo' in a stream.");
    if (e != ERR_OK) {
        oai_gen_refuse(gw, req, route, &o);
        return;
    }
    if (m.max_tokens == 0)
        m.max_tokens = 16; /* OpenAI's default for this route */
    m.is_chat = 0;
    m.branches = prompts;
    oai_gen_start(gw, req, route, &p, &m, count);
}
