/*
 * run, demo: hearth as a child of this process, one first task in front of
 * the reader, then (run) serving until Ctrl-C, or (demo) the end.
 *
 * The child's log goes to a file, so that it does not mix with the story. A
 * terminal's Ctrl-C reaches the child too: it drains while we wait for it.
 */
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include "cmd/ask.h"
#include "data/json_write.h"
#include "super/super.h"
#include "sys/child.h"
#include "sys/clock.h"
#include "sys/fd.h"
#include "sys/fs.h"

enum { START_MS = 30000, LOOK_MS = 25, STOP_MS = 20000, SERVE_ARGS = 8 };

struct server {
    struct ctx *c;
    int pid; /* 0: it was running before us, and stays */
    char log[FS_PATH_MAX];
    struct child_status status;
};

static bool answers(struct ctx *c)
{
    CLEANUP(buf_done) struct buf answer = BUF_INIT(1 << 20);

    return client_call(&c->client, STR("GET"), STR("/ready"), STR_EMPTY,
                       &answer, NULL)
           == ERR_OK;
}

/* All parts are up, not only the gateway: the supervisor says where it serves
 * when they are. */
static bool serves(struct server *s)
{
    struct super_where where;

    return super_find(&s->c->paths, &where, NULL) == ERR_OK
           && where.pid == s->pid && answers(s->c);
}

/* The end of the log: what the child said before it died. */
static enum err died(struct server *s)
{
    CLEANUP(buf_done) struct buf log = BUF_INIT(1 << 20);
    char how[CHILD_TEXT_MAX];
    struct str text;

    child_text(&s->status, how);
    if (fs_read(s->log, &log, NULL) == ERR_OK && log.len != 0) {
        text =
            str_sub(buf_str(&log), log.len > 2000 ? log.len - 2000 : 0, 2000);
        ctx_say("%.*s\n", STR_ARG(text));
    }
    return FAIL(&s->c->why, ERR_CONFIG,
                "hearth ended at its start (%s); its log: %.300s", how, s->log);
}

/* Waits until it serves; progress shows that somebody is at work. */
static enum err await(struct server *s)
{
    uint64_t deadline = clock_us() + START_MS * UINT64_C(1000);

    while (!serves(s)) {
        if (atomic_load(&ctx_cancel))
            return ERR_CANCELLED;
        if (child_wait(s->pid, false, &s->status) == ERR_OK) {
            s->pid = 0;
            return died(s);
        }
        if (clock_us() > deadline)
            return FAIL(&s->c->why, ERR_TIMEOUT,
                        "hearth did not come up within %d s; its log: %.300s",
                        START_MS / 1000, s->log);
        clock_sleep_ms(LOOK_MS);
    }
    return ERR_OK;
}

static enum err open_log(struct server *s, int *fd)
{
    struct ctx *c = s->c;
    char dir[FS_PATH_MAX];

    TRY(fs_join(c->paths.state, "log", dir));
    TRY(fs_mkdirs(dir, &c->why));
    TRY(fs_join(dir, "serve.log", s->log));
    return fd_open(s->log, O_WRONLY | O_CREAT | O_APPEND, 0600, fd, &c->why);
}

static enum err start(struct server *s, bool any_port)
{
    struct ctx *c = s->c;
    const char *argv[ARGS_MAX * 2 + SERVE_ARGS];
    size_t n = 0;
    CLEANUP(arena_done) struct arena arena = ARENA_INIT(1 << 20);
    CLEANUP(fd_closep) int log = -1;
    struct child_map fds[1];
    struct child_opts o = {.argv = argv, .fds = fds, .n_fds = 1};
    struct str value, z;

    TRY(open_log(s, &log));
    fds[0] = (struct child_map){log, STDERR_FILENO};
    argv[n++] = c->paths.exe;
    argv[n++] = "serve";
    if (args_has(&c->args, "config")) {
        TRY(arena_dup(&arena, args_text(&c->args, "config", STR_EMPTY), &z));
        argv[n++] = "--config";
        argv[n++] = z.p;
    }
    if (any_port) {
        argv[n++] = "--set";
        argv[n++] = "server.listen=127.0.0.1:0";
    }
    for (size_t i = 0; args_list(&c->args, "set", i, &value); i++) {
        TRY(arena_dup(&arena, value, &z));
        argv[n++] = "--set";
        argv[n++] = z.p;
    }
    argv[n] = NULL;
    TRY(child_start(&o, &s->pid, &c->why));
    return await(s);
}

/* Ends a server that we started, and waits for it. */
static void server_stop(struct server *s)
{
    uint64_t deadline = clock_us() + STOP_MS * UINT64_C(1000);

    if (s->pid == 0)
        return;
    IGNORE(child_kill(s->pid, SIGTERM, false)); /* gone: fine */
    while (child_wait(s->pid, false, &s->status) == ERR_AGAIN) {
        if (clock_us() > deadline)
            IGNORE(child_kill(s->pid, SIGKILL, false));
        clock_sleep_ms(LOOK_MS);
    }
    s->pid = 0;
}

/* ---- the first task ------------------------------------------------------- */

/* The request of POST /v1/tasks from a line of the shipped set. */
static enum err first_task(struct ctx *c, struct buf *body, struct str *prompt,
                           struct json_doc *doc)
{
    CLEANUP(buf_done) struct buf file = BUF_INIT(1 << 20);
    bool russian =
        str_eq(args_text(&c->args, "language", STR("en")), STR("ru"));
    static const char *const members[] = {"prompt", "language", "entry",
                                          "tests"};
    struct jsonw w = JSONW_INIT(body);
    char path[FS_PATH_MAX];

    TRY(fs_join(c->paths.share,
                russian ? "models/tiny/demo-ru.json" : "models/tiny/demo.json",
                path));
    TRY(fs_read(path, &file, &c->why));
    TRY(json_parse(doc, buf_str(&file), NULL, &c->why));
    jsonw_obj(&w);
    for (size_t i = 0; i < COUNTOF(members); i++) {
        struct json v = json_get(json_root(doc), members[i]);

        if (json_type(v) == JSON_ABSENT)
            continue;
        jsonw_key(&w, members[i]);
        json_write(v, &w);
    }
    jsonw_obj_end(&w);
    *prompt = json_str(json_get(json_root(doc), "prompt"));
    return jsonw_end(&w);
}

static enum err show_first_task(struct ctx *c)
{
    CLEANUP(buf_done) struct buf body = BUF_INIT(1 << 20);
    CLEANUP(json_done) struct json_doc doc = JSON_DOC_INIT;
    CLEANUP(trace_done) struct trace t = {0};
    struct str prompt;

    TRY(first_task(c, &body, &prompt, &doc));
    trace_init(&t, c, false);
    if (!c->json)
        ctx_say("\n%sA first task:%s %.*s\n", ctx_paint(c, false, PAINT_BOLD),
                ctx_paint(c, false, PAINT_OFF), STR_ARG(prompt));
    TRY(ask_run(c, buf_str(&body), &t));
    return ask_verdict(c, &t);
}

static void say_where(struct ctx *c)
{
    struct super_where where;

    if (super_find(&c->paths, &where, NULL) == ERR_OK)
        ctx_say("hearth listens on %s%s%s\n", ctx_paint(c, false, PAINT_BOLD),
                where.address, ctx_paint(c, false, PAINT_OFF));
}

enum err cmd_demo(struct ctx *c)
{
    CLEANUP(server_stop) struct server s = {.c = c};

    if (!answers(c))
        TRY(start(&s, true));
    return show_first_task(c);
}

enum err cmd_run(struct ctx *c)
{
    CLEANUP(server_stop) struct server s = {.c = c};
    enum err e;

    if (answers(c))
        return FAIL(&c->why, ERR_EXISTS,
                    "hearth runs already; `hearth status` tells where");
    TRY(start(&s, false));
    say_where(c);
    e = show_first_task(c);
    if (e != ERR_OK && e != ERR_UNVERIFIED)
        return e;
    ctx_say("\nServing until Ctrl-C. Try, in another terminal:\n"
            "  hearth ask \"...\"   hearth chat   hearth council \"...\"   "
            "hearth help\nLog: %s\n",
            s.log);
    while (!atomic_load(&ctx_cancel)) {
        if (child_wait(s.pid, false, &s.status) == ERR_OK) {
            s.pid = 0;
            return died(&s);
        }
        clock_sleep_ms(LOOK_MS * 4);
    }
    ctx_say("\nstopping\n");
    return ERR_CANCELLED;
}
