/*
 * Memory, pressure and processors from /proc and the cgroup file systems.
 *
 * cgroup v2 has one tree; v1 has one per controller. Limits hold for all
 * descendants, so every group from ours up to the root is asked and the
 * smallest limit counts. In a container the path in /proc/self/cgroup may be
 * the host's and not exist below /sys/fs/cgroup: then the mount's own root is
 * what we can see of our group, and it is asked anyway.
 */
#include "sys/machine.h"

#include <sched.h>

#include "base/buf.h"
#include "sys/fs.h"
#include "sys/sys.h"

enum { TEXT_MAX = 65536, GROUPS_UP_MAX = 32, CPUINFO_MAX = 1 << 20 };

/* A small file below `root`; empty when it is not there. */
static struct str slurp(const char *root, const char *path, struct buf *b)
{
    char full[FS_PATH_MAX];
    int n = snprintf(full, sizeof(full), "%s%s", root, path);

    buf_clear(b);
    if (n < 0 || (size_t)n >= sizeof(full) || fs_read(full, b, NULL) != ERR_OK)
        return STR_EMPTY;
    return buf_str(b);
}

/* "Key:   123 kB" of meminfo, "key 123" of the cgroup files. */
static bool value_of(struct str text, const char *key, uint64_t *out)
{
    struct str line;

    while (str_line(&text, &line)) {
        struct str rest;

        if (!str_starts(line, str_c(key)))
            continue;
        rest = str_sub(line, strlen(key), SIZE_MAX);
        if (rest.n == 0 || (rest.p[0] != ':' && rest.p[0] != ' '))
            continue;
        rest = str_trim(str_sub(rest, 1, SIZE_MAX));
        return str_u64(str_cut(&rest, ' '), UINT64_MAX, out);
    }
    return false;
}

/* A file that holds one number; "max" and nonsense are no number. */
static bool number_in(const char *root, const char *dir, const char *name,
                      uint64_t *out)
{
    CLEANUP(buf_done) struct buf b = BUF_INIT(TEXT_MAX);
    char path[FS_PATH_MAX];

    return fs_join(dir, name, path) == ERR_OK
           && str_u64(str_trim(slurp(root, path, &b)), UINT64_MAX, out);
}

/* Our group's path for `controller` ("" for v2) from /proc/self/cgroup, whose
 * lines are "id:controllers:path". */
static bool own_group(struct str text, const char *controller,
                      char out[FS_PATH_MAX])
{
    struct str line;

    while (str_line(&text, &line)) {
        struct str names, name;
        bool match = false;

        (void)str_cut(&line, ':');
        names = str_cut(&line, ':');
        if (names.n == 0)
            match = controller[0] == '\0';
        while (names.n > 0) {
            name = str_cut(&names, ',');
            match = match || str_eq(name, str_c(controller));
        }
        if (match)
            return str_z(line, out, FS_PATH_MAX);
    }
    return false;
}

/* Calls `ask` for our group and each above it, to the mount point itself. */
static void each_group(const char *mount, char path[FS_PATH_MAX],
                       void (*ask)(const char *dir, void *ctx), void *ctx)
{
    for (int i = 0; i < GROUPS_UP_MAX; i++) {
        char dir[FS_PATH_MAX];
        char *slash = strrchr(path, '/');
        int n = snprintf(dir, sizeof(dir), "%s%s", mount, path);

        if (n >= 0 && (size_t)n < sizeof(dir))
            ask(dir, ctx);
        if (slash == NULL)
            return;
        *slash = '\0';
    }
}

/* ---- memory ------------------------------------------------------------- */

struct asking {
    const char *root;
    struct machine_memory *m;
    double cpus; /* smallest quota, 0: none */
};

static void tighten(struct asking *a, const char *dir, const char *limit_name,
                    const char *used_name, const char *cache_key)
{
    CLEANUP(buf_done) struct buf b = BUF_INIT(TEXT_MAX);
    uint64_t limit, used = 0, cache = 0;
    char path[FS_PATH_MAX];

    if (!number_in(a->root, dir, limit_name, &limit)
        || limit >= a->m->limit_bytes
        || limit >= a->m->total_bytes) /* v1 says "none" by a huge number */
        return;
    (void)number_in(a->root, dir, used_name, &used);
    if (fs_join(dir, "memory.stat", path) == ERR_OK)
        (void)value_of(slurp(a->root, path, &b), cache_key, &cache);
    a->m->limit_bytes = limit;
    a->m->used_bytes = used > cache ? used - cache : 0;
}

static void ask_memory_v2(const char *dir, void *ctx)
{
    tighten(ctx, dir, "memory.max", "memory.current", "inactive_file");
}

static void ask_memory_v1(const char *dir, void *ctx)
{
    tighten(ctx, dir, "memory.limit_in_bytes", "memory.usage_in_bytes",
            "total_inactive_file");
}

enum err machine_memory_at(const char *root, struct machine_memory *out,
                           struct why *w)
{
    CLEANUP(buf_done) struct buf b = BUF_INIT(TEXT_MAX);
    struct machine_memory m = {.limit_bytes = MACHINE_NO_LIMIT};
    struct asking a = {.root = root, .m = &m};
    char path[FS_PATH_MAX];
    struct str text = slurp(root, "/proc/meminfo", &b);

    if (!value_of(text, "MemTotal", &m.total_bytes)
        || !value_of(text, "MemAvailable", &m.available_bytes))
        return FAIL(w, ERR_UNSUPPORTED, "/proc/meminfo cannot be read");
    m.total_bytes *= 1024;
    m.available_bytes *= 1024;
    text = slurp(root, "/proc/self/cgroup", &b);
    if (own_group(text, "", path))
        each_group("/sys/fs/cgroup", path, ask_memory_v2, &a);
    if (own_group(text, "memory", path))
        each_group("/sys/fs/cgroup/memory", path, ask_memory_v1, &a);
    *out = m;
    return ERR_OK;
}

enum err machine_memory(struct machine_memory *out, struct why *w)
{
    return machine_memory_at("", out, w);
}

/* ---- pressure ----------------------------------------------------------- */

/* "some avg10=0.00 avg60=0.00 avg300=0.00 total=0" */
static bool psi_line(struct str text, const char *kind, double *avg10,
                     uint64_t *total)
{
    struct str line;

    while (str_line(&text, &line)) {
        bool has_avg = false, has_total = false;

        if (!str_eq(str_cut(&line, ' '), str_c(kind)))
            continue;
        while (line.n > 0) {
            struct str value = str_cut(&line, ' ');
            struct str key = str_cut(&value, '=');

            if (str_eq(key, STR("avg10")))
                has_avg = str_f64(value, avg10);
            else if (str_eq(key, STR("total")))
                has_total = str_u64(value, UINT64_MAX, total);
        }
        return has_avg && has_total;
    }
    return false;
}

enum err machine_pressure_at(const char *root, struct machine_pressure *out)
{
    CLEANUP(buf_done) struct buf b = BUF_INIT(TEXT_MAX);
    struct str text = slurp(root, "/proc/pressure/memory", &b);
    struct machine_pressure p;
    uint64_t full_total;

    if (!psi_line(text, "some", &p.some_avg10, &p.some_total_us)
        || !psi_line(text, "full", &p.full_avg10, &full_total))
        return ERR_UNSUPPORTED;
    *out = p;
    return ERR_OK;
}

enum err machine_pressure(struct machine_pressure *out)
{
    return machine_pressure_at("", out);
}

/* ---- processors --------------------------------------------------------- */

static void narrow(struct asking *a, uint64_t quota, uint64_t period)
{
    double cpus = period > 0 ? (double)quota / (double)period : 0;

    if (cpus > 0 && (a->cpus <= 0 || cpus < a->cpus))
        a->cpus = cpus;
}

static void ask_cpu_v2(const char *dir, void *ctx)
{
    CLEANUP(buf_done) struct buf b = BUF_INIT(TEXT_MAX);
    struct asking *a = ctx;
    char path[FS_PATH_MAX];
    uint64_t quota, period;
    struct str text;

    if (fs_join(dir, "cpu.max", path) != ERR_OK)
        return;
    text = str_trim(slurp(a->root, path, &b)); /* "max 100000" or two numbers */
    if (str_u64(str_cut(&text, ' '), UINT64_MAX, &quota)
        && str_u64(text, UINT64_MAX, &period))
        narrow(a, quota, period);
}

static void ask_cpu_v1(const char *dir, void *ctx)
{
    struct asking *a = ctx;
    uint64_t quota, period;

    if (number_in(a->root, dir, "cpu.cfs_quota_us", &quota)
        && number_in(a->root, dir, "cpu.cfs_period_us", &period))
        narrow(a, quota, period);
}

unsigned machine_cpu_quota_at(const char *root)
{
    CLEANUP(buf_done) struct buf b = BUF_INIT(TEXT_MAX);
    struct asking a = {.root = root};
    char path[FS_PATH_MAX];
    struct str text = slurp(root, "/proc/self/cgroup", &b);

    if (own_group(text, "", path))
        each_group("/sys/fs/cgroup", path, ask_cpu_v2, &a);
    if (own_group(text, "cpu", path))
        each_group("/sys/fs/cgroup/cpu", path, ask_cpu_v1, &a);
    if (a.cpus <= 0 || a.cpus > 65536)
        return 0;
    return (unsigned)a.cpus + ((double)(unsigned)a.cpus < a.cpus ? 1U : 0U);
}

unsigned machine_cpus(void)
{
    unsigned quota = machine_cpu_quota_at(""), mine = 1;
    cpu_set_t set;

    CPU_ZERO(&set);
    if (SYS(sched_getaffinity(0, sizeof(set), &set)) == 0)
        mine = (unsigned)CPU_COUNT(&set);
    mine = MAX(mine, 1U);
    return quota > 0 ? MIN(mine, quota) : mine;
}

void machine_cpu_name(char *out, size_t cap)
{
    CLEANUP(buf_done) struct buf b = BUF_INIT(CPUINFO_MAX);
    struct str text = slurp("", "/proc/cpuinfo", &b), line;

    while (str_line(&text, &line)) {
        struct str key = str_trim(str_cut(&line, ':'));

        if (str_eq(key, STR("model name")) && str_z(str_trim(line), out, cap))
            return;
    }
    if (!str_z(STR("unknown"), out, cap) && cap > 0)
        out[0] = '\0';
}
