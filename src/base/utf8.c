#include "base/utf8.h"

/* Length that a lead byte announces; 0 for a byte that cannot lead. */
static size_t announced(unsigned char c)
{
    if (c < 0x80)
        return 1;
    if (c >= 0xc2 && c <= 0xdf)
        return 2;
    if (c >= 0xe0 && c <= 0xef)
        return 3;
    return c >= 0xf0 && c <= 0xf4 ? 4 : 0;
}

static bool follows(unsigned char c)
{
    return (c & 0xc0) == 0x80;
}

size_t utf8_next(struct str s, uint32_t *cp)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    const unsigned char *p = (const unsigned char *)s.p;
    size_t n = announced(p[0]);
    uint32_t v;

    if (n == 0 || n > s.n)
        return 0;
    v = n == 1 ? p[0] : p[0] & (0xffU >> (n + 1));
    for (size_t i = 1; i < n; i++) {
        if (!follows(p[i]))
            return 0;
        v = v << 6 | (p[i] & 0x3fU);
    }
    if (v < least[n] || v > 0x10ffff || (v >= 0xd800 && v <= 0xdfff))
        return 0;
    *cp = v;
    return n;
}

bool utf8_valid(struct str s)
{
    uint32_t cp;
    size_t n;

    while (s.n != 0) {
        n = utf8_next(s, &cp);
        if (n == 0)
            return false;
        s = str_sub(s, n, s.n);
    }
    return true;
}

size_t utf8_whole(struct str s)
{
    const unsigned char *p = (const unsigned char *)s.p;

    for (size_t back = 1; back <= 3 && back <= s.n; back++) {
        unsigned char c = p[s.n - back];

        if (follows(c))
            continue;
        return announced(c) > back ? s.n - back : s.n;
    }
    return s.n;
}

struct str utf8_cut(struct str s, size_t max)
{
    s = str_sub(s, 0, max);
    return str_sub(s, 0, utf8_whole(s));
}
