/*
 * super_part - stands for each process that the supervisor starts, in its
 * tests. Speaks the real messages on descriptor 3 and appends what happens to
 * the file LOG as lines "WHO WHAT PID".
 *
 *     super_part good WHO LOG     comes up, ends on STOP
 *     super_part die WHO LOG      ends at once
 *     super_part deaf WHO LOG     comes up, does not care about STOP
 *     super_part old WHO LOG      says a wrong version
 *     super_part early WHO LOG    says UP before HELLO
 *     super_part spawner WHO LOG  comes up, starts runner 1, meets it, then
 *                                 runner 2, which it keeps
 *     super_part --model LOG ...  a runner: says HELLO, lives until the end of
 *                                 its channel
 */
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "ipc/chan.h"
#include "ipc/msg.h"
#include "sys/clock.h"
#include "sys/fs.h"
#include "sys/process.h"

static const char *who, *log_path;
static struct chan super;

static void note_pid(const char *what, int pid)
{
    char line[200];

    (void)snprintf(line, sizeof(line), "%s %s %d\n", who, what, pid);
    (void)!fs_append(log_path, str_c(line), NULL);
}

static void note(const char *what)
{
    note_pid(what, process_self());
}

static void say(enum msg_kind kind, const void *m)
{
    CLEANUP(buf_done) struct buf b = BUF_INIT(1000);

    if (msg_put(&b, kind, m) != ERR_OK
        || chan_send_wait(&super, (uint8_t)kind, 0, buf_str(&b), CLOCK_NEVER)
               != ERR_OK)
        _exit(3);
}

static void hello(uint32_t version)
{
    say(MSG_HELLO, &(struct msg_hello){version, str_c(who), STR("test")});
}

/* The next frame of this kind; the end of the channel is our end. */
static void hear(struct chan *c, uint8_t kind, struct frame *f)
{
    do
        if (chan_recv_wait(c, f, CLOCK_NEVER) != ERR_OK)
            _exit(4);
    while (f->kind != kind);
}

static void ask_for_runner(uint32_t id)
{
    say(MSG_SPAWN, &(struct msg_spawn){.runner = id,
                                       .model = STR("tiny"),
                                       .path = str_c(log_path),
                                       .kv_dir = STR_EMPTY});
}

static void meet_runners(void)
{
    static struct chan runner;
    struct msg_spawned spawned;
    struct msg_exited exited;
    struct msg_spawn_fail failed;
    struct frame f;

    ask_for_runner(1);
    hear(&super, MSG_SPAWNED, &f);
    if (msg_spawned_get(f.payload, &spawned, NULL) != ERR_OK
        || chan_init(&runner, chan_take_fd(&super), CHAN_QUEUE_MAX) != ERR_OK)
        _exit(5);
    hear(&runner, MSG_HELLO, &f);
    note_pid("met", (int)spawned.pid);
    say(MSG_KILL, &(struct msg_kill){1});
    hear(&super, MSG_EXITED, &f);
    if (msg_exited_get(f.payload, &exited, NULL) != ERR_OK || exited.runner != 1
        || exited.signal != SIGKILL || exited.pid != spawned.pid
        || exited.peak_bytes == 0)
        _exit(6);
    note_pid("lost", (int)exited.pid);
    say(MSG_SPAWN, &(struct msg_spawn){.runner = 9,
                                       .model = STR("bad"),
                                       .path = STR_EMPTY,
                                       .kv_dir = STR_EMPTY});
    hear(&super, MSG_SPAWN_FAIL, &f);
    if (msg_spawn_fail_get(f.payload, &failed, NULL) != ERR_OK
        || failed.runner != 9)
        _exit(7);
    note("refused");
    ask_for_runner(2);
    hear(&super, MSG_SPAWNED, &f);
    if (msg_spawned_get(f.payload, &spawned, NULL) != ERR_OK)
        _exit(8);
    chan_done(&runner);
    if (chan_init(&runner, chan_take_fd(&super), CHAN_QUEUE_MAX) != ERR_OK)
        _exit(8);
    note_pid("keeps", (int)spawned.pid);
}

int main(int argc, char **argv)
{
    bool runner = argc > 2 && strcmp(argv[1], "--model") == 0;
    const char *mode = argc > 1 ? argv[1] : "";
    struct frame f;

    if (argc < 4)
        return 64;
    who = runner ? "runner" : argv[2];
    log_path = runner ? argv[2] : argv[3];
    note("start");
    if (runner && argc > 2 && strcmp(argv[argc - 1], "debug") == 0)
        note("has its arguments");
    if (strcmp(mode, "die") == 0)
        return 1;
    if (chan_init(&super, CHAN_CHILD_FD, CHAN_QUEUE_MAX) != ERR_OK)
        return 2;
    if (strcmp(mode, "early") != 0)
        hello(strcmp(mode, "old") == 0 ? MSG_VERSION + 1 : MSG_VERSION);
    if (!runner) {
        say(MSG_UP, &(struct msg_up){STR("http://127.0.0.1:1")});
        note("up");
    }
    if (strcmp(mode, "spawner") == 0)
        meet_runners();
    hear(&super, MSG_STOP, &f);
    note("stop");
    if (strcmp(mode, "deaf") == 0)
        for (;;)
            (void)pause();
    return 0;
}
