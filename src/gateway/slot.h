/*
 * slot.h - the place of one model: its runner process, from spawn to exit,
 * and what the planner needs to know of it.
 *
 * A slot never decides: the pool tells it to begin, to leave, and which
 * requests to send; the slot tells the pool what happened. One slot per
 * registry model, at the same index. Loop's thread.
 */
#ifndef GATEWAY_SLOT_H
#define GATEWAY_SLOT_H

#include "gateway/infer.h"
#include "gateway/line.h"
#include "gateway/planner.h"
#include "model/estimate.h"
#include "model/registry.h"

enum slot_state {
#define STATE(NAME, name, residency, waits, wait, to) SLOT_##NAME,
#include "gateway/slot_state.def"
#undef STATE
    SLOT_STATES,
};

struct slot;

/* What the pool hears. Only on_change and ask come from inside calls to the
 * slot. */
struct slot_events {
    void (*on_change)(void *ctx, struct slot *s);
    /* NEED or a measurement told more about its memory. */
    void (*on_need)(void *ctx, struct slot *s, const struct estimate *e);
    /* It can serve. */
    void (*on_ready)(void *ctx, struct slot *s);
    /* A load failed or a runner died; the slot is on its way out. */
    void (*on_failed)(void *ctx, struct slot *s, const struct why *why);
    /* A frame about a request. */
    void (*on_answer)(void *ctx, struct slot *s, const struct frame *f);
    /* Its channel has room again. */
    void (*on_room)(void *ctx, struct slot *s);
    /* Asks the supervisor: MSG_SPAWN, MSG_KILL. */
    enum err (*ask)(void *ctx, enum msg_kind kind, const void *msg);
};

struct slot {
    size_t index; /* in the registry */
    const struct registry_model *model;
    enum slot_state state;
    uint64_t entered_ms; /* when the state began */
    struct loop *loop;
    const struct slot_events *events;
    void *ctx;

    uint32_t runner; /* the supervisor's number for it, 0: none */
    uint32_t pid;
    struct line line;
    struct timer deadline;
    unsigned stall_ms, leave_ms;
    struct estimate_shape shape;
    uint32_t threads;
    bool must_probe;
    unsigned permille; /* of the load */
    uint64_t reserved_bytes;
    uint64_t resident_bytes; /* as last measured */
    int64_t loaded_unix_ms;
    struct msg_ready ready; /* texts are empty: see the registry */
    struct msg_stats stats; /* as last told */

    uint64_t used_ms, ready_ms;
    uint64_t heard_ms; /* when the runner last said anything */
    uint32_t active, in_use;
    unsigned failures;  /* in a row; 0 after an answer */
    bool said_why;      /* the last failure came with its reason (FAIL) */
    uint64_t retry_ms;  /* no load before */
    struct why failure; /* the last one */
};

void slot_init(struct slot *s, size_t index, const struct registry_model *m,
               struct loop *l, const struct slot_events *events, void *ctx);
void slot_done(struct slot *s); /* closes without telling anybody */

/* From ABSENT: asks for a process, probes if need be, and loads.
 * `reserved_bytes` is taken until it is absent again. */
struct slot_load {
    uint32_t runner; /* a fresh number */
    struct estimate_shape shape;
    uint32_t threads;
    bool must_probe;
    uint64_t reserved_bytes;
    const char *kv_dir;
    bool unconfined;
    unsigned stall_ms, leave_ms;
};
NODISCARD enum err slot_begin(struct slot *s, const struct slot_load *load,
                              struct why *why);

/* READY (or on the way there): ends the process, politely first. */
void slot_leave(struct slot *s);

/* A request was sent to it: from now on silence counts. */
void slot_used(struct slot *s);

/* It does not do as it is told: kills it, and tells by on_failed in the next
 * round, as if it had died. */
void slot_give_up(struct slot *s, const char *reason);

/* After NEED, told by on_need: goes on with the load. */
void slot_go_on(struct slot *s);

/* The supervisor's words about this runner. Owns `fd`. */
void slot_spawned(struct slot *s, uint32_t pid, int fd);
void slot_spawn_failed(struct slot *s, enum err e, struct str text);
void slot_exited(struct slot *s, const struct msg_exited *m);

/* The only writer of `state`. */
void slot_go(struct slot *s, enum slot_state to);

const char *slot_state_name(enum slot_state st);
enum planner_residency slot_residency(const struct slot *s);

#endif
