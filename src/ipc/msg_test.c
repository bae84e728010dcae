#include "ipc/msg.h"

#include "test.h"

static uint32_t bits(float f)
{
    uint32_t u;

    memcpy(&u, &f, sizeof(u));
    return u;
}

TEST(a_message_comes_back_as_it_was_sent)
{
    CLEANUP(buf_done) struct buf b = BUF_INIT(1000);
    struct msg_generate m = {.is_chat = 1,
                             .input = STR("{\"messages\":[]}"),
                             .n = 3,
                             .temperature = 0.7F,
                             .top_p = -0.0F,
                             .has_seed = 1,
                             .seed = 0x1122334455667788U,
                             .stop = STR("[\"\\n\"]")};
    struct msg_generate r;
    struct why w = WHY_INIT;

    CHECK(msg_generate_put(&b, &m) == ERR_OK);
    CHECK(msg_generate_get(buf_str(&b), &r, &w) == ERR_OK);
    CHECK(r.is_chat == 1 && r.n == 3 && r.seed == m.seed);
    CHECK(bits(r.temperature) == bits(m.temperature));
    CHECK(bits(r.top_p) == 0x80000000U); /* minus zero stays one */
    CHECK(str_eq(r.input, m.input) && str_eq(r.stop, m.stop));
    CHECK(r.grammar.n == 0);
    CHECK(r.input.p >= b.data && r.input.p < b.data + b.len); /* borrowed */
}

TEST(the_bytes_on_the_wire_are_fixed)
{
    CLEANUP(buf_done) struct buf b = BUF_INIT(1000);
    struct msg_fail m = {.code = 2, .text = STR("no"), .n_prompt = 258};

    CHECK(msg_fail_put(&b, &m) == ERR_OK);
    CHECK(str_eq(buf_str(&b),
                 STR("\2\0\0\0\2\0\0\0no\2\1\0\0\0\0\0\0"))); /* [IPC-3] */
    CHECK(MSG_HELLO == 1 && MSG_GENERATE == 30 && MSG_STATS == 41);
}

/* [IPC-6] for every kind: all fields zero, then each prefix, then a byte more. */
TEST(a_payload_that_is_too_short_or_too_long_is_refused)
{
    for (size_t i = 0; msg_at(i) != NULL; i++) {
        enum msg_kind kind = (enum msg_kind)msg_at(i)->kind;
        CLEANUP(buf_done) struct buf b = BUF_INIT(1000);
        static unsigned char zero[512], out[512], before[512];
        struct why w = WHY_INIT;

        CHECK(msg_at(i)->size <= sizeof(zero));
        memset(before, 0xa5, sizeof(before));
        CHECK(msg_put(&b, kind, zero) == ERR_OK && b.len > 0);
        CHECK(msg_get(buf_str(&b), kind, out, &w) == ERR_OK);
        memcpy(out, before, sizeof(out));
        for (size_t n = 0; n < b.len; n++) {
            CHECK(msg_get((struct str){b.data, n}, kind, out, &w)
                  == ERR_PROTOCOL);
            CHECK(memcmp(out, before, sizeof(out)) == 0);
        }
        CHECK(buf_add_byte(&b, 0) == ERR_OK);
        CHECK(msg_get(buf_str(&b), kind, out, &w) == ERR_PROTOCOL);
        CHECK(str_has(str_c(w.msg), str_c(msg_at(i)->name)));
    }
}

TEST(a_text_longer_than_the_payload_is_refused)
{
    struct msg_up m = {.address = STR("before")};
    struct why w = WHY_INIT;

    CHECK(msg_up_get(STR("\xff\xff\xff\xff"), &m, &w) == ERR_PROTOCOL);
    CHECK(msg_up_get(STR("\2\0\0\0x"), &m, &w) == ERR_PROTOCOL);
    CHECK(str_eq(m.address, STR("before")));
    CHECK(str_has(str_c(w.msg), STR("address")));
}

TEST(a_message_that_does_not_fit_adds_nothing)
{
    CLEANUP(buf_done) struct buf b = BUF_INIT(12);
    struct msg_hello m = {1, STR("gateway"), STR("x")};

    CHECK(buf_add_c(&b, "ab") == ERR_OK);
    CHECK(msg_hello_put(&b, &m) == ERR_LIMIT);
    CHECK(str_eq(buf_str(&b), STR("ab")));
}

TEST(every_kind_is_known_by_number_and_only_once)
{
    for (size_t i = 0; msg_at(i) != NULL; i++) {
        CHECK(msg_info(msg_at(i)->kind) == msg_at(i));
        CHECK(msg_at(i)->direction[1] == '>');
    }
    CHECK(msg_info(0) == NULL && msg_info(255) == NULL);
    CHECK(strcmp(msg_name(30), "GENERATE") == 0);
    CHECK(strcmp(msg_name(255), "?") == 0);
}

TEST(reasons_to_finish_have_the_names_clients_know)
{
    CHECK(strcmp(msg_finish_name(MSG_FINISH_STOP), "stop") == 0);
    CHECK(strcmp(msg_finish_name(MSG_FINISH_TOOL_CALLS), "tool_calls") == 0);
    CHECK(strcmp(msg_finish_name(99), "error") == 0);
}

static bool put_big(void)
{
    CLEANUP(buf_done) struct buf b = BUF_INIT(1000);
    struct msg_up m = {STR("http://127.0.0.1:8420 and some more text, so that "
                           "the buffer has to grow more than once for it")};

    return msg_up_put(&b, &m) == ERR_OK;
}

TEST(writing_without_memory_is_an_error)
{
    TEST_OOM(put_big());
}
