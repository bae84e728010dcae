#include "config/optval.h"

#include "test.h"

static enum err parse(enum optval_type type, uint64_t min, uint64_t max,
                      const char *words, const char *text, struct optval *v,
                      struct why *why)
{
    struct optval_rule rule = {type, min, max, words};

    return optval_parse(&rule, STR("x"), str_c(text), v, why);
}

struct number_case {
    enum optval_type type;
    const char *text;
    uint64_t value;
};

TEST(numbers_take_their_units)
{
    static const struct number_case cases[] = {
        {OPTVAL_SIZE, "0", 0},
        {OPTVAL_SIZE, "4096", 4096},
        {OPTVAL_SIZE, "512KiB", 512 << 10},
        {OPTVAL_SIZE, "3M", 3 << 20},
        {OPTVAL_SIZE, "4GiB", UINT64_C(4) << 30},
        {OPTVAL_SIZE, "2GB", 2000000000},
        {OPTVAL_SIZE, "auto", 0},
        {OPTVAL_DUR, "0", 0},
        {OPTVAL_DUR, "250ms", 250},
        {OPTVAL_DUR, "10s", 10000},
        {OPTVAL_DUR, "5m", 300000},
        {OPTVAL_DUR, "2h", 7200000},
        {OPTVAL_DUR, "1d", 86400000},
        {OPTVAL_U64, "18446744073709551615", UINT64_MAX},
    };

    for (size_t i = 0; i < COUNTOF(cases); i++) {
        struct optval v = {77, STR_EMPTY};

        CHECK(
            parse(cases[i].type, 0, UINT64_MAX, "auto", cases[i].text, &v, NULL)
            == ERR_OK);
        CHECK(v.u == cases[i].value);
    }
}

TEST(numbers_that_are_none_are_refused_and_change_nothing)
{
    static const struct number_case cases[] = {
        {OPTVAL_SIZE, "", 0},          {OPTVAL_SIZE, "MiB", 0},
        {OPTVAL_SIZE, "-1", 0},        {OPTVAL_SIZE, "1 MiB", 0},
        {OPTVAL_SIZE, "1.5GiB", 0},    {OPTVAL_SIZE, "1XiB", 0},
        {OPTVAL_SIZE, "16777216T", 0}, {OPTVAL_DUR, "10", 0},
        {OPTVAL_DUR, "10x", 0},        {OPTVAL_DUR, "never", 0},
        {OPTVAL_U64, "0x10", 0},       {OPTVAL_U64, "1e3", 0},
        {OPTVAL_U64, "10s", 0},        {OPTVAL_U64, "18446744073709551616", 0},
    };

    for (size_t i = 0; i < COUNTOF(cases); i++) {
        struct optval v = {77, STR_EMPTY};
        struct why why = WHY_INIT;

        CHECK(parse(cases[i].type, 0, UINT64_MAX, "", cases[i].text, &v, &why)
              == ERR_PARSE);
        CHECK(v.u == 77);
        CHECK(str_starts(str_c(why.msg), STR("x: \"")));
    }
}

TEST(a_number_outside_its_range_is_told_the_range)
{
    struct optval v = {77, STR_EMPTY};
    struct why why = WHY_INIT;

    CHECK(parse(OPTVAL_DUR, 1000, 3600000, "", "500ms", &v, &why) == ERR_RANGE);
    CHECK(strcmp(why.msg, "x: \"500ms\" is outside 1s to 1h") == 0);
    CHECK(v.u == 77);
    CHECK(parse(OPTVAL_U64, 256, 512, "trained", "trained", &v, &why)
          == ERR_OK);
    CHECK(v.u == 0);
}

TEST(switches_and_words_are_exact)
{
    struct optval v = {0, STR_EMPTY};

    CHECK(parse(OPTVAL_BOOL, 0, 0, "", "on", &v, NULL) == ERR_OK && v.u == 1);
    CHECK(parse(OPTVAL_BOOL, 0, 0, "", "no", &v, NULL) == ERR_OK && v.u == 0);
    CHECK(parse(OPTVAL_BOOL, 0, 0, "", "1", &v, NULL) == ERR_PARSE);
    CHECK(parse(OPTVAL_BOOL, 0, 0, "", "on|true", &v, NULL) == ERR_PARSE);
    CHECK(parse(OPTVAL_ENUM, 0, 0, "a|b|c", "c", &v, NULL) == ERR_OK);
    CHECK(v.u == 2);
    CHECK(parse(OPTVAL_ENUM, 0, 0, "a|b|c", "", &v, NULL) == ERR_PARSE);
    CHECK(parse(OPTVAL_ENUM, 0, 0, "a|b|c", "d", &v, NULL) == ERR_PARSE);
}

TEST(texts_without_control_characters_and_lists_without_holes)
{
    struct optval v = {0, STR_EMPTY};

    CHECK(parse(OPTVAL_STR, 0, 0, "", "a b", &v, NULL) == ERR_OK);
    CHECK(parse(OPTVAL_STR, 0, 0, "", "a\nb", &v, NULL) == ERR_PARSE);
    CHECK(parse(OPTVAL_LIST, 0, 0, "", "", &v, NULL) == ERR_OK);
    CHECK(parse(OPTVAL_LIST, 0, 0, "", "a,b", &v, NULL) == ERR_OK);
    CHECK(parse(OPTVAL_LIST, 0, 0, "", "a,,b", &v, NULL) == ERR_PARSE);
    CHECK(parse(OPTVAL_LIST, 0, 0, "", "a, b", &v, NULL) == ERR_PARSE);
}

TEST(an_address_is_numeric_and_knows_whether_it_is_loopback)
{
    static const char *const bad[] = {
        "",          "8420",          "127.0.0.1",   "127.0.0.1:",
        "1.2.3:1",   "1.2.3.4.5:1",   "1.2.3.256:1", "01.2.3.4:1",
        "::1:8420",  "[::1]",         "[::g]:1",     "host.example:1",
        "1.2.3.4:x", "1.2.3.4:65536", ":80",         "[]:80",
    };
    struct optval_addr a;

    CHECK(optval_addr(STR("127.0.0.1:8420"), &a, NULL) == ERR_OK);
    CHECK(a.loopback && a.port == 8420 && strcmp(a.host, "127.0.0.1") == 0);
    CHECK(optval_addr(STR("localhost:0"), &a, NULL) == ERR_OK);
    CHECK(a.loopback && strcmp(a.host, "127.0.0.1") == 0);
    CHECK(optval_addr(STR("[::1]:1"), &a, NULL) == ERR_OK);
    CHECK(a.loopback && a.ipv6 && strcmp(a.host, "::1") == 0);
    CHECK(optval_addr(STR("0.0.0.0:1"), &a, NULL) == ERR_OK && !a.loopback);
    CHECK(optval_addr(STR("[::]:1"), &a, NULL) == ERR_OK && !a.loopback);
    for (size_t i = 0; i < COUNTOF(bad); i++)
        CHECK(optval_addr(str_c(bad[i]), &a, NULL) == ERR_PARSE);
}

TEST(what_is_printed_reads_back_as_the_same_value)
{
    static const struct {
        struct optval_rule rule;
        struct optval v;
        const char *text;
    } cases[] = {
        {{OPTVAL_SIZE, 0, 0, "auto"}, {0, {"", 0}}, "auto"},
        {{OPTVAL_SIZE, 0, UINT64_MAX, ""}, {1536 << 10, {"", 0}}, "1536KiB"},
        {{OPTVAL_DUR, 0, UINT64_MAX, ""}, {90000, {"", 0}}, "90s"},
        {{OPTVAL_DUR, 0, UINT64_MAX, ""}, {1001, {"", 0}}, "1001ms"},
        {{OPTVAL_BOOL, 0, 0, ""}, {1, {"", 0}}, "on"},
        {{OPTVAL_ENUM, 0, 0, "a|b"}, {1, {"", 0}}, "b"},
        {{OPTVAL_U64, 0, UINT64_MAX, ""}, {1000, {"", 0}}, "1000"},
    };

    for (size_t i = 0; i < COUNTOF(cases); i++) {
        struct buf CLEANUP(buf_done) out = BUF_INIT(100);
        struct optval back = {77, STR_EMPTY};

        CHECK(optval_print(&cases[i].rule, &cases[i].v, &out) == ERR_OK);
        CHECK(str_eq(buf_str(&out), str_c(cases[i].text)));
        CHECK(optval_parse(&cases[i].rule, STR("x"), buf_str(&out), &back, NULL)
              == ERR_OK);
        CHECK(back.u == cases[i].v.u);
    }
}
