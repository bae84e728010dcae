/*
 * handlers.h - the handlers of routes.def, one declaration each; every one is
 * a route_handler (route.h) and answers through an exch (exch.h).
 */
#ifndef GATEWAY_HANDLERS_H
#define GATEWAY_HANDLERS_H

#include "gateway/route.h"

route_handler oai_chat, oai_completions, oai_embeddings, oai_models, oai_model;
route_handler health_alive, health_ready, health_metrics;
route_handler admin_models, admin_ps, admin_load, admin_unload, admin_explain,
    admin_memory;
route_handler forward_work;

#endif
