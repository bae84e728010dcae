/*
 * work_web.h - what a handler of the orchestrator's HTTP needs, and the table
 * of routes. Answers have the shape of OpenAI's: JSON, errors as data/oai_err
 * writes them, here and in the gateway. Loop thread.
 */
#ifndef WORK_WORK_WEB_H
#define WORK_WORK_WEB_H

#include "config/options.h"
#include "net/httpc.h"
#include "net/server.h"
#include "sys/paths.h"
#include "work/crew.h"
#include "work/follow.h"

enum { WORK_PATH_MAX = 1280 };

struct work_web {
    struct loop *loop;
    struct server *server;
    struct httpc *client; /* for handlers that ask the gateway */
    struct worklog log;
    struct crew *crew;
    struct follow *follow;
    const struct options *options;
    const struct work_route *more;
    size_t n_more;
    char gateway_socket[WORK_PATH_MAX];
    char db_url[WORK_PATH_MAX];
    bool is_draining;
    unsigned patience_ms; /* of the council; 0: the usual */
};

/* `path` may hold one "*", a path segment that goes to the handler as `arg`
 * (borrowed like the head), and ends with "?" and the parameters of the query
 * that the route takes, if any: "/v1/tasks?limit before". Others are refused
 * before the handler. The handler answers, now or later. An error that it
 * returns is answered for it. */
struct work_route {
    const char *method, *path;
    uint64_t body_max;
    enum err (*serve)(struct work_web *web, struct http_req *req,
                      struct str arg, struct why *w);
};

/* server_handler of the orchestrator; ctx is the web. */
void work_web_on_head(void *ctx, struct http_req *req, struct http_plan *plan);
void work_web_on_request(void *ctx, struct http_req *req);
struct str work_web_on_refuse(void *ctx, enum http1_no no, struct buf *body);

/* 200 and other complete answers. */
NODISCARD enum err work_web_json(struct work_web *web, struct http_req *req,
                                 int status, struct str json);
/* The error object; status and retry advice come from the code. */
void work_web_error(struct work_web *web, struct http_ref ref, enum err e,
                    const struct why *w);
/* The same object as text, for an error inside a stream. */
NODISCARD enum err work_web_error_json(enum err e, const struct why *w,
                                       struct buf *out);

/* A decoded query parameter added to `out`; absent: nothing added. */
NODISCARD enum err work_web_param(struct http_req *req, const char *name,
                                  struct buf *out, struct why *w);

/* The rooms of this folder. */
extern const struct work_route task_routes[], review_routes[];
extern const size_t task_route_count, review_route_count;

#endif
