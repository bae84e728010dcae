/* Old and new text, split at the first NUL: the diff's own lines must add up to
 * both of them. */
#include "data/diff.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

static size_t lines(struct str s)
{
    size_t n = s.n != 0 && s.p[s.n - 1] != '\n';

    for (size_t i = 0; i < s.n; i++)
        n += s.p[i] == '\n';
    return n;
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    struct str b = {(const char *)data, size}, a = str_cut(&b, '\0');
    struct buf out CLEANUP(buf_done) = BUF_INIT((size_t)1 << 24);
    struct diff_stat st;

    if (diff_unified(STR("a"), a, STR("b"), b, &out, &st) != ERR_OK)
        abort();
    if ((out.len == 0) != str_eq(a, b))
        abort();
    if (lines(a) + st.added != lines(b) + st.removed)
        abort();
    return 0;
}
