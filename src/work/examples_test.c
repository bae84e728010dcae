/* What is an example in the words of a task, and what is prose. */
#include "work/examples.h"

#include "test.h"

static struct str found(struct buf *out, const char *text, enum lang lang,
                        const char *entry)
{
    size_t count = 99, lines = 0;

    buf_clear(out);
    CHECK(examples_find(str_c(text), lang, str_c(entry), out, &count, NULL)
          == ERR_OK);
    for (size_t i = 0; i < out->len; i++)
        lines += out->data[i] == '\n';
    CHECK(lines == count);
    return buf_str(out);
}

/* The Python tests found in `text` are exactly `want`. */
static void expect(const char *text, const char *want)
{
    CLEANUP(buf_done) struct buf out = BUF_INIT(1 << 16);
    struct str got = found(&out, text, LANG_PYTHON, "");

    if (!str_eq(got, str_c(want)))
        print_error("in: %s\ngot: %.*s\nwanted: %s\n", text, STR_ARG(got),
                    want);
    CHECK(str_eq(got, str_c(want)));
}

TEST(each_way_to_say_it_is_an_example)
{
    static const char *const ways[] = {
        "f(2) == 4",         "f(2)==4",
        "f(2) -> 4",         "f(2) => 4",
        "f(2) → 4",          "f(2) returns 4",
        "f(2) вернёт 4",     "f(2) вернет 4",
        "f(2) возвращает 4", "`f(2)` → `4`",
        "`f(2) == 4`",       "f(2) should return 4",
        "assert f(2) == 4",  "e.g. f(2) → 4, and so on",
        "f(2) == 4.",        "Example: f(2)->4",
        "(f(2) == 4)",
    };

    for (size_t i = 0; i < COUNTOF(ways); i++)
        expect(ways[i], "assert f(2) == 4\n");
}

TEST(examples_stand_in_the_middle_of_a_sentence_in_both_languages)
{
    expect("Write f(n): the square of n, so f(2) == 4 and f(-3) == 9.",
           "assert f(2) == 4\nassert f(-3) == 9\n");
    expect("Напиши f(n) - квадрат числа: f(2) вернёт 4, а f(-3) → 9.",
           "assert f(2) == 4\nassert f(-3) == 9\n");
}

TEST(literals_of_every_kind_are_kept_as_they_are)
{
    static const char *const values[] = {
        "4",
        "-4",
        "3.5",
        "\"a b\"",
        "'x'",
        "True",
        "\"a \\\" b\"",
        "None",
        "[]",
        "[1, 2]",
        "{}",
        "[[1], [2]]",
        "(1, 'a')",
        "{\"a\": [1]}",
        "\"да\"",
        "\")\"",
        "\"f(1) == 2\"",
    };

    for (size_t i = 0; i < COUNTOF(values); i++) {
        CLEANUP(buf_done)
        struct buf text = BUF_INIT(1000), want = BUF_INIT(1000);

        CHECK(buf_printf(&text, "f(%s, 1) == %s", values[i], values[i])
              == ERR_OK);
        CHECK(buf_printf(&want, "assert f(%s, 1) == %s\n", values[i], values[i])
              == ERR_OK);
        expect(text.data, want.data);
    }
    expect("f() == 0", "assert f() == 0\n");
    expect("f(2, k=3) == 4", "assert f(2, k=3) == 4\n");
}

TEST(what_has_no_literal_is_prose)
{
    static const char *const prose[] = {
        "f(n) returns 4 for even n",
        "f(2) returns the square",
        "f(2) == x",
        "f(x) == 4",
        "f(2, n) == 4",
        "f(2)",
        "f(2) and 4",
        "f(2) != 4",
        "f(2) < 4",
        "f == 4",
        "2 == 4",
        "f(2 == 4",
        "f(2) ==",
        "f(\"a) == 4",
        "f([1, 2) == 4",
        "f(2) == [1, 2",
        "f(2) == \"open",
        "",
        "f(",
        "f(2) is not 4",
    };

    for (size_t i = 0; i < COUNTOF(prose); i++)
        expect(prose[i], "");
}

TEST(a_value_that_goes_on_as_an_expression_is_no_example)
{
    expect("f(3) == 2 * f(2)", "");
    expect("f(3) == 2 + 1", "");
    expect("f(3) == 4 / 2", "");
    expect("f(3) == [1] + [2]", "");
    expect("f(3) == 3x", "");
    expect("the 2nd: f(3) returns 4th", "");
}

TEST(a_call_inside_a_larger_expression_is_no_example)
{
    expect("2 * f(2) == 8", "");
    expect("f(1) + f(2) == 5", "");
    expect("1 - f(2) == -3", "");
    expect("stack.pop(0) == 3", "");
    expect("\"abc\".find(\"b\") == 1", "");
    expect("sorted(f(2)) == [1]", "");
    expect("f(2).count(1) == 3", "");
    expect("f(2)[0] == 3", "");
}

TEST(a_bullet_before_an_example_is_no_operator)
{
    expect("- f(2) == 4\n- f(3) == 9\n",
           "assert f(2) == 4\nassert f(3) == 9\n");
    expect("* f(2) == 4\n  * f(3) == 9\n",
           "assert f(2) == 4\nassert f(3) == 9\n");
    expect("1. f(2) == 4\n2. f(3) == 9\n",
           "assert f(2) == 4\nassert f(3) == 9\n");
}

TEST(only_calls_of_the_first_name_count_when_no_entry_is_given)
{
    CLEANUP(buf_done) struct buf out = BUF_INIT(1000);
    struct str name = STR("before");
    size_t count = 0;

    CHECK(examples_find(STR("g(n) is slow; f(2) == 4, g(1) == 1, f(3) == 9"),
                        LANG_PYTHON, STR(""), &out, &count, &name)
          == ERR_OK);
    CHECK(str_eq(name, STR("f")) && count == 2);
    CHECK(str_eq(buf_str(&out), STR("assert f(2) == 4\nassert f(3) == 9\n")));
}

TEST(only_calls_of_the_entry_count_when_it_is_given)
{
    CLEANUP(buf_done) struct buf out = BUF_INIT(1000);

    CHECK(str_eq(found(&out, "f(2) == 4, g(1) == 1", LANG_PYTHON, "g"),
                 STR("assert g(1) == 1\n")));
    CHECK(str_eq(found(&out, "my_f(2) == 4, f2(1) == 1", LANG_PYTHON, "f"),
                 STR("")));
}

TEST(without_examples_the_name_is_empty)
{
    CLEANUP(buf_done) struct buf out = BUF_INIT(1000);
    struct str name = STR("before");
    size_t count = 99;

    CHECK(examples_find(STR("write f(n)"), LANG_PYTHON, STR_EMPTY, &out, &count,
                        &name)
          == ERR_OK);
    CHECK(name.n == 0 && count == 0 && out.len == 0);
}

/* ---- other languages -------------------------------------------------------------- */

TEST(tests_have_the_form_of_their_language)
{
    CLEANUP(buf_done) struct buf out = BUF_INIT(1000);
    struct str got = found(&out, "f(2) == [1, 2]", LANG_JAVASCRIPT, "");

    CHECK(str_has(got, STR("assert")) && str_has(got, STR("f(2)"))
          && str_has(got, STR("[1, 2]")) && !str_has(got, STR("assert f")));
    got = found(&out, "f(2) == 4", LANG_C, "");
    CHECK(str_starts(got, STR("assert(f(2) == 4)")));
}

TEST(words_for_true_and_nothing_are_those_of_the_language)
{
    CLEANUP(buf_done) struct buf out = BUF_INIT(1000);
    struct str got;

    got = found(&out, "f(2) == True, f(3) == None", LANG_JAVASCRIPT, "");
    CHECK(!str_has(got, STR("True")) && !str_has(got, STR("None")));
    got = found(&out, "f(2) == True, f(True) == 1", LANG_C, "");
    CHECK(!str_has(got, STR("True")));
    got = found(&out, "f(2) == true, f(null) == 3", LANG_PYTHON, "");
    CHECK(!str_has(got, STR("true")) && !str_has(got, STR("null")));
    CHECK(
        str_has(found(&out, "f(2) == true", LANG_JAVASCRIPT, ""), STR("true")));
}

TEST(a_list_is_no_value_in_c)
{
    CLEANUP(buf_done) struct buf out = BUF_INIT(1000);

    CHECK(found(&out, "f([1, 2]) == 3", LANG_C, "").n == 0);
    CHECK(found(&out, "f(3) == [1, 2]", LANG_C, "").n == 0);
    CHECK(found(&out, "f(2, k=3) == 4", LANG_C, "").n == 0);
}

/* ---- bounds ---------------------------------------------------------------------------- */

TEST(an_example_is_one_line)
{
    expect("f(\"a\\\nb\") == 2", "");
    expect("f(\"a\nb\") == 2", "");
    expect("f(2) == 'a\\\nb'", "");
}

TEST(no_more_examples_than_the_maximum_are_taken)
{
    CLEANUP(buf_done) struct buf text = BUF_INIT(10000);
    CLEANUP(buf_done) struct buf out = BUF_INIT(10000);
    size_t count = 0;

    for (int i = 0; i < EXAMPLES_MAX + 10; i++)
        CHECK(buf_printf(&text, "f(%d) == %d\n", i, i) == ERR_OK);
    CHECK(examples_find(buf_str(&text), LANG_PYTHON, STR_EMPTY, &out, &count,
                        NULL)
          == ERR_OK);
    CHECK(count == EXAMPLES_MAX);
    CHECK(str_starts(buf_str(&out), STR("assert f(0) == 0\n")));
}

TEST(a_long_or_deep_literal_is_prose)
{
    CLEANUP(buf_done) struct buf text = BUF_INIT(200000);
    CLEANUP(buf_done) struct buf out = BUF_INIT(10000);
    size_t count = 99;

    CHECK(buf_add_c(&text, "f(\"") == ERR_OK);
    for (int i = 0; i < EXAMPLES_TEXT_MAX; i++)
        CHECK(buf_add_byte(&text, 'a') == ERR_OK);
    CHECK(buf_add_c(&text, "\") == 1\nf(2) == ") == ERR_OK);
    for (int i = 0; i < 50000; i++)
        CHECK(buf_add_byte(&text, '[') == ERR_OK);
    CHECK(examples_find(buf_str(&text), LANG_PYTHON, STR_EMPTY, &out, &count,
                        NULL)
          == ERR_OK);
    CHECK(count == 0);
    expect("f([[[[[[[[[[1]]]]]]]]]]) == 1",
           "assert f([[[[[[[[[[1]]]]]]]]]]) == 1\n");
}

TEST(what_does_not_fit_leaves_the_buffer_as_it_was)
{
    CLEANUP(buf_done) struct buf out = BUF_INIT(30);
    struct str name = STR("before");
    size_t count = 99;

    CHECK(buf_add_c(&out, "mine\n") == ERR_OK);
    CHECK(examples_find(STR("f(2) == 4, f(3) == 9"), LANG_PYTHON, STR_EMPTY,
                        &out, &count, &name)
          == ERR_LIMIT);
    CHECK(str_eq(buf_str(&out), STR("mine\n")) && out.data[out.len] == '\0');
    CHECK(count == 99 && str_eq(name, STR("before")));
    CHECK(examples_find(STR("f(2) == 4"), LANG_PYTHON, STR_EMPTY, &out, &count,
                        &name)
          == ERR_OK);
    CHECK(str_eq(buf_str(&out), STR("mine\nassert f(2) == 4\n")));
}

static bool find_all(void)
{
    CLEANUP(buf_done) struct buf out = BUF_INIT(100000);
    size_t count = 99;
    enum err e = examples_find(
        STR("f(1) == 1 f(2) == 2 f(3) == 3 f(4) == 4 f(5) == 5 f(6) == 6"),
        LANG_JAVASCRIPT, STR_EMPTY, &out, &count, NULL);

    CHECK(e == ERR_OK || (e == ERR_NOMEM && out.len == 0 && count == 99));
    return e == ERR_OK && count == 6;
}

TEST(examples_survive_the_failure_of_any_allocation)
{
    TEST_OOM(find_all());
}
