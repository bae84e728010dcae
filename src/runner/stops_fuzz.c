/* Stop strings in the first line, separated by '|'; then text. However the
 * text is cut, the same is shown, and it is what stands before the first stop
 * string. */
#include "runner/stops.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

/* What is shown when the text comes in pieces of `step` bytes. */
static bool show(const struct stops *s, struct str text, size_t step,
                 struct buf *out)
{
    struct buf held CLEANUP(buf_done) = BUF_INIT((size_t)1 << 20);
    bool hit = false;

    for (size_t at = 0; at < text.n && !hit; at += step) {
        if (buf_add(&held, str_sub(text, at, step)) != ERR_OK)
            abort();
        size_t n = stops_scan(s, buf_str(&held), &hit);
        if (n > held.len || held.len - n > STOPS_LEN_MAX
            || buf_add(out, str_sub(buf_str(&held), 0, n)) != ERR_OK)
            abort();
        buf_drop(&held, n);
    }
    if (!hit && buf_add(out, buf_str(&held)) != ERR_OK)
        abort();
    return hit;
}

static bool has_any(const struct stops *s, struct str text)
{
    size_t at = 0;

    for (uint32_t i = 0; i < s->count; i++) {
        if (str_has(text, str_sub(buf_str(&s->text), at, s->len[i])))
            return true;
        at += s->len[i];
    }
    return false;
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    struct stops s CLEANUP(stops_done) = STOPS_INIT;
    struct buf whole CLEANUP(buf_done) = BUF_INIT((size_t)1 << 20);
    struct buf bytes CLEANUP(buf_done) = BUF_INIT((size_t)1 << 20);
    struct str text = {(const char *)data, size}, line;

    if (size > 4096)
        return 0;
    line = str_cut(&text, '\n');
    while (line.n)
        if (stops_add(&s, str_cut(&line, '|')) != ERR_OK)
            return 0;
    bool hit = show(&s, text, 7, &whole);
    if (show(&s, text, 1, &bytes) != hit
        || !str_eq(buf_str(&whole), buf_str(&bytes)) || hit != has_any(&s, text)
        || has_any(&s, buf_str(&whole)))
        abort();
    return 0;
}
