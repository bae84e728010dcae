#include "sys/sys.h"

#include <unistd.h>

#include "test.h"

TEST(errno_becomes_what_a_caller_can_do)
{
    CHECK(sys_err(0) == ERR_OK);
    CHECK(sys_err(ENOENT) == ERR_NOTFOUND);
    CHECK(sys_err(EROFS) == ERR_DENIED);
    CHECK(sys_err(EAGAIN) == ERR_AGAIN);
    CHECK(sys_err(EPIPE) == ERR_EOF);
    CHECK(sys_err(EMFILE) == ERR_LIMIT);
    CHECK(sys_err(ENOSPC) == ERR_IO);
}

TEST(the_armed_call_fails_once_and_calls_are_counted)
{
    (void)sys_fault_arm(2, ENOSPC);
    CHECK(SYS(getpid()) > 0);
    CHECK(SYS(getpid()) == -1 && errno == ENOSPC);
    CHECK(SYS(getpid()) > 0);
    CHECK(sys_fault_arm(0, 0) == 3);
}

TEST(an_interrupted_call_is_made_again)
{
    (void)sys_fault_arm(1, EINTR);
    CHECK(SYS_RETRY(getpid()) == getpid());
    CHECK(sys_fault_arm(0, 0) == 2);
}
