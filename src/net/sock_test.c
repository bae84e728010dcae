#include "net/sock.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "sys/sys.h"
#include "test.h"

static void ends(int fds[2])
{
    CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds) == 0);
}

TEST(parts_leave_together_and_arrive_in_order)
{
    struct str parts[] = {STR("one "), STR(""), STR("two "), STR("three")};
    char bytes[32] = "";
    size_t n = 0;
    int fds[2];

    ends(fds);
    CHECK(sock_send(fds[0], parts, 4, &n) == ERR_OK && n == 13);
    CHECK(sock_recv(fds[1], bytes, sizeof(bytes), &n) == ERR_OK && n == 13);
    CHECK(strcmp(bytes, "one two three") == 0);
    sock_close(fds[0]);
    CHECK(sock_recv(fds[1], bytes, sizeof(bytes), &n) == ERR_EOF);
    sock_close(fds[1]);
}

TEST(a_short_bound_cuts_across_parts)
{
    struct str parts[] = {STR("ab"), STR("cd")};
    size_t n = 0;
    int fds[2];

    ends(fds);
    sock_fault_short(3);
    CHECK(sock_send(fds[0], parts, 2, &n) == ERR_OK && n == 3);
    sock_fault_short(0);
    sock_close(fds[0]);
    sock_close(fds[1]);
}

TEST(what_the_system_says_becomes_three_answers)
{
    static const struct {
        int sys;
        enum err e;
    } rows[] = {{EAGAIN, ERR_AGAIN}, {ECONNRESET, ERR_IO}, {EPIPE, ERR_IO}};
    struct str part = STR("x");
    char byte;
    size_t n = 7;
    int fds[2];

    ends(fds);
    for (size_t i = 0; i < COUNTOF(rows); i++) {
        (void)sys_fault_arm(1, rows[i].sys);
        CHECK(sock_recv(fds[0], &byte, 1, &n) == rows[i].e);
        (void)sys_fault_arm(1, rows[i].sys);
        CHECK(sock_send(fds[0], &part, 1, &n) == rows[i].e);
    }
    CHECK(n == 7); /* untouched */
    (void)sys_fault_arm(1, EINTR);
    CHECK(sock_send(fds[0], &part, 1, &n) == ERR_OK && n == 1);
    (void)sys_fault_arm(0, 0);
    sock_close(fds[0]);
    sock_close(fds[1]);
}

TEST(a_unix_peer_is_known_by_its_user)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    union {
        struct sockaddr any;
        struct sockaddr_un un;
    } u;
    char dir[] = "/tmp/hearth-test-XXXXXX";
    struct sock_peer peer;
    int l = -1, c, s = -1;

    CHECK(mkdtemp(dir) != NULL);
    (void)snprintf(a.sun_path, sizeof(a.sun_path), "%s/s", dir);
    CHECK(sock_listen_unix(a.sun_path, 0600, &l, NULL) == ERR_OK);
    CHECK(sock_accept(l, &s) == ERR_AGAIN);
    u.un = a;
    c = socket(AF_UNIX, SOCK_STREAM, 0);
    CHECK(connect(c, &u.any, sizeof(u.un)) == 0);
    (void)sys_fault_arm(1, EMFILE);
    CHECK(sock_accept(l, &s) == ERR_LIMIT);
    (void)sys_fault_arm(1, ECONNABORTED);
    CHECK(sock_accept(l, &s) == ERR_OK);
    (void)sys_fault_arm(0, 0);
    CHECK(sock_peer(s, &peer) == ERR_OK);
    CHECK(peer.is_unix && peer.uid == (int64_t)getuid());
    sock_close(s);
    sock_close(l);
    (void)close(c);
    CHECK(unlink(a.sun_path) == 0 && rmdir(dir) == 0);
}

TEST(a_path_that_does_not_fit_is_refused)
{
    struct why why = WHY_INIT;
    char path[300];
    int fd = -1;

    memset(path, 'p', sizeof(path) - 1);
    path[sizeof(path) - 1] = '\0';
    CHECK(sock_listen_unix(path, 0600, &fd, &why) == ERR_RANGE);
    CHECK(strstr(why.msg, "107") != NULL && fd == -1);
    CHECK(sock_listen_unix("/nonexistent/dir/s", 0600, &fd, &why)
          == ERR_NOTFOUND);
}

TEST(every_call_of_listening_may_fail_and_leaves_nothing_open)
{
    for (unsigned nth = 1; nth < 5; nth++) {
        unsigned port = 0;
        int fd = -1, probe = fcntl(0, F_DUPFD_CLOEXEC, 0);
        enum err e;

        (void)close(probe);
        (void)sys_fault_arm(nth, ENOBUFS);
        e = sock_listen_tcp("127.0.0.1", 0, &fd, &port, NULL);
        (void)sys_fault_arm(0, 0);
        CHECK(e == ERR_IO || (nth > 3 && e == ERR_OK));
        if (fd >= 0)
            sock_close(fd);
        fd = fcntl(0, F_DUPFD_CLOEXEC, 0);
        CHECK(fd == probe); /* the lowest free one is the same */
        (void)close(fd);
    }
}
