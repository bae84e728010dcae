/* What the grammars accept, and where they say that a fault is. */
#include "work/syntax.h"

#include "test.h"
#include "work/extract.h"

static struct syntax_report check(enum lang lang, const char *code)
{
    struct syntax_report r;

    memset(&r, 0xee, sizeof(r));
    CHECK(syntax_check(lang, str_c(code), &r, NULL) == ERR_OK);
    return r;
}

static void good(enum lang lang, const char *code)
{
    struct syntax_report r = check(lang, code);

    if (!r.ok)
        print_error("%u:%u %s in: %s\n", r.line, r.column, r.what, code);
    CHECK(r.ok && r.line == 0 && r.what[0] == '\0' && r.source[0] == '\0');
}

static void bad(enum lang lang, unsigned line, unsigned column,
                const char *what, const char *code)
{
    struct syntax_report r = check(lang, code);
    bool same = !r.ok && r.line == line && (column == 0 || r.column == column)
                && str_has(str_c(r.what), str_c(what));

    if (!same)
        print_error("%u:%u %s in: %s\n", r.line, r.column, r.what, code);
    CHECK(same && r.what[0] != '\0');
}

TEST(right_code_of_each_language_is_accepted)
{
    good(LANG_PYTHON, "def f(n):\n    return n * 2\n");
    good(LANG_PYTHON, "async def f():\n    return [x async for x in g()]\n");
    good(LANG_PYTHON, "match x:\n    case [1, *_]:\n        pass\n");
    good(LANG_PYTHON, "x = f'{a!r:>{w}}'\nif (n := 3) > 2: pass\n");
    good(LANG_JAVASCRIPT, "const f = async (n) => { await g?.(n ?? 1); };\n");
    good(LANG_JAVASCRIPT, "class A { #x = 1; static f() {} }\n");
    good(LANG_C, "#include <stdio.h>\nint f(int n)\n{\n    return n;\n}\n");
    good(LANG_C, "static const char *const a[] = {\"x\", [3] = \"y\"};\n");
}

TEST(nothing_and_comments_are_accepted)
{
    for (int l = 0; l < LANG_COUNT; l++) {
        good((enum lang)l, "");
        good((enum lang)l, "\n\n");
    }
    good(LANG_PYTHON, "# только комментарий\n");
    good(LANG_JAVASCRIPT, "// только комментарий\n");
    good(LANG_C, "/* только комментарий */\n");
}

TEST(what_is_missing_is_named_with_its_place)
{
    bad(LANG_C, 1, 23, "missing ';'", "int f(void) { return 1 }\n");
    bad(LANG_C, 3, 13, "missing ';'", "int f(void)\n{\n    return 1\n}\n");
    bad(LANG_JAVASCRIPT, 1, 0, "missing", "function f(n { return n }\n");
}

TEST(what_is_wrong_is_named_with_its_line)
{
    bad(LANG_PYTHON, 2, 0, "", "def f(n):\n    retrun n\n");
    bad(LANG_PYTHON, 1, 0, "", "def f(n)\n    return n\n");
    bad(LANG_PYTHON, 3, 0, "", "a = 1\nb = 2\nc = = 3\n");
    bad(LANG_PYTHON, 2, 0, "", "a = 1\nf(1, 2\n");
    bad(LANG_PYTHON, 1, 0, "", "x = 'open\n");
    bad(LANG_JAVASCRIPT, 2, 0, "", "let a = 1\nlet b = * 2\n");
    bad(LANG_C, 2, 0, "", "int a;\nint b = * ;\n");
}

TEST(columns_count_bytes_from_one)
{
    struct syntax_report ascii = check(LANG_C, "char *s = \"aa\"\n");
    struct syntax_report wide = check(LANG_C, "char *s = \"яя\"\n");

    CHECK(!ascii.ok && ascii.line == 1 && ascii.column == 15);
    CHECK(!wide.ok && wide.line == 1 && wide.column == 17);
    bad(LANG_PYTHON, 1, 1, "", "$\n");
}

TEST(the_first_fault_of_several_is_told)
{
    struct syntax_report r =
        check(LANG_C, "int a;\nint b(void) { return 1 }\nint c = = ;\n");

    CHECK(!r.ok && r.line == 2);
}

TEST(the_line_of_the_fault_is_shown)
{
    struct syntax_report r =
        check(LANG_C, "int a;\n    return 1 + 2 }\nint b;\n");

    CHECK(!r.ok && r.line == 2);
    CHECK(strcmp(r.source, "return 1 + 2 }") == 0);
}

TEST(code_of_another_language_or_prose_is_refused)
{
    CHECK(!check(LANG_PYTHON, "function f(n) { return n }").ok);
    CHECK(!check(LANG_C, "def f(n):\n    return n\n").ok);
    CHECK(!check(LANG_JAVASCRIPT, "int f(int n) { return n; }").ok);
    CHECK(!check(LANG_PYTHON, "Sorry, I cannot do that.").ok);
    CHECK(!check(LANG_PYTHON, "```python\nx = 1\n```\n").ok);
}

TEST(a_long_line_is_cut_at_a_character)
{
    CLEANUP(buf_done) struct buf b = BUF_INIT(10000);
    struct syntax_report r;

    CHECK(buf_add_c(&b, "$ ") == ERR_OK);
    while (b.len < 5000)
        CHECK(buf_add_c(&b, "я") == ERR_OK);
    CHECK(syntax_check(LANG_PYTHON, buf_str(&b), &r, NULL) == ERR_OK);
    CHECK(!r.ok && strlen(r.source) < SYNTAX_TEXT_MAX);
    CHECK(strlen(r.what) < SYNTAX_TEXT_MAX);
    CHECK(strlen(r.source) % 2 == 0 && r.source[0] == '$'); /* "$ " + pairs */
}

TEST(deep_nesting_does_no_harm)
{
    CLEANUP(buf_done) struct buf b = BUF_INIT(200000);
    struct syntax_report r;

    CHECK(buf_add_c(&b, "x = ") == ERR_OK);
    for (int i = 0; i < 20000; i++)
        CHECK(buf_add_byte(&b, '(') == ERR_OK);
    for (int l = 0; l < LANG_COUNT; l++) {
        CHECK(syntax_check((enum lang)l, buf_str(&b), &r, NULL) == ERR_OK);
        CHECK(!r.ok && r.line == 1);
    }
}

TEST(bytes_that_are_no_text_do_no_harm)
{
    struct syntax_report r;

    for (int l = 0; l < LANG_COUNT; l++) {
        CHECK(syntax_check((enum lang)l, STR("\xff\xfe\x00\x01 ("), &r, NULL)
              == ERR_OK);
        CHECK(!r.ok);
    }
}

TEST(code_over_the_limit_is_refused_and_changes_nothing)
{
    CLEANUP(buf_done) struct buf b = BUF_INIT(EXTRACT_CODE_MAX + 1);
    struct syntax_report r = {.line = 77};
    struct why w = WHY_INIT;

    while (b.len < EXTRACT_CODE_MAX)
        CHECK(buf_add_byte(&b, '\n') == ERR_OK);
    CHECK(syntax_check(LANG_PYTHON, buf_str(&b), &r, &w) == ERR_OK && r.ok);
    CHECK(buf_add_byte(&b, '\n') == ERR_OK);
    r.line = 77;
    CHECK(syntax_check(LANG_PYTHON, buf_str(&b), &r, &w) == ERR_LIMIT);
    CHECK(r.line == 77 && w.code == ERR_LIMIT);
}

TEST(a_language_without_a_grammar_is_unsupported)
{
    struct syntax_report r = {.line = 77};
    struct why w = WHY_INIT;

    CHECK(syntax_check(LANG_COUNT, STR("x"), &r, &w) == ERR_UNSUPPORTED);
    CHECK(r.line == 77 && w.code == ERR_UNSUPPORTED);
}
