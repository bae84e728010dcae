/* tasks, show, review, cancel: what was done, how, and what waits. */
#include "cmd/ask.h"

#include <inttypes.h>

#include "base/utf8.h"
#include "data/jsonw.h"

enum { PATH_MAX_BYTES = 256 };

/* The first words, on one line. */
static struct str headline(struct str s)
{
    struct str line = STR_EMPTY;

    (void)str_line(&s, &line);
    return utf8_cut(line, 60);
}

/* "last", a whole id, or the beginning of one, to the id. */
static enum err find_task(struct ctx *c, struct str word, char id[64])
{
    CLEANUP(json_done) struct json_doc doc = JSON_DOC_INIT;
    struct json_iter it;
    struct json task;
    struct str key;
    unsigned hits = 0;

    TRY(ctx_get(c, "/v1/tasks?limit=100", &doc));
    for (it = json_iter(json_get(json_root(&doc), "data"));
         json_next(&it, &key, &task);) {
        struct str found = ctx_text(c, task, "id");

        if (!str_eq(word, STR("last")) && !str_starts(found, word))
            continue;
        if (hits++ == 0 && !str_z(found, id, 64))
            return FAIL(&c->why, ERR_PROTOCOL, "a task id is too long");
        if (str_eq(word, STR("last")) || str_eq(word, found))
            return ERR_OK;
    }
    if (hits == 1)
        return ERR_OK;
    if (hits > 1)
        return FAIL(&c->why, ERR_SYNTAX, "%u tasks begin with '%.*s'", hits,
                    STR_ARG(word));
    return FAIL(&c->why, ERR_NOTFOUND,
                "there is no task '%.*s'; `hearth tasks` lists them",
                STR_ARG(word));
}

enum err cmd_tasks(struct ctx *c)
{
    CLEANUP(json_done) struct json_doc doc = JSON_DOC_INIT;
    char path[64];
    struct json_iter it;
    struct json t;
    struct str key;

    (void)snprintf(path, sizeof(path), "/v1/tasks?limit=%" PRIu64,
                   args_number(&c->args, "limit", 20));
    TRY(ctx_get(c, path, &doc));
    if (c->json)
        return ctx_out_json(c, json_root(&doc));
    if (json_count(json_get(json_root(&doc), "data")) == 0)
        return ctx_outf(c, "no tasks yet; try `hearth ask`\n");
    TRY(ctx_outf(c, "%s%-31s %-10s %-10s %4s %8s  %s%s\n",
                 ctx_paint(c, true, PAINT_BOLD), "TASK", "VERDICT", "MODEL",
                 "TRY", "TIME", "WHAT", ctx_paint(c, true, PAINT_OFF)));
    for (it = json_iter(json_get(json_root(&doc), "data"));
         json_next(&it, &key, &t);) {
        struct str verdict = ctx_text(c, t, "verdict");

        TRY(ctx_outf(
            c, "%-31.*s %-10.*s %-10.*s %4" PRIu64 " %6.1f s  %.*s\n",
            STR_ARG(ctx_text(c, t, "id")),
            STR_ARG(verdict.n != 0 ? verdict : ctx_text(c, t, "state")),
            STR_ARG(ctx_text(c, t, "model")), ctx_number(t, "attempts"),
            (double)ctx_number(t, "ms") / 1000,
            STR_ARG(headline(ctx_text(c, t, "prompt")))));
    }
    return ERR_OK;
}

enum err cmd_show(struct ctx *c)
{
    CLEANUP(trace_done) struct trace t = {0};
    char id[64], path[PATH_MAX_BYTES];
    enum err e;

    if (c->args.n_words != 1)
        return FAIL(&c->why, ERR_SYNTAX, "which task? `hearth show last`");
    TRY(find_task(c, c->args.words[0], id));
    if (c->json) {
        CLEANUP(json_done) struct json_doc doc = JSON_DOC_INIT;

        (void)snprintf(path, sizeof(path), "/v1/tasks/%s", id);
        TRY(ctx_get(c, path, &doc));
        return ctx_out_json(c, json_root(&doc));
    }
    (void)snprintf(path, sizeof(path), "/v1/tasks/%s/events?after=0", id);
    trace_init(&t, c, false);
    TRY(client_stream(&c->client, STR("GET"), str_c(path), STR_EMPTY,
                      trace_event, &t, &c->why));
    e = ask_verdict(c, &t);
    return e == ERR_UNVERIFIED ? ERR_OK : e; /* showing it worked */
}

enum err cmd_cancel(struct ctx *c)
{
    CLEANUP(json_done) struct json_doc doc = JSON_DOC_INIT;
    char id[64], path[PATH_MAX_BYTES];

    if (c->args.n_words != 1)
        return FAIL(&c->why, ERR_SYNTAX, "which task? `hearth cancel last`");
    TRY(find_task(c, c->args.words[0], id));
    (void)snprintf(path, sizeof(path), "/v1/tasks/%s/cancel", id);
    TRY(ctx_post(c, path, STR("{}"), &doc));
    if (c->json)
        return ctx_out_json(c, json_root(&doc));
    return ctx_outf(c, "%s is cancelled\n", id);
}

static enum err list_reviews(struct ctx *c)
{
    CLEANUP(json_done) struct json_doc doc = JSON_DOC_INIT;
    struct json_iter it;
    struct json r;
    struct str key;

    TRY(ctx_get(c, "/v1/reviews", &doc));
    if (c->json)
        return ctx_out_json(c, json_root(&doc));
    if (json_count(json_get(json_root(&doc), "data")) == 0)
        return ctx_outf(c, "nothing waits for you\n");
    for (it = json_iter(json_get(json_root(&doc), "data"));
         json_next(&it, &key, &r);)
        TRY(ctx_outf(c, "%.*s  %.*s\n  %.*s\n", STR_ARG(ctx_text(c, r, "task")),
                     STR_ARG(headline(ctx_text(c, r, "prompt"))),
                     STR_ARG(ctx_text(c, r, "reason"))));
    return ctx_outf(c, "\n`hearth show TASK` for the evidence, `hearth review "
                       "TASK approve|reject|edit|skip` to decide\n");
}

enum err cmd_review(struct ctx *c)
{
    CLEANUP(json_done) struct json_doc doc = JSON_DOC_INIT;
    CLEANUP(buf_done) struct buf body = BUF_INIT(2 << 20);
    CLEANUP(buf_done) struct buf code = BUF_INIT(1 << 20);
    struct jsonw w = JSONW_INIT(&body);
    char id[64], path[PATH_MAX_BYTES];
    bool edits;

    if (c->args.n_words == 0)
        return list_reviews(c);
    if (c->args.n_words != 2)
        return FAIL(&c->why, ERR_SYNTAX,
                    "`hearth review TASK approve|reject|edit|skip`");
    edits = str_eq(c->args.words[1], STR("edit"));
    if (edits != args_has(&c->args, "file"))
        return FAIL(&c->why, ERR_SYNTAX,
                    "edit goes with --file, and --file with edit");
    TRY(find_task(c, c->args.words[0], id));
    jsonw_obj(&w);
    jsonw_key_str(&w, "action", c->args.words[1]);
    if (args_has(&c->args, "note"))
        jsonw_key_str(&w, "note", args_text(&c->args, "note", STR_EMPTY));
    if (edits) {
        TRY(ctx_read_file(c, args_text(&c->args, "file", STR_EMPTY), &code));
        jsonw_key_str(&w, "code", buf_str(&code));
    }
    jsonw_obj_end(&w);
    TRY(jsonw_end(&w));
    (void)snprintf(path, sizeof(path), "/v1/reviews/%s", id);
    TRY(ctx_post(c, path, buf_str(&body), &doc));
    if (c->json)
        return ctx_out_json(c, json_root(&doc));
    return ctx_outf(c, "%s: %.*s\n", id, STR_ARG(c->args.words[1]));
}
