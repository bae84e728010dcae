#include "gateway/oai_calls.h"

#include "test.h"

static enum err written(const struct oai_calls *c, struct buf *out)
{
    struct jsonw w = JSONW_INIT(out);

    oai_calls_write(c, &w);
    return jsonw_end(&w);
}

TEST(pieces_are_put_together_by_index)
{
    struct oai_calls CLEANUP(oai_calls_done) c = {0};
    struct buf CLEANUP(buf_done) out = BUF_INIT(4096);
    static const char *const deltas[] = {
        "[{\"index\":1,\"id\":\"b\",\"function\":{\"name\":\"g\"}}]",
        ("[{\"index\":0,\"id\":\"a\",\"function\":{\"name\":\"f\","
         "\"arguments\":\"{\\\"x\"}},{\"index\":1,\"function\":{"
         "\"arguments\":\"{}\"}}]"),
        "[{\"index\":0,\"function\":{\"arguments\":\"\\\":1}\"}}]",
    };

    for (size_t i = 0; i < COUNTOF(deltas); i++)
        CHECK(oai_calls_add(&c, str_c(deltas[i]), NULL) == ERR_OK);
    CHECK(written(&c, &out) == ERR_OK);
    CHECK(str_eq(
        buf_str(&out),
        STR("[{\"id\":\"a\",\"type\":\"function\",\"function\":{\"name\":\"f\","
            "\"arguments\":\"{\\\"x\\\":1}\"}},{\"id\":\"b\",\"type\":"
            "\"function\",\"function\":{\"name\":\"g\",\"arguments\":\"{}\"}}"
            "]")));
}

TEST(deltas_that_are_none_are_refused)
{
    struct oai_calls CLEANUP(oai_calls_done) c = {0};

    CHECK(oai_calls_add(&c, STR("["), NULL) == ERR_PARSE);
    CHECK(oai_calls_add(&c, STR("[{}]"), NULL) != ERR_OK);
    CHECK(oai_calls_add(&c, STR("[{\"index\":128}]"), NULL) != ERR_OK);
    CHECK(oai_calls_add(&c, STR("[{\"index\":-1}]"), NULL) != ERR_OK);
    CHECK(c.count == 0);
}

static bool add_one(void)
{
    struct oai_calls CLEANUP(oai_calls_done) c = {0};

    return oai_calls_add(&c,
                         STR("[{\"index\":2,\"id\":\"a\",\"function\":{"
                             "\"name\":\"f\",\"arguments\":\"{}\"}}]"),
                         NULL)
           == ERR_OK;
}

TEST(a_lack_of_memory_is_an_error_and_leaks_nothing)
{
    TEST_OOM(add_one());
}
