/* serve, gateway, orchestrator: the processes themselves, wired. */
#include <unistd.h>

#include "cmd/ctx.h"
#include "council/council.h"
#include "gateway/gateway.h"
#include "hearth_version.h"
#include "ipc/chan.h"
#include "super/super.h"
#include "sys/fs.h"
#include "sys/log.h"
#include "sys/term.h"
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

static bool logs_json(const struct options *o)
{
    return o->log_format == OPTIONS_FORMAT_JSON
           || (o->log_format == OPTIONS_FORMAT_AUTO && !term_is(STDERR_FILENO));
}

/* The log of a long-lived role, as the options want it. */
static void open_log(const struct options *o, const char *role)
{
    log_init(&(struct log_opts){.fd = STDERR_FILENO,
                                .level = (enum log_level)o->log_level,
                                .json = logs_json(o),
                                .proc = role});
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
    const char *runner_args[] = {"--log-level", NULL, NULL, NULL};
    char runner[PATHS_MAX], work_socket[PATHS_MAX];

    /* Read here too, so that a mistake is told at once and in one place. */
    TRY(ctx_options(c, &o));
    open_log(&o, "supervisor");
    runner_args[1] = log_level_name((enum log_level)o.log_level);
    runner_args[2] = logs_json(&o) ? "--log-json" : NULL;
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
                                           .runner_args = runner_args,
                                           .gateway_socket = c->socket,
                                           .work_socket = work_socket,
                                           .drain_ms = (unsigned)o.server_drain,
                                           .hang_ms = (unsigned)o.server_hang,
                                           .on_ready = on_ready,
                                           .ctx = c},
                      &c->why);
}

/* What the supervisor's parts begin with. Each is started with a channel to
 * it. */
static enum err begin_part(struct ctx *c, const char *role, struct options *o,
                           int *fd)
{
    uint64_t n = args_number(&c->args, "ipc-fd", 0);

    if (n < CHAN_CHILD_FD || n > 1023)
        return FAIL(&c->why, ERR_SYNTAX,
                    "`hearth serve` starts this process; it is not for people");
    TRY(ctx_options(c, o));
    open_log(o, role);
    *fd = (int)n;
    return ERR_OK;
}

enum err cmd_gateway(struct ctx *c)
{
    CLEANUP(options_done) struct options o = {0};
    int fd;

    TRY(begin_part(c, "gateway", &o, &fd));
    return gateway_main(&(struct gateway_opts){.options = &o,
                                               .paths = &c->paths,
                                               .super_fd = fd,
                                               .build = HEARTH_VERSION},
                        &c->why);
}

enum err cmd_orchestrator(struct ctx *c)
{
    CLEANUP(options_done) struct options o = {0};
    int fd;

    TRY(begin_part(c, "orchestrator", &o, &fd));
    return work_main(&(struct work_opts){.options = &o,
                                         .paths = &c->paths,
                                         .super_fd = fd,
                                         .build = HEARTH_VERSION,
                                         .more = council_routes,
                                         .n_more = COUNCIL_ROUTES},
                     &c->why);
}
