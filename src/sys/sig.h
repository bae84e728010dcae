/*
 * sig.h - signals, turned into bytes on a descriptor.
 *
 * Handlers run nothing but a write; programs read the descriptor in their one
 * place of waiting. Process-wide: called by main() only.
 */
#ifndef SYS_SIG_H
#define SYS_SIG_H

#include "base/err.h"

/* A write to a closed pipe, or past the file size that the system allows us,
 * is then an error and not our death. */
void sig_ignore_pipe(void);

/* From now on each of `signals` writes one byte, its number, to the pipe
 * whose read end (non-blocking) is `*fd`. Once per process. */
NODISCARD enum err sig_watch(const int *signals, size_t count, int *fd,
                             struct why *w);
/* The next signal that came, or 0. */
int sig_next(int fd);

#endif
