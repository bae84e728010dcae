#include "sys/process.h"

#include <sys/wait.h>
#include <unistd.h>

#include "base/str.h"
#include "test.h"

TEST(a_process_is_known_by_pid_and_start_time)
{
    struct process_id me, other;

    CHECK(process_id_of(process_self(), &me) == ERR_OK && me.start > 0);
    CHECK(process_alive(&me));
    other = me;
    other.start++; /* the same pid in another life */
    CHECK(!process_alive(&other));
}

TEST(a_zombie_is_not_alive)
{
    struct process_id id;
    siginfo_t info;
    pid_t child = fork();

    if (child == 0)
        _exit(0);
    CHECK(waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT) == 0);
    CHECK(process_id_of((int)child, &id) == ERR_OK);
    CHECK(!process_alive(&id));
    CHECK(waitpid(child, NULL, 0) == child);
    CHECK(process_id_of((int)child, &id) == ERR_NOTFOUND);
}

TEST(resident_memory_is_counted_in_bytes)
{
    uint64_t by_pid = 0, self = 0, parent = 0;

    CHECK(process_rss(process_self(), &by_pid) == ERR_OK);
    CHECK(process_rss_self(&self) == ERR_OK);
    CHECK(process_rss(process_parent(), &parent) == ERR_OK);
    CHECK(self > 500000 && self < by_pid * 4 && by_pid < self * 4);
    CHECK(process_rss(0x7ffffff0, &by_pid) == ERR_NOTFOUND);
}

TEST(this_process_knows_its_file_and_threads)
{
    char path[4096], small[3] = "";
    unsigned threads = 0;

    CHECK(process_exe(path, sizeof(path), NULL) == ERR_OK);
    CHECK(path[0] == '/' && str_has(str_c(path), STR("process_test")));
    CHECK(process_exe(small, sizeof(small), NULL) == ERR_LIMIT);
    CHECK(process_threads(&threads) == ERR_OK && threads >= 1);
    CHECK(process_env("SURELY_NOT_SET_ANYWHERE") == NULL);
}
