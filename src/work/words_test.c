/* Names that events, the database and requests depend on. */
#include "work/words.h"

#include "test.h"

TEST(the_names_of_kinds_checks_verdicts_and_languages_are_these)
{
    static const char *const kinds[] = {"quick", "standard", "complex",
                                        "critical"};
    static const char *const checks[] = {"syntax", "compile", "load", "tests"};
    static const char *const verdicts[] = {
        "verified", "checked",  "unproved", "failed",   "cancelled",
        "error",    "approved", "edited",   "rejected", "skipped"};
    static const char *const langs[] = {"python", "javascript", "c"};

    /* They are in databases: a new one may come, an old one may not change. */
    for (size_t i = 0; i < COUNTOF(kinds); i++)
        CHECK(strcmp(kind_name((enum kind)i), kinds[i]) == 0);
    for (size_t i = 0; i < COUNTOF(checks); i++)
        CHECK(strcmp(check_id_name((enum check_id)i), checks[i]) == 0);
    for (size_t i = 0; i < COUNTOF(verdicts); i++)
        CHECK(strcmp(verdict_name((enum verdict)i), verdicts[i]) == 0);
    for (size_t i = 0; i < COUNTOF(langs); i++)
        CHECK(strcmp(lang_name((enum lang)i), langs[i]) == 0);
    CHECK(strcmp(kind_text(KIND_QUICK), "Quick edit") == 0);
}

TEST(every_name_is_read_back_as_what_it_names)
{
    for (int i = 0; i < KIND_COUNT; i++) {
        enum kind k = KIND_COUNT;

        CHECK(kind_parse(str_c(kind_name((enum kind)i)), &k) && (int)k == i);
    }
    for (int i = 0; i < CHECK_COUNT; i++) {
        enum check_id c = CHECK_COUNT;

        CHECK(check_id_parse(str_c(check_id_name((enum check_id)i)), &c)
              && (int)c == i);
    }
    for (int i = 0; i < VERDICT_COUNT; i++) {
        enum verdict v = VERDICT_COUNT;

        CHECK(verdict_parse(str_c(verdict_name((enum verdict)i)), &v)
              && (int)v == i);
    }
    for (int i = 0; i < LANG_COUNT; i++) {
        enum lang l = LANG_COUNT;

        CHECK(lang_parse(str_c(lang_name((enum lang)i)), &l) && (int)l == i);
    }
}

TEST(an_unknown_name_is_refused_and_changes_nothing)
{
    static const char *const wrong[] = {"",       "?",      "quic",
                                        "quickx", "quick ", " quick"};
    enum kind k = KIND_COMPLEX;
    enum check_id c = CHECK_LOAD;
    enum verdict v = VERDICT_EDITED;
    enum lang l = LANG_C;

    for (size_t i = 0; i < COUNTOF(wrong); i++) {
        CHECK(!kind_parse(str_c(wrong[i]), &k) && k == KIND_COMPLEX);
        CHECK(!check_id_parse(str_c(wrong[i]), &c) && c == CHECK_LOAD);
        CHECK(!verdict_parse(str_c(wrong[i]), &v) && v == VERDICT_EDITED);
        CHECK(!lang_parse(str_c(wrong[i]), &l) && l == LANG_C);
    }
    CHECK(!kind_parse(STR("quick\0"), &k));
}

TEST(what_is_out_of_range_has_a_question_mark_for_a_name)
{
    CHECK(strcmp(kind_name(KIND_COUNT), "?") == 0);
    CHECK(strcmp(kind_text(KIND_COUNT), "?") == 0);
    CHECK(strcmp(check_id_name(CHECK_COUNT), "?") == 0);
    CHECK(strcmp(verdict_name(VERDICT_COUNT), "?") == 0);
    CHECK(strcmp(lang_name(LANG_COUNT), "?") == 0);
    CHECK(strcmp(lang_file(LANG_COUNT), "?") == 0);
    CHECK(strcmp(kind_name((enum kind)99), "?") == 0);
    CHECK(lang_defines(LANG_COUNT).n == 0);
}

TEST(the_ranges_of_kinds_have_no_gaps)
{
    static const enum kind want[] = {
        KIND_QUICK,    KIND_QUICK,    KIND_QUICK,   KIND_STANDARD,
        KIND_STANDARD, KIND_STANDARD, KIND_COMPLEX, KIND_COMPLEX,
        KIND_COMPLEX,  KIND_CRITICAL, KIND_CRITICAL};

    for (unsigned c = 0; c < COUNTOF(want); c++)
        CHECK(kind_of_complexity(c) == want[c]);
    CHECK(kind_of_complexity(11) == KIND_CRITICAL);
    CHECK(kind_of_complexity(UINT32_MAX) == KIND_CRITICAL);
}

TEST(complexity_is_moved_to_the_nearest_end_of_the_range)
{
    CHECK(kind_clamp(KIND_QUICK, 0) == 0 && kind_clamp(KIND_QUICK, 9) == 2);
    CHECK(kind_clamp(KIND_STANDARD, 0) == 3);
    CHECK(kind_clamp(KIND_STANDARD, 4) == 4);
    CHECK(kind_clamp(KIND_STANDARD, 6) == 5);
    CHECK(kind_clamp(KIND_COMPLEX, 1) == 6
          && kind_clamp(KIND_COMPLEX, 99) == 8);
    CHECK(kind_clamp(KIND_CRITICAL, 0) == 9);
    CHECK(kind_clamp(KIND_CRITICAL, 11) == 10);
}

TEST(complex_and_critical_tasks_need_a_person)
{
    CHECK(!kind_needs_person(KIND_QUICK) && !kind_needs_person(KIND_STANDARD));
    CHECK(kind_needs_person(KIND_COMPLEX) && kind_needs_person(KIND_CRITICAL));
    CHECK(kind_needs_person(KIND_COUNT)); /* the safe answer */
}

TEST(tags_of_fences_are_known_in_any_case)
{
    CHECK(lang_has_tag(LANG_PYTHON, STR("python")));
    CHECK(lang_has_tag(LANG_PYTHON, STR("Py")));
    CHECK(lang_has_tag(LANG_PYTHON, STR("PYTHON3")));
    CHECK(lang_has_tag(LANG_JAVASCRIPT, STR("js")));
    CHECK(lang_has_tag(LANG_JAVASCRIPT, STR("javascript")));
    CHECK(lang_has_tag(LANG_C, STR("C")));
    CHECK(!lang_has_tag(LANG_C, STR("c++"))
          && !lang_has_tag(LANG_C, STR("cpp")));
    CHECK(!lang_has_tag(LANG_PYTHON, STR("js")));
    CHECK(!lang_has_tag(LANG_PYTHON, STR("pyt")));
    CHECK(!lang_has_tag(LANG_PYTHON, STR("py python")));
    CHECK(!lang_has_tag(LANG_PYTHON, STR_EMPTY));
    CHECK(!lang_has_tag(LANG_COUNT, STR("python")));
}

TEST(a_word_is_found_whole_in_a_list)
{
    CHECK(words_has(STR("def class"), STR("def")));
    CHECK(words_has(STR("def class"), STR("CLASS")));
    CHECK(!words_has(STR("def class"), STR("de")));
    CHECK(!words_has(STR("def class"), STR("def class")));
    CHECK(!words_has(STR_EMPTY, STR("def")));
    CHECK(!words_has(STR("def class"), STR_EMPTY));
}

TEST(answers_are_files_with_the_ending_of_their_language)
{
    CHECK(str_ends(str_c(lang_file(LANG_PYTHON)), STR(".py")));
    CHECK(str_ends(str_c(lang_file(LANG_JAVASCRIPT)), STR(".js")));
    CHECK(str_ends(str_c(lang_file(LANG_C)), STR(".c")));
    CHECK(words_has(lang_defines(LANG_PYTHON), STR("def")));
    CHECK(words_has(lang_defines(LANG_JAVASCRIPT), STR("function")));
}

static bool doc_is_whole(void)
{
    CLEANUP(buf_done) struct buf out = BUF_INIT(1 << 16);
    enum err e = words_doc(&out);

    return e == ERR_OK && str_has(buf_str(&out), STR("`quick`"))
           && str_has(buf_str(&out), STR("9-10"))
           && str_has(buf_str(&out), STR("`syntax`"))
           && str_has(buf_str(&out), STR("`skipped`"));
}

TEST(the_documentation_has_every_table)
{
    CHECK(doc_is_whole());
    TEST_OOM(doc_is_whole());
}
