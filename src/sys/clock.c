#include "sys/clock.h"

#include <limits.h>

uint64_t clock_us(void)
{
    struct timespec t = {0};

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000U + (uint64_t)t.tv_nsec / 1000U;
}

int64_t clock_unix_ms(void)
{
    struct timespec t = {0};

    (void)clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

void clock_text(int64_t unix_ms, char out[CLOCK_TEXT_MAX])
{
    const int64_t last = 253402300799999; /* 9999-12-31T23:59:59.999Z */
    int64_t ms = MIN(MAX(unix_ms, 0), last);
    time_t seconds = (time_t)(ms / 1000);
    struct tm tm;
    char whole[CLOCK_TEXT_MAX];

    (void)gmtime_r(&seconds, &tm);
    (void)strftime(whole, sizeof(whole), "%Y-%m-%dT%H:%M:%S", &tm);
    (void)snprintf(out, CLOCK_TEXT_MAX, "%.19s.%03uZ", whole,
                   (unsigned)(ms % 1000));
}

int clock_left_ms(uint64_t deadline_us)
{
    uint64_t now = clock_us(), left;

    if (deadline_us == CLOCK_NEVER)
        return -1;
    if (deadline_us <= now)
        return 0;
    left = (deadline_us - now + 999) / 1000;
    return left > INT_MAX ? INT_MAX : (int)left;
}

void clock_sleep_ms(unsigned ms)
{
    struct timespec t = {(time_t)(ms / 1000), (long)(ms % 1000) * 1000000};

    while (nanosleep(&t, &t) == -1) {
        /* a signal came: sleep what is left */
    }
}
