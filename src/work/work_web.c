#include "work/work_web.h"

#include "data/jsonw.h"
#include "data/uri.h"
#include "sys/log.h"

/* ---- answers ------------------------------------------------------------------------ */

static const char *type_of(enum err e)
{
    int status = err_http(e);

    if (status == 429)
        return "rate_limit_error";
    if (status == 404)
        return "not_found_error";
    return status < 500 ? "invalid_request_error" : "server_error";
}

enum err work_web_error_json(enum err e, const struct why *w, struct buf *out)
{
    struct jsonw jw = JSONW_INIT(out);

    jsonw_obj(&jw);
    jsonw_key_obj(&jw, "error");
    jsonw_key_cstr(&jw, "message",
                   w != NULL && w->code != ERR_OK ? err_why(w) : err_text(e));
    jsonw_key_cstr(&jw, "type", type_of(e));
    jsonw_key_null(&jw, "param");
    jsonw_key_cstr(&jw, "code", err_name(e));
    jsonw_obj_end(&jw);
    jsonw_obj_end(&jw);
    return jsonw_end(&jw);
}

enum err work_web_json(struct work_web *web, struct http_req *req, int status,
                       struct str json)
{
    const struct http_answer a = {.status = status,
                                  .type = STR("application/json")};

    return http_respond(web->server, req->ref, &a, json);
}

void work_web_error(struct work_web *web, struct http_ref ref, enum err e,
                    const struct why *w)
{
    CLEANUP(buf_done) struct buf body = BUF_INIT(4096);
    static const struct http1_field retry[] = {{{"retry-after", 11}, {"2", 1}}};
    struct http_answer a = {.status = err_http(e),
                            .type = STR("application/json")};

    if (err_retryable(e) && a.status != 500) {
        a.fields = retry;
        a.field_count = 1;
    }
    if (work_web_error_json(e, w, &body) != ERR_OK
        || http_respond(web->server, ref, &a, buf_str(&body)) != ERR_OK)
        http_stream_abort(web->server, ref);
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

enum err work_web_params_are(struct http_req *req, const char *names,
                             struct why *w)
{
    struct str query = req->head->query, key, value;

    while (uri_next_param(&query, &key, &value))
        if (!words_has(str_c(names), key))
            return FAIL(w, ERR_PARSE,
                        "there is no parameter %.*s here; there are: %s",
                        STR_ARG(str_sub(key, 0, 60)), names);
    return ERR_OK;
}

/* ---- routes -------------------------------------------------------------------------- */

static bool path_is(struct str path, struct str pattern, struct str *arg)
{
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
    struct why why = WHY_INIT;
    struct str arg;
    bool known;
    const struct work_route *r = find(web, req->head, &arg, &known);
    enum err e;

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
