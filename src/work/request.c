#include "work/request.h"

#include "base/utf8.h"
#include "data/jsonw.h"
#include "work/syntax.h"
#include "work/worklog.h"

static const char *const members[] = {
    "prompt",
    "language",
    "entry",
    "tests",
    "type",
    "complexity",
    "stream",
    "cancel_on_disconnect",
    "idempotency_key",
};

void request_done(struct request *r)
{
    buf_done(&r->tests);
    json_done(&r->doc);
}

static enum err known_members(struct json v, struct why *w)
{
    struct json_iter it = json_iter(v);
    struct str key;
    struct json item;

    if (json_type(v) != JSON_OBJECT)
        return FAIL(w, ERR_PARSE, "the body must be a JSON object");
    while (json_next(&it, &key, &item)) {
        bool known = false;

        for (size_t i = 0; i < COUNTOF(members) && !known; i++)
            known = str_eq(key, str_c(members[i]));
        if (!known)
            return json_fail(item, ERR_PARSE, w, "is not a member of a task");
    }
    return ERR_OK;
}

static enum err text(struct json v, const char *key, size_t max,
                     struct str *out, struct why *w)
{
    TRY(json_opt_str(v, key, out, w));
    if (out->n > max)
        return json_fail(json_get(v, key), ERR_LIMIT, w,
                         "is longer than %zu bytes", max);
    if (memchr(out->p, '\0', out->n) != NULL)
        return json_fail(json_get(v, key), ERR_PARSE, w, "has a NUL byte");
    return ERR_OK;
}

static bool is_name(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];

        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'
              || (i > 0 && c >= '0' && c <= '9')))
            return false;
    }
    return true;
}

/* An array of lines, or one text. */
static enum err read_tests(struct request *r, struct json v, struct why *w)
{
    struct json_iter it = json_iter(v);
    struct json line;
    struct str key, s;
    enum err e = ERR_OK;

    if (json_type(v) == JSON_ABSENT || json_type(v) == JSON_NULL)
        return ERR_OK;
    if (json_type(v) == JSON_STRING) {
        e = buf_add(&r->tests, json_str(v));
    } else if (json_type(v) == JSON_ARRAY) {
        while (e == ERR_OK && json_next(&it, &key, &line)) {
            TRY(json_as_str(line, &s, w));
            e = buf_add(&r->tests, s);
            if (e == ERR_OK)
                e = buf_add_byte(&r->tests, '\n');
        }
    } else {
        return json_fail(v, ERR_PARSE, w,
                         "must be an array of lines or one text, got %s",
                         json_type_name(json_type(v)));
    }
    if (e == ERR_LIMIT)
        return json_fail(v, ERR_LIMIT, w, "is longer than %d bytes",
                         REQUEST_TESTS_MAX);
    return e;
}

static enum err check_tests(const struct request *r, struct json v,
                            struct why *w)
{
    struct syntax_report report;

    if (memchr(r->tests.data != NULL ? r->tests.data : "", '\0', r->tests.len)
        != NULL)
        return json_fail(json_get(v, "tests"), ERR_PARSE, w, "has a NUL byte");
    TRY(syntax_check(r->lang, buf_str(&r->tests), &report, w));
    if (!report.ok && r->lang != LANG_C) /* C: lines outside of a function */
        return json_fail(json_get(v, "tests"), ERR_PARSE, w,
                         "has a syntax error on line %u: %s", report.line,
                         report.what);
    return ERR_OK;
}

static enum err read_kind(struct request *r, struct json v, struct why *w)
{
    struct str name = STR_EMPTY;
    uint64_t n = 0;

    TRY(json_opt_str(v, "type", &name, w));
    r->has_type = json_type(json_get(v, "type")) == JSON_STRING;
    if (r->has_type && !kind_parse(name, &r->type))
        return json_fail(json_get(v, "type"), ERR_PARSE, w,
                         "must be one of quick, standard, complex, critical");
    r->has_complexity = json_type(json_get(v, "complexity")) == JSON_NUMBER;
    TRY(json_opt_u64(v, "complexity", 0, 10, &n, w));
    r->complexity = (unsigned)n;
    return ERR_OK;
}

static enum err read_all(struct request *r, struct json v, struct why *w)
{
    struct str lang = STR("python");

    TRY(known_members(v, w));
    TRY(json_get_str(v, "prompt", &r->prompt, w));
    TRY(text(v, "prompt", REQUEST_PROMPT_MAX, &r->prompt, w));
    if (str_trim(r->prompt).n == 0)
        return json_fail(json_get(v, "prompt"), ERR_PARSE, w, "is empty");
    TRY(json_opt_str(v, "language", &lang, w));
    if (!lang_parse(lang, &r->lang))
        return json_fail(json_get(v, "language"), ERR_PARSE, w,
                         "must be one of python, javascript, c");
    TRY(text(v, "entry", REQUEST_ENTRY_MAX, &r->entry, w));
    if (!is_name(r->entry))
        return json_fail(json_get(v, "entry"), ERR_PARSE, w,
                         "must be the name of a function");
    TRY(text(v, "idempotency_key", WORKLOG_IDEM_MAX, &r->idem, w));
    TRY(read_kind(r, v, w));
    TRY(json_opt_bool(v, "stream", &r->stream, w));
    TRY(json_opt_bool(v, "cancel_on_disconnect", &r->cancel_on_disconnect, w));
    TRY(read_tests(r, json_get(v, "tests"), w));
    return check_tests(r, v, w);
}

enum err request_parse(struct str json, struct request *r, struct why *w)
{
    struct request made = {.doc = JSON_DOC_INIT,
                           .prompt = STR_EMPTY,
                           .entry = STR_EMPTY,
                           .idem = STR_EMPTY,
                           .tests = BUF_INIT(REQUEST_TESTS_MAX),
                           .stream = true};
    enum err e = json_parse(&made.doc, json, NULL, w);

    if (e == ERR_OK)
        e = read_all(&made, json_root(&made.doc), w);
    if (e != ERR_OK) {
        request_done(&made);
        return e;
    }
    *r = made;
    return ERR_OK;
}

enum err request_spec(const struct request *r, struct buf *out)
{
    struct jsonw w = JSONW_INIT(out);

    jsonw_obj(&w);
    jsonw_key_str(&w, "prompt", r->prompt);
    jsonw_key_cstr(&w, "language", lang_name(r->lang));
    jsonw_key_str(&w, "entry", r->entry);
    jsonw_key_str(&w, "tests", buf_str(&r->tests));
    if (r->has_type)
        jsonw_key_cstr(&w, "type", kind_name(r->type));
    if (r->has_complexity)
        jsonw_key_u64(&w, "complexity", r->complexity);
    jsonw_key_bool(&w, "cancel_on_disconnect", r->cancel_on_disconnect);
    jsonw_obj_end(&w);
    return jsonw_end(&w);
}
