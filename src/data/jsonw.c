#include "data/jsonw.h"

#include <math.h>

#include "base/utf8.h"

static void put(struct jsonw *w, struct str s)
{
    if (w->err == ERR_OK)
        w->err = buf_add(w->out, s);
}

static void fail(struct jsonw *w, enum err e)
{
    if (w->err == ERR_OK)
        w->err = e;
}

static bool in_object(const struct jsonw *w)
{
    return w->depth > 0 && (w->objects >> (w->depth - 1) & 1) != 0;
}

/* In front of every value: the comma, and whether one may stand here. */
static void before(struct jsonw *w)
{
    if (w->depth == 0 ? w->comma : in_object(w) != w->keyed)
        fail(w, ERR_SYNTAX);
    if (w->comma && !w->keyed)
        put(w, STR(","));
    w->keyed = false;
    w->comma = true;
}

static void open(struct jsonw *w, bool object)
{
    uint64_t bit;

    before(w);
    if (w->depth >= JSONW_DEPTH_MAX)
        fail(w, ERR_LIMIT);
    if (w->err != ERR_OK)
        return;
    bit = (uint64_t)1 << w->depth++;
    w->objects = object ? w->objects | bit : w->objects & ~bit;
    w->comma = false;
    put(w, object ? STR("{") : STR("["));
}

static void shut(struct jsonw *w, bool object)
{
    if (w->depth == 0 || in_object(w) != object || w->keyed)
        fail(w, ERR_SYNTAX);
    if (w->err != ERR_OK)
        return;
    w->depth--;
    w->comma = true;
    put(w, object ? STR("}") : STR("]"));
}

void jsonw_obj(struct jsonw *w)
{
    open(w, true);
}

void jsonw_obj_end(struct jsonw *w)
{
    shut(w, true);
}

void jsonw_arr(struct jsonw *w)
{
    open(w, false);
}

void jsonw_arr_end(struct jsonw *w)
{
    shut(w, false);
}

/* The escape of a byte or code point, or nothing to copy it as it is. */
static struct str escape(uint32_t cp, char text[8])
{
    static const char from[] = "\"\\\b\f\n\r\t", to[] = "\"\\bfnrt";
    const char *hit = cp < 0x80 && cp != 0 ? strchr(from, (int)cp) : NULL;

    if (hit != NULL) {
        text[0] = '\\';
        text[1] = to[hit - from];
        return (struct str){text, 2};
    }
    if (cp >= 0x20 && cp != 0x7f && cp != 0x2028 && cp != 0x2029)
        return STR_EMPTY;
    (void)snprintf(text, 8, "\\u%04x", (unsigned)cp & 0xffff);
    return (struct str){text, 6};
}

/* Bytes at the front that are copied as they are: plain ASCII. */
static size_t plain(struct str s)
{
    size_t i = 0;

    while (i < s.n && s.p[i] >= 0x20 && s.p[i] < 0x7f && s.p[i] != '"'
           && s.p[i] != '\\')
        i++;
    return i;
}

static void quoted(struct jsonw *w, struct str s)
{
    char text[8];

    put(w, STR("\""));
    while (s.n != 0 && w->err == ERR_OK) {
        size_t n = plain(s);
        uint32_t cp = 0;
        struct str e;

        put(w, str_sub(s, 0, n));
        s = str_sub(s, n, s.n);
        if (s.n == 0)
            break;
        n = utf8_next(s, &cp);
        e = n != 0 ? escape(cp, text) : STR("\xef\xbf\xbd");
        n = MAX(n, (size_t)1);
        put(w, e.n != 0 ? e : str_sub(s, 0, n));
        s = str_sub(s, n, s.n);
    }
    put(w, STR("\""));
}

void jsonw_key_n(struct jsonw *w, struct str key)
{
    if (!in_object(w) || w->keyed)
        fail(w, ERR_SYNTAX);
    if (w->comma)
        put(w, STR(","));
    quoted(w, key);
    put(w, STR(":"));
    w->keyed = true;
}

void jsonw_key(struct jsonw *w, const char *key)
{
    jsonw_key_n(w, str_c(key));
}

void jsonw_str(struct jsonw *w, struct str s)
{
    before(w);
    quoted(w, s);
}

void jsonw_cstr(struct jsonw *w, const char *s)
{
    if (s != NULL)
        jsonw_str(w, str_c(s));
    else
        jsonw_null(w);
}

void jsonw_u64(struct jsonw *w, uint64_t v)
{
    char text[24];
    size_t at = sizeof(text);

    do
        text[--at] = (char)('0' + v % 10);
    while ((v /= 10) != 0);
    jsonw_raw(w, (struct str){text + at, sizeof(text) - at});
}

void jsonw_i64(struct jsonw *w, int64_t v)
{
    char text[24];
    int n = snprintf(text, sizeof(text), "%lld", (long long)v);

    jsonw_raw(w, (struct str){text, (size_t)n});
}

void jsonw_f64(struct jsonw *w, double v)
{
    char text[32] = "";

    if (!isfinite(v)) {
        fail(w, ERR_RANGE);
        return;
    }
    for (int digits = 15; digits <= 17; digits++) {
        (void)snprintf(text, sizeof(text), "%.*g", digits, v);
        if (strtod(text, NULL) == v)
            break;
    }
    /* As "-0" it would read back as the whole number 0. */
    jsonw_raw(w, v == 0 && signbit(v) ? STR("-0.0") : str_c(text));
}

void jsonw_f32(struct jsonw *w, float v)
{
    char text[32] = "";

    if (!isfinite(v)) {
        fail(w, ERR_RANGE);
        return;
    }
    for (int digits = 6; digits <= 9; digits++) {
        (void)snprintf(text, sizeof(text), "%.*g", digits, (double)v);
        if (strtof(text, NULL) == v)
            break;
    }
    jsonw_raw(w, str_c(text));
}

void jsonw_bool(struct jsonw *w, bool v)
{
    jsonw_raw(w, v ? STR("true") : STR("false"));
}

void jsonw_null(struct jsonw *w)
{
    jsonw_raw(w, STR("null"));
}

void jsonw_raw(struct jsonw *w, struct str json)
{
    if (json.n == 0)
        fail(w, ERR_SYNTAX);
    before(w);
    put(w, json);
}

void jsonw_key_str(struct jsonw *w, const char *key, struct str s)
{
    jsonw_key(w, key);
    jsonw_str(w, s);
}

void jsonw_key_cstr(struct jsonw *w, const char *key, const char *s)
{
    jsonw_key(w, key);
    jsonw_cstr(w, s);
}

void jsonw_key_u64(struct jsonw *w, const char *key, uint64_t v)
{
    jsonw_key(w, key);
    jsonw_u64(w, v);
}

void jsonw_key_i64(struct jsonw *w, const char *key, int64_t v)
{
    jsonw_key(w, key);
    jsonw_i64(w, v);
}

void jsonw_key_f64(struct jsonw *w, const char *key, double v)
{
    jsonw_key(w, key);
    jsonw_f64(w, v);
}

void jsonw_key_bool(struct jsonw *w, const char *key, bool v)
{
    jsonw_key(w, key);
    jsonw_bool(w, v);
}

void jsonw_key_null(struct jsonw *w, const char *key)
{
    jsonw_key(w, key);
    jsonw_null(w);
}

void jsonw_key_raw(struct jsonw *w, const char *key, struct str json)
{
    jsonw_key(w, key);
    jsonw_raw(w, json);
}

void jsonw_key_obj(struct jsonw *w, const char *key)
{
    jsonw_key(w, key);
    jsonw_obj(w);
}

void jsonw_key_arr(struct jsonw *w, const char *key)
{
    jsonw_key(w, key);
    jsonw_arr(w);
}

enum err jsonw_end(struct jsonw *w)
{
    if (w->depth != 0 || !w->comma)
        fail(w, ERR_SYNTAX);
    if (w->err != ERR_OK && w->out->len > w->start) {
        w->out->len = w->start;
        w->out->data[w->start] = '\0';
    }
    return w->err;
}
