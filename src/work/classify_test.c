/* The classifier against prompts labelled by people, and its hard rules. */
#include "work/classify.h"

#include "base/buf.h"
#include "sys/fs.h"
#include "test.h"

static struct classify of_text(const char *text)
{
    struct classify c;

    memset(&c, 0xee, sizeof(c));
    classify(str_c(text), &c);
    return c;
}

static void expect(enum kind want, const char *const *texts, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        enum kind got = of_text(texts[i]).kind;

        if (got != want)
            print_error("%s, wanted %s: %s\n", kind_name(got), kind_name(want),
                        texts[i]);
        CHECK(got == want);
    }
}

#define EXPECT(kind, ...)                                                      \
    do {                                                                       \
        static const char *const texts_[] = {__VA_ARGS__};                     \
        expect(kind, texts_, COUNTOF(texts_));                                 \
    } while (0)

static bool has_reason(const struct classify *c, const char *part)
{
    for (size_t i = 0; i < c->n_reasons; i++)
        if (str_has(str_c(c->reasons[i]), str_c(part)))
            return true;
    return false;
}

/* ---- labelled prompts --------------------------------------------------------- */

struct tally {
    unsigned total, right, critical_missed;
    unsigned of[KIND_COUNT], right_of[KIND_COUNT];
    unsigned ru, ru_right;
};

static void count_line(struct str line, struct str set, struct tally *t)
{
    struct str of_set = str_cut(&line, '\t'), label = str_cut(&line, '\t'),
               lang = str_cut(&line, '\t');
    enum kind want = KIND_QUICK;
    struct classify c;

    if (!str_eq(of_set, set))
        return;
    CHECK(kind_parse(label, &want));
    CHECK(line.n != 0 && lang.n != 0);
    classify(line, &c);
    t->total++;
    t->of[want]++;
    t->ru += str_eq(lang, STR("ru"));
    CHECK(c.unsure == (c.n_reasons == 0));
    CHECK(kind_of_complexity(c.complexity) == c.kind);
    if (c.kind == want) {
        t->right++;
        t->right_of[want]++;
        t->ru_right += str_eq(lang, STR("ru"));
        return;
    }
    t->critical_missed += want == KIND_CRITICAL;
    print_message("  %s, labelled %.*s: %.*s\n", kind_name(c.kind),
                  STR_ARG(label), STR_ARG(line));
}

static struct tally count_set(struct str set)
{
    CLEANUP(buf_done) struct buf file = BUF_INIT(1 << 20);
    struct tally t = {0};
    struct str rest, line;

    CHECK(fs_read("tests/tasks/prompts.tsv", &file, NULL) == ERR_OK);
    rest = buf_str(&file);
    while (str_line(&rest, &line))
        if (line.n != 0 && line.p[0] != '#')
            count_line(line, set, &t);
    for (int k = 0; k < KIND_COUNT; k++)
        print_message("%-9s %u of %u\n", kind_name((enum kind)k), t.right_of[k],
                      t.of[k]);
    print_message("Russian   %u of %u\n%.*s: %u of %u, %.1f %%\n", t.ru_right,
                  t.ru, STR_ARG(set), t.right, t.total,
                  100.0 * t.right / t.total);
    return t;
}

TEST(four_of_five_prompts_that_the_rules_were_made_with_get_their_kind)
{
    struct tally t = count_set(STR("dev"));

    CHECK(t.total >= 140);
    CHECK(t.right * 100 >= t.total * 80 && t.ru_right * 100 >= t.ru * 80);
    for (int k = 0; k < KIND_COUNT; k++) {
        CHECK(t.of[k] >= 35);
        CHECK(t.right_of[k] * 100 >= t.of[k] * 60);
    }
    /* to miss these costs most */
    CHECK(t.critical_missed * 100 <= t.of[KIND_CRITICAL] * 15);
}

/* The honest figure: 63 % when they were written. Most misses take a quick
 * edit for a standard task, which costs time and not safety. */
TEST(prompts_that_the_rules_never_saw_do_not_get_worse)
{
    struct tally t = count_set(STR("held"));

    CHECK(t.total >= 60);
    CHECK(t.right * 100 >= t.total * 60);
}

/* ---- hard rules ------------------------------------------------------------------ */

TEST(critical_subjects_win_over_all_other_words)
{
    EXPECT(KIND_CRITICAL, "fix a typo in the password check",
           "rename the variable in the payment handler",
           "design the architecture of the authentication service",
           "just a tiny one line change: delete from users",
           "исправь опечатку в проверке пароля",
           "переименуй переменную в обработчике платежей",
           "спроектируй микросервис авторизации",
           "поменяй одну строку в миграции базы данных");
}

TEST(each_critical_subject_is_known_in_both_languages)
{
    EXPECT(KIND_CRITICAL, "write a function that checks the login",
           "напиши функцию, которая проверяет логин",
           "implement authorization for this handler",
           "реализуй авторизацию в этом обработчике",
           "write a function that encrypts a file",
           "напиши функцию шифрования файла", "add a payment by card",
           "добавь оплату картой", "write a database migration",
           "напиши миграцию базы", "write a script with rm -rf /var/old",
           "напиши скрипт с rm -rf /var/old", "DROP TABLE users",
           "сделай DROP TABLE users", "git push --force to main");
}

TEST(words_that_only_look_critical_are_not)
{
    EXPECT(KIND_STANDARD, "write a function that counts the authors of books",
           "write a function that splits a string into tokens",
           "write a function that sums the payload sizes",
           "write a function that counts migrating birds by month",
           "напиши функцию, которая считает авторов книг",
           "напиши функцию, которая сортирует картины по году");
}

TEST(letter_case_yo_and_punctuation_make_no_difference)
{
    EXPECT(KIND_CRITICAL, "Encrypt the FILE!", "\"encrypt\", please",
           "ШИФРОВАНИЕ файла", "сделай (шифрование)", "двухфакторная проверка",
           "Счёт клиента: добавь поле", "счет клиента: добавь поле");
    EXPECT(KIND_QUICK, "REnAME x to y", "ПЕРЕИМЕНУЙ x в y");
}

TEST(a_phrase_is_found_across_the_end_of_a_line)
{
    EXPECT(KIND_CRITICAL, "write a function, then drop\ntable users",
           "write a function, then drop \r\n\t table users");
}

TEST(a_word_is_matched_from_its_beginning_and_whole_words_whole)
{
    EXPECT(KIND_STANDARD, "write a caesar function", /* aes */
           "compute the universal");                 /* rsa */
    EXPECT(KIND_CRITICAL, "use aes here", "encrypting it");
}

/* ---- what is not read -------------------------------------------------------------- */

TEST(code_inside_fences_is_not_read)
{
    EXPECT(KIND_STANDARD,
           "write a function like this\n```python\ndef login(password): "
           "pass\n```\nthat returns a number",
           "напиши функцию как эта\n```\nDROP TABLE users\n```\n");
    EXPECT(KIND_CRITICAL,
           "write a function\n```\nx = 1\n```\nthat checks a password");
}

TEST(a_fence_opened_and_closed_on_one_line_hides_nothing_after_it)
{
    EXPECT(KIND_CRITICAL,
           "```x = 1```\nwrite a function that checks a password");
}

/* Fills `b` with `head`, then `word` again and again, then `tail`. */
static void fill(struct buf *b, const char *head, const char *word,
                 size_t bytes, const char *tail)
{
    CHECK(buf_add_c(b, head) == ERR_OK);
    while (b->len < bytes)
        CHECK(buf_add_c(b, word) == ERR_OK);
    CHECK(buf_add_c(b, tail) == ERR_OK);
}

TEST(of_a_long_text_the_beginning_and_the_end_are_read)
{
    static const struct {
        const char *head, *tail;
        enum kind kind;
    } cases[] = {
        {"write a function. ", "", KIND_STANDARD},
        {"write a password check. ", "", KIND_CRITICAL},
        {"write a function. ", "\nmind the password", KIND_CRITICAL},
    };

    for (size_t i = 0; i < COUNTOF(cases); i++) {
        CLEANUP(buf_done) struct buf b = BUF_INIT(1 << 20);
        struct classify c;

        fill(&b, cases[i].head, "lorem ipsum dolor sit.\n", 200000,
             cases[i].tail);
        classify(buf_str(&b), &c);
        CHECK(c.kind == cases[i].kind);
    }
}

TEST(a_fence_that_is_open_across_the_unread_middle_stays_a_fence)
{
    CLEANUP(buf_done) struct buf b = BUF_INIT(1 << 20);
    struct classify c;

    fill(&b, "write a function like\n```python\n", "x = login(password)\n",
         9000, "```\n");
    classify(buf_str(&b), &c);
    CHECK(c.kind == KIND_STANDARD);
    CHECK(buf_add_c(&b, "it must encrypt the file") == ERR_OK);
    classify(buf_str(&b), &c);
    CHECK(c.kind == KIND_CRITICAL);
}

TEST(critical_words_at_the_end_of_many_short_words_are_read)
{
    CLEANUP(buf_done) struct buf b = BUF_INIT(1 << 20);
    struct classify c;

    fill(&b, "write a function ", "a b c d e f g h\n", 4000,
         "that checks the password");
    classify(buf_str(&b), &c);
    CHECK(c.kind == KIND_CRITICAL);
}

TEST(bytes_that_are_no_text_do_no_harm)
{
    char bytes[6000];
    struct classify c;

    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (char)(i * 37 + i / 251);
    for (size_t n = 0; n <= sizeof(bytes); n += n < 70 ? 1 : 997) {
        classify((struct str){bytes, n}, &c);
        CHECK(c.kind < KIND_COUNT && c.n_reasons <= CLASSIFY_REASONS);
    }
    classify(STR("\xff\xfe fix the password \xc3"), &c);
    CHECK(c.kind == KIND_CRITICAL);
}

/* ---- what it says ------------------------------------------------------------------- */

TEST(no_rule_means_unsure_and_standard)
{
    static const char *const texts[] = {"", "   \n", "hm?", "ну и как",
                                        "```\npassword\n```"};

    for (size_t i = 0; i < COUNTOF(texts); i++) {
        struct classify c = of_text(texts[i]);

        CHECK(c.unsure && c.kind == KIND_STANDARD && c.n_reasons == 0);
        CHECK(kind_of_complexity(c.complexity) == KIND_STANDARD);
    }
    CHECK(!of_text("write a function").unsure);
    CHECK(!of_text("rename x to y").unsure);
}

TEST(the_reasons_name_the_rules_that_fired)
{
    struct classify c = of_text("fix the typo in the login form");

    CHECK(c.n_reasons >= 2);
    CHECK(has_reason(&c, "authentication") && has_reason(&c, "slip"));
    CHECK(!has_reason(&c, "money") && !has_reason(&c, "architecture"));
    c = of_text("добавь оплату");
    CHECK(has_reason(&c, "money"));
}

TEST(reasons_are_bounded_and_a_critical_one_is_among_them)
{
    struct classify c = of_text(
        "password encrypt payment database migration drop table in production "
        "sql injection architecture microservice whole codebase deadlock etl "
        "typo rename docstring bump reformat explain one line write fix "
        "unit test refactor endpoint and then");

    CHECK(c.n_reasons == CLASSIFY_REASONS);
    CHECK(c.kind == KIND_CRITICAL && has_reason(&c, "authentication"));
}

TEST(a_rule_counts_once_however_often_its_words_occur)
{
    struct classify once = of_text("write a login");
    struct classify often = of_text("write a login login login password jwt");

    CHECK(once.n_reasons == often.n_reasons);
    CHECK(once.complexity == often.complexity);
}

TEST(complexity_grows_with_what_is_asked_and_stays_in_the_range_of_the_kind)
{
    struct classify small = of_text("write a function"),
                    steps = of_text("write a rest api endpoint and then "
                                    "several files with tests");
    struct classify one = of_text("design the architecture"),
                    two = of_text("design the architecture of a distributed "
                                  "system with a network protocol");

    CHECK(small.kind == KIND_STANDARD && steps.kind == KIND_STANDARD);
    CHECK(steps.complexity > small.complexity);
    CHECK(one.kind == KIND_COMPLEX && two.kind == KIND_COMPLEX);
    CHECK(two.complexity >= one.complexity && two.complexity <= 8);
    CHECK(of_text("password encrypt payment drop table").complexity == 10);
    CHECK(of_text("fix the typo, one line, rename, explain").complexity == 0);
}
