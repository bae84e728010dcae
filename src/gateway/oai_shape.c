#include "gateway/oai_shape.h"

#include "data/json_write.h"

enum { CHUNK, WHOLE };

static const char *object_name(const struct oai_gen *g, int form)
{
    if (!g->chat)
        return "text_completion";
    return form == CHUNK ? "chat.completion.chunk" : "chat.completion";
}

static void open_object(const struct oai_gen *g, int form, struct jsonw *w)
{
    jsonw_obj(w);
    jsonw_key_cstr(w, "id", g->id.text);
    jsonw_key_cstr(w, "object", object_name(g, form));
    jsonw_key_i64(w, "created", g->created);
    jsonw_key_str(w, "model", g->x.model);
    jsonw_key_cstr(w, "system_fingerprint", g->x.gw->build);
    jsonw_key_arr(w, "choices");
}

/* Closes the choices and the object. A chunk of a stream that will have a
 * usage chunk says usage:null. */
static void close_chunk(const struct oai_gen *g, struct jsonw *w)
{
    jsonw_arr_end(w);
    if (g->include_usage)
        jsonw_key_null(w, "usage");
    jsonw_obj_end(w);
}

/* Takes back the event when the JSON of it failed. */
static enum err end_event(struct jsonw *w, size_t start)
{
    struct buf *out = w->out;
    enum err e = jsonw_end(w);

    if (e == ERR_OK)
        e = buf_add(out, STR("\n\n"));
    if (e != ERR_OK)
        out->len = start;
    return e;
}

#define EVENT_BEGIN(out)                                                       \
    size_t start_ = (out)->len;                                                \
    TRY(buf_add((out), STR("data: ")));                                        \
    struct jsonw w = JSONW_INIT(out)
#define EVENT_END() return end_event(&w, start_)

enum err oai_shape_role(const struct oai_gen *g, uint32_t index,
                        struct buf *out)
{
    EVENT_BEGIN(out);
    open_object(g, CHUNK, &w);
    jsonw_obj(&w);
    jsonw_key_u64(&w, "index", index);
    jsonw_key_obj(&w, "delta");
    jsonw_key_cstr(&w, "role", "assistant");
    jsonw_key_cstr(&w, "content", "");
    jsonw_obj_end(&w);
    jsonw_key_null(&w, "logprobs");
    jsonw_key_null(&w, "finish_reason");
    jsonw_obj_end(&w);
    close_chunk(g, &w);
    EVENT_END();
}

/* ---- log probabilities ----------------------------------------------------------- */

/* `entries`: "[{..},{..}]", or empty. */
static void chat_logprobs(bool wanted, struct str entries, struct jsonw *w)
{
    if (!wanted || entries.n == 0) {
        jsonw_key_null(w, "logprobs");
        return;
    }
    jsonw_key_obj(w, "logprobs");
    jsonw_key_raw(w, "content", entries);
    jsonw_key_null(w, "refusal");
    jsonw_obj_end(w);
}

static void top_of(struct json entry, struct jsonw *w)
{
    struct json_iter it = json_iter(json_get(entry, "top_logprobs"));
    struct str key;
    struct json top;

    jsonw_obj(w);
    while (json_next(&it, &key, &top)) {
        jsonw_key_n(w, json_str(json_get(top, "token")));
        json_write(json_get(top, "logprob"), w);
    }
    jsonw_obj_end(w);
}

/* The older form, in columns. `*offset` is the place of the first token. */
static void text_logprobs(bool wanted, struct str entries, size_t *offset,
                          struct jsonw *w)
{
    struct json_doc CLEANUP(json_done) doc = JSON_DOC_INIT;
    static const char *const columns[] = {"tokens", "token_logprobs",
                                          "top_logprobs", "text_offset"};

    if (!wanted || entries.n == 0
        || json_parse(&doc, entries, NULL, NULL) != ERR_OK) {
        jsonw_key_null(w, "logprobs");
        return;
    }
    jsonw_key_obj(w, "logprobs");
    for (size_t c = 0; c < COUNTOF(columns); c++) {
        struct json_iter it = json_iter(json_root(&doc));
        struct str key;
        struct json entry;

        jsonw_key_arr(w, columns[c]);
        while (json_next(&it, &key, &entry)) {
            struct str token = json_str(json_get(entry, "token"));

            if (c == 0)
                jsonw_str(w, token);
            else if (c == 1)
                json_write(json_get(entry, "logprob"), w);
            else if (c == 2)
                top_of(entry, w);
            else
                jsonw_u64(w, *offset);
            *offset += c == 3 ? token.n : 0;
        }
        jsonw_arr_end(w);
    }
    jsonw_obj_end(w);
}

/* ---- chunks -------------------------------------------------------------------------- */

static void chat_delta(const struct oai_gen *g, const struct msg_delta *m,
                       struct jsonw *w)
{
    jsonw_key_obj(w, "delta");
    if (m->reasoning.n != 0)
        jsonw_key_str(w, "reasoning_content", m->reasoning);
    if (m->text.n != 0)
        jsonw_key_str(w, "content", m->text);
    if (m->tool_calls.n != 0)
        jsonw_key_raw(w, "tool_calls", m->tool_calls);
    jsonw_obj_end(w);
    chat_logprobs(g->want_logprobs, m->logprobs, w);
}

enum err oai_shape_delta(struct oai_gen *g, const struct msg_delta *m,
                         struct buf *out)
{
    EVENT_BEGIN(out);
    open_object(g, CHUNK, &w);
    jsonw_obj(&w);
    jsonw_key_u64(&w, "index", m->index);
    if (g->chat) {
        chat_delta(g, m, &w);
    } else {
        jsonw_key_str(&w, "text", m->text);
        text_logprobs(g->want_logprobs, m->logprobs,
                      &g->choices[m->index].text_offset, &w);
    }
    jsonw_key_null(&w, "finish_reason");
    jsonw_obj_end(&w);
    close_chunk(g, &w);
    EVENT_END();
}

enum err oai_shape_finish(const struct oai_gen *g, uint32_t index,
                          struct buf *out)
{
    EVENT_BEGIN(out);
    open_object(g, CHUNK, &w);
    jsonw_obj(&w);
    jsonw_key_u64(&w, "index", index);
    if (g->chat) {
        jsonw_key_obj(&w, "delta");
        jsonw_obj_end(&w);
    } else {
        jsonw_key_cstr(&w, "text", "");
    }
    jsonw_key_null(&w, "logprobs");
    jsonw_key_cstr(&w, "finish_reason",
                   msg_finish_name(g->choices[index].finish));
    jsonw_obj_end(&w);
    close_chunk(g, &w);
    EVENT_END();
}

static void usage(const struct oai_gen *g, struct jsonw *w)
{
    jsonw_key_obj(w, "usage");
    jsonw_key_u64(w, "prompt_tokens", g->prompt_tokens);
    jsonw_key_u64(w, "completion_tokens", g->completion_tokens);
    jsonw_key_u64(w, "total_tokens",
                  (uint64_t)g->prompt_tokens + g->completion_tokens);
    jsonw_key_obj(w, "prompt_tokens_details");
    jsonw_key_u64(w, "cached_tokens", g->cached_tokens);
    jsonw_key_u64(w, "audio_tokens", 0);
    jsonw_obj_end(w);
    jsonw_key_obj(w, "completion_tokens_details");
    jsonw_key_u64(w, "reasoning_tokens", 0);
    jsonw_key_u64(w, "audio_tokens", 0);
    jsonw_key_u64(w, "accepted_prediction_tokens", 0);
    jsonw_key_u64(w, "rejected_prediction_tokens", 0);
    jsonw_obj_end(w);
    jsonw_obj_end(w);
}

enum err oai_shape_usage(const struct oai_gen *g, struct buf *out)
{
    EVENT_BEGIN(out);
    open_object(g, CHUNK, &w);
    jsonw_arr_end(&w);
    usage(g, &w);
    jsonw_obj_end(&w);
    EVENT_END();
}

/* ---- the whole answer ------------------------------------------------------------------ */

static void chat_message(const struct oai_choice *c, struct jsonw *w)
{
    jsonw_key_obj(w, "message");
    jsonw_key_cstr(w, "role", "assistant");
    if (c->text.len == 0 && c->calls.count != 0)
        jsonw_key_null(w, "content");
    else
        jsonw_key_str(w, "content", buf_str(&c->text));
    jsonw_key_null(w, "refusal");
    if (c->reasoning.len != 0)
        jsonw_key_str(w, "reasoning_content", buf_str(&c->reasoning));
    if (c->calls.count != 0) {
        jsonw_key(w, "tool_calls");
        oai_calls_write(&c->calls, w);
    }
    jsonw_obj_end(w);
}

/* With `echo` the text begins with its prompt. */
static enum err text_of(const struct oai_gen *g, uint32_t index,
                        const struct oai_choice *c, struct buf *text)
{
    struct json_doc CLEANUP(json_done) doc = JSON_DOC_INIT;

    if (g->echo.len != 0) {
        TRY(json_parse(&doc, buf_str(&g->echo), NULL, NULL));
        TRY(buf_add(text, json_str(json_at(json_root(&doc), index / g->n))));
    }
    return buf_add(text, buf_str(&c->text));
}

static enum err write_choice(struct oai_gen *g, uint32_t index, struct jsonw *w)
{
    struct oai_choice *c = &g->choices[index];
    struct buf CLEANUP(buf_done) entries = BUF_INIT(c->logprobs.max + 2);
    struct buf CLEANUP(buf_done) text = BUF_INIT((size_t)64 << 20);

    if (c->logprobs.len != 0)
        TRY(buf_printf(&entries, "[%s]", c->logprobs.data));
    jsonw_obj(w);
    jsonw_key_u64(w, "index", index);
    if (g->chat) {
        chat_message(c, w);
        chat_logprobs(g->want_logprobs, buf_str(&entries), w);
    } else {
        TRY(text_of(g, index, c, &text));
        jsonw_key_str(w, "text", buf_str(&text));
        text_logprobs(g->want_logprobs, buf_str(&entries), &c->text_offset, w);
    }
    jsonw_key_cstr(w, "finish_reason", msg_finish_name(c->finish));
    jsonw_obj_end(w);
    return ERR_OK;
}

enum err oai_shape_whole(struct oai_gen *g, struct buf *out)
{
    struct jsonw w = JSONW_INIT(out);

    open_object(g, WHOLE, &w);
    for (uint32_t i = 0; i < g->n_choices; i++)
        TRY(write_choice(g, i, &w));
    jsonw_arr_end(&w);
    usage(g, &w);
    jsonw_obj_end(&w);
    return jsonw_end(&w);
}
