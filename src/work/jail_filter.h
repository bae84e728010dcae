/*
 * jail_filter.h - the system calls that a program inside a jail cannot make.
 *
 * Namespaces do not hold everything: vsock reaches the hypervisor, key rings
 * belong to the user, and some calls are doors to kernel code that no
 * candidate needs. These fail with EPERM (clone3 with ENOSYS, so that libc
 * takes clone, whose flags can be looked at). Sockets are AF_UNIX only.
 */
#ifndef WORK_JAIL_FILTER_H
#define WORK_JAIL_FILTER_H

#include "base/err.h"

/* `*fd` is a pipe that holds the filter as bubblewrap's --seccomp reads it;
 * the caller's to close. `forks` false: threads, but no processes.
 * ERR_SANDBOX, ERR_NOMEM. Thread: any. */
NODISCARD enum err jail_filter_open(bool forks, int *fd, struct why *w);

#endif
