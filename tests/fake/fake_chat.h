/*
 * fake_chat.h - POST /v1/chat/completions as the gateway would answer it, for
 * what is a client of the gateway: an entry of the routes of a work_rig.
 *
 * There is one; each test says first what it answers. Set and read on the
 * client's thread, between its calls.
 */
#ifndef TESTS_FAKE_FAKE_CHAT_H
#define TESTS_FAKE_FAKE_CHAT_H

#include <stdatomic.h>

#include "work/work_web.h"

struct fake_chat {
    const char *const *script; /* data of the events, ends with NULL */
    enum err refusal;          /* instead of the script, "no such model" */
    bool never_ends;           /* the stream stays open after the script */
    char asked[8192];          /* the latest body */
    atomic_int aborts;         /* clients that went before the end */
};
extern struct fake_chat fake_chat;

extern const struct work_route fake_chat_route;

/* For other doubles of the gateway: counts into `aborts`. */
void fake_chat_on_abort(void *ctx, struct http_ref ref);

#endif
