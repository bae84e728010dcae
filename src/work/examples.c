/*
 * examples.c - a small scanner: at every word that is followed by "(", try
 * call, connecting word, literal; what does not fit is prose.
 */
#include "work/examples.h"

static const char *const links[] = {
    /* longer ones before their own beginnings */
    "==",
    "->",
    "=>",
    "→",
    "should return",
    "must return",
    "will return",
    "returns",
    "gives",
    "is",
    "должна вернуть",
    "должен вернуть",
    "должно вернуть",
    "вернёт",
    "вернет",
    "возвращает",
    "даёт",
    "дает",
    "равно",
    "равна",
    "равен",
};

static bool is_name(char c, bool first)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'
           || (!first && c >= '0' && c <= '9');
}

static size_t skip_space(struct str s, size_t i)
{
    while (i < s.n && (s.p[i] == ' ' || s.p[i] == '\t'))
        i++;
    return i;
}

static size_t name_end(struct str s, size_t i)
{
    size_t from = i;

    while (i < s.n && is_name(s.p[i], i == from))
        i++;
    return i;
}

/* ---- literals: the place after it, or 0 ------------------------------------- */

static size_t number_end(struct str s, size_t i)
{
    size_t digits = 0;

    if (i < s.n && (s.p[i] == '-' || s.p[i] == '+'))
        i++;
    while (i < s.n && s.p[i] >= '0' && s.p[i] <= '9') {
        i++;
        digits++;
    }
    if (digits != 0 && i + 1 < s.n && s.p[i] == '.' && s.p[i + 1] >= '0'
        && s.p[i + 1] <= '9') {
        i += 2;
        while (i < s.n && s.p[i] >= '0' && s.p[i] <= '9')
            i++;
    }
    /* "4th", "2x", "1e5": not a plain number */
    return digits != 0 && (i == s.n || !is_name(s.p[i], true)) ? i : 0;
}

static size_t string_end(struct str s, size_t i)
{
    size_t end = str_quote_end(s, i);

    if (end == s.n || str_has(str_sub(s, i, end - i), STR("\n")))
        return 0; /* not closed on its line */
    return end + 1;
}

static size_t word_literal_end(struct str s, size_t i)
{
    static const struct str words[] = {
        {"True", 4}, {"False", 5}, {"None", 4},
        {"true", 4}, {"false", 5}, {"null", 4},
    };
    size_t end = name_end(s, i);

    for (size_t k = 0; k < COUNTOF(words); k++)
        if (str_eq(str_sub(s, i, end - i), words[k]))
            return end;
    return 0;
}

/* NOLINTBEGIN(misc-no-recursion): depth bounds it */
static size_t literal_end(struct str s, size_t i, unsigned depth);

/* Elements up to `close`: literals, with ":" (dict) and "name=" (arguments)
 * between. */
static size_t list_end(struct str s, size_t i, char close, unsigned depth)
{
    bool separated = true;

    for (;;) {
        size_t end;

        i = skip_space(s, i);
        if (i >= s.n || depth == 0)
            return 0;
        if (s.p[i] == close)
            return i + 1;
        if (!separated)
            return 0;
        end = name_end(s, i); /* keyword argument */
        if (close == ')' && end != i && end < s.n && s.p[end] == '='
            && end + 1 < s.n && s.p[end + 1] != '=')
            i = end + 1;
        i = literal_end(s, i, depth - 1);
        if (i == 0)
            return 0;
        i = skip_space(s, i);
        separated = i < s.n && (s.p[i] == ',' || s.p[i] == ':');
        i += separated;
    }
}

static size_t literal_end(struct str s, size_t i, unsigned depth)
{
    if (i >= s.n || depth == 0)
        return 0;
    switch (s.p[i]) {
    case '"':
    case '\'':
        return string_end(s, i);
    case '[':
        return list_end(s, i + 1, ']', depth);
    case '(':
        return list_end(s, i + 1, ')', depth);
    case '{':
        return list_end(s, i + 1, '}', depth);
    default:
        return is_name(s.p[i], true) ? word_literal_end(s, i)
                                     : number_end(s, i);
    }
}
/* NOLINTEND(misc-no-recursion) */

/* ---- one example ---------------------------------------------------------------- */

static size_t link_end(struct str s, size_t i)
{
    for (size_t k = 0; k < COUNTOF(links); k++) {
        struct str l = str_c(links[k]);

        if (str_starts(str_sub(s, i, SIZE_MAX), l))
            return i + l.n;
    }
    return 0;
}

struct example {
    struct str name, call, want;
};

/* The words of one language for the others' true, false and nothing; a literal
 * that the language does not have makes the example no test. */
static bool word_fits(struct str word, enum lang lang)
{
    bool python = word.p[0] >= 'A' && word.p[0] <= 'Z';

    if (str_eq(word, STR("null")) || str_eq(word, STR("None")))
        return lang != LANG_C && python == (lang == LANG_PYTHON);
    return python == (lang == LANG_PYTHON);
}

static bool literal_fits(struct str s, enum lang lang)
{
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];

        if (c == '"' || c == '\'') {
            if (lang == LANG_C && c == '\'')
                return false; /* a text there, a character here */
            i = str_quote_end(s, i);
        } else if (lang == LANG_C && strchr("[{", c) != NULL) {
            return false;
        } else if (is_name(c, true)) {
            size_t end = name_end(s, i);
            struct str word = str_sub(s, i, end - i);
            bool named = end < s.n && s.p[end] == '=';

            if (named ? lang != LANG_PYTHON : !word_fits(word, lang))
                return false;
            i = end - 1;
        }
    }
    return true;
}

/* What stands after the value may go on with it: "f(3) == 2 * f(2)". */
static bool ends_there(struct str s, size_t i)
{
    i = skip_space(s, i);
    return i >= s.n || strchr("+-*/%<>=&|^[(", s.p[i]) == NULL
           || (s.p[i] == '(' && i > 0 && s.p[i - 1] == ' ');
}

/* What stands before the call may make it a part: "2 * f(2) == 8". A "-" or
 * "*" that begins a line is a bullet. */
static bool begins_there(struct str s, size_t i)
{
    size_t at = i;

    if (i > 0 && strchr(".)]\"'", s.p[i - 1]) != NULL)
        return false;
    while (i > 0 && (s.p[i - 1] == ' ' || s.p[i - 1] == '\t'))
        i--;
    if (i == 0 || strchr("+-*/%<>=&|^", s.p[i - 1]) == NULL)
        return true;
    if (strchr("-*+>", s.p[i - 1]) == NULL || at == i)
        return false;
    i--;
    while (i > 0 && (s.p[i - 1] == ' ' || s.p[i - 1] == '\t'))
        i--;
    return i == 0 || s.p[i - 1] == '\n';
}

/* A backtick may stand around the call and around the value. */
static size_t skip_tick(struct str s, size_t i)
{
    return i < s.n && s.p[i] == '`' ? i + 1 : i;
}

static bool read_example(struct str s, size_t at, enum lang lang,
                         struct example *out, size_t *after)
{
    size_t open = name_end(s, at), end, i;

    if (open == at || open >= s.n || s.p[open] != '(' || !begins_there(s, at))
        return false;
    end = list_end(s, open + 1, ')', EXAMPLES_DEPTH);
    if (end == 0)
        return false;
    i = link_end(s, skip_space(s, skip_tick(s, end)));
    if (i == 0)
        return false;
    i = skip_tick(s, skip_space(s, i));
    *after = literal_end(s, i, EXAMPLES_DEPTH);
    if (*after == 0 || *after - at > EXAMPLES_TEXT_MAX
        || !ends_there(s, skip_tick(s, *after))
        || !literal_fits(str_sub(s, i, *after - i), lang)
        || !literal_fits(str_sub(s, open, end - open), lang))
        return false;
    *out = (struct example){str_sub(s, at, open - at), str_sub(s, at, end - at),
                            str_sub(s, i, *after - i)};
    return true;
}

static enum err add_test(struct buf *out, enum lang lang,
                         const struct example *x)
{
    switch (lang) {
    case LANG_JAVASCRIPT:
        return buf_printf(out, "assert.deepStrictEqual(%.*s, %.*s)\n",
                          STR_ARG(x->call), STR_ARG(x->want));
    case LANG_C:
        return buf_printf(out, "assert(%.*s == %.*s)\n", STR_ARG(x->call),
                          STR_ARG(x->want));
    case LANG_PYTHON:
    case LANG_COUNT:
    default:
        return buf_printf(out, "assert %.*s == %.*s\n", STR_ARG(x->call),
                          STR_ARG(x->want));
    }
}

enum err examples_find(struct str text, enum lang lang, struct str entry,
                       struct buf *out, size_t *count, struct str *name)
{
    size_t before = out->len, n = 0, after;
    struct example x;
    enum err e = ERR_OK;

    for (size_t i = 0; i < text.n && n < EXAMPLES_MAX && e == ERR_OK; i++) {
        if (!is_name(text.p[i], true)
            || (i > 0 && is_name(text.p[i - 1], false))
            || !read_example(text, i, lang, &x, &after))
            continue;
        if (entry.n == 0)
            entry = x.name;
        if (!str_eq(entry, x.name))
            continue;
        e = add_test(out, lang, &x);
        n++;
        i = after - 1;
    }
    if (e != ERR_OK) {
        if (out->data != NULL)
            out->data[out->len = before] = '\0';
        return e;
    }
    *count = n;
    if (name != NULL)
        *name = n != 0 ? entry : STR_EMPTY;
    return ERR_OK;
}
