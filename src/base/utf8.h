/*
 * utf8.h - validation and safe cutting of UTF-8 (RFC 3629: no surrogates, no
 * overlong forms, at most U+10FFFF). Pure. Thread: any.
 */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include "base/str.h"

/* Reads one code point from the front of `s` (not empty). Returns its length
 * in bytes, or 0 when the bytes are malformed or cut short. */
size_t utf8_next(struct str s, uint32_t *cp);

bool utf8_valid(struct str s);

/* The longest prefix that ends on a code point border; what follows is an
 * incomplete sequence of at most 3 bytes that more input may complete. A
 * malformed byte is not incomplete: it stays in the prefix. */
size_t utf8_whole(struct str s);

/* The longest prefix of at most `max` bytes that does not cut a code point. */
struct str utf8_cut(struct str s, size_t max);

#endif
