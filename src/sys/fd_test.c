#include "sys/fd.h"

#include <fcntl.h>
#include <unistd.h>

#include "fake/scratch.h"
#include "sys/clock.h"
#include "sys/sig.h"
#include "sys/sys.h"
#include "test.h"

static bool is_cloexec(int fd)
{
    return (fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0;
}

TEST(what_is_made_here_does_not_survive_exec)
{
    int p[2], s[2], copy = -1;

    CHECK(fd_pipe(p, NULL) == ERR_OK && fd_socketpair(s, NULL) == ERR_OK);
    CHECK(fd_dup(p[0], &copy, NULL) == ERR_OK);
    CHECK(is_cloexec(p[0]) && is_cloexec(p[1]) && is_cloexec(s[0])
          && is_cloexec(s[1]) && is_cloexec(copy));
    fd_close(copy);
    for (int i = 0; i < 2; i++) {
        fd_closep(&p[i]);
        fd_closep(&s[i]);
    }
    CHECK(p[0] == -1);
}

TEST(not_now_and_never_again_are_told_apart)
{
    char byte;
    size_t n = 0;
    int p[2];

    sig_ignore_pipe();
    CHECK(fd_pipe(p, NULL) == ERR_OK);
    CHECK(fd_nonblock(p[0], true) == ERR_OK);
    CHECK(fd_read(p[0], &byte, 1, &n) == ERR_AGAIN);
    CHECK(fd_write_all(p[1], STR("xy")) == ERR_OK);
    CHECK(fd_wait(p[0], FD_READ, CLOCK_NEVER) == ERR_OK);
    CHECK(fd_read(p[0], &byte, 1, &n) == ERR_OK && n == 1 && byte == 'x');
    fd_closep(&p[1]);
    CHECK(fd_read(p[0], &byte, 1, &n) == ERR_OK && byte == 'y');
    CHECK(fd_read(p[0], &byte, 1, &n) == ERR_EOF);
    fd_closep(&p[0]);
    CHECK(fd_pipe(p, NULL) == ERR_OK);
    fd_closep(&p[0]);
    CHECK(fd_write(p[1], "x", 1, &n) == ERR_EOF);
    fd_closep(&p[1]);
}

TEST(waiting_ends_at_the_deadline)
{
    int p[2];

    CHECK(fd_pipe(p, NULL) == ERR_OK);
    CHECK(fd_wait(p[0], FD_READ, clock_us()) == ERR_TIMEOUT);
    CHECK(fd_wait(p[1], FD_WRITE, CLOCK_NEVER) == ERR_OK);
    fd_close(p[0]);
    fd_close(p[1]);
}

TEST(a_descriptor_travels_with_bytes)
{
    int s[2], p[2], got = -1;
    char text[8];
    size_t n = 0;

    CHECK(fd_socketpair(s, NULL) == ERR_OK && fd_pipe(p, NULL) == ERR_OK);
    CHECK(fd_send(s[0], STR("here"), p[1], &n) == ERR_OK && n == 4);
    fd_closep(&p[1]);
    CHECK(fd_recv(s[1], text, sizeof(text), &n, &got) == ERR_OK && n == 4);
    CHECK(got >= 0 && is_cloexec(got));
    CHECK(fd_write_all(got, STR("!")) == ERR_OK);
    CHECK(fd_read(p[0], text, 1, &n) == ERR_OK && text[0] == '!');
    fd_closep(&got);
    CHECK(fd_send(s[0], STR("none"), -1, &n) == ERR_OK);
    CHECK(fd_recv(s[1], text, sizeof(text), &n, &got) == ERR_OK);
    CHECK(got == -1);
    fd_closep(&s[0]);
    CHECK(fd_recv(s[1], text, sizeof(text), &n, &got) == ERR_EOF);
    CHECK(fd_send(s[1], STR("x"), -1, &n) == ERR_EOF);
    fd_close(s[1]);
    fd_close(p[0]);
}

TEST(sealed_memory_cannot_be_changed_and_reads_back)
{
    struct str bytes = STR_EMPTY;
    size_t n = 0;
    int fd = -1;

    CHECK(fd_seal("image", STR("pixels"), &fd, NULL) == ERR_OK);
    CHECK(fd_write(fd, "x", 1, &n) == ERR_DENIED);
    CHECK(ftruncate(fd, 0) == -1);
    CHECK(fd_map_sealed(fd, 5, &bytes, NULL) == ERR_LIMIT);
    CHECK(fd_map_sealed(fd, 6, &bytes, NULL) == ERR_OK);
    fd_close(fd);
    CHECK(str_eq(bytes, STR("pixels")));
    fd_unmap(&bytes);
    CHECK(bytes.n == 0);
    CHECK(fd_seal("empty", STR_EMPTY, &fd, NULL) == ERR_OK);
    CHECK(fd_map_sealed(fd, 6, &bytes, NULL) == ERR_OK && bytes.n == 0);
    fd_close(fd);
}

TEST(memory_that_a_peer_could_cut_is_refused)
{
    CLEANUP(scratch_done) struct scratch s = scratch_make();
    struct str bytes = STR_EMPTY;
    int fd = -1;

    scratch_write(&s, "plain", STR("pixels"));
    CHECK(fd_open(scratch_path(&s, "plain"), O_RDONLY, 0, &fd, NULL) == ERR_OK);
    CHECK(fd_map_sealed(fd, 100, &bytes, NULL) == ERR_PROTOCOL);
    fd_close(fd);
}

static bool make_and_map(void)
{
    CLEANUP(fd_closep) int fd = -1;
    struct str bytes = STR_EMPTY;
    int pair[2];

    if (fd_pipe(pair, NULL) != ERR_OK)
        return false;
    fd_close(pair[0]);
    fd_close(pair[1]);
    if (fd_seal("t", STR("abc"), &fd, NULL) != ERR_OK
        || fd_map_sealed(fd, 3, &bytes, NULL) != ERR_OK)
        return false;
    fd_unmap(&bytes);
    return true;
}

TEST(every_failing_call_is_reported_and_nothing_leaks)
{
    TEST_SYS(EMFILE, make_and_map());
}
