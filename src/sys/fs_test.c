#include "sys/fs.h"

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fake/scratch.h"
#include "sys/fd.h"
#include "sys/process.h"
#include "sys/sys.h"
#include "test.h"

TEST(a_file_is_read_whole_and_added)
{
    CLEANUP(scratch_done) struct scratch s = scratch_make();
    CLEANUP(buf_done) struct buf b = BUF_INIT(100000);
    CLEANUP(buf_done) struct buf big = BUF_INIT(100000);

    for (int i = 0; i < 70000; i++)
        CHECK(buf_add_byte(&big, (char)(i * 7)) == ERR_OK);
    scratch_write(&s, "f", buf_str(&big));
    CHECK(buf_add_c(&b, "head") == ERR_OK);
    CHECK(fs_read(scratch_path(&s, "f"), &b, NULL) == ERR_OK);
    CHECK(b.len == 70004);
    CHECK(str_eq(str_sub(buf_str(&b), 4, SIZE_MAX), buf_str(&big)));
}

TEST(a_file_over_the_limit_is_refused_and_the_buffer_unchanged)
{
    CLEANUP(scratch_done) struct scratch s = scratch_make();
    CLEANUP(buf_done) struct buf b = BUF_INIT(5);
    CLEANUP(buf_done) struct buf proc = BUF_INIT(10);
    struct why w = WHY_INIT;

    scratch_write(&s, "f", STR("123456"));
    CHECK(fs_read(scratch_path(&s, "f"), &b, &w) == ERR_LIMIT);
    CHECK(b.len == 0 && str_has(str_c(w.msg), STR("6 bytes")));
    scratch_write(&s, "g", STR("12345"));
    CHECK(fs_read(scratch_path(&s, "g"), &b, &w) == ERR_OK);
    /* its size is not known before it is read */
    CHECK(fs_read("/proc/self/status", &proc, &w) == ERR_LIMIT);
    CHECK(proc.len == 0);
}

TEST(what_is_not_a_file_is_not_read)
{
    CLEANUP(scratch_done) struct scratch s = scratch_make();
    CLEANUP(buf_done) struct buf b = BUF_INIT(5);

    CHECK(mkfifo(scratch_path(&s, "pipe"), 0600) == 0);
    CHECK(fs_read(scratch_path(&s, "pipe"), &b, NULL) == ERR_IO);
    CHECK(fs_read(s.dir, &b, NULL) == ERR_IO);
    CHECK(fs_read(scratch_path(&s, "none"), &b, NULL) == ERR_NOTFOUND);
}

TEST(a_part_of_a_file_stops_at_its_end)
{
    CLEANUP(scratch_done) struct scratch s = scratch_make();
    CLEANUP(buf_done) struct buf b = BUF_INIT(5);
    const char *path = scratch_path(&s, "f");

    scratch_write(&s, "f", STR("0123456789"));
    CHECK(fs_read_part(path, 8, 5, &b, NULL) == ERR_OK);
    CHECK(str_eq(buf_str(&b), STR("89")));
    CHECK(fs_read_part(path, 100, 5, &b, NULL) == ERR_OK && b.len == 2);
    CHECK(fs_read_part(path, 0, 4, &b, NULL) == ERR_LIMIT && b.len == 2);
}

static bool write_twice(struct scratch *s)
{
    return fs_write_atomic(scratch_path(s, "f"), STR("new"), 0640, NULL)
           == ERR_OK;
}

TEST(an_interrupted_write_leaves_the_old_file)
{
    CLEANUP(scratch_done) struct scratch s = scratch_make();

    for (unsigned nth = 1; nth < 8; nth++) {
        CLEANUP(buf_done) struct buf b = BUF_INIT(10);
        bool ok;

        scratch_write(&s, "f", STR("old"));
        (void)sys_fault_arm(nth, ENOSPC);
        ok = write_twice(&s);
        (void)sys_fault_arm(0, 0);
        CHECK(fs_read(scratch_path(&s, "f"), &b, NULL) == ERR_OK);
        /* only the last steps, after the rename, may fail with it in place */
        CHECK(str_eq(buf_str(&b), ok || nth > 5 ? STR("new") : STR("old")));
    }
    TEST_SYS(ENOSPC, write_twice(&s));
    CHECK(!fs_is_file(scratch_path(&s, "f.XXXXXX")));
}

TEST(a_written_file_has_the_mode_that_was_asked)
{
    CLEANUP(scratch_done) struct scratch s = scratch_make();
    struct fs_stat st;

    CHECK(write_twice(&s));
    CHECK(fs_stat(scratch_path(&s, "f"), &st, NULL) == ERR_OK);
    CHECK(st.mode == 0640 && st.size_bytes == 3 && st.kind == FS_FILE);
}

TEST(records_are_added_at_the_end)
{
    CLEANUP(scratch_done) struct scratch s = scratch_make();
    CLEANUP(buf_done) struct buf b = BUF_INIT(100);
    const char *path = scratch_path(&s, "log");

    CHECK(fs_append(path, STR("a\n"), NULL) == ERR_OK);
    CHECK(fs_append(path, STR("b\n"), NULL) == ERR_OK);
    CHECK(fs_read(path, &b, NULL) == ERR_OK);
    CHECK(str_eq(buf_str(&b), STR("a\nb\n")));
}

TEST(directories_are_made_private_with_their_parents)
{
    CLEANUP(scratch_done) struct scratch s = scratch_make();
    struct fs_stat st;

    CHECK(fs_mkdirs(scratch_path(&s, "a/b/c"), NULL) == ERR_OK);
    CHECK(fs_mkdirs(scratch_path(&s, "a/b/c"), NULL) == ERR_OK);
    CHECK(fs_stat(scratch_path(&s, "a/b"), &st, NULL) == ERR_OK);
    CHECK(st.kind == FS_DIR && st.mode == 0700);
    scratch_write(&s, "file", STR("x"));
    CHECK(fs_mkdirs(scratch_path(&s, "file"), NULL) == ERR_EXISTS);
    CHECK(fs_mkdirs(scratch_path(&s, "file/x"), NULL) == ERR_EXISTS);
    CHECK(fs_mkdirs("", NULL) == ERR_LIMIT);
}

TEST(a_file_put_in_place_of_another_is_not_the_same)
{
    CLEANUP(scratch_done) struct scratch s = scratch_make();
    struct fs_stat a, b;
    const char *path = scratch_path(&s, "f");

    scratch_write(&s, "f", STR("one"));
    CHECK(fs_stat(path, &a, NULL) == ERR_OK);
    CHECK(fs_stat(path, &b, NULL) == ERR_OK && fs_same(&a, &b));
    scratch_write(&s, "f", STR("two"));
    CHECK(fs_stat(path, &b, NULL) == ERR_OK && !fs_same(&a, &b));
}

TEST(a_lock_names_its_owner_and_ends_with_it)
{
    CLEANUP(scratch_done) struct scratch s = scratch_make();
    const char *path = scratch_path(&s, "lock");
    int fd = -1, again = -1, owner = 0, p[2], status;
    char byte;
    size_t n;
    pid_t child;

    CHECK(fd_pipe(p, NULL) == ERR_OK);
    child = fork();
    if (child == 0) {
        if (fs_lock(path, &fd, &owner, NULL) != ERR_OK
            || fd_write(p[1], "x", 1, &n) != ERR_OK)
            _exit(1);
        (void)pause();
        _exit(0);
    }
    CHECK(fd_read(p[0], &byte, 1, &n) == ERR_OK);
    CHECK(fs_lock(path, &again, &owner, NULL) == ERR_BUSY);
    CHECK(owner == (int)child && again == -1);
    CHECK(kill(child, SIGKILL) == 0 && waitpid(child, &status, 0) == child);
    CHECK(fs_lock(path, &again, &owner, NULL) == ERR_OK);
    CHECK(owner == process_self());
    fd_close(again);
    fd_close(p[0]);
    fd_close(p[1]);
}

TEST(free_space_and_real_paths_are_known)
{
    CLEANUP(scratch_done) struct scratch s = scratch_make();
    char real[FS_PATH_MAX];
    uint64_t bytes = 0;

    CHECK(fs_free_bytes(s.dir, &bytes, NULL) == ERR_OK && bytes > 0);
    CHECK(symlink(s.dir, scratch_path(&s, "loop")) == 0);
    CHECK(fs_real(scratch_path(&s, "loop/.."), real, NULL) == ERR_OK);
    CHECK(strcmp(real, "/tmp") == 0);
    CHECK(fs_remove(scratch_path(&s, "loop"), NULL) == ERR_OK);
    CHECK(fs_remove(scratch_path(&s, "loop"), NULL) == ERR_NOTFOUND);
}

static bool many(struct scratch *s)
{
    CLEANUP(buf_done) struct buf b = BUF_INIT(100);
    struct fs_stat st;
    int fd = -1, owner;
    bool ok = fs_mkdirs(scratch_path(s, "x/y"), NULL) == ERR_OK
              && fs_read("/proc/self/stat", &b, NULL) != ERR_NOMEM
              && fs_stat(s->dir, &st, NULL) == ERR_OK
              && fs_lock(scratch_path(s, "l"), &fd, &owner, NULL) == ERR_OK;

    fd_close(fd);
    return ok;
}

TEST(failing_calls_and_allocations_leak_nothing)
{
    CLEANUP(scratch_done) struct scratch s = scratch_make();

    TEST_SYS(EIO, many(&s));
    TEST_OOM(many(&s));
}
