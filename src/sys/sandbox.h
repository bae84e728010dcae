/*
 * sandbox.h - this process gives up its rights for good.
 *
 * After sandbox_enter it can open nothing but the files it named, reach no
 * network and no other process, start no program, and get no right back:
 * Landlock (files, TCP, signals, abstract sockets) and a seccomp allow-list
 * (sandbox_calls.def). Open descriptors stay usable; threads can be made.
 * Root is held the same way. Enter before the first thread and after loading
 * what the dynamic linker must load. Memory cannot become executable later.
 *
 * Source: Documentation/userspace-api/landlock.rst, seccomp(2).
 */
#ifndef SYS_SANDBOX_H
#define SYS_SANDBOX_H

#include "base/err.h"

struct sandbox_opts {
    const char *const *read_only; /* files and directories (all below) */
    size_t n_read_only;
    const char *read_write; /* one directory, or NULL: nothing is writable */
    bool unconfined;        /* go on where the system has no sandbox */
};

struct sandbox_report {
    int landlock_abi;         /* 0: the kernel has none */
    bool files, tcp, signals; /* held by Landlock */
    bool calls;               /* held by seccomp: sockets, exec, ptrace, ... */
};

/* ERR_SANDBOX when files or calls cannot be held, unless `unconfined`;
 * ERR_NOTFOUND when a path does not exist. After a failure the process may be
 * partly confined: it should end. */
NODISCARD enum err sandbox_enter(const struct sandbox_opts *o,
                                 struct sandbox_report *report, struct why *w);

/* What this system could hold; changes nothing. For `hearth doctor`. */
void sandbox_probe(struct sandbox_report *report);

#endif
