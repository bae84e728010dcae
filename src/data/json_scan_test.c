#include "data/json_scan.h"

#include "base/mem.h"
#include "test.h"

static struct why why;

static const char body[] =
    " { \"model\" : \"tiny\", \"messages\":[{\"a\":[1,"
    "{}]},\"]}\"] ,\"n\":-1.5e3,\"t\":true,\"z\":null}\n";

TEST(fields_are_found_as_spans_of_the_text)
{
    struct json_field f[] = {
        {.name = "messages"}, {.name = "model"}, {.name = "n"},
        {.name = "t"},        {.name = "z"},     {.name = "absent"},
    };

    CHECK(json_scan_fields(str_c(body), 64, f, COUNTOF(f), &why) == ERR_OK);
    CHECK(str_eq(f[0].raw, STR("[{\"a\":[1,{}]},\"]}\"]")));
    CHECK(f[0].type == JSON_ARRAY && f[1].type == JSON_STRING);
    CHECK(str_eq(f[1].raw, STR("\"tiny\"")));
    CHECK(str_eq(f[2].raw, STR("-1.5e3")) && f[2].type == JSON_NUMBER);
    CHECK(f[3].type == JSON_BOOL && f[4].type == JSON_NULL);
    CHECK(f[5].type == JSON_ABSENT && f[5].raw.n == 0);
}

TEST(every_proper_prefix_is_refused)
{
    struct json_field f[] = {{.name = "model"}};
    size_t end = str_trim(str_c(body)).n + 1; /* with the leading space */

    for (size_t n = 0; n < end; n++) {
        /* A copy of exactly n bytes: an overrun is then seen. */
        char *p CLEANUP(mem_freep) = mem_strndup(body, n);

        CHECK(json_scan_fields((struct str){p, n}, 64, f, 1, &why)
              == ERR_PARSE);
        CHECK(json_scan_check((struct str){p, n}, 64, &why) == ERR_PARSE);
    }
    CHECK(json_scan_check(str_sub(str_c(body), 0, end), 64, &why) == ERR_OK);
}

TEST(an_escaped_key_is_the_key_it_means)
{
    struct json_field f[] = {{.name = "model"}, {.name = "\xf0\x9f\x98\x80"}};

    CHECK(json_scan_fields(STR("{\"mod\\u0065l\":1,\"\\uD83D\\ude00\":2}"), 9,
                           f, 2, &why)
          == ERR_OK);
    CHECK(str_eq(f[0].raw, STR("1")) && str_eq(f[1].raw, STR("2")));
}

TEST(a_field_given_twice_is_refused)
{
    struct json_field f[] = {{.name = "model"}};

    CHECK(
        json_scan_fields(STR("{\"model\":1,\"mode\\u006c\":2}"), 9, f, 1, &why)
        == ERR_PARSE);
    CHECK(str_eq(str_c(why.msg), STR("\"model\" is given twice")));
    CHECK(json_scan_fields(STR("{\"x\":1,\"x\":2}"), 9, f, 1, &why) == ERR_OK);
}

TEST(array_elements_come_one_by_one)
{
    struct json_scan s;
    struct json_item item;
    static const char *const want[] = {"1", "[2,[3]]", "{\"k\":4}", "\"\\\"\""};

    CHECK(json_scan_open(&s, STR("[1 , [2,[3]],{\"k\":4},\"\\\"\" ]"), 9, &why)
          == ERR_OK);
    CHECK(s.outer == JSON_ARRAY);
    for (size_t i = 0; i < COUNTOF(want); i++) {
        CHECK(json_scan_next(&s, &item, &why) == ERR_OK);
        CHECK(str_eq(item.raw, str_c(want[i])) && item.key.n == 0);
    }
    CHECK(json_scan_next(&s, &item, &why) == ERR_OK);
    CHECK(item.type == JSON_ABSENT);
    CHECK(json_scan_open(&s, STR("[]"), 9, &why) == ERR_OK);
    CHECK(json_scan_next(&s, &item, &why) == ERR_OK);
    CHECK(item.type == JSON_ABSENT);
}

TEST(what_is_not_strict_json_is_refused_here_too)
{
    static const char *const wrong[] = {
        "",
        "{",
        "}",
        "[1,]",
        "[,1]",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1,}",
        "{a:1}",
        "{\"a\" 1}",
        "[1 2]",
        "[01]",
        "[1.]",
        "[.5]",
        "[-]",
        "[1e]",
        "[+1]",
        "[tru]",
        "[truex]",
        "[nul",
        "[\"a]",
        "[\"\\x\"]",
        "[\"\\u12\"]",
        "[\"\\ud800\"]",
        "[\"\\ud800\\u0041\"]",
        "[\"\\udc00\"]",
        "[\"\x80\"]",
        "[\"\xc0\x80\"]",
        "[\"\xed\xa0\x80\"]",
        "[\"\n\"]",
        "[] []",
        "{}x",
        "[1]]",
        "[1}",
        "{\"a\":1]",
        "[1e309]",
        "[-1e400]",
        "[1e99999999999999999999]",
        "[\"\t\"]",
    };

    for (size_t i = 0; i < COUNTOF(wrong); i++) {
        if (json_scan_check(str_c(wrong[i]), 64, &why) == ERR_PARSE)
            continue;
        print_error("accepted: %s\n", wrong[i]);
        CHECK(false);
    }
    CHECK(json_scan_check(STR("{\"a\":\n  tru}"), 9, &why) == ERR_PARSE);
    CHECK(str_eq(str_c(why.msg), STR("invalid JSON at byte 8 (line 2, column "
                                     "3): expected a value")));
}

TEST(numbers_at_the_edge_of_a_double_are_told_apart)
{
    struct buf b CLEANUP(buf_done) = BUF_INIT(5000);

    CHECK(json_scan_check(STR("1.7976931348623157e308"), 9, &why) == ERR_OK);
    CHECK(json_scan_check(STR("1.7976931348623159e308"), 9, &why) == ERR_PARSE);
    CHECK(json_scan_check(STR("0.00017976931348623157e312"), 9, &why)
          == ERR_OK);
    CHECK(json_scan_check(STR("179769313486231590e291"), 9, &why) == ERR_PARSE);
    CHECK(json_scan_check(STR("0e99999"), 9, &why) == ERR_OK);
    CHECK(json_scan_check(STR("1e-99999"), 9, &why) == ERR_OK);
    for (int i = 0; i < 309; i++)
        CHECK(buf_add_byte(&b, '1') == ERR_OK);
    CHECK(json_scan_check(buf_str(&b), 9, &why) == ERR_OK);
    CHECK(buf_add_byte(&b, '1') == ERR_OK);
    CHECK(json_scan_check(buf_str(&b), 9, &why) == ERR_PARSE);
}

TEST(depth_is_limited_to_the_byte)
{
    struct json_scan s;
    struct json_item item;

    CHECK(json_scan_check(STR("[[{\"a\":[]}]]"), 4, &why) == ERR_OK);
    CHECK(json_scan_check(STR("[[{\"a\":[]}]]"), 3, &why) == ERR_LIMIT);
    CHECK(str_has(str_c(why.msg), STR("byte 7")));
    CHECK(json_scan_open(&s, STR("[[[]]]"), 2, &why) == ERR_OK);
    CHECK(json_scan_next(&s, &item, &why) == ERR_LIMIT);
    CHECK(json_scan_open(&s, STR("[[[]]]"), 3, &why) == ERR_OK);
    CHECK(json_scan_next(&s, &item, &why) == ERR_OK);
}

TEST(strings_are_unescaped_to_utf8)
{
    struct buf b CLEANUP(buf_done) = BUF_INIT(100);

    CHECK(json_scan_unescape(STR("\"a\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0416\\u20ac"
                                 "\\ud83d\\ude00\\u0000z\""),
                             &b)
          == ERR_OK);
    CHECK(
        str_eq(buf_str(&b),
               STR("a\"\\/\b\f\n\r\t\xd0\x96\xe2\x82\xac\xf0\x9f\x98\x80\0z")));
    buf_clear(&b);
    CHECK(json_scan_unescape(STR("\"\""), &b) == ERR_OK && b.len == 0);
}
