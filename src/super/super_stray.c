/*
 * Processes that a part started and left behind. A part that is killed takes
 * its children along (the kernel signals them), but not always theirs: a
 * sandbox that was just being set up can lose the one who was to end it. The
 * supervisor adopts such processes, and ends whatever is its child without
 * being a part or a runner.
 */
#include <signal.h>

#include "super/super_core.h"
#include "sys/log.h"
#include "sys/process.h"

enum { LOOK_MS = 1000, STRAYS_MAX = 1024 };

static bool is_ours(const struct super *s, int pid)
{
    for (size_t i = 0; i < PARTS; i++)
        if (s->parts[i].pid == pid)
            return true;
    for (size_t i = 0; i < SUPER_RUNNERS_MAX; i++)
        if (s->runners[i].used && s->runners[i].pid == pid)
            return true;
    return false;
}

static void look(void *ctx)
{
    struct super *s = ctx;
    struct child_status st;
    int pids[STRAYS_MAX];
    size_t n = 0;

    if (process_children(pids, COUNTOF(pids), &n) != ERR_OK)
        return;
    for (size_t i = 0; i < n; i++) {
        if (is_ours(s, pids[i]))
            continue;
        if (child_wait(pids[i], false, &st) == ERR_OK)
            continue; /* it had ended by itself */
        LOG(WARN, SUPER, "stray_killed", LOG_I("pid", pids[i]));
        IGNORE(child_kill(pids[i], SIGKILL, false)); /* collected next time */
    }
    loop_timer_start(s->loop, &s->strays, LOOK_MS);
}

void stray_watch(struct super *s)
{
    timer_init(&s->strays, look, s);
    if (process_adopt() == ERR_OK)
        loop_timer_start(s->loop, &s->strays, LOOK_MS);
}

void stray_end(struct super *s)
{
    if (s->strays.fn != NULL)
        timer_stop(&s->strays);
}
