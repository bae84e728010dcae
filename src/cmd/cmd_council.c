/*
 * council: six opinions on one question, written at the same time. On a
 * terminal each role has a line that shows the end of what it has written so
 * far; when all are done the whole texts follow.
 */
#include <inttypes.h>
#include <unistd.h>

#include "cmd/ctx.h"
#include "council/council.h"
#include "data/jsonw.h"
#include "sys/term.h"

enum { ROLES = 12, ROLE_TEXT_MAX = 64 << 10 };

struct opinion {
    char name[24];
    struct buf text;
    bool is_done;
};

struct council {
    struct ctx *c;
    struct opinion roles[ROLES];
    size_t n_roles;
    size_t drawn; /* lines of the live view on the terminal */
    bool live;
    struct ctx_usage usage;
};

static struct opinion *opinion_of(struct council *k, struct str name)
{
    struct opinion *r;

    for (size_t i = 0; i < k->n_roles; i++)
        if (str_eq(name, str_c(k->roles[i].name)))
            return &k->roles[i];
    if (k->n_roles == ROLES)
        return NULL;
    r = &k->roles[k->n_roles];
    if (!str_z(name, r->name, sizeof(r->name)))
        return NULL;
    r->text = BUF_INIT(ROLE_TEXT_MAX);
    k->n_roles++;
    return r;
}

/* What fits on a line of the end of `s`, with control characters blanked. */
static void tail(struct str s, size_t width, char *out)
{
    size_t from = s.n > width ? s.n - width : 0;

    while (from < s.n && ((unsigned char)s.p[from] & 0xc0) == 0x80)
        from++; /* not into the middle of a character */
    s = str_sub(s, from, width);
    for (size_t i = 0; i < s.n; i++)
        out[i] = (unsigned char)s.p[i] < ' ' ? ' ' : s.p[i];
    out[s.n] = '\0';
}

static void draw(struct council *k)
{
    size_t width = term_width(STDERR_FILENO);
    char line[512];

    width = MIN(width > 20 ? width - 14 : 6, sizeof(line) - 1);
    if (k->drawn != 0)
        ctx_say("\033[%zuA", k->drawn);
    for (size_t i = 0; i < k->n_roles; i++) {
        tail(buf_str(&k->roles[i].text), width, line);
        ctx_say("\r\033[K%s%-10s%s %s\n", ctx_paint(k->c, false, PAINT_BOLD),
                k->roles[i].name, ctx_paint(k->c, false, PAINT_OFF), line);
    }
    k->drawn = k->n_roles;
}

static enum err on_event(void *ctx, struct str event, struct str data)
{
    CLEANUP(json_done) struct json_doc doc = JSON_DOC_INIT;
    struct council *k = ctx;
    struct opinion *r;
    struct json v;

    if (k->c->json)
        return ctx_out_line(k->c, data);
    TRY(json_parse(&doc, data, NULL, &k->c->why));
    v = json_root(&doc);
    if (str_eq(event, STR("council.done"))) {
        k->usage = ctx_usage(v);
        return ERR_OK;
    }
    if (str_eq(event, STR("error")))
        return FAIL(
            &k->c->why, ERR_RUNNER, "%.*s",
            STR_ARG(json_str(json_get(json_get(v, "error"), "message"))));
    r = opinion_of(k, ctx_text(k->c, v, "role"));
    if (r == NULL)
        return ERR_OK;
    if (str_eq(event, STR("role.delta")))
        TRY(ctx_clean(json_str(json_get(v, "text")), &r->text));
    r->is_done |= str_eq(event, STR("role.done"));
    if (k->live)
        draw(k);
    return ERR_OK;
}

static enum err question(struct ctx *c, struct buf *body)
{
    CLEANUP(buf_done) struct buf text = BUF_INIT(1 << 20);
    CLEANUP(buf_done) struct buf code = BUF_INIT(1 << 20);
    struct str file = args_text(&c->args, "file", STR_EMPTY);
    struct jsonw w = JSONW_INIT(body);

    TRY(args_joined(&c->args, &text));
    if (text.len == 0)
        return FAIL(&c->why, ERR_SYNTAX,
                    "what is the question? hearth council \"...\"");
    jsonw_obj(&w);
    jsonw_key_str(&w, "question", buf_str(&text));
    if (file.n != 0) {
        TRY(ctx_read_file(c, file, &code));
        jsonw_key_str(&w, "code", buf_str(&code));
    }
    if (args_has(&c->args, "model"))
        jsonw_key_str(&w, "model", args_text(&c->args, "model", STR_EMPTY));
    jsonw_obj_end(&w);
    return jsonw_end(&w);
}

static enum err report(struct council *k)
{
    if (k->drawn != 0)
        ctx_say("\033[%zuA\033[J", k->drawn);
    for (size_t i = 0; i < k->n_roles; i++)
        TRY(ctx_outf(k->c, "%s%s%s\n  %.*s\n\n",
                     ctx_paint(k->c, true, PAINT_BOLD), k->roles[i].name,
                     ctx_paint(k->c, true, PAINT_OFF),
                     STR_ARG(str_trim(buf_str(&k->roles[i].text)))));
    ctx_say("%s%zu roles, %" PRIu64 " prompt tokens of which %" PRIu64
            " were shared, %" PRIu64 " written%s\n",
            ctx_paint(k->c, false, PAINT_DIM), k->n_roles, k->usage.prompt,
            k->usage.cached, k->usage.completion,
            ctx_paint(k->c, false, PAINT_OFF));
    return ERR_OK;
}

static void council_done(struct council *k)
{
    for (size_t i = 0; i < k->n_roles; i++)
        buf_done(&k->roles[i].text);
}

enum err cmd_council(struct ctx *c)
{
    CLEANUP(council_done) struct council k = {.c = c};
    CLEANUP(buf_done) struct buf body = BUF_INIT(4 << 20);

    TRY(question(c, &body));
    /* In the order of the table, not in that of the first words. */
    for (int r = 0; r < ROLE_COUNT; r++)
        (void)opinion_of(&k, str_c(role_name((enum role)r)));
    k.live = !c->json && term_is(STDERR_FILENO);
    TRY(client_stream(&c->client, STR("POST"), STR("/v1/council"),
                      buf_str(&body), on_event, &k, &c->why));
    return c->json ? ERR_OK : report(&k);
}
