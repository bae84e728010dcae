#include "base/err.h"

#include <stdarg.h>

static const struct {
    const char *name;
    int http;
    bool retry;
    int exit_code;
    const char *text;
} table[] = {
    {"OK", 200, false, 0, "success"},
#define X(name, http, retry, exit_code, text)                                  \
    {#name, http, retry, exit_code, text},
#include "base/err.def"
#undef X
};
_Static_assert(COUNTOF(table) == ERR_COUNT, "err.def and table disagree");

const char *err_name(enum err e)
{
    return (size_t)e < COUNTOF(table) ? table[e].name : "UNKNOWN";
}

const char *err_text(enum err e)
{
    return (size_t)e < COUNTOF(table) ? table[e].text : "unknown failure";
}

int err_http(enum err e)
{
    return (size_t)e < COUNTOF(table) ? table[e].http : 500;
}

int err_exit(enum err e)
{
    return (size_t)e < COUNTOF(table) ? table[e].exit_code : 70;
}

bool err_retryable(enum err e)
{
    return (size_t)e < COUNTOF(table) && table[e].retry;
}

const char *err_why(const struct why *w)
{
    return w->msg[0] != '\0' ? w->msg : err_text(w->code);
}

/* The text of an errno, in `room` or static. */
static const char *sys_text(int sys, char *room, size_t size)
{
#ifdef __GLIBC__
    return strerror_r(sys, room, size);
#else /* POSIX */
    return strerror_r(sys, room, size) == 0 ? room : "unknown system error";
#endif
}

enum err err_fail(struct why *w, enum err e, int sys, const char *where,
                  const char *fmt, ...)
{
    va_list ap;
    int n;

    if (w == NULL)
        return e;
    w->code = e;
    w->sys = sys;
    w->where = where;
    va_start(ap, fmt);
    n = vsnprintf(w->msg, sizeof(w->msg), fmt, ap);
    va_end(ap);
    if (sys != 0 && n >= 0 && (size_t)n + 3 < sizeof(w->msg)) {
        char text[96];

        (void)snprintf(w->msg + n, sizeof(w->msg) - (size_t)n, ": %s",
                       sys_text(sys, text, sizeof(text)));
    }
    return e;
}
