#include "sys/sig.h"

#include <signal.h>
#include <unistd.h>

#include "sys/fd.h"
#include "sys/sys.h"

/* Written once before the first handler runs. */
static int pipe_write = -1;

static void on_signal(int signal)
{
    int saved = errno;
    unsigned char byte = (unsigned char)signal;

    /* A full pipe loses a repeat of what is already waiting there. */
    if (write(pipe_write, &byte, 1) == -1) {
        /* nothing a handler could do */
    }
    errno = saved;
}

void sig_ignore_pipe(void)
{
    (void)signal(SIGPIPE, SIG_IGN);
    (void)signal(SIGXFSZ, SIG_IGN); /* a full disk by rule: EFBIG */
}

enum err sig_watch(const int *signals, size_t count, int *fd, struct why *w)
{
    struct sigaction act = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    int pair[2];
    CLEANUP(fd_closep) int read_end = -1;
    CLEANUP(fd_closep) int write_end = -1;

    assert(pipe_write == -1);
    TRY(fd_pipe(pair, w));
    read_end = pair[0];
    write_end = pair[1];
    if (fd_nonblock(read_end, true) != ERR_OK
        || fd_nonblock(write_end, true) != ERR_OK)
        return SYS_FAIL(w, "cannot prepare the signal pipe");
    (void)sigemptyset(&act.sa_mask);
    pipe_write = write_end;
    for (size_t i = 0; i < count; i++) {
        if (SYS(sigaction(signals[i], &act, NULL)) == 0)
            continue;
        enum err e = SYS_FAIL(w, "cannot watch signal %d", signals[i]);
        while (i-- > 0)
            (void)signal(signals[i], SIG_DFL);
        pipe_write = -1;
        return e;
    }
    (void)fd_take(&write_end); /* stays open as long as the process lives */
    *fd = fd_take(&read_end);
    return ERR_OK;
}

int sig_next(int fd)
{
    unsigned char byte = 0;
    size_t got = 0;

    return fd_read(fd, &byte, 1, &got) == ERR_OK ? byte : 0;
}
