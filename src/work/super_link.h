/*
 * super_link.h - the orchestrator's end of the channel to the supervisor: says
 * HELLO and UP, hears STOP and answers PING. Loop thread.
 */
#ifndef WORK_SUPER_LINK_H
#define WORK_SUPER_LINK_H

#include "ipc/chan.h"
#include "net/loop.h"

struct super_link {
    /* set by the owner */
    void (*on_stop)(void *ctx, uint32_t drain_ms);
    void (*on_gone)(void *ctx); /* the supervisor is gone; once */
    void *ctx;
    /* ours */
    struct watch *watch; /* NULL: not open */
    struct chan chan;
};

/* Takes `fd`, and says HELLO. `*k` holds the owner's three. */
NODISCARD enum err super_link_open(struct super_link *k, struct loop *l, int fd,
                                   const char *build, struct why *w);
/* Ready to serve; `address` is for people. */
NODISCARD enum err super_link_up(struct super_link *k, const char *address,
                                 struct why *w);
void super_link_close(struct super_link *k); /* not open: fine */

#endif
