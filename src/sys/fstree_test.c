#include "sys/fstree.h"

#include <sys/stat.h>
#include <unistd.h>

#include "fake/scratch.h"
#include "sys/sys.h"
#include "test.h"

static const struct fstree_bounds wide = {.max_entries = 1000,
                                          .max_bytes = 1 << 20,
                                          .max_depth = 10};

static enum err collect(void *ctx, const char *relative,
                        const struct fs_stat *st)
{
    return buf_printf(ctx, "%s%s\n", relative, st->kind == FS_DIR ? "/" : "");
}

static bool holds(struct scratch *s, const char *name, const char *want)
{
    CLEANUP(buf_done) struct buf b = BUF_INIT(1000);

    return fs_read(scratch_path(s, name), &b, NULL) == ERR_OK
           && str_eq(buf_str(&b), str_c(want));
}

static void plant(struct scratch *s)
{
    scratch_write(s, "t/b/two", STR("2"));
    scratch_write(s, "t/a", STR("1"));
    scratch_write(s, "t/b/c/three", STR("3"));
    CHECK(symlink("/etc", scratch_path(s, "t/etc")) == 0);
}

TEST(a_tree_is_walked_in_byte_order_and_links_are_not_followed)
{
    CLEANUP(scratch_done) struct scratch s = scratch_make();
    CLEANUP(buf_done) struct buf b = BUF_INIT(1000);

    plant(&s);
    CHECK(fstree_walk(scratch_path(&s, "t"), &wide, collect, &b, NULL)
          == ERR_OK);
    CHECK(str_eq(buf_str(&b), STR("a\nb/\nb/c/\nb/c/three\nb/two\netc\n")));
}

TEST(a_root_that_is_a_link_is_refused)
{
    CLEANUP(scratch_done) struct scratch s = scratch_make();
    CLEANUP(buf_done) struct buf b = BUF_INIT(1000);

    plant(&s);
    CHECK(symlink("t", scratch_path(&s, "l")) == 0);
    CHECK(fstree_walk(scratch_path(&s, "l"), &wide, collect, &b, NULL)
          == ERR_NOTFOUND);
    CHECK(fstree_copy(scratch_path(&s, "l"), scratch_path(&s, "u"), &wide, NULL)
          == ERR_NOTFOUND);
}

TEST(a_copy_has_files_links_and_modes)
{
    CLEANUP(scratch_done) struct scratch s = scratch_make();
    struct stat st;

    plant(&s);
    CHECK(chmod(scratch_path(&s, "t/a"), 04755) == 0);
    CHECK(mkfifo(scratch_path(&s, "t/pipe"), 0600) == 0);
    CHECK(fstree_copy(scratch_path(&s, "t"), scratch_path(&s, "u"), &wide, NULL)
          == ERR_OK);
    CHECK(holds(&s, "u/a", "1") && holds(&s, "u/b/c/three", "3"));
    CHECK(stat(scratch_path(&s, "u/a"), &st) == 0);
    CHECK((st.st_mode & 07777) == 0755); /* without the set-id bit */
    CHECK(lstat(scratch_path(&s, "u/etc"), &st) == 0 && S_ISLNK(st.st_mode));
    CHECK(lstat(scratch_path(&s, "u/pipe"), &st) == -1);
    CHECK(fstree_copy(scratch_path(&s, "t"), scratch_path(&s, "u"), &wide, NULL)
          == ERR_EXISTS);
}

TEST(removing_takes_links_and_not_what_they_point_at)
{
    CLEANUP(scratch_done) struct scratch s = scratch_make();

    plant(&s);
    scratch_write(&s, "precious/x", STR("x"));
    CHECK(symlink("../precious", scratch_path(&s, "t/b/link")) == 0);
    CHECK(chmod(scratch_path(&s, "t/b"), 0) == 0);
    CHECK(fstree_remove(scratch_path(&s, "t"), &wide, NULL) == ERR_OK);
    CHECK(!fs_is_dir(scratch_path(&s, "t")));
    CHECK(holds(&s, "precious/x", "x"));
    CHECK(symlink("precious", scratch_path(&s, "l")) == 0);
    CHECK(fstree_remove(scratch_path(&s, "l"), &wide, NULL) == ERR_OK);
    CHECK(holds(&s, "precious/x", "x"));
    CHECK(fstree_remove(scratch_path(&s, "none"), &wide, NULL) == ERR_OK);
}

TEST(entries_bytes_and_depth_are_bounded)
{
    CLEANUP(scratch_done) struct scratch s = scratch_make();
    CLEANUP(buf_done) struct buf b = BUF_INIT(1000);
    struct fstree_bounds few = wide, light = wide, flat = wide;

    plant(&s);
    few.max_entries = 5;
    light.max_bytes = 2;
    flat.max_depth = 1;
    CHECK(fstree_walk(scratch_path(&s, "t"), &few, collect, &b, NULL)
          == ERR_LIMIT);
    CHECK(fstree_walk(scratch_path(&s, "t"), &flat, collect, &b, NULL)
          == ERR_LIMIT);
    CHECK(
        fstree_copy(scratch_path(&s, "t"), scratch_path(&s, "u"), &light, NULL)
        == ERR_LIMIT);
}

static enum err stop(void *ctx, const char *relative, const struct fs_stat *st)
{
    (void)ctx;
    (void)relative;
    (void)st;
    return ERR_CANCELLED;
}

TEST(the_visitor_can_end_the_walk)
{
    CLEANUP(scratch_done) struct scratch s = scratch_make();

    plant(&s);
    CHECK(fstree_walk(scratch_path(&s, "t"), &wide, stop, NULL, NULL)
          == ERR_CANCELLED);
}

static bool copy_and_remove(struct scratch *s)
{
    bool ok =
        fstree_copy(scratch_path(s, "t"), scratch_path(s, "u"), &wide, NULL)
        == ERR_OK;

    return fstree_remove(scratch_path(s, "u"), &wide, NULL) == ERR_OK && ok;
}

/* TEST_SYS and TEST_OOM by hand: what a failed run left must go first. */
static void campaign(struct scratch *s, bool heap)
{
    for (unsigned nth = 1; nth < 1000; nth++) {
        size_t live = mem_live(), used;
        unsigned fds = scratch_open_fds();
        bool ok;

        (void)(heap ? mem_fault_arm(nth, false) : sys_fault_arm(nth, EIO));
        ok = copy_and_remove(s);
        used = heap ? mem_fault_arm(0, false) : sys_fault_arm(0, 0);
        CHECK(mem_live() == live && scratch_open_fds() == fds);
        CHECK(ok || used >= nth);
        CHECK(fstree_remove(scratch_path(s, "u"), &wide, NULL) == ERR_OK);
        if (used < nth)
            return;
    }
    CHECK(false);
}

TEST(failing_calls_and_allocations_leak_nothing)
{
    CLEANUP(scratch_done) struct scratch s = scratch_make();

    plant(&s);
    campaign(&s, true);
    campaign(&s, false);
}
