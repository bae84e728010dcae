/*
 * Runners: started for the gateway, watched for it, never restarted here
 * (whether a model is loaded again is the gateway's decision). A runner's
 * channel goes straight to the gateway; we keep only its end.
 */
#include <signal.h>

#include "ipc/msg.h"
#include "super/record.h"
#include "super/super_core.h"
#include "sys/fd.h"
#include "sys/fs.h"
#include "sys/log.h"

enum { SMALL_MESSAGE = 8192, OOM_FIRST = 1000 };

static struct runner *find(struct super *s, uint32_t id)
{
    for (size_t i = 0; i < SUPER_RUNNERS_MAX; i++)
        if (s->runners[i].used && !s->runners[i].orphan
            && s->runners[i].id == id)
            return &s->runners[i];
    return NULL;
}

static struct runner *free_slot(struct super *s)
{
    for (size_t i = 0; i < SUPER_RUNNERS_MAX; i++)
        if (!s->runners[i].used)
            return &s->runners[i];
    return NULL;
}

size_t runner_count(const struct super *s)
{
    size_t n = 0;

    for (size_t i = 0; i < SUPER_RUNNERS_MAX; i++)
        n += s->runners[i].used ? 1 : 0;
    return n;
}

static void tell(struct super *s, enum msg_kind kind, const void *m, int pass)
{
    CLEANUP(buf_done) struct buf b = BUF_INIT(SMALL_MESSAGE);
    struct part *gateway = &s->parts[PART_GATEWAY];

    if (gateway->pid == 0) {
        fd_close(pass); /* nobody to tell: its life ended meanwhile */
        return;
    }
    if (msg_put(&b, kind, m) != ERR_OK) {
        fd_close(pass);
        LOG(ERROR, SUPER, "message_lost",
            LOG_S("kind", msg_name((uint8_t)kind)));
        (void)!child_kill(gateway->pid, SIGKILL, true);
        return;
    }
    part_send(gateway, (uint8_t)kind, buf_str(&b), pass);
}

static void forget(struct runner *r)
{
    watch_close(r->exit_watch);
    fd_closep(&r->exit_fd);
    *r = (struct runner){.exit_fd = -1};
}

static void ended(struct runner *r, const struct child_status *st)
{
    char how[CHILD_TEXT_MAX];
    struct msg_exited m = {.runner = r->id,
                           .pid = (uint32_t)r->pid,
                           .status = (uint32_t)st->code,
                           .signal = (uint32_t)st->signal,
                           .peak_bytes = st->peak_bytes};
    struct super *s = r->s;
    bool orphan = r->orphan;

    child_text(st, how);
    m.text = str_c(how);
    LOG(INFO, SUPER, "runner_ended", LOG_S("model", r->model),
        LOG_U("runner", r->id), LOG_I("pid", r->pid), LOG_S("status", how),
        LOG_U("peak_bytes", st->peak_bytes));
    record_life(s->o->paths, &(struct record_life){.event = "end",
                                                   .who = "runner",
                                                   .what = r->model,
                                                   .pid = r->pid,
                                                   .status = st});
    forget(r);
    if (!orphan)
        tell(s, MSG_EXITED, &m, -1);
    super_part_changed(s);
}

static void on_exit_fd(void *ctx, unsigned events)
{
    struct runner *r = ctx;
    struct child_status st;

    (void)events;
    if (child_wait(r->pid, false, &st) == ERR_OK)
        ended(r, &st);
}

/* Executes the runner program; `*end` is our end of its channel. */
static enum err start(struct super *s, const struct msg_spawn *m, int *pid,
                      int *end, struct why *w)
{
    char path[FS_PATH_MAX], kv_dir[FS_PATH_MAX];
    const char *const *more = s->o->runner_args;
    const char *argv[10 + SUPER_RUNNER_ARGS];
    size_t n = 0;
    int pair[2];
    enum err e;

    if (m->path.n == 0 || !str_z(m->path, path, sizeof(path))
        || !str_z(m->kv_dir, kv_dir, sizeof(kv_dir)))
        return FAIL(w, ERR_PROTOCOL, "SPAWN has a path that is no path");
    argv[n++] = s->o->runner;
    argv[n++] = "--model";
    argv[n++] = path;
    argv[n++] = "--ipc-fd";
    argv[n++] = "3";
    if (kv_dir[0] != '\0') {
        argv[n++] = "--kv-dir";
        argv[n++] = kv_dir;
    }
    if (m->unconfined != 0)
        argv[n++] = "--unconfined";
    for (size_t i = 0; more != NULL && more[i] != NULL; i++) {
        assert(i < SUPER_RUNNER_ARGS);
        argv[n++] = more[i];
    }
    argv[n] = NULL;
    TRY(fd_socketpair(pair, w));
    e = child_start(
        &(struct child_opts){
            .argv = argv,
            .fds = &(const struct child_map){pair[1], CHAN_CHILD_FD},
            .n_fds = 1,
            .limits = {.no_core = true},
            .own_group = true,
            .die_with_parent = true,
            .oom_score_adj = OOM_FIRST,
        },
        pid, w);
    fd_close(pair[1]);
    if (e != ERR_OK)
        fd_close(pair[0]);
    else
        *end = pair[0];
    return e;
}

static enum err watch_end(struct runner *r, struct why *w)
{
    TRY(child_exit_fd(r->pid, &r->exit_fd, w));
    TRY(watch_open(r->s->loop, r->exit_fd, on_exit_fd, r, &r->exit_watch, w));
    return watch_set(r->exit_watch, WATCH_READ);
}

static enum err spawn(struct super *s, const struct msg_spawn *m, struct why *w)
{
    CLEANUP(fd_closep) int end = -1;
    struct runner *r = free_slot(s);
    struct child_status st;
    int pid = 0;
    enum err e;

    if (r == NULL)
        return FAIL(w, ERR_LIMIT, "there are %d runners already",
                    SUPER_RUNNERS_MAX);
    TRY(start(s, m, &pid, &end, w));
    *r = (struct runner){
        .s = s, .used = true, .id = m->runner, .pid = pid, .exit_fd = -1};
    (void)snprintf(r->model, sizeof(r->model), "%.*s",
                   STR_ARG(str_sub(m->model, 0, sizeof(r->model) - 1)));
    e = watch_end(r, w);
    if (e != ERR_OK) {
        (void)!child_kill(pid, SIGKILL, true);
        (void)!child_wait(pid, true, &st);
        forget(r);
        return e;
    }
    LOG(INFO, SUPER, "runner_started", LOG_S("model", r->model),
        LOG_U("runner", r->id), LOG_I("pid", pid));
    record_life(s->o->paths, &(struct record_life){.event = "start",
                                                   .who = "runner",
                                                   .what = r->model,
                                                   .pid = pid});
    tell(s, MSG_SPAWNED, &(struct msg_spawned){m->runner, (uint32_t)pid},
         fd_take(&end));
    return ERR_OK;
}

static enum err on_spawn(struct super *s, const struct msg_spawn *m,
                         struct why *w)
{
    struct why refused = WHY_INIT;
    enum err e;

    if (find(s, m->runner) != NULL) /* [IPC-21] */
        return FAIL(w, ERR_PROTOCOL, "SPAWN of runner %u, which lives",
                    m->runner);
    e = s->stopping ? FAIL(&refused, ERR_SHUTDOWN, "the server is stopping")
                    : spawn(s, m, &refused);
    if (e == ERR_OK)
        return ERR_OK;
    LOG(WARN, SUPER, "runner_not_started", LOG_STR("model", m->model),
        LOG_ERR(e), LOG_WHY(&refused));
    tell(s, MSG_SPAWN_FAIL,
         &(struct msg_spawn_fail){m->runner, (uint32_t)e,
                                  str_c(err_why(&refused))},
         -1);
    return ERR_OK;
}

enum err runner_frame(struct super *s, const struct frame *f, struct why *w)
{
    struct msg_spawn spawn_m;
    struct msg_kill kill_m;
    struct runner *r;

    switch (f->kind) {
    case MSG_SPAWN:
        TRY(msg_spawn_get(f->payload, &spawn_m, w));
        return on_spawn(s, &spawn_m, w);
    case MSG_KILL:
        TRY(msg_kill_get(f->payload, &kill_m, w));
        r = find(s, kill_m.runner);
        if (r != NULL) /* else it ended by itself: EXITED is on its way */
            (void)!child_kill(r->pid, SIGKILL, true);
        return ERR_OK;
    default:
        return FAIL(w, ERR_PROTOCOL, "%s (%u) is not for the supervisor",
                    msg_name(f->kind), f->kind);
    }
}

void runner_kill_all(struct super *s)
{
    for (size_t i = 0; i < SUPER_RUNNERS_MAX; i++) {
        if (!s->runners[i].used)
            continue;
        s->runners[i].orphan = true;
        (void)!child_kill(s->runners[i].pid, SIGKILL, true);
    }
}

void runner_done_all(struct super *s)
{
    struct child_status st;

    runner_kill_all(s);
    for (size_t i = 0; i < SUPER_RUNNERS_MAX; i++) {
        if (!s->runners[i].used)
            continue;
        (void)!child_wait(s->runners[i].pid, true, &st);
        forget(&s->runners[i]);
    }
}
