/* status: is hearth running, where, and what does it do? */
#include "cmd/ctx.h"

#include "sys/fs.h"

enum { TEXT_MAX = 1 << 16 };

/* What `hearth serve` wrote when it was up: address and pid. */
static enum err serve_facts(struct ctx *c, struct json_doc *doc)
{
    CLEANUP(buf_done) struct buf file = BUF_INIT(TEXT_MAX);
    char path[FS_PATH_MAX];

    TRY(fs_join(c->paths.run, "serve.json", path));
    TRY(fs_read(path, &file, NULL));
    return json_parse(doc, buf_str(&file), NULL, NULL);
}

static enum err print(struct ctx *c, struct json ready)
{
    CLEANUP(json_done) struct json_doc serve = JSON_DOC_INIT;
    struct str key;
    struct json v, facts;
    struct json_iter it;
    uint64_t pid = 0;

    if (serve_facts(c, &serve) == ERR_OK) {
        facts = json_root(&serve);
        (void)json_opt_u64(facts, "pid", 0, UINT64_MAX, &pid, NULL);
        TRY(ctx_outf(c, "hearth runs on %.*s (pid %llu)\n",
                     STR_ARG(json_str(json_get(facts, "listen"))),
                     (unsigned long long)pid));
    }
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
