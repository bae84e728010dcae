/*
 * yyjson keeps all values of a document in one array in the order of the text,
 * a container directly before what it contains. So the whole tree is walked
 * with a loop and the end of each open container.
 */
#include "data/json.h"

#include <stdarg.h>
#include <yyjson.h>

#include "base/mem.h"
#include "data/json_path.h"
#include "data/text_pos.h"

/* ---- memory ---- */

struct heap {
    size_t max;
    bool over;
};

static void *heap_alloc(void *ctx, size_t size)
{
    struct heap *h = ctx;

    h->over = h->over || size > h->max;
    return size > h->max ? NULL : mem_alloc(size);
}

static void *heap_resize(void *ctx, void *p, size_t old, size_t size)
{
    struct heap *h = ctx;

    (void)old;
    h->over = h->over || size > h->max;
    return size > h->max ? NULL : mem_resize(p, size);
}

static void heap_free(void *ctx, void *p)
{
    (void)ctx; /* gone by the time the document is freed */
    mem_free(p);
}

/* ---- walking ---- */

static yyjson_val *val(struct json v)
{
    /* yyjson's getters take non-const pointers and do not write. */
    return (yyjson_val *)(uintptr_t)v.at;
}

static yyjson_val *first_child(yyjson_val *ctn)
{
    return unsafe_yyjson_get_first(ctn);
}

static yyjson_val *after(yyjson_val *v)
{
    return unsafe_yyjson_get_next(v);
}

static struct str text_of(yyjson_val *v)
{
    return (struct str){unsafe_yyjson_get_str(v), unsafe_yyjson_get_len(v)};
}

static int by_text(const void *a, const void *b)
{
    yyjson_val *const *x = a, *const *y = b;
    int c = str_cmp(text_of(*x), text_of(*y));

    /* Equal keys stay in the order of the text: the later one is reported. */
    return c != 0 ? c : (*x > *y) - (*x < *y);
}

/* A key of `obj` that was there before, or NULL. */
static enum err repeated_key(yyjson_val *obj, yyjson_val **out)
{
    size_t n = unsafe_yyjson_get_len(obj);
    yyjson_val *few[16], *k = first_child(obj);
    yyjson_val **keys CLEANUP(mem_freep) = NULL;
    yyjson_val **list = few;

    *out = NULL;
    if (n > COUNTOF(few)) {
        keys = mem_calloc(n, sizeof(yyjson_val *));
        if (keys == NULL)
            return ERR_NOMEM;
        list = keys;
    }
    for (size_t i = 0; i < n; i++, k = after(k + 1))
        list[i] = k;
    qsort(list, n, sizeof(yyjson_val *), by_text);
    for (size_t i = 1; i < n; i++)
        if (str_eq(text_of(list[i - 1]), text_of(list[i]))
            && (*out == NULL || list[i] < *out))
            *out = list[i];
    return ERR_OK;
}

/* Byte of the bracket that goes one deeper than allowed, in valid JSON. */
static size_t too_deep_at(struct str text, unsigned max_depth)
{
    unsigned depth = 0;
    bool quoted = false;

    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];

        if (quoted && c == '\\')
            i++;
        else if (c == '"')
            quoted = !quoted;
        else if (!quoted && (c == '{' || c == '[') && ++depth > max_depth)
            return i;
        else if (!quoted && (c == '}' || c == ']'))
            depth--;
    }
    return text.n;
}

static enum err refuse_repeated(const yyjson_doc *doc, yyjson_val *obj,
                                struct str text, struct why *why)
{
    yyjson_val *key;
    struct text_pos pos;
    struct json_path path;
    size_t at;

    TRY(repeated_key(obj, &key));
    if (key == NULL)
        return ERR_OK;
    /* Keys are unescaped where they stand in yyjson's copy of the text. */
    at = (size_t)(unsafe_yyjson_get_str(key) - doc->str_pool) - 1;
    pos = text_pos_of(text, at);
    path = json_path((struct json){doc->root, key + 1});
    return FAIL(why, ERR_PARSE,
                "\"%s\" is given twice (byte %zu, line %zu, column %zu)",
                path.text, at, pos.line, pos.column);
}

/* Depth and repeated keys: what yyjson does not look at. */
static enum err check_tree(const yyjson_doc *doc, struct str text,
                           const struct json_limits *lim, struct why *why)
{
    yyjson_val *ends[JSON_DEPTH_MAX];
    yyjson_val *v = doc->root, *end = after(v);
    unsigned max = MIN(lim->max_depth, (unsigned)JSON_DEPTH_MAX), depth = 0;

    for (; v < end; v++) {
        while (depth > 0 && v >= ends[depth - 1])
            depth--;
        if (!unsafe_yyjson_is_ctn(v))
            continue;
        if (depth >= max)
            return FAIL(why, ERR_LIMIT,
                        "JSON at byte %zu: containers are nested too deeply "
                        "(more than %u)",
                        too_deep_at(text, max), max);
        ends[depth++] = after(v);
        if (!lim->repeated_keys && unsafe_yyjson_is_obj(v))
            TRY(refuse_repeated(doc, v, text, why));
    }
    return ERR_OK;
}

static void doc_freep(yyjson_doc **doc)
{
    yyjson_doc_free(*doc);
}

enum err json_parse(struct json_doc *doc, struct str text,
                    const struct json_limits *lim, struct why *why)
{
    struct json_limits usual = JSON_LIMITS;
    const struct json_limits *l = lim != NULL ? lim : &usual;
    struct heap heap = {.max = l->max_memory};
    yyjson_alc alc = {heap_alloc, heap_resize, heap_free, &heap};
    yyjson_doc *tree CLEANUP(doc_freep) = NULL;
    yyjson_read_err e;

    assert(doc->tree == NULL);
    if (text.n > l->max_bytes)
        return FAIL(why, ERR_LIMIT, "JSON of %zu bytes; the limit is %zu",
                    text.n, l->max_bytes);
    if (text.n == 0)
        return text_pos_fail(text, 0, why, "JSON", "the text is empty");
    tree = yyjson_read_opts((char *)(uintptr_t)text.p, text.n, 0, &alc, &e);
    if (tree == NULL && e.code == YYJSON_READ_ERROR_MEMORY_ALLOCATION)
        return heap.over ? FAIL(why, ERR_LIMIT,
                                "JSON needs more than %zu bytes", l->max_memory)
                         : FAIL(why, ERR_NOMEM,
                                "no memory for JSON of %zu bytes", text.n);
    if (tree == NULL)
        return text_pos_fail(text, e.pos, why, "JSON", e.msg);
    TRY(check_tree(tree, text, l, why));
    doc->tree = TAKE(tree);
    return ERR_OK;
}

void json_done(struct json_doc *doc)
{
    if (doc == NULL)
        return;
    yyjson_doc_free(doc->tree);
    doc->tree = NULL;
}

struct json json_root(const struct json_doc *doc)
{
    const yyjson_doc *d = doc->tree;

    return d != NULL ? (struct json){d->root, d->root}
                     : (struct json){NULL, NULL};
}

/* ---- values ---- */

enum json_type json_type(struct json v)
{
    switch (yyjson_get_type(val(v))) {
    case YYJSON_TYPE_NULL:
        return JSON_NULL;
    case YYJSON_TYPE_BOOL:
        return JSON_BOOL;
    case YYJSON_TYPE_NUM:
        return JSON_NUMBER;
    case YYJSON_TYPE_STR:
        return JSON_STRING;
    case YYJSON_TYPE_ARR:
        return JSON_ARRAY;
    case YYJSON_TYPE_OBJ:
        return JSON_OBJECT;
    default:
        return JSON_ABSENT;
    }
}

const char *json_type_name(enum json_type t)
{
    static const char *const names[] = {
        [JSON_ABSENT] = "nothing",   [JSON_NULL] = "null",
        [JSON_BOOL] = "a boolean",   [JSON_NUMBER] = "a number",
        [JSON_STRING] = "a string",  [JSON_ARRAY] = "an array",
        [JSON_OBJECT] = "an object",
    };

    return (size_t)t < COUNTOF(names) ? names[t] : "?";
}

struct str json_str(struct json v)
{
    return yyjson_is_str(val(v)) ? text_of(val(v)) : STR_EMPTY;
}

bool json_true(struct json v)
{
    return yyjson_is_true(val(v));
}

size_t json_count(struct json v)
{
    return yyjson_is_ctn(val(v)) ? unsafe_yyjson_get_len(val(v)) : 0;
}

struct json json_get_n(struct json obj, struct str key)
{
    return (struct json){obj.root, yyjson_obj_getn(val(obj), key.p, key.n)};
}

struct json json_get(struct json obj, const char *key)
{
    return json_get_n(obj, str_c(key));
}

struct json json_at(struct json arr, size_t i)
{
    return (struct json){arr.root, yyjson_arr_get(val(arr), i)};
}

struct json_iter json_iter(struct json v)
{
    size_t n = json_count(v);

    return (struct json_iter){v.root, n != 0 ? first_child(val(v)) : NULL, n,
                              yyjson_is_obj(val(v))};
}

bool json_next(struct json_iter *it, struct str *key, struct json *out)
{
    yyjson_val *v = val((struct json){it->root, it->next});

    if (it->left == 0)
        return false;
    it->left--;
    *key = STR_EMPTY;
    if (it->object)
        *key = text_of(v++);
    *out = (struct json){it->root, v};
    it->next = after(v);
    return true;
}

/* ---- failures ---- */

enum err json_fail(struct json v, enum err e, struct why *why, const char *fmt,
                   ...)
{
    struct json_path path;
    char text[200];
    va_list ap;

    if (why == NULL)
        return e;
    path = json_path(v);
    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    return path.text[0] != '\0' ? FAIL(why, e, "\"%s\" %s", path.text, text)
                                : FAIL(why, e, "the top-level value %s", text);
}

static enum err wrong_type(struct json v, const char *must, struct why *why)
{
    return json_fail(v, ERR_PARSE, why, "must be %s, got %s", must,
                     json_type_name(json_type(v)));
}

/* ---- values of a type ---- */

enum err json_as_str(struct json v, struct str *out, struct why *why)
{
    if (!yyjson_is_str(val(v)))
        return wrong_type(v, "a string", why);
    *out = text_of(val(v));
    return ERR_OK;
}

enum err json_as_bool(struct json v, bool *out, struct why *why)
{
    if (!yyjson_is_bool(val(v)))
        return wrong_type(v, "a boolean", why);
    *out = unsafe_yyjson_get_bool(val(v));
    return ERR_OK;
}

/* Sign and magnitude of a whole number. */
static enum err whole(struct json v, bool *neg, uint64_t *mag, struct why *why)
{
    yyjson_val *n = val(v);
    int64_t i;
    double d;

    if (!yyjson_is_num(n))
        return wrong_type(v, "a whole number", why);
    if (yyjson_is_uint(n)) {
        *neg = false;
        *mag = unsafe_yyjson_get_uint(n);
        return ERR_OK;
    }
    if (yyjson_is_sint(n)) {
        i = unsafe_yyjson_get_sint(n);
        *neg = i < 0;
        *mag = i < 0 ? 0 - (uint64_t)i : (uint64_t)i;
        return ERR_OK;
    }
    d = unsafe_yyjson_get_real(n);
    *neg = d < 0;
    d = d < 0 ? -d : d;
    /* Beyond 2^63 every double is whole, and out of every range asked for. */
    *mag = d < 0x1p63 ? (uint64_t)d : UINT64_MAX;
    if (d < 0x1p63 && (double)*mag != d)
        return json_fail(v, ERR_PARSE, why, "must be a whole number, got %g",
                         *neg ? -d : d);
    return ERR_OK;
}

enum err json_as_u64(struct json v, uint64_t min, uint64_t max, uint64_t *out,
                     struct why *why)
{
    uint64_t mag;
    bool neg;

    TRY(whole(v, &neg, &mag, why));
    if ((neg && mag != 0) || mag < min || mag > max
        || (yyjson_is_real(val(v)) && mag == UINT64_MAX))
        return json_fail(v, ERR_RANGE, why,
                         "must be from %llu to %llu, got %.17g",
                         (unsigned long long)min, (unsigned long long)max,
                         yyjson_get_num(val(v)));
    *out = mag;
    return ERR_OK;
}

enum err json_as_i64(struct json v, int64_t min, int64_t max, int64_t *out,
                     struct why *why)
{
    uint64_t mag, most;
    int64_t i = 0;
    bool neg;

    TRY(whole(v, &neg, &mag, why));
    most = (uint64_t)INT64_MAX + neg;
    if (mag <= most)
        i = neg ? (int64_t)(0 - mag) : (int64_t)mag;
    if (mag > most || i < min || i > max)
        return json_fail(v, ERR_RANGE, why,
                         "must be from %lld to %lld, got %.17g", (long long)min,
                         (long long)max, yyjson_get_num(val(v)));
    *out = i;
    return ERR_OK;
}

enum err json_as_f64(struct json v, double min, double max, double *out,
                     struct why *why)
{
    double d;

    if (!yyjson_is_num(val(v)))
        return wrong_type(v, "a number", why);
    d = yyjson_get_num(val(v));
    if (d < min || d > max)
        return json_fail(v, ERR_RANGE, why, "must be from %g to %g, got %g",
                         min, max, d);
    *out = d;
    return ERR_OK;
}

static enum err as_arr(struct json v, struct json *out, struct why *why)
{
    if (!yyjson_is_arr(val(v)))
        return wrong_type(v, "an array", why);
    *out = v;
    return ERR_OK;
}

static enum err as_obj(struct json v, struct json *out, struct why *why)
{
    if (!yyjson_is_obj(val(v)))
        return wrong_type(v, "an object", why);
    *out = v;
    return ERR_OK;
}

/* ---- members ---- */

static enum err missing(struct json obj, const char *key, struct why *why)
{
    struct json_path path;

    if (!yyjson_is_obj(val(obj)))
        return wrong_type(obj, "an object", why);
    path = json_path_member(obj, str_c(key));
    return FAIL(why, ERR_PARSE, "\"%s\" is required", path.text);
}

static bool given(struct json v)
{
    return v.at != NULL && !yyjson_is_null(val(v));
}

/* Each kind of member twice: required, and optional with its default left.
 * NOLINTBEGIN(bugprone-macro-parentheses): types and lists of parameters */
#define MEMBER(get, opt, as, PARAMS, ARGS)                                     \
    enum err get PARAMS                                                        \
    {                                                                          \
        struct json v = json_get(obj, key);                                    \
        return given(v) ? as ARGS : missing(obj, key, why);                    \
    }                                                                          \
    enum err opt PARAMS                                                        \
    {                                                                          \
        struct json v = json_get(obj, key);                                    \
        return given(v) ? as ARGS : ERR_OK;                                    \
    }
#define PLAIN(get, opt, as, type)                                              \
    MEMBER(get, opt, as,                                                       \
           (struct json obj, const char *key, type *out, struct why *why),     \
           (v, out, why))
#define RANGED(get, opt, as, type)                                             \
    MEMBER(get, opt, as,                                                       \
           (struct json obj, const char *key, type min, type max, type *out,   \
            struct why *why),                                                  \
           (v, min, max, out, why))

PLAIN(json_get_str, json_opt_str, json_as_str, struct str)
PLAIN(json_get_bool, json_opt_bool, json_as_bool, bool)
PLAIN(json_get_arr, json_opt_arr, as_arr, struct json)
PLAIN(json_get_obj, json_opt_obj, as_obj, struct json)
RANGED(json_get_u64, json_opt_u64, json_as_u64, uint64_t)
RANGED(json_get_i64, json_opt_i64, json_as_i64, int64_t)
RANGED(json_get_f64, json_opt_f64, json_as_f64, double)
/* NOLINTEND(bugprone-macro-parentheses) */
