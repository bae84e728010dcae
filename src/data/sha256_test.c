#include "data/sha256.h"

#include "test.h"

/* FIPS 180-4 examples, and the empty text. */
static const struct {
    const char *text, *hex;
} known[] = {
    {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
    {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
    {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
     "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
};

TEST(known_sums_come_out_in_every_cut)
{
    for (size_t i = 0; i < COUNTOF(known); i++) {
        struct str s = str_c(known[i].text);
        unsigned char sum[SHA256_LEN], back[SHA256_LEN];
        char hex[SHA256_HEX_LEN + 1];

        for (size_t cut = 0; cut <= s.n; cut++) {
            struct sha256 h CLEANUP(sha256_done) = SHA256_INIT;

            CHECK(sha256_init(&h) == ERR_OK);
            CHECK(sha256_add(&h, str_sub(s, 0, cut)) == ERR_OK);
            CHECK(sha256_add(&h, str_sub(s, cut, s.n)) == ERR_OK);
            CHECK(sha256_end(&h, sum) == ERR_OK && h.ctx == NULL);
            sha256_hex(sum, hex);
            CHECK(str_eq(str_c(hex), str_c(known[i].hex)));
        }
        CHECK(sha256_of(s, back) == ERR_OK);
        CHECK(memcmp(back, sum, sizeof(sum)) == 0);
        CHECK(sha256_unhex(str_c(hex), back));
        CHECK(memcmp(back, sum, sizeof(sum)) == 0);
    }
}

TEST(hexadecimal_is_read_in_either_case_and_only_whole)
{
    unsigned char sum[SHA256_LEN] = {1};
    char hex[] = "E3B0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852"
                 "b855";

    CHECK(sha256_unhex(str_c(hex), sum) && sum[0] == 0xe3 && sum[31] == 0x55);
    CHECK(!sha256_unhex(str_sub(str_c(hex), 0, 63), sum));
    for (size_t i = 0; i < SHA256_HEX_LEN; i++) {
        char old = hex[i];

        hex[i] = "g/:@G`"[i % 6];
        CHECK(!sha256_unhex(str_c(hex), sum));
        hex[i] = old;
    }
    CHECK(sum[0] == 0xe3);
}
