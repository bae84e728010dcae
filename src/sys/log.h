/*
 * log.h - events for operators, one line each, logfmt or JSON.
 *
 *   LOG(WARN, SUPER, "child_died", LOG_S("role", role), LOG_U("pid", pid));
 *   LOG0(INFO, GATEWAY, "ready");
 *
 *   time=2026-11-21T04:15:37.123Z level=warn proc=supervisor area=super
 *       event=child_died role=gateway pid=4711                 (one line)
 *
 * The event is a string literal; what varies goes into fields. Prompts,
 * completions and secrets are never logged: lengths and hashes are. An event
 * that repeats more than LOG_BURST times in a second is held back and counted
 * in the `suppressed` field of its next line. A line that the system does not
 * take within 100 ms is dropped and counted; logging never fails a caller.
 * Thread: any. Library floors (base, data) do not log.
 */
#ifndef SYS_LOG_H
#define SYS_LOG_H

#include "base/err.h"
#include "base/str.h"

enum log_level {
    LOG_AT_ERROR, /* something is broken: a person should look */
    LOG_AT_WARN,  /* a fault that we recovered from */
    LOG_AT_INFO,  /* lives of processes, models, servers */
    LOG_AT_DEBUG, /* each request, each decision */
    LOG_LEVELS,
};

enum log_area {
#define AREA(NAME, name, text) LOG_IN_##NAME,
#include "sys/log_areas.def"
#undef AREA
    LOG_AREAS,
};

enum log_type { LOG_TEXT, LOG_UINT, LOG_INT, LOG_REAL, LOG_BOOL };
struct log_field {
    const char *key; /* a-z and _ */
    enum log_type type;
    union {
        struct str text;
        uint64_t u;
        int64_t i;
        double f;
        bool b;
    } v;
};

#define LOG_FIELD(k, t, m, val)                                                \
    ((struct log_field){.key = (k), .type = (t), .v = {.m = (val)}})
#define LOG_S(k, cstr) LOG_FIELD(k, LOG_TEXT, text, str_c(cstr))
#define LOG_STR(k, s)  LOG_FIELD(k, LOG_TEXT, text, s)
#define LOG_U(k, n)    LOG_FIELD(k, LOG_UINT, u, (uint64_t)(n))
#define LOG_I(k, n)    LOG_FIELD(k, LOG_INT, i, (int64_t)(n))
#define LOG_F(k, x)    LOG_FIELD(k, LOG_REAL, f, (x))
#define LOG_B(k, x)    LOG_FIELD(k, LOG_BOOL, b, (x))
/* The fields that explain a failure. */
#define LOG_ERR(e) LOG_S("err", err_name(e))
#define LOG_WHY(w) LOG_S("why", err_why(w))

#define LOG(level, area, event, ...)                                           \
    do {                                                                       \
        if (log_on(LOG_AT_##level, LOG_IN_##area))                             \
            log_write(LOG_AT_##level, LOG_IN_##area, "" event,                 \
                      (const struct log_field[]){__VA_ARGS__},                 \
                      sizeof((const struct log_field[]){__VA_ARGS__})          \
                          / sizeof(struct log_field));                         \
    } while (0)
#define LOG0(level, area, event)                                               \
    do {                                                                       \
        if (log_on(LOG_AT_##level, LOG_IN_##area))                             \
            log_write(LOG_AT_##level, LOG_IN_##area, "" event, NULL, 0);       \
    } while (0)

#define LOG_LINE_MAX 4096 /* longer lines end in cut=true */
#define LOG_BURST    20   /* lines of one event per second */

struct log_opts {
    int fd;               /* 2 */
    enum log_level level; /* lines above it are left out */
    bool json;
    const char *proc;               /* "gateway"; static */
    int64_t (*unix_ms)(void);       /* NULL: the real clock */
    uint64_t (*monotonic_us)(void); /* NULL: the real clock */
};
/* Before the first thread. Without it: level WARN, logfmt, to 2. */
void log_init(const struct log_opts *o);
void log_level_set(enum log_level level);

bool log_on(enum log_level level, enum log_area area);
void log_write(enum log_level level, enum log_area area, const char *event,
               const struct log_field *fields, size_t count);
uint64_t log_dropped(void); /* lines that could not be written */

/* "info" and so on; false when unknown. */
NODISCARD bool log_level_parse(struct str text, enum log_level *out);
const char *log_level_name(enum log_level level);

#endif
