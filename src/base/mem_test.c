#include "base/mem.h"

#include "test.h"

TEST(memory_is_zeroed_or_copied_as_promised)
{
    unsigned char *p CLEANUP(mem_freep) = mem_zalloc(100);
    unsigned *q CLEANUP(mem_freep) = mem_calloc(10, sizeof(*q));
    char *s CLEANUP(mem_freep) = mem_strndup("abcdef", 3);
    char *e CLEANUP(mem_freep) = mem_strndup(NULL, 0);

    CHECK(p != NULL && q != NULL && s != NULL && e != NULL);
    for (size_t i = 0; i < 100; i++)
        CHECK(p[i] == 0);
    CHECK(q[0] == 0 && q[9] == 0);
    CHECK(memcmp(s, "abc", 4) == 0 && e[0] == '\0');
}

TEST(sizes_that_overflow_are_refused)
{
    CHECK(mem_calloc(SIZE_MAX / 2, 3) == NULL);
    CHECK(mem_strndup("x", SIZE_MAX) == NULL);
}

TEST(nothing_is_a_block_too)
{
    void *p = mem_alloc(0);
    void *q = mem_resize(NULL, 0);

    CHECK(p != NULL && q != NULL);
    mem_free(p);
    mem_free(q);
    mem_free(NULL);
}

TEST(live_blocks_are_counted_through_resizes)
{
    size_t before = mem_live();
    void *p = mem_alloc(10);
    void *q = mem_resize(p, 1000);

    CHECK(q != NULL && mem_live() == before + 1);
    mem_freep(&q);
    CHECK(q == NULL && mem_live() == before);
}

TEST(the_nth_allocation_fails_once_or_from_there_on)
{
    void *p[4] = {NULL};

    for (int sticky = 0; sticky <= 1; sticky++) {
        (void)mem_fault_arm(2, sticky != 0);
        for (int i = 0; i < 4; i++)
            p[i] = mem_alloc(1);
        CHECK(mem_fault_arm(0, false) == 4);
        CHECK(p[0] != NULL && p[1] == NULL);
        CHECK((p[2] == NULL) == (sticky != 0));
        for (int i = 0; i < 4; i++)
            mem_free(p[i]);
    }
}

TEST(a_failed_resize_keeps_the_block)
{
    char *p CLEANUP(mem_freep) = mem_strndup("abc", 3);

    (void)mem_fault_arm(1, false);
    CHECK(mem_resize(p, 100) == NULL);
    (void)mem_fault_arm(0, false);
    CHECK(strcmp(p, "abc") == 0);
}
