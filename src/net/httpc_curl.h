/*
 * httpc_curl.h - what httpc.c and httpc_sync.c share of libcurl: one easy
 * handle with our rules, its callbacks, and curl's errors in our words.
 * Nobody else includes this.
 */
#ifndef NET_HTTPC_CURL_H
#define NET_HTTPC_CURL_H

#include <curl/curl.h>

#include "base/buf.h"
#include "net/httpc.h"

struct httpc_hooks {
    enum err (*head)(void *ctx, const struct httpc_answer *a);
    enum err (*data)(void *ctx, struct str bytes); /* ERR_AGAIN: paused */
    enum err (*need)(void *ctx, char *dst, size_t cap, size_t *n);
    void (*progress)(void *ctx); /* bytes moved */
    void *ctx;
};

struct httpc_wire {
    CURL *easy;
    struct curl_slist *list;
    struct httpc_hooks hooks;
    struct buf head; /* the lines of the answer's head */
    struct http1_field *fields;
    uint64_t answer_max, answer_seen, moved;
    int status;
    enum err fail; /* ours; curl only knows that a callback said no */
    struct why why;
    bool head_done, is_paused;
    char error[CURL_ERROR_SIZE];
};

/* curl_global_init, once for the process. */
NODISCARD enum err httpc_curl_global(struct why *why);

/* `w` is zeroed and stays where it is; _done after any result. */
NODISCARD enum err httpc_curl_init(struct httpc_wire *w,
                                   const struct httpc_request *rq,
                                   const struct httpc_hooks *hooks,
                                   struct why *why);
void httpc_curl_done(struct httpc_wire *w);

/* How the transfer ended; fills w->why unless ERR_OK. */
enum err httpc_curl_result(struct httpc_wire *w, CURLcode code);

unsigned httpc_curl_stall_ms(const struct httpc_request *rq);

#endif
