/*
 * llama_log.h - lines of the library's log, which come in pieces, and the last
 * error among them: the only explanation of a load that failed.
 *
 * The library has one log per process, so has this file.
 */
#ifndef RUNNER_LLAMA_LLAMA_LOG_H
#define RUNNER_LLAMA_LLAMA_LOG_H

#include "base/str.h"

/* Level 0 debug, 1 info, 2 warning, 3 error. NULL drops the lines. */
void llama_log_to(void (*sink)(void *ctx, int level, struct str line),
                  void *ctx);

/* Errors that we caused ourselves, by stopping a step, are level 0. */
void llama_log_expect_errors(bool yes);

/* The library's last words, as an error line. */
void llama_log_abort(const char *text);

void llama_log_forget(void); /* the last error */
const char *llama_log_last_error(void);

#endif
