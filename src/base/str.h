/*
 * str.h - borrowed byte ranges, and checked number parsing.
 *
 * `struct str` never owns memory and is not NUL-terminated. It is two words,
 * is passed by value, and is valid only while the bytes it points at are.
 * Lengths are in bytes. Thread: any.
 */
#ifndef BASE_STR_H
#define BASE_STR_H

#include "base/base.h"

struct str {
    const char *p;
    size_t n;
};

#define STR(lit)  ((struct str){"" lit, sizeof(lit) - 1})
#define STR_EMPTY ((struct str){"", 0})
#define STR_ARG(s)                                                             \
    (int)(s).n, (s).p /* for "%.*s"; n < INT_MAX; evaluated twice */

struct str str_c(const char *cstr); /* NULL gives the empty slice */
bool str_eq(struct str a, struct str b);
bool str_eq_nocase(struct str a, struct str b); /* ASCII only */
int str_cmp(struct str a, struct str b);        /* bytewise, for sorting */
bool str_starts(struct str s, struct str prefix);
bool str_ends(struct str s, struct str suffix);

/* Index of the first occurrence, or SIZE_MAX. An empty needle is at 0. */
size_t str_find(struct str s, struct str needle);
bool str_has(struct str s, struct str needle);

/* Index of the quote that closes the one at `at`, or s.n. A backslash takes
 * the next byte with it. */
size_t str_quote_end(struct str s, size_t at);

/* How many letters to change, add or drop to make one of the other (Levenshtein
 * distance), at most `most`; for guessing which name was meant. Names over
 * STR_NAME_MAX bytes are `most` apart from all others. */
enum { STR_NAME_MAX = 63 };
size_t str_distance(struct str a, struct str b, size_t most);

/* The part from `at` on, at most `n` bytes; both are clamped to the slice. */
struct str str_sub(struct str s, size_t at, size_t n);
struct str str_trim(struct str s); /* without ASCII space at both ends */

/* Cuts `*s` at the first `sep`: returns the part before it and moves `*s`
 * past it. Without a `sep` returns everything and leaves `*s` empty. */
struct str str_cut(struct str *s, char sep);

/* Next line without its "\n" or "\r\n"; false at the end. */
bool str_line(struct str *s, struct str *line);

/* Whole-string decimal. False on empty, sign, junk or overflow of `max`. */
NODISCARD bool str_u64(struct str s, uint64_t max, uint64_t *out);
NODISCARD bool str_i64(struct str s, int64_t *out);
/* Whole-string decimal floating point ("1", "0.5", "1e-3"); finite only. */
NODISCARD bool str_f64(struct str s, double *out);

/* FNV-1a over the bytes; for tables of trusted keys, not against attackers. */
uint64_t str_hash(struct str s, uint64_t seed);

/* Copies to `dst` with a NUL; false (dst is "") when it does not fit or
 * holds a NUL byte itself. For the border to the operating system. */
NODISCARD bool str_z(struct str s, char *dst, size_t cap);

#endif
