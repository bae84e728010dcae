#include "sys/term.h"

#include "sys/fd.h"
#include "test.h"

TEST(a_pipe_is_no_terminal_and_has_no_colours)
{
    int p[2];

    CHECK(fd_pipe(p, NULL) == ERR_OK);
    /* NOLINTNEXTLINE(concurrency-mt-unsafe): there is one thread */
    CHECK(setenv("TERM", "xterm", 1) == 0);
    CHECK(!term_is(p[1]) && !term_colour(p[1]));
    CHECK(term_width(p[1]) == 80);
    fd_close(p[0]);
    fd_close(p[1]);
}
