#include "sys/sig.h"

#include <signal.h>

#include "sys/clock.h"
#include "sys/fd.h"
#include "sys/sys.h"
#include "test.h"

TEST(a_signal_becomes_a_byte)
{
    const int which[] = {SIGUSR1, SIGUSR2};
    int fd = -1;

    /* Each failure leaves everything as it was, so the next try can work. */
    for (unsigned nth = 1; fd == -1 && nth < 20; nth++) {
        (void)sys_fault_arm(nth, EMFILE);
        (void)!sig_watch(which, 2, &fd, NULL);
        CHECK(sys_fault_arm(0, 0) >= nth || fd >= 0);
    }
    CHECK(fd >= 0 && sig_next(fd) == 0);
    CHECK(raise(SIGUSR2) == 0 && raise(SIGUSR1) == 0);
    CHECK(fd_wait(fd, FD_READ, CLOCK_NEVER) == ERR_OK);
    CHECK(sig_next(fd) == SIGUSR2);
    CHECK(sig_next(fd) == SIGUSR1);
    CHECK(sig_next(fd) == 0);
    CHECK(signal(SIGUSR1, SIG_DFL) != SIG_ERR
          && signal(SIGUSR2, SIG_DFL) != SIG_ERR);
    fd_close(fd);
}
