#include "base/id.h"

#include "test.h"

static const unsigned char zeros[10];
static const unsigned char ones[10] = {0xff, 0xff, 0xff, 0xff, 0xff,
                                       0xff, 0xff, 0xff, 0xff, 0xff};

TEST(an_id_is_a_prefix_time_and_random_bits)
{
    /* the example of the ULID text form: 1469918176385 is 01ARYZ6S41 */
    struct id a = id_make("req", 1469918176385, zeros);
    struct id b = id_make("req", 0xffffffffffff, ones);

    CHECK(strcmp(a.text, "req_01aryz6s410000000000000000") == 0);
    CHECK(strcmp(b.text, "req_7zzzzzzzzzzzzzzzzzzzzzzzzz") == 0);
}

TEST(every_random_bit_shows)
{
    struct id zero = id_make("x", 0, zeros);

    for (unsigned bit = 0; bit < 80; bit++) {
        unsigned char r[10] = {0};
        struct id id;

        r[bit / 8] = (unsigned char)(1U << (bit % 8));
        id = id_make("x", 0, r);
        CHECK(strcmp(id.text, zero.text) > 0);
    }
}

TEST(ids_sort_by_time)
{
    CHECK(strcmp(id_make("t", 999, ones).text, id_make("t", 1000, zeros).text)
          < 0);
}

TEST(only_the_exact_form_is_valid)
{
    struct id id = id_make("task", 1, zeros);
    struct str s = str_c(id.text);

    CHECK(id_valid(s, "task") && !id_valid(s, "req"));
    CHECK(!id_valid(str_sub(s, 0, s.n - 1), "task"));
    CHECK(!id_valid(STR("task_0000000000000000000000000u"), "task"));
    CHECK(!id_valid(STR("task_0000000000000000000000000A"), "task"));
    CHECK(!id_valid(STR("task-00000000000000000000000000"), "task"));
    CHECK(!id_valid((struct str){"task_0000000000000000000000000\0", 31},
                    "task"));
    CHECK(!id_valid(STR(""), "task"));
}
