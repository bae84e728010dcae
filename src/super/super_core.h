/*
 * super_core.h - the supervisor's own state, shared by its files:
 * super.c (beginning and end), super_part.c (gateway and orchestrator),
 * super_runner.c (runners) and super_stray.c (what they leave behind). Nothing else includes it. One thread: the loop's.
 */
#ifndef SUPER_SUPER_CORE_H
#define SUPER_SUPER_CORE_H

#include "ipc/chan.h"
#include "net/loop.h"
#include "super/life.h"
#include "super/pulse.h"
#include "super/super.h"
#include "sys/child.h"

enum { SUPER_RUNNERS_MAX = 64 };

enum part_role { PART_GATEWAY, PART_WORK, PARTS };

/* A process that is kept alive. pid, chan and exit belong to its present
 * life; all are empty between two lives. */
struct part {
    struct super *s;
    enum part_role role;
    const char *name;
    const char *const *argv; /* NULL: this part is not wanted */
    struct life life;
    struct timer timer; /* life.deadline_ms */
    int pid;
    struct chan chan;
    struct watch *chan_watch;
    int exit_fd;
    struct watch *exit_watch;
    bool greeted;       /* HELLO came */
    struct pulse pulse; /* while it is up */
    struct timer beat;  /* pulse.due_ms */
    char address[256];
};

/* A runner lives from SPAWN to EXITED. */
struct runner {
    struct super *s;
    bool used;
    bool orphan; /* its gateway is gone: it is dying, its number is free */
    uint32_t id; /* the gateway's number for it */
    int pid, exit_fd;
    struct watch *exit_watch;
    char model[256];
};

struct super {
    const struct super_opts *o;
    struct loop *loop;
    struct part parts[PARTS];
    struct runner runners[SUPER_RUNNERS_MAX];
    struct timer dog; /* the service manager's watchdog */
    struct timer strays;
    int lock_fd;
    bool ready, stopping;
    char address[256]; /* as serve.json says it */
    enum err end;      /* what super_main returns */
    struct why why;
};

/* ---- super.c ---- */
void super_part_changed(struct super *s); /* ready? all down? */
void super_stop(struct super *s, enum err end);

/* ---- super_part.c ---- */
void part_init(struct part *p, struct super *s, enum part_role role);
void part_do(struct part *p, enum life_do what); /* and arms the timer */
void part_done(struct part *p); /* kills and waits, if it is still there */
/* Queues a message; a part that does not read is killed. Gives `pass` away. */
void part_send(struct part *p, uint8_t kind, struct str payload, int pass);

/* ---- super_runner.c ---- */
/* A frame from the gateway. ERR_PROTOCOL: it broke the rules. */
NODISCARD enum err runner_frame(struct super *s, const struct frame *f,
                                struct why *w);
void runner_kill_all(struct super *s); /* SIGKILL; they end a moment later */
size_t runner_count(const struct super *s);
void runner_done_all(struct super *s); /* kills and waits */

/* ---- super_stray.c ---- */
void stray_watch(struct super *s); /* from now on */
void stray_end(struct super *s);

#endif
