#include "runner/guard_marks.h"

#include "base/utf8.h"

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

static char upper(char c)
{
    return c >= 'a' && c <= 'z' ? (char)(c & ~0x20) : c;
}

void guard_marks_init(struct guard_marks *g, struct engine *e, bool everywhere,
                      unsigned number)
{
    *g = (struct guard_marks){.everywhere = everywhere};
    g->controls = e->ops->controls(e, &g->n_controls);
    /* U+F0000 + number */
    memcpy(g->mark, "\xf3\xb0\x80\x80", GUARD_MARK_LEN);
    g->mark[3] = (char)(0x80 | (number & 0x3f));
    g->mark[2] = (char)(0x80 | (number >> 6 & 0x3f));
    for (size_t i = 0; i < g->n_controls; i++) {
        char c = g->controls[i].text.p[0];
        g->first[(unsigned char)lower(c)] = true;
        g->first[(unsigned char)upper(c)] = true;
    }
}

static struct str mark_of(const struct guard_marks *g)
{
    return (struct str){g->mark, GUARD_MARK_LEN};
}

/* A whole control text, or the beginning of one that reaches the end. */
static bool begins_control(const struct guard_marks *g, struct str s, size_t at)
{
    for (size_t i = 0; i < g->n_controls; i++) {
        struct str c = g->controls[i].text;
        size_t n = MIN(c.n, s.n - at);
        if (c.p[0] == s.p[at] && memcmp(c.p, s.p + at, n) == 0)
            return true;
    }
    return false;
}

/* `s` begins like the rest of a control text after any of its characters. */
static bool continues_control(const struct guard_marks *g, struct str s)
{
    for (size_t i = 0; s.n && i < g->n_controls; i++) {
        struct str c = g->controls[i].text;
        for (size_t from = 1; from < c.n; from++)
            if (c.p[from] == s.p[0]
                && memcmp(c.p + from, s.p, MIN(c.n - from, s.n)) == 0)
                return true;
    }
    return false;
}

static enum err put_mark(struct guard_marks *g, struct buf *out)
{
    g->n_put++;
    return buf_add(out, mark_of(g));
}

enum err guard_marks_put(struct guard_marks *g, struct str s, struct buf *out)
{
    size_t from = 0;
    g->clash = g->clash || str_has(s, mark_of(g));
    if (continues_control(g, s))
        TRY(put_mark(g, out));
    for (size_t at = 0; at < s.n; at++) {
        uint32_t cp;
        if (!g->first[(unsigned char)s.p[at]])
            continue;
        g->hot = true;
        if (!g->everywhere && !begins_control(g, s, at))
            continue;
        size_t n = MAX(utf8_next(str_sub(s, at, s.n), &cp), 1);
        TRY(buf_add(out, str_sub(s, from, at + n - from)));
        TRY(put_mark(g, out));
        from = at + n;
        at = from - 1;
    }
    return buf_add(out, str_sub(s, from, s.n));
}

enum err guard_marks_remove(const struct guard_marks *g, struct str s,
                            struct buf *out)
{
    size_t at;
    while ((at = str_find(s, mark_of(g))) != SIZE_MAX) {
        TRY(buf_add(out, str_sub(s, 0, at)));
        s = str_sub(s, at + GUARD_MARK_LEN, s.n);
    }
    return buf_add(out, s);
}

/* One character cannot be split by a mark: such a control text is none. */
static bool can_split(struct str text)
{
    uint32_t cp;
    return utf8_next(text, &cp) < text.n;
}

const struct engine_control *guard_marks_find(const struct guard_marks *g,
                                              struct str s, size_t at)
{
    const struct engine_control *best = NULL;
    if (!g->first[(unsigned char)s.p[at]])
        return NULL;
    for (size_t i = 0; i < g->n_controls; i++) {
        const struct engine_control *c = &g->controls[i];
        if (c->text.n <= s.n - at && c->text.p[0] == s.p[at]
            && memcmp(c->text.p, s.p + at, c->text.n) == 0
            && (!best || c->text.n > best->text.n) && can_split(c->text))
            best = c;
    }
    return best;
}

enum err guard_marks_list(const struct guard_marks *g, struct str s,
                          struct buf *tokens)
{
    for (size_t at = 0; at < s.n; at++) {
        const struct engine_control *c = guard_marks_find(g, s, at);
        if (!c)
            continue;
        TRY(buf_add(tokens,
                    (struct str){(const char *)&c->token, sizeof c->token}));
        at += c->text.n - 1;
    }
    return ERR_OK;
}
