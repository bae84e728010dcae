/*
 * gateway.h - the gateway process: HTTP in front, runners behind.
 *
 * One event loop, one thread, nothing blocks but reading a model's header
 * before its load. See README.md for the way of a request through the files.
 */
#ifndef GATEWAY_GATEWAY_H
#define GATEWAY_GATEWAY_H

#include "base/buf.h"
#include "config/options.h"
#include "sys/paths.h"

struct gateway_opts {
    const struct options *options;
    const struct paths *paths; /* made (paths_make) */
    int super_fd;              /* the supervisor's channel; taken */
    const char *build; /* version text for HELLO and system_fingerprint */
};

/* Serves until the supervisor says STOP or goes away, or SIGTERM. Returns what
 * ended it: ERR_OK, or why it could not start. */
NODISCARD enum err gateway_main(const struct gateway_opts *opts,
                                struct why *why);

/* Appends docs/reference/routes.md, metrics.md. */
NODISCARD enum err gateway_doc_routes(struct buf *out);
NODISCARD enum err gateway_doc_metrics(struct buf *out);

#endif
