#include "runner/guard_fill.h"

#define TEXT_MAX ((size_t)64 << 20)

enum area { FIXED, FREE }; /* are object keys ours or the client's? */

static bool is_one_of(struct str s, const char *const *list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (str_eq(s, str_c(list[i])))
            return true;
    return false;
}

/* Words of JSON schema and of tool lists, which templates look up. */
static bool is_keyword(struct str key)
{
    static const char *const words[] = {
        "type",  "properties", "required", "description", "enum",
        "items", "name",       "default",  "title",       "parameters",
    };
    return is_one_of(key, words, COUNTOF(words));
}

static enum err put_str(struct guard_fill *f, struct str s, bool key)
{
    buf_clear(&f->scratch);
    TRY(guard_marks_put(&f->marks, s, &f->scratch));
    struct str marked = buf_str(&f->scratch);
    if (key)
        jsonw_key_n(&f->w, marked);
    else
        jsonw_str(&f->w, marked);
    return ERR_OK;
}

/* NOLINTBEGIN(misc-no-recursion): as deep as json_parse allowed, and once more
 * for the document inside a string of arguments */
static enum err put_value(struct guard_fill *f, struct json v, struct str key,
                          enum area area);

/* Arguments of an earlier tool call: JSON inside a string, whose escapes the
 * template undoes. So the marks go inside the inner strings. */
static enum err put_arguments(struct guard_fill *f, struct json v)
{
    CLEANUP(json_done) struct json_doc doc = JSON_DOC_INIT;
    CLEANUP(buf_done) struct buf inner = BUF_INIT(TEXT_MAX);
    if (json_parse(&doc, json_str(v), NULL, NULL) != ERR_OK)
        return put_str(f, json_str(v), false);
    size_t before = f->marks.n_put;
    struct jsonw outer = f->w;
    f->w = JSONW_INIT(&inner);
    enum err e = put_value(f, json_root(&doc), STR_EMPTY, FREE);
    if (e == ERR_OK)
        e = jsonw_end(&f->w);
    f->w = outer;
    TRY(e);
    bool same = f->marks.n_put == before;
    jsonw_str(&f->w, same ? json_str(v) : buf_str(&inner));
    return ERR_OK;
}

static enum err put_object(struct guard_fill *f, struct json v, enum area area)
{
    struct str key;
    struct json item;
    jsonw_obj(&f->w);
    for (struct json_iter it = json_iter(v); json_next(&it, &key, &item);) {
        bool called = str_eq(key, STR("arguments"));
        if (area == FREE && !is_keyword(key))
            TRY(put_str(f, key, true));
        else
            jsonw_key_n(&f->w, key);
        if (called && area == FIXED && json_type(item) == JSON_STRING)
            TRY(put_arguments(f, item));
        else if (called || str_eq(key, STR("parameters")))
            TRY(put_value(f, item, key, FREE));
        else
            TRY(put_value(f, item, key, area));
    }
    jsonw_obj_end(&f->w);
    return ERR_OK;
}

/* "type" says what its object is; such words are not text. */
static bool is_type_word(struct str key, struct str s)
{
    if (!str_eq(key, STR("type")))
        return false;
    for (size_t i = 0; i < s.n; i++)
        if (!((s.p[i] >= 'a' && s.p[i] <= 'z') || s.p[i] == '_'))
            return false;
    return true;
}

static enum err put_value(struct guard_fill *f, struct json v, struct str key,
                          enum area area)
{
    struct str none;
    struct json item;
    switch (json_type(v)) {
    case JSON_STRING:
        if (is_type_word(key, json_str(v))) {
            jsonw_str(&f->w, json_str(v));
            return ERR_OK;
        }
        return put_str(f, json_str(v), false);
    case JSON_OBJECT:
        return put_object(f, v, area);
    case JSON_ARRAY:
        jsonw_arr(&f->w);
        for (struct json_iter it = json_iter(v); json_next(&it, &none, &item);)
            TRY(put_value(f, item, STR_EMPTY, area));
        jsonw_arr_end(&f->w);
        return ERR_OK;
    case JSON_ABSENT:
    case JSON_NULL:
    case JSON_BOOL:
    case JSON_NUMBER:
        json_write(v, &f->w);
        return ERR_OK;
    }
    return ERR_OK;
}

/* NOLINTEND(misc-no-recursion) */

static enum err put_message(struct guard_fill *f, struct json m)
{
    static const char *const roles[] = {"system",    "developer", "user",
                                        "assistant", "tool",      "function"};
    struct str role, key;
    struct json item;
    if (json_type(m) != JSON_OBJECT)
        return json_fail(m, ERR_PARSE, f->why, "must be a message");
    TRY(json_get_str(m, "role", &role, f->why));
    if (!is_one_of(role, roles, COUNTOF(roles)))
        return json_fail(json_get(m, "role"), ERR_PARSE, f->why,
                         "must be one of system, developer, user, assistant, "
                         "tool");
    jsonw_obj(&f->w);
    for (struct json_iter it = json_iter(m); json_next(&it, &key, &item);) {
        jsonw_key_n(&f->w, key);
        if (str_eq(key, STR("role")))
            jsonw_str(&f->w, role);
        else
            TRY(put_value(f, item, key, FIXED));
    }
    jsonw_obj_end(&f->w);
    return ERR_OK;
}

static enum err put_messages(struct guard_fill *f, struct json list)
{
    struct str key;
    struct json m;
    for (struct json_iter it = json_iter(list); json_next(&it, &key, &m);)
        TRY(put_message(f, m));
    return ERR_OK;
}

static enum err put_chat(struct guard_fill *f, struct json input,
                         struct json tail)
{
    struct str key;
    struct json item, messages;
    TRY(json_get_arr(input, "messages", &messages, f->why));
    if (json_count(messages) + json_count(tail) == 0)
        return json_fail(messages, ERR_PARSE, f->why, "must not be empty");
    jsonw_obj(&f->w);
    for (struct json_iter it = json_iter(input); json_next(&it, &key, &item);) {
        jsonw_key_n(&f->w, key);
        if (str_eq(key, STR("messages"))) {
            jsonw_arr(&f->w);
            TRY(put_messages(f, messages));
            TRY(put_messages(f, tail));
            jsonw_arr_end(&f->w);
        } else if (str_eq(key, STR("tools"))) {
            TRY(put_value(f, item, key, FIXED));
        } else if (str_eq(key, STR("chat_template_kwargs"))) {
            TRY(put_value(f, item, key, FREE));
        } else {
            json_write(item, &f->w); /* never rendered */
        }
    }
    jsonw_obj_end(&f->w);
    return jsonw_end(&f->w);
}

enum err guard_fill_marked(struct engine *e, struct json input,
                           struct json tail, bool everywhere, unsigned number,
                           struct guard_fill *f, struct buf *out)
{
    buf_clear(out);
    guard_marks_init(&f->marks, e, everywhere, number);
    f->w = JSONW_INIT(out);
    enum err err = put_chat(f, input, tail);
    if (err == ERR_LIMIT || err == ERR_NOMEM)
        return FAIL(f->why, err, "the conversation is too large");
    return err;
}

enum err guard_fill_unmarked(struct json input, struct json tail,
                             struct buf *out, struct why *why)
{
    struct str key;
    struct json item;
    struct jsonw w = JSONW_INIT(out);
    jsonw_obj(&w);
    for (struct json_iter it = json_iter(input); json_next(&it, &key, &item);) {
        jsonw_key_n(&w, key);
        if (!str_eq(key, STR("messages"))) {
            json_write(item, &w);
            continue;
        }
        struct str none;
        struct json m;
        jsonw_arr(&w);
        for (struct json_iter l = json_iter(item); json_next(&l, &none, &m);)
            json_write(m, &w);
        for (struct json_iter l = json_iter(tail); json_next(&l, &none, &m);)
            json_write(m, &w);
        jsonw_arr_end(&w);
    }
    jsonw_obj_end(&w);
    enum err e = jsonw_end(&w);
    return e == ERR_OK ? e : FAIL(why, e, "the conversation is too large");
}
