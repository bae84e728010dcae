/*
 * The two processes that are kept alive. life.c decides; here it is done.
 *
 * A life ends in one place, on_exit_fd, whatever ended it: a broken channel or
 * a broken rule only kills, and the end is then seen like any other.
 */
#include <signal.h>

#include "ipc/msg.h"
#include "super/record.h"
#include "super/super_core.h"
#include "sys/fd.h"
#include "sys/log.h"

static const char *const names[PARTS] = {"gateway", "orchestrator"};

static void on_timer(void *ctx);
static void on_beat(void *ctx);

void part_init(struct part *p, struct super *s, enum part_role role)
{
    *p =
        (struct part){.s = s,
                      .role = role,
                      .name = names[role],
                      .argv = role == PART_GATEWAY ? s->o->gateway : s->o->work,
                      .exit_fd = -1,
                      .chan = {.fd = -1, .frame_fd = -1}};
    timer_init(&p->timer, on_timer, p);
    timer_init(&p->beat, on_beat, p);
    life_init(&p->life, loop_now(s->loop));
}

static void record(const struct part *p, const char *event,
                   const struct child_status *st)
{
    record_life(p->s->o->paths, &(struct record_life){.event = event,
                                                      .who = p->name,
                                                      .what = "",
                                                      .pid = p->pid,
                                                      .starts = p->life.starts,
                                                      .status = st});
}

static void destroy(struct part *p)
{
    if (p->pid != 0)
        (void)!child_kill(p->pid, SIGKILL, true);
}

/* ---- its channel -------------------------------------------------------- */

static void watch_chan(struct part *p)
{
    unsigned events = WATCH_READ;

    if (p->chan_watch == NULL)
        return;
    if (chan_wants_write(&p->chan))
        events |= WATCH_WRITE;
    if (watch_set(p->chan_watch, events) != ERR_OK)
        destroy(p);
}

void part_send(struct part *p, uint8_t kind, struct str payload, int pass)
{
    enum err e;

    if (p->chan.inbox == NULL) {
        fd_close(pass);
        return;
    }
    e = chan_send(&p->chan, kind, 0, payload, pass);
    if (e != ERR_OK) {
        fd_close(pass);
        LOG(WARN, SUPER, "part_does_not_read", LOG_S("role", p->name),
            LOG_ERR(e));
        destroy(p);
        return;
    }
    watch_chan(p);
}

/* ---- its pulse [IPC-15] -------------------------------------------------- */

static void ping(struct part *p)
{
    CLEANUP(buf_done) struct buf b = BUF_INIT(16);

    if (msg_ping_put(&b, &(struct msg_ping){p->pulse.number}) == ERR_OK)
        part_send(p, MSG_PING, buf_str(&b), -1);
    else /* our lack of memory, not its silence: ask at the next tick */
        IGNORE(pulse_answered(&p->pulse, p->pulse.number));
}

static void await_beat(struct part *p)
{
    uint64_t now = loop_now(p->s->loop);

    loop_timer_start(p->s->loop, &p->beat,
                     p->pulse.due_ms - MIN(now, p->pulse.due_ms));
}

static void on_beat(void *ctx)
{
    struct part *p = ctx;

    if (p->life.state != LIFE_UP)
        return; /* starting and stopping have deadlines of their own */
    switch (pulse_tick(&p->pulse, loop_now(p->s->loop))) {
    case PULSE_DO_NOTHING:
        break;
    case PULSE_DO_ASK:
        ping(p);
        break;
    case PULSE_DO_KILL:
        LOG(ERROR, SUPER, "part_hangs", LOG_S("role", p->name),
            LOG_I("pid", p->pid),
            LOG_S("why", "it answers no PING; it is killed and started again "
                         "(setting server.hang)"),
            LOG_U("silent_ms", p->s->o->hang_ms));
        record(p, "hang", NULL);
        destroy(p);
        return;
    }
    await_beat(p);
}

static void start_pulse(struct part *p)
{
    pulse_start(&p->pulse, p->s->o->hang_ms, loop_now(p->s->loop));
    if (p->pulse.every_ms != 0)
        await_beat(p);
}

static enum err on_pong(struct part *p, struct str payload, struct why *w)
{
    struct msg_pong m;

    TRY(msg_pong_get(payload, &m, w));
    if (!pulse_answered(&p->pulse, m.number))
        return FAIL(w, ERR_PROTOCOL, "PONG %u answers no PING", m.number);
    return ERR_OK;
}

/* ---- its words ----------------------------------------------------------- */

static enum err on_hello(struct part *p, struct str payload, struct why *w)
{
    struct msg_hello m;

    TRY(msg_hello_get(payload, &m, w));
    if (m.version != MSG_VERSION) /* [IPC-10] */
        return FAIL(w, ERR_PROTOCOL,
                    "the %s speaks version %u of the protocol, this is %u: "
                    "are the programs of one build?",
                    p->name, m.version, MSG_VERSION);
    p->greeted = true;
    return ERR_OK;
}

static enum err on_up(struct part *p, struct str payload, struct why *w)
{
    struct msg_up m;

    TRY(msg_up_get(payload, &m, w));
    if (!str_z(m.address, p->address, sizeof(p->address)))
        return FAIL(w, ERR_PROTOCOL, "UP has an address that is no address");
    if (p->life.state == LIFE_STOPPING)
        return ERR_OK; /* it crossed our STOP */
    if (!life_is_up(&p->life, loop_now(p->s->loop)))
        return FAIL(w, ERR_PROTOCOL, "UP came while %s",
                    life_name(p->life.state));
    LOG(INFO, SUPER, "part_up", LOG_S("role", p->name), LOG_I("pid", p->pid),
        LOG_S("address", p->address));
    record(p, "up", NULL);
    start_pulse(p);
    part_do(p, LIFE_DO_NOTHING);
    super_part_changed(p->s);
    return ERR_OK;
}

static enum err on_frame(struct part *p, const struct frame *f, struct why *w)
{
    if (f->kind == MSG_HELLO)
        return on_hello(p, f->payload, w);
    if (!p->greeted) /* [IPC-10] */
        return FAIL(w, ERR_PROTOCOL, "%s came before HELLO", msg_name(f->kind));
    if (f->kind == MSG_UP)
        return on_up(p, f->payload, w);
    if (f->kind == MSG_PONG)
        return on_pong(p, f->payload, w);
    if (p->role == PART_GATEWAY)
        return runner_frame(p->s, f, w);
    return FAIL(w, ERR_PROTOCOL, "%s (%u) is not for the supervisor",
                msg_name(f->kind), f->kind);
}

static void on_chan(void *ctx, unsigned events)
{
    struct part *p = ctx;
    struct why w = WHY_INIT;
    struct frame f;
    enum err e;

    if ((events & WATCH_WRITE) != 0)
        (void)!chan_flush(&p->chan);
    while ((e = chan_recv(&p->chan, &f)) == ERR_OK) {
        e = on_frame(p, &f, &w);
        if (e != ERR_OK)
            break;
    }
    if (e == ERR_AGAIN || e == ERR_NOMEM) {
        watch_chan(p);
        return;
    }
    if (e != ERR_EOF)
        LOG(ERROR, SUPER, "part_broke_protocol", LOG_S("role", p->name),
            LOG_ERR(e), LOG_WHY(&w));
    /* Without its channel it is of no use: its end follows. */
    watch_close(p->chan_watch);
    p->chan_watch = NULL;
    if (e != ERR_EOF || p->life.state != LIFE_STOPPING)
        destroy(p);
}

/* ---- its lives ---------------------------------------------------------- */

static void clear_life(struct part *p)
{
    timer_stop(&p->beat);
    p->pulse = (struct pulse){.every_ms = 0};
    watch_close(p->chan_watch);
    watch_close(p->exit_watch);
    p->chan_watch = p->exit_watch = NULL;
    chan_done(&p->chan);
    fd_closep(&p->exit_fd);
    p->pid = 0;
    p->greeted = false;
}

static void ended(struct part *p, const struct child_status *st)
{
    char how[CHILD_TEXT_MAX];
    bool expected = p->life.state == LIFE_STOPPING;

    child_text(st, how);
    if (expected)
        LOG(INFO, SUPER, "part_ended", LOG_S("role", p->name),
            LOG_I("pid", p->pid), LOG_S("status", how));
    else
        LOG(WARN, SUPER, "part_died", LOG_S("role", p->name),
            LOG_I("pid", p->pid), LOG_S("status", how),
            LOG_U("starts", p->life.starts));
    record(p, "end", st);
    (void)!child_kill(p->pid, SIGKILL, true); /* what it left behind */
    if (st->exited
        && (st->code == err_exit(ERR_CONFIG)
            || st->code == err_exit(ERR_EXISTS)))
        life_hopeless(&p->life);
    clear_life(p);
    if (p->role == PART_GATEWAY)
        runner_kill_all(p->s); /* nobody could use them any more [IPC-22] */
    part_do(p, life_died(&p->life, loop_now(p->s->loop)));
    super_part_changed(p->s);
}

static void on_exit_fd(void *ctx, unsigned events)
{
    struct part *p = ctx;
    struct child_status st;

    (void)events;
    if (child_wait(p->pid, false, &st) == ERR_OK)
        ended(p, &st);
}

/* Takes our end of the channel in any case. */
static enum err attach(struct part *p, int end, struct why *w)
{
    enum err e = chan_init(&p->chan, end, CHAN_QUEUE_MAX);

    if (e != ERR_OK) {
        fd_close(end);
        return FAIL(w, e, "cannot open the channel of the %s", p->name);
    }
    TRY(child_exit_fd(p->pid, &p->exit_fd, w));
    TRY(watch_open(p->s->loop, p->chan.fd, on_chan, p, &p->chan_watch, w));
    TRY(watch_set(p->chan_watch, WATCH_READ));
    TRY(watch_open(p->s->loop, p->exit_fd, on_exit_fd, p, &p->exit_watch, w));
    return watch_set(p->exit_watch, WATCH_READ);
}

static enum err start(struct part *p, struct why *w)
{
    struct child_status st;
    int pair[2];
    enum err e;

    TRY(fd_socketpair(pair, w));
    e = child_start(
        &(struct child_opts){
            .argv = p->argv,
            .fds = &(const struct child_map){pair[1], CHAN_CHILD_FD},
            .n_fds = 1,
            .limits = {.no_core = true},
            .own_group = true,
            .die_with_parent = true,
        },
        &p->pid, w);
    fd_close(pair[1]);
    if (e != ERR_OK) {
        fd_close(pair[0]);
        p->pid = 0;
        return e;
    }
    e = attach(p, pair[0], w);
    if (e != ERR_OK) {
        destroy(p);
        (void)!child_wait(p->pid, true, &st);
        clear_life(p);
    }
    return e;
}

/* A start that fails counts as a death. */
static enum life_do begin(struct part *p)
{
    struct why w = WHY_INIT;
    enum err e = start(p, &w);

    if (e == ERR_OK) {
        LOG(INFO, SUPER, "part_started", LOG_S("role", p->name),
            LOG_I("pid", p->pid), LOG_U("starts", p->life.starts));
        record(p, "start", NULL);
        return LIFE_DO_NOTHING;
    }
    LOG(ERROR, SUPER, "part_not_started", LOG_S("role", p->name), LOG_ERR(e),
        LOG_WHY(&w));
    return life_died(&p->life, loop_now(p->s->loop));
}

static void ask_to_stop(struct part *p)
{
    CLEANUP(buf_done) struct buf b = BUF_INIT(16);

    if (msg_stop_put(&b, &(struct msg_stop){p->s->o->drain_ms}) == ERR_OK)
        part_send(p, MSG_STOP, buf_str(&b), -1);
    else
        destroy(p);
}

static void give_up(struct part *p)
{
    LOG(ERROR, SUPER, "part_given_up", LOG_S("role", p->name),
        LOG_U("starts", p->life.starts));
    record(p, "give_up", NULL);
    if (p->role != PART_GATEWAY)
        return; /* serving goes on without it */
    super_stop(p->s,
               FAIL(&p->s->why, ERR_RUNNER,
                    "the gateway could not start (tried %u times); the lines "
                    "above say why",
                    p->life.starts));
}

void part_do(struct part *p, enum life_do what)
{
    uint64_t now = loop_now(p->s->loop);

    if (what == LIFE_DO_START)
        what = begin(p);
    if (what == LIFE_DO_STOP)
        ask_to_stop(p);
    else if (what == LIFE_DO_KILL)
        destroy(p);
    else if (what == LIFE_DO_GIVE_UP)
        give_up(p);
    timer_stop(&p->timer);
    if (p->life.deadline_ms != LIFE_NO_DEADLINE)
        loop_timer_start(p->s->loop, &p->timer,
                         p->life.deadline_ms - MIN(now, p->life.deadline_ms));
}

static void on_timer(void *ctx)
{
    struct part *p = ctx;

    part_do(p, life_tick(&p->life, loop_now(p->s->loop)));
    super_part_changed(p->s);
}

void part_done(struct part *p)
{
    struct child_status st;

    timer_stop(&p->timer);
    if (p->pid != 0) {
        destroy(p);
        (void)!child_wait(p->pid, true, &st);
    }
    clear_life(p);
}
