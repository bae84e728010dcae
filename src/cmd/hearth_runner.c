/*
 * hearth-runner: one loaded model, served over a channel. Started by the
 * supervisor, never by people; descriptor 3 is the channel.
 *
 * The model file is hostile until shown otherwise, so everything that parses
 * it happens after this process has given up its rights: it may read its
 * model's files and nothing else.
 */
#include <limits.h>

#include "base/base.h"
#include "hearth_version.h"
#include "ipc/chan.h"
#include "runner/llama/engine_llama.h"
#include "runner/serve.h"
#include "runner/splits.h"
#include "sys/fd.h"
#include "sys/log.h"
#include "sys/sandbox.h"

struct options {
    const char *model;
    uint64_t fd;
    bool unconfined;
    struct log_opts log;
};

static int usage(const char *what)
{
    (void)fprintf(
        stderr,
        "hearth-runner: %s\n"
        "usage: hearth-runner --model FILE [--ipc-fd N] [--unconfined]\n"
        "           [--kv-dir DIR] [--log-level error|warn|info|debug]\n"
        "           [--log-json]\n"
        "The supervisor starts it; descriptor N is its channel.\n",
        what);
    return err_exit(ERR_SYNTAX);
}

/* NULL, or what is wrong. */
static const char *parse(int argc, char **argv, struct options *o)
{
    for (int i = 1; i < argc; i++) {
        struct str a = str_c(argv[i]);
        bool more = i + 1 < argc;
        if (str_eq(a, STR("--unconfined")))
            o->unconfined = true;
        else if (str_eq(a, STR("--log-json")))
            o->log.json = true;
        else if (str_eq(a, STR("--model")) && more)
            o->model = argv[++i];
        else if (str_eq(a, STR("--kv-dir")) && more)
            i++; /* for later: sequences are not kept across loads yet */
        else if (str_eq(a, STR("--ipc-fd")) && more) {
            if (!str_u64(str_c(argv[++i]), INT_MAX, &o->fd))
                return "--ipc-fd is no descriptor";
        } else if (str_eq(a, STR("--log-level")) && more) {
            if (!log_level_parse(str_c(argv[++i]), &o->log.level))
                return "unknown log level";
        } else
            return "unknown option";
    }
    return o->model ? NULL : "--model is missing";
}

/* The library writes past its own log in places (a grammar that does not
 * parse, with the client's text), so it gets no standard error: ours moves to
 * another descriptor. What it says before it aborts comes through
 * on_log. */
static enum err keep_log_to_ourselves(struct options *o)
{
    TRY(fd_dup(o->log.fd, &o->log.fd, NULL));
    return freopen("/dev/null", "w", stderr) ? ERR_OK : ERR_IO;
}

static void on_log(void *ctx, int level, struct str line)
{
    (void)ctx;
    if (level >= 3)
        LOG(WARN, LLAMA, "llama", LOG_STR("text", line));
    else if (level == 2)
        LOG(INFO, LLAMA, "llama", LOG_STR("text", line));
    else
        LOG(DEBUG, LLAMA, "llama", LOG_STR("text", line));
}

static enum err confine(void *ctx, struct why *why)
{
    const struct options *o = ctx;
    struct sandbox_report report = {0};
    struct sandbox_opts s = {
        .read_only = &o->model, .n_read_only = 1, .unconfined = o->unconfined};
    TRY(sandbox_enter(&s, &report, why));
    LOG(DEBUG, RUNNER, "confined", LOG_B("files", report.files),
        LOG_B("tcp", report.tcp), LOG_B("calls", report.calls));
    return ERR_OK;
}

int main(int argc, char **argv)
{
    struct options o = {
        .fd = CHAN_CHILD_FD,
        .log = {.fd = 2, .level = LOG_AT_INFO, .proc = "runner"}};
    struct why why = WHY_INIT;
    const char *wrong = parse(argc, argv, &o);
    if (wrong)
        return usage(wrong);
    /* The library would otherwise start a debugger when it aborts. */
    /* NOLINTNEXTLINE(concurrency-mt-unsafe): before the first thread */
    if (setenv("GGML_NO_BACKTRACE", "1", 1) != 0)
        return err_exit(ERR_NOMEM);
    enum err e = keep_log_to_ourselves(&o);
    if (e != ERR_OK)
        return err_exit(e);
    log_init(&o.log);
    engine_llama_init(on_log, NULL);
    struct serve_opts s = {.fd = (int)o.fd,
                           .model = o.model,
                           .build = HEARTH_VERSION,
                           .probe = engine_llama_probe,
                           .open = engine_llama_open,
                           .confine = confine,
                           .ctx = &o};
    e = serve_run(&s, &why);
    if (e != ERR_OK) {
        LOG(ERROR, RUNNER, "runner_ended", LOG_ERR(e), LOG_WHY(&why));
        return err_exit(e);
    }
    return 0;
}
