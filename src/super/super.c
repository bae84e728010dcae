#include "super/super.h"

#include <signal.h>

#include "base/mem.h"
#include "super/record.h"
#include "super/super_core.h"
#include "sys/fd.h"
#include "sys/fs.h"
#include "sys/log.h"
#include "sys/notify.h"
#include "sys/process.h"
#include "sys/sig.h"

static void tell_manager(const char *state)
{
    struct why w = WHY_INIT;

    if (notify_send(state, &w) != ERR_OK)
        LOG(WARN, SUPER, "service_manager_not_told", LOG_WHY(&w));
}

static void record_self(struct super *s, const char *event)
{
    record_life(s->o->paths, &(struct record_life){.event = event,
                                                   .who = "supervisor",
                                                   .what = "",
                                                   .pid = process_self()});
}

/* ---- ready -------------------------------------------------------------- */

/* Also when a gateway that was started again listens elsewhere. */
static void write_where(struct super *s)
{
    struct why w = WHY_INIT;

    memcpy(s->address, s->parts[PART_GATEWAY].address, sizeof(s->address));
    if (record_serve(s->o, s->address, &w) != ERR_OK)
        LOG(ERROR, SUPER, "serve_json_not_written", LOG_WHY(&w));
}

static void become_ready(struct super *s)
{
    const char *address = s->address;

    s->ready = true;
    write_where(s);
    record_self(s, "ready");
    LOG(INFO, SUPER, "ready", LOG_S("address", address));
    tell_manager("READY=1\nSTATUS=serving");
    if (s->o->on_ready != NULL)
        s->o->on_ready(s->o->ctx, address);
}

static bool settled(const struct part *p)
{
    return p->argv == NULL || p->life.state == LIFE_UP
           || p->life.state == LIFE_FAILED;
}

void super_part_changed(struct super *s)
{
    bool all_down = true;

    if (!s->stopping) {
        if (s->parts[PART_GATEWAY].life.state != LIFE_UP)
            return;
        if (!s->ready && settled(&s->parts[PART_WORK]))
            become_ready(s);
        else if (s->ready
                 && strcmp(s->address, s->parts[PART_GATEWAY].address) != 0)
            write_where(s);
        return;
    }
    for (size_t i = 0; i < PARTS; i++)
        all_down = all_down && s->parts[i].life.state == LIFE_DOWN;
    if (all_down && runner_count(s) == 0)
        loop_stop(s->loop);
}

/* ---- the end ------------------------------------------------------------ */

void super_stop(struct super *s, enum err end)
{
    if (s->stopping)
        return;
    s->stopping = true;
    s->end = end;
    tell_manager("STOPPING=1");
    record_self(s, "stop");
    record_serve_drop(s->o->paths);  /* new clients find nobody */
    for (size_t i = PARTS; i-- > 0;) /* first who asks, then who answers */
        part_do(&s->parts[i], life_unwanted(&s->parts[i].life,
                                            loop_now(s->loop), s->o->drain_ms));
    super_part_changed(s);
}

static void on_signal(void *ctx, int signo)
{
    struct super *s = ctx;

    if (signo == SIGHUP) {
        LOG0(WARN, SUPER, "hangup_ignored"); /* reserved for reloading */
        return;
    }
    LOG(INFO, SUPER, "stop_asked", LOG_I("signal", signo),
        LOG_B("again", s->stopping));
    if (!s->stopping) {
        super_stop(s, ERR_OK);
        return;
    }
    for (size_t i = 0; i < PARTS; i++)
        if (s->parts[i].pid != 0)
            (void)!child_kill(s->parts[i].pid, SIGKILL, true);
    runner_kill_all(s);
}

/* ---- the beginning ------------------------------------------------------ */

static void on_dog(void *ctx)
{
    struct super *s = ctx;

    tell_manager("WATCHDOG=1");
    loop_timer_start(s->loop, &s->dog, notify_watchdog_us() / 2000);
}

static enum err take_home(struct super *s, struct why *w)
{
    char path[FS_PATH_MAX];
    struct why held = WHY_INIT;
    int owner = 0;
    enum err e;

    TRY(fs_join(s->o->paths->state, "serve.lock", path));
    e = fs_lock(path, &s->lock_fd, &owner, &held);
    if (e == ERR_BUSY)
        return FAIL(w, e,
                    "a hearth already serves %s: process %d; stop it first "
                    "(kill %d), or set HEARTH_HOME to another directory",
                    s->o->paths->state, owner, owner);
    if (e != ERR_OK && w != NULL)
        *w = held;
    return e;
}

static enum err open_all(struct super *s, struct why *w)
{
    static const int watched[] = {SIGINT, SIGTERM, SIGHUP};

    TRY(take_home(s, w));
    TRY(loop_new(&s->loop, w));
    for (size_t i = 0; i < COUNTOF(watched); i++)
        TRY(loop_on_signal(s->loop, watched[i], on_signal, s, w));
    for (size_t i = 0; i < PARTS; i++)
        part_init(&s->parts[i], s, (enum part_role)i);
    timer_init(&s->dog, on_dog, s);
    if (notify_watchdog_us() > 0)
        loop_timer_start(s->loop, &s->dog, 0);
    return ERR_OK;
}

static void super_done(struct super **sp)
{
    struct super *s = *sp;

    if (s == NULL)
        return;
    if (s->loop != NULL) {
        runner_done_all(s);
        for (size_t i = 0; i < PARTS; i++)
            part_done(&s->parts[i]);
        timer_stop(&s->dog);
        stray_end(s);
        loop_free(s->loop);
    }
    fd_close(s->lock_fd);
    mem_free(s);
}

enum err super_main(const struct super_opts *o, struct why *w)
{
    CLEANUP(super_done) struct super *s = mem_zalloc(sizeof(*s));

    if (s == NULL)
        return FAIL(w, ERR_NOMEM, "no memory for the supervisor");
    s->o = o;
    s->lock_fd = -1;
    s->why = WHY_INIT;
    sig_ignore_pipe();
    TRY(open_all(s, w));
    record_serve_drop(o->paths); /* of one that was killed */
    record_self(s, "start");
    stray_watch(s);
    for (size_t i = 0; i < PARTS; i++)
        if (s->parts[i].argv != NULL)
            part_do(&s->parts[i],
                    life_wanted(&s->parts[i].life, loop_now(s->loop)));
    loop_run(s->loop);
    if (s->end != ERR_OK && w != NULL)
        *w = s->why;
    return s->end;
}
