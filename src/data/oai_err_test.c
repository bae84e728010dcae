#include "data/oai_err.h"

#include "data/json.h"
#include "test.h"

TEST(the_object_has_all_four_members) /* [HTTP-10] */
{
    struct oai_err o = OAI_ERR_INIT;
    struct buf CLEANUP(buf_done) out = BUF_INIT(4096);

    CHECK(oai_err_fail(&o, ERR_NOMODEL, "model", NULL, "no \"%s\"\n", "x")
          == ERR_NOMODEL);
    CHECK(oai_err_write(&o, &out) == ERR_OK);
    CHECK(str_eq(buf_str(&out),
                 STR("{\"error\":{\"message\":\"no \\\"x\\\"\\n\",\"type\":"
                     "\"invalid_request_error\",\"param\":\"model\",\"code\":"
                     "\"model_not_found\"}}")));
    CHECK(oai_err_status(&o) == 404);
    buf_clear(&out);
    (void)oai_err_fail(&o, ERR_PARSE, NULL, NULL, "x");
    CHECK(oai_err_write(&o, &out) == ERR_OK);
    CHECK(str_has(buf_str(&out), STR("\"param\":null,\"code\":null")));
}

TEST(every_failure_of_ours_has_a_shape)
{
    for (int e = ERR_OK + 1; e < ERR_COUNT; e++) {
        struct oai_err o = OAI_ERR_INIT;
        struct why why = WHY_INIT;
        struct buf CLEANUP(buf_done) out = BUF_INIT(4096);
        struct json_doc CLEANUP(json_done) doc = JSON_DOC_INIT;

        (void)FAIL(&why, (enum err)e, "%s", err_text((enum err)e));
        oai_err_from(&o, &why, NULL);
        CHECK(oai_err_write(&o, &out) == ERR_OK);
        CHECK(json_parse(&doc, buf_str(&out), NULL, NULL) == ERR_OK);
        CHECK(oai_err_status(&o) >= 200 && oai_err_status(&o) < 600);
    }
}

TEST(type_and_name_are_those_of_the_object)
{
    CHECK(strcmp(oai_err_type(ERR_NOTFOUND), "invalid_request_error") == 0);
    CHECK(strcmp(oai_err_name(ERR_NOTFOUND), "not_found") == 0);
    CHECK(strcmp(oai_err_type(ERR_IO), "server_error") == 0);
    CHECK(strcmp(oai_err_name(ERR_IO), "") == 0);
}

TEST(a_text_that_is_too_long_is_cut_at_a_character)
{
    struct oai_err o = OAI_ERR_INIT;
    char param[300];

    memset(param, 'a', sizeof(param) - 1);
    param[sizeof(param) - 1] = '\0';
    memcpy(param + 94, "\xd0\x96", 2); /* crosses the end of o.param */
    (void)oai_err_fail(&o, ERR_PARSE, param, NULL, "x");
    CHECK(strlen(o.param) == 94);
}
