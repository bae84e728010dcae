#include "sys/clock.h"

#include "base/str.h"
#include "test.h"

static bool text_is(int64_t ms, const char *want)
{
    char text[CLOCK_TEXT_MAX];

    clock_text(ms, text);
    return strcmp(text, want) == 0;
}

TEST(time_as_text_is_rfc_3339_in_utc)
{
    CHECK(text_is(0, "1970-01-01T00:00:00.000Z"));
    CHECK(text_is(951782400123, "2000-02-29T00:00:00.123Z"));
    CHECK(text_is(INT64_MAX, "9999-12-31T23:59:59.999Z"));
    CHECK(text_is(-5, "1970-01-01T00:00:00.000Z"));
}

TEST(the_clock_does_not_go_back)
{
    uint64_t a = clock_us();

    for (int i = 0; i < 1000; i++) {
        uint64_t b = clock_us();

        CHECK(b >= a);
        a = b;
    }
    CHECK(clock_unix_ms() > 1600000000000);
}

TEST(time_left_is_rounded_up_and_never_is_minus_one)
{
    CHECK(clock_left_ms(CLOCK_NEVER) == -1);
    CHECK(clock_left_ms(0) == 0);
    CHECK(clock_left_ms(clock_us() + 3600000000U) > 3590000);
    CHECK(clock_left_ms(clock_us() + 10000000000000000U) == INT32_MAX);
}
