/*
 * engine_llama.h - llama.cpp as an engine.
 *
 * The only door from the rest of the tree to llama.cpp. A model file is
 * hostile input: llama.cpp may abort on one, which ends this process and
 * nothing else (see cmd/hearth_runner.c for the walls around it).
 */
#ifndef RUNNER_LLAMA_ENGINE_LLAMA_H
#define RUNNER_LLAMA_ENGINE_LLAMA_H

#include "runner/engine.h"

/* Sets up the library once, before any other call. `log` gets its lines
 * (level 0 debug .. 3 error; also the last one before it aborts), NULL drops
 * them. Some of its parts write to standard error beside that. */
void engine_llama_init(void (*log)(void *ctx, int level, struct str line),
                       void *ctx);

/* What would a load take? Reads the file's metadata, allocates nothing of
 * size. ERR_MODEL with llama.cpp's reason when the file is not usable. */
NODISCARD enum err engine_llama_probe(const struct engine_load *load,
                                      struct engine_need *out, struct why *why);

/* Loads; `*out` is closed through its ops. ERR_CANCELLED when progress said
 * so, ERR_NOMEM, ERR_MODEL. */
NODISCARD enum err engine_llama_open(const struct engine_load *load,
                                     struct engine **out, struct why *why);

#endif
