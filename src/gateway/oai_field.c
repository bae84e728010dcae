#include "gateway/oai_field.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>

enum { TEXT_MAX = 1 << 20 };

static struct json_field *wanted(const struct json_item *item,
                                 struct json_field *fields, size_t count)
{
    bool escaped = memchr(item->key.p, '\\', item->key.n) != NULL;

    for (size_t i = 0; i < count; i++) {
        struct str name = str_c(fields[i].name);

        if (escaped ? json_scan_key_is(item, name) : str_eq(item->key, name))
            return &fields[i];
    }
    return NULL;
}

enum err oai_members(struct str object, struct json_field *fields, size_t count,
                     struct oai_err *o)
{
    struct json_scan scan;
    struct json_item item;
    struct why why = WHY_INIT;

    for (size_t i = 0; i < count; i++)
        fields[i] = (struct json_field){.name = fields[i].name};
    if (json_scan_open(&scan, object, OAI_DEPTH, &why) != ERR_OK)
        return oai_wrong_body(o, &why);
    if (scan.outer != JSON_OBJECT) {
        (void)FAIL(&why, ERR_PARSE, "it must be an object, not an array");
        return oai_wrong_body(o, &why);
    }
    for (size_t n = 0;; n++) {
        struct json_field *f;

        if (json_scan_next(&scan, &item, &why) != ERR_OK)
            return oai_wrong_body(o, &why);
        if (item.type == JSON_ABSENT)
            return ERR_OK;
        f = wanted(&item, fields, count);
        if (n == OAI_MEMBERS_MAX)
            (void)FAIL(&why, ERR_PARSE, "an object has more than %d members",
                       OAI_MEMBERS_MAX);
        else if (f != NULL && f->type != JSON_ABSENT)
            (void)FAIL(&why, ERR_PARSE, "\"%s\" is given twice", f->name);
        if (why.code != ERR_OK)
            return oai_wrong_body(o, &why);
        if (f != NULL) {
            f->raw = item.raw;
            f->type = item.type;
        }
    }
}

bool oai_given(const struct json_field *f)
{
    return f->type != JSON_ABSENT && f->type != JSON_NULL;
}

enum err oai_missing(struct oai_err *o, const char *param)
{
    return oai_err_fail(o, ERR_PARSE, param, "missing_required_parameter",
                        "Missing required parameter: '%s'.", param);
}

enum err oai_wrong_type(struct oai_err *o, const char *param, const char *want,
                        enum json_type got)
{
    return oai_err_fail(o, ERR_PARSE, param, "invalid_type",
                        "Invalid type for '%s': expected %s, but got %s "
                        "instead.",
                        param, want, json_type_name(got));
}

enum err oai_wrong(struct oai_err *o, const char *param, const char *name,
                   const char *fmt, ...)
{
    char text[400];
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    return oai_err_fail(o, ERR_PARSE, param, name, "Invalid '%s': %s.", param,
                        text);
}

enum err oai_wrong_body(struct oai_err *o, const struct why *why)
{
    return oai_err_fail(o, why->code == ERR_NOMEM ? ERR_NOMEM : ERR_PARSE, NULL,
                        NULL,
                        "We could not parse the JSON body of your "
                        "request: %s.",
                        err_why(why));
}

enum err oai_bool(const struct json_field *f, bool *out, struct oai_err *o)
{
    if (!oai_given(f))
        return ERR_OK;
    if (f->type != JSON_BOOL)
        return oai_wrong_type(o, f->name, "a boolean", f->type);
    *out = f->raw.p[0] == 't';
    return ERR_OK;
}

static enum err number(const struct json_field *f, double *out,
                       struct oai_err *o)
{
    if (f->type != JSON_NUMBER)
        return oai_wrong_type(o, f->name, "a number", f->type);
    if (!str_f64(f->raw, out))
        return oai_wrong(o, f->name, "invalid_value",
                         "the number cannot be represented");
    return ERR_OK;
}

enum err oai_f32(const struct json_field *f, double min, double max, float *out,
                 struct oai_err *o)
{
    double v = 0;

    if (!oai_given(f))
        return ERR_OK;
    TRY(number(f, &v, o));
    if (v < min)
        return oai_wrong(o, f->name, "decimal_below_min_value",
                         "%g is below the minimum of %g", v, min);
    if (v > max)
        return oai_wrong(o, f->name, "decimal_above_max_value",
                         "%g is above the maximum of %g", v, max);
    *out = (float)v;
    return ERR_OK;
}

enum err oai_u32(const struct json_field *f, uint32_t min, uint32_t max,
                 uint32_t *out, struct oai_err *o)
{
    double v = 0;

    if (!oai_given(f))
        return ERR_OK;
    if (f->type != JSON_NUMBER)
        return oai_wrong_type(o, f->name, "an integer", f->type);
    TRY(number(f, &v, o));
    if (v != floor(v))
        return oai_wrong(o, f->name, "invalid_type", "%g is not an integer", v);
    if (v < (double)min)
        return oai_wrong(o, f->name, "integer_below_min_value",
                         "%.0f is below the minimum of %" PRIu32, v, min);
    if (v > (double)max)
        return oai_wrong(o, f->name, "integer_above_max_value",
                         "%.0f is above the maximum of %" PRIu32, v, max);
    *out = (uint32_t)v;
    return ERR_OK;
}

enum err oai_i64(const struct json_field *f, int64_t *out, struct oai_err *o)
{
    double v = 0;

    if (!oai_given(f))
        return ERR_OK;
    if (f->type != JSON_NUMBER)
        return oai_wrong_type(o, f->name, "an integer", f->type);
    if (str_i64(f->raw, out))
        return ERR_OK;
    TRY(number(f, &v, o));
    if (v != floor(v) || fabs(v) > 9007199254740992.0)
        return oai_wrong(o, f->name, "invalid_value",
                         "%g is not an integer of 64 bits", v);
    *out = (int64_t)v;
    return ERR_OK;
}

enum err oai_text(const struct json_field *f, struct arena *a, struct str *out,
                  struct oai_err *o)
{
    struct buf CLEANUP(buf_done) text = BUF_INIT(TEXT_MAX);
    enum err e;

    if (!oai_given(f))
        return ERR_OK;
    if (f->type != JSON_STRING)
        return oai_wrong_type(o, f->name, "a string", f->type);
    e = json_scan_unescape(f->raw, &text);
    if (e == ERR_OK)
        e = arena_dup(a, buf_str(&text), out);
    if (e == ERR_LIMIT)
        return oai_wrong(o, f->name, "string_above_max_length",
                         "the text is too long");
    if (e != ERR_OK)
        return oai_err_fail(o, e, f->name, NULL, "%s", err_text(e));
    return ERR_OK;
}

enum err oai_raw(const struct json_field *f, enum json_type want,
                 struct str *out, struct oai_err *o)
{
    if (!oai_given(f))
        return ERR_OK;
    if (f->type != want)
        return oai_wrong_type(o, f->name, json_type_name(want), f->type);
    *out = f->raw;
    return ERR_OK;
}
