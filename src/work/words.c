#include "work/words.h"

static const struct {
    const char *name, *text;
    unsigned from, to;
    bool person;
} kinds[KIND_COUNT] = {
#define KIND(NAME, name, text, from, to, person) {name, text, from, to, person},
#include "work/kinds.def"
#undef KIND
};

static const char *const checks[CHECK_COUNT] = {
#define CHECKROW(NAME, name, text) name,
#include "work/checks.def"
#undef CHECKROW
};

static const char *const verdicts[VERDICT_COUNT] = {
#define VERDICT(NAME, name, text) name,
#include "work/verdicts.def"
#undef VERDICT
};

static const struct {
    const char *name, *tags, *file, *defines;
} langs[LANG_COUNT] = {
#define LANG(NAME, name, tags, file, defines) {name, tags, file, defines},
#include "work/langs.def"
#undef LANG
};

const char *kind_name(enum kind k)
{
    return k < KIND_COUNT ? kinds[k].name : "?";
}

const char *kind_text(enum kind k)
{
    return k < KIND_COUNT ? kinds[k].text : "?";
}

const char *check_id_name(enum check_id c)
{
    return c < CHECK_COUNT ? checks[c] : "?";
}

const char *verdict_name(enum verdict v)
{
    return v < VERDICT_COUNT ? verdicts[v] : "?";
}

const char *lang_name(enum lang l)
{
    return l < LANG_COUNT ? langs[l].name : "?";
}

const char *lang_file(enum lang l)
{
    return l < LANG_COUNT ? langs[l].file : "?";
}

struct str lang_defines(enum lang l)
{
    return str_c(l < LANG_COUNT ? langs[l].defines : "");
}

bool kind_parse(struct str name, enum kind *out)
{
    for (int i = 0; i < KIND_COUNT; i++) {
        if (str_eq(name, str_c(kinds[i].name))) {
            *out = (enum kind)i;
            return true;
        }
    }
    return false;
}

bool check_id_parse(struct str name, enum check_id *out)
{
    for (int i = 0; i < CHECK_COUNT; i++) {
        if (str_eq(name, str_c(checks[i]))) {
            *out = (enum check_id)i;
            return true;
        }
    }
    return false;
}

bool verdict_parse(struct str name, enum verdict *out)
{
    for (int i = 0; i < VERDICT_COUNT; i++) {
        if (str_eq(name, str_c(verdicts[i]))) {
            *out = (enum verdict)i;
            return true;
        }
    }
    return false;
}

bool lang_parse(struct str name, enum lang *out)
{
    for (int i = 0; i < LANG_COUNT; i++) {
        if (str_eq_nocase(name, str_c(langs[i].name))) {
            *out = (enum lang)i;
            return true;
        }
    }
    return false;
}

bool words_has(struct str list, struct str word)
{
    while (list.n != 0)
        if (str_eq_nocase(str_cut(&list, ' '), word))
            return true;
    return false;
}

bool lang_has_tag(enum lang l, struct str tag)
{
    return l < LANG_COUNT && tag.n != 0 && words_has(str_c(langs[l].tags), tag);
}

enum kind kind_of_complexity(unsigned complexity)
{
    for (int i = 0; i < KIND_COUNT; i++)
        if (complexity <= kinds[i].to)
            return (enum kind)i;
    return (enum kind)(KIND_COUNT - 1);
}

unsigned kind_clamp(enum kind k, unsigned complexity)
{
    return MIN(MAX(complexity, kinds[k].from), kinds[k].to);
}

bool kind_needs_person(enum kind k)
{
    return k >= KIND_COUNT || kinds[k].person;
}

enum err words_doc(struct buf *out)
{
    TRY(buf_add_c(out, "\n## Kinds of task\n\n| kind | words | complexity |"
                       " needs a person |\n|---|---|---|---|\n"));
#define KIND(NAME, name, text, from, to, person)                               \
    TRY(buf_printf(out, "| `%s` | %s | %d-%d | %s |\n", name, text, from, to,  \
                   (person) ? "yes" : "no"));
#include "work/kinds.def"
#undef KIND
    TRY(buf_add_c(out, "\n## Checks\n\n| check | what it proves |\n"
                       "|---|---|\n"));
#define CHECKROW(NAME, name, text)                                             \
    TRY(buf_printf(out, "| `%s` | %s |\n", name, text));
#include "work/checks.def"
#undef CHECKROW
    TRY(buf_add_c(out, "\n## Verdicts\n\n| verdict | what it says |\n"
                       "|---|---|\n"));
#define VERDICT(NAME, name, text)                                              \
    TRY(buf_printf(out, "| `%s` | %s |\n", name, text));
#include "work/verdicts.def"
#undef VERDICT
    return ERR_OK;
}
