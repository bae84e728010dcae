#include "work/prompt.h"

#include "base/utf8.h"

struct str prompt_system(enum lang lang)
{
    switch (lang) {
    case LANG_JAVASCRIPT:
        return STR("You are hearth, a coding assistant. Answer with one "
                   "JavaScript code block.");
    case LANG_C:
        return STR("You are hearth, a coding assistant. Answer with one C "
                   "code block.");
    case LANG_PYTHON:
    case LANG_COUNT:
    default:
        return STR("You are hearth, a coding assistant. Answer with one "
                   "Python code block.");
    }
}

enum err prompt_user(struct str task, enum lang lang, struct str code,
                     struct str evidence, struct buf *out)
{
    size_t before = out->len;
    enum err e;

    if (code.n != 0 && code.p[code.n - 1] == '\n')
        code.n--; /* the fence stands on its own line either way */
    e = buf_add(out, task);
    if (e == ERR_OK && evidence.n != 0)
        e = buf_printf(out,
                       "\n\nPrevious attempt:\n```%s\n%.*s\n```\n"
                       "Check failed: %.*s\nFix it.",
                       lang_name(lang), STR_ARG(code), STR_ARG(evidence));
    if (e != ERR_OK && out->data != NULL)
        out->data[out->len = before] = '\0';
    return e;
}

enum err prompt_evidence(struct str text, struct buf *out)
{
    char line[PROMPT_EVIDENCE_MAX];
    size_t n = 0, chars = 0;

    text = str_trim(text);
    while (text.n != 0 && chars < PROMPT_EVIDENCE_CHARS) {
        uint32_t cp = 0;
        size_t len = utf8_next(text, &cp);

        if (n + MAX(len, 1) > sizeof(line))
            break;
        if (len == 0 || cp < 0x20 || (cp >= 0x7f && cp < 0xa0)) {
            line[n++] = len == 0 ? '?' : ' ';
            len = MAX(len, 1);
        } else {
            memcpy(line + n, text.p, len);
            n += len;
        }
        text = str_sub(text, len, SIZE_MAX);
        chars++;
    }
    return buf_add(out, (struct str){line, n});
}
