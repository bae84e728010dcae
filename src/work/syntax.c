#include "work/syntax.h"

#include <tree_sitter/api.h>

#include "base/utf8.h"
#include "work/extract.h"

const TSLanguage *tree_sitter_python(void);
const TSLanguage *tree_sitter_javascript(void);
const TSLanguage *tree_sitter_c(void);

static const TSLanguage *grammar(enum lang lang)
{
    switch (lang) {
    case LANG_PYTHON:
        return tree_sitter_python();
    case LANG_JAVASCRIPT:
        return tree_sitter_javascript();
    case LANG_C:
        return tree_sitter_c();
    case LANG_COUNT:
    default:
        return NULL;
    }
}

static void parser_freep(TSParser **p)
{
    if (*p != NULL)
        ts_parser_delete(*p);
}

static void tree_freep(TSTree **t)
{
    if (*t != NULL)
        ts_tree_delete(*t);
}

static struct str first_line(struct str s)
{
    struct str line = STR_EMPTY;

    (void)str_line(&s, &line);
    return utf8_cut(str_trim(line), 60);
}

static void fill(struct syntax_report *r, TSNode node, struct str code)
{
    TSPoint at = ts_node_start_point(node);
    size_t from = ts_node_start_byte(node), line = from;
    struct str text =
        str_sub(code, from, ts_node_end_byte(node) - (uint32_t)from);

    while (line > 0 && code.p[line - 1] != '\n')
        line--;
    *r = (struct syntax_report){.line = at.row + 1, .column = at.column + 1};
    text = first_line(text);
    if (ts_node_is_missing(node))
        (void)snprintf(r->what, sizeof(r->what), "missing '%s'",
                       ts_node_type(node));
    else if (text.n == 0)
        (void)snprintf(r->what, sizeof(r->what), "invalid syntax");
    else
        (void)snprintf(r->what, sizeof(r->what), "unexpected '%.*s'",
                       STR_ARG(text));
    text = first_line(str_sub(code, line, SIZE_MAX));
    (void)snprintf(r->source, sizeof(r->source), "%.*s", STR_ARG(text));
}

/* Depth first without recursion: code may be nested as deep as it is long. */
static bool find_fault(TSNode root, struct str code, struct syntax_report *r)
{
    TSTreeCursor c = ts_tree_cursor_new(root);
    bool found = false, more = true;

    while (more && !found) {
        TSNode node = ts_tree_cursor_current_node(&c);

        if (ts_node_is_error(node) || ts_node_is_missing(node)) {
            fill(r, node, code);
            found = true;
        } else if (ts_node_has_error(node)
                   && ts_tree_cursor_goto_first_child(&c)) {
            continue;
        }
        while (!found && more && !ts_tree_cursor_goto_next_sibling(&c))
            more = ts_tree_cursor_goto_parent(&c);
    }
    ts_tree_cursor_delete(&c);
    return found;
}

enum err syntax_check(enum lang lang, struct str code,
                      struct syntax_report *out, struct why *w)
{
    TSParser *parser CLEANUP(parser_freep) = NULL;
    TSTree *tree CLEANUP(tree_freep) = NULL;
    TSNode root;

    if (code.n > EXTRACT_CODE_MAX)
        return FAIL(w, ERR_LIMIT, "the code is longer than %d bytes",
                    EXTRACT_CODE_MAX);
    if (grammar(lang) == NULL)
        return FAIL(w, ERR_UNSUPPORTED, "no grammar for %s", lang_name(lang));
    parser = ts_parser_new();
    if (parser == NULL || !ts_parser_set_language(parser, grammar(lang)))
        return FAIL(w, ERR_NOMEM, "no memory for a parser");
    tree = ts_parser_parse_string(parser, NULL, code.p, (uint32_t)code.n);
    if (tree == NULL)
        return FAIL(w, ERR_NOMEM, "no memory for a syntax tree");
    root = ts_tree_root_node(tree);
    if (!ts_node_has_error(root) || !find_fault(root, code, out))
        *out = (struct syntax_report){.ok = true};
    return ERR_OK;
}
