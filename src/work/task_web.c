/*
 * task_web.c - /v1/tasks: make, list, show, watch, cancel.
 */
#include "data/jsonw.h"
#include "sys/clock.h"
#include "sys/entropy.h"
#include "work/request.h"
#include "work/work_web.h"

enum {
    PARAM_MAX = 128,
    LIST_DEFAULT = 20,
    LIST_BYTES = 4 << 20,
    TASK_BYTES = 48 << 20,
    SMALL_BODY = 64 << 10
};

/* ---- make ----------------------------------------------------------------------------- */

static enum err fresh_id(struct id *out, struct why *w)
{
    unsigned char random[10];

    if (entropy_fill(random, sizeof(random)) != ERR_OK)
        return FAIL(w, ERR_IO, "the kernel gives no random bytes");
    *out = id_make("task", clock_unix_ms(), random);
    return ERR_OK;
}

static enum err created(const struct request *q, struct buf *out)
{
    struct jsonw w = JSONW_INIT(out);

    jsonw_obj(&w);
    jsonw_key_str(&w, "prompt", q->prompt);
    jsonw_key_cstr(&w, "language", lang_name(q->lang));
    jsonw_key_str(&w, "entry", q->entry);
    jsonw_obj_end(&w);
    return jsonw_end(&w);
}

/* Into the database first; what the crew does not take in this life it finds
 * there in the next. ERR_EXISTS: `*id` is the task of that key. */
static enum err store(struct work_web *web, const struct request *q,
                      struct id *id, struct why *w)
{
    CLEANUP(buf_done) struct buf spec = BUF_INIT(REQUEST_BODY_MAX * 2);
    CLEANUP(buf_done) struct buf members = BUF_INIT(REQUEST_BODY_MAX * 2);
    struct id made;
    struct worklog_new n = {.prompt = q->prompt,
                            .language = str_c(lang_name(q->lang)),
                            .idem = q->idem};

    if (!crew_has_room(web->crew))
        return FAIL(w, ERR_BUSY,
                    "too many tasks wait already: try again later");
    TRY(fresh_id(&made, w));
    TRY(request_spec(q, &spec));
    TRY(created(q, &members));
    n.id = str_c(made.text);
    n.spec = buf_str(&spec);
    n.created = buf_str(&members);
    TRY(worklog_create(&web->log, &n, id, w));
    *id = made;
    return crew_add(web->crew, str_c(made.text), true, w);
}

/* The key of another request must not hand out that one's task. */
static enum err same_request(struct work_web *web, const struct request *q,
                             struct str id, struct why *w)
{
    CLEANUP(buf_done) struct buf mine = BUF_INIT(REQUEST_BODY_MAX * 2);
    CLEANUP(buf_done) struct buf theirs = BUF_INIT(REQUEST_BODY_MAX * 2);

    TRY(request_spec(q, &mine));
    TRY(worklog_spec(&web->log, id, &theirs, w));
    if (str_eq(buf_str(&mine), buf_str(&theirs)))
        return ERR_OK;
    return FAIL(w, ERR_EXISTS,
                "this idempotency key belongs to another request: task %.*s",
                STR_ARG(id));
}

static enum err answer_task(struct work_web *web, struct http_req *req,
                            int status, struct str id, struct why *w)
{
    CLEANUP(buf_done) struct buf json = BUF_INIT(TASK_BYTES);

    TRY(worklog_task_json(&web->log, id, false, &json, w));
    return work_web_json(web, req, status, buf_str(&json));
}

static enum err is_over(struct work_web *web, struct str id, bool *over,
                        struct why *w)
{
    struct progress p;
    enum err e;

    progress_init(&p);
    e = worklog_progress(&web->log, id, &p, w);
    *over = p.is_done;
    progress_done(&p);
    return e;
}

static enum err make(struct work_web *web, struct http_req *req, struct str arg,
                     struct why *w)
{
    CLEANUP(request_done) struct request q = {0};
    struct str key = http1_field(req->head, STR("idempotency-key"));
    struct follow_what what = {0};
    struct id id;
    enum err e;

    (void)arg;
    if (web->is_draining)
        return FAIL(w, ERR_SHUTDOWN, "hearth is stopping");
    TRY(request_parse(req->body, &q, w));
    if (q.idem.n == 0)
        q.idem = str_sub(key, 0, WORKLOG_IDEM_MAX);
    e = store(web, &q, &id, w);
    if (e != ERR_OK && e != ERR_EXISTS)
        return e;
    if (e == ERR_EXISTS)
        TRY(same_request(web, &q, str_c(id.text), w));
    if (!q.stream)
        return answer_task(web, req, e == ERR_OK ? 202 : 200, str_c(id.text),
                           w);
    what.task = str_c(id.text);
    what.cancels = q.cancel_on_disconnect;
    if (e == ERR_EXISTS)
        TRY(is_over(web, what.task, &what.over, w));
    return follow_start(web->follow, req, &what, w);
}

/* ---- list, show, watch, cancel ------------------------------------------------------------ */

static enum err number(struct http_req *req, const char *name, uint64_t max,
                       uint64_t *out, struct why *w)
{
    CLEANUP(buf_done) struct buf text = BUF_INIT(PARAM_MAX);

    TRY(work_web_param(req, name, &text, w));
    if (text.len != 0 && !str_u64(buf_str(&text), max, out))
        return FAIL(w, ERR_RANGE, "%s must be a whole number up to %llu", name,
                    (unsigned long long)max);
    return ERR_OK;
}

static enum err list(struct work_web *web, struct http_req *req, struct str arg,
                     struct why *w)
{
    CLEANUP(buf_done) struct buf json = BUF_INIT(LIST_BYTES);
    CLEANUP(buf_done) struct buf before = BUF_INIT(PARAM_MAX);
    uint64_t limit = LIST_DEFAULT;

    (void)arg;
    TRY(number(req, "limit", WORKLOG_LIST_MAX, &limit, w));
    TRY(work_web_param(req, "before", &before, w));
    TRY(worklog_list_json(&web->log, (unsigned)limit, buf_str(&before), &json,
                          w));
    return work_web_json(web, req, 200, buf_str(&json));
}

static enum err known_id(struct str id, struct why *w)
{
    if (!id_valid(id, "task"))
        return FAIL(w, ERR_NOTFOUND, "there is no task %.*s",
                    STR_ARG(str_sub(id, 0, 60)));
    return ERR_OK;
}

static enum err show(struct work_web *web, struct http_req *req, struct str arg,
                     struct why *w)
{
    CLEANUP(buf_done) struct buf json = BUF_INIT(TASK_BYTES);

    TRY(known_id(arg, w));
    TRY(worklog_task_json(&web->log, arg, true, &json, w));
    return work_web_json(web, req, 200, buf_str(&json));
}

static enum err watch(struct work_web *web, struct http_req *req,
                      struct str arg, struct why *w)
{
    struct follow_what what = {.task = arg};

    TRY(known_id(arg, w));
    TRY(number(req, "after", INT64_MAX, &what.after, w));
    TRY(is_over(web, arg, &what.over, w));
    return follow_start(web->follow, req, &what, w);
}

/* A task that is in the database but not with the crew (its trace could not
 * be written) goes back to the crew first: there it meets the signal. */
static enum err cancel(struct work_web *web, struct http_req *req,
                       struct str arg, struct why *w)
{
    bool over = false;

    TRY(known_id(arg, w));
    TRY(is_over(web, arg, &over, w));
    if (!over && !crew_cancel(web->crew, arg)) {
        TRY(crew_add(web->crew, arg, true, w));
        IGNORE(crew_cancel(web->crew, arg)); /* it may have ended by now */
    }
    return answer_task(web, req, over ? 200 : 202, arg, w);
}

const struct work_route task_routes[] = {
    {"POST", "/v1/tasks", REQUEST_BODY_MAX, make},
    {"GET", "/v1/tasks?limit before", SMALL_BODY, list},
    {"GET", "/v1/tasks/*", SMALL_BODY, show},
    {"GET", "/v1/tasks/*/events?after", SMALL_BODY, watch},
    {"POST", "/v1/tasks/*/cancel", SMALL_BODY, cancel},
};
const size_t task_route_count = COUNTOF(task_routes);
