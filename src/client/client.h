/*
 * client.h - talks to a running hearth: one blocking call, or one stream of
 * server-sent events. Used by the command line and by the orchestrator, which
 * is a client of the gateway like any other.
 *
 * An answer with an HTTP status of 400 and above becomes a failure: its code
 * from the status, its message from the error object (OpenAI's shape) that
 * the server sent. Thread: any; a `struct client` is read-only after
 * client_init and may be shared.
 */
#ifndef CLIENT_CLIENT_H
#define CLIENT_CLIENT_H

#include <stdatomic.h>

#include "base/buf.h"
#include "base/err.h"

enum { CLIENT_ANSWER_MAX = 64 << 20, CLIENT_EVENT_MAX = 4 << 20 };

struct client {
    struct str unix_path;      /* empty: by the network */
    struct str base_url;       /* "http://hearth" for a Unix socket */
    const atomic_bool *cancel; /* may be NULL; true ends a call */
};

/* `unix_path` is borrowed for the life of the client. */
struct client client_unix(struct str unix_path, const atomic_bool *cancel);

/* The body of the answer is added to `answer`. `body` empty: no body.
 * ERR_IO with a message that says how to start hearth when nobody listens. */
NODISCARD enum err client_call(const struct client *c, struct str method,
                               struct str path, struct str body,
                               struct buf *answer, struct why *why);

/* An event of the stream; both slices are borrowed during the call. An error
 * ends the stream with that error. */
typedef enum err client_event_fn(void *ctx, struct str event, struct str data);

/* Reads the whole stream. ERR_EOF when it was cut off in mid-event. */
NODISCARD enum err client_stream(const struct client *c, struct str method,
                                 struct str path, struct str body,
                                 client_event_fn *on_event, void *ctx,
                                 struct why *why);

#endif
