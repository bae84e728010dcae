#include "data/text_pos.h"

#include "test.h"

TEST(lines_and_columns_count_from_one_in_bytes)
{
    struct str text = STR("ab\n\ncd\n");
    static const size_t want[][2] = {{1, 1}, {1, 2}, {1, 3}, {2, 1},
                                     {3, 1}, {3, 2}, {3, 3}, {4, 1}};

    for (size_t at = 0; at <= text.n; at++) {
        struct text_pos pos = text_pos_of(text, at);

        CHECK(pos.line == want[at][0] && pos.column == want[at][1]);
    }
    CHECK(text_pos_of((struct str){NULL, 0}, 5).column == 1);
}

TEST(a_failure_names_the_place)
{
    struct why why = WHY_INIT;

    CHECK(text_pos_fail(STR("a\nb"), 2, &why, "X", "no") == ERR_PARSE);
    CHECK(strcmp(why.msg, "invalid X at byte 2 (line 2, column 1): no") == 0);
    CHECK(text_pos_fail(STR("a"), 0, NULL, "X", "no") == ERR_PARSE);
}
