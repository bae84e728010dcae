#include "work/work_web.h"

#include "data/oai_err.h"
#include "data/uri.h"
#include "sys/log.h"

/* ---- answers ------------------------------------------------------------------------ */

enum err work_web_error_json(enum err e, const struct why *w, struct buf *out)
{
    struct oai_err o = OAI_ERR_INIT;

    (void)oai_err_fail(&o, e, NULL, NULL, "%s",
                       w != NULL && w->code != ERR_OK ? err_why(w)
                                                      : err_text(e));
    return oai_err_write(&o, out);
}

enum err work_web_json(struct work_web *web, struct http_req *req, int status,
                       struct str json)
{
    const struct http_answer a = {.status = status,
                                  .type = STR("application/json")};

    return http_respond(web->server, req->ref, &a, json);
}

static void refuse(struct work_web *web, struct http_ref ref,
                   const struct oai_err *o)
{
    CLEANUP(buf_done) struct buf body = BUF_INIT(4096);
    static const struct http1_field retry[] = {{{"retry-after", 11}, {"2", 1}}};
    struct http_answer a = {.status = oai_err_status(o),
                            .type = STR("application/json")};

    if (err_retryable(o->code) && a.status != 500) {
        a.fields = retry;
        a.field_count = 1;
    }
    if (oai_err_write(o, &body) != ERR_OK
        || http_respond(web->server, ref, &a, buf_str(&body)) != ERR_OK)
        http_stream_abort(web->server, ref);
}

void work_web_error(struct work_web *web, struct http_ref ref, enum err e,
                    const struct why *w)
{
    struct oai_err o = OAI_ERR_INIT;

    (void)oai_err_fail(&o, e, NULL, NULL, "%s",
                       w != NULL && w->code != ERR_OK ? err_why(w)
                                                      : err_text(e));
    refuse(web, ref, &o);
}

struct str work_web_on_refuse(void *ctx, enum http1_no no, struct buf *body)
{
    struct why why = WHY_INIT;
    enum err e = http1_no_status(no) == 413 ? ERR_LIMIT : ERR_PARSE;

    (void)ctx;
    (void)FAIL(&why, e, "%s", http1_no_text(no));
    if (work_web_error_json(e, &why, body) != ERR_OK)
        buf_clear(body);
    return STR("application/json");
}

enum err work_web_param(struct http_req *req, const char *name, struct buf *out,
                        struct why *w)
{
    enum err e = uri_get_param(req->head->query, str_c(name), out, w);

    return e == ERR_NOTFOUND ? ERR_OK : e;
}

/* A misspelt parameter would be an answer to another question. */
static enum err check_query(const struct work_route *r, struct str query,
                            struct oai_err *o)
{
    struct str takes = str_c(r->path), path = str_cut(&takes, '?');
    struct str key, value;
    char name[64];

    while (uri_next_param(&query, &key, &value)) {
        if (words_has(takes, key))
            continue;
        (void)snprintf(name, sizeof(name), "%.*s",
                       STR_ARG(str_sub(key, 0, sizeof(name) - 1)));
        return oai_err_fail(o, ERR_PARSE, name, "unknown_parameter",
                            "Unknown parameter: '%s'. %s %.*s takes %.*s.",
                            name, r->method, STR_ARG(path),
                            STR_ARG(takes.n != 0 ? takes : STR("none")));
    }
    return ERR_OK;
}

/* ---- routes -------------------------------------------------------------------------- */

static bool path_is(struct str path, struct str row, struct str *arg)
{
    struct str pattern = str_cut(&row, '?');
    size_t star = str_find(pattern, STR("*"));
    struct str tail;
    size_t slash;

    *arg = STR_EMPTY;
    if (star == SIZE_MAX)
        return str_eq(path, pattern);
    if (!str_starts(path, str_sub(pattern, 0, star)))
        return false;
    tail = str_sub(path, star, SIZE_MAX);
    slash = str_find(tail, STR("/"));
    *arg = str_sub(tail, 0, MIN(slash, tail.n));
    return arg->n != 0
           && str_eq(str_sub(tail, arg->n, SIZE_MAX),
                     str_sub(pattern, star + 1, SIZE_MAX));
}

/* The route; `*known`: another method would have one. */
static const struct work_route *find_in(const struct work_route *routes,
                                        size_t n, const struct http1_head *h,
                                        struct str *arg, bool *known)
{
    for (size_t i = 0; i < n; i++) {
        if (!path_is(h->path, str_c(routes[i].path), arg))
            continue;
        *known = true;
        if (str_eq(h->method, str_c(routes[i].method)))
            return &routes[i];
    }
    return NULL;
}

static const struct work_route *find(struct work_web *web,
                                     const struct http1_head *h,
                                     struct str *arg, bool *known)
{
    const struct work_route *r;

    *known = false;
    r = find_in(task_routes, task_route_count, h, arg, known);
    if (r == NULL)
        r = find_in(review_routes, review_route_count, h, arg, known);
    if (r == NULL)
        r = find_in(web->more, web->n_more, h, arg, known);
    return r;
}

void work_web_on_head(void *ctx, struct http_req *req, struct http_plan *plan)
{
    struct work_web *web = ctx;
    struct str arg;
    bool known;
    const struct work_route *r = find(web, req->head, &arg, &known);

    if (r != NULL)
        plan->body_max = r->body_max;
}

void work_web_on_request(void *ctx, struct http_req *req)
{
    struct work_web *web = ctx;
    struct http_ref ref = req->ref;
    struct oai_err o = OAI_ERR_INIT;
    struct why why = WHY_INIT;
    struct str arg;
    bool known;
    const struct work_route *r = find(web, req->head, &arg, &known);
    enum err e;

    if (r != NULL && check_query(r, req->head->query, &o) != ERR_OK) {
        refuse(web, ref, &o);
        return;
    }
    if (r == NULL) {
        e = known ? ERR_METHOD : ERR_NOTFOUND;
        (void)FAIL(&why, e,
                   known ? "%.*s does not take this method"
                         : "there is nothing at %.*s",
                   STR_ARG(str_sub(req->head->path, 0, 200)));
    } else {
        e = r->serve(web, req, arg, &why);
    }
    if (e == ERR_OK || e == ERR_EOF)
        return;
    if (err_http(e) >= 500)
        LOG(WARN, WORK, "request_failed", LOG_ERR(e), LOG_WHY(&why));
    work_web_error(web, ref, e, &why);
}
