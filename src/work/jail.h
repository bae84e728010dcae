/*
 * jail.h - runs a program that nobody trusts, under bubblewrap.
 *
 * Inside: /usr read-only, an empty environment, a private /tmp of a few MB,
 * one folder at /w, no network, no other process, no devices but the plain
 * ones, no new user namespaces, no capability, its own session, a filter on
 * system calls (jail_filter.h). Ceilings on processor time, memory, processes,
 * file size and open files (prlimit). It ends with us. Everything is refused
 * where this cannot be had: nothing is ever run unconfined.
 *
 * The ceiling on processes does not bind root (setrlimit(2)); what does is that
 * a program that is not a compiler may start none (`forks` false).
 *
 * Thread: any; jail_check is called once before the others.
 */
#ifndef WORK_JAIL_H
#define WORK_JAIL_H

#include "sys/child.h"

enum { JAIL_ARGS = 96, JAIL_PROGRAM_ARGS = 24 };

struct jail_opts {
    const char *dir;         /* becomes /w, where the program starts */
    bool writable;           /* may it write there? */
    bool forks;              /* may it start processes? Threads always */
    const char *const *argv; /* ends with NULL; absolute paths under /usr */
    unsigned cpu_s, processes, files;
    uint64_t data_bytes; /* private memory */
    uint64_t file_bytes; /* largest file it may write */
};

#define JAIL_OPTS(folder, args)                                                \
    ((struct jail_opts){.dir = (folder),                                       \
                        .argv = (args),                                        \
                        .cpu_s = 10,                                           \
                        .processes = 32,                                       \
                        .files = 64,                                           \
                        .data_bytes = (uint64_t)512 << 20,                     \
                        .file_bytes = (uint64_t)4 << 20})

/* The command line; its texts live in the struct: do not move it. The child
 * must be given `filter` as its descriptor JAIL_FD (struct child_map). */
enum { JAIL_FD = 9 };
struct jail {
    const char *argv[JAIL_ARGS];
    size_t n;
    char numbers[5][40];
    int filter;
};
#define JAIL_INIT ((struct jail){.filter = -1})

/* `out` must be fresh. ERR_LIMIT: too many arguments; ERR_SANDBOX. For one
 * start of the program. */
NODISCARD enum err jail_make(const struct jail_opts *o, struct jail *out,
                             struct why *w);
void jail_done(struct jail *j);

/* Is there a sandbox on this machine? Tries it once with a real program.
 * ERR_SANDBOX with a message that says what to install or allow. */
NODISCARD enum err jail_check(struct why *w);

/* `stderr_text` of a program that failed: was it the sandbox? The program may
 * have written the same words, so when they look like the sandbox's it is
 * tried again with a harmless program. ERR_OK: it was not the sandbox. */
NODISCARD enum err jail_blame(struct str stderr_text, struct why *w);

#endif
