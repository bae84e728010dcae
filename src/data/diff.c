/*
 * Lines are compared by hash first. Common lines at both ends are set aside,
 * Myers' greedy search runs on the rest, keeping one row of furthest points
 * per number of edits, and is then followed back from the end; the outcome is
 * one mark per line (removed, added). Hunks are printed from the marks, so the
 * bounded fallback is just "all lines of the rest are marked".
 */
#include "data/diff.h"

#include "base/mem.h"

enum { CONTEXT = 3 };

struct side {
    struct str *lines; /* with their line ends */
    uint64_t *hashes;
    bool *changed;
    size_t count;
};

struct texts {
    struct side a, b;
    size_t head;   /* common lines at the front */
    size_t an, bn; /* lines between the common ends */
};

static void side_done(struct side *s)
{
    mem_free(s->lines);
    mem_free(s->hashes);
    mem_free(s->changed);
}

static void texts_done(struct texts *t)
{
    side_done(&t->a);
    side_done(&t->b);
}

static bool cut_line(struct str *text, struct str *line)
{
    const char *end;

    if (text->n == 0)
        return false;
    end = memchr(text->p, '\n', text->n);
    *line =
        str_sub(*text, 0, end != NULL ? (size_t)(end - text->p) + 1 : text->n);
    *text = str_sub(*text, line->n, text->n);
    return true;
}

static enum err split(struct str text, struct side *s)
{
    struct str rest = text, line;
    size_t n = 0;

    while (cut_line(&rest, &line))
        if (++n > DIFF_MAX_LINES)
            return ERR_LIMIT;
    s->lines = mem_calloc(n, sizeof(*s->lines));
    s->hashes = mem_calloc(n, sizeof(*s->hashes));
    s->changed = mem_calloc(n, sizeof(*s->changed));
    if (s->lines == NULL || s->hashes == NULL || s->changed == NULL)
        return ERR_NOMEM;
    for (rest = text; cut_line(&rest, &line); s->count++) {
        s->lines[s->count] = line;
        s->hashes[s->count] = str_hash(line, 0);
    }
    return ERR_OK;
}

static bool same(const struct texts *t, size_t i, size_t j)
{
    return t->a.hashes[i] == t->b.hashes[j]
           && str_eq(t->a.lines[i], t->b.lines[j]);
}

static void set_ends_aside(struct texts *t)
{
    size_t tail = 0, least = MIN(t->a.count, t->b.count);

    while (t->head < least && same(t, t->head, t->head))
        t->head++;
    while (tail < least - t->head
           && same(t, t->a.count - 1 - tail, t->b.count - 1 - tail))
        tail++;
    t->an = t->a.count - t->head - tail;
    t->bn = t->b.count - t->head - tail;
}

/* ---- Myers ---- */

/* Row d holds, for each diagonal k = -d, -d+2, ..., d (line i of a less line j
 * of b), the furthest i reached with d edits, at index (k + d) / 2. */
struct trace {
    int32_t *rows[DIFF_MAX_EDITS + 1];
    int32_t edits; /* of the solution; -1: none within the bound */
};

static void trace_free(struct trace **t)
{
    if (*t == NULL)
        return;
    for (size_t d = 0; d <= DIFF_MAX_EDITS; d++)
        mem_free((*t)->rows[d]);
    mem_free(*t);
}

/* Furthest i on diagonal k before the snake, from the row of d - 1 edits:
 * either a line of b was added (from k + 1) or one of a removed (from k - 1).
 * *removed tells which. */
static int32_t reach(const struct trace *t, int32_t d, int32_t k, bool *removed)
{
    const int32_t *prev = t->rows[d - 1];
    int32_t added = k < d - 1 ? prev[(k + 1 + d - 1) / 2] : -1;
    int32_t taken = k > -(d - 1) ? prev[(k - 1 + d - 1) / 2] + 1 : -1;

    *removed = taken > added;
    return *removed ? taken : added;
}

static int32_t follow(const struct texts *t, int32_t i, int32_t k)
{
    while ((size_t)i < t->an && (size_t)(i - k) < t->bn
           && same(t, t->head + (size_t)i, t->head + (size_t)(i - k)))
        i++;
    return i;
}

/* Points outside the texts stay in the rows: they cannot come back inside and
 * never match the goal, so they need no care but a bound. */
static enum err search(const struct texts *t, struct trace *out)
{
    int32_t goal = (int32_t)t->an - (int32_t)t->bn;

    out->edits = -1;
    for (int32_t d = 0; d <= DIFF_MAX_EDITS; d++) {
        int32_t *row = mem_calloc((size_t)d + 1, sizeof(*row));

        if (row == NULL)
            return ERR_NOMEM;
        out->rows[d] = row;
        for (int32_t k = -d; k <= d; k += 2) {
            bool removed;
            int32_t i = d == 0 ? 0 : reach(out, d, k, &removed);

            if (i >= 0 && i - k >= 0)
                i = follow(t, i, k);
            row[(k + d) / 2] = i;
            if (k == goal && i == (int32_t)t->an) {
                out->edits = d;
                return ERR_OK;
            }
        }
    }
    return ERR_OK;
}

/* Marks the lines of the solution, from its end to its start. */
static void mark(struct texts *t, const struct trace *trace)
{
    int32_t k = (int32_t)t->an - (int32_t)t->bn;

    for (int32_t d = trace->edits; d > 0; d--) {
        bool removed;
        int32_t i = reach(trace, d, k, &removed);

        if (removed) {
            t->a.changed[t->head + (size_t)i - 1] = true;
            k--;
        } else {
            t->b.changed[t->head + (size_t)(i - k) - 1] = true;
            k++;
        }
    }
}

static enum err compare(struct texts *t)
{
    struct trace *trace CLEANUP(trace_free) = NULL;

    set_ends_aside(t);
    if (t->an != 0 && t->bn != 0) {
        trace = mem_zalloc(sizeof(*trace));
        if (trace == NULL)
            return ERR_NOMEM;
        TRY(search(t, trace));
        if (trace->edits >= 0) {
            mark(t, trace);
            return ERR_OK;
        }
    }
    for (size_t i = 0; i < t->an; i++)
        t->a.changed[t->head + i] = true;
    for (size_t j = 0; j < t->bn; j++)
        t->b.changed[t->head + j] = true;
    return ERR_OK;
}

/* ---- printing ---- */

/* Lines from..to of both texts. */
struct span {
    size_t a, b, a_end, b_end;
};

/* The next run of changed lines at or after (a, b); false at the end. */
static bool next_change(const struct texts *t, size_t a, size_t b,
                        struct span *out)
{
    while (a < t->a.count && b < t->b.count && !t->a.changed[a]
           && !t->b.changed[b]) {
        a++;
        b++;
    }
    *out = (struct span){a, b, a, b};
    while (out->a_end < t->a.count && t->a.changed[out->a_end])
        out->a_end++;
    while (out->b_end < t->b.count && t->b.changed[out->b_end])
        out->b_end++;
    return out->a_end > a || out->b_end > b;
}

static enum err print_line(struct buf *out, char sign, struct str line)
{
    TRY(buf_add_byte(out, sign));
    TRY(buf_add(out, line));
    if (line.n != 0 && line.p[line.n - 1] == '\n')
        return ERR_OK;
    return buf_add(out, STR("\n\\ No newline at end of file\n"));
}

static enum err print_hunk(const struct texts *t, struct span h,
                           struct buf *out)
{
    size_t an = h.a_end - h.a, bn = h.b_end - h.b;

    /* An empty range names the line before it. */
    TRY(buf_printf(out, "@@ -%zu,%zu +%zu,%zu @@\n", h.a + (an != 0), an,
                   h.b + (bn != 0), bn));
    while (h.a < h.a_end || h.b < h.b_end) {
        if (h.a < h.a_end && t->a.changed[h.a]) {
            TRY(print_line(out, '-', t->a.lines[h.a++]));
        } else if (h.b < h.b_end && t->b.changed[h.b]) {
            TRY(print_line(out, '+', t->b.lines[h.b++]));
        } else {
            TRY(print_line(out, ' ', t->a.lines[h.a++]));
            h.b++;
        }
    }
    return ERR_OK;
}

static enum err print_name(struct buf *out, struct str sign, struct str name)
{
    TRY(buf_add(out, sign));
    for (size_t i = 0; i < name.n; i++)
        TRY(buf_add_byte(out,
                         (unsigned char)name.p[i] < 0x20 ? '?' : name.p[i]));
    return buf_add_byte(out, '\n');
}

static enum err print(const struct texts *t, struct str old_name,
                      struct str new_name, struct buf *out)
{
    struct span change, hunk;
    bool more = next_change(t, 0, 0, &change);

    if (!more)
        return ERR_OK;
    TRY(print_name(out, STR("--- "), old_name));
    TRY(print_name(out, STR("+++ "), new_name));
    while (more) {
        size_t before = MIN((size_t)CONTEXT, change.a), after;

        hunk = (struct span){change.a - before, change.b - before, change.a_end,
                             change.b_end};
        /* Changes whose contexts would meet share a hunk. */
        while ((more = next_change(t, hunk.a_end, hunk.b_end, &change))
               && change.a - hunk.a_end <= (size_t)2 * CONTEXT) {
            hunk.a_end = change.a_end;
            hunk.b_end = change.b_end;
        }
        after = MIN((size_t)CONTEXT, t->a.count - hunk.a_end);
        hunk.a_end += after;
        hunk.b_end += after;
        TRY(print_hunk(t, hunk, out));
    }
    return ERR_OK;
}

static struct diff_stat count(const struct texts *t)
{
    struct diff_stat s = {0, 0};

    for (size_t i = 0; i < t->a.count; i++)
        s.removed += t->a.changed[i];
    for (size_t j = 0; j < t->b.count; j++)
        s.added += t->b.changed[j];
    return s;
}

enum err diff_unified(struct str old_name, struct str old_text,
                      struct str new_name, struct str new_text, struct buf *out,
                      struct diff_stat *stat)
{
    struct texts t CLEANUP(texts_done) = {0};
    size_t len = out->len;
    enum err e;

    TRY(split(old_text, &t.a));
    TRY(split(new_text, &t.b));
    TRY(compare(&t));
    e = print(&t, old_name, new_name, out);
    if (e != ERR_OK && out->len != len) {
        out->len = len;
        out->data[len] = '\0';
    }
    if (e == ERR_OK && stat != NULL)
        *stat = count(&t);
    return e;
}
