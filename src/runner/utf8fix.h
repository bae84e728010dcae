/*
 * utf8fix.h - makes valid UTF-8 of bytes that arrive in pieces.
 *
 * Tokens end in the middle of characters, and a model may write bytes that
 * are no text at all. Whole characters pass, an unfinished one waits for its
 * rest, what can never become one is replaced by U+FFFD. Pure.
 */
#ifndef RUNNER_UTF8FIX_H
#define RUNNER_UTF8FIX_H

#include "base/buf.h"

struct utf8fix {
    char held[4];
    uint8_t n;
};

/* Appends what `bytes` completes to `out`. */
NODISCARD enum err utf8fix_push(struct utf8fix *u, struct str bytes,
                                struct buf *out);
/* The end: an unfinished character becomes U+FFFD. */
NODISCARD enum err utf8fix_end(struct utf8fix *u, struct buf *out);

#endif
