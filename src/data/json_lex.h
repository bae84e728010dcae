/*
 * json_lex.h - the tokens of JSON under a cursor; the lower half of json_scan,
 * which is its only user. Functions return false after json_lex_bad, with the
 * cursor on the byte that is wrong.
 */
#ifndef DATA_JSON_LEX_H
#define DATA_JSON_LEX_H

#include "base/err.h"
#include "base/str.h"

struct json_lex {
    const char *p, *end;
    const char *problem; /* set on failure */
    enum err err;
    unsigned max_depth;
};

bool json_lex_bad(struct json_lex *c, const char *problem); /* false */
void json_lex_space(struct json_lex *c);

/* On the opening quote; to just past the closing one. */
bool json_lex_string(struct json_lex *c);
/* On a digit or "-". A number beyond the largest double is refused. */
bool json_lex_number(struct json_lex *c);
bool json_lex_word(struct json_lex *c, struct str w);

/* Resolves the valid escape at the front of `*s`. Returns bytes written. */
size_t json_lex_unescape(struct str *s, char out[4]);

#endif
