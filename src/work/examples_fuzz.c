/* Any text: what is found are so many lines, each with a call of the one name,
 * and finding them with that name as the entry finds the same. */
#include "work/examples.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

static void look(struct str text, enum lang lang)
{
    struct buf a CLEANUP(buf_done) = BUF_INIT((size_t)1 << 20);
    struct buf b CLEANUP(buf_done) = BUF_INIT((size_t)1 << 20);
    struct str rest, line, name = STR_EMPTY;
    size_t n = SIZE_MAX, again = SIZE_MAX, lines = 0;

    if (examples_find(text, lang, STR_EMPTY, &a, &n, &name) != ERR_OK
        || n > EXAMPLES_MAX || (n == 0) != (name.n == 0))
        abort();
    for (rest = buf_str(&a); str_line(&rest, &line); lines++)
        if (!str_starts(line, STR("assert")) || !str_has(line, name)
            || line.n > EXAMPLES_TEXT_MAX + 64)
            abort();
    if (lines != n)
        abort();
    if (n != 0
        && (examples_find(text, lang, name, &b, &again, NULL) != ERR_OK
            || again != n || !str_eq(buf_str(&a), buf_str(&b))))
        abort();
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    if (size > 1 << 16)
        return 0;
    for (int lang = 0; lang < LANG_COUNT; lang++)
        look((struct str){(const char *)data, size}, (enum lang)lang);
    return 0;
}
