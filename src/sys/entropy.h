/*
 * entropy.h - random bytes fit for secrets, from the kernel.
 * Thread: any. Blocks only before the machine has gathered entropy at boot.
 */
#ifndef SYS_ENTROPY_H
#define SYS_ENTROPY_H

#include "base/err.h"

/* All or nothing; ERR_IO when the kernel has no generator. */
NODISCARD enum err entropy_fill(void *p, size_t n);

#endif
