#include "sys/machine.h"

#include <unistd.h>

#include "fake/scratch.h"
#include "test.h"

#define MEMINFO                                                                \
    "MemTotal:       24685000 kB\nMemFree:          100 kB\n"                  \
    "MemAvailable:   20000000 kB\n"

#define GIB 1073741824ULL

/* The files of a machine whose process is in these groups. */
static struct scratch machine(const char *groups)
{
    struct scratch s = scratch_make();

    scratch_write(&s, "proc/meminfo", STR(MEMINFO));
    scratch_write(&s, "proc/self/cgroup", str_c(groups));
    return s;
}

static struct machine_memory memory(const struct scratch *s)
{
    struct machine_memory m;

    CHECK(machine_memory_at(s->dir, &m, NULL) == ERR_OK);
    return m;
}

TEST(memory_without_a_group_limit_is_the_machines)
{
    CLEANUP(scratch_done) struct scratch s = scratch_make();
    struct machine_memory m;

    CHECK(machine_memory_at(s.dir, &m, NULL) == ERR_UNSUPPORTED);
    scratch_write(&s, "proc/meminfo", STR(MEMINFO));
    scratch_write(&s, "proc/self/cgroup", STR("0::/user.slice\n"));
    CHECK(machine_memory_at(s.dir, &m, NULL) == ERR_OK);
    CHECK(m.total_bytes == 24685000ULL * 1024);
    CHECK(m.available_bytes == 20000000ULL * 1024);
    CHECK(m.limit_bytes == MACHINE_NO_LIMIT && m.used_bytes == 0);
}

TEST(the_smallest_limit_of_all_groups_above_us_counts_v2)
{
    CLEANUP(scratch_done) struct scratch s = machine("0::/a/b\n");
    struct machine_memory m;

    scratch_write(&s, "sys/fs/cgroup/a/b/memory.max", STR("max\n"));
    scratch_write(&s, "sys/fs/cgroup/a/memory.max", STR("4294967296\n"));
    scratch_write(&s, "sys/fs/cgroup/a/memory.current", STR("2147483648\n"));
    scratch_write(&s, "sys/fs/cgroup/a/memory.stat",
                  STR("anon 5\ninactive_file 1073741824\n"));
    scratch_write(&s, "sys/fs/cgroup/memory.max", STR("8589934592\n"));
    m = memory(&s);
    CHECK(m.limit_bytes == 4 * GIB);
    CHECK(m.used_bytes == GIB); /* page cache that can go is not use */
}

TEST(version_1_groups_are_read_and_their_word_for_no_limit_known)
{
    CLEANUP(scratch_done)
    struct scratch s = machine("5:cpu,cpuacct:/\n4:memory:/box\n0::/\n");
    struct machine_memory m;

    scratch_write(&s, "sys/fs/cgroup/memory/box/memory.limit_in_bytes",
                  STR("1073741824\n"));
    scratch_write(&s, "sys/fs/cgroup/memory/box/memory.usage_in_bytes",
                  STR("1000\n"));
    scratch_write(&s, "sys/fs/cgroup/memory/memory.limit_in_bytes",
                  STR("9223372036854771712\n"));
    m = memory(&s);
    CHECK(m.limit_bytes == GIB && m.used_bytes == 1000);
}

TEST(a_group_path_of_the_host_is_found_at_the_mount)
{
    CLEANUP(scratch_done) struct scratch s = machine("0::/docker/4711\n");
    struct machine_memory m;

    scratch_write(&s, "sys/fs/cgroup/memory.max", STR("1073741824\n"));
    m = memory(&s);
    CHECK(m.limit_bytes == GIB);
}

TEST(pressure_is_read_or_said_to_be_unknown)
{
    CLEANUP(scratch_done) struct scratch s = scratch_make();
    struct machine_pressure p = {.some_avg10 = -1};

    CHECK(machine_pressure_at(s.dir, &p) == ERR_UNSUPPORTED);
    CHECK(p.some_avg10 < 0);
    scratch_write(&s, "proc/pressure/memory",
                  STR("some avg10=12.50 avg60=1.00 avg300=0.00 total=991\n"
                      "full avg10=3.25 avg60=0.00 avg300=0.00 total=17\n"));
    CHECK(machine_pressure_at(s.dir, &p) == ERR_OK);
    CHECK(p.some_avg10 > 12.4 && p.some_avg10 < 12.6);
    CHECK(p.full_avg10 > 3.2 && p.full_avg10 < 3.3);
    CHECK(p.some_total_us == 991);
}

TEST(processor_quotas_are_rounded_up)
{
    CLEANUP(scratch_done) struct scratch s = scratch_make();

    CHECK(machine_cpu_quota_at(s.dir) == 0);
    scratch_write(&s, "proc/self/cgroup", STR("0::/a\n"));
    scratch_write(&s, "sys/fs/cgroup/a/cpu.max", STR("150000 100000\n"));
    CHECK(machine_cpu_quota_at(s.dir) == 2);
    scratch_write(&s, "sys/fs/cgroup/a/cpu.max", STR("max 100000\n"));
    CHECK(machine_cpu_quota_at(s.dir) == 0);
    scratch_write(&s, "proc/self/cgroup", STR("3:cpu,cpuacct:/b\n"));
    scratch_write(&s, "sys/fs/cgroup/cpu/b/cpu.cfs_quota_us", STR("50000\n"));
    scratch_write(&s, "sys/fs/cgroup/cpu/b/cpu.cfs_period_us", STR("100000\n"));
    CHECK(machine_cpu_quota_at(s.dir) == 1);
}

TEST(this_machine_is_understood)
{
    struct machine_memory m;
    char name[100] = "";

    CHECK(machine_memory(&m, NULL) == ERR_OK);
    CHECK(m.total_bytes > 1000000 && m.available_bytes <= m.total_bytes);
    CHECK(machine_cpus() >= 1);
    machine_cpu_name(name, sizeof(name));
    CHECK(name[0] != '\0');
    machine_cpu_name(name, 1);
    CHECK(name[0] == '\0');
}
