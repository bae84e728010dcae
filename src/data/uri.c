#include "data/uri.h"

static bool alnum(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z')
           || (c >= 'A' && c <= 'Z');
}

/* RFC 3986: unreserved */
static bool unreserved(char c)
{
    return alnum(c) || c == '-' || c == '.' || c == '_' || c == '~';
}

/* RFC 3986: pchar without "%", and "/" */
static bool path_char(char c)
{
    return unreserved(c) || (c != '\0' && strchr("!$&'()*+,;=:@/", c) != NULL);
}

static int hex(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The byte that "%XX" at the front stands for, or -1. */
static int escaped(struct str s)
{
    int high, low;

    if (s.n < 3 || s.p[0] != '%')
        return -1;
    high = hex(s.p[1]);
    low = hex(s.p[2]);
    return high < 0 || low < 0 ? -1 : high << 4 | low;
}

static enum err check_chars(struct str s, bool query, struct why *why)
{
    const char *what = query ? "query" : "path";

    while (s.n != 0) {
        int c = (unsigned char)s.p[0];
        bool plain = c != '%';

        if (!plain)
            c = escaped(s);
        if (c < 0)
            return FAIL(why, ERR_PARSE, "the %s has a wrong \"%%\" escape",
                        what);
        if (plain && !path_char((char)c) && !(query && c == '?'))
            return FAIL(why, ERR_PARSE,
                        "the %s has the byte 0x%02x, which must be "
                        "percent-encoded",
                        what, (unsigned)c);
        if (!query && !plain && (c == '/' || c == '\\' || c == '\0'))
            return FAIL(why, ERR_PARSE, "the path has an encoded 0x%02x",
                        (unsigned)c);
        s = str_sub(s, plain ? 1 : 3, s.n);
    }
    return ERR_OK;
}

/* "." or "..", each dot as it is or as "%2e". */
static bool dots(struct str s)
{
    size_t n = 0;

    while (s.n != 0 && n < 3) {
        if (s.p[0] != '.' && escaped(s) != '.')
            return false;
        s = str_sub(s, s.p[0] == '.' ? 1 : 3, s.n);
        n++;
    }
    return n == 1 || n == 2;
}

static enum err check_path(struct str path, struct why *why)
{
    struct str rest = str_sub(path, 1, path.n), segment;

    TRY(check_chars(path, false, why));
    while (rest.n != 0) {
        segment = str_cut(&rest, '/');
        if (segment.n == 0)
            return FAIL(why, ERR_PARSE, "the path has an empty segment");
        if (dots(segment))
            return FAIL(why, ERR_PARSE, "the path has a \".\" or \"..\"");
    }
    return ERR_OK;
}

enum err uri_parse_target(struct str text, struct uri_target *out,
                          struct why *why)
{
    struct uri_target t = {text, STR_EMPTY};

    if (text.n > URI_MAX)
        return FAIL(why, ERR_LIMIT,
                    "a request target of %zu bytes; the limit "
                    "is %zu",
                    text.n, URI_MAX);
    if (!str_eq(text, STR("*"))) {
        if (text.n == 0 || text.p[0] != '/')
            return FAIL(why, ERR_PARSE,
                        "the request target must be a path "
                        "that starts with \"/\"");
        t.query = text;
        t.path = str_cut(&t.query, '?');
        TRY(check_path(t.path, why));
        TRY(check_chars(t.query, true, why));
    }
    *out = t;
    return ERR_OK;
}

/* ---- absolute URLs ---- */

static bool host_name(struct str s)
{
    if (s.n == 0 || s.n > 253 || s.p[0] == '.' || s.p[0] == '-')
        return false;
    for (size_t i = 0; i < s.n; i++)
        if (!alnum(s.p[i]) && s.p[i] != '-' && s.p[i] != '.' && s.p[i] != '_')
            return false;
    return !str_has(s, STR(".."));
}

static bool ipv6_text(struct str s)
{
    size_t colons = 0;

    for (size_t i = 0; i < s.n; i++) {
        if (hex(s.p[i]) < 0 && s.p[i] != ':' && s.p[i] != '.')
            return false;
        colons += s.p[i] == ':';
    }
    return colons >= 2 && colons <= 8 && s.n <= 45;
}

/* host[:port] */
static enum err authority(struct str s, struct uri *u, struct why *why)
{
    struct str port;
    uint64_t number = 0;

    if (str_has(s, STR("@")))
        return FAIL(why, ERR_PARSE,
                    "a URL must not hold a user name or password");
    if (s.n != 0 && s.p[0] == '[') {
        u->ipv6 = true;
        port = str_sub(s, 1, s.n);
        u->host = str_cut(&port, ']');
        if (u->host.n + 2 > s.n || !ipv6_text(u->host)
            || (port.n != 0 && port.p[0] != ':'))
            return FAIL(why, ERR_PARSE, "the URL has a wrong IPv6 address");
    } else {
        port = s;
        u->host = str_cut(&port, ':');
        port = str_sub(s, u->host.n, s.n); /* with its colon */
        if (!host_name(u->host))
            return FAIL(why, ERR_PARSE, "the URL has a wrong host name");
    }
    if (port.n == 0)
        return ERR_OK;
    if (!str_u64(str_sub(port, 1, port.n), UINT16_MAX, &number) || number == 0)
        return FAIL(why, ERR_PARSE, "the URL has a wrong port");
    u->port = (uint16_t)number;
    return ERR_OK;
}

static enum err parse_http(struct str rest, struct uri *u, struct why *why)
{
    size_t at = 0;

    while (at < rest.n && rest.p[at] != '/' && rest.p[at] != '?')
        at++;
    TRY(authority(str_sub(rest, 0, at), u, why));
    u->query = str_sub(rest, at, rest.n);
    u->path = str_cut(&u->query, '?');
    if (u->path.n == 0)
        u->path = STR("/");
    TRY(check_path(u->path, why));
    return check_chars(u->query, true, why);
}

static enum err parse_unix(struct str rest, struct uri *u, struct why *why)
{
    if (str_starts(rest, STR("//"))) /* unix:///path, with an empty host */
        rest = str_sub(rest, 2, rest.n);
    if (rest.n < 2 || rest.p[0] != '/')
        return FAIL(why, ERR_PARSE,
                    "a unix: URL needs the absolute path of a socket");
    if (memchr(rest.p, '\0', rest.n) != NULL)
        return FAIL(why, ERR_PARSE, "the path of a socket holds a NUL byte");
    u->sock = rest;
    u->path = STR("/");
    return ERR_OK;
}

enum err uri_parse(struct str text, struct uri *out, struct why *why)
{
    static const struct {
        struct str prefix;
        enum uri_scheme scheme;
        uint16_t port;
    } schemes[] = {
        {{"http://", 7}, URI_HTTP, 80},
        {{"https://", 8}, URI_HTTPS, 443},
        {{"unix:", 5}, URI_UNIX, 0},
    };
    struct uri u = {.host = STR_EMPTY, .sock = STR_EMPTY, .query = STR_EMPTY};
    struct str rest;

    if (text.n > URI_MAX)
        return FAIL(why, ERR_LIMIT, "a URL of %zu bytes; the limit is %zu",
                    text.n, URI_MAX);
    for (size_t i = 0; i < COUNTOF(schemes); i++) {
        struct str p = schemes[i].prefix;

        if (!str_eq_nocase(str_sub(text, 0, p.n), p))
            continue;
        u.scheme = schemes[i].scheme;
        u.port = schemes[i].port;
        rest = str_sub(text, p.n, text.n);
        if (u.scheme == URI_UNIX)
            TRY(parse_unix(rest, &u, why));
        else
            TRY(parse_http(rest, &u, why));
        *out = u;
        return ERR_OK;
    }
    return FAIL(why, ERR_UNSUPPORTED,
                "a URL must start with http://, https:// or unix:");
}

/* ---- pieces ---- */

enum err uri_decode(struct str s, bool plus, struct buf *out, struct why *why)
{
    size_t put = 0;

    TRY(buf_reserve(out, s.n));
    while (s.n != 0) {
        int c = (unsigned char)s.p[0];
        size_t n = 1;

        if (c == '%') {
            c = escaped(s);
            n = 3;
        } else if (c == '+' && plus) {
            c = ' ';
        }
        if (c < 0) {
            out->data[out->len] = '\0';
            return FAIL(why, ERR_PARSE, "a wrong \"%%\" escape");
        }
        out->data[out->len + put++] = (char)c;
        s = str_sub(s, n, s.n);
    }
    buf_grew(out, put);
    return ERR_OK;
}

enum err uri_encode(struct str s, struct buf *out)
{
    static const char digits[] = "0123456789ABCDEF";
    size_t put = 0;

    if (s.n > SIZE_MAX / 3)
        return ERR_LIMIT;
    TRY(buf_reserve(out, s.n * 3));
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        char *to = out->data + out->len + put;

        if (unreserved(s.p[i])) {
            to[0] = s.p[i];
            put++;
            continue;
        }
        to[0] = '%';
        to[1] = digits[c >> 4];
        to[2] = digits[c & 15];
        put += 3;
    }
    buf_grew(out, put);
    return ERR_OK;
}

bool uri_next_param(struct str *query, struct str *key, struct str *value)
{
    while (query->n != 0) {
        struct str pair = str_cut(query, '&');

        if (pair.n == 0)
            continue;
        *key = str_cut(&pair, '=');
        *value = pair;
        return true;
    }
    return false;
}

/* True when the encoded `key` means `name`. */
static bool means(struct str key, struct str name)
{
    while (key.n != 0 && name.n != 0) {
        int c = (unsigned char)key.p[0];
        size_t n = 1;

        if (c == '%') {
            c = escaped(key);
            n = 3;
        } else if (c == '+') {
            c = ' ';
        }
        if (c != (unsigned char)name.p[0])
            return false;
        key = str_sub(key, n, key.n);
        name = str_sub(name, 1, name.n);
    }
    return key.n == 0 && name.n == 0;
}

enum err uri_get_param(struct str query, struct str name, struct buf *out,
                       struct why *why)
{
    struct str key, value;

    while (uri_next_param(&query, &key, &value))
        if (means(key, name))
            return uri_decode(value, true, out, why);
    return ERR_NOTFOUND;
}

bool uri_next_segment(struct str *path, struct str *segment)
{
    if (path->n != 0 && path->p[0] == '/')
        *path = str_sub(*path, 1, path->n);
    if (path->n == 0)
        return false;
    *segment = str_sub(*path, 0, 0);
    while (segment->n < path->n && segment->p[segment->n] != '/')
        segment->n++;
    *path = str_sub(*path, segment->n, path->n);
    return true;
}
