/*
 * review_web.c - /v1/reviews: what waits for a person, and the decision.
 */
#include "data/json.h"
#include "data/jsonw.h"
#include "work/work_web.h"

enum { LIST_BYTES = 64 << 20, BODY_MAX = 1 << 20, NOTE_MAX = 4096 };

struct decision {
    struct str action, note, code;
    enum verdict verdict;
};

static enum err list(struct work_web *web, struct http_req *req, struct str arg,
                     struct why *w)
{
    CLEANUP(buf_done) struct buf json = BUF_INIT(LIST_BYTES);

    (void)arg;
    TRY(worklog_reviews_json(&web->log, &json, w));
    return work_web_json(web, req, 200, buf_str(&json));
}

/* All required checks passed and tests were among them: with the person's yes
 * nothing is missing. */
static bool is_proved(const struct progress *p)
{
    for (int c = 0; c < CHECK_COUNT; c++)
        if (p->plan.need.checks[c] && !p->passed[c])
            return false;
    return p->plan.need.checks[CHECK_TESTS] && p->tier < p->plan.n_tiers;
}

static enum err read_decision(struct json v, const struct progress *p,
                              struct decision *d, struct why *w)
{
    static const struct {
        const char *action;
        enum verdict verdict;
    } actions[] = {
        {"approve", VERDICT_APPROVED},
        {"reject", VERDICT_REJECTED},
        {"edit", VERDICT_EDITED},
        {"skip", VERDICT_SKIPPED},
    };
    size_t i = 0;

    *d = (struct decision){STR_EMPTY, STR_EMPTY, STR_EMPTY, VERDICT_SKIPPED};
    TRY(json_get_str(v, "action", &d->action, w));
    while (i < COUNTOF(actions) && !str_eq(d->action, str_c(actions[i].action)))
        i++;
    if (i == COUNTOF(actions))
        return json_fail(json_get(v, "action"), ERR_PARSE, w,
                         "must be one of approve, reject, edit, skip");
    d->verdict = actions[i].verdict;
    TRY(json_opt_str(v, "note", &d->note, w));
    TRY(json_opt_str(v, "code", &d->code, w));
    if (d->note.n > NOTE_MAX)
        return json_fail(json_get(v, "note"), ERR_LIMIT, w,
                         "is longer than %d bytes", NOTE_MAX);
    if ((d->verdict == VERDICT_EDITED) != (d->code.n != 0))
        return FAIL(w, ERR_PARSE,
                    "\"code\" goes with the action edit, and "
                    "edit with \"code\"");
    if (d->code.n > EXTRACT_CODE_MAX)
        return json_fail(json_get(v, "code"), ERR_LIMIT, w,
                         "is longer than %d bytes", EXTRACT_CODE_MAX);
    if (d->verdict == VERDICT_APPROVED && p->code.len == 0)
        return FAIL(w, ERR_PARSE,
                    "there is no code to approve; edit brings "
                    "code of your own");
    if (d->verdict == VERDICT_APPROVED && is_proved(p))
        d->verdict = VERDICT_VERIFIED;
    return ERR_OK;
}

static enum err store(struct work_web *web, struct str id, struct progress *p,
                      const struct decision *d, struct why *w)
{
    CLEANUP(buf_done) struct buf members = BUF_INIT(4 << 20);
    CLEANUP(buf_done) struct buf data = BUF_INIT(EVENT_DATA_MAX);
    struct jsonw jw = JSONW_INIT(&members);

    jsonw_obj(&jw);
    jsonw_key_str(&jw, "action", d->action);
    jsonw_key_cstr(&jw, "verdict", verdict_name(d->verdict));
    jsonw_key_str(&jw, "note", d->note);
    if (d->code.n != 0)
        jsonw_key_str(&jw, "code", d->code);
    jsonw_obj_end(&jw);
    TRY(jsonw_end(&jw));
    TRY(worklog_append(&web->log, id, p, EVENT_REVIEW_DECIDED,
                       buf_str(&members), &data, w));
    follow_event(web->follow, id, EVENT_REVIEW_DECIDED, buf_str(&data));
    return ERR_OK;
}

static enum err decide_on(struct work_web *web, struct http_req *req,
                          struct str id, struct progress *p, struct why *w)
{
    CLEANUP(json_done) struct json_doc doc = JSON_DOC_INIT;
    CLEANUP(buf_done) struct buf json = BUF_INIT(LIST_BYTES);
    struct decision d;

    TRY(json_parse(&doc, req->body, NULL, w));
    TRY(worklog_progress(&web->log, id, p, w));
    if (!p->is_done || !p->in_review || p->is_decided)
        return FAIL(w, ERR_EXISTS, "this task waits for no decision");
    TRY(read_decision(json_root(&doc), p, &d, w));
    TRY(store(web, id, p, &d, w));
    TRY(worklog_task_json(&web->log, id, false, &json, w));
    return work_web_json(web, req, 200, buf_str(&json));
}

static enum err decide(struct work_web *web, struct http_req *req,
                       struct str arg, struct why *w)
{
    struct progress p;
    enum err e;

    if (!id_valid(arg, "task"))
        return FAIL(w, ERR_NOTFOUND, "there is no task %.*s",
                    STR_ARG(str_sub(arg, 0, 60)));
    progress_init(&p);
    e = decide_on(web, req, arg, &p, w);
    progress_done(&p);
    return e;
}

const struct work_route review_routes[] = {
    {"GET", "/v1/reviews", 64 << 10, list},
    {"POST", "/v1/reviews/*", BODY_MAX, decide},
};
const size_t review_route_count = COUNTOF(review_routes);
