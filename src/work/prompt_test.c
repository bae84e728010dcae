/* The texts that the tiny models are trained on, byte for byte. */
#include "work/prompt.h"

#include "base/utf8.h"
#include "test.h"

TEST(the_system_message_is_the_contract_of_the_tiny_models)
{
    CHECK(str_eq(prompt_system(LANG_PYTHON),
                 STR("You are hearth, a coding assistant. Answer with one "
                     "Python code block.")));
    CHECK(str_eq(prompt_system(LANG_JAVASCRIPT),
                 STR("You are hearth, a coding assistant. Answer with one "
                     "JavaScript code block.")));
    CHECK(str_eq(prompt_system(LANG_C),
                 STR("You are hearth, a coding assistant. Answer with one C "
                     "code block.")));
}

static bool user_is(const char *task, enum lang lang, const char *code,
                    const char *evidence, const char *want)
{
    CLEANUP(buf_done) struct buf out = BUF_INIT(10000);

    CHECK(prompt_user(str_c(task), lang, str_c(code), str_c(evidence), &out)
          == ERR_OK);
    if (!str_eq(buf_str(&out), str_c(want)))
        print_error("got:\n%.*s\n", STR_ARG(buf_str(&out)));
    return str_eq(buf_str(&out), str_c(want));
}

TEST(a_first_attempt_is_asked_with_the_task_alone)
{
    CHECK(user_is("Write f.", LANG_PYTHON, "", "", "Write f."));
    CHECK(user_is("Напиши f.\n", LANG_C, "", "", "Напиши f.\n"));
}

TEST(a_retry_shows_the_code_and_the_evidence)
{
    static const char want[] = "Write f.\n\nPrevious attempt:\n```python\n"
                               "def f(n):\n    return 1\n```\n"
                               "Check failed: f(2) gave 1, not 4\nFix it.";

    CHECK(user_is("Write f.", LANG_PYTHON, "def f(n):\n    return 1\n",
                  "f(2) gave 1, not 4", want));
    CHECK(user_is("Write f.", LANG_PYTHON, "def f(n):\n    return 1",
                  "f(2) gave 1, not 4", want));
}

TEST(the_fence_of_a_retry_names_the_language)
{
    CHECK(user_is("T", LANG_JAVASCRIPT, "a\n", "E",
                  "T\n\nPrevious attempt:\n```javascript\na\n```\n"
                  "Check failed: E\nFix it."));
    CHECK(user_is("T", LANG_C, "a\n", "E",
                  "T\n\nPrevious attempt:\n```c\na\n```\n"
                  "Check failed: E\nFix it."));
}

TEST(percent_signs_in_task_code_and_evidence_are_text)
{
    CHECK(user_is("%s%n", LANG_PYTHON, "print('%d' % 1)\n", "100%n",
                  "%s%n\n\nPrevious attempt:\n```python\nprint('%d' % 1)\n"
                  "```\nCheck failed: 100%n\nFix it."));
}

TEST(a_prompt_that_does_not_fit_leaves_the_buffer)
{
    CLEANUP(buf_done) struct buf out = BUF_INIT(24);

    CHECK(buf_add_c(&out, "mine") == ERR_OK);
    CHECK(prompt_user(STR("a task"), LANG_PYTHON, STR("code"), STR("why"), &out)
          == ERR_LIMIT);
    CHECK(str_eq(buf_str(&out), STR("mine")));
}

static bool user_once(void)
{
    CLEANUP(buf_done) struct buf out = BUF_INIT(10000);
    enum err e = prompt_user(STR("a task that is a little longer"), LANG_PYTHON,
                             STR("some code of some length, twice as long"),
                             STR("why it is wrong, in a line"), &out);

    CHECK(e == ERR_OK || (e == ERR_NOMEM && out.len == 0));
    return e == ERR_OK;
}

TEST(prompts_survive_the_failure_of_any_allocation)
{
    TEST_OOM(user_once());
}

/* ---- evidence -------------------------------------------------------------------- */

static bool evidence_is(struct str text, const char *want)
{
    CLEANUP(buf_done) struct buf out = BUF_INIT(PROMPT_EVIDENCE_MAX);

    CHECK(prompt_evidence(text, &out) == ERR_OK);
    if (!str_eq(buf_str(&out), str_c(want)))
        print_error("got: %.*s\n", STR_ARG(buf_str(&out)));
    return str_eq(buf_str(&out), str_c(want));
}

TEST(evidence_is_one_line_without_control_characters)
{
    CHECK(evidence_is(STR("f(2) gave 1"), "f(2) gave 1"));
    CHECK(evidence_is(STR("  f(2)\ngave\t1\r\n"), "f(2) gave 1"));
    CHECK(evidence_is(STR("a\x1b[31mred\x7f."), "a [31mred ."));
    CHECK(evidence_is(STR("a\xc2\x9b"
                          "31mred\xc2\x85z"),
                      "a 31mred z")); /* control characters above ASCII */
    CHECK(evidence_is(STR("функция вернула 1"), "функция вернула 1"));
    CHECK(evidence_is(STR(""), ""));
}

TEST(bytes_that_are_no_utf8_do_not_reach_the_model)
{
    CLEANUP(buf_done) struct buf out = BUF_INIT(PROMPT_EVIDENCE_MAX);

    CHECK(prompt_evidence(STR("a\xff\xc3 b\xe2\x82"), &out) == ERR_OK);
    CHECK(utf8_valid(buf_str(&out)) && str_starts(buf_str(&out), STR("a")));
    CHECK(str_has(buf_str(&out), STR(" b")));
}

TEST(long_evidence_is_cut_at_a_character)
{
    static const char *const letters[] = {"x", "я", "→", "🙂"};

    for (size_t k = 0; k < COUNTOF(letters); k++) {
        CLEANUP(buf_done)
        struct buf in = BUF_INIT(10000), out = BUF_INIT(10000);
        size_t one = strlen(letters[k]);

        for (int i = 0; i < PROMPT_EVIDENCE_CHARS; i++)
            CHECK(buf_add_c(&in, letters[k]) == ERR_OK);
        CHECK(prompt_evidence(buf_str(&in), &out) == ERR_OK);
        CHECK(str_eq(buf_str(&out), buf_str(&in)));
        buf_clear(&out);
        CHECK(buf_add_c(&in, letters[k]) == ERR_OK);
        CHECK(prompt_evidence(buf_str(&in), &out) == ERR_OK);
        CHECK(out.len == one * PROMPT_EVIDENCE_CHARS);
    }
}

TEST(evidence_that_does_not_fit_leaves_the_buffer)
{
    CLEANUP(buf_done) struct buf out = BUF_INIT(8);

    CHECK(buf_add_c(&out, "mine") == ERR_OK);
    CHECK(prompt_evidence(STR("too long"), &out) == ERR_LIMIT);
    CHECK(str_eq(buf_str(&out), STR("mine")));
}
