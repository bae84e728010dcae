/*
 * chat: one answer, or a conversation with a line editor. The conversation is
 * kept as the JSON array that the API takes, so that its beginning never
 * changes from turn to turn: that is what makes the prefix cache hit.
 */
#include <editline/readline.h>
#include <unistd.h>

#include "base/arena.h"
#include "cmd/ctx.h"
#include "data/jsonw.h"
#include "sys/term.h"

enum { HISTORY_MAX = 8 << 20 };

struct chat {
    struct ctx *c;
    struct str model;
    struct buf messages; /* elements of the array, with commas */
    struct buf answer;   /* of this turn */
    struct ctx_usage usage;
};

static enum err add_message(struct chat *t, const char *role, struct str text)
{
    struct jsonw w;

    if (t->messages.len != 0)
        TRY(buf_add_byte(&t->messages, ','));
    w = JSONW_INIT(&t->messages);
    jsonw_obj(&w);
    jsonw_key_cstr(&w, "role", role);
    jsonw_key_str(&w, "content", text);
    jsonw_obj_end(&w);
    return jsonw_end(&w);
}

static enum err request(struct chat *t, struct buf *out)
{
    CLEANUP(buf_done) struct buf array = BUF_INIT(HISTORY_MAX + 2);
    const struct args *a = &t->c->args;
    struct jsonw w = JSONW_INIT(out);
    double temperature = 0.7;

    if (args_has(a, "temperature")
        && !str_f64(args_text(a, "temperature", STR_EMPTY), &temperature))
        return FAIL(&t->c->why, ERR_SYNTAX, "--temperature needs a number");
    TRY(buf_printf(&array, "[%.*s]", STR_ARG(buf_str(&t->messages))));
    jsonw_obj(&w);
    jsonw_key_str(&w, "model", t->model);
    jsonw_key_bool(&w, "stream", true);
    jsonw_key_obj(&w, "stream_options");
    jsonw_key_bool(&w, "include_usage", true);
    jsonw_obj_end(&w);
    jsonw_key_f64(&w, "temperature", temperature);
    if (args_has(a, "max-tokens"))
        jsonw_key_u64(&w, "max_tokens", args_number(a, "max-tokens", 0));
    if (args_has(a, "seed"))
        jsonw_key_u64(&w, "seed", args_number(a, "seed", 0));
    jsonw_key_raw(&w, "messages", buf_str(&array));
    jsonw_obj_end(&w);
    return jsonw_end(&w);
}

static enum err on_event(void *ctx, struct str event, struct str data)
{
    CLEANUP(json_done) struct json_doc doc = JSON_DOC_INIT;
    struct chat *t = ctx;
    struct json root, error;
    struct str text;

    (void)event;
    if (str_eq(data, STR("[DONE]")))
        return ERR_OK;
    if (t->c->json)
        return ctx_out_line(t->c, data);
    TRY(json_parse(&doc, data, NULL, &t->c->why));
    root = json_root(&doc);
    error = json_get(root, "error");
    if (json_type(error) == JSON_OBJECT)
        return FAIL(&t->c->why, ERR_RUNNER, "%.*s",
                    STR_ARG(ctx_text(t->c, error, "message")));
    if (json_type(json_get(root, "usage")) == JSON_OBJECT)
        t->usage = ctx_usage(json_get(root, "usage"));
    text = json_str(json_get(
        json_get(json_at(json_get(root, "choices"), 0), "delta"), "content"));
    TRY(buf_add(&t->answer, text));
    return ctx_out_text(t->c, text);
}

/* One turn: the answer is printed as it comes and joins the conversation. */
static enum err turn(struct chat *t, struct str text)
{
    CLEANUP(buf_done) struct buf body = BUF_INIT(HISTORY_MAX + 65536);

    TRY(add_message(t, "user", text));
    TRY(request(t, &body));
    buf_clear(&t->answer);
    TRY(client_stream(&t->c->client, STR("POST"), STR("/v1/chat/completions"),
                      buf_str(&body), on_event, t, &t->c->why));
    if (t->c->json)
        return ERR_OK;
    TRY(ctx_out(t->c, STR("\n")));
    return add_message(t, "assistant", buf_str(&t->answer));
}

/* The first model of the list that can chat, when none was named. */
static enum err choose_model(struct chat *t, struct arena *arena)
{
    CLEANUP(json_done) struct json_doc doc = JSON_DOC_INIT;
    struct json first;

    t->model = args_text(&t->c->args, "model", STR_EMPTY);
    if (t->model.n != 0)
        return ERR_OK;
    TRY(ctx_get(t->c, "/v1/models", &doc));
    first = json_at(json_get(json_root(&doc), "data"), 0);
    if (ctx_text(t->c, first, "id").n == 0)
        return FAIL(&t->c->why, ERR_NOMODEL,
                    "there is no model; put a GGUF file into %s/models",
                    t->c->paths.state);
    return arena_dup(arena, ctx_text(t->c, first, "id"), &t->model);
}

static enum err converse(struct chat *t)
{
    ctx_say("%s%.*s: /exit or Ctrl-D ends, Ctrl-C stops an answer%s\n",
            ctx_paint(t->c, false, PAINT_DIM), STR_ARG(t->model),
            ctx_paint(t->c, false, PAINT_OFF));
    using_history();
    for (;;) {
        char *line = readline("> ");
        struct str text = str_trim(str_c(line));
        enum err e = ERR_OK;

        if (line == NULL || str_eq(text, STR("/exit"))) {
            free(line); /* libedit's own memory */
            return ERR_OK;
        }
        if (text.n != 0) {
            size_t before = t->messages.len;

            add_history(line);
            atomic_store(&ctx_cancel, false);
            e = turn(t, text);
            if (e != ERR_OK) {
                t->messages.len = before; /* the turn did not happen */
                ctx_say("\n%s%s%s\n", ctx_paint(t->c, false, PAINT_BAD),
                        e == ERR_CANCELLED ? "stopped" : err_why(&t->c->why),
                        ctx_paint(t->c, false, PAINT_OFF));
            } else {
                ctx_say("%s[%llu tokens, of them %llu cached; %llu new]%s\n",
                        ctx_paint(t->c, false, PAINT_DIM),
                        (unsigned long long)t->usage.prompt,
                        (unsigned long long)t->usage.cached,
                        (unsigned long long)t->usage.completion,
                        ctx_paint(t->c, false, PAINT_OFF));
            }
        }
        free(line);
    }
}

static void chat_done(struct chat *t)
{
    buf_done(&t->messages);
    buf_done(&t->answer);
}

enum err cmd_chat(struct ctx *c)
{
    CLEANUP(chat_done)
    struct chat t = {.c = c,
                     .messages = BUF_INIT(HISTORY_MAX),
                     .answer = BUF_INIT(HISTORY_MAX)};
    CLEANUP(arena_done) struct arena arena = ARENA_INIT(4096);
    CLEANUP(buf_done) struct buf text = BUF_INIT(1 << 20);
    struct str system = args_text(&c->args, "system", STR_EMPTY);

    TRY(choose_model(&t, &arena));
    if (system.n != 0)
        TRY(add_message(&t, "system", system));
    TRY(args_joined(&c->args, &text));
    if (text.len == 0 && !term_is(STDIN_FILENO))
        TRY(ctx_read_file(c, STR("-"), &text));
    if (text.len != 0)
        return turn(&t, buf_str(&text));
    return converse(&t);
}
