/*
 * One cursor walks the text. Containers are not entered by recursion: a bit
 * per depth remembers whether it is an object, which is all that is needed to
 * know what may follow a value.
 */
#include "data/json_scan.h"

#include "data/json_lex.h"
#include "data/text_pos.h"

static enum json_type type_of(const struct json_lex *c)
{
    if (c->p == c->end)
        return JSON_ABSENT;
    switch (*c->p) {
    case '{':
        return JSON_OBJECT;
    case '[':
        return JSON_ARRAY;
    case '"':
        return JSON_STRING;
    case 't':
    case 'f':
        return JSON_BOOL;
    case 'n':
        return JSON_NULL;
    default:
        return *c->p == '-' || (*c->p >= '0' && *c->p <= '9') ? JSON_NUMBER
                                                              : JSON_ABSENT;
    }
}

static bool scalar(struct json_lex *c)
{
    switch (type_of(c)) {
    case JSON_STRING:
        return json_lex_string(c);
    case JSON_NUMBER:
        return json_lex_number(c);
    case JSON_BOOL:
        return json_lex_word(c, *c->p == 't' ? STR("true") : STR("false"));
    case JSON_NULL:
        return json_lex_word(c, STR("null"));
    default:
        return json_lex_bad(c, c->p == c->end
                                   ? "the text ends where a value must be"
                                   : "expected a value");
    }
}

/* `"key" :` with the space after it; on the first byte of the key. */
static bool key(struct json_lex *c, struct str *out)
{
    const char *from = c->p + 1;

    if (c->p == c->end || *c->p != '"')
        return json_lex_bad(c, "expected a key in quotes");
    if (!json_lex_string(c))
        return false;
    *out = (struct str){from, (size_t)(c->p - 1 - from)};
    json_lex_space(c);
    if (c->p == c->end || *c->p != ':')
        return json_lex_bad(c, "expected ':' after a key");
    c->p++;
    json_lex_space(c);
    return true;
}

/* The containers open at this point of a value. */
struct nest {
    unsigned depth, base; /* base: containers around the value */
    uint64_t objects[JSON_DEPTH_MAX / 64];
};

static bool in_object(const struct nest *n)
{
    unsigned d = n->depth - 1;

    return (n->objects[d / 64] >> (d % 64) & 1) != 0;
}

/* On '{' or '['. *closed when it was empty. */
static bool enter(struct json_lex *c, struct nest *n, bool *closed)
{
    bool object = *c->p == '{';
    struct str ignored;
    uint64_t bit;

    if (n->base + n->depth >= c->max_depth) {
        c->err = ERR_LIMIT;
        c->problem = "containers are nested too deeply";
        return false;
    }
    bit = (uint64_t)1 << (n->depth % 64);
    n->objects[n->depth / 64] &= ~bit;
    if (object)
        n->objects[n->depth / 64] |= bit;
    n->depth++;
    c->p++;
    json_lex_space(c);
    *closed = c->p < c->end && *c->p == (object ? '}' : ']');
    if (*closed) {
        n->depth--;
        c->p++;
    }
    return *closed || !object || key(c, &ignored);
}

/* After a value inside containers: leaves those that close here, and passes
 * the comma and key in front of the next value if there is one. */
static bool leave(struct json_lex *c, struct nest *n)
{
    struct str ignored;

    while (n->depth > 0) {
        bool object = in_object(n);

        json_lex_space(c);
        if (c->p == c->end)
            return json_lex_bad(c, object ? "the text ends inside an object"
                                          : "the text ends inside an array");
        if (*c->p == ',') {
            c->p++;
            json_lex_space(c);
            return !object || key(c, &ignored);
        }
        if (*c->p != (object ? '}' : ']'))
            return json_lex_bad(
                c, object ? "expected ',' or '}' after a member"
                          : "expected ',' or ']' after an element");
        c->p++;
        n->depth--;
    }
    return true;
}

/* One value of any type, from its first byte to just past its last. */
static bool value(struct json_lex *c, unsigned base)
{
    struct nest n = {.base = base};

    do {
        enum json_type t = type_of(c);
        bool whole = true;

        if (t == JSON_OBJECT || t == JSON_ARRAY) {
            if (!enter(c, &n, &whole))
                return false;
        } else if (!scalar(c)) {
            return false;
        }
        if (whole && !leave(c, &n))
            return false;
    } while (n.depth > 0);
    return true;
}

static enum err fail(const struct json_lex *c, struct str text, struct why *why)
{
    size_t at = (size_t)(c->p - text.p);

    if (c->err == ERR_LIMIT)
        return FAIL(why, ERR_LIMIT, "JSON at byte %zu: %s (more than %u)", at,
                    c->problem, c->max_depth);
    return text_pos_fail(text, at, why, "JSON", c->problem);
}

static struct json_lex cursor(struct str text, size_t at, unsigned max_depth)
{
    return (struct json_lex){.p = text.p + at,
                             .end = text.p + text.n,
                             .max_depth = MIN(max_depth, JSON_DEPTH_MAX)};
}

enum err json_scan_check(struct str text, unsigned max_depth, struct why *why)
{
    struct json_lex c = cursor(text, 0, max_depth);

    json_lex_space(&c);
    if (!value(&c, 0))
        return fail(&c, text, why);
    json_lex_space(&c);
    if (c.p != c.end) {
        (void)json_lex_bad(&c, "something follows the value");
        return fail(&c, text, why);
    }
    return ERR_OK;
}

enum err json_scan_open(struct json_scan *s, struct str text,
                        unsigned max_depth, struct why *why)
{
    struct json_lex c = cursor(text, 0, max_depth);
    enum json_type t;

    json_lex_space(&c);
    t = type_of(&c);
    if (t != JSON_OBJECT && t != JSON_ARRAY) {
        (void)json_lex_bad(&c, "expected an object or an array");
        return fail(&c, text, why);
    }
    *s = (struct json_scan){.text = text,
                            .at = (size_t)(c.p - text.p) + 1,
                            .max_depth = max_depth,
                            .outer = t,
                            .first = true};
    return ERR_OK;
}

/* Up to the first byte of the next key or value; *end when there is none. */
static bool advance(struct json_scan *s, struct json_lex *c, bool *end)
{
    bool object = s->outer == JSON_OBJECT;

    json_lex_space(c);
    if (c->p == c->end)
        return json_lex_bad(c, object ? "the text ends inside an object"
                                      : "the text ends inside an array");
    if (*c->p == (object ? '}' : ']')) {
        *end = true;
        c->p++;
        json_lex_space(c);
        return c->p == c->end || json_lex_bad(c, "something follows the value");
    }
    if (s->first)
        return true;
    if (*c->p != ',')
        return json_lex_bad(c, object ? "expected ',' or '}' after a member"
                                      : "expected ',' or ']' after an element");
    c->p++;
    json_lex_space(c);
    return true;
}

enum err json_scan_next(struct json_scan *s, struct json_item *item,
                        struct why *why)
{
    struct json_lex c = cursor(s->text, s->at, s->max_depth);
    struct json_item found = {STR_EMPTY, STR_EMPTY, JSON_ABSENT};
    bool end = false;
    const char *from;

    if (!advance(s, &c, &end))
        return fail(&c, s->text, why);
    if (!end) {
        if (s->outer == JSON_OBJECT && !key(&c, &found.key))
            return fail(&c, s->text, why);
        from = c.p;
        found.type = type_of(&c);
        if (!value(&c, 1))
            return fail(&c, s->text, why);
        found.raw = (struct str){from, (size_t)(c.p - from)};
        s->at = (size_t)(c.p - s->text.p);
        s->first = false;
    }
    *item = found;
    return ERR_OK;
}

bool json_scan_key_is(const struct json_item *item, struct str name)
{
    struct str k = item->key;
    char text[4];
    size_t n;

    if (k.n == 0 || memchr(k.p, '\\', k.n) == NULL)
        return item->type != JSON_ABSENT && str_eq(k, name);
    while (k.n != 0) {
        if (*k.p == '\\') {
            n = json_lex_unescape(&k, text);
        } else {
            text[0] = *k.p;
            n = 1;
            k = str_sub(k, 1, k.n);
        }
        if (!str_starts(name, (struct str){text, n}))
            return false;
        name = str_sub(name, n, name.n);
    }
    return name.n == 0;
}

enum err json_scan_fields(struct str text, unsigned max_depth,
                          struct json_field *fields, size_t count,
                          struct why *why)
{
    struct json_scan s = {.outer = JSON_ABSENT};
    struct json_item item = {.type = JSON_ABSENT};

    for (size_t i = 0; i < count; i++) {
        fields[i].raw = STR_EMPTY;
        fields[i].type = JSON_ABSENT;
    }
    TRY(json_scan_open(&s, text, max_depth, why));
    if (s.outer != JSON_OBJECT)
        return FAIL(why, ERR_PARSE,
                    "the top-level value must be an object, got an array");
    for (;;) {
        TRY(json_scan_next(&s, &item, why));
        if (item.type == JSON_ABSENT)
            return ERR_OK;
        for (size_t i = 0; i < count; i++) {
            struct json_field *f = &fields[i];

            if (!json_scan_key_is(&item, str_c(f->name)))
                continue;
            if (f->type != JSON_ABSENT)
                return FAIL(why, ERR_PARSE, "\"%s\" is given twice", f->name);
            f->raw = item.raw;
            f->type = item.type;
        }
    }
}

enum err json_scan_unescape(struct str raw, struct buf *out)
{
    struct str s = str_sub(raw, 1, raw.n - 2);
    const char *hit;
    char text[4];
    size_t n;

    assert(raw.n >= 2 && raw.p[0] == '"' && raw.p[raw.n - 1] == '"');
    TRY(buf_reserve(out, s.n)); /* never longer than with escapes */
    while (s.n != 0) {
        if (*s.p == '\\') {
            n = json_lex_unescape(&s, text);
            memcpy(out->data + out->len, text, n);
        } else {
            hit = memchr(s.p, '\\', s.n);
            n = hit != NULL ? (size_t)(hit - s.p) : s.n;
            memcpy(out->data + out->len, s.p, n);
            s = str_sub(s, n, s.n);
        }
        buf_grew(out, n);
    }
    return ERR_OK;
}
