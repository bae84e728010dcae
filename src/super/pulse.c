#include "super/pulse.h"

void pulse_start(struct pulse *p, uint64_t hang_ms, uint64_t now_ms)
{
    *p = (struct pulse){.every_ms = 0};
    if (hang_ms == 0)
        return;
    p->every_ms = MAX(hang_ms / PULSE_TICKS, (uint64_t)1);
    p->due_ms = now_ms + p->every_ms;
}

enum pulse_do pulse_tick(struct pulse *p, uint64_t now_ms)
{
    bool late = now_ms > p->due_ms + p->every_ms;

    assert(p->every_ms != 0);
    p->due_ms = now_ms + p->every_ms;
    if (!p->waits) {
        p->waits = true;
        p->silent = 0;
        p->number++;
        return PULSE_DO_ASK;
    }
    p->silent = late ? 0 : p->silent + 1;
    return p->silent < PULSE_TICKS ? PULSE_DO_NOTHING : PULSE_DO_KILL;
}

bool pulse_answered(struct pulse *p, uint32_t number)
{
    if (!p->waits || number != p->number)
        return false;
    p->waits = false;
    return true;
}
