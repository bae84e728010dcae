/*
 * httpc_sync.h - one blocking HTTP request, for threads and commands.
 *
 * The same request, rules and errors as httpc.h, without a loop. The answer
 * is collected, or streamed to `on_data`. Thread: any, each call is its own
 * connection; httpc_sync_global first, once, in main.
 */
#ifndef NET_HTTPC_SYNC_H
#define NET_HTTPC_SYNC_H

#include <stdatomic.h>

#include "base/buf.h"
#include "net/httpc.h"

/* Before any thread; also done by httpc_new. */
NODISCARD enum err httpc_sync_global(struct why *why);

struct httpc_sync_events {
    /* May be NULL. An error ends the call. */
    enum err (*on_head)(void *ctx, const struct httpc_answer *a);
    /* ERR_OK to go on; an error ends the call (no ERR_AGAIN here: it may
     * block instead). */
    enum err (*on_data)(void *ctx, struct str bytes);
    void *ctx;
};

/* Blocks. `*cancel` (may be NULL) is looked at ten times a second at least:
 * ERR_CANCELLED. `*status` is 0 until a head came. rq->on_need must be
 * NULL. */
NODISCARD enum err httpc_sync(const struct httpc_request *rq,
                              const struct httpc_sync_events *events,
                              const atomic_bool *cancel, int *status,
                              struct why *why);

/* The answer's body is added to `body` (its ceiling applies: ERR_LIMIT). */
NODISCARD enum err httpc_sync_get(const struct httpc_request *rq,
                                  struct buf *body, const atomic_bool *cancel,
                                  int *status, struct why *why);

#endif
