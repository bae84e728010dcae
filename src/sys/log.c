/*
 * One line is built in one buffer on the stack and written by one write, so
 * that lines of several threads and processes do not mix. A mutex guards the
 * table of repeats. Values are quoted whenever a reader could take them for
 * more than one word; control bytes never reach the terminal.
 */
#include "sys/log.h"

#include <math.h>
#include <pthread.h>

#include "base/utf8.h"
#include "sys/clock.h"
#include "sys/fd.h"

enum { REPEAT_SLOTS = 64, WRITE_WAIT_MS = 100, TAIL = 16 };

static const char *const level_names[] = {"error", "warn", "info", "debug"};
_Static_assert(COUNTOF(level_names) == LOG_LEVELS, "a name for each level");

static const char *const area_names[] = {
#define AREA(NAME, name, text) #name,
#include "sys/log_areas.def"
#undef AREA
};

static struct log_opts opts = {.fd = 2, .level = LOG_AT_WARN, .proc = ""};
static uint64_t dropped;

/* What one event did in the current second. A slot belongs to the event that
 * used it last: two events that meet in a slot only lose some counting. */
static pthread_mutex_t repeats_lock = PTHREAD_MUTEX_INITIALIZER;
static struct repeat {
    const char *event;
    uint64_t second;
    unsigned count, suppressed;
} repeats[REPEAT_SLOTS];

void log_init(const struct log_opts *o)
{
    opts = *o;
    if (opts.proc == NULL)
        opts.proc = "";
    memset(repeats, 0, sizeof(repeats));
    dropped = 0;
}

void log_level_set(enum log_level level)
{
    __atomic_store_n(&opts.level, level, __ATOMIC_RELAXED);
}

bool log_on(enum log_level level, enum log_area area)
{
    return level <= __atomic_load_n(&opts.level, __ATOMIC_RELAXED)
           && (unsigned)area < LOG_AREAS;
}

uint64_t log_dropped(void)
{
    return __atomic_load_n(&dropped, __ATOMIC_RELAXED);
}

bool log_level_parse(struct str text, enum log_level *out)
{
    for (size_t i = 0; i < LOG_LEVELS; i++) {
        if (!str_eq(text, str_c(level_names[i])))
            continue;
        *out = (enum log_level)i;
        return true;
    }
    return false;
}

const char *log_level_name(enum log_level level)
{
    return (unsigned)level < LOG_LEVELS ? level_names[level] : "?";
}

/* ---- the line ----------------------------------------------------------- */

struct line {
    char text[LOG_LINE_MAX];
    size_t n;
    bool cut;
};

/* Keeps room for the tail, which says that something was cut. */
static void put(struct line *l, const char *p, size_t n)
{
    if (l->cut || n > sizeof(l->text) - TAIL - l->n) {
        l->cut = true;
        return;
    }
    memcpy(l->text + l->n, p, n);
    l->n += n;
}

static void put_c(struct line *l, const char *s)
{
    put(l, s, strlen(s));
}

static void put_quoted(struct line *l, struct str s)
{
    put_c(l, "\"");
    while (s.n > 0 && !l->cut) {
        unsigned char c = (unsigned char)s.p[0];
        uint32_t cp;
        size_t n = utf8_next(s, &cp);
        char hex[8];

        if (n == 0) {
            put_c(l, "\xef\xbf\xbd"); /* U+FFFD for a malformed byte */
            n = 1;
        } else if (c == '"' || c == '\\') {
            put(l, "\\", 1);
            put(l, s.p, 1);
        } else if (c < 0x20 || c == 0x7f || (cp >= 0x80 && cp < 0xa0)) {
            (void)snprintf(hex, sizeof(hex), "\\u%04x", (unsigned)cp);
            put_c(l, hex);
        } else {
            put(l, s.p, n);
        }
        s = str_sub(s, n, SIZE_MAX);
    }
    put_c(l, "\"");
}

/* A word that needs no quotes in logfmt. */
static bool is_plain(struct str s)
{
    if (s.n == 0)
        return false;
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];

        if (c <= ' ' || c >= 0x7f || c == '"' || c == '=' || c == '\\')
            return false;
    }
    return true;
}

static void put_text(struct line *l, struct str s)
{
    if (!opts.json && is_plain(s))
        put(l, s.p, s.n);
    else
        put_quoted(l, s);
}

static void put_value(struct line *l, const struct log_field *f)
{
    char number[40];

    switch (f->type) {
    case LOG_TEXT:
        put_text(l, f->v.text);
        return;
    case LOG_BOOL:
        put_c(l, f->v.b ? "true" : "false");
        return;
    case LOG_UINT:
        (void)snprintf(number, sizeof(number), "%llu",
                       (unsigned long long)f->v.u);
        break;
    case LOG_INT:
        (void)snprintf(number, sizeof(number), "%lld", (long long)f->v.i);
        break;
    case LOG_REAL:
        if (!isfinite(f->v.f)) { /* JSON has no word for it */
            put_c(l, "null");
            return;
        }
        (void)snprintf(number, sizeof(number), "%.6g", f->v.f);
        break;
    }
    put_c(l, number);
}

static void put_field(struct line *l, const struct log_field *f)
{
    size_t before = l->n;

    if (opts.json) {
        put_c(l, l->n > 1 ? ",\"" : "\"");
        put_c(l, f->key);
        put_c(l, "\":");
    } else {
        if (l->n > 0)
            put_c(l, " ");
        put_c(l, f->key);
        put_c(l, "=");
    }
    put_value(l, f);
    if (l->cut)
        l->n = before; /* whole fields only */
}

static void finish(struct line *l)
{
    const char *tail = "";

    if (l->cut)
        tail = opts.json ? ",\"cut\":true" : " cut=true";
    memcpy(l->text + l->n, tail, strlen(tail));
    l->n += strlen(tail);
    if (opts.json)
        l->text[l->n++] = '}';
    l->text[l->n++] = '\n';
}

/* ---- repeats ------------------------------------------------------------ */

/* True when this line may be written; `*held` is how many were not since. */
static bool admit(const char *event, unsigned *held)
{
    uint64_t us = opts.monotonic_us != NULL ? opts.monotonic_us() : clock_us();
    uint64_t second = us / 1000000U;
    struct repeat *r = &repeats[((uintptr_t)event >> 3) % REPEAT_SLOTS];
    bool may;

    (void)pthread_mutex_lock(&repeats_lock);
    if (r->event != event)
        *r = (struct repeat){.event = event, .second = second};
    if (r->second != second) {
        r->second = second;
        r->count = 0;
    }
    may = r->count < LOG_BURST;
    if (may) {
        r->count++;
        *held = r->suppressed;
        r->suppressed = 0;
    } else {
        r->suppressed++;
    }
    (void)pthread_mutex_unlock(&repeats_lock);
    return may;
}

/* ---- writing ------------------------------------------------------------ */

static void write_line(struct str s)
{
    uint64_t deadline = clock_us() + WRITE_WAIT_MS * 1000U;

    while (s.n > 0) {
        size_t done = 0;
        enum err e = fd_write(opts.fd, s.p, s.n, &done);

        if (e == ERR_AGAIN)
            e = fd_wait(opts.fd, FD_WRITE, deadline);
        if (e != ERR_OK) {
            (void)__atomic_add_fetch(&dropped, 1U, __ATOMIC_RELAXED);
            return;
        }
        s = str_sub(s, done, SIZE_MAX);
    }
}

void log_write(enum log_level level, enum log_area area, const char *event,
               const struct log_field *fields, size_t count)
{
    struct line l = {.n = 0};
    char time[CLOCK_TEXT_MAX];
    unsigned held = 0;

    if (!log_on(level, area) || !admit(event, &held))
        return;
    clock_text(opts.unix_ms != NULL ? opts.unix_ms() : clock_unix_ms(), time);
    if (opts.json)
        put_c(&l, "{");
    put_field(&l, &LOG_S("time", time));
    put_field(&l, &LOG_S("level", level_names[level]));
    if (opts.proc[0] != '\0')
        put_field(&l, &LOG_S("proc", opts.proc));
    put_field(&l, &LOG_S("area", area_names[area]));
    put_field(&l, &LOG_S("event", event));
    for (size_t i = 0; i < count; i++)
        put_field(&l, &fields[i]);
    if (held > 0)
        put_field(&l, &LOG_U("suppressed", held));
    finish(&l);
    write_line((struct str){l.text, l.n});
}
