/*
 * main.c - `hearth`: one program, its roles and commands from commands.def.
 */
#include <errno.h>
#include <signal.h>
#include <unistd.h>

#include "cmd/ctx.h"
#include "net/httpc_sync.h"
#include "sys/sig.h"

static void on_interrupt(int signo)
{
    static const char again[] = "\n";

    (void)signo;
    if (atomic_exchange(&ctx_cancel, true)) {
        /* The second Ctrl-C: somebody really wants out. */
        (void)!write(STDERR_FILENO, again, 1);
        _exit(130);
    }
}

/* Commands that serve have their own handling, on their loop. */
static bool serves(const struct command *c)
{
    return c->group == ARG_HIDDEN || strcmp(c->name, "serve") == 0;
}

static enum err print_help(struct ctx *c, const struct command *command)
{
    CLEANUP(buf_done) struct buf out = BUF_INIT(1 << 20);

    TRY(args_help(command, &out));
    return ctx_out(c, buf_str(&out));
}

static enum err run(struct ctx *c, int argc, char **argv)
{
    struct sigaction on_int = {.sa_handler = on_interrupt};

    TRY(args_parse(&c->args, argc, argv, &c->why));
    if (c->args.command == NULL || args_has(&c->args, "help"))
        return print_help(c, c->args.command);
    sig_ignore_pipe();
    if (!serves(c->args.command)
        && (sigaction(SIGINT, &on_int, NULL) != 0
            || sigaction(SIGTERM, &on_int, NULL) != 0))
        return FAIL_SYS(&c->why, ERR_IO, "cannot handle Ctrl-C");
    TRY(httpc_sync_global(&c->why));
    TRY(ctx_init(c));
    return c->args.command->run(c);
}

/* The words may be a server's, and hold words of its clients. */
static void complain(struct why *why)
{
    CLEANUP(buf_done) struct buf clean = BUF_INIT(4096);

    if (ctx_clean(str_c(err_why(why)), &clean) != ERR_OK || clean.len == 0)
        ctx_say("hearth: %s\n", err_text(why->code));
    else
        ctx_say("hearth: %s\n", clean.data);
}

int main(int argc, char **argv)
{
    static struct ctx c;
    enum err e;

    c.why = WHY_INIT;
    e = run(&c, argc, argv);
    arena_done(&c.texts);
    if (e == ERR_OK)
        return 0;
    if (e == ERR_CANCELLED || atomic_load(&ctx_cancel))
        return 130;
    /* A verdict was already shown; it is an exit status, not a mishap. */
    if (e == ERR_UNVERIFIED)
        return err_exit(e);
    c.why.code = e;
    complain(&c.why);
    return err_exit(e);
}
