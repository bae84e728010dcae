/* help, version, completion, docs: what the program says about itself. */
#include "base/base.h"
#include "cmd/ctx.h"
#include "cmd/reference.h"
#include "hearth_version.h"

enum { TEXT_MAX = 4 << 20 };

enum err cmd_help(struct ctx *c)
{
    CLEANUP(buf_done) struct buf out = BUF_INIT(TEXT_MAX);
    const struct command *command = NULL;

    if (args_has(&c->args, "all")) {
        TRY(args_help_all(&out));
        return ctx_out(c, buf_str(&out));
    }
    if (c->args.n_words != 0) {
        command = args_command(c->args.words[0]);
        if (command == NULL)
            return FAIL(&c->why, ERR_SYNTAX, "there is no command '%.*s'",
                        STR_ARG(c->args.words[0]));
    }
    TRY(args_help(command, &out));
    return ctx_out(c, buf_str(&out));
}

enum err cmd_version(struct ctx *c)
{
    if (c->json)
        return ctx_outf(c, "{\"version\":\"%s\",\"compiler\":\"%s\"}\n",
                        HEARTH_VERSION, __VERSION__);
    return ctx_outf(c, "hearth %s (compiler %s)\n", HEARTH_VERSION,
                    __VERSION__);
}

enum err cmd_completion(struct ctx *c)
{
    CLEANUP(buf_done) struct buf out = BUF_INIT(TEXT_MAX);

    if (c->args.n_words != 1)
        return FAIL(&c->why, ERR_SYNTAX,
                    "for which shell? `hearth completion bash` or `hearth "
                    "completion zsh`");
    TRY(args_completion(c->args.words[0], &out, &c->why));
    return ctx_out(c, buf_str(&out));
}

enum err cmd_docs(struct ctx *c)
{
    CLEANUP(buf_done) struct buf out = BUF_INIT(TEXT_MAX);

    if (c->args.n_words == 0)
        TRY(reference_list(&out));
    else
        TRY(reference_get(c->args.words[0], &out, &c->why));
    return ctx_out(c, buf_str(&out));
}
