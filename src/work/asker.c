/*
 * asker.c - OpenAI chat completions over the gateway's Unix socket, streamed.
 */
#include "work/asker.h"

#include "client/client.h"
#include "data/json.h"
#include "data/jsonw.h"

struct reading {
    const struct asker_question *q;
    struct asker_answer *out;
    struct why why; /* of a chunk; the client below has words of its own */
    bool finished;
};

void asker_answer_done(struct asker_answer *a)
{
    buf_done(&a->text);
}

static void message(struct jsonw *w, const char *role, struct str text)
{
    jsonw_obj(w);
    jsonw_key_cstr(w, "role", role);
    jsonw_key_str(w, "content", text);
    jsonw_obj_end(w);
}

static enum err body_of(const struct asker_question *q, struct buf *out)
{
    struct jsonw w = JSONW_INIT(out);

    jsonw_obj(&w);
    jsonw_key_str(&w, "model", q->model);
    jsonw_key_arr(&w, "messages");
    message(&w, "system", q->system);
    message(&w, "user", q->user);
    jsonw_arr_end(&w);
    jsonw_key_bool(&w, "stream", true);
    jsonw_key_obj(&w, "stream_options");
    jsonw_key_bool(&w, "include_usage", true);
    jsonw_obj_end(&w);
    jsonw_key_f64(&w, "temperature", q->temperature);
    if (q->temperature > 0)
        jsonw_key_u64(&w, "seed", q->seed);
    jsonw_obj_end(&w);
    return jsonw_end(&w);
}

static enum err on_choice(struct reading *r, struct json choice)
{
    struct str finish = json_str(json_get(choice, "finish_reason"));
    struct str text = json_str(json_get(json_get(choice, "delta"), "content"));

    if (finish.n != 0) {
        r->finished = true;
        IGNORE(str_z(str_sub(finish, 0, ASKER_FINISH_MAX - 1), r->out->finish,
                     ASKER_FINISH_MAX)); /* a name for people */
    }
    if (text.n == 0)
        return ERR_OK;
    TRY(buf_add(&r->out->text, text));
    if (r->q->on_text != NULL)
        r->q->on_text(r->q->ctx, text);
    return ERR_OK;
}

static enum err on_event(void *ctx, struct str event, struct str data)
{
    CLEANUP(json_done) struct json_doc doc = JSON_DOC_INIT;
    struct reading *r = ctx;
    struct json v, usage;

    (void)event;
    if (str_eq(data, STR("[DONE]")))
        return ERR_OK;
    TRY(json_parse(&doc, data, NULL, &r->why));
    v = json_root(&doc);
    if (json_type(json_get(v, "error")) == JSON_OBJECT)
        return FAIL(
            &r->why, ERR_RUNNER, "%.*s",
            STR_ARG(json_str(json_get(json_get(v, "error"), "message"))));
    usage = json_get(v, "usage");
    if (json_type(usage) == JSON_OBJECT) {
        TRY(json_opt_u64(usage, "prompt_tokens", 0, UINT32_MAX,
                         &r->out->tokens_in, &r->why));
        TRY(json_opt_u64(usage, "completion_tokens", 0, UINT32_MAX,
                         &r->out->tokens_out, &r->why));
    }
    if (json_count(json_get(v, "choices")) != 0)
        return on_choice(r, json_at(json_get(v, "choices"), 0));
    return ERR_OK;
}

static enum err ask(void *ctx, const struct asker_question *q,
                    struct asker_answer *out, struct why *w)
{
    CLEANUP(buf_done) struct buf body = BUF_INIT(4 << 20);
    struct client c = client_unix(str_c(ctx), q->cancel);
    struct reading r = {.q = q, .out = out, .why = WHY_INIT};
    enum err e;

    TRY(body_of(q, &body));
    e = client_stream(&c, STR("POST"), STR("/v1/chat/completions"),
                      buf_str(&body), on_event, &r, w);
    if (e != ERR_OK && r.why.code != ERR_OK && w != NULL)
        *w = r.why;
    TRY(e);
    if (!r.finished)
        return FAIL(w, ERR_EOF, "the gateway's answer was cut off");
    return ERR_OK;
}

struct asker asker_gateway(const char *socket)
{
    union {
        const char *in;
        void *out;
    } path = {socket}; /* ctx is not changed by ask */

    return (struct asker){ask, path.out};
}
