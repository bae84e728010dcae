#include "gateway/oai_calls.h"

#include "base/mem.h"
#include "data/json.h"

static enum err grow(struct oai_calls *c, size_t count)
{
    struct oai_call *list;

    if (count <= c->count)
        return ERR_OK;
    list = mem_resize(c->list, count * sizeof(*list));
    if (list == NULL)
        return ERR_NOMEM;
    c->list = list;
    for (; c->count < count; c->count++)
        c->list[c->count] = (struct oai_call){
            .id = BUF_INIT(256),
            .name = BUF_INIT(256),
            .arguments = BUF_INIT(OAI_CALLS_BYTES),
        };
    return ERR_OK;
}

static enum err add_one(struct oai_calls *c, struct json delta, struct why *why)
{
    struct json function = json_get(delta, "function");
    struct oai_call *call;
    uint64_t index;

    TRY(json_get_u64(delta, "index", 0, OAI_CALLS_MAX - 1, &index, why));
    TRY(grow(c, (size_t)index + 1));
    call = &c->list[index];
    TRY(buf_add(&call->id, json_str(json_get(delta, "id"))));
    TRY(buf_add(&call->name, json_str(json_get(function, "name"))));
    return buf_add(&call->arguments, json_str(json_get(function, "arguments")));
}

enum err oai_calls_add(struct oai_calls *c, struct str deltas, struct why *why)
{
    struct json_doc CLEANUP(json_done) doc = JSON_DOC_INIT;
    struct json_iter it;
    struct str key;
    struct json delta;

    TRY(json_parse(&doc, deltas, NULL, why));
    it = json_iter(json_root(&doc));
    while (json_next(&it, &key, &delta))
        TRY(add_one(c, delta, why));
    return ERR_OK;
}

void oai_calls_write(const struct oai_calls *c, struct jsonw *w)
{
    jsonw_arr(w);
    for (size_t i = 0; i < c->count; i++) {
        jsonw_obj(w);
        jsonw_key_str(w, "id", buf_str(&c->list[i].id));
        jsonw_key_cstr(w, "type", "function");
        jsonw_key_obj(w, "function");
        jsonw_key_str(w, "name", buf_str(&c->list[i].name));
        jsonw_key_str(w, "arguments", buf_str(&c->list[i].arguments));
        jsonw_obj_end(w);
        jsonw_obj_end(w);
    }
    jsonw_arr_end(w);
}

void oai_calls_done(struct oai_calls *c)
{
    for (size_t i = 0; i < c->count; i++) {
        buf_done(&c->list[i].id);
        buf_done(&c->list[i].name);
        buf_done(&c->list[i].arguments);
    }
    mem_free(c->list);
    *c = (struct oai_calls){0};
}
