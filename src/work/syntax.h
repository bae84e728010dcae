/*
 * syntax.h - does the grammar of the language accept this code?
 *
 * tree-sitter (C, Python, JavaScript): the first ERROR or MISSING node in the
 * order of the text. Accepting is no proof that a compiler would: it is the
 * cheapest check, in about a millisecond and without running anything.
 * Thread: any.
 */
#ifndef WORK_SYNTAX_H
#define WORK_SYNTAX_H

#include "base/err.h"
#include "work/words.h"

enum { SYNTAX_TEXT_MAX = 200 };

struct syntax_report {
    bool ok;
    unsigned line, column;        /* from 1, columns in bytes */
    char what[SYNTAX_TEXT_MAX];   /* "missing ')'", "unexpected 'retrun'" */
    char source[SYNTAX_TEXT_MAX]; /* the line where it is */
};

/* ERR_LIMIT: over EXTRACT_CODE_MAX bytes; ERR_UNSUPPORTED: no grammar;
 * ERR_NOMEM. `*out` changes only on success. */
NODISCARD enum err syntax_check(enum lang lang, struct str code,
                                struct syntax_report *out, struct why *w);

#endif
