/*
 * words.h - the small vocabularies of tasks: kinds, checks, verdicts and
 * languages, each from its .def table. Names are what events, the database and
 * requests say. Pure. Thread: any.
 */
#ifndef WORK_WORDS_H
#define WORK_WORDS_H

#include "base/buf.h"
#include "base/str.h"

enum kind {
#define KIND(NAME, name, text, from, to, person) KIND_##NAME,
#include "work/kinds.def"
#undef KIND
    KIND_COUNT
};

enum check_id {
#define CHECKROW(NAME, name, text) CHECK_##NAME,
#include "work/checks.def"
#undef CHECKROW
    CHECK_COUNT
};

enum verdict {
#define VERDICT(NAME, name, text) VERDICT_##NAME,
#include "work/verdicts.def"
#undef VERDICT
    VERDICT_COUNT
};

enum lang {
#define LANG(NAME, name, tags, file, defines) LANG_##NAME,
#include "work/langs.def"
#undef LANG
    LANG_COUNT
};

/* "?" when out of range. */
const char *kind_name(enum kind k);
const char *kind_text(enum kind k); /* "Quick edit" */
const char *check_id_name(enum check_id c);
const char *verdict_name(enum verdict v);
const char *lang_name(enum lang l);
const char *lang_file(enum lang l);   /* file name of an answer */
struct str lang_defines(enum lang l); /* "def class" */

/* False: no such name, `*out` unchanged. */
NODISCARD bool kind_parse(struct str name, enum kind *out);
NODISCARD bool check_id_parse(struct str name, enum check_id *out);
NODISCARD bool verdict_parse(struct str name, enum verdict *out);
NODISCARD bool lang_parse(struct str name, enum lang *out);

/* True when `tag` of a code fence means this language (any case). */
bool lang_has_tag(enum lang l, struct str tag);

/* The kind whose range holds `complexity` (0-10, larger ones as 10). */
enum kind kind_of_complexity(unsigned complexity);
/* `complexity` moved into the range of the kind. */
unsigned kind_clamp(enum kind k, unsigned complexity);
bool kind_needs_person(enum kind k);

/* One of the space-separated words of `list` (any case). */
bool words_has(struct str list, struct str word);

/* Adds the tables of kinds, checks and verdicts as documentation. */
NODISCARD enum err words_doc(struct buf *out);

#endif
