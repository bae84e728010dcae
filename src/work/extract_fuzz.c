/* Entry in the first line, then the answer. Code that is found is not empty,
 * ends in one newline, is no longer than the answer, and in a fence of its own
 * is found again as it is. */
#include "work/extract.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

/* A fence longer than any run of backticks in the code. */
static size_t long_fence(struct str code)
{
    size_t run = 0, most = 2;

    for (size_t i = 0; i < code.n; i++) {
        run = code.p[i] == '`' ? run + 1 : 0;
        most = MAX(most, run);
    }
    return most + 1;
}

static enum err wrap(struct str code, struct buf *out)
{
    size_t ticks = long_fence(code);

    for (size_t i = 0; i < ticks; i++)
        TRY(buf_add_byte(out, '`'));
    TRY(buf_add_c(out, "python\n"));
    TRY(buf_add(out, code));
    for (size_t i = 0; i < ticks; i++)
        TRY(buf_add_byte(out, '`'));
    return buf_add_byte(out, '\n');
}

static void look(struct str answer, enum lang lang, struct str entry)
{
    struct buf code CLEANUP(buf_done) = BUF_INIT((size_t)1 << 20);
    struct buf fenced CLEANUP(buf_done) = BUF_INIT((size_t)1 << 20);
    struct buf again CLEANUP(buf_done) = BUF_INIT((size_t)1 << 20);
    enum err e = extract_code(answer, lang, entry, &code);
    struct str c = buf_str(&code);

    (void)extract_defines(answer, lang, entry);
    if (e != ERR_OK) {
        if (e != ERR_NOTFOUND || c.n != 0)
            abort();
        return;
    }
    if (str_trim(c).n == 0 || !str_ends(c, STR("\n")) || c.n > answer.n + 1
        || (c.n > 1 && str_ends(c, STR("\n\n"))))
        abort();
    /* a stray CR would become the end of a Windows line */
    if (lang == LANG_PYTHON && memchr(c.p, '\r', c.n) == NULL
        && (wrap(c, &fenced) != ERR_OK
            || extract_code(buf_str(&fenced), lang, entry, &again) != ERR_OK
            || !str_eq(buf_str(&again), c)))
        abort();
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    struct str answer = {(const char *)data, size}, entry;

    if (size > 1 << 16)
        return 0;
    entry = str_cut(&answer, '\n');
    for (int lang = 0; lang < LANG_COUNT; lang++)
        look(answer, (enum lang)lang, entry);
    return 0;
}
