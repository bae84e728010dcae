#include "work/extract.h"

struct block {
    struct str tag, body;
    size_t indent; /* of the fence: taken off every line of the body */
};

static bool is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')
           || (c >= '0' && c <= '9') || c == '_' || c == '$';
}

/* ---- fences ----------------------------------------------------------------- */

/* Length of the run of fence characters at the start of `line`, or 0. */
static size_t fence(struct str line, char *c, size_t *indent)
{
    size_t i = 0, run = 0;

    while (i < line.n && (line.p[i] == ' ' || line.p[i] == '\t'))
        i++;
    *indent = i;
    if (i == line.n || (line.p[i] != '`' && line.p[i] != '~'))
        return 0;
    *c = line.p[i];
    while (i + run < line.n && line.p[i + run] == *c)
        run++;
    return run >= 3 ? run : 0;
}

/* First word after the fence: "python", "{.python", "python title=x". */
static struct str tag_of(struct str line, size_t at)
{
    struct str s = str_trim(str_sub(line, at, SIZE_MAX));
    size_t from = 0, n = 0;

    while (from < s.n && !is_word(s.p[from]))
        from++;
    while (from + n < s.n && (is_word(s.p[from + n]) || s.p[from + n] == '+'))
        n++;
    return str_sub(s, from, n);
}

/* Cuts the next fenced block off `*rest`; an unfinished one goes to the end.
 * An opening fence has no fence character in its tag ("```x```" is prose). */
static bool next_block(struct str *rest, struct block *out)
{
    struct str line;
    char open = 0, c = 0;
    size_t run = 0, indent;

    while (run == 0) {
        if (!str_line(rest, &line))
            return false;
        run = fence(line, &open, &indent);
        if (run != 0
            && memchr(line.p + indent + run, open, line.n - indent - run)
                   != NULL)
            run = 0;
    }
    *out = (struct block){.tag = tag_of(line, indent + run),
                          .body = {rest->p, 0},
                          .indent = indent};
    for (;;) {
        const char *from = rest->p;
        size_t close, in;

        if (!str_line(rest, &line)) {
            out->body.n = (size_t)(rest->p - out->body.p);
            return true;
        }
        close = fence(line, &c, &in);
        if (close >= run && c == open
            && str_trim(str_sub(line, in + close, SIZE_MAX)).n == 0) {
            out->body.n = (size_t)(from - out->body.p);
            return true;
        }
    }
}

/* ---- which block ------------------------------------------------------------ */

static bool word_at(struct str s, size_t at, struct str word)
{
    return str_starts(str_sub(s, at, SIZE_MAX), word)
           && (at == 0 || !is_word(s.p[at - 1]))
           && (at + word.n == s.n || !is_word(s.p[at + word.n]));
}

/* The word that ends before `at`, spaces and stars between. */
static struct str word_before(struct str s, size_t at)
{
    size_t end = at, from;

    while (end > 0 && (s.p[end - 1] == ' ' || s.p[end - 1] == '*'))
        end--;
    from = end;
    while (from > 0 && is_word(s.p[from - 1]))
        from--;
    return str_sub(s, from, end - from);
}

/* C: a name with a parameter list and a body, after a type. */
static bool c_defines(struct str s, size_t at, struct str name)
{
    size_t i = at + name.n;

    while (i < s.n && s.p[i] == ' ')
        i++;
    if (i == s.n || s.p[i] != '(' || word_before(s, at).n == 0
        || str_eq(word_before(s, at), STR("return")))
        return false;
    while (i < s.n && s.p[i] != ';' && s.p[i] != '{')
        i++;
    return i < s.n && s.p[i] == '{';
}

bool extract_defines(struct str code, enum lang lang, struct str name)
{
    size_t at = 0;

    while (name.n != 0 && at < code.n) {
        size_t hit = str_find(str_sub(code, at, SIZE_MAX), name);

        if (hit == SIZE_MAX)
            return false;
        at += hit;
        if (word_at(code, at, name)
            && (lang == LANG_C
                    ? c_defines(code, at, name)
                    : words_has(lang_defines(lang), word_before(code, at))))
            return true;
        at += name.n;
    }
    return false;
}

static bool has_other_tag(const struct block *b, enum lang lang)
{
    return b->tag.n != 0 && !lang_has_tag(lang, b->tag);
}

static bool looks_like_json(struct str s)
{
    s = str_trim(s);
    return s.n >= 2
           && ((s.p[0] == '{' && s.p[s.n - 1] == '}')
               || (s.p[0] == '[' && s.p[s.n - 1] == ']'));
}

/* How good a block is; 0: never take it. */
static unsigned rank(const struct block *b, enum lang lang, struct str entry)
{
    bool right = lang_has_tag(lang, b->tag);

    if (str_trim(b->body).n == 0 || str_eq_nocase(b->tag, STR("json"))
        || (!right && looks_like_json(b->body)))
        return 0;
    if (extract_defines(b->body, lang, entry))
        return has_other_tag(b, lang) ? 3 : 5;
    if (right)
        return 4;
    return b->tag.n == 0 ? 2 : 1;
}

/* ---- no fence ---------------------------------------------------------------- */

/* One of the space-separated words of `list`, in exactly this case. */
static bool has_word(struct str list, struct str word)
{
    while (list.n != 0)
        if (str_eq(str_cut(&list, ' '), word))
            return true;
    return false;
}

/* "NAME = ...", "a.b[1] = ...": code that only goes on what has begun. */
static bool is_assignment(struct str line)
{
    size_t i = 0;

    while (i < line.n && (is_word(line.p[i]) || strchr(".[]", line.p[i])))
        i++;
    if (i == 0 || (line.p[0] >= '0' && line.p[0] <= '9'))
        return false;
    while (i < line.n && line.p[i] == ' ')
        i++;
    return i + 1 < line.n && line.p[i] == '=' && line.p[i + 1] != '=';
}

/* "from x import y", and not "from the examples": prose is no code. */
static bool is_import(struct str line)
{
    if (str_starts(line, STR("from ")))
        return str_has(line, STR(" import "));
    return str_starts(line, STR("import "))
           && str_sub(line, 7, SIZE_MAX).n != 0;
}

/* Does a line at the margin begin or go on with code? */
static bool is_code_line(struct str line, enum lang lang)
{
    static const char *const starts[LANG_COUNT] = {
        [LANG_PYTHON] = "def class async @ #",
        [LANG_JAVASCRIPT] =
            "function class const let var async import export // }",
        [LANG_C] = ("#include static int void char double float long unsigned "
                    "bool size_t struct const typedef // }"),
    };
    struct str word = line;

    word = str_cut(&word, ' ');
    if (word.n > 1 && (word.p[0] == '@' || word.p[0] == '#'))
        return lang == LANG_PYTHON || word.p[0] == '#';
    if (word.n > 0 && (word.p[0] == '}' || word.p[0] == '{'))
        return lang != LANG_PYTHON;
    if (lang == LANG_PYTHON && is_import(line))
        return true;
    return has_word(str_c(starts[lang]), word);
}

/* From the first line of code at the margin to the last line that still is,
 * with the indented lines that belong to it. */
static struct str bare(struct str answer, enum lang lang)
{
    struct str rest = answer, line;
    const char *from = NULL, *to = NULL, *at = rest.p;

    while (str_line(&rest, &line)) {
        bool margin = line.n != 0 && line.p[0] != ' ' && line.p[0] != '\t';

        if (margin && is_code_line(line, lang)) {
            from = from != NULL ? from : at;
            to = rest.p;
        } else if (from != NULL && margin && is_assignment(line)) {
            to = rest.p;
        } else if (from != NULL && !margin) {
            to = str_trim(line).n != 0 ? rest.p : to;
        } else if (from != NULL) {
            break; /* prose again */
        }
        at = rest.p;
    }
    if (from == NULL)
        return STR_EMPTY;
    return (struct str){from, (size_t)(to - from)};
}

/* ---- the result --------------------------------------------------------------- */

static enum err add_line(struct buf *out, struct str line, size_t indent)
{
    size_t cut = 0;

    while (cut < indent && cut < line.n
           && (line.p[cut] == ' ' || line.p[cut] == '\t'))
        cut++;
    TRY(buf_add(out, str_sub(line, cut, SIZE_MAX)));
    return buf_add_byte(out, '\n');
}

static enum err add_code(struct buf *out, struct str body, size_t indent)
{
    size_t before = out->len;
    struct str line;
    enum err e = body.n > EXTRACT_CODE_MAX ? ERR_LIMIT : ERR_OK;

    while (e == ERR_OK && str_line(&body, &line))
        e = add_line(out, line, indent);
    while (e == ERR_OK && out->len > before + 1
           && str_ends(buf_str(out), STR("\n\n")))
        out->data[--out->len] = '\0';
    if (e != ERR_OK && out->data != NULL)
        out->data[out->len = before] = '\0';
    return e;
}

enum err extract_code(struct str answer, enum lang lang, struct str entry,
                      struct buf *out)
{
    struct str rest = answer;
    struct block b, best = {0};
    unsigned best_rank = 0, fences = 0;

    if (answer.n > EXTRACT_ANSWER_MAX)
        return ERR_LIMIT;
    while (fences < EXTRACT_BLOCKS && next_block(&rest, &b)) {
        unsigned r = rank(&b, lang, entry);

        fences++;
        if (r > best_rank) {
            best = b;
            best_rank = r;
        }
    }
    if (best_rank == 0 && fences == 0 && !looks_like_json(answer))
        best.body = bare(answer, lang);
    if (str_trim(best.body).n == 0)
        return ERR_NOTFOUND;
    return add_code(out, best.body, best.indent);
}
