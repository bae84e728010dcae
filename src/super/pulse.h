/*
 * pulse.h - does a process that is up still answer? [IPC-15]
 *
 * A pure state machine: the supervisor's ticks and the PONGs of one process go
 * in, what to do comes out. Silence is counted in ticks that came in time, not
 * by the clock: time in which the supervisor itself did not run (the machine
 * slept, was frozen or is drowning in work) is held against nobody. A tick
 * that came late begins the count anew.
 */
#ifndef SUPER_PULSE_H
#define SUPER_PULSE_H

#include "base/base.h"

enum { PULSE_TICKS = 5 }; /* of silence after a PING: then it hangs */

enum pulse_do {
    PULSE_DO_NOTHING,
    PULSE_DO_ASK, /* send PING with `number` */
    PULSE_DO_KILL /* it hangs */
};

struct pulse {
    uint64_t every_ms; /* from tick to tick; 0: nobody looks */
    uint64_t due_ms;   /* the next tick */
    uint32_t number;   /* of the last PING */
    unsigned silent;   /* ticks since then */
    bool waits;        /* for its PONG */
};

/* A new life. `hang_ms` of silence are too much; 0: never. The first tick is
 * due after every_ms. */
void pulse_start(struct pulse *p, uint64_t hang_ms, uint64_t now_ms);

/* To be called at due_ms, which it moves on; not when every_ms is 0. */
NODISCARD enum pulse_do pulse_tick(struct pulse *p, uint64_t now_ms);

/* PONG came. False: nobody asked for this one (a fault of the peer). */
NODISCARD bool pulse_answered(struct pulse *p, uint32_t number);

#endif
