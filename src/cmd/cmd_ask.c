/*
 * ask: one task, its story, its answer. The stream may break while the task
 * lives on in the orchestrator: then it is taken up again after the last
 * event that was seen. Ctrl-C cancels the task itself.
 */
#include "cmd/ask.h"

#include <unistd.h>

#include "cmd/ctx.h"
#include "data/jsonw.h"
#include "sys/clock.h"
#include "sys/term.h"

enum { BODY_MAX = 4 << 20, TAKE_UP_MAX = 5 };

void ask_cancel(struct ctx *c, const char *task)
{
    CLEANUP(buf_done) struct buf answer = BUF_INIT(BODY_MAX);
    struct client plain = client_unix(str_c(c->socket), NULL);
    struct why why = WHY_INIT;
    char path[128];

    (void)snprintf(path, sizeof(path), "/v1/tasks/%s/cancel", task);
    if (client_call(&plain, STR("POST"), str_c(path), STR("{}"), &answer, &why)
        != ERR_OK)
        ctx_say("hearth: the task could not be cancelled: %s\n", err_why(&why));
}

/* Follows a task whose stream broke; the events seen are not sent again. */
static enum err take_up(struct ctx *c, struct trace *t)
{
    enum err e = ERR_EOF;

    for (int i = 0; i < TAKE_UP_MAX && e != ERR_OK && !t->is_over; i++) {
        char path[160];

        if (atomic_load(&ctx_cancel))
            return ERR_CANCELLED;
        clock_sleep_ms(1000);
        (void)snprintf(path, sizeof(path), "/v1/tasks/%s/events?after=%llu",
                       t->task, (unsigned long long)t->seq);
        e = client_stream(&c->client, STR("GET"), str_c(path), STR_EMPTY,
                          trace_event, t, &c->why);
    }
    return e;
}

enum err ask_run(struct ctx *c, struct str body, struct trace *t)
{
    enum err e = client_stream(&c->client, STR("POST"), STR("/v1/tasks"), body,
                               trace_event, t, &c->why);

    if (e != ERR_OK && e != ERR_CANCELLED && t->task[0] != '\0' && !t->is_over)
        e = take_up(c, t);
    if (e == ERR_CANCELLED && t->task[0] != '\0' && !t->is_over) {
        ask_cancel(c, t->task);
        ctx_say("\ncancelled\n");
    }
    return e;
}

/* ---- the request --------------------------------------------------------- */

static enum err add_tests(struct ctx *c, struct jsonw *w)
{
    struct str file = args_text(&c->args, "tests", STR_EMPTY), line;

    if (file.n != 0) {
        CLEANUP(buf_done) struct buf tests = BUF_INIT(1 << 20);

        if (args_has(&c->args, "test"))
            return FAIL(&c->why, ERR_SYNTAX, "either --test or --tests");
        TRY(ctx_read_file(c, file, &tests));
        jsonw_key_str(w, "tests", buf_str(&tests));
    } else if (args_has(&c->args, "test")) {
        jsonw_key_arr(w, "tests");
        for (size_t i = 0; args_list(&c->args, "test", i, &line); i++)
            jsonw_str(w, line);
        jsonw_arr_end(w);
    }
    return ERR_OK;
}

static enum err build(struct ctx *c, struct str task, struct buf *body)
{
    struct jsonw w = JSONW_INIT(body);
    static const char *const same[] = {"language", "entry", "type"};

    jsonw_obj(&w);
    jsonw_key_str(&w, "prompt", task);
    TRY(add_tests(c, &w));
    for (size_t i = 0; i < COUNTOF(same); i++)
        if (args_has(&c->args, same[i]))
            jsonw_key_str(&w, same[i], args_text(&c->args, same[i], STR_EMPTY));
    jsonw_obj_end(&w);
    return jsonw_end(&w);
}

/* Only what passed goes to stdout: a pipe must not carry a failed answer on. */
enum err ask_verdict(struct ctx *c, struct trace *t)
{
    bool passed = trace_is_verified(t);

    if (c->json || t->code.len == 0)
        return passed ? ERR_OK : ERR_UNVERIFIED;
    ctx_say("\n");
    if (!passed) {
        ctx_say("The last answer, which did not pass:\n%.*s\n",
                STR_ARG(buf_str(&t->code)));
        return ERR_UNVERIFIED;
    }
    TRY(ctx_out_text(c, buf_str(&t->code)));
    return t->code.data[t->code.len - 1] == '\n' ? ERR_OK
                                                 : ctx_out(c, STR("\n"));
}

enum err cmd_ask(struct ctx *c)
{
    CLEANUP(buf_done) struct buf task = BUF_INIT(1 << 20);
    CLEANUP(buf_done) struct buf body = BUF_INIT(BODY_MAX);
    CLEANUP(trace_done) struct trace t = {0};

    if (args_has(&c->args, "set-file"))
        return ask_set(c);
    TRY(args_joined(&c->args, &task));
    if (task.len == 0 && !term_is(STDIN_FILENO))
        TRY(ctx_read_file(c, STR("-"), &task));
    if (str_trim(buf_str(&task)).n == 0)
        return FAIL(&c->why, ERR_SYNTAX,
                    "what is the task? For example: hearth ask \"Write a "
                    "Python function add(a, b) that returns a + b\"");
    TRY(build(c, str_trim(buf_str(&task)), &body));
    trace_init(&t, c, args_has(&c->args, "quiet"));
    TRY(ask_run(c, buf_str(&body), &t));
    return ask_verdict(c, &t);
}
