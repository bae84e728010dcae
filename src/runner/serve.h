/*
 * serve.h - a runner's life: messages in, messages out, steps in between.
 *
 * One thread does everything. It waits on the channel when there is nothing to
 * compute; while it computes, the engine asks every few milliseconds whether
 * to go on, and then the channel is read for CANCEL and for its end. The
 * protocol is docs/protocol/ipc.md. A message that does not parse or may not
 * come now ends the process: the peer is broken or hostile.
 *
 * What a model file makes the library do (abort included) is no concern of
 * this file: the process is the wall.
 */
#ifndef RUNNER_SERVE_H
#define RUNNER_SERVE_H

#include "runner/engine.h"

struct serve_opts {
    int fd;            /* the channel; taken */
    const char *model; /* path of the model file */
    const char *build; /* for HELLO */
    /* The engine's constructors (engine_llama.h). */
    enum err (*probe)(const struct engine_load *load, struct engine_need *out,
                      struct why *why);
    enum err (*open)(const struct engine_load *load, struct engine **out,
                     struct why *why);
    /* After HELLO, before the model file is touched. May be NULL. */
    enum err (*confine)(void *ctx, struct why *why);
    void *ctx;
};

/* Until the channel ends or STOP: ERR_OK then; ERR_PROTOCOL, ERR_SANDBOX,
 * ERR_NOMEM, ERR_IO otherwise. */
NODISCARD enum err serve_run(const struct serve_opts *o, struct why *why);

#endif
