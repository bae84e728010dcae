/*
 * super.h - the supervisor: `hearth serve`.
 *
 * Starts the gateway and the orchestrator, starts runners when the gateway
 * asks, restarts what dies, and stops all of it in order. It holds the lock
 * of the home directory, opens no network connection and parses nothing but
 * the messages of its children (docs/protocol/ipc.md).
 *
 * Nothing outlives it: children die with it even after kill -9 (the kernel
 * sends them SIGKILL, and their channel ends), runners of a dead gateway are
 * killed before the next one starts.
 *
 * Files: $RUN/serve.json while ready; $STATE/log/lives.jsonl, one line for
 * each start and end, for ever; $STATE/serve.lock.
 */
#ifndef SUPER_SUPER_H
#define SUPER_SUPER_H

#include "base/err.h"
#include "sys/paths.h"

enum { SUPER_RUNNER_ARGS = 8 };

struct super_opts {
    const struct paths *paths; /* made (paths_make) */
    /* Programs with their arguments, NULL at the end; they find their channel
     * at descriptor 3 (CHAN_CHILD_FD). `work`: NULL for none. */
    const char *const *gateway, *const *work;
    const char *runner; /* path of the runner program */
    /* More arguments for every runner (log options), NULL at the end; NULL for
     * none; at most SUPER_RUNNER_ARGS. */
    const char *const *runner_args;
    const char *gateway_socket; /* for serve.json; NULL: none */
    const char *work_socket;
    unsigned drain_ms; /* how long running requests may go on at the end */
    /* A part that answers nothing for so long is killed and started again
     * [IPC-15]; 0: never. */
    unsigned hang_ms;
    /* Once, when all parts are up. `address` is what the gateway said. */
    void (*on_ready)(void *ctx, const char *address);
    void *ctx;
};

/* Returns after SIGINT or SIGTERM and a stop in order: ERR_OK. ERR_BUSY: the
 * home is served by another process, which `why` names. ERR_RUNNER: the
 * gateway could not be kept alive. Ignores SIGPIPE. */
NODISCARD enum err super_main(const struct super_opts *o, struct why *w);

/* Where the running server of this home is: fills `pid` and `address`
 * (for the CLI). ERR_NOTFOUND: none is ready; stale files do not count. */
struct super_where {
    int pid;
    char address[256];
    char gateway_socket[256], work_socket[256];
};
NODISCARD enum err super_find(const struct paths *p, struct super_where *out,
                              struct why *w);

#endif
