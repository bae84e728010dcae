/*
 * err.h - result codes and failure descriptions.
 *
 * A function that can fail returns `enum err`; ERR_OK is 0. When the caller
 * may want to explain the failure, the last parameter is `struct why *`. It
 * is written only on failure, never on success, and may be NULL.
 * Nothing here allocates. Thread: any; a `struct why` belongs to its caller.
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include "base/base.h"

enum err {
    ERR_OK = 0,

#define X(name, http, retry, exit_code, text) ERR_##name,
#include "base/err.def"
#undef X
    ERR_COUNT
};

struct why {
    enum err code;
    int sys;           /* errno at the point of failure, or 0 */
    const char *where; /* "file.c:123", static storage */
    char msg[400];     /* NUL-terminated, English, no trailing newline */
};

#define WHY_INIT ((struct why){.where = ""})

/* Static strings; never NULL, also for out-of-range values. */
const char *err_name(enum err e);
const char *err_text(enum err e);

/* HTTP status a gateway answers with for this failure. */
int err_http(enum err e);

/* Exit status of a command that ends with this failure (sysexits.h). */
int err_exit(enum err e);

/* True when the same call may succeed later without any change by the caller. */
bool err_retryable(enum err e);

/* What to show a person: `w`'s message, or the default text of its code. */
const char *err_why(const struct why *w);

/* Fills `*w` (if not NULL) and returns `e`, so it can end a function. `sys`
 * is an errno to append in words, or 0. The one place to put a breakpoint on
 * "who first said no". */
enum err err_fail(struct why *w, enum err e, int sys, const char *where,
                  const char *fmt, ...) PRINTF_LIKE(5, 6);

#define ERR_STR2(x) #x
#define ERR_STR(x)  ERR_STR2(x)
#define FAIL(w, e, ...)                                                        \
    err_fail((w), (e), 0, __FILE__ ":" ERR_STR(__LINE__), __VA_ARGS__)
/* The same, with the reason that the system gave in errno. */
#define FAIL_SYS(w, e, ...)                                                    \
    err_fail((w), (e), errno, __FILE__ ":" ERR_STR(__LINE__), __VA_ARGS__)

/* Forward a failure unchanged; owned resources are released by CLEANUP. */
#define TRY(expr)                                                              \
    do {                                                                       \
        enum err try_ = (expr);                                                \
        if (UNLIKELY(try_ != ERR_OK))                                          \
            return try_;                                                       \
    } while (0)

#endif
