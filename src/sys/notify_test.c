#include "sys/notify.h"

#include <sys/socket.h>
#include <sys/un.h>

#include "base/str.h"
#include "fake/scratch.h"
#include "sys/fd.h"
#include "test.h"

static void set(const char *name, const char *value)
{
    /* NOLINTNEXTLINE(concurrency-mt-unsafe): there is one thread */
    CHECK(setenv(name, value, 1) == 0);
}

TEST(without_a_manager_nothing_happens)
{
    set("NOTIFY_SOCKET", "");
    set("WATCHDOG_USEC", "");
    CHECK(notify_send("READY=1", NULL) == ERR_OK);
    CHECK(notify_watchdog_us() == 0);
}

TEST(the_manager_gets_our_words)
{
    CLEANUP(scratch_done) struct scratch s = scratch_make();
    CLEANUP(fd_closep) int fd = -1;
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    char text[64];
    size_t n = 0;

    (void)snprintf(a.sun_path, sizeof(a.sun_path), "%.100s",
                   scratch_path(&s, "n"));
    fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    CHECK(bind(fd, (const struct sockaddr *)&a, sizeof(a)) == 0);
    set("NOTIFY_SOCKET", a.sun_path);
    CHECK(notify_send("READY=1\nSTATUS=x", NULL) == ERR_OK);
    CHECK(fd_read(fd, text, sizeof(text), &n) == ERR_OK);
    CHECK(str_eq((struct str){text, n}, STR("READY=1\nSTATUS=x")));
    set("NOTIFY_SOCKET", "not-a-path");
    CHECK(notify_send("READY=1", NULL) == ERR_CONFIG);
    set("NOTIFY_SOCKET", "");
}

TEST(the_watchdog_is_for_the_process_it_names)
{
    set("WATCHDOG_USEC", "30000000");
    CHECK(notify_watchdog_us() == 30000000);
    set("WATCHDOG_PID", "1");
    CHECK(notify_watchdog_us() == 0);
    set("WATCHDOG_PID", "");
    set("WATCHDOG_USEC", "");
}
