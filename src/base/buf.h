/*
 * buf.h - growable byte buffer with a hard ceiling.
 *
 * Every buffer is born with the largest size it may ever reach, so no input
 * can make it grow without bound. On any failure the contents are unchanged.
 * `data` is always NUL-terminated once something was added. Owned by one
 * thread at a time.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include "base/err.h"
#include "base/str.h"

struct buf {
    char *data;
    size_t len, cap;
    size_t max; /* bytes, excluding the NUL */
};

#define BUF_INIT(max_bytes) ((struct buf){.max = (max_bytes)})

/* All adds: ERR_LIMIT when `max` would be passed, ERR_NOMEM when the heap
 * says no; nothing was added then. */
NODISCARD enum err buf_add(struct buf *b, struct str s);
NODISCARD enum err buf_add_c(struct buf *b, const char *cstr);
NODISCARD enum err buf_add_byte(struct buf *b, char c);
NODISCARD enum err buf_printf(struct buf *b, const char *fmt, ...)
    PRINTF_LIKE(2, 3);

/* Makes room for `n` more bytes; write them at data + len, then add to len
 * through buf_grew. */
NODISCARD enum err buf_reserve(struct buf *b, size_t n);
void buf_grew(struct buf *b, size_t n);

/* Drops the first `n` bytes (a consumed prefix) and moves the rest down. */
void buf_drop(struct buf *b, size_t n);

struct str buf_str(const struct buf *b); /* borrowed until the next change */
void buf_clear(struct buf *b);           /* empty, keeps the memory */
void buf_done(struct buf *b);            /* back to BUF_INIT(max) */

#endif
