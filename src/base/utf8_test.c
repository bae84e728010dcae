#include "base/utf8.h"

#include "test.h"

TEST(all_code_points_and_only_those_are_valid)
{
    /* Encodes every value by the definition and reads it back. */
    for (uint32_t cp = 0; cp <= 0x110000; cp++) {
        char p[4];
        uint32_t got = 0;
        size_t n = cp < 0x80 ? 1 : cp < 0x800 ? 2 : cp < 0x10000 ? 3 : 4;
        bool ok = cp <= 0x10ffff && (cp < 0xd800 || cp > 0xdfff);

        for (size_t i = n - 1; i > 0; i--)
            p[i] = (char)(0x80 | (cp >> (6 * (n - 1 - i)) & 0x3f));
        p[0] = (char)(n == 1 ? cp : (0xf00U >> n & 0xff) | cp >> (6 * (n - 1)));
        if (utf8_next((struct str){p, n}, &got) != (ok ? n : 0)
            || (ok && got != cp)) {
            print_error("U+%04X\n", cp);
            CHECK(false);
        }
    }
}

TEST(malformed_bytes_are_refused)
{
    static const char *const wrong[] = {
        "\x80",
        "\xc0\x80",
        "\xc1\xbf",
        "\xe0\x9f\xbf",
        "\xf0\x8f\xbf\xbf",
        "\xf4\x90\x80\x80",
        "\xf5\x80\x80\x80",
        "\xff",
        "\xd0",
        "\xd0z",
        "\xe2\x82",
        "a\xe2\x82z",
        "\xed\xa0\x80",
    };

    for (size_t i = 0; i < COUNTOF(wrong); i++)
        CHECK(!utf8_valid(str_c(wrong[i])));
    CHECK(utf8_valid(STR(""))
          && utf8_valid(STR("a\0\xd0\x96\xf0\x9f\x98\x80")));
}

TEST(an_incomplete_end_is_held_back_and_nothing_else)
{
    struct str s = STR("a\xd0\x96\xe2\x82\xac\xf0\x9f\x98\x80");
    static const size_t want[] = {0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10};

    for (size_t n = 0; n <= s.n; n++)
        CHECK(utf8_whole(str_sub(s, 0, n)) == want[n]);
    CHECK(utf8_whole(STR("a\xff")) == 2);
    CHECK(utf8_whole(STR("\x80\x80\x80\x80")) == 4);
}

TEST(cutting_never_splits_a_code_point)
{
    struct str s = STR("\xd0\x96\xd0\x96");

    CHECK(utf8_cut(s, 0).n == 0 && utf8_cut(s, 1).n == 0);
    CHECK(utf8_cut(s, 2).n == 2 && utf8_cut(s, 3).n == 2);
    CHECK(utf8_cut(s, 4).n == 4 && utf8_cut(s, 99).n == 4);
}
