#include "data/json_write.h"

#include "test.h"

static struct why why;

TEST(a_value_written_back_reads_as_the_same_value)
{
    const char *text = "{\"a\":[1,-2,0.1,1e+300,true,false,null,\"\\n\\u2028 "
                       "\xd0\xb6\"],\"o\":{},\"e\":[],\"n\":[[[]]]}";
    struct json_doc doc CLEANUP(json_done) = JSON_DOC_INIT;
    struct buf b CLEANUP(buf_done) = BUF_INIT(1000);
    struct jsonw w = JSONW_INIT(&b);

    CHECK(json_parse(&doc, str_c(text), NULL, &why) == ERR_OK);
    json_write(json_root(&doc), &w);
    CHECK(jsonw_end(&w) == ERR_OK);
    CHECK(str_eq(buf_str(&b), str_c(text)));
}

TEST(a_value_deeper_than_the_writer_is_an_error)
{
    struct buf in CLEANUP(buf_done) = BUF_INIT(1000);
    struct buf out CLEANUP(buf_done) = BUF_INIT(1000);
    struct json_doc doc CLEANUP(json_done) = JSON_DOC_INIT;
    struct json_limits lim = JSON_LIMITS;
    struct jsonw w = JSONW_INIT(&out);

    lim.max_depth = 100;
    for (int i = 0; i < 70; i++)
        CHECK(buf_add_byte(&in, '[') == ERR_OK);
    for (int i = 0; i < 70; i++)
        CHECK(buf_add_byte(&in, ']') == ERR_OK);
    CHECK(json_parse(&doc, buf_str(&in), &lim, &why) == ERR_OK);
    json_write(json_root(&doc), &w);
    CHECK(jsonw_end(&w) == ERR_LIMIT && out.len == 0);
}

TEST(an_absent_value_is_written_as_null)
{
    struct buf b CLEANUP(buf_done) = BUF_INIT(100);
    struct jsonw w = JSONW_INIT(&b);

    json_write((struct json){NULL, NULL}, &w);
    CHECK(jsonw_end(&w) == ERR_OK && str_eq(buf_str(&b), STR("null")));
}
