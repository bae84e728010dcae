#include "work/workdir.h"

#include <unistd.h>

#include "fake/scratch.h"
#include "test.h"

#define TASK "task_01hqzw5x8k3m9v2t7r4n6p8s0a"

TEST(a_folder_is_made_filled_and_removed)
{
    CLEANUP(scratch_done) struct scratch s = scratch_make();
    CLEANUP(buf_done) struct buf b = BUF_INIT(100);
    struct workdir *d = mem_zalloc(sizeof(*d));

    CHECK(workdir_open(d, s.dir, STR(TASK), 3, NULL) == ERR_OK);
    CHECK(workdir_put(d, LANG_C, STR("int x;"), NULL) == ERR_OK);
    CHECK(
        fs_read(scratch_path(&s, "work/" TASK "/3/code/candidate.c"), &b, NULL)
        == ERR_OK);
    CHECK(str_eq(buf_str(&b), STR("int x;")));
    workdir_done(d);
    CHECK(!fs_is_dir(scratch_path(&s, "work/" TASK)));
    workdir_done(d); /* twice is fine */
    mem_free(d);
}

TEST(what_an_earlier_life_left_is_gone)
{
    CLEANUP(scratch_done) struct scratch s = scratch_make();
    struct workdir *d = mem_zalloc(sizeof(*d));

    scratch_write(&s, "work/" TASK "/1/code/old.py", STR("x"));
    CHECK(workdir_open(d, s.dir, STR(TASK), 1, NULL) == ERR_OK);
    CHECK(!fs_is_file(scratch_path(&s, "work/" TASK "/1/code/old.py")));
    workdir_done(d);
    scratch_write(&s, "work/other/1/code/old.py", STR("x"));
    workdir_sweep(s.dir);
    CHECK(!fs_is_dir(scratch_path(&s, "work")));
    mem_free(d);
}

TEST(only_an_id_names_a_folder)
{
    struct workdir *d = mem_zalloc(sizeof(*d));

    CHECK(workdir_open(d, "/tmp", STR("../etc"), 1, NULL) == ERR_RANGE);
    CHECK(workdir_open(d, "/tmp", STR(""), 1, NULL) == ERR_RANGE);
    CHECK(d->dir[0] == '\0');
    mem_free(d);
}

TEST(the_end_of_the_output_is_kept_on_a_border_of_characters)
{
    CLEANUP(scratch_done) struct scratch s = scratch_make();
    CLEANUP(buf_done) struct buf b = BUF_INIT(100);
    struct workdir *d = mem_zalloc(sizeof(*d));

    CHECK(workdir_open(d, s.dir, STR(TASK), 1, NULL) == ERR_OK);
    CHECK(workdir_output(d, 5, &b, NULL) == ERR_OK && b.len == 0);
    scratch_write(&s, "work/" TASK "/1/output", STR("начало конец"));
    CHECK(workdir_output(d, 5, &b, NULL) == ERR_OK);
    CHECK(str_eq(buf_str(&b), STR("ец")));
    workdir_done(d);
    mem_free(d);
}

TEST(a_link_that_a_candidate_left_is_not_followed)
{
    CLEANUP(scratch_done) struct scratch s = scratch_make();
    struct workdir *d = mem_zalloc(sizeof(*d));

    scratch_write(&s, "precious/file", STR("x"));
    CHECK(workdir_open(d, s.dir, STR(TASK), 1, NULL) == ERR_OK);
    CHECK(symlink(scratch_path(&s, "precious"),
                  scratch_path(&s, "work/" TASK "/1/code/link"))
          == 0);
    workdir_done(d);
    CHECK(fs_is_file(scratch_path(&s, "precious/file")));
    CHECK(!fs_is_dir(scratch_path(&s, "work/" TASK)));
    mem_free(d);
}
