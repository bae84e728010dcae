/* Code out of the answers that models give. */
#include "work/extract.h"

#include "test.h"

static enum err get(const char *answer, enum lang lang, const char *entry,
                    struct buf *out)
{
    return extract_code(str_c(answer), lang, str_c(entry), out);
}

static void expect_in(enum lang lang, const char *entry, const char *answer,
                      const char *want)
{
    CLEANUP(buf_done) struct buf out = BUF_INIT(EXTRACT_CODE_MAX + 1);
    enum err e = get(answer, lang, entry, &out);
    bool good = want == NULL
                    ? e == ERR_NOTFOUND && out.len == 0
                    : e == ERR_OK && str_eq(buf_str(&out), str_c(want));

    if (!good)
        print_error("answer: %s\n%s: %.*s\nwanted: %s\n", answer, err_name(e),
                    STR_ARG(buf_str(&out)), want != NULL ? want : "(none)");
    CHECK(good);
}

/* `want` NULL: there is no code. */
static void expect(const char *answer, const char *want)
{
    expect_in(LANG_PYTHON, "f", answer, want);
}

#define F  "def f(n):\n    return n\n"
#define PY "```python\n"

/* ---- fences ---------------------------------------------------------------------- */

TEST(a_fenced_block_is_the_code)
{
    expect(PY F "```", F);
    expect(PY F "```\n", F);
    expect("~~~python\n" F "~~~\n", F);
    expect("```\n" F "```\n", F);
    expect("````python\n" F "````\n", F);
    expect("Sure! Here it is:\n\n" PY F "```\n\nIt returns n.\n", F);
    expect("Вот функция:\n" PY F "```\nОна возвращает n.", F);
}

TEST(the_tag_of_a_fence_is_read_in_any_form)
{
    static const char *const tags[] = {
        "py",
        "Python",
        "PYTHON3",
        " python",
        "{.python}",
        "python title=\"a.py\"",
        "python {linenos=true}",
    };

    for (size_t i = 0; i < COUNTOF(tags); i++) {
        CLEANUP(buf_done) struct buf b = BUF_INIT(1000);

        CHECK(buf_printf(&b, "```text\nother = 1\n```\n```%s\nx = 1\n```\n",
                         tags[i])
              == ERR_OK);
        expect(b.data, "x = 1\n");
    }
}

TEST(lines_may_end_like_those_of_windows)
{
    expect("```python\r\ndef f(n):\r\n    return n\r\n```\r\n", F);
}

TEST(a_block_that_was_not_finished_goes_to_the_end)
{
    expect(PY F, F);
    expect(PY "def f(n):\n    return", "def f(n):\n    return\n");
    expect("~~~\n" F, F);
}

TEST(only_the_same_fence_closes_a_block)
{
    expect(PY "def f(n):\n    return '''\n~~~\n'''\n```\nrest",
           "def f(n):\n    return '''\n~~~\n'''\n");
    expect("````python\ndef f(n):\n    return '''\n```\n'''\n````\nrest",
           "def f(n):\n    return '''\n```\n'''\n");
    expect(PY "def f(n):\n    return n\n`````\nrest", F);
}

TEST(a_line_that_only_begins_like_a_fence_does_not_close_it)
{
    expect(PY "s = 1\n```python is a tag\ndef f(n): pass\n```\n",
           "s = 1\n```python is a tag\ndef f(n): pass\n");
}

TEST(a_fence_inside_a_sentence_is_prose)
{
    expect("Use ```x``` here.\n" PY F "```\n", F);
    expect("```x``` is how.\n" PY F "```\n", F);
}

TEST(an_indented_block_loses_the_indent_of_its_fence)
{
    expect("1. This:\n   ```python\n   def f(n):\n       return n\n   ```\n",
           F);
    /* never more than stands there (CommonMark 4.5) */
    expect("  ```python\nx = 1\n y = 2\n   z = 3\n  ```\n",
           "x = 1\ny = 2\n z = 3\n");
}

/* ---- which block --------------------------------------------------------------------- */

TEST(of_several_blocks_the_one_that_defines_the_entry_wins)
{
    expect(PY "def g(n):\n    return 1\n```\nthen\n" PY F "```\n", F);
    expect(PY "print(f(2))\n```\n" PY F "```\n" PY "assert f(1) == 1\n```\n",
           F);
    expect(PY F "```\nTests:\n" PY "assert f(2) == 2\n```\n", F);
    expect("```\n" F "```\n" PY "print(f(2))\n```\n", F);
}

TEST(without_the_entry_the_first_block_of_the_language_wins)
{
    expect("```bash\npip install x\n```\n" PY "x = 1\n```\n" PY "y = 2\n```\n",
           "x = 1\n");
    expect_in(LANG_PYTHON, "",
              "```js\nlet a = 1\n```\n" PY "x = 1\n```\n" PY F "```\n",
              "x = 1\n");
    expect("```\nsome output\n```\n" PY "x = 1\n```\n", "x = 1\n");
}

TEST(the_language_chooses_among_blocks)
{
    static const char answer[] =
        PY F "```\n```js\nfunction f(n) { return n }\n```\n"
             "```c\nint f(int n) { return n; }\n```\n";

    expect_in(LANG_PYTHON, "f", answer, F);
    expect_in(LANG_JAVASCRIPT, "f", answer, "function f(n) { return n }\n");
    expect_in(LANG_C, "f", answer, "int f(int n) { return n; }\n");
    expect_in(LANG_C, "f",
              "```c++\nint f(int n) { return n; }\n```\n"
              "```c\nint f(int n) { return 0; }\n```\n",
              "int f(int n) { return 0; }\n");
}

TEST(empty_blocks_are_passed_over)
{
    expect(PY "```\n" PY F "```\n", F);
    expect(PY "   \n\n```\n", NULL);
}

TEST(code_is_never_taken_out_of_json)
{
    expect("{\"code\": \"def f(n): return n\"}", NULL);
    expect("```json\n{\"code\": \"def f(n): return n\"}\n```\n", NULL);
    expect("```JSON\n{\"f\": 1}\n```\n", NULL);
    expect("```\n{\"code\": \"def f(n): return n\"}\n```\n", NULL);
    expect("[\"def f(n): return n\"]", NULL);
    expect("```json\n{\"a\": 1}\n```\n" PY F "```\n", F);
}

/* ---- no fence --------------------------------------------------------------------------- */

TEST(code_without_a_fence_is_found_between_the_prose)
{
    expect(F, F);
    expect("Here you are:\n\n" F, F);
    expect("Here you are:\n\n" F "\nThis returns n.\n", F);
    expect("import re\n\n\n" F "\nВот и всё.\n", "import re\n\n\n" F);
    expect_in(LANG_JAVASCRIPT, "f",
              "Here:\nfunction f(n) {\n  return n\n}\nDone.\n",
              "function f(n) {\n  return n\n}\n");
    expect_in(LANG_C, "f",
              "Here:\n#include <stdio.h>\nint f(int n) {\n  return n;\n}\n"
              "Done.\n",
              "#include <stdio.h>\nint f(int n) {\n  return n;\n}\n");
}

TEST(two_functions_without_a_fence_are_both_taken)
{
    expect("def g(n):\n    return 1\n\ndef f(n):\n    return g(n)\n",
           "def g(n):\n    return 1\n\ndef f(n):\n    return g(n)\n");
}

TEST(a_value_between_the_lines_of_bare_code_does_not_end_it)
{
    expect("import re\nWORD = re.compile('a')\n\n" F,
           "import re\nWORD = re.compile('a')\n\n" F);
}

TEST(a_sentence_that_begins_like_code_is_prose)
{
    expect("From the examples I see a pattern.\n\n" F, F);
    expect("Class it is then.\n" F, F);
    expect_in(LANG_JAVASCRIPT, "f",
              "Let me think.\n\nfunction f(n) { return n }\n",
              "function f(n) { return n }\n");
    expect("Import of the matter: none.", NULL);
}

TEST(prose_alone_is_no_code)
{
    expect("", NULL);
    expect("\n \n", NULL);
    expect("I am sorry, I cannot do that.", NULL);
    expect("Извините, не могу.", NULL);
    expect("The function f returns n.", NULL);
}

/* ---- definitions ------------------------------------------------------------------------- */

static bool defines(enum lang lang, const char *code)
{
    return extract_defines(str_c(code), lang, STR("f"));
}

TEST(a_definition_is_told_from_a_use)
{
    CHECK(defines(LANG_PYTHON, "def f(n): pass"));
    CHECK(defines(LANG_PYTHON, "x = f(1)\ndef  f(n): pass"));
    CHECK(defines(LANG_PYTHON, "class f: pass"));
    CHECK(defines(LANG_PYTHON, "async def f(n): pass"));
    CHECK(!defines(LANG_PYTHON, "f(2)"));
    CHECK(!defines(LANG_PYTHON, "def ff(n): f(n)"));
    CHECK(!defines(LANG_PYTHON, "def g_f(n): pass"));
    CHECK(!defines(LANG_PYTHON, "undef f(n)"));
    CHECK(!defines(LANG_PYTHON, ""));
    CHECK(defines(LANG_JAVASCRIPT, "function f(n) {}"));
    CHECK(defines(LANG_JAVASCRIPT, "const f = n => n"));
    CHECK(defines(LANG_JAVASCRIPT, "export class f {}"));
    CHECK(!defines(LANG_JAVASCRIPT, "f(2)"));
    CHECK(!defines(LANG_JAVASCRIPT, "const $f = 1"));
    CHECK(defines(LANG_C, "int f(int n) { return n; }"));
    CHECK(defines(LANG_C, "char *f(const char *s)\n{\n    return 0;\n}"));
    CHECK(!defines(LANG_C, "int f(int n);"));
    CHECK(!defines(LANG_C, "int g(void) { return f(2); }"));
    CHECK(defines(LANG_C, "int f(int);\nint f(int n) { return n; }"));
}

TEST(nothing_defines_the_empty_name)
{
    CHECK(!extract_defines(STR("def f(n): pass"), LANG_PYTHON, STR_EMPTY));
}

/* ---- bounds ------------------------------------------------------------------------------- */

static void many(struct buf *b, const char *s, size_t times)
{
    for (size_t i = 0; i < times; i++)
        CHECK(buf_add_c(b, s) == ERR_OK);
}

TEST(an_answer_over_the_limit_is_refused_whole)
{
    CLEANUP(buf_done)
    struct buf a = BUF_INIT(EXTRACT_ANSWER_MAX + 1),
               out = BUF_INIT(EXTRACT_ANSWER_MAX);

    many(&a, PY F "```\n", 1);
    while (a.len < EXTRACT_ANSWER_MAX)
        CHECK(buf_add_byte(&a, '.') == ERR_OK);
    CHECK(extract_code(buf_str(&a), LANG_PYTHON, STR("f"), &out) == ERR_OK);
    CHECK(buf_add_byte(&a, '.') == ERR_OK);
    buf_clear(&out);
    CHECK(extract_code(buf_str(&a), LANG_PYTHON, STR("f"), &out) == ERR_LIMIT);
    CHECK(out.len == 0);
}

TEST(code_over_the_limit_is_refused_and_leaves_the_buffer)
{
    CLEANUP(buf_done)
    struct buf a = BUF_INIT(EXTRACT_ANSWER_MAX),
               out = BUF_INIT(EXTRACT_ANSWER_MAX);

    CHECK(buf_add_c(&out, "mine") == ERR_OK);
    many(&a, PY, 1);
    many(&a, "x = 1234\n", EXTRACT_CODE_MAX / 9 + 1);
    CHECK(extract_code(buf_str(&a), LANG_PYTHON, STR("f"), &out) == ERR_LIMIT);
    CHECK(str_eq(buf_str(&out), STR("mine")));
}

TEST(a_buffer_that_is_too_small_is_left_as_it_was)
{
    CLEANUP(buf_done) struct buf out = BUF_INIT(20);

    CHECK(buf_add_c(&out, "mine") == ERR_OK);
    CHECK(get(PY F "```\n", LANG_PYTHON, "f", &out) == ERR_LIMIT);
    CHECK(str_eq(buf_str(&out), STR("mine")) && out.data[4] == '\0');
    CHECK(get(PY "x\n```\n", LANG_PYTHON, "f", &out) == ERR_OK);
    CHECK(str_eq(buf_str(&out), STR("minex\n")));
}

TEST(fences_after_the_last_that_counts_are_not_looked_at)
{
    CLEANUP(buf_done) struct buf a = BUF_INIT(1 << 16);
    CLEANUP(buf_done) struct buf out = BUF_INIT(1000);

    many(&a, PY "x = 1\n```\n", EXTRACT_BLOCKS - 1);
    many(&a, PY F "```\n", 1);
    CHECK(get(a.data, LANG_PYTHON, "f", &out) == ERR_OK);
    CHECK(str_eq(buf_str(&out), STR(F)));
    buf_clear(&a);
    buf_clear(&out);
    many(&a, PY "x = 1\n```\n", EXTRACT_BLOCKS);
    many(&a, PY F "```\n", 1);
    CHECK(get(a.data, LANG_PYTHON, "f", &out) == ERR_OK);
    CHECK(str_eq(buf_str(&out), STR("x = 1\n")));
}

TEST(code_always_ends_in_one_newline)
{
    expect(PY "x = 1\n\n\n\n```\n", "x = 1\n");
    expect("```python\nx = 1", "x = 1\n");
}

static bool extract_once(void)
{
    CLEANUP(buf_done) struct buf out = BUF_INIT(1000);
    enum err e =
        get("text\n" PY F "```\n" PY "x = 1\n```\n", LANG_PYTHON, "f", &out);

    CHECK(e == ERR_OK || (e == ERR_NOMEM && out.len == 0));
    return e == ERR_OK && str_eq(buf_str(&out), STR(F));
}

TEST(extracting_survives_the_failure_of_any_allocation)
{
    TEST_OOM(extract_once());
}
