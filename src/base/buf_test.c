#include "base/buf.h"

#include "test.h"

TEST(what_is_added_stands_there_with_a_nul_after_it)
{
    struct buf b CLEANUP(buf_done) = BUF_INIT(100);

    CHECK(str_eq(buf_str(&b), STR("")));
    CHECK(buf_add(&b, STR("ab\0c")) == ERR_OK);
    CHECK(buf_add_c(&b, "de") == ERR_OK && buf_add_c(&b, NULL) == ERR_OK);
    CHECK(buf_add_byte(&b, 'f') == ERR_OK);
    CHECK(buf_printf(&b, "%d-%s", 42, "x") == ERR_OK);
    CHECK(str_eq(buf_str(&b), STR("ab\0cdef42-x")));
    CHECK(b.data[b.len] == '\0');
}

TEST(the_ceiling_is_exact_and_a_refused_add_changes_nothing)
{
    struct buf b CLEANUP(buf_done) = BUF_INIT(5);

    CHECK(buf_add(&b, STR("abcdef")) == ERR_LIMIT && b.len == 0);
    CHECK(buf_add(&b, STR("abcde")) == ERR_OK);
    CHECK(buf_add_byte(&b, 'f') == ERR_LIMIT);
    CHECK(buf_printf(&b, "%d", 7) == ERR_LIMIT);
    CHECK(buf_reserve(&b, SIZE_MAX) == ERR_LIMIT);
    CHECK(strcmp(b.data, "abcde") == 0);
}

TEST(sizes_near_the_end_of_the_address_space_are_refused)
{
    struct buf b CLEANUP(buf_done) = BUF_INIT(SIZE_MAX);

    CHECK(buf_add_c(&b, "x") == ERR_OK);
    CHECK(buf_reserve(&b, SIZE_MAX - 1) == ERR_LIMIT);
    CHECK(strcmp(b.data, "x") == 0);
}

TEST(no_more_memory_is_taken_than_the_ceiling_needs)
{
    struct buf b CLEANUP(buf_done) = BUF_INIT(1000);

    while (b.len < 1000)
        CHECK(buf_add_byte(&b, 'x') == ERR_OK);
    CHECK(b.cap <= 1001);
}

TEST(a_consumed_prefix_is_dropped)
{
    struct buf b CLEANUP(buf_done) = BUF_INIT(100);

    buf_drop(&b, 0);
    CHECK(buf_add_c(&b, "abcdef") == ERR_OK);
    buf_drop(&b, 0);
    buf_drop(&b, 4);
    CHECK(strcmp(b.data, "ef") == 0 && b.len == 2);
    buf_drop(&b, 2);
    CHECK(b.len == 0 && b.data[0] == '\0');
}

TEST(clear_empties_and_done_frees)
{
    struct buf b = BUF_INIT(100);

    CHECK(buf_add_c(&b, "abc") == ERR_OK);
    buf_clear(&b);
    CHECK(b.len == 0 && b.data[0] == '\0' && b.cap != 0);
    buf_done(&b);
    CHECK(b.data == NULL && b.max == 100);
    buf_done(&b);
    buf_clear(&b);
}

static bool add_many(void)
{
    struct buf b CLEANUP(buf_done) = BUF_INIT(1000);

    for (int i = 0; i < 100; i++) {
        size_t len = b.len;

        if (buf_printf(&b, "%d,", i) == ERR_OK)
            continue;
        CHECK(b.len == len);
        return false;
    }
    return true;
}

TEST(no_memory_leaves_the_contents)
{
    TEST_OOM(add_many());
}
