/*
 * route.h - which handler answers which request (rows in routes.def), and
 * what is refused before a handler sees it: foreign hosts and origins, unknown
 * paths (404), wrong methods (405 with Allow), admin routes on the network.
 */
#ifndef GATEWAY_ROUTE_H
#define GATEWAY_ROUTE_H

#include "base/buf.h"
#include "net/server.h"

struct gw;
struct route;

enum route_where { ROUTE_PUBLIC, ROUTE_ADMIN }; /* ADMIN: Unix socket only */

/* `arg` is what stands for the {..} of the path, decoded; it ends with a NUL
 * and lives as long as the request. */
typedef void route_handler(struct gw *gw, struct http_req *req,
                           const struct route *route, struct str arg);

struct route {
    const char *name, *method, *path, *help;
    route_handler *handler;
    enum route_where where;
    bool has_body;
};

/* The events of the server (server.h), with a struct gw as context. */
void route_on_head(void *ctx, struct http_req *req, struct http_plan *plan);
void route_on_request(void *ctx, struct http_req *req);
struct str route_on_refuse(void *ctx, enum http1_no no, struct buf *body);

size_t route_index(const struct route *r); /* for metrics */
const char *route_name_at(size_t index);   /* its path */

/* Appends docs/reference/routes.md. */
NODISCARD enum err route_doc(struct buf *out);

#endif
