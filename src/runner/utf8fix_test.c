#include "runner/utf8fix.h"

#include "base/rng.h"
#include "base/utf8.h"
#include "test.h"

static void in_pieces(struct str s, size_t a, size_t b, struct buf *out)
{
    struct utf8fix u = {0};
    CHECK(utf8fix_push(&u, str_sub(s, 0, a), out) == ERR_OK);
    CHECK(utf8_valid(buf_str(out)));
    CHECK(utf8fix_push(&u, str_sub(s, a, b - a), out) == ERR_OK);
    CHECK(utf8_valid(buf_str(out)));
    CHECK(utf8fix_push(&u, str_sub(s, b, s.n), out) == ERR_OK);
    CHECK(utf8fix_end(&u, out) == ERR_OK);
}

static void expect(struct str in, struct str want)
{
    for (size_t a = 0; a <= in.n; a++)
        for (size_t b = a; b <= in.n; b++) {
            CLEANUP(buf_done) struct buf out = BUF_INIT(256);
            in_pieces(in, a, b, &out);
            CHECK(str_eq(buf_str(&out), want));
        }
}

#define BAD "\xef\xbf\xbd"

TEST(whole_characters_pass_wherever_they_are_cut)
{
    expect(STR("aж€😀z"), STR("aж€😀z"));
}

TEST(what_is_no_text_is_replaced)
{
    expect(STR("a\xffz"), STR("a" BAD "z"));
    expect(STR("\x80\x80"), STR(BAD BAD));
    expect(STR("a\xe2\x82z"), STR("a" BAD BAD "z"));
}

TEST(an_unfinished_character_at_the_end_is_replaced_once)
{
    expect(STR("a\xf0\x9f\x98"), STR("a" BAD));
    expect(STR("\xd0"), STR(BAD));
}

TEST(an_unfinished_character_waits)
{
    struct utf8fix u = {0};
    CLEANUP(buf_done) struct buf out = BUF_INIT(64);
    CHECK(utf8fix_push(&u, STR("x\xe2\x82"), &out) == ERR_OK);
    CHECK(str_eq(buf_str(&out), STR("x")));
    CHECK(utf8fix_push(&u, STR("\xac"), &out) == ERR_OK);
    CHECK(str_eq(buf_str(&out), STR("x€")));
}

TEST(random_bytes_always_come_out_as_utf8)
{
    struct rng r = RNG_INIT(1);
    for (int round = 0; round < 3000; round++) {
        char bytes[8];
        for (size_t i = 0; i < sizeof bytes; i++)
            bytes[i] = (char)(rng_below(&r, 3) ? 0x80 + rng_below(&r, 128)
                                               : rng_below(&r, 128));
        CLEANUP(buf_done) struct buf out = BUF_INIT(256);
        in_pieces((struct str){bytes, 8}, rng_below(&r, 4),
                  4 + rng_below(&r, 4), &out);
        CHECK(utf8_valid(buf_str(&out)));
    }
}
