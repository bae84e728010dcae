/*
 * text_pos.h - line and column of a byte in a text, for messages. Pure.
 */
#ifndef DATA_TEXT_POS_H
#define DATA_TEXT_POS_H

#include "base/err.h"
#include "base/str.h"

struct text_pos {
    size_t line, column; /* from 1; columns are bytes */
};

struct text_pos text_pos_of(struct str text, size_t at);

/* ERR_PARSE with "invalid <what> at byte 4 (line 1, column 5): <problem>". */
enum err text_pos_fail(struct str text, size_t at, struct why *why,
                       const char *what, const char *problem);

#endif
