/*
 * life.h - when to start, restart, stop and give up a process.
 *
 * A pure state machine (life.def): facts and the time go in, what to do comes
 * out; super.c does it. Times are milliseconds of one monotonic clock.
 *
 * A dead process is started again after 0.1 s, then 0.2, 0.4, ... up to 5 s
 * while it never came up, up to 1 s once it had; 10 s of health forget the
 * past. After LIFE_QUICK_MAX deaths in a row before UP it is given up: what
 * prevents it will not go away by trying.
 */
#ifndef SUPER_LIFE_H
#define SUPER_LIFE_H

#include "base/base.h"

enum life_state {
#define STATE(NAME, name, what, wait, next) LIFE_##NAME,
#include "super/life.def"
#undef STATE
    LIFE_STATES
};

enum {
    LIFE_START_MS = 60000,      /* from the start to UP */
    LIFE_KILL_MS = 2000,        /* after the drain time: then it is killed */
    LIFE_BACKOFF_MS = 100,      /* first */
    LIFE_BACKOFF_UP_MS = 1000,  /* largest, when it had been up */
    LIFE_BACKOFF_MAX_MS = 5000, /* largest */
    LIFE_HEALTHY_MS = 10000,    /* so long up: the past is forgotten */
    LIFE_QUICK_MAX = 6
};

/* What the caller must do now. */
enum life_do {
    LIFE_DO_NOTHING,
    LIFE_DO_START,  /* make the process; it failed: life_died */
    LIFE_DO_STOP,   /* ask it to stop (STOP) */
    LIFE_DO_KILL,   /* SIGKILL */
    LIFE_DO_GIVE_UP /* tell a person; state is FAILED */
};

#define LIFE_NO_DEADLINE UINT64_MAX

struct life {
    enum life_state state;
    uint64_t since_ms, deadline_ms;
    unsigned starts;       /* in all */
    unsigned quick_deaths; /* in a row, before UP */
    uint64_t backoff_ms;   /* the next one */
};

void life_init(struct life *l, uint64_t now_ms);

NODISCARD enum life_do life_wanted(struct life *l, uint64_t now_ms);
/* It said UP. False: not in a state to say so (a fault of the peer). */
NODISCARD bool life_is_up(struct life *l, uint64_t now_ms);
NODISCARD enum life_do life_died(struct life *l, uint64_t now_ms);
/* Said before life_died: what ended its very first start will not go away by
 * trying (a taken port, a wrong option). It is then given up at once. */
void life_hopeless(struct life *l);
/* It shall end and stay down; `drain_ms` for what it has in hand. */
NODISCARD enum life_do life_unwanted(struct life *l, uint64_t now_ms,
                                     uint64_t drain_ms);
/* To be called at deadline_ms; before it, nothing happens. */
NODISCARD enum life_do life_tick(struct life *l, uint64_t now_ms);

bool life_has_process(const struct life *l); /* STARTING, UP, STOPPING */
const char *life_name(enum life_state s);
/* True when the table has a way from one to the other. */
bool life_may(enum life_state from, enum life_state to);

#endif
