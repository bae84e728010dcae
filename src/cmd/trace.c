#include "cmd/trace.h"

#include <inttypes.h>

static void dim(const struct trace *t, const char *before, struct str s)
{
    ctx_say("%s%s%.*s%s", ctx_paint(t->c, false, PAINT_DIM), before, STR_ARG(s),
            ctx_paint(t->c, false, PAINT_OFF));
}

static void keep(char dst[TRACE_NAME_MAX], struct str s)
{
    if (!str_z(str_sub(s, 0, TRACE_NAME_MAX - 1), dst, TRACE_NAME_MAX))
        dst[0] = '\0';
}

/* ---- one function per event ---------------------------------------------- */

static enum err on_created(struct trace *t, struct json v)
{
    keep(t->task, ctx_text(t->c, v, "task"));
    if (!t->quiet)
        ctx_say("%s%s%s\n", ctx_paint(t->c, false, PAINT_BOLD), t->task,
                ctx_paint(t->c, false, PAINT_OFF));
    return ERR_OK;
}

/* What will count as proof, and where its tests come from. */
static void show_proof(struct trace *t, struct json v)
{
    struct json_iter it = json_iter(json_get(v, "required"));
    struct str key, from = ctx_text(t->c, v, "tests_from");
    struct json check;

    ctx_say("  proof    ");
    while (json_next(&it, &key, &check))
        ctx_say(" %.*s", STR_ARG(json_str(check)));
    if (ctx_number(v, "tests") != 0)
        ctx_say(" (%" PRIu64 " from the %.*s)", ctx_number(v, "tests"),
                STR_ARG(from.n != 0 ? from : STR("request")));
    ctx_say("\n");
}

static enum err on_classified(struct trace *t, struct json v)
{
    struct json_iter it = json_iter(json_get(v, "reasons"));
    struct str key;
    struct json reason;
    bool first = true;

    if (t->quiet)
        return ERR_OK;
    ctx_say("  kind      %.*s, complexity %" PRIu64 " of 10",
            STR_ARG(ctx_text(t->c, v, "type")), ctx_number(v, "complexity"));
    while (json_next(&it, &key, &reason)) {
        dim(t, first ? " (" : ", ", json_str(reason));
        first = false;
    }
    ctx_say("%s\n", first ? "" : ")");
    show_proof(t, v);
    return ERR_OK;
}

static enum err on_tier(struct trace *t, struct json v)
{
    keep(t->model, ctx_text(t->c, v, "model"));
    if (!t->quiet)
        ctx_say("\n%s%s%s tries\n", ctx_paint(t->c, false, PAINT_BOLD),
                t->model, ctx_paint(t->c, false, PAINT_OFF));
    return ERR_OK;
}

static enum err on_attempt(struct trace *t, struct json v)
{
    t->attempts++;
    if (t->quiet)
        return ERR_OK;
    ctx_say("  attempt %" PRIu64, ctx_number(v, "attempt"));
    if (ctx_text(t->c, v, "evidence").n != 0)
        dim(t, ", told: ", ctx_text(t->c, v, "evidence"));
    ctx_say("\n");
    t->at_line_start = true;
    return ERR_OK;
}

/* The model's text, indented, as it is written. */
static enum err on_delta(struct trace *t, struct json v)
{
    CLEANUP(buf_done) struct buf clean = BUF_INIT(TRACE_CODE_MAX);

    if (t->quiet)
        return ERR_OK;
    TRY(ctx_clean(json_str(json_get(v, "text")), &clean));
    for (size_t i = 0; i < clean.len; i++) {
        if (t->at_line_start && clean.data[i] != '\n')
            ctx_say("    ");
        ctx_say("%c", clean.data[i]);
        t->at_line_start = clean.data[i] == '\n';
    }
    t->in_text = true;
    return ERR_OK;
}

static enum err on_check(struct trace *t, struct json v)
{
    bool passed = json_true(json_get(v, "passed"));
    struct str check = ctx_text(t->c, v, "check"),
               evidence = ctx_text(t->c, v, "evidence");
    size_t at = strlen(t->checks);
    double ms = 0;

    IGNORE(json_opt_f64(v, "ms", 0, 1e12, &ms, NULL));
    (void)snprintf(t->checks + at, sizeof(t->checks) - at, "%s%.*s %s",
                   at != 0 ? ", " : "", STR_ARG(check),
                   passed ? "ok" : "failed");
    if (t->quiet)
        return ERR_OK;
    ctx_say("  %s%s%s %-9.*s %s%.1f ms%s",
            ctx_paint(t->c, false, passed ? PAINT_GOOD : PAINT_BAD),
            passed ? "pass" : "FAIL", ctx_paint(t->c, false, PAINT_OFF),
            STR_ARG(check), ctx_paint(t->c, false, PAINT_DIM), ms,
            ctx_paint(t->c, false, PAINT_OFF));
    if (evidence.n != 0)
        ctx_say("  %.*s", STR_ARG(evidence));
    ctx_say("\n");
    return ERR_OK;
}

static void end_text(struct trace *t)
{
    if (t->in_text && !t->at_line_start && !t->quiet)
        ctx_say("\n");
    t->in_text = false;
    t->at_line_start = true;
}

/* A story told again has no deltas: the whole answer stands here. */
static enum err on_answer(struct trace *t, struct json v)
{
    if (!t->in_text)
        TRY(on_delta(t, v));
    end_text(t);
    t->checks[0] = '\0';
    return ERR_OK;
}

static enum err on_repeated(struct trace *t, struct json v)
{
    (void)v;
    end_text(t);
    if (!t->quiet)
        ctx_say("    (the same as before: asked again, less strictly)\n");
    return ERR_OK;
}

static enum err on_resumed(struct trace *t, struct json v)
{
    (void)v;
    end_text(t);
    if (!t->quiet)
        ctx_say("  taken up again after a restart\n");
    return ERR_OK;
}

static enum err on_decided(struct trace *t, struct json v)
{
    keep(t->verdict, ctx_text(t->c, v, "verdict"));
    if (!t->quiet)
        ctx_say("  a person decided: %.*s (%s)\n",
                STR_ARG(ctx_text(t->c, v, "action")), t->verdict);
    return ERR_OK;
}

static enum err on_escalated(struct trace *t, struct json v)
{
    t->escalations++;
    if (!t->quiet)
        ctx_say("  %s-> %.*s%s: %.*s\n", ctx_paint(t->c, false, PAINT_WARN),
                STR_ARG(ctx_text(t->c, v, "to")),
                ctx_paint(t->c, false, PAINT_OFF),
                STR_ARG(ctx_text(t->c, v, "reason")));
    return ERR_OK;
}

static enum err on_review(struct trace *t, struct json v)
{
    if (!t->quiet)
        ctx_say("\n  %swaits for a person%s: %.*s\n  hearth review %s "
                "approve|reject|edit|skip\n",
                ctx_paint(t->c, false, PAINT_WARN),
                ctx_paint(t->c, false, PAINT_OFF),
                STR_ARG(ctx_text(t->c, v, "reason")), t->task);
    return ERR_OK;
}

static enum err on_waiting(struct trace *t, struct json v)
{
    if (!t->quiet)
        ctx_say("  waits: %.*s\n", STR_ARG(ctx_text(t->c, v, "reason")));
    return ERR_OK;
}

static enum err on_done(struct trace *t, struct json v)
{
    bool verified;

    end_text(t);
    t->is_over = true;
    keep(t->verdict, ctx_text(t->c, v, "verdict"));
    if (ctx_text(t->c, v, "model").n != 0)
        keep(t->model, ctx_text(t->c, v, "model"));
    t->attempts = ctx_number(v, "attempts");
    t->escalations = ctx_number(v, "escalations");
    t->tokens_in = ctx_number(v, "tokens_in");
    t->tokens_out = ctx_number(v, "tokens_out");
    t->ms = ctx_number(v, "ms");
    buf_clear(&t->code);
    TRY(buf_add(&t->code, json_str(json_get(v, "code"))));
    if (t->quiet)
        return ERR_OK;
    verified = trace_is_verified(t);
    ctx_say("\n%s%s%s %s %s: %" PRIu64 " attempt%s, %" PRIu64
            " escalation%s, %" PRIu64 "+%" PRIu64 " tokens, %.1f s\n",
            ctx_paint(t->c, false, verified ? PAINT_GOOD : PAINT_WARN),
            t->verdict, ctx_paint(t->c, false, PAINT_OFF),
            verified ? "by" : "after", t->model, t->attempts,
            t->attempts == 1 ? "" : "s", t->escalations,
            t->escalations == 1 ? "" : "s", t->tokens_in, t->tokens_out,
            (double)t->ms / 1000);
    if (ctx_text(t->c, v, "reason").n != 0)
        ctx_say("  %.*s\n", STR_ARG(ctx_text(t->c, v, "reason")));
    return ERR_OK;
}

static const struct {
    const char *event;
    enum err (*show)(struct trace *t, struct json v);
} handlers[] = {
    {"task.created", on_created},    {"task.classified", on_classified},
    {"task.waiting", on_waiting},    {"tier.started", on_tier},
    {"attempt.started", on_attempt}, {"attempt.delta", on_delta},
    {"attempt.answer", on_answer},   {"attempt.repeated", on_repeated},
    {"task.resumed", on_resumed},    {"review.decided", on_decided},
    {"check.result", on_check},      {"tier.escalated", on_escalated},
    {"task.review", on_review},      {"task.done", on_done},
};

/* ---- life ----------------------------------------------------------------- */

void trace_init(struct trace *t, struct ctx *c, bool quiet)
{
    *t = (struct trace){.c = c,
                        .quiet = quiet || c->json,
                        .at_line_start = true,
                        .code = BUF_INIT(TRACE_CODE_MAX)};
}

void trace_done(struct trace *t)
{
    buf_done(&t->code);
}

bool trace_is_verified(const struct trace *t)
{
    return strcmp(t->verdict, "verified") == 0
           || strcmp(t->verdict, "checked") == 0;
}

enum err trace_event(void *trace, struct str event, struct str data)
{
    CLEANUP(json_done) struct json_doc doc = JSON_DOC_INIT;
    struct trace *t = trace;
    struct json v;

    TRY(json_parse(&doc, data, NULL, &t->c->why));
    v = json_root(&doc);
    if (ctx_number(v, "seq") != 0)
        t->seq = ctx_number(v, "seq");
    if (t->c->json)
        TRY(ctx_out_line(t->c, data));
    for (size_t i = 0; i < COUNTOF(handlers); i++)
        if (str_eq(event, str_c(handlers[i].event)))
            return handlers[i].show(t, v);
    return ERR_OK; /* a newer server may say more */
}
