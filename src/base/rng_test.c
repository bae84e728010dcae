#include "base/rng.h"

#include "test.h"

TEST(the_sequence_is_that_of_splitmix64)
{
    /* the reference implementation by Vigna, seed 1234567 */
    struct rng r = RNG_INIT(1234567);

    CHECK(rng_u64(&r) == 6457827717110365317U);
    CHECK(rng_u64(&r) == 3203168211198807973U);
    CHECK(rng_u64(&r) == 9817491932198370423U);
}

TEST(bounded_numbers_reach_all_values_and_no_other)
{
    struct rng r = RNG_INIT(1);
    unsigned seen[7] = {0};

    for (int i = 0; i < 7000; i++) {
        uint64_t v = rng_below(&r, 7);

        CHECK(v < 7);
        seen[v]++;
    }
    for (size_t i = 0; i < 7; i++)
        CHECK(seen[i] > 850 && seen[i] < 1150);
    CHECK(rng_below(&r, 1) == 0);
    CHECK(rng_below(&r, UINT64_MAX) < UINT64_MAX);
}

TEST(units_lie_in_the_half_open_interval)
{
    struct rng r = RNG_INIT(2);
    double sum = 0;

    for (int i = 0; i < 10000; i++) {
        double u = rng_unit(&r);

        CHECK(u >= 0 && u < 1);
        sum += u;
    }
    CHECK(sum > 4900 && sum < 5100);
}
