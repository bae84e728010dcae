#include "sys/paths.h"

#include <sys/stat.h>
#include <sys/un.h>

#include "base/str.h"
#include "fake/scratch.h"
#include "sys/fs.h"
#include "sys/process.h"
#include "test.h"

static bool is(const char *a, const char *b)
{
    return strcmp(a, b) == 0;
}

TEST(one_variable_moves_everything)
{
    struct paths_env env = {.hearth_home = "/srv/h", .home = "/home/u"};
    struct paths p;

    CHECK(paths_from(&env, &p, NULL) == ERR_OK);
    CHECK(is(p.config, "/srv/h") && is(p.state, "/srv/h"));
    CHECK(is(p.cache, "/srv/h/cache") && is(p.run, "/srv/h/run"));
}

TEST(without_it_the_xdg_directories_are_used)
{
    struct paths_env env = {.home = "/home/u",
                            .xdg_state = "/var/u",
                            .xdg_cache = "relative/is/ignored",
                            .xdg_run = "/run/user/7"};
    struct paths p;

    CHECK(paths_from(&env, &p, NULL) == ERR_OK);
    CHECK(is(p.config, "/home/u/.config/hearth"));
    CHECK(is(p.state, "/var/u/hearth"));
    CHECK(is(p.cache, "/home/u/.cache/hearth"));
    CHECK(is(p.run, "/run/user/7/hearth"));
    env.xdg_run = "";
    CHECK(paths_from(&env, &p, NULL) == ERR_OK);
    CHECK(is(p.run, "/var/u/hearth/run"));
}

TEST(no_home_or_a_relative_one_is_refused)
{
    struct paths_env none = {0}, relative = {.hearth_home = "here"};
    struct paths p = {.run = "before"};

    CHECK(paths_from(&none, &p, NULL) == ERR_CONFIG);
    CHECK(paths_from(&relative, &p, NULL) == ERR_CONFIG);
    CHECK(is(p.run, "before"));
}

TEST(a_socket_fits_below_run_however_long_the_home_is)
{
    struct paths_env env = {.uid = 7};
    struct sockaddr_un address;
    char home[300] = "/";
    struct paths p, q;

    memset(home + 1, 'h', sizeof(home) - 2);
    env.hearth_home = home;
    CHECK(paths_from(&env, &p, NULL) == ERR_OK);
    CHECK(str_starts(str_c(p.run), STR("/tmp/hearth-7-")));
    CHECK(strlen(p.run) + 1 + PATHS_SOCKET_MAX < sizeof(address.sun_path));
    CHECK(paths_from(&env, &q, NULL) == ERR_OK && is(p.run, q.run));
    home[5] = 'x'; /* another home, another place */
    CHECK(paths_from(&env, &q, NULL) == ERR_OK && !is(p.run, q.run));
    home[60] = '\0';
    CHECK(paths_from(&env, &q, NULL) == ERR_OK);
    CHECK(str_ends(str_c(q.run), STR("/run")));
}

TEST(shared_files_are_found_installed_and_in_the_source_tree)
{
    CLEANUP(scratch_done) struct scratch s = scratch_make();
    struct paths_env env = {.hearth_home = "/h"};
    struct paths p;

    scratch_write(&s, "pre/share/hearth/models/tiny/x", STR("x"));
    scratch_write(&s, "src/models/tiny/x", STR("x"));
    scratch_write(&s, "src/build/release/hearth", STR("x"));
    scratch_write(&s, "pre/bin/hearth", STR("x"));
    env.exe = scratch_path(&s, "pre/bin/hearth");
    CHECK(paths_from(&env, &p, NULL) == ERR_OK);
    CHECK(is(p.share, scratch_path(&s, "pre/share/hearth")));
    env.exe = scratch_path(&s, "src/build/release/hearth");
    CHECK(paths_from(&env, &p, NULL) == ERR_OK);
    CHECK(is(p.share, scratch_path(&s, "src")));
    env.exe = "/nowhere/a/b/c/hearth";
    CHECK(paths_from(&env, &p, NULL) == ERR_OK && is(p.share, ""));
}

TEST(a_run_directory_that_others_may_enter_is_refused)
{
    CLEANUP(scratch_done) struct scratch s = scratch_make();
    struct paths_env env = {.hearth_home = s.dir};
    struct paths p;
    struct why w = WHY_INIT;

    CHECK(paths_from(&env, &p, NULL) == ERR_OK);
    CHECK(paths_make(&p, &w) == ERR_OK && paths_make(&p, &w) == ERR_OK);
    CHECK(fs_is_dir(scratch_path(&s, "run")));
    CHECK(chmod(scratch_path(&s, "run"), 0755) == 0);
    CHECK(paths_make(&p, &w) == ERR_DENIED);
    CHECK(str_has(str_c(w.msg), STR("0700")));
}

TEST(this_program_knows_its_own_place)
{
    char path[PATHS_MAX];
    struct paths p;

    CHECK(paths_find(&p, NULL) == ERR_OK || process_env("HOME") == NULL);
    CHECK(process_exe(p.exe, sizeof(p.exe), NULL) == ERR_OK);
    CHECK(paths_sibling(&p, strrchr(p.exe, '/') + 1, path, NULL) == ERR_OK);
    CHECK(is(path, p.exe));
    CHECK(paths_sibling(&p, "no-such-program", path, NULL) == ERR_NOTFOUND);
}
