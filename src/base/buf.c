#include "base/buf.h"

#include <stdarg.h>

#include "base/mem.h"

enum err buf_reserve(struct buf *b, size_t n)
{
    size_t need, cap;
    char *p;

    assert(b->len <= b->max);
    if (n > b->max - b->len || n >= SIZE_MAX - b->len)
        return ERR_LIMIT;
    need = b->len + n + 1;
    if (need <= b->cap)
        return ERR_OK;
    cap = b->cap < 64 ? 64 : b->cap;
    while (cap < need)
        cap = cap > SIZE_MAX / 2 ? need : cap * 2;
    cap = MAX(need, MIN(cap, b->max)); /* no more than will ever be used */
    p = mem_resize(b->data, cap);
    if (p == NULL)
        return ERR_NOMEM;
    b->data = p;
    b->cap = cap;
    return ERR_OK;
}

void buf_grew(struct buf *b, size_t n)
{
    assert(n < b->cap - b->len);
    b->len += n;
    b->data[b->len] = '\0';
}

enum err buf_add(struct buf *b, struct str s)
{
    TRY(buf_reserve(b, s.n));
    if (s.n != 0)
        memcpy(b->data + b->len, s.p, s.n);
    buf_grew(b, s.n);
    return ERR_OK;
}

enum err buf_add_c(struct buf *b, const char *cstr)
{
    return buf_add(b, str_c(cstr));
}

enum err buf_add_byte(struct buf *b, char c)
{
    return buf_add(b, (struct str){&c, 1});
}

enum err buf_printf(struct buf *b, const char *fmt, ...)
{
    va_list ap;
    int n, put;

    va_start(ap, fmt);
    n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    if (n < 0)
        return ERR_RANGE;
    TRY(buf_reserve(b, (size_t)n));
    va_start(ap, fmt);
    put = vsnprintf(b->data + b->len, (size_t)n + 1, fmt, ap);
    va_end(ap);
    if (put != n) {
        b->data[b->len] = '\0';
        return ERR_RANGE;
    }
    buf_grew(b, (size_t)n);
    return ERR_OK;
}

void buf_drop(struct buf *b, size_t n)
{
    assert(n <= b->len);
    if (n == 0)
        return;
    b->len -= n;
    memmove(b->data, b->data + n, b->len + 1);
}

struct str buf_str(const struct buf *b)
{
    return (struct str){b->len != 0 ? b->data : "", b->len};
}

void buf_clear(struct buf *b)
{
    b->len = 0;
    if (b->data != NULL)
        b->data[0] = '\0';
}

void buf_done(struct buf *b)
{
    mem_free(b->data);
    *b = BUF_INIT(b->max);
}
