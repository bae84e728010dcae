/*
 * process.h - facts about processes: this one and others.
 * Thread: any.
 */
#ifndef SYS_PROCESS_H
#define SYS_PROCESS_H

#include "base/err.h"

int process_self(void);      /* our pid */
int process_parent(void);    /* our parent's pid; 1 or a reaper after its end */
unsigned process_user(void); /* effective user id */

/* A pid is reused; a pid with its start time is not. */
struct process_id {
    int pid;
    uint64_t start; /* clock ticks after boot */
};
NODISCARD enum err process_id_of(int pid, struct process_id *out);
bool process_alive(const struct process_id *id); /* not a zombie either */

/* Resident bytes now. process_rss_self works inside a sandbox when it was
 * called once before entering it. */
NODISCARD enum err process_rss(int pid, uint64_t *out_bytes);
NODISCARD enum err process_rss_self(uint64_t *out_bytes);

/* Number of threads of this process. */
NODISCARD enum err process_threads(unsigned *out);

/* From now on processes below us that lose their parent become our children.
 * ERR_UNSUPPORTED where the system cannot. */
NODISCARD enum err process_adopt(void);
/* Our children now, the zombies among them too; those past `cap` are left out.
 * ERR_UNSUPPORTED where the system does not tell. */
NODISCARD enum err process_children(int *pids, size_t cap, size_t *count);

/* The running program's real path. */
NODISCARD enum err process_exe(char *out, size_t cap, struct why *w);

/* An environment variable, NULL when unset or empty. Start-up only. */
const char *process_env(const char *name);

#endif
