/* models, ps, load, unload: what there is, what is loaded, what it takes. */
#include "cmd/ctx.h"

#include "data/jsonw.h"

/* "5.7 MiB" into a caller's small buffer. */
static const char *bytes_text(uint64_t bytes, char out[16])
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    double v = (double)bytes;
    size_t u = 0;

    while (v >= 1024 && u + 1 < COUNTOF(units)) {
        v /= 1024;
        u++;
    }
    (void)snprintf(out, 16, u == 0 ? "%.0f %s" : "%.1f %s", v, units[u]);
    return out;
}

static const char *params_text(uint64_t n, char out[16])
{
    if (n >= 1000000000)
        (void)snprintf(out, 16, "%.1fB", (double)n / 1e9);
    else if (n >= 100000)
        (void)snprintf(out, 16, "%.1fM", (double)n / 1e6);
    else
        (void)snprintf(out, 16, "%s", n == 0 ? "-" : "small");
    return out;
}

static enum err model_row(struct ctx *c, struct json m)
{
    char file[16], need[16], held[16], params[16];
    struct str state = ctx_text(c, m, "state");
    struct str error = ctx_text(c, m, "error");
    bool is_ready = str_eq(state, STR("ready"));
    uint64_t resident = ctx_number(m, "resident_bytes");

    TRY(ctx_outf(c, "%-24.*s %-9.*s %s%-9.*s%s %8s %9s %10s %10s %6llu\n",
                 STR_ARG(ctx_text(c, m, "id")), STR_ARG(ctx_text(c, m, "kind")),
                 is_ready ? ctx_paint(c, true, PAINT_GOOD) : "", STR_ARG(state),
                 is_ready ? ctx_paint(c, true, PAINT_OFF) : "",
                 params_text(ctx_number(m, "params"), params),
                 bytes_text(ctx_number(m, "file_bytes"), file),
                 bytes_text(ctx_number(m, "need_bytes"), need),
                 resident != 0 ? bytes_text(resident, held) : "-",
                 (unsigned long long)ctx_number(m, "context")));
    if (error.n != 0)
        TRY(ctx_outf(c, "  %s%.*s%s\n", ctx_paint(c, true, PAINT_BAD),
                     STR_ARG(error), ctx_paint(c, true, PAINT_OFF)));
    return ERR_OK;
}

static enum err list(struct ctx *c, const char *path, const char *none)
{
    CLEANUP(json_done) struct json_doc doc = JSON_DOC_INIT;
    struct json root, m;
    struct json_iter it;
    struct str key;
    char used[16], budget[16];

    TRY(ctx_get(c, path, &doc));
    root = json_root(&doc);
    if (c->json)
        return ctx_out_json(c, root);
    if (json_count(json_get(root, "data")) == 0)
        return ctx_outf(c, "%s\n", none);
    TRY(ctx_outf(c, "%s%-24s %-9s %-9s %8s %9s %10s %10s %6s%s\n",
                 ctx_paint(c, true, PAINT_BOLD), "MODEL", "KIND", "STATE",
                 "PARAMS", "FILE", "NEEDS", "HOLDS", "CTX",
                 ctx_paint(c, true, PAINT_OFF)));
    for (it = json_iter(json_get(root, "data")); json_next(&it, &key, &m);)
        TRY(model_row(c, m));
    return ctx_outf(c, "memory: %s of %s\n",
                    bytes_text(ctx_number(root, "used_bytes"), used),
                    bytes_text(ctx_number(root, "budget_bytes"), budget));
}

enum err cmd_models(struct ctx *c)
{
    return list(c, "/admin/models",
                "no models; put a GGUF file into the models folder");
}

enum err cmd_ps(struct ctx *c)
{
    return list(c, "/admin/ps", "no model is loaded");
}

static enum err change(struct ctx *c, const char *verb, const char *done)
{
    CLEANUP(json_done) struct json_doc doc = JSON_DOC_INIT;
    char path[512];
    int n;

    if (c->args.n_words != 1)
        return FAIL(&c->why, ERR_SYNTAX, "which model? `hearth %s MODEL`",
                    verb);
    for (size_t i = 0; i < c->args.words[0].n; i++)
        if (memchr("/?#% ", c->args.words[0].p[i], 5) != NULL)
            return FAIL(&c->why, ERR_SYNTAX, "'%.*s' is not a model's name",
                        STR_ARG(c->args.words[0]));
    n = snprintf(path, sizeof(path), "/admin/models/%.*s/%s",
                 STR_ARG(c->args.words[0]), verb);
    if (n < 0 || (size_t)n >= sizeof(path))
        return FAIL(&c->why, ERR_LIMIT, "the model's name is too long");
    TRY(ctx_post(c, path, STR("{}"), &doc));
    if (c->json)
        return ctx_out_json(c, json_root(&doc));
    return ctx_outf(c, "%.*s is %s\n", STR_ARG(c->args.words[0]), done);
}

enum err cmd_load(struct ctx *c)
{
    return change(c, "load", "loaded");
}

enum err cmd_unload(struct ctx *c)
{
    return change(c, "unload", "unloaded");
}
