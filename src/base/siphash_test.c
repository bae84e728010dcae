#include "base/siphash.h"

#include "test.h"

TEST(the_vectors_of_the_paper_come_out)
{
    /* key 00..0f, message 00..(n-1): appendix A, and the reference code */
    static const struct {
        size_t n;
        uint64_t hash;
    } known[] = {
        {0, 0x726fdb47dd0e0e31U},  {1, 0x74f839c593dc67fdU},
        {7, 0xab0200f58b01d137U},  {8, 0x93f5f5799a932462U},
        {15, 0xa129ca6149be45e5U},
    };
    char msg[16];

    for (size_t i = 0; i < sizeof(msg); i++)
        msg[i] = (char)i;
    for (size_t i = 0; i < COUNTOF(known); i++)
        CHECK(siphash((struct str){msg, known[i].n}, 0x0706050403020100U,
                      0x0f0e0d0c0b0a0908U)
              == known[i].hash);
}

TEST(the_key_changes_the_hash)
{
    CHECK(siphash(STR("a"), 1, 2) != siphash(STR("a"), 2, 2));
    CHECK(siphash(STR("a"), 1, 2) != siphash(STR("a"), 1, 3));
}
