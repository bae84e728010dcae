#include "data/jsonw.h"

#include <math.h>

#include "test.h"

static bool same(struct buf *b, const char *want)
{
    if (str_eq(buf_str(b), str_c(want)))
        return true;
    print_error("got: %.*s\n", STR_ARG(buf_str(b)));
    return false;
}

static enum err write_all(struct buf *b)
{
    struct jsonw w = JSONW_INIT(b);

    jsonw_obj(&w);
    jsonw_key_str(&w, "s", STR("a\"\\\n\x01"));
    jsonw_key_u64(&w, "u", UINT64_MAX);
    jsonw_key_i64(&w, "i", INT64_MIN);
    jsonw_key_f64(&w, "f", 0.1);
    jsonw_key_bool(&w, "b", false);
    jsonw_key_null(&w, "n");
    jsonw_key_raw(&w, "r", STR("[1]"));
    jsonw_key_cstr(&w, "c", NULL);
    jsonw_key_obj(&w, "o");
    jsonw_obj_end(&w);
    jsonw_key_arr(&w, "a");
    jsonw_u64(&w, 0);
    jsonw_arr(&w);
    jsonw_arr_end(&w);
    jsonw_obj(&w);
    jsonw_obj_end(&w);
    jsonw_arr_end(&w);
    jsonw_obj_end(&w);
    return jsonw_end(&w);
}

TEST(all_kinds_of_values_are_written_with_their_commas)
{
    struct buf b CLEANUP(buf_done) = BUF_INIT(1000);

    CHECK(write_all(&b) == ERR_OK);
    CHECK(same(&b, "{\"s\":\"a\\\"\\\\\\n\\u0001\",\"u\":18446744073709551615,"
                   "\"i\":-9223372036854775808,\"f\":0.1,\"b\":false,"
                   "\"n\":null,\"r\":[1],\"c\":null,\"o\":{},"
                   "\"a\":[0,[],{}]}"));
}

TEST(bytes_that_are_not_utf8_become_replacement_characters)
{
    struct buf b CLEANUP(buf_done) = BUF_INIT(1000);
    struct jsonw w = JSONW_INIT(&b);

    jsonw_str(&w, STR("\xd0\xb6\xff\xd0 \xf0\x9f\x98\x80\xed\xa0\x80\x7f"
                      "\xe2\x80\xa8"));
    CHECK(jsonw_end(&w) == ERR_OK);
    CHECK(same(&b, "\"\xd0\xb6\xef\xbf\xbd\xef\xbf\xbd \xf0\x9f\x98\x80"
                   "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\\u007f\\u2028\""));
}

static bool number_is(double v, const char *want)
{
    struct buf b CLEANUP(buf_done) = BUF_INIT(1000);
    struct jsonw w = JSONW_INIT(&b);

    jsonw_f64(&w, v);
    return jsonw_end(&w) == ERR_OK && same(&b, want);
}

TEST(a_double_is_written_as_its_shortest_text)
{
    CHECK(number_is(0.1, "0.1"));
    CHECK(number_is(1.0 / 3, "0.3333333333333333"));
    CHECK(number_is(0.1 + 0.2, "0.30000000000000004"));
    CHECK(number_is(5, "5"));
    CHECK(number_is(1e300, "1e+300"));
    CHECK(number_is(-0.0, "-0.0"));
    CHECK(number_is(5e-324, "4.94065645841247e-324"));
}

TEST(a_float_reads_back_as_the_same_float)
{
    static const float values[] = {0.1F, 1.0F / 3, 16777216.0F, -1e-40F};

    for (size_t i = 0; i < COUNTOF(values); i++) {
        struct buf b CLEANUP(buf_done) = BUF_INIT(1000);
        struct jsonw w = JSONW_INIT(&b);

        jsonw_f32(&w, values[i]);
        CHECK(jsonw_end(&w) == ERR_OK);
        CHECK(strtof(b.data, NULL) == values[i]);
    }
}

TEST(infinite_and_nan_are_errors_and_leave_nothing)
{
    static const double values[] = {INFINITY, -INFINITY, NAN};

    for (size_t i = 0; i < COUNTOF(values); i++) {
        struct buf b CLEANUP(buf_done) = BUF_INIT(1000);

        CHECK(buf_add_c(&b, "before") == ERR_OK);
        struct jsonw w = JSONW_INIT(&b);

        jsonw_arr(&w);
        jsonw_f64(&w, values[i]);
        jsonw_f32(&w, (float)values[i]);
        jsonw_arr_end(&w);
        CHECK(jsonw_end(&w) == ERR_RANGE);
        CHECK(same(&b, "before"));
    }
}

TEST(wrong_order_of_calls_is_an_error)
{
    for (int what = 0; what < 9; what++) {
        struct buf b CLEANUP(buf_done) = BUF_INIT(1000);
        struct jsonw w = JSONW_INIT(&b);

        if (what != 8)
            jsonw_obj(&w);
        if (what == 0)
            jsonw_u64(&w, 1); /* a value without a key */
        if (what == 1)
            jsonw_arr_end(&w);
        if (what == 2) {
            jsonw_key(&w, "a");
            jsonw_key(&w, "b");
        }
        if (what == 3)
            jsonw_key(&w, "a"); /* a key without a value */
        if (what != 4 && what != 8)
            jsonw_obj_end(&w); /* 4: left open; 8: nothing at all */
        if (what == 5)
            jsonw_null(&w); /* a second value */
        if (what == 6)
            jsonw_obj_end(&w);
        if (what == 7)
            jsonw_raw(&w, STR_EMPTY);
        CHECK(jsonw_end(&w) == ERR_SYNTAX);
        CHECK(b.len == 0);
    }
}

TEST(containers_stop_at_the_depth_limit)
{
    struct buf b CLEANUP(buf_done) = BUF_INIT(1000);
    struct jsonw w = JSONW_INIT(&b);

    for (int i = 0; i < JSONW_DEPTH_MAX; i++)
        jsonw_arr(&w);
    CHECK(w.err == ERR_OK);
    jsonw_arr(&w);
    CHECK(jsonw_end(&w) == ERR_LIMIT);
}

TEST(a_full_buffer_or_heap_sticks_and_takes_all_back)
{
    struct buf whole CLEANUP(buf_done) = BUF_INIT(1000);

    CHECK(write_all(&whole) == ERR_OK);
    for (size_t max = 0; max < whole.len; max++) {
        struct buf b CLEANUP(buf_done) = BUF_INIT(max);

        CHECK(write_all(&b) == ERR_LIMIT);
        CHECK(b.len == 0);
    }
    struct buf b = BUF_INIT(1000);
    bool ok;

    TEST_OOM((ok = write_all(&b) == ERR_OK, buf_done(&b), ok));
}
