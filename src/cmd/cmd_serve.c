/* serve, gateway, orchestrator: the processes themselves, wired. */
#include "cmd/ctx.h"
#include "gateway/gateway.h"
#include "ipc/chan.h"
#include "super/super.h"
#include "sys/fs.h"
#include "sys/log.h"
#include "work/work.h"

enum { CHILD_ARGS = ARGS_MAX * 2 + 8 };

/* Both children are this program in another role, with the same options. */
static enum err child_argv(struct ctx *c, const char *role, struct arena *arena,
                           const char *argv[CHILD_ARGS])
{
    struct str value, z, config = args_text(&c->args, "config", STR_EMPTY);
    size_t n = 0;

    argv[n++] = c->paths.exe;
    argv[n++] = role;
    argv[n++] = "--ipc-fd";
    argv[n++] = ERR_STR(CHAN_CHILD_FD);
    if (config.n != 0) {
        TRY(arena_dup(arena, config, &z));
        argv[n++] = "--config";
        argv[n++] = z.p;
    }
    for (size_t i = 0; args_list(&c->args, "set", i, &value); i++) {
        TRY(arena_dup(arena, value, &z));
        argv[n++] = "--set";
        argv[n++] = z.p;
    }
    argv[n] = NULL;
    return ERR_OK;
}

static void on_ready(void *ctx, const char *address)
{
    struct ctx *c = ctx;

    ctx_say("hearth listens on %s%s%s\n", ctx_paint(c, false, PAINT_BOLD),
            address, ctx_paint(c, false, PAINT_OFF));
}

enum err cmd_serve(struct ctx *c)
{
    CLEANUP(options_done) struct options o = {0};
    CLEANUP(arena_done) struct arena arena = ARENA_INIT(1 << 20);
    const char *gateway[CHILD_ARGS], *work[CHILD_ARGS];
    char runner[PATHS_MAX], work_socket[PATHS_MAX];

    /* Read here too, so that a mistake is told at once and in one place. */
    TRY(ctx_options(c, &o));
    TRY(paths_make(&c->paths, &c->why));
    TRY(paths_sibling(&c->paths, "hearth-runner", runner, &c->why));
    TRY(child_argv(c, "gateway", &arena, gateway));
    TRY(child_argv(c, "orchestrator", &arena, work));
    (void)snprintf(work_socket, sizeof(work_socket), "%.980s/orchestrator.sock",
                   c->paths.run);
    return super_main(&(struct super_opts){.paths = &c->paths,
                                           .gateway = gateway,
                                           .work = work,
                                           .runner = runner,
                                           .gateway_socket = c->socket,
                                           .work_socket = work_socket,
                                           .drain_ms = (unsigned)o.server_drain,
                                           .on_ready = on_ready,
                                           .ctx = c},
                      &c->why);
}
