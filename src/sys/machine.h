/*
 * machine.h - how much memory and how many processors we may use, and whether
 * memory is short.
 *
 * Reads /proc and cgroup v2, then v1 (Documentation/admin-guide/cgroup-v2.rst,
 * accounting/psi.rst). The `_at` forms read below another root, for tests.
 * What the system does not tell is "none", never a guess. Thread: any.
 */
#ifndef SYS_MACHINE_H
#define SYS_MACHINE_H

#include "base/err.h"

#define MACHINE_NO_LIMIT UINT64_MAX

struct machine_memory {
    uint64_t total_bytes, available_bytes; /* of the whole machine */
    uint64_t limit_bytes; /* smallest cgroup limit above us, or NO_LIMIT */
    uint64_t used_bytes;  /* charged to that cgroup, less page cache that
                             can be dropped; 0 without a limit */
};
NODISCARD enum err machine_memory(struct machine_memory *out, struct why *w);
NODISCARD enum err machine_memory_at(const char *root,
                                     struct machine_memory *out, struct why *w);

/* Share of time (0-100, over 10 s) in which some or all tasks waited for
 * memory. ERR_UNSUPPORTED when the kernel does not measure it. */
struct machine_pressure {
    double some_avg10, full_avg10;
    uint64_t some_total_us;
};
NODISCARD enum err machine_pressure(struct machine_pressure *out);
NODISCARD enum err machine_pressure_at(const char *root,
                                       struct machine_pressure *out);

/* Processors this process can really use: affinity, cut by the cgroup's CPU
 * quota (rounded up); at least 1. */
unsigned machine_cpus(void);
unsigned machine_cpu_quota_at(const char *root); /* 0: no quota */

/* "Intel(R) Xeon(R) ..." or "unknown". */
void machine_cpu_name(char *out, size_t cap);

#endif
