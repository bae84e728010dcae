#include "data/conf.h"

#include "base/buf.h"
#include "test.h"

static struct why why;
static struct conf conf;

static const char text[] = "# all of it\n"
                           "server:\n"
                           "  listen: 127.0.0.1:8420\n"
                           "  name: \"null\"\n"
                           "  motd: |\n"
                           "    two\n"
                           "    lines\n"
                           "keys: [a, 'b: c', {n: 1}]\n"
                           "models:\n"
                           "  qwen2.5/7b: {ctx: 4k}\n"
                           "  empty: {}\n"
                           "none:\n"
                           "list: []\n"
                           "tilde: ~\n";

static const struct {
    const char *path, *value;
    enum conf_kind kind;
    unsigned line, column;
} want[] = {
    {"server.listen", "127.0.0.1:8420", CONF_PLAIN, 3, 11},
    {"server.name", "null", CONF_QUOTED, 4, 9},
    {"server.motd", "two\nlines\n", CONF_QUOTED, 5, 9},
    {"keys[0]", "a", CONF_PLAIN, 8, 8},
    {"keys[1]", "b: c", CONF_QUOTED, 8, 11},
    {"keys[2].n", "1", CONF_PLAIN, 8, 23},
    {"models.\"qwen2.5/7b\".ctx", "4k", CONF_PLAIN, 10, 21},
    {"models.empty", "", CONF_EMPTY_MAP, 11, 10},
    {"none", "", CONF_NULL, 12, 6},
    {"list", "", CONF_EMPTY_SEQ, 13, 7},
    {"tilde", "", CONF_NULL, 14, 8},
};

TEST(a_file_becomes_a_flat_list_with_positions)
{
    CHECK(conf_parse(&conf, str_c(text), "x.yaml", &why) == ERR_OK);
    CHECK(conf.count == COUNTOF(want));
    for (size_t i = 0; i < COUNTOF(want); i++) {
        const struct conf_item *it = &conf.items[i];

        if (it->line != want[i].line || it->column != want[i].column)
            print_error("%s: %u:%u\n", want[i].path, it->line, it->column);
        CHECK(str_eq(it->path, str_c(want[i].path)));
        CHECK(str_eq(it->value, str_c(want[i].value)));
        CHECK(it->kind == want[i].kind && it->line == want[i].line);
        CHECK(it->column == want[i].column);
        CHECK(conf_get(&conf, it->path) == it);
    }
    CHECK(conf_get(&conf, STR("server")) == NULL);
    conf_done(&conf);
}

static const struct {
    const char *text, *msg;
} wrong[] = {
    {"a: 1\nb: 2\na: 3\n", "f:3:1: \"a\" is given twice, first in line 1, "
                           "column 1"},
    {"s: {x: 1, x: 2}", "f:1:11: \"s.x\" is given twice, first in line 1, "
                        "column 5"},
    {"s:\n  x: 1\n\"s\":\n  y: 1\n", "f:3:1: \"s\" is given twice, first in "
                                     "line 1, column 1"},
    {"a: &x 1\nb: *x\n", "f:1:4: anchors and tags are not supported"},
    {"a: *x\n", "f:1:4: aliases are not supported"},
    {"a: !!int 1\n", "f:1:4: anchors and tags are not supported"},
    {"<<: {a: 1}\n", "f:1:1: merge keys are not supported"},
    {"- a\n", "f:1:1: expected \"key: value\", got a list"},
    {"just text\n", "f:1:1: expected \"key: value\""},
    {"? [a]\n: 1\n", "f:1:3: a key must be a plain text"},
    {"a: 1\n---\nb: 2\n", "f:2:1: more than one document"},
    {"a: [1\n", NULL},
    {"a: 1\n b: 2\n", NULL},
    {"\ta: 1\n", NULL},
    {"\"a\\\"b\": 1\n", "f:1:1: a key holds a character that is not allowed"},
    {"a: \xff\n", "f: not valid UTF-8"},
    {"a: \x01\n", NULL},
    {"a: {b: {c: {d: {e: {f: {g: {h: {i: {j: {k: {l: {m: {n: {o: {p: {q: 1"
     "}}}}}}}}}}}}}}}}",
     "f:1:64: nested more than 16 levels deep"},
};

TEST(surprises_and_mistakes_are_refused_with_their_place)
{
    for (size_t i = 0; i < COUNTOF(wrong); i++) {
        enum err e = conf_parse(&conf, str_c(wrong[i].text), "f", &why);

        if (e != ERR_CONFIG
            || (wrong[i].msg != NULL && strcmp(why.msg, wrong[i].msg) != 0))
            print_error("%s -> %s\n", wrong[i].text, why.msg);
        CHECK(e == ERR_CONFIG);
        CHECK(wrong[i].msg == NULL || strcmp(why.msg, wrong[i].msg) == 0);
        CHECK(conf.items == NULL && conf.count == 0);
    }
}

TEST(every_prefix_is_read_or_refused_with_a_message)
{
    for (size_t n = 0; n < sizeof(text); n++) {
        char *p CLEANUP(mem_freep) = mem_strndup(text, n);

        why = WHY_INIT;
        if (conf_parse(&conf, (struct str){p, n}, "f", &why) != ERR_OK)
            CHECK(why.msg[0] == 'f');
        conf_done(&conf);
    }
}

TEST(nothing_is_an_empty_configuration)
{
    static const char *const nothing[] = {"", "# only this\n", "---\n", "{}",
                                          "~"};

    for (size_t i = 0; i < COUNTOF(nothing); i++) {
        CHECK(conf_parse(&conf, str_c(nothing[i]), "f", &why) == ERR_OK);
        CHECK(conf.count == 0);
        conf_done(&conf);
    }
}

TEST(size_and_count_are_limited)
{
    struct buf b CLEANUP(buf_done) = BUF_INIT((size_t)2 << 20);

    for (int i = 0; i <= CONF_MAX_ITEMS; i++) {
        if (i == CONF_MAX_ITEMS) {
            CHECK(conf_parse(&conf, buf_str(&b), "f", &why) == ERR_OK);
            CHECK(conf.count == CONF_MAX_ITEMS);
            conf_done(&conf);
        }
        CHECK(buf_printf(&b, "k%d: 1\n", i) == ERR_OK);
    }
    CHECK(conf_parse(&conf, buf_str(&b), "f", &why) == ERR_LIMIT);
    while (b.len <= CONF_MAX_BYTES)
        CHECK(buf_add_c(&b, "# filling filling filling filling\n") == ERR_OK);
    CHECK(conf_parse(&conf, buf_str(&b), "f", &why) == ERR_LIMIT);
    CHECK(str_has(str_c(why.msg), STR("the limit is 1048576")));
}

TEST(paths_are_walked_step_by_step)
{
    struct str path = STR("models.\"qwen2.5/7b\".files[12].x"), key;
    long index;

    CHECK(conf_next_step(&path, &key, &index));
    CHECK(str_eq(key, STR("models")) && index == -1);
    CHECK(conf_next_step(&path, &key, &index));
    CHECK(str_eq(key, STR("qwen2.5/7b")) && index == -1);
    CHECK(conf_next_step(&path, &key, &index));
    CHECK(str_eq(key, STR("files")));
    CHECK(conf_next_step(&path, &key, &index) && index == 12);
    CHECK(conf_next_step(&path, &key, &index) && str_eq(key, STR("x")));
    CHECK(!conf_next_step(&path, &key, &index));
}

static bool parse_and_free(void)
{
    bool ok = conf_parse(&conf, str_c(text), "f", &why) == ERR_OK;

    conf_done(&conf);
    return ok;
}

TEST(no_memory_leaks_nothing)
{
    TEST_OOM(parse_and_free());
}
