#include "sys/sig.h"

#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

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

TEST(a_write_past_the_allowed_file_size_is_an_error_and_not_our_death)
{
    struct rlimit old, small;
    FILE *f = tmpfile();

    CHECK(f != NULL && getrlimit(RLIMIT_FSIZE, &old) == 0);
    small = (struct rlimit){.rlim_cur = 1, .rlim_max = old.rlim_max};
    sig_ignore_pipe();
    CHECK(setrlimit(RLIMIT_FSIZE, &small) == 0);
    CHECK(write(fileno(f), "a", 1) == 1);
    CHECK(write(fileno(f), "b", 1) == -1);
    CHECK(setrlimit(RLIMIT_FSIZE, &old) == 0);
    CHECK(fclose(f) == 0);
}
