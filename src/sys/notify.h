/*
 * notify.h - tells the service manager how we are (sd_notify(3) protocol).
 * Without $NOTIFY_SOCKET every call succeeds and does nothing. Thread: main.
 */
#ifndef SYS_NOTIFY_H
#define SYS_NOTIFY_H

#include "base/err.h"

/* One or more lines: "READY=1\nSTATUS=serving", "STOPPING=1", "WATCHDOG=1". */
NODISCARD enum err notify_send(const char *state, struct why *w);

/* How often the manager wants WATCHDOG=1, microseconds; 0: never. */
uint64_t notify_watchdog_us(void);

#endif
