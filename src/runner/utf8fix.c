#include "runner/utf8fix.h"

#include "base/utf8.h"

#define REPLACEMENT STR("\xef\xbf\xbd")

/* All of `s` but an unfinished end; returns the length of that end. */
static enum err add_valid(struct str s, struct buf *out, size_t *rest)
{
    size_t at = 0, whole = utf8_whole(s);
    while (at < whole) {
        size_t from = at, n = 1;
        uint32_t cp;
        while (at < whole && n) {
            n = utf8_next(str_sub(s, at, whole - at), &cp);
            at += n;
        }
        TRY(buf_add(out, str_sub(s, from, at - from)));
        if (at < whole) {
            TRY(buf_add(out, REPLACEMENT));
            at++;
        }
    }
    *rest = s.n - whole;
    return ERR_OK;
}

enum err utf8fix_push(struct utf8fix *u, struct str bytes, struct buf *out)
{
    /* Finish the character that waits, byte by byte. */
    while (u->n && bytes.n) {
        size_t rest = 0;
        u->held[u->n++] = *bytes.p;
        bytes = str_sub(bytes, 1, bytes.n);
        struct str held = {u->held, u->n};
        enum err e = add_valid(held, out, &rest);
        memmove(u->held, u->held + u->n - rest, rest);
        u->n = (uint8_t)rest;
        TRY(e);
    }
    size_t rest = 0;
    TRY(add_valid(bytes, out, &rest));
    memcpy(u->held + u->n, bytes.p + bytes.n - rest, rest);
    u->n = (uint8_t)(u->n + rest);
    return ERR_OK;
}

enum err utf8fix_end(struct utf8fix *u, struct buf *out)
{
    bool cut = u->n > 0;
    u->n = 0;
    return cut ? buf_add(out, REPLACEMENT) : ERR_OK;
}
