#include "data/json_lex.h"

#include <math.h>

#include "base/utf8.h"

bool json_lex_bad(struct json_lex *c, const char *problem)
{
    c->err = ERR_PARSE;
    c->problem = problem;
    return false;
}

void json_lex_space(struct json_lex *c)
{
    while (c->p < c->end
           && (*c->p == ' ' || *c->p == '\n' || *c->p == '\r' || *c->p == '\t'))
        c->p++;
}

/* Value of 4 hex digits, or -1. */
static int32_t hex4(const char *p, size_t n)
{
    int32_t v = 0;

    if (n < 4)
        return -1;
    for (size_t i = 0; i < 4; i++) {
        unsigned char d = (unsigned char)p[i];
        int digit = d >= '0' && d <= '9'   ? d - '0'
                    : d >= 'a' && d <= 'f' ? d - 'a' + 10
                    : d >= 'A' && d <= 'F' ? d - 'A' + 10
                                           : -1;

        if (digit < 0)
            return -1;
        v = v * 16 + digit;
    }
    return v;
}

static bool is_high(int32_t u)
{
    return u >= 0xd800 && u <= 0xdbff;
}

static bool is_low(int32_t u)
{
    return u >= 0xdc00 && u <= 0xdfff;
}

/* Length of the escape at `p` (on its backslash), or 0. */
static size_t escape_len(const char *p, size_t n)
{
    int32_t u;

    if (n < 2)
        return 0;
    if (p[1] != 'u')
        return strchr("\"\\/bfnrt", p[1]) != NULL && p[1] != '\0' ? 2 : 0;
    u = hex4(p + 2, n - 2);
    if (u < 0 || is_low(u))
        return 0;
    if (!is_high(u))
        return 6;
    if (n < 12 || p[6] != '\\' || p[7] != 'u' || !is_low(hex4(p + 8, n - 8)))
        return 0;
    return 12;
}

/* Length of a multi-byte sequence; two bytes (Cyrillic, Greek, ...) inline. */
static size_t wide_len(const char *p, const char *end)
{
    unsigned char c = (unsigned char)p[0];
    uint32_t cp;

    if (c >= 0xc2 && c <= 0xdf && end - p >= 2
        && ((unsigned char)p[1] & 0xc0) == 0x80)
        return 2;
    return utf8_next((struct str){p, (size_t)(end - p)}, &cp);
}

bool json_lex_string(struct json_lex *c)
{
    const char *p = c->p + 1;
    size_t n;

    while (p < c->end && *p != '"') {
        unsigned char b = (unsigned char)*p;

        n = 1;
        c->p = p;
        if (b < 0x20)
            return json_lex_bad(c, "a control character in a string");
        if (b == '\\') {
            n = escape_len(p, (size_t)(c->end - p));
            if (n == 0)
                return json_lex_bad(c, "a wrong escape sequence in a string");
        } else if (b >= 0x80) {
            n = wide_len(p, c->end);
            if (n == 0)
                return json_lex_bad(c, "a string is not valid UTF-8");
        }
        p += n;
    }
    c->p = p;
    if (p == c->end)
        return json_lex_bad(c, "the text ends inside a string");
    c->p++;
    return true;
}

static size_t digits(struct json_lex *c)
{
    const char *from = c->p;

    while (c->p < c->end && *c->p >= '0' && *c->p <= '9')
        c->p++;
    return (size_t)(c->p - from);
}

/* Exact for numbers with magnitude 1e308..1e309, the only ones in doubt: the
 * largest double has 309 digits, so further ones only matter as "not zero". */
static bool near_limit_fits(const char *p, const char *end)
{
    enum { KEEP = 320 };
    char text[KEEP + 16] = "0.";
    size_t n = 2;
    bool more = false;

    for (; p < end && *p != 'e' && *p != 'E'; p++) {
        if (*p == '.' || (n == 2 && *p == '0'))
            continue;
        if (n < KEEP)
            text[n++] = *p;
        else
            more = more || *p != '0';
    }
    if (more)
        text[n++] = '1';
    memcpy(text + n, "e309", sizeof("e309"));
    return isfinite(strtod(text, NULL));
}

/* False when the number between `p` and `end` (no sign) would be infinite. */
static bool number_fits(const char *p, const char *end)
{
    const char *from = p;
    int64_t before = 0, zeros = 0, exp = 0;
    bool point = false, nonzero = false, neg = false;

    for (; p < end && *p != 'e' && *p != 'E'; p++) {
        if (*p == '.') {
            point = true;
            continue;
        }
        nonzero = nonzero || *p != '0';
        before += nonzero && !point;
        zeros += !nonzero && point;
    }
    if (!nonzero)
        return true;
    if (p < end && p + 1 < end && p[1] == '-')
        neg = true;
    for (; p < end; p++)
        if (*p >= '0' && *p <= '9' && exp < INT64_MAX / 20)
            exp = exp * 10 + (*p - '0');
    exp = (neg ? -exp : exp) + before - zeros; /* 0.ddd * 10^exp */
    return exp < 309 || (exp == 309 && near_limit_fits(from, end));
}

bool json_lex_number(struct json_lex *c)
{
    const char *from;

    if (*c->p == '-')
        c->p++;
    from = c->p;
    if (c->p < c->end && *c->p == '0')
        c->p++;
    else if (digits(c) == 0)
        return json_lex_bad(c, "a digit must follow here");
    if (c->p < c->end && *c->p == '.') {
        c->p++;
        if (digits(c) == 0)
            return json_lex_bad(c, "a digit must follow the decimal point");
    }
    if (c->p < c->end && (*c->p == 'e' || *c->p == 'E')) {
        c->p++;
        if (c->p < c->end && (*c->p == '+' || *c->p == '-'))
            c->p++;
        if (digits(c) == 0)
            return json_lex_bad(c, "a digit must follow the exponent sign");
    }
    if ((c->p - from > 300 || memchr(from, 'e', (size_t)(c->p - from)) != NULL
         || memchr(from, 'E', (size_t)(c->p - from)) != NULL)
        && !number_fits(from, c->p)) {
        c->p = from;
        return json_lex_bad(c, "the number is too large");
    }
    return true;
}

bool json_lex_word(struct json_lex *c, struct str w)
{
    if (!str_starts((struct str){c->p, (size_t)(c->end - c->p)}, w))
        return json_lex_bad(c, "expected a value");
    c->p += w.n;
    return true;
}

/* Writes the UTF-8 form of a code point. */
static size_t put_utf8(uint32_t cp, char out[4])
{
    static const unsigned char lead[] = {0, 0, 0xc0, 0xe0, 0xf0};
    size_t n = cp < 0x80 ? 1 : cp < 0x800 ? 2 : cp < 0x10000 ? 3 : 4;

    for (size_t i = n; i-- > 1; cp >>= 6)
        out[i] = (char)(0x80 | (cp & 0x3f));
    out[0] = (char)(lead[n] | cp);
    return n;
}

size_t json_lex_unescape(struct str *s, char out[4])
{
    static const char from[] = "bfnrt", to[] = "\b\f\n\r\t";
    size_t len = escape_len(s->p, s->n);
    const char *hit;
    uint32_t cp;

    assert(len != 0);
    if (len == 2) {
        hit = strchr(from, s->p[1]);
        out[0] = hit != NULL ? to[hit - from] : s->p[1];
        *s = str_sub(*s, len, s->n);
        return 1;
    }
    cp = (uint32_t)hex4(s->p + 2, 4);
    if (len == 12)
        cp = 0x10000 + ((cp - 0xd800) << 10)
             + ((uint32_t)hex4(s->p + 8, 4) - 0xdc00);
    *s = str_sub(*s, len, s->n);
    return put_utf8(cp, out);
}
