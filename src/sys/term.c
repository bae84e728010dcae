#include "sys/term.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include "sys/process.h"

bool term_is(int fd)
{
    return isatty(fd) == 1;
}

unsigned term_width(int fd)
{
    struct winsize size = {0};

    if (ioctl(fd, TIOCGWINSZ, &size) == -1 || size.ws_col == 0)
        return 80;
    return size.ws_col;
}

bool term_colour(int fd)
{
    const char *kind = process_env("TERM");

    return term_is(fd) && process_env("NO_COLOR") == NULL && kind != NULL
           && strcmp(kind, "dumb") != 0;
}
