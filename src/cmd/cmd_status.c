/* status: is hearth running, where, and what does it do? */
#include "cmd/ctx.h"

#include "super/super.h"

static enum err print(struct ctx *c, struct json ready)
{
    struct super_where where;
    struct str key;
    struct json v;
    struct json_iter it;

    if (super_find(&c->paths, &where, NULL) == ERR_OK)
        TRY(ctx_outf(c, "hearth runs on %s (pid %d)\n", where.address,
                     where.pid));
    for (it = json_iter(ready); json_next(&it, &key, &v);)
        if (json_type(v) == JSON_STRING)
            TRY(ctx_outf(c, "  %-14.*s %.*s\n", STR_ARG(key),
                         STR_ARG(json_str(v))));
    return ERR_OK;
}

enum err cmd_status(struct ctx *c)
{
    CLEANUP(json_done) struct json_doc doc = JSON_DOC_INIT;
    enum err e = ctx_get(c, "/ready", &doc);

    if (e == ERR_IO) {
        TRY(ctx_outf(c, c->json ? "{\"running\":false}\n"
                                : "hearth is not running; start it with "
                                  "`hearth serve`\n"));
        return ERR_UNVERIFIED;
    }
    if (e != ERR_OK)
        return e;
    return c->json ? ctx_out_json(c, json_root(&doc))
                   : print(c, json_root(&doc));
}
