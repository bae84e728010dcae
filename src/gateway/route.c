#include "gateway/route.h"

#include "data/uri.h"
#include "gateway/exch.h"
#include "gateway/handlers.h"

enum { ARG_MAX_BYTES = 1024 };

#define BODY_BODY true
#define BODY_NONE false
static const struct route rows[] = {
#define ROUTE(name, method, path, handler, where, body, help)                  \
    {#name, method, path, help, handler, ROUTE_##where, BODY_##body},
#include "gateway/routes.def"
#undef ROUTE
};

size_t route_index(const struct route *r)
{
    return r == NULL ? METRICS_ROUTES_MAX - 1 : (size_t)(r - rows);
}

const char *route_name_at(size_t index)
{
    return index < COUNTOF(rows) ? rows[index].path : "none";
}

/* ---- matching ----------------------------------------------------------------- */

/* Does `path` have the shape of `pattern`? `*arg` is what stands for {..}. */
static bool fits(const char *pattern, struct str path, struct str *arg)
{
    struct str want = str_c(pattern), head, tail;
    size_t open = str_find(want, STR("{")), close;

    *arg = STR_EMPTY;
    if (open == SIZE_MAX)
        return str_eq(want, path);
    close = str_find(want, STR("}"));
    head = str_sub(want, 0, open);
    tail = str_sub(want, close + 1, SIZE_MAX);
    if (path.n <= head.n + tail.n || !str_starts(path, head)
        || !str_ends(path, tail))
        return false;
    *arg = str_sub(path, head.n, path.n - head.n - tail.n);
    return true;
}

static bool takes(const struct route *r, struct str method)
{
    return r->method[0] == '*' || str_eq(method, str_c(r->method))
           || (str_eq(method, STR("HEAD"))
               && str_eq(STR("GET"), str_c(r->method)));
}

struct found {
    const struct route *route; /* NULL: none */
    struct str arg;            /* still encoded */
    struct buf allow;          /* methods of rows that fit but for the method */
};

static enum err find(struct str method, struct str path, bool is_unix,
                     struct found *f)
{
    for (size_t i = 0; i < COUNTOF(rows); i++) {
        struct str arg;

        if ((rows[i].where == ROUTE_ADMIN && !is_unix)
            || !fits(rows[i].path, path, &arg))
            continue;
        if (takes(&rows[i], method)) {
            f->route = &rows[i];
            f->arg = arg;
            return ERR_OK;
        }
        if (f->allow.len != 0)
            TRY(buf_add(&f->allow, STR(", ")));
        TRY(buf_add_c(&f->allow, rows[i].method));
    }
    return f->allow.len != 0 ? ERR_METHOD : ERR_NOTFOUND;
}

/* ---- refusals before a handler --------------------------------------------------- */

static void refuse(struct gw *gw, struct http_req *req, const struct why *why)
{
    struct exch x;

    exch_begin(&x, gw, req, NULL);
    exch_refuse_why(&x, why);
}

static void refuse_method(struct gw *gw, struct http_req *req, struct str allow)
{
    const struct http1_field fields[] = {{STR("Allow"), allow}};
    struct buf CLEANUP(buf_done) body = BUF_INIT(2000);
    struct oai_err o = OAI_ERR_INIT;
    struct http_answer a = {405, STR("application/json"), fields, 1};

    (void)oai_err_fail(&o, ERR_METHOD, NULL, NULL,
                       "this path takes %.*s, not %.*s", STR_ARG(allow),
                       STR_ARG(str_sub(req->head->method, 0, 20)));
    if (oai_err_write(&o, &body) != ERR_OK
        || http_respond(gw->server, req->ref, &a, buf_str(&body)) != ERR_OK)
        http_stream_abort(gw->server, req->ref);
    metrics_request(&gw->metrics, METRICS_ROUTES_MAX, 405);
}

/* What a browser asks before it lets a configured origin's page call. */
static void answer_preflight(struct gw *gw, struct http_req *req,
                             struct str origin)
{
    const struct http1_field fields[] = {
        {STR("Access-Control-Allow-Origin"), origin},
        {STR("Access-Control-Allow-Methods"), STR("GET, POST, DELETE")},
        {STR("Access-Control-Allow-Headers"),
         STR("authorization, content-type, x-request-id, "
             "x-stainless-retry-count, x-stainless-timeout")},
        {STR("Access-Control-Max-Age"), STR("600")},
        {STR("Vary"), STR("Origin")},
    };
    struct http_answer a = {204, STR_EMPTY, fields, COUNTOF(fields)};

    if (http_respond(gw->server, req->ref, &a, STR_EMPTY) != ERR_OK)
        http_stream_abort(gw->server, req->ref);
    metrics_request(&gw->metrics, METRICS_ROUTES_MAX, 204);
}

static bool is_unix(const struct gw *gw, const struct http_req *req)
{
    return req->listener == gw->unix_socket;
}

/* False when it was answered. */
static bool may_enter(struct gw *gw, struct http_req *req)
{
    struct str origin = STR_EMPTY;
    struct why why = WHY_INIT;

    if (is_unix(gw, req))
        return true;
    if (origin_check(&gw->rules, req->head, &origin, &why) != ERR_OK) {
        refuse(gw, req, &why);
        return false;
    }
    if (origin.n != 0 && str_eq(req->head->method, STR("OPTIONS"))) {
        answer_preflight(gw, req, origin);
        return false;
    }
    return true;
}

void route_on_head(void *ctx, struct http_req *req, struct http_plan *plan)
{
    struct gw *gw = ctx;
    struct found f = {.allow = BUF_INIT(200)};
    struct why why = WHY_INIT;
    enum err e;

    if (!may_enter(gw, req))
        return;
    e = find(req->head->method, req->head->path, is_unix(gw, req), &f);
    if (e == ERR_OK)
        plan->body_max = f.route->has_body ? gw->options->server_body_max : 0;
    else if (e == ERR_METHOD)
        refuse_method(gw, req, buf_str(&f.allow));
    if (e == ERR_NOTFOUND) {
        (void)FAIL(&why, e,
                   "there is nothing at %.*s (see docs/reference/"
                   "routes.md)",
                   STR_ARG(str_sub(req->head->path, 0, 200)));
        refuse(gw, req, &why);
    }
    buf_done(&f.allow);
}

void route_on_request(void *ctx, struct http_req *req)
{
    struct gw *gw = ctx;
    struct found f = {.allow = BUF_INIT(200)};
    struct buf CLEANUP(buf_done) raw = BUF_INIT(ARG_MAX_BYTES);
    struct uri_target target;
    struct str arg = STR_EMPTY;
    struct why why = WHY_INIT;
    enum err e;

    e = find(req->head->method, req->head->path, is_unix(gw, req), &f);
    buf_done(&f.allow);
    if (e == ERR_OK)
        e = uri_parse_target(req->head->target, &target, &why);
    if (e == ERR_OK && f.arg.n != 0)
        e = uri_decode(f.arg, false, &raw, &why);
    if (e == ERR_LIMIT) /* nothing has such a long name */
        e = FAIL(&why, ERR_NOTFOUND, "there is nothing of that name");
    if (e == ERR_OK && f.arg.n != 0)
        e = arena_dup(&req->arena, buf_str(&raw), &arg);
    if (e != ERR_OK) {
        if (why.code == ERR_OK)
            (void)FAIL(&why, e, "%s", err_text(e));
        refuse(gw, req, &why);
        return;
    }
    f.route->handler(gw, req, f.route, arg);
}

struct str route_on_refuse(void *ctx, enum http1_no no, struct buf *body)
{
    struct oai_err o = OAI_ERR_INIT;
    int status = http1_no_status(no);

    (void)ctx;
    (void)oai_err_fail(&o,
                       status >= 500   ? ERR_NOMEM
                       : status == 413 ? ERR_LIMIT
                                       : ERR_PARSE,
                       NULL, NULL, "%s", http1_no_text(no));
    if (oai_err_write(&o, body) != ERR_OK)
        buf_clear(body);
    return STR("application/json");
}

enum err route_doc(struct buf *out)
{
    TRY(buf_add_c(out,
                  "# Routes of the gateway\n\nMade by `hearth docs routes` "
                  "from src/gateway/routes.def; do not edit. What the bodies "
                  "look like is in docs/protocol/http.md.\n\n"
                  "| method | path | listener | body | what it does |\n"
                  "|---|---|---|---|---|\n"));
    for (size_t i = 0; i < COUNTOF(rows); i++)
        TRY(buf_printf(out, "| %s | `%s` | %s | %s | %s |\n",
                       rows[i].method[0] == '*' ? "any" : rows[i].method,
                       rows[i].path,
                       rows[i].where == ROUTE_ADMIN ? "Unix socket" : "all",
                       rows[i].has_body ? "yes" : "none", rows[i].help));
    return ERR_OK;
}
