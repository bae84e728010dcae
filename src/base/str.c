#include "base/str.h"

#include <errno.h>
#include <math.h>

struct str str_c(const char *cstr)
{
    return cstr != NULL ? (struct str){cstr, strlen(cstr)} : STR_EMPTY;
}

bool str_eq(struct str a, struct str b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

bool str_eq_nocase(struct str a, struct str b)
{
    if (a.n != b.n)
        return false;
    for (size_t i = 0; i < a.n; i++)
        if (lower(a.p[i]) != lower(b.p[i]))
            return false;
    return true;
}

int str_cmp(struct str a, struct str b)
{
    size_t n = MIN(a.n, b.n);
    int c = n != 0 ? memcmp(a.p, b.p, n) : 0;

    if (c != 0)
        return c;
    return (a.n > b.n) - (a.n < b.n);
}

bool str_starts(struct str s, struct str prefix)
{
    return s.n >= prefix.n && str_eq((struct str){s.p, prefix.n}, prefix);
}

bool str_ends(struct str s, struct str suffix)
{
    return s.n >= suffix.n
           && str_eq((struct str){s.p + (s.n - suffix.n), suffix.n}, suffix);
}

size_t str_find(struct str s, struct str needle)
{
    const char *hit;

    if (needle.n == 0)
        return 0;
    if (s.n < needle.n)
        return SIZE_MAX;
    hit = memmem(s.p, s.n, needle.p, needle.n);
    return hit != NULL ? (size_t)(hit - s.p) : SIZE_MAX;
}

bool str_has(struct str s, struct str needle)
{
    return str_find(s, needle) != SIZE_MAX;
}

size_t str_quote_end(struct str s, size_t at)
{
    size_t i = at + 1;

    while (i < s.n && s.p[i] != s.p[at])
        i += s.p[i] == '\\' ? 2 : 1;
    return MIN(i, s.n);
}

/* One row of the table of distances between all beginnings, kept in place. */
size_t str_distance(struct str a, struct str b, size_t most)
{
    size_t row[STR_NAME_MAX + 1];

    if (a.n > STR_NAME_MAX || b.n > STR_NAME_MAX)
        return most;
    for (size_t j = 0; j <= b.n; j++)
        row[j] = j;
    for (size_t i = 1; i <= a.n; i++) {
        size_t corner = row[0];

        row[0] = i;
        for (size_t j = 1; j <= b.n; j++) {
            size_t swap = corner + (a.p[i - 1] != b.p[j - 1]);

            corner = row[j];
            row[j] = MIN(MIN(row[j], row[j - 1]) + 1, swap);
        }
    }
    return MIN(row[b.n], most);
}

struct str str_sub(struct str s, size_t at, size_t n)
{
    at = MIN(at, s.n);
    /* p may be NULL in an empty slice, and NULL + 0 is undefined. */
    return (struct str){at != 0 ? s.p + at : s.p, MIN(n, s.n - at)};
}

static bool space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

struct str str_trim(struct str s)
{
    while (s.n != 0 && space(s.p[0])) {
        s.p++;
        s.n--;
    }
    while (s.n != 0 && space(s.p[s.n - 1]))
        s.n--;
    return s;
}

struct str str_cut(struct str *s, char sep)
{
    const char *hit = s->n != 0 ? memchr(s->p, sep, s->n) : NULL;
    struct str head = *s;

    if (hit == NULL) {
        *s = str_sub(*s, s->n, 0);
        return head;
    }
    head.n = (size_t)(hit - s->p);
    s->p += head.n + 1;
    s->n -= head.n + 1;
    return head;
}

bool str_line(struct str *s, struct str *line)
{
    if (s->n == 0)
        return false;
    *line = str_cut(s, '\n');
    if (line->n != 0 && line->p[line->n - 1] == '\r')
        line->n--;
    return true;
}

bool str_u64(struct str s, uint64_t max, uint64_t *out)
{
    uint64_t v = 0;

    if (s.n == 0)
        return false;
    for (size_t i = 0; i < s.n; i++) {
        unsigned d = (unsigned)(unsigned char)s.p[i] - '0';

        if (d > 9 || d > max || v > (max - d) / 10)
            return false;
        v = v * 10 + d;
    }
    *out = v;
    return true;
}

bool str_i64(struct str s, int64_t *out)
{
    bool neg = s.n != 0 && s.p[0] == '-';
    uint64_t v;

    if (!str_u64(str_sub(s, neg, s.n), (uint64_t)INT64_MAX + neg, &v))
        return false;
    *out = neg ? (int64_t)(0 - v) : (int64_t)v;
    return true;
}

bool str_f64(struct str s, double *out)
{
    char z[64];
    char *end;
    double v;

    /* strtod also takes "inf", "nan" and hexadecimal: only plain decimal. */
    for (size_t i = 0; i < s.n; i++)
        if (memchr("0123456789+-.eE", s.p[i], 15) == NULL)
            return false;
    if (s.n == 0 || !str_z(s, z, sizeof(z)))
        return false;
    errno = 0;
    v = strtod(z, &end);
    if (end != z + s.n || !isfinite(v))
        return false;
    *out = v;
    return true;
}

uint64_t str_hash(struct str s, uint64_t seed)
{
    uint64_t h = 0xcbf29ce484222325U ^ seed;

    for (size_t i = 0; i < s.n; i++)
        h = (h ^ (unsigned char)s.p[i]) * 0x100000001b3U;
    return h ^ (h >> 29);
}

bool str_z(struct str s, char *dst, size_t cap)
{
    dst[0] = '\0';
    if (s.n >= cap || (s.n != 0 && memchr(s.p, '\0', s.n) != NULL))
        return false;
    if (s.n != 0)
        memcpy(dst, s.p, s.n);
    dst[s.n] = '\0';
    return true;
}
