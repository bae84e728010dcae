/*
 * ask --set-file: a table over a set of tasks, one JSON object a line as in
 * models/tiny/heldout.jsonl. The figures below the table are counted from the
 * verdicts of this run and nothing else.
 */
#include "cmd/ask.h"

#include "data/jsonw.h"

enum { FILE_MAX = 64 << 20, LEVELS = 8, MODELS = 8 };

struct tally {
    char level[TRACE_NAME_MAX];
    unsigned total, verified;
    struct {
        char model[TRACE_NAME_MAX];
        unsigned verified;
    } by[MODELS];
};

struct set {
    struct ctx *c;
    struct tally levels[LEVELS];
    size_t n_levels;
    unsigned done;
};

static struct tally *level_of(struct set *s, struct str level)
{
    struct tally *l;

    for (size_t i = 0; i < s->n_levels; i++)
        if (str_eq(level, str_c(s->levels[i].level)))
            return &s->levels[i];
    if (s->n_levels == LEVELS)
        return NULL;
    l = &s->levels[s->n_levels];
    if (!str_z(level, l->level, sizeof(l->level)))
        return NULL;
    s->n_levels++;
    return l;
}

static void count(struct set *s, struct str level, const struct trace *t)
{
    struct tally *l = level_of(s, level);

    if (l == NULL)
        return;
    l->total++;
    if (!trace_is_verified(t))
        return;
    l->verified++;
    for (size_t i = 0; i < MODELS; i++) {
        if (l->by[i].verified == 0)
            (void)snprintf(l->by[i].model, sizeof(l->by[i].model), "%s",
                           t->model);
        if (strcmp(l->by[i].model, t->model) == 0) {
            l->by[i].verified++;
            return;
        }
    }
}

/* The line's own members that POST /v1/tasks takes. */
static enum err build(struct json v, struct buf *body)
{
    static const char *const members[] = {"prompt", "language", "entry"};
    struct jsonw w = JSONW_INIT(body);
    struct json_iter it = json_iter(json_get(v, "tests"));
    struct str key;
    struct json test;

    jsonw_obj(&w);
    for (size_t i = 0; i < COUNTOF(members); i++)
        if (json_type(json_get(v, members[i])) == JSON_STRING)
            jsonw_key_str(&w, members[i], json_str(json_get(v, members[i])));
    jsonw_key_arr(&w, "tests");
    while (json_next(&it, &key, &test))
        jsonw_str(&w, json_str(test));
    jsonw_arr_end(&w);
    jsonw_obj_end(&w);
    return jsonw_end(&w);
}

static enum err one(struct set *s, struct json v)
{
    CLEANUP(buf_done) struct buf body = BUF_INIT(1 << 20);
    CLEANUP(trace_done) struct trace t = {0};
    struct str level = json_str(json_get(v, "level"));
    bool good;

    TRY(build(v, &body));
    trace_init(&t, s->c, true);
    TRY(ask_run(s->c, buf_str(&body), &t));
    count(s, level, &t);
    s->done++;
    if (s->c->json)
        return ERR_OK;
    good = trace_is_verified(&t);
    return ctx_outf(s->c, "%-18.*s %-7.*s %-10s %4llu  %s%-11s%s %5.1f s  %s\n",
                    STR_ARG(json_str(json_get(v, "id"))), STR_ARG(level),
                    t.model, (unsigned long long)t.attempts,
                    ctx_paint(s->c, true, good ? PAINT_GOOD : PAINT_BAD),
                    t.verdict, ctx_paint(s->c, true, PAINT_OFF),
                    (double)t.ms / 1000, t.checks);
}

static enum err summary(struct set *s)
{
    TRY(ctx_outf(s->c, "\n%-8s %6s %9s  by model\n", "LEVEL", "TASKS",
                 "VERIFIED"));
    for (size_t i = 0; i < s->n_levels; i++) {
        struct tally *l = &s->levels[i];

        TRY(ctx_outf(s->c, "%-8s %6u %4u %3.0f%%  ", l->level, l->total,
                     l->verified, 100.0 * l->verified / l->total));
        for (size_t j = 0; j < MODELS && l->by[j].verified != 0; j++)
            TRY(ctx_outf(s->c, " %s %u", l->by[j].model, l->by[j].verified));
        TRY(ctx_outf(s->c, "\n"));
    }
    return ERR_OK;
}

enum err ask_set(struct ctx *c)
{
    CLEANUP(buf_done) struct buf file = BUF_INIT(FILE_MAX);
    struct set s = {.c = c};
    uint64_t limit = args_number(&c->args, "limit", UINT64_MAX);
    struct str rest, line;
    unsigned n = 0;

    TRY(ctx_read_file(c, args_text(&c->args, "set-file", STR_EMPTY), &file));
    if (!c->json)
        TRY(ctx_outf(c, "%s%-18s %-7s %-10s %4s  %-11s %7s  %s%s\n",
                     ctx_paint(c, true, PAINT_BOLD), "TASK", "LEVEL", "MODEL",
                     "TRY", "VERDICT", "TIME", "LAST CHECKS",
                     ctx_paint(c, true, PAINT_OFF)));
    rest = buf_str(&file);
    while (str_line(&rest, &line) && s.done < limit) {
        CLEANUP(json_done) struct json_doc doc = JSON_DOC_INIT;
        struct why why = WHY_INIT;

        n++;
        if (str_trim(line).n == 0)
            continue;
        if (json_parse(&doc, line, NULL, &why) != ERR_OK)
            return FAIL(&c->why, ERR_PARSE, "line %u: %s", n, err_why(&why));
        TRY(one(&s, json_root(&doc)));
    }
    return c->json ? ERR_OK : summary(&s);
}
