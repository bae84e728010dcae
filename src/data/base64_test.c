#include "data/base64.h"

#include <math.h>

#include "test.h"

/* RFC 4648, section 10 */
static const struct {
    const char *bytes, *text;
} pairs[] = {
    {"", ""},
    {"f", "Zg=="},
    {"fo", "Zm8="},
    {"foo", "Zm9v"},
    {"foob", "Zm9vYg=="},
    {"fooba", "Zm9vYmE="},
    {"foobar", "Zm9vYmFy"},
    {"\xff\xef\xbe\xfb", "/+++"
                         "+w=="},
};

TEST(the_examples_of_the_rfc_go_both_ways)
{
    for (size_t i = 0; i < COUNTOF(pairs); i++) {
        struct buf b CLEANUP(buf_done) = BUF_INIT(100);
        struct why why = WHY_INIT;

        CHECK(base64_encode(str_c(pairs[i].bytes), &b) == ERR_OK);
        CHECK(str_eq(buf_str(&b), str_c(pairs[i].text)));
        buf_clear(&b);
        CHECK(base64_decode(str_c(pairs[i].text), &b, &why) == ERR_OK);
        CHECK(str_eq(buf_str(&b), str_c(pairs[i].bytes)));
    }
}

TEST(every_byte_value_survives)
{
    struct buf text CLEANUP(buf_done) = BUF_INIT(1000);
    struct buf back CLEANUP(buf_done) = BUF_INIT(1000);
    char bytes[256];

    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (char)i;
    for (size_t n = 0; n <= sizeof(bytes); n++) {
        buf_clear(&text);
        buf_clear(&back);
        CHECK(base64_encode((struct str){bytes, n}, &text) == ERR_OK);
        CHECK(base64_decode(buf_str(&text), &back, NULL) == ERR_OK);
        CHECK(str_eq(buf_str(&back), (struct str){bytes, n}));
    }
}

TEST(what_is_not_canonical_is_refused_and_nothing_is_added)
{
    static const char *const wrong[] = {
        "Z",        "Zg",   "Zg=",  "Zh==",   "Zm9=", "====", "=",
        "Zg==Zg==", "Z===", "Zg=A", "Zm9v\n", "Zm 9", "Zm-_", "Zm9v====",
    };
    struct buf b CLEANUP(buf_done) = BUF_INIT(100);
    struct why why = WHY_INIT;

    CHECK(buf_add_c(&b, "kept") == ERR_OK);
    for (size_t i = 0; i < COUNTOF(wrong); i++) {
        if (base64_decode(str_c(wrong[i]), &b, &why) != ERR_PARSE)
            print_error("accepted: %s\n", wrong[i]);
        CHECK(str_eq(buf_str(&b), STR("kept")));
        CHECK(why.code == ERR_PARSE);
        why = WHY_INIT;
    }
    CHECK(base64_decode(STR("Zm9vZ*=="), &b, &why) == ERR_PARSE);
    CHECK(str_eq(str_c(why.msg), STR("invalid base64 at byte 5")));
}

TEST(floats_are_little_endian)
{
    struct buf b CLEANUP(buf_done) = BUF_INIT(10000);
    struct buf raw CLEANUP(buf_done) = BUF_INIT(10000);
    float many[1000];

    /* numpy: base64.b64encode(np.float32([1, -2.5]).tobytes()) */
    CHECK(base64_encode_f32((float[]){1.0F, -2.5F}, 2, &b) == ERR_OK);
    CHECK(str_eq(buf_str(&b), STR("AACAPwAAIMA=")));
    for (size_t i = 0; i < COUNTOF(many); i++)
        many[i] = (float)i / 7;
    buf_clear(&b);
    CHECK(base64_encode_f32(many, COUNTOF(many), &b) == ERR_OK);
    CHECK(base64_decode(buf_str(&b), &raw, NULL) == ERR_OK);
    CHECK(raw.len == sizeof(many));
    for (size_t i = 0; i < COUNTOF(many); i++) {
        float f; /* tests run on little-endian machines only */

        memcpy(&f, raw.data + i * 4, 4);
        CHECK(f == many[i]);
    }
    buf_clear(&b);
    CHECK(base64_encode_f32(NULL, 0, &b) == ERR_OK && b.len == 0);
}

TEST(a_full_buffer_is_reported_and_kept)
{
    struct buf b CLEANUP(buf_done) = BUF_INIT(7);
    float f[2] = {0, 0};

    CHECK(base64_encode(STR("foobar"), &b) == ERR_LIMIT && b.len == 0);
    CHECK(base64_encode_f32(f, 2, &b) == ERR_LIMIT && b.len == 0);
    CHECK(base64_decode(STR("Zm9vYmFyZm9v"), &b, NULL) == ERR_LIMIT);
    CHECK(b.len == 0);
}
