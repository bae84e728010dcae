#include "data/text_pos.h"

struct text_pos text_pos_of(struct str text, size_t at)
{
    struct str before = str_sub(text, 0, at);
    struct text_pos pos = {1, 1};

    for (const char *hit; before.n != 0; pos.line++) {
        hit = memchr(before.p, '\n', before.n);
        if (hit == NULL)
            break;
        before = str_sub(before, (size_t)(hit - before.p) + 1, before.n);
    }
    pos.column = before.n + 1;
    return pos;
}

enum err text_pos_fail(struct str text, size_t at, struct why *why,
                       const char *what, const char *problem)
{
    struct text_pos pos;

    if (why == NULL)
        return ERR_PARSE;
    pos = text_pos_of(text, at);
    return FAIL(why, ERR_PARSE,
                "invalid %s at byte %zu (line %zu, column %zu): %s", what, at,
                pos.line, pos.column, problem);
}
