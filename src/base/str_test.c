#include "base/str.h"

#include "test.h"

TEST(comparison_knows_length_case_and_order)
{
    CHECK(str_eq(STR("a\0b"), STR("a\0b")) && !str_eq(STR("a"), STR("ab")));
    CHECK(str_eq((struct str){NULL, 0}, STR("")));
    CHECK(str_eq_nocase(STR("Ab-Z"), STR("aB-z")));
    CHECK(!str_eq_nocase(STR("a["), STR("A{")));
    CHECK(str_cmp(STR("a"), STR("b")) < 0 && str_cmp(STR("b"), STR("a")) > 0);
    CHECK(str_cmp(STR("a"), STR("ab")) < 0 && str_cmp(STR("a"), STR("a")) == 0);
    CHECK(str_cmp(STR("\xff"), STR("a")) > 0);
    CHECK(str_c(NULL).n == 0 && str_c("ab").n == 2);
}

TEST(parts_are_found_and_cut_within_bounds)
{
    struct str s = STR("hello");

    CHECK(str_starts(s, STR("he")) && !str_starts(s, STR("hello!")));
    CHECK(str_ends(s, STR("lo")) && str_ends(s, STR("")));
    CHECK(str_find(s, STR("l")) == 2 && str_find(s, STR("")) == 0);
    CHECK(str_find(s, STR("x")) == SIZE_MAX && str_has(s, STR("ell")));
    CHECK(str_eq(str_sub(s, 1, 3), STR("ell")));
    CHECK(str_eq(str_sub(s, 3, 100), STR("lo")) && str_sub(s, 9, 9).n == 0);
    CHECK(str_sub((struct str){NULL, 0}, 3, 4).n == 0);
    CHECK(str_eq(str_trim(STR(" \t\r\n\v\fa b ")), STR("a b")));
    CHECK(str_trim(STR("  ")).n == 0);
}

TEST(a_quote_is_closed_by_its_like_that_no_backslash_hides)
{
    CHECK(str_quote_end(STR("x'ab'c'"), 1) == 4);
    CHECK(str_quote_end(STR("''"), 0) == 1);
    CHECK(str_quote_end(STR("'a\"b'"), 0) == 4);
    CHECK(str_quote_end(STR("\"a\\\"b\""), 0) == 5);
    CHECK(str_quote_end(STR("'a\\\\'b'"), 0) == 4);
    CHECK(str_quote_end(STR("'ab"), 0) == 3);
    CHECK(str_quote_end(STR("'ab\\"), 0) == 4);
    CHECK(str_quote_end(STR("'ab\\'"), 0) == 5);
}

TEST(the_distance_of_two_names_is_what_one_has_to_change)
{
    static const char long_name[] =
        "0123456789012345678901234567890123456789012345678901234567890123";
    struct str longest = {long_name, STR_NAME_MAX};

    CHECK(str_distance(STR("tasks"), STR("tasks"), 9) == 0);
    CHECK(str_distance(STR("taks"), STR("tasks"), 9) == 1);
    CHECK(str_distance(STR("tasks"), STR("taks"), 9) == 1);
    CHECK(str_distance(STR("task-"), STR("tasks"), 9) == 1);
    CHECK(str_distance(STR("kitten"), STR("sitting"), 9) == 3);
    CHECK(str_distance(STR(""), STR("abc"), 9) == 3);
    CHECK(str_distance(STR("abc"), STR(""), 9) == 3);
    CHECK(str_distance(STR("kitten"), STR("sitting"), 2) == 2);
    CHECK(str_distance(longest, str_sub(longest, 1, SIZE_MAX), 9) == 1);
    CHECK(str_distance(str_c(long_name), longest, 9) == 9);
    CHECK(str_distance(longest, str_c(long_name), 9) == 9);
}

TEST(cut_takes_the_part_before_the_separator)
{
    struct str s = STR("a,,b"), none = {NULL, 0};

    CHECK(str_eq(str_cut(&s, ','), STR("a")));
    CHECK(str_eq(str_cut(&s, ','), STR("")));
    CHECK(str_eq(str_cut(&s, ','), STR("b")) && s.n == 0);
    CHECK(str_cut(&s, ',').n == 0);
    CHECK(str_cut(&none, ',').n == 0);
}

TEST(lines_end_with_lf_or_crlf)
{
    struct str s = STR("a\r\n\nb\r"), line;

    CHECK(str_line(&s, &line) && str_eq(line, STR("a")));
    CHECK(str_line(&s, &line) && line.n == 0);
    CHECK(str_line(&s, &line) && str_eq(line, STR("b")));
    CHECK(!str_line(&s, &line));
}

TEST(whole_numbers_are_exact_and_checked)
{
    uint64_t u = 7;
    int64_t i = 7;

    CHECK(str_u64(STR("18446744073709551615"), UINT64_MAX, &u));
    CHECK(u == UINT64_MAX);
    CHECK(str_u64(STR("00012"), 12, &u) && u == 12);
    CHECK(!str_u64(STR("18446744073709551616"), UINT64_MAX, &u));
    CHECK(!str_u64(STR("13"), 12, &u) && !str_u64(STR("5"), 4, &u));
    CHECK(!str_u64(STR(""), 9, &u) && !str_u64(STR("+1"), 9, &u));
    CHECK(!str_u64(STR("1 "), 9, &u) && !str_u64(STR("-1"), 9, &u));
    CHECK(u == 12);
    CHECK(str_i64(STR("-9223372036854775808"), &i) && i == INT64_MIN);
    CHECK(str_i64(STR("9223372036854775807"), &i) && i == INT64_MAX);
    CHECK(!str_i64(STR("9223372036854775808"), &i));
    CHECK(!str_i64(STR("-9223372036854775809"), &i));
    CHECK(!str_i64(STR("-"), &i) && !str_i64(STR("--1"), &i));
    CHECK(str_i64(STR("-0"), &i) && i == 0);
}

TEST(decimal_fractions_are_finite_and_whole_strings)
{
    double d = 7;

    CHECK(str_f64(STR("0.5"), &d) && d == 0.5);
    CHECK(str_f64(STR("-1e-3"), &d) && d == -1e-3);
    CHECK(!str_f64(STR("1e999"), &d) && !str_f64(STR("inf"), &d));
    CHECK(!str_f64(STR("nan"), &d) && !str_f64(STR("0x10"), &d));
    CHECK(!str_f64(STR(""), &d) && !str_f64(STR("1.2.3"), &d));
    CHECK(!str_f64(STR(" 1"), &d) && !str_f64(STR("1e"), &d));
    CHECK(d == -1e-3);
}

TEST(a_copy_for_the_system_ends_with_a_nul_and_holds_none)
{
    char z[4] = "xyz";

    CHECK(str_z(STR("abc"), z, sizeof(z)) && strcmp(z, "abc") == 0);
    CHECK(!str_z(STR("abcd"), z, sizeof(z)) && z[0] == '\0');
    CHECK(!str_z(STR("a\0b"), z, sizeof(z)));
    CHECK(str_z((struct str){NULL, 0}, z, sizeof(z)) && z[0] == '\0');
}

TEST(the_hash_depends_on_bytes_and_seed)
{
    CHECK(str_hash(STR("a"), 0) != str_hash(STR("b"), 0));
    CHECK(str_hash(STR("a"), 0) != str_hash(STR("a"), 1));
    CHECK(str_hash(STR("a"), 5) == str_hash(STR("a"), 5));
}
