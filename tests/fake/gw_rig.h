/*
 * gw_rig.h - a running gateway with fake runners, and clients for it, for the
 * tests of src/gateway. The gateway is a process of its own (fake_serve), so
 * nothing of the test's is shared with it.
 *
 *     struct gw_rig r;
 *     gw_rig_start(&r, "load_ms=10", "serving.parallel=2", NULL);
 *     struct gw_call *c = gw_rig_post(&r, "/v1/chat/completions", body);
 *     CHECK(gw_rig_wait(&r, c) == ERR_OK && c->status == 200);
 *     gw_rig_stop(&r);
 *
 * Models: "a" and "b" (copies of the tiny model's file, so that their headers
 * are real) and "broken" (no GGUF). Everything ends the test that fails here.
 */
#ifndef TESTS_FAKE_GW_RIG_H
#define TESTS_FAKE_GW_RIG_H

#include "base/buf.h"
#include "net/httpc.h"

enum { GW_CALLS_MAX = 64, GW_ARGS_MAX = 30 };

struct gw_call {
    struct gw_rig *rig;
    struct httpc_call *http; /* NULL: over */
    int status;
    struct buf fields; /* "name: value\n" lines */
    struct buf body;
    enum err end; /* of the call; ERR_OK: a whole answer came */
    bool over, used;
    struct buf sent;
};

struct gw_rig {
    int pid, in, out;
    char home[256], url[128], socket[300];
    struct buf said; /* what fake_serve printed */
    struct loop *loop;
    struct httpc *httpc;
    struct gw_call *calls; /* GW_CALLS_MAX */
};

/* `fake`: the environment variable FAKE_RUNNER. Then settings "name=value",
 * and NULL. "yaml:..." is the text of the configuration file. */
void gw_rig_start(struct gw_rig *r, const char *fake, ...);
/* The gateway's `nth` allocation fails, counted from its start. False when it
 * ended because of that; only gw_rig_stop_any may follow either way. */
bool gw_rig_start_fault(struct gw_rig *r, unsigned nth);
/* As gw_rig_stop, but the gateway may have failed; it must not have died of a
 * signal. True when it ended with 0. */
bool gw_rig_stop_any(struct gw_rig *r);
/* Stops in order; the gateway must end with 0. */
void gw_rig_stop(struct gw_rig *r);

/* Begin a request; over the Unix socket for paths below /admin. The result is
 * good until gw_rig_stop. */
struct gw_call *gw_rig_get(struct gw_rig *r, const char *path);
struct gw_call *gw_rig_post(struct gw_rig *r, const char *path,
                            const char *body);
/* With more fields, "Name: value\nName: value". */
struct gw_call *gw_rig_call(struct gw_rig *r, const char *method,
                            const char *path, const char *fields,
                            struct str body);

/* Rounds of the loop until it is over; its `end`. */
enum err gw_rig_wait(struct gw_rig *r, struct gw_call *c);
/* ... until `text` came in its body (true) or it is over (false). */
bool gw_rig_until(struct gw_rig *r, struct gw_call *c, const char *text);
void gw_rig_leave(struct gw_call *c); /* the client goes */

/* How often `text` is in the call's body. */
size_t gw_rig_count(const struct gw_call *c, const char *text);
bool gw_rig_has(const struct gw_call *c, const char *text);
/* The same in its fields (names as they were sent). */
bool gw_rig_has_field(const struct gw_call *c, const char *line);

/* One whole chat of model `model` whose only message is `text`. */
struct gw_call *gw_rig_chat(struct gw_rig *r, const char *model,
                            const char *text, bool stream);
/* The pid of the n-th runner started (from 0), or 0. */
int gw_rig_runner(struct gw_rig *r, size_t n);

#endif
