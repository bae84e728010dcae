/*
 * classify.c - one pass over the text makes a normal form (lower case, one
 * space between words, ё as е) and a list of where words begin, by their first
 * letter; a pattern is then compared only with words that begin like it.
 * Everything lives on the stack.
 */
#include "work/classify.h"

#include "base/utf8.h"

enum {
    NORM_MAX = CLASSIFY_HEAD + CLASSIFY_TAIL + 64,
    WORDS_MAX = NORM_MAX / 2 + 1,
    BUCKETS = 64,
    START = 4,       /* complexity before any rule */
    LONG_WORDS = 120 /* this many words tell of a larger task */
};

enum rule_class { HARD, LARGE, SMALL, PLAIN, CLASSES };

static const struct rule {
    enum rule_class class;
    int points;
    const char *reason, *patterns;
} rules[] = {
#define RULE(class, points, reason, patterns) {class, points, reason, patterns},
#include "work/classify.def"
#undef RULE
};

struct norm {
    char text[NORM_MAX];
    size_t len;
    uint16_t words[WORDS_MAX]; /* where words begin */
    uint16_t next[WORDS_MAX];  /* the next word of the same bucket + 1 */
    uint16_t first[BUCKETS];   /* word + 1 */
    size_t n_words;
};

static unsigned bucket(const char *word)
{
    /* The second byte of a Cyrillic letter tells more than the first. */
    unsigned char c = (unsigned char)word[0];

    return (c < 0x80 ? c : (unsigned char)word[1]) % BUCKETS;
}

/* ---- normal form ----------------------------------------------------------- */

static uint32_t fold(uint32_t c)
{
    if (c >= 'A' && c <= 'Z')
        return c + 32;
    if (c >= 0x410 && c <= 0x42f)
        return c + 32;
    return c == 0x401 || c == 0x451 ? 0x435 : c;
}

static bool is_letter(uint32_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'
           || (c >= 0x430 && c <= 0x44f);
}

static void put(struct norm *n, uint32_t c)
{
    if (c < 0x80) {
        n->text[n->len++] = (char)c;
    } else {
        n->text[n->len++] = (char)(0xc0 | (c >> 6));
        n->text[n->len++] = (char)(0x80 | (c & 63));
    }
}

static void begin_word(struct norm *n)
{
    if (n->n_words == WORDS_MAX)
        return;
    n->words[n->n_words++] = (uint16_t)n->len;
}

/* "-" stays at the start of a word ("rm -rf", "--force"), else it is a space;
 * every other character that is no letter is a space. */
static void add_text(struct norm *n, struct str s)
{
    bool in_word = false;

    for (size_t i = 0; i < s.n && n->len + 4 < NORM_MAX;) {
        uint32_t c = 0xfffd;
        size_t len = utf8_next(str_sub(s, i, SIZE_MAX), &c);

        i += len != 0 ? len : 1;
        c = fold(c);
        if (is_letter(c) || (c == '-' && !in_word && i < s.n)) {
            if (!in_word && (n->len == 0 || n->text[n->len - 1] == ' '))
                begin_word(n);
            put(n, c);
            in_word = is_letter(c);
        } else {
            if (n->len != 0 && n->text[n->len - 1] != ' ')
                n->text[n->len++] = ' ';
            in_word = false;
        }
    }
    if (n->len != 0 && n->text[n->len - 1] != ' ')
        n->text[n->len++] = ' ';
}

/* A line that opens or closes code; "```x = 1```" does neither. */
static bool is_fence(struct str line)
{
    line = str_trim(line);
    return str_starts(line, STR("```"))
           && !str_has(str_sub(line, 3, SIZE_MAX), STR("```"));
}

/* The text before, between and after code fences; `*code` tells on which side
 * of one the text begins, and then where it ended. `n` NULL: only that. */
static void add_prose(struct norm *n, struct str s, bool *code)
{
    struct str line, rest = s;

    while (str_line(&rest, &line)) {
        if (is_fence(line))
            *code = !*code;
        else if (!*code && n != NULL)
            add_text(n, line);
    }
}

static void index_words(struct norm *n)
{
    for (size_t i = 0; i < BUCKETS; i++)
        n->first[i] = 0;
    n->text[n->len] = '\0';
    for (size_t i = n->n_words; i-- > 0;) {
        unsigned b = bucket(n->text + n->words[i]);

        n->next[i] = n->first[b];
        n->first[b] = (uint16_t)(i + 1);
    }
}

/* ---- patterns --------------------------------------------------------------- */

/* "*" ends a word of the pattern anywhere inside a word of the text. */
static bool match_at(const char *text, struct str pattern)
{
    for (size_t i = 0; i < pattern.n; i++) {
        if (pattern.p[i] == '*') {
            while (*text != ' ' && *text != '\0')
                text++;
        } else if (*text != pattern.p[i]) {
            return false;
        } else {
            text++;
        }
    }
    return *text == ' ' || *text == '\0';
}

static bool match(const struct norm *n, struct str pattern)
{
    for (size_t i = n->first[bucket(pattern.p)]; i != 0; i = n->next[i - 1])
        if (match_at(n->text + n->words[i - 1], pattern))
            return true;
    return false;
}

static bool fires(const struct norm *n, const struct rule *r)
{
    struct str patterns = str_c(r->patterns);

    while (patterns.n != 0) {
        struct str p = str_cut(&patterns, '|');

        if (p.n != 0 && match(n, p))
            return true;
    }
    return false;
}

/* ---- the decision ------------------------------------------------------------ */

static void note(struct classify *out, const char *reason)
{
    if (out->n_reasons < CLASSIFY_REASONS)
        out->reasons[out->n_reasons++] = reason;
}

static void decide(struct classify *out, const unsigned votes[CLASSES],
                   int points)
{
    int c = START + points;

    if (votes[HARD] != 0) {
        out->kind = KIND_CRITICAL;
        c = votes[HARD] > 1 ? 10 : 9;
    } else if (votes[LARGE] != 0 && votes[LARGE] >= votes[SMALL]) {
        out->kind = KIND_COMPLEX;
    } else if (votes[SMALL] != 0) {
        out->kind = KIND_QUICK;
        c -= 1; /* from the middle of the scale to its lower end */
    } else {
        out->kind = KIND_STANDARD;
    }
    out->complexity = kind_clamp(out->kind, (unsigned)MAX(c, 0));
}

void classify(struct str text, struct classify *out)
{
    struct norm n;
    unsigned votes[CLASSES] = {0};
    int points = 0;
    bool code = false;

    n.len = n.n_words = 0;
    if (text.n <= CLASSIFY_HEAD + CLASSIFY_TAIL) {
        add_prose(&n, text, &code);
    } else {
        struct str head = utf8_cut(text, CLASSIFY_HEAD);
        size_t tail = text.n - CLASSIFY_TAIL;

        add_prose(&n, head, &code);
        add_prose(NULL, str_sub(text, head.n, tail - head.n), &code);
        add_prose(&n, str_sub(text, tail, SIZE_MAX), &code);
    }
    index_words(&n);
    *out = (struct classify){.kind = KIND_STANDARD};
    for (size_t i = 0; i < COUNTOF(rules); i++) {
        if (!fires(&n, &rules[i]))
            continue;
        votes[rules[i].class]++;
        if (rules[i].class != HARD)
            points += rules[i].points;
        note(out, rules[i].reason);
    }
    if (n.n_words > LONG_WORDS && out->n_reasons != 0) {
        points += 1;
        note(out, "a long description");
    }
    out->unsure = out->n_reasons == 0;
    decide(out, votes, points);
}
