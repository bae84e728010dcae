#include "config/options.h"

#include "test.h"

TEST(every_default_parses_and_prints_as_itself)
{
    struct options CLEANUP(options_done) o = {0};
    struct options_row row;
    size_t i;

    CHECK(options_init(&o, NULL) == ERR_OK);
    CHECK(o.serving_parallel == 8 && o.serving_shipped);
    CHECK(o.memory_budget == 0 && o.log_level == OPTIONS_LOG_INFO);
    for (i = 0; options_row(&o, i, &row); i++) {
        struct buf CLEANUP(buf_done) text = BUF_INIT(1000);

        CHECK(row.source == OPTIONS_DEFAULT);
        CHECK(options_value(&o, i, &text) == ERR_OK);
        CHECK(options_set(&o, row.name, buf_str(&text), OPTIONS_SET, NULL)
              == ERR_OK);
        CHECK(options_row(&o, i, &row) && row.source == OPTIONS_SET);
    }
    CHECK(i > 20);
}

TEST(no_two_rows_share_a_name_or_a_variable)
{
    struct options CLEANUP(options_done) o = {0};
    struct options_row a, b;

    CHECK(options_init(&o, NULL) == ERR_OK);
    for (size_t i = 0; options_row(&o, i, &a); i++) {
        CHECK(str_starts(a.env, STR("HEARTH_")) && a.help.n > 10);
        for (size_t j = i + 1; options_row(&o, j, &b); j++)
            CHECK(!str_eq(a.name, b.name) && !str_eq(a.env, b.env));
    }
}

TEST(an_unknown_name_is_answered_with_the_nearest)
{
    static const char *const cases[][2] = {
        {"server.lisen", "server.listen"},
        {"listen", "server.listen"},
        {"memory_budget", "memory.budget"},
        {"serving.thread", "serving.threads"},
    };
    struct options CLEANUP(options_done) o = {0};
    struct why why = WHY_INIT;

    CHECK(options_init(&o, NULL) == ERR_OK);
    for (size_t i = 0; i < COUNTOF(cases); i++) {
        CHECK(options_set(&o, str_c(cases[i][0]), STR("1"), OPTIONS_SET, &why)
              == ERR_CONFIG);
        CHECK(str_has(str_c(why.msg), str_c(cases[i][1])));
    }
    CHECK(options_set(&o, STR("zzzzzzzzzzzz"), STR("1"), OPTIONS_SET, &why)
          == ERR_CONFIG);
    CHECK(!str_has(str_c(why.msg), STR("did you mean")));
}

TEST(a_wrong_value_for_any_option_is_refused_and_changes_nothing)
{
    struct options CLEANUP(options_done) o = {0};
    struct options_row row;

    CHECK(options_init(&o, NULL) == ERR_OK);
    for (size_t i = 0; options_row(&o, i, &row); i++) {
        struct buf CLEANUP(buf_done) before = BUF_INIT(1000);
        struct buf CLEANUP(buf_done) after = BUF_INIT(1000);
        struct why why = WHY_INIT;

        CHECK(options_value(&o, i, &before) == ERR_OK);
        CHECK(options_set(&o, row.name, STR("\x01"), OPTIONS_SET, &why)
              == ERR_CONFIG);
        CHECK(str_starts(str_c(why.msg), row.name));
        CHECK(options_value(&o, i, &after) == ERR_OK);
        CHECK(str_eq(buf_str(&before), buf_str(&after)));
    }
}

TEST(a_model_entry_inherits_what_it_does_not_say)
{
    struct options CLEANUP(options_done) o = {0};

    CHECK(options_init(&o, NULL) == ERR_OK);
    CHECK(options_set_model(&o, 0, STR("id"), STR("a"), NULL) == ERR_RANGE);
    CHECK(options_add_model(&o, 3, NULL) == ERR_OK);
    CHECK(o.models[0].context == OPTIONS_INHERIT);
    CHECK(o.models[0].kind == OPTIONS_KIND_AUTO && !o.models[0].pin);
    CHECK(options_set_model(&o, 0, STR("context"), STR("4096"), NULL)
          == ERR_OK);
    CHECK(o.models[0].context == 4096);
    CHECK(options_set_model(&o, 0, STR("ttl"), STR("never"), NULL) == ERR_OK);
    CHECK(o.models[0].ttl == 0);
    CHECK(options_set_model(&o, 0, STR("contxt"), STR("1"), NULL)
          == ERR_CONFIG);
}

static bool whole_life(void)
{
    struct options CLEANUP(options_done) o = {0};

    return options_init(&o, NULL) == ERR_OK
           && options_set(&o, STR("server.hosts"), STR("a,b"), OPTIONS_SET,
                          NULL)
                  == ERR_OK
           && options_add_model(&o, 1, NULL) == ERR_OK
           && options_set_model(&o, 0, STR("id"), STR("m"), NULL) == ERR_OK;
}

TEST(a_lack_of_memory_is_an_error_and_leaks_nothing)
{
    TEST_OOM(whole_life());
}

TEST(the_reference_has_a_line_for_each_row)
{
    struct options CLEANUP(options_done) o = {0};
    struct buf CLEANUP(buf_done) doc = BUF_INIT(65536);
    struct options_row row;

    CHECK(options_init(&o, NULL) == ERR_OK);
    CHECK(options_doc(&doc) == ERR_OK);
    for (size_t i = 0; options_row(&o, i, &row); i++) {
        CHECK(str_has(buf_str(&doc), row.name));
        CHECK(str_has(buf_str(&doc), row.env));
    }
    CHECK(str_has(buf_str(&doc), STR("| error, warn, info, debug |")));
    CHECK(str_has(buf_str(&doc), STR("| `serving.load_stall` | duration | "
                                     "`60s` | 1s to 1h | ")));
}
