#include "base/map.h"

#include "base/rng.h"
#include "test.h"

static int values[1000];

/* A key made of a number. */
static struct str key_of(size_t i, char room[24])
{
    int n = snprintf(room, 24, "key-%zu", i);

    return (struct str){room, (size_t)n};
}

TEST(entries_are_found_refused_twice_and_dropped)
{
    struct map m CLEANUP(map_done) = MAP_INIT(10, 1);

    CHECK(map_get(&m, STR("a")) == NULL && map_drop(&m, STR("a")) == NULL);
    CHECK(map_add(&m, STR("a"), &values[1]) == ERR_OK);
    CHECK(map_add(&m, STR(""), &values[2]) == ERR_OK);
    CHECK(map_add(&m, STR("a\0"), &values[3]) == ERR_OK);
    CHECK(map_add(&m, STR("a"), &values[4]) == ERR_EXISTS);
    CHECK(map_get(&m, STR("a")) == &values[1]);
    CHECK(map_get(&m, STR("")) == &values[2]);
    CHECK(map_drop(&m, STR("a")) == &values[1]);
    CHECK(map_get(&m, STR("a")) == NULL && m.count == 2);
    CHECK(map_get(&m, STR("a\0")) == &values[3]);
}

TEST(keys_are_copied)
{
    struct map m CLEANUP(map_done) = MAP_INIT(10, 1);
    char k[] = "abc";

    CHECK(map_add(&m, str_c(k), &values[0]) == ERR_OK);
    k[0] = 'x';
    CHECK(map_get(&m, STR("abc")) == &values[0]);
}

TEST(the_number_of_entries_is_bounded)
{
    struct map m CLEANUP(map_done) = MAP_INIT(3, 1);
    char room[24];

    for (size_t i = 0; i < 3; i++)
        CHECK(map_add(&m, key_of(i, room), &values[i]) == ERR_OK);
    CHECK(map_add(&m, STR("x"), &values[9]) == ERR_LIMIT);
    CHECK(map_drop(&m, key_of(1, room)) != NULL);
    CHECK(map_add(&m, STR("x"), &values[9]) == ERR_OK);
}

TEST(random_use_agrees_with_an_array)
{
    struct map m CLEANUP(map_done) = MAP_INIT(1000, 42);
    struct rng r = RNG_INIT(9);
    bool in[1000] = {false};
    size_t count = 0;
    char room[24];

    for (int step = 0; step < 50000; step++) {
        size_t i = rng_below(&r, 1000);
        struct str k = key_of(i, room);

        CHECK(map_get(&m, k) == (in[i] ? &values[i] : NULL));
        if (in[i]) {
            CHECK(map_drop(&m, k) == &values[i]);
            count--;
        } else {
            CHECK(map_add(&m, k, &values[i]) == ERR_OK);
            count++;
        }
        in[i] = !in[i];
        CHECK(m.count == count);
    }
}

TEST(iteration_visits_each_entry_once)
{
    struct map m CLEANUP(map_done) = MAP_INIT(100, 7);
    bool seen[100] = {false};
    size_t n = 0;
    struct str k;
    void *v;
    char room[24];

    for (size_t i = 0; i < 100; i++)
        CHECK(map_add(&m, key_of(i, room), &values[i]) == ERR_OK);
    for (size_t i = 0; map_next(&m, &i, &k, &v); n++) {
        size_t at = (size_t)((int *)v - values);

        CHECK(!seen[at] && str_eq(k, key_of(at, room)));
        seen[at] = true;
    }
    CHECK(n == 100);
}

static bool fill(void)
{
    struct map m CLEANUP(map_done) = MAP_INIT(100, 7);
    char room[24];

    for (size_t i = 0; i < 30; i++) {
        size_t count = m.count;

        if (map_add(&m, key_of(i, room), &values[i]) == ERR_OK)
            continue;
        CHECK(m.count == count && map_get(&m, key_of(i, room)) == NULL);
        return false;
    }
    return true;
}

TEST(no_memory_leaves_the_map_as_it_was)
{
    TEST_OOM(fill());
}
