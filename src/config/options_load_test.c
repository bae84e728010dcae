#include "config/options_load.h"

#include "sys/fs.h"
#include "sys/fstree.h"
#include "test.h"

static enum err yaml(struct options *o, const char *text, struct why *why)
{
    CHECK(options_init(o, NULL) == ERR_OK);
    return options_read_yaml(o, str_c(text), "config.yaml", why);
}

TEST(a_file_sets_scalars_lists_and_models)
{
    struct options CLEANUP(options_done) o = {0};
    struct why why = WHY_INIT;

    CHECK(yaml(&o,
               "server:\n"
               "  listen: 127.0.0.1:9000\n"
               "  hosts: [desk, desk.lan]\n"
               "  origins: []\n"
               "memory: {budget: 6GiB}\n"
               "serving:\n"
               "models:\n"
               "  - path: a.gguf\n"
               "    aliases: [x, y]\n"
               "    ttl: never\n"
               "  - {id: b, path: ~/b.gguf, pin: on, aliases: z}\n",
               &why)
          == ERR_OK);
    CHECK(str_eq(o.server_listen, STR("127.0.0.1:9000")));
    CHECK(str_eq(o.server_hosts, STR("desk,desk.lan")));
    CHECK(o.memory_budget == UINT64_C(6) << 30);
    CHECK(o.model_count == 2);
    CHECK(str_eq(o.models[0].aliases, STR("x,y")) && o.models[0].ttl == 0);
    CHECK(str_eq(o.models[1].id, STR("b")) && o.models[1].pin);
    CHECK(str_eq(o.models[1].aliases, STR("z")));
    CHECK(options_resolve(&o, STR("/h"), STR("/u"), &why) == ERR_OK);
    CHECK(str_eq(o.storage_models, STR("/h/models")));
    CHECK(str_eq(o.models[0].path, STR("/h/models/a.gguf")));
    CHECK(str_eq(o.models[0].id, STR("a")));
    CHECK(str_eq(o.models[1].path, STR("/u/b.gguf")));
    CHECK(options_check(&o, &why) == ERR_OK);
}

TEST(a_mistake_in_the_file_is_named_with_line_and_column)
{
    static const char *const cases[][2] = {
        {"server:\n  listen: here\n", "config.yaml:2:11: server.listen: "},
        {"server:\n  lisen: 127.0.0.1:1\n",
         "config.yaml:2:10: unknown setting \"server.lisen\"; did you mean "
         "\"server.listen\"?"},
        {"\n\nmemory: {budget: lots}\n", "config.yaml:3:18: memory.budget: "},
        {"models:\n  - id: a\n    contxt: 5\n",
         "config.yaml:3:13: unknown setting \"contxt\"; did you mean "
         "\"context\"?"},
        {"models:\n  - a.gguf\n", "config.yaml:2:5: an entry of \"models\""},
        {"models:\n  a: b\n", "config.yaml:2:6: \"models\" is a list"},
        {"models: 5\n", "config.yaml:1:9: \"models\" is a list"},
        {"log:\n  level: []\n", "config.yaml:2:10: \"log.level\" is not a"},
        {"log:\n  level: [info]\n", "config.yaml:2:11: unknown setting"},
        {"server:\n  hosts: [\"a,b\"]\n", "config.yaml:2:11: an entry has"},
        {"just a text\n", "config.yaml:1:1: expected"},
        {"a: b: c\n", "config.yaml:1:"},
    };

    for (size_t i = 0; i < COUNTOF(cases); i++) {
        struct options CLEANUP(options_done) o = {0};
        struct why why = WHY_INIT;

        CHECK(yaml(&o, cases[i][0], &why) == ERR_CONFIG);
        if (!str_starts(str_c(why.msg), str_c(cases[i][1])))
            print_error("%s\n", why.msg);
        CHECK(str_starts(str_c(why.msg), str_c(cases[i][1])));
    }
}

TEST(an_empty_file_is_all_defaults)
{
    static const char *const cases[] = {"", "# nothing\n", "---\n", "{}\n"};

    for (size_t i = 0; i < COUNTOF(cases); i++) {
        struct options CLEANUP(options_done) o = {0};

        CHECK(yaml(&o, cases[i], NULL) == ERR_OK);
        CHECK(str_eq(o.server_listen, STR("127.0.0.1:8420")));
    }
}

TEST(later_sources_win)
{
    char level[] = "HEARTH_LOG=warn", loud[] = "HEARTH_LOG=loud";
    char listen[] = "HEARTH_LISTEN=127.0.0.1:2", other[] = "HEARTH_LISTENER=no";
    char *env[] = {level, listen, other, NULL};
    struct options CLEANUP(options_done) o = {0};
    struct why why = WHY_INIT;

    CHECK(
        yaml(&o, "server: {listen: '127.0.0.1:1'}\nlog: {level: debug}\n", &why)
        == ERR_OK);
    CHECK(options_read_env(&o, env, &why) == ERR_OK);
    CHECK(o.log_level == OPTIONS_LOG_WARN);
    CHECK(options_read_set(&o, STR("server.listen=127.0.0.1:3"), &why)
          == ERR_OK);
    CHECK(str_eq(o.server_listen, STR("127.0.0.1:3")));
    CHECK(options_read_set(&o, STR("server.listen"), &why) == ERR_CONFIG);
    env[0] = loud;
    CHECK(options_read_env(&o, env, &why) == ERR_CONFIG);
    CHECK(str_has(str_c(why.msg), STR("HEARTH_LOG")));
}

static enum err checked(const char *text, struct why *why)
{
    struct options CLEANUP(options_done) o = {0};

    CHECK(yaml(&o, text, why) == ERR_OK);
    CHECK(options_resolve(&o, STR("/h"), STR(""), why) == ERR_OK);
    return options_check(&o, why);
}

TEST(what_only_the_whole_shows_is_checked)
{
    static const char *const bad[][2] = {
        {"server: {listen: '0.0.0.0:80'}", "needs keys"},
        {"server: {listen: '[::]:80'}", "needs keys"},
        {"server: {origins: [example.com]}", "not an origin"},
        {"server: {origins: ['https://a/b']}", "not an origin"},
        {"serving: {context: 512}", "context_min"},
        {"models: [{id: a}]", "has no path"},
        {"models: [{path: a.gguf}, {path: b.gguf, id: a}]", "taken by"},
        {"models: [{path: a.gguf, aliases: [x]}, {path: x.gguf}]", "taken by"},
        {"models: [{path: a.gguf, id: 'a b'}]", "cannot be a name"},
        {"models: [{path: a.gguf, id: '../a?'}]", "cannot be a name"},
        {"models: [{path: .gguf}]", "cannot be a name"},
    };
    struct why why = WHY_INIT;

    for (size_t i = 0; i < COUNTOF(bad); i++) {
        CHECK(checked(bad[i][0], &why) == ERR_CONFIG);
        if (!str_has(str_c(why.msg), str_c(bad[i][1])))
            print_error("%s\n", why.msg);
        CHECK(str_has(str_c(why.msg), str_c(bad[i][1])));
    }
    CHECK(checked("server: {listen: '[::1]:0', origins: ['http://a:1']}", &why)
          == ERR_OK);
}

TEST(a_missing_default_file_is_fine_and_a_missing_named_one_is_not)
{
    char dir[FS_PATH_MAX], file[FS_PATH_MAX];
    struct options o = {0};
    struct options_sources from = {.user_home = STR_EMPTY};
    struct why why = WHY_INIT;

    CHECK(fs_mkdir_temp("/tmp", "options", dir, NULL) == ERR_OK);
    CHECK(fs_join(dir, "config.yaml", file) == ERR_OK);
    from.home = from.config_dir = str_c(dir);
    CHECK(options_load(&o, &from, &why) == ERR_OK);
    CHECK(o.file.n == 0);
    options_done(&o);
    from.file = file;
    CHECK(options_load(&o, &from, &why) == ERR_CONFIG);
    CHECK(o.arena.blocks == NULL && o.sources == NULL);
    CHECK(fs_write_atomic(file, STR("log: {level: warn}\n"), 0600, NULL)
          == ERR_OK);
    from.file = NULL;
    CHECK(options_load(&o, &from, &why) == ERR_OK);
    CHECK(o.log_level == OPTIONS_LOG_WARN && str_eq(o.file, str_c(file)));
    options_done(&o);
    CHECK(fstree_remove(dir, &(struct fstree_bounds){10, 0, 2}, NULL)
          == ERR_OK);
}

static bool whole_load(void)
{
    struct options CLEANUP(options_done) o = {0};
    const struct str set = STR("server.hosts=a,b");
    struct options_sources from = {.config_dir = STR("/nonexistent"),
                                   .home = STR("/h"),
                                   .user_home = STR("/u"),
                                   .sets = &set,
                                   .set_count = 1};

    return options_load(&o, &from, NULL) == ERR_OK;
}

TEST(loading_survives_every_failed_allocation)
{
    TEST_OOM(whole_load());
}
