#include "runner/stops.h"

#include "base/rng.h"
#include "test.h"

/* Shows `text` cut at `cut` (and everywhere for SIZE_MAX); what came out. */
static bool show(const struct stops *s, struct str text, size_t cut,
                 struct buf *out)
{
    CLEANUP(buf_done) struct buf held = BUF_INIT(1 << 16);
    bool hit = false;
    for (size_t i = 0; i < text.n && !hit; i++) {
        CHECK(buf_add_byte(&held, text.p[i]) == ERR_OK);
        if (cut != SIZE_MAX && i + 1 != cut && i + 1 != text.n)
            continue;
        size_t n = stops_scan(s, buf_str(&held), &hit);
        CHECK(buf_add(out, str_sub(buf_str(&held), 0, n)) == ERR_OK);
        buf_drop(&held, n);
    }
    if (!hit)
        CHECK(buf_add(out, buf_str(&held)) == ERR_OK);
    return hit;
}

static void expect(const char *const *stops, const char *text,
                   const char *shown, bool found)
{
    struct stops s = STOPS_INIT;
    for (; *stops; stops++)
        CHECK(stops_add(&s, str_c(*stops)) == ERR_OK);
    for (size_t cut = 0; cut <= strlen(text) + 1; cut++) {
        CLEANUP(buf_done) struct buf out = BUF_INIT(1 << 16);
        size_t at = cut > strlen(text) ? SIZE_MAX : cut;
        CHECK(show(&s, str_c(text), at, &out) == found);
        CHECK(str_eq(buf_str(&out), str_c(shown)));
    }
    stops_done(&s);
}

#define STRINGS(...) ((const char *const[]){__VA_ARGS__, NULL})

TEST(a_stop_string_cut_at_any_byte_is_never_shown)
{
    expect(STRINGS("STOP"), "one STOP two", "one ", true);
    expect(STRINGS("\n\n"), "a\nb\n\nc", "a\nb", true);
    expect(STRINGS("конец"), "это конец.", "это ", true);
    expect(STRINGS("aab"), "aaaab!", "aa", true);
}

TEST(a_beginning_that_does_not_continue_is_shown)
{
    expect(STRINGS("STOP"), "STO STOO ST", "STO STOO ST", false);
    expect(STRINGS("abc", "bd"), "abd", "a", true);
}

TEST(the_occurrence_that_is_complete_first_wins)
{
    expect(STRINGS("abcdef", "cd"), "xabcdef", "xab", true);
    expect(STRINGS("bc", "abc"), "xabc", "x", true);
}

TEST(without_stop_strings_everything_passes)
{
    struct stops s = STOPS_INIT;
    bool hit = true;
    CHECK(stops_add(&s, STR("")) == ERR_OK);
    CHECK(stops_scan(&s, STR("text"), &hit) == 4 && !hit);
    stops_done(&s);
}

TEST(number_and_length_are_bounded)
{
    char big[STOPS_LEN_MAX + 1];
    memset(big, 'x', sizeof big);
    struct stops s = STOPS_INIT;
    CHECK(stops_add(&s, (struct str){big, sizeof big}) == ERR_LIMIT);
    for (int i = 0; i < STOPS_MAX; i++)
        CHECK(stops_add(&s, STR("x")) == ERR_OK);
    CHECK(stops_add(&s, STR("x")) == ERR_LIMIT);
    stops_done(&s);
}

TEST(random_texts_give_the_same_wherever_they_are_cut)
{
    struct rng r = RNG_INIT(3);
    for (int round = 0; round < 300; round++) {
        struct stops s = STOPS_INIT;
        char text[24];
        for (size_t i = 0; i < sizeof text; i++)
            text[i] = (char)('a' + rng_below(&r, 2));
        for (int k = 0; k < 3; k++) {
            char stop[6];
            size_t n = 2 + rng_below(&r, 4);
            for (size_t i = 0; i < n; i++)
                stop[i] = (char)('a' + rng_below(&r, 2));
            CHECK(stops_add(&s, (struct str){stop, n}) == ERR_OK);
        }
        struct str t = {text, sizeof text};
        CLEANUP(buf_done) struct buf whole = BUF_INIT(64);
        bool hit = show(&s, t, t.n, &whole);
        for (size_t cut = 1; cut < t.n; cut++) {
            CLEANUP(buf_done) struct buf out = BUF_INIT(64);
            CHECK(show(&s, t, cut, &out) == hit);
            CHECK(str_eq(buf_str(&out), buf_str(&whole)));
        }
        stops_done(&s);
    }
}
