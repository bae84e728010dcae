#include "base/arena.h"

#include "test.h"

TEST(allocations_are_zeroed_aligned_and_apart)
{
    struct arena a CLEANUP(arena_done) = ARENA_INIT(100000);
    char *last = NULL;

    for (size_t n = 0; n < 200; n++) {
        char *p = arena_alloc(&a, n);

        CHECK(p != NULL && p != last);
        CHECK((uintptr_t)p % _Alignof(max_align_t) == 0);
        for (size_t i = 0; i < n; i++)
            CHECK(p[i] == 0);
        memset(p, 0xaa, n);
        last = p;
    }
}

TEST(the_ceiling_holds_for_small_and_large)
{
    struct arena a CLEANUP(arena_done) = ARENA_INIT(10000);
    struct str s = STR("kept");
    static char big[20000];
    size_t n = 0;

    CHECK(arena_alloc(&a, 10001) == NULL && arena_alloc(&a, SIZE_MAX) == NULL);
    while (arena_alloc(&a, 100) != NULL)
        n++;
    CHECK(n > 60 && n <= 100 && a.used <= 10000);
    memset(big, 'x', sizeof(big) - 1);
    CHECK(arena_dup(&a, str_c(big), &s) == ERR_LIMIT);
    CHECK(arena_printf(&a, &s, "%s", big) == ERR_LIMIT);
    CHECK(str_eq(s, STR("kept")));
    arena_clear(&a);
    CHECK(a.used == 0 && arena_alloc(&a, 5000) != NULL);
}

TEST(an_arena_with_little_in_it_is_small)
{
    struct arena a CLEANUP(arena_done) = ARENA_INIT(100000);

    CHECK(arena_alloc(&a, 20) != NULL && a.used <= 512);
    for (int i = 0; i < 100; i++)
        CHECK(arena_alloc(&a, 500) != NULL);
    CHECK(a.used >= 50000 && a.used <= 60000);
}

TEST(texts_are_copied_with_a_nul)
{
    struct arena a CLEANUP(arena_done) = ARENA_INIT(10000);
    struct str s, e;

    CHECK(arena_dup(&a, STR("a\0b"), &s) == ERR_OK);
    CHECK(str_eq(s, STR("a\0b")) && s.p[3] == '\0');
    CHECK(arena_dup(&a, (struct str){NULL, 0}, &e) == ERR_OK && e.n == 0);
    CHECK(arena_printf(&a, &s, "%d%s", 4, "x") == ERR_OK);
    CHECK(str_eq(s, STR("4x")) && s.p[2] == '\0');
}

static char order[8];

static void note(void *ctx)
{
    order[strlen(order)] = *(const char *)ctx;
}

TEST(cleanups_run_once_in_reverse_order)
{
    struct arena a = ARENA_INIT(10000);
    char x[] = "12";

    memset(order, 0, sizeof(order));
    CHECK(arena_on_done(&a, note, &x[0]) == ERR_OK);
    CHECK(arena_on_done(&a, note, &x[1]) == ERR_OK);
    arena_clear(&a);
    CHECK(strcmp(order, "21") == 0);
    arena_done(&a);
    CHECK(strcmp(order, "21") == 0);
}

static bool use(void)
{
    struct arena a CLEANUP(arena_done) = ARENA_INIT(100000);
    struct str s;
    char x = 'x';

    memset(order, 0, sizeof(order));
    return arena_alloc(&a, 5000) != NULL
           && arena_on_done(&a, note, &x) == ERR_OK
           && arena_dup(&a, STR("abc"), &s) == ERR_OK
           && arena_printf(&a, &s, "%d", 7) == ERR_OK;
}

TEST(no_memory_leaks_nothing)
{
    TEST_OOM(use());
}
