#include "runner/stops.h"

enum err stops_add(struct stops *s, struct str text)
{
    if (text.n == 0)
        return ERR_OK;
    if (s->count == STOPS_MAX || text.n > STOPS_LEN_MAX)
        return ERR_LIMIT;
    TRY(buf_add(&s->text, text));
    s->len[s->count++] = (uint32_t)text.n;
    return ERR_OK;
}

void stops_done(struct stops *s)
{
    buf_done(&s->text);
    s->count = 0;
}

/* How many bytes of `text` from `at` on agree with the stop string. */
static size_t agree(struct str text, size_t at, struct str stop)
{
    size_t n = MIN(text.n - at, stop.n), i = 0;
    while (i < n && text.p[at + i] == stop.p[i])
        i++;
    return i;
}

size_t stops_scan(const struct stops *s, struct str held, bool *hit)
{
    size_t shown = held.n;          /* up to a beginning that may be one */
    size_t end = SIZE_MAX, cut = 0; /* of the occurrence that ends first */
    const char *p = s->text.data;
    for (uint32_t i = 0; i < s->count; p += s->len[i++]) {
        struct str stop = {p, s->len[i]};
        for (size_t at = 0; at < held.n; at++) {
            size_t n = agree(held, at, stop);
            if (n == stop.n && at + n <= end) {
                cut = at + n == end ? MIN(cut, at) : at;
                end = at + n;
            }
            if (n == stop.n || at + n == held.n) {
                shown = MIN(shown, at);
                break; /* later ones end later */
            }
        }
    }
    *hit = end != SIZE_MAX;
    return *hit ? cut : shown;
}
