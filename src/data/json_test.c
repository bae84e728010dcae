#include "data/json.h"

#include "base/buf.h"
#include "test.h"

static struct json_doc doc;
static struct why why;

/* Parses a text that must be right; the document is freed by done(). */
static struct json parsed(const char *text)
{
    CHECK(json_parse(&doc, str_c(text), NULL, &why) == ERR_OK);
    return json_root(&doc);
}

static void done(void)
{
    json_done(&doc);
}

static bool why_is(const char *text)
{
    if (str_eq(str_c(why.msg), str_c(text)))
        return true;
    print_error("message: %s\n", why.msg);
    return false;
}

TEST(members_are_read_by_type)
{
    struct json v = parsed("{\"s\":\"a\\u0000b\",\"n\":42,\"i\":-7,\"f\":0.5,"
                           "\"t\":true,\"a\":[1,2],\"o\":{\"k\":null}}");
    struct str s;
    uint64_t n;
    int64_t i;
    double f;
    bool t;
    struct json a, o;

    CHECK(json_get_str(v, "s", &s, &why) == ERR_OK);
    CHECK(s.n == 3 && s.p[1] == '\0');
    CHECK(json_get_u64(v, "n", 1, 42, &n, &why) == ERR_OK && n == 42);
    CHECK(json_get_i64(v, "i", -7, 0, &i, &why) == ERR_OK && i == -7);
    CHECK(json_get_f64(v, "f", 0, 1, &f, &why) == ERR_OK && f == 0.5);
    CHECK(json_get_bool(v, "t", &t, &why) == ERR_OK && t);
    CHECK(json_get_arr(v, "a", &a, &why) == ERR_OK && json_count(a) == 2);
    CHECK(json_get_obj(v, "o", &o, &why) == ERR_OK && json_count(o) == 1);
    CHECK(json_type(json_get(o, "k")) == JSON_NULL);
    CHECK(json_type(json_at(a, 1)) == JSON_NUMBER);
    CHECK(json_type(json_at(a, 2)) == JSON_ABSENT);
    CHECK(json_type(json_get(a, "k")) == JSON_ABSENT);
    done();
}

TEST(a_wrong_type_is_explained_with_its_path)
{
    struct json v = parsed("{\"messages\":[{\"role\":\"user\"},"
                           "{\"content\":5}],\"x.y\":[true]}");
    struct json second = json_at(json_get(v, "messages"), 1);
    struct str s = STR("kept");
    struct json a;

    CHECK(json_get_str(second, "content", &s, &why) == ERR_PARSE);
    CHECK(why_is("\"messages[1].content\" must be a string, got a number"));
    CHECK(str_eq(s, STR("kept")));
    CHECK(json_get_str(second, "role", &s, &why) == ERR_PARSE);
    CHECK(why_is("\"messages[1].role\" is required"));
    CHECK(json_get_obj(v, "messages", &a, &why) == ERR_PARSE);
    CHECK(why_is("\"messages\" must be an object, got an array"));
    CHECK(json_get_str(json_get(v, "messages"), "k", &s, &why) == ERR_PARSE);
    CHECK(why_is("\"messages\" must be an object, got an array"));
    CHECK(json_as_str(json_at(json_get(v, "x.y"), 0), &s, &why) == ERR_PARSE);
    CHECK(why_is("\"['x.y'][0]\" must be a string, got a boolean"));
    CHECK(json_as_str(v, &s, &why) == ERR_PARSE);
    CHECK(why_is("the top-level value must be a string, got an object"));
    CHECK(json_fail(second, ERR_RANGE, &why, "is %d", 5) == ERR_RANGE);
    CHECK(why_is("\"messages[1]\" is 5"));
    done();
}

TEST(an_optional_member_keeps_its_default_when_missing_or_null)
{
    struct json v = parsed("{\"a\":null,\"b\":7,\"c\":\"x\"}");
    uint64_t n = 5;
    double f = 0.25;
    bool t = true;
    struct str s = STR("d");

    CHECK(json_opt_u64(v, "a", 1, 9, &n, &why) == ERR_OK && n == 5);
    CHECK(json_opt_u64(v, "zz", 1, 9, &n, &why) == ERR_OK && n == 5);
    CHECK(json_opt_u64(v, "b", 1, 9, &n, &why) == ERR_OK && n == 7);
    CHECK(json_opt_u64(v, "b", 1, 6, &n, &why) == ERR_RANGE);
    CHECK(why_is("\"b\" must be from 1 to 6, got 7"));
    CHECK(json_opt_f64(v, "a", 0, 1, &f, &why) == ERR_OK && f == 0.25);
    CHECK(json_opt_f64(v, "b", 0, 2, &f, &why) == ERR_RANGE);
    CHECK(json_opt_bool(v, "a", &t, &why) == ERR_OK && t);
    CHECK(json_opt_bool(v, "c", &t, &why) == ERR_PARSE);
    CHECK(json_opt_str(v, "a", &s, &why) == ERR_OK && str_eq(s, STR("d")));
    CHECK(json_get_str(v, "a", &s, &why) == ERR_PARSE);
    done();
}

TEST(whole_numbers_are_exact_and_bounded)
{
    struct json v = parsed("[18446744073709551615,-9223372036854775808,3.0,"
                           "3.5,-1,1e19,1e300,-0,18446744073709551616]");
    uint64_t u = 0;
    int64_t i = 0;

    CHECK(json_as_u64(json_at(v, 0), 0, UINT64_MAX, &u, &why) == ERR_OK);
    CHECK(u == UINT64_MAX);
    CHECK(json_as_i64(json_at(v, 0), INT64_MIN, INT64_MAX, &i, &why)
          == ERR_RANGE);
    CHECK(json_as_i64(json_at(v, 1), INT64_MIN, INT64_MAX, &i, &why) == ERR_OK);
    CHECK(i == INT64_MIN);
    CHECK(json_as_u64(json_at(v, 2), 0, 9, &u, &why) == ERR_OK && u == 3);
    CHECK(json_as_u64(json_at(v, 3), 0, 9, &u, &why) == ERR_PARSE);
    CHECK(why_is("\"[3]\" must be a whole number, got 3.5"));
    CHECK(json_as_u64(json_at(v, 4), 0, 9, &u, &why) == ERR_RANGE);
    CHECK(json_as_i64(json_at(v, 4), -1, 9, &i, &why) == ERR_OK && i == -1);
    CHECK(json_as_u64(json_at(v, 5), 0, UINT64_MAX, &u, &why) == ERR_RANGE);
    CHECK(json_as_u64(json_at(v, 6), 0, UINT64_MAX, &u, &why) == ERR_RANGE);
    CHECK(json_as_i64(json_at(v, 6), INT64_MIN, INT64_MAX, &i, &why)
          == ERR_RANGE);
    CHECK(json_as_u64(json_at(v, 7), 0, 9, &u, &why) == ERR_OK && u == 0);
    CHECK(json_as_u64(json_at(v, 8), 0, UINT64_MAX, &u, &why) == ERR_RANGE);
    done();
}

static const struct {
    const char *text;
    const char *msg; /* NULL: any */
} wrong[] = {
    {"", "invalid JSON at byte 0 (line 1, column 1): the text is empty"},
    {"{\"a\":1}x", NULL},
    {"{\"a\":01}", NULL},
    {"{\"a\":1,}", NULL},
    {"[1 2]", NULL},
    {"\"\\ud800\"", NULL},
    {"\"\xff\"", NULL},
    {"\"\x01\"", NULL},
    {"1e999", NULL},
    {"NaN", NULL},
    {"\xef\xbb\xbf{}", NULL},
    {"{\"a\":1,\n \"b\":{\"k\":1,\"j\":2,\"k\":3}}",
     "\"b.k\" is given twice (byte 26, line 2, column 19)"},
    {"{\"a\":1,\"\\u0061\":2}", NULL},
};

TEST(what_is_not_strict_json_is_refused)
{
    for (size_t i = 0; i < COUNTOF(wrong); i++) {
        CHECK(json_parse(&doc, str_c(wrong[i].text), NULL, &why) == ERR_PARSE);
        CHECK(doc.tree == NULL);
        CHECK(wrong[i].msg == NULL || why_is(wrong[i].msg));
    }
    CHECK(json_parse(&doc, STR("{\n \"a\": tru }"), NULL, &why) == ERR_PARSE);
    CHECK(str_has(str_c(why.msg), STR("line 2, column 7")));
}

TEST(a_repeated_key_is_found_among_many)
{
    struct buf b CLEANUP(buf_done) = BUF_INIT(100000);
    struct json_limits lax = JSON_LIMITS;

    CHECK(buf_add_byte(&b, '{') == ERR_OK);
    for (unsigned i = 0; i < 1000; i++)
        CHECK(buf_printf(&b, "\"k%u\":%u,", i, i) == ERR_OK);
    CHECK(buf_add_c(&b, "\"k500\":0}") == ERR_OK);
    CHECK(json_parse(&doc, buf_str(&b), NULL, &why) == ERR_PARSE);
    CHECK(str_has(str_c(why.msg), STR("\"k500\" is given twice")));
    lax.repeated_keys = true;
    CHECK(json_parse(&doc, buf_str(&b), &lax, &why) == ERR_OK);
    CHECK(json_count(json_root(&doc)) == 1001);
    done();
}

TEST(limits_on_size_depth_and_memory_hold)
{
    struct json_limits lim = JSON_LIMITS;

    lim.max_depth = 3;
    CHECK(json_parse(&doc, STR("[[{\"a\":\"[[[[\"}]]"), &lim, &why) == ERR_OK);
    done();
    CHECK(json_parse(&doc, STR("[\"]\\\"[[\",[[[]]]]"), &lim, &why)
          == ERR_LIMIT);
    CHECK(why_is("JSON at byte 11: containers are nested too deeply (more than "
                 "3)"));
    lim.max_bytes = 3;
    CHECK(json_parse(&doc, STR("[[]]"), &lim, &why) == ERR_LIMIT);
    lim = JSON_LIMITS;
    lim.max_memory = 16;
    CHECK(json_parse(&doc, STR("[1,2,3,4,5,6,7,8]"), &lim, &why) == ERR_LIMIT);
}

TEST(iterators_give_members_and_elements_in_order)
{
    struct json v = parsed("{\"a\":[10,20,[]],\"b\":{}}");
    struct json_iter it = json_iter(v);
    struct str key;
    struct json val;
    uint64_t n, sum = 0;

    CHECK(json_next(&it, &key, &val) && str_eq(key, STR("a")));
    for (struct json_iter e = json_iter(val); json_next(&e, &key, &val);)
        if (json_as_u64(val, 0, 99, &n, &why) == ERR_OK)
            sum += n;
    CHECK(sum == 30);
    CHECK(json_next(&it, &key, &val) && str_eq(key, STR("b")));
    CHECK(json_count(val) == 0);
    CHECK(!json_next(&it, &key, &val));
    it = json_iter(json_get(v, "zz"));
    CHECK(!json_next(&it, &key, &val));
    done();
}

static bool parse_and_free(const char *text)
{
    bool ok = json_parse(&doc, str_c(text), NULL, &why) == ERR_OK;

    done();
    return ok;
}

TEST(no_memory_is_reported_and_leaks_nothing)
{
    TEST_OOM(parse_and_free(
        "{\"a\":1,\"b\":2,\"c\":3,\"d\":4,\"e\":5,\"f\":6,\"g\":7,\"h\":8,"
        "\"i\":9,\"j\":10,\"k\":11,\"l\":12,\"m\":13,\"n\":14,\"o\":15,"
        "\"p\":16,\"q\":[1,2,3,4,5,6,7,8,9,0,1,2,3,4,5,6,7,8,9,0]}"));
}
