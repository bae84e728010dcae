#include "runner/splits.h"

#include "test.h"

static size_t count(const char *path, struct arena *a, const char *const **list)
{
    size_t n = 0;
    CHECK(splits_list(path, a, list, &n) == ERR_OK);
    return n;
}

TEST(a_model_in_one_file_is_that_file)
{
    struct arena a = ARENA_INIT(1 << 16);
    const char *const *list;
    CHECK(count("/m/model.gguf", &a, &list) == 1);
    CHECK(str_eq(str_c(list[0]), STR("/m/model.gguf")));
    CHECK(count("-00001-of-00003.gguf", &a, &list) == 1);
    CHECK(count("/m/x-00002-of-00003.gguf", &a, &list) == 1);
    CHECK(count("/m/x-00001-of-0000x.gguf", &a, &list) == 1);
    CHECK(count("/m/x-00001-of-99999.gguf", &a, &list) == 1);
    arena_done(&a);
}

TEST(the_first_part_names_the_others)
{
    struct arena a = ARENA_INIT(1 << 16);
    const char *const *list;
    CHECK(count("/m/x-00001-of-00012.gguf", &a, &list) == 12);
    CHECK(str_eq(str_c(list[0]), STR("/m/x-00001-of-00012.gguf")));
    CHECK(str_eq(str_c(list[11]), STR("/m/x-00012-of-00012.gguf")));
    arena_done(&a);
}

static bool list_three(void)
{
    struct arena a = ARENA_INIT(1 << 16);
    const char *const *list;
    size_t n;
    bool ok = splits_list("/m/x-00001-of-00003.gguf", &a, &list, &n) == ERR_OK;
    arena_done(&a);
    return ok;
}

TEST(without_memory_there_is_no_list)
{
    TEST_OOM(list_three());
}
