/*
 * clock.h - what time it is.
 *
 * Monotonic time (never jumps; its zero means nothing) is for durations and
 * deadlines; wall time is for people and records. Modules that decide by time
 * take it as an argument and only their callers ask here. Thread: any.
 */
#ifndef SYS_CLOCK_H
#define SYS_CLOCK_H

#include "base/base.h"

#define CLOCK_NEVER UINT64_MAX /* a deadline that does not come */

uint64_t clock_us(void);     /* monotonic, microseconds */
int64_t clock_unix_ms(void); /* wall time, milliseconds since 1970, UTC */

/* "2026-11-21T04:15:37.123Z" (RFC 3339). Years 1970 to 9999; others are cut
 * to that range. */
#define CLOCK_TEXT_MAX 32
void clock_text(int64_t unix_ms, char out[CLOCK_TEXT_MAX]);

/* What is left until the monotonic `deadline_us`, in milliseconds rounded up,
 * for poll(): 0 when it has passed, -1 for CLOCK_NEVER. */
int clock_left_ms(uint64_t deadline_us);

void clock_sleep_ms(unsigned ms); /* for tools and tests, never in a loop */

#endif
