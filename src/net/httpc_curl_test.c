#include "net/httpc_curl.h"

#include "test.h"

static enum err opens(struct http1_field f, struct why *why)
{
    struct httpc_request rq = {.method = STR("POST"),
                               .url = STR("http://a/"),
                               .fields = &f,
                               .field_count = 1,
                               .body = STR("b")};
    struct httpc_wire w = {0};
    enum err e = httpc_curl_init(&w, &rq, &(struct httpc_hooks){0}, why);

    httpc_curl_done(&w);
    return e;
}

TEST(a_field_that_would_add_another_one_is_refused)
{
    struct why why = WHY_INIT;

    CHECK(httpc_curl_global(&why) == ERR_OK);
    CHECK(opens((struct http1_field){STR("A"), STR("b")}, &why) == ERR_OK);
    CHECK(opens((struct http1_field){STR("A"), STR("b\r\nC: d")}, &why)
          == ERR_RANGE);
    CHECK(strstr(why.msg, "field") != NULL);
    CHECK(opens((struct http1_field){STR("A:"), STR("b")}, &why) == ERR_RANGE);
}

TEST(a_url_with_a_nul_is_refused)
{
    struct httpc_request rq = {.method = STR("GET"), .url = STR("http://a\0b")};
    struct httpc_wire w = {0};

    CHECK(httpc_curl_init(&w, &rq, &(struct httpc_hooks){0}, NULL)
          == ERR_SYNTAX);
    httpc_curl_done(&w);
}

TEST(curls_results_become_ours_and_our_own_come_first)
{
    static const struct {
        CURLcode code;
        enum err e;
    } rows[] = {{CURLE_OK, ERR_OK},
                {CURLE_COULDNT_CONNECT, ERR_IO},
                {CURLE_OPERATION_TIMEDOUT, ERR_TIMEOUT},
                {CURLE_PARTIAL_FILE, ERR_EOF},
                {CURLE_WEIRD_SERVER_REPLY, ERR_PROTOCOL},
                {CURLE_PEER_FAILED_VERIFICATION, ERR_DENIED},
                {CURLE_OUT_OF_MEMORY, ERR_NOMEM}};
    struct httpc_wire ours = {.fail = ERR_LIMIT};

    for (size_t i = 0; i < COUNTOF(rows); i++) {
        struct httpc_wire w = {0};

        CHECK(httpc_curl_result(&w, rows[i].code) == rows[i].e);
        CHECK((w.why.msg[0] != '\0') == (rows[i].e != ERR_OK));
    }
    CHECK(httpc_curl_result(&ours, CURLE_WRITE_ERROR) == ERR_LIMIT);
}

TEST(silence_has_a_default)
{
    CHECK(httpc_curl_stall_ms(&(struct httpc_request){0}) == 60000);
    CHECK(httpc_curl_stall_ms(&(struct httpc_request){.stall_ms = 7}) == 7);
}

TEST(every_allocation_may_fail)
{
    CHECK(httpc_curl_global(NULL) == ERR_OK);
    TEST_OOM(opens((struct http1_field){STR("A"), STR("b")}, NULL) == ERR_OK);
}
