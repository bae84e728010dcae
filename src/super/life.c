#include "super/life.h"

enum life_wait { WAIT_NEVER, WAIT_START, WAIT_DRAIN, WAIT_BACKOFF };

#define TO(S) (1U << LIFE_##S)
static const struct {
    const char *name, *what;
    enum life_wait wait;
    unsigned next;
} table[] = {
#define STATE(NAME, name, what, wait, next)                                    \
    {#name, (what), WAIT_##wait, (next)},
#include "super/life.def"
#undef STATE
};

const char *life_name(enum life_state s)
{
    return (unsigned)s < LIFE_STATES ? table[s].name : "?";
}

bool life_may(enum life_state from, enum life_state to)
{
    return (unsigned)from < LIFE_STATES && (unsigned)to < LIFE_STATES
           && (table[from].next >> to & 1U) != 0;
}

/* The only writer of the state. `drain_ms` counts for STOPPING alone. */
static void go(struct life *l, enum life_state to, uint64_t now_ms,
               uint64_t drain_ms)
{
    assert(life_may(l->state, to));
    l->state = to;
    l->since_ms = now_ms;
    switch (table[to].wait) {
    case WAIT_NEVER:
        l->deadline_ms = LIFE_NO_DEADLINE;
        break;
    case WAIT_START:
        l->deadline_ms = now_ms + LIFE_START_MS;
        break;
    case WAIT_DRAIN:
        l->deadline_ms = now_ms + drain_ms + LIFE_KILL_MS;
        break;
    case WAIT_BACKOFF:
        l->deadline_ms = now_ms + l->backoff_ms;
        break;
    }
}

void life_init(struct life *l, uint64_t now_ms)
{
    *l = (struct life){.state = LIFE_DOWN,
                       .since_ms = now_ms,
                       .deadline_ms = LIFE_NO_DEADLINE,
                       .backoff_ms = LIFE_BACKOFF_MS};
}

bool life_has_process(const struct life *l)
{
    return l->state == LIFE_STARTING || l->state == LIFE_UP
           || l->state == LIFE_STOPPING;
}

static enum life_do start(struct life *l, uint64_t now_ms)
{
    go(l, LIFE_STARTING, now_ms, 0);
    l->starts++;
    return LIFE_DO_START;
}

enum life_do life_wanted(struct life *l, uint64_t now_ms)
{
    return l->state == LIFE_DOWN ? start(l, now_ms) : LIFE_DO_NOTHING;
}

bool life_is_up(struct life *l, uint64_t now_ms)
{
    if (l->state != LIFE_STARTING)
        return false;
    l->quick_deaths = 0;
    go(l, LIFE_UP, now_ms, 0);
    return true;
}

/* Sets the time to wait and remembers a longer one for the next death. */
static void back_off(struct life *l, uint64_t now_ms, uint64_t largest)
{
    l->backoff_ms = MIN(l->backoff_ms, largest);
    go(l, LIFE_BACKOFF, now_ms, 0);
    l->backoff_ms = MIN(l->backoff_ms * 2, (uint64_t)LIFE_BACKOFF_MAX_MS);
}

void life_hopeless(struct life *l)
{
    if (l->state == LIFE_STARTING && l->starts == 1)
        l->quick_deaths = LIFE_QUICK_MAX - 1;
}

enum life_do life_died(struct life *l, uint64_t now_ms)
{
    switch (l->state) {
    case LIFE_STARTING:
        if (++l->quick_deaths >= LIFE_QUICK_MAX) {
            go(l, LIFE_FAILED, now_ms, 0);
            return LIFE_DO_GIVE_UP;
        }
        back_off(l, now_ms, LIFE_BACKOFF_MAX_MS);
        return LIFE_DO_NOTHING;
    case LIFE_UP:
        if (now_ms - l->since_ms >= LIFE_HEALTHY_MS)
            l->backoff_ms = LIFE_BACKOFF_MS;
        back_off(l, now_ms, LIFE_BACKOFF_UP_MS);
        return LIFE_DO_NOTHING;
    case LIFE_STOPPING:
        go(l, LIFE_DOWN, now_ms, 0);
        return LIFE_DO_NOTHING;
    default:
        return LIFE_DO_NOTHING; /* there was no process to die */
    }
}

enum life_do life_unwanted(struct life *l, uint64_t now_ms, uint64_t drain_ms)
{
    switch (l->state) {
    case LIFE_STARTING:
    case LIFE_UP:
        go(l, LIFE_STOPPING, now_ms, drain_ms);
        return LIFE_DO_STOP;
    case LIFE_BACKOFF:
    case LIFE_FAILED:
        go(l, LIFE_DOWN, now_ms, 0);
        return LIFE_DO_NOTHING;
    default:
        return LIFE_DO_NOTHING;
    }
}

enum life_do life_tick(struct life *l, uint64_t now_ms)
{
    if (now_ms < l->deadline_ms)
        return LIFE_DO_NOTHING;
    switch (l->state) {
    case LIFE_STARTING:
    case LIFE_STOPPING:
        /* its death is what changes the state */
        l->deadline_ms = LIFE_NO_DEADLINE;
        return LIFE_DO_KILL;
    case LIFE_BACKOFF:
        return start(l, now_ms);
    default:
        return LIFE_DO_NOTHING;
    }
}
