/*
 * gw.h - what all handlers of the gateway share. Owned by gateway.c; the
 * loop's thread only.
 */
#ifndef GATEWAY_GW_H
#define GATEWAY_GW_H

#include "base/id.h"
#include "config/options.h"
#include "data/oai_err.h"
#include "gateway/line.h"
#include "gateway/metrics.h"
#include "gateway/origin.h"
#include "gateway/pool.h"
#include "net/httpc.h"
#include "net/server.h"
#include "sys/paths.h"

struct gw {
    const struct options *options;
    const struct paths *paths;
    const char *build;
    struct loop *loop;
    struct server *server;
    struct httpc *httpc; /* to the orchestrator */
    struct registry *registry;
    struct estimate_store *estimates;
    struct pool *pool;
    struct metrics metrics;
    struct origin_rules rules;
    struct line super;
    bool super_is_up;
    int tcp, unix_socket; /* listeners */
    char address[96];     /* "http://127.0.0.1:8420" */
    char work_socket[PATHS_MAX];
    char kv_dir[PATHS_MAX];
    uint64_t scanned_ms; /* the models folder */
    bool stopping;
    int64_t started_unix_ms;
    enum err outcome; /* of gateway_main */
    struct why why;
};

/* All models of the settings, those shipped, and the models folder. Settings
 * that contradict each other are ERR_EXISTS; a missing file is not. */
NODISCARD enum err gw_add_models(struct gw *gw, struct why *why);

/* Looks into the models folder for new files, at most every two seconds. */
void gw_rescan(struct gw *gw);

/* A model by name or alias; rescans when the name is not known. SIZE_MAX: there is none. */
size_t gw_find_model(struct gw *gw, struct str name);

/* Fills in the 404 that names what there is. */
enum err gw_no_model(struct gw *gw, struct str name, struct oai_err *o);

/* A fresh "<prefix>_..." id. */
struct id gw_id(const char *prefix);

#endif
