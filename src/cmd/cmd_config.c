/* config: check a file, show what is in force and from where. */
#include "cmd/ctx.h"
#include "data/jsonw.h"

enum { TEXT_MAX = 1 << 20 };

static const char *const sources[] = {[OPTIONS_DEFAULT] = "default",
                                      [OPTIONS_FILE] = "file",
                                      [OPTIONS_ENV] = "environment",
                                      [OPTIONS_SET] = "--set"};

static enum err show_json(struct ctx *c, const struct options *o)
{
    CLEANUP(buf_done) struct buf out = BUF_INIT(TEXT_MAX);
    struct jsonw w = JSONW_INIT(&out);
    struct options_row row;

    jsonw_obj(&w);
    for (size_t i = 0; options_row(o, i, &row); i++) {
        CLEANUP(buf_done) struct buf value = BUF_INIT(8192);

        TRY(options_value(o, i, &value));
        jsonw_key_n(&w, row.name);
        jsonw_obj(&w);
        jsonw_key_str(&w, "value", buf_str(&value));
        jsonw_key_cstr(&w, "source", sources[row.source]);
        jsonw_obj_end(&w);
    }
    jsonw_obj_end(&w);
    TRY(jsonw_end(&w));
    TRY(buf_add_byte(&out, '\n'));
    return ctx_out(c, buf_str(&out));
}

static enum err show(struct ctx *c, const struct options *o)
{
    struct options_row row;

    if (c->json)
        return show_json(c, o);
    for (size_t i = 0; options_row(o, i, &row); i++) {
        CLEANUP(buf_done) struct buf value = BUF_INIT(8192);

        TRY(options_value(o, i, &value));
        TRY(ctx_outf(c, "%-24.*s %-22.*s %s%-11s%s %.*s\n", STR_ARG(row.name),
                     STR_ARG(buf_str(&value)), ctx_paint(c, true, PAINT_DIM),
                     sources[row.source], ctx_paint(c, true, PAINT_OFF),
                     STR_ARG(row.help)));
    }
    return ERR_OK;
}

enum err cmd_config(struct ctx *c)
{
    CLEANUP(options_done) struct options o = {0};
    struct str verb = c->args.n_words > 0 ? c->args.words[0] : STR("show");

    if (str_eq(verb, STR("path"))) {
        if (c->json)
            return ctx_outf(c, "{\"path\":\"%s/config.yaml\"}\n",
                            c->paths.config);
        return ctx_outf(c, "%s/config.yaml\n", c->paths.config);
    }
    if (!str_eq(verb, STR("check")) && !str_eq(verb, STR("show")))
        return FAIL(&c->why, ERR_SYNTAX,
                    "config can check, show or path, not '%.*s'",
                    STR_ARG(verb));
    if (c->args.n_words > 2 || c->args.n_given >= ARGS_MAX)
        return FAIL(&c->why, ERR_SYNTAX, "one file at a time");
    if (c->args.n_words == 2) {
        c->args.given[c->args.n_given].name = "config";
        c->args.given[c->args.n_given++].value = c->args.words[1];
    }
    TRY(ctx_options(c, &o));
    if (str_eq(verb, STR("show")))
        return show(c, &o);
    if (c->json)
        return ctx_outf(c, "{\"ok\":true}\n");
    return ctx_outf(c, "%s%.*s is fine\n",
                    o.file.n == 0 ? "no file, the defaults: " : "",
                    STR_ARG(o.file.n != 0 ? o.file : STR("everything")));
}
