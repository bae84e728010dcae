/*
 * Two walls, each enough for what it covers.
 *
 * Landlock decides which files exist for us, by object and not by path, and
 * cuts TCP, signals and abstract sockets where the kernel knows how (it grew
 * by ABI numbers). seccomp then refuses every system call that is not in
 * sandbox_calls.def. An allow-list and not a deny-list: a call that the next
 * kernel invents is refused too. Refused calls fail with EPERM and do not
 * kill, for libraries try things and go on; clone3, whose flags seccomp cannot
 * see, fails with ENOSYS, upon which libc takes clone, whose flags it can.
 *
 * Debian 12's <linux/landlock.h> is of Linux 6.1, so the newer fields are
 * declared here (Documentation/userspace-api/landlock.rst).
 */
#include "sys/sandbox.h"

#include <fcntl.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sys/fd.h"
#include "sys/process.h"
#include "sys/sys.h"

/* ---- Landlock ----------------------------------------------------------- */

#ifndef SYS_landlock_create_ruleset
#define SYS_landlock_create_ruleset 444
#define SYS_landlock_add_rule       445
#define SYS_landlock_restrict_self  446
#endif

enum { LL_VERSION = 1U, LL_PATH_BENEATH = 1 };

struct ll_ruleset {
    uint64_t fs, net, scoped;
};
struct ll_path {
    uint64_t allowed;
    int32_t fd;
} __attribute__((packed));

enum {
    FS_WRITE_FILE = 1 << 1,
    FS_READ_FILE = 1 << 2,
    FS_READ_DIR = 1 << 3,
    FS_REMOVE_DIR = 1 << 4,
    FS_REMOVE_FILE = 1 << 5,
    FS_MAKE_DIR = 1 << 7,
    FS_MAKE_REG = 1 << 8,
    FS_REFER = 1 << 13,    /* ABI 2 */
    FS_TRUNCATE = 1 << 14, /* ABI 3 */
    FS_IOCTL_DEV = 1 << 15 /* ABI 5 */
};
#define FS_ABI_1 0x1fffU
#define FS_WRITE_RIGHTS                                                        \
    (FS_READ_FILE | FS_READ_DIR | FS_WRITE_FILE | FS_REMOVE_DIR                \
     | FS_REMOVE_FILE | FS_MAKE_DIR | FS_MAKE_REG | FS_REFER | FS_TRUNCATE)
#define NET_TCP    3U /* bind, connect: ABI 4 */
#define SCOPE_BOTH 3U /* abstract sockets, signals: ABI 6 */

static int landlock_abi(void)
{
    long abi = SYS(syscall(SYS_landlock_create_ruleset, NULL, 0, LL_VERSION));

    return abi > 0 ? (int)abi : 0;
}

static struct ll_ruleset handled_by(int abi)
{
    struct ll_ruleset r = {.fs = FS_ABI_1};

    if (abi >= 2)
        r.fs |= FS_REFER;
    if (abi >= 3)
        r.fs |= FS_TRUNCATE;
    if (abi >= 4)
        r.net = NET_TCP;
    if (abi >= 5)
        r.fs |= FS_IOCTL_DEV;
    if (abi >= 6)
        r.scoped = SCOPE_BOTH;
    return r;
}

static size_t ruleset_size(int abi)
{
    if (abi >= 6)
        return sizeof(struct ll_ruleset);
    return abi >= 4 ? offsetof(struct ll_ruleset, scoped)
                    : offsetof(struct ll_ruleset, net);
}

/* Everything below `path` (or the file itself) may be used like that. */
static enum err allow(int rules, const char *path, uint64_t rights,
                      struct why *w)
{
    CLEANUP(fd_closep) int fd = -1;
    struct ll_path rule = {.allowed = rights};
    struct stat st;

    fd = SYS_RETRY(open(path, O_PATH | O_CLOEXEC));
    if (fd == -1 || SYS(fstat(fd, &st)) == -1)
        return SYS_FAIL(w, "cannot open %s for the sandbox", path);
    if (!S_ISDIR(st.st_mode)) /* other rights on a file are an error */
        rule.allowed &= FS_READ_FILE | FS_WRITE_FILE | FS_TRUNCATE;
    rule.fd = fd;
    if (SYS(syscall(SYS_landlock_add_rule, rules, LL_PATH_BENEATH, &rule, 0))
        == -1)
        return FAIL_SYS(w, ERR_SANDBOX, "cannot let the sandbox read %s", path);
    return ERR_OK;
}

static enum err hold_files(const struct sandbox_opts *o,
                           struct sandbox_report *report, struct why *w)
{
    CLEANUP(fd_closep) int rules = -1;
    struct ll_ruleset all = handled_by(report->landlock_abi);

    rules = (int)SYS(syscall(SYS_landlock_create_ruleset, &all,
                             ruleset_size(report->landlock_abi), 0));
    if (rules == -1)
        return FAIL_SYS(w, ERR_SANDBOX, "Landlock cannot be set up");
    for (size_t i = 0; i < o->n_read_only; i++)
        TRY(allow(rules, o->read_only[i], FS_READ_FILE | FS_READ_DIR, w));
    if (o->read_write != NULL)
        TRY(allow(rules, o->read_write, FS_WRITE_RIGHTS & all.fs, w));
    if (SYS(syscall(SYS_landlock_restrict_self, rules, 0)) == -1)
        return FAIL_SYS(w, ERR_SANDBOX, "Landlock cannot be entered");
    report->files = true;
    report->tcp = all.net != 0;
    report->signals = all.scoped != 0;
    return ERR_OK;
}

/* ---- seccomp ------------------------------------------------------------ */

static const char *const plain_calls[] = {
#define CALL(name) #name,
#include "sys/sandbox_calls.def"
#undef CALL
};

/* Calls that are harmless when argument `arg`, under `mask`, is `is`. All 64
 * bits are compared, so bits that the kernel would ignore only refuse. */
struct arg_rule {
    const char *name;
    unsigned arg;
    uint64_t mask, is;
};
#define ALL_BITS UINT64_MAX

static const struct arg_rule arg_rules[] = {
    /* threads, not processes */
    {"clone", 0, CLONE_THREAD, CLONE_THREAD},
    /* never executable memory */
    {"mmap", 2, PROT_EXEC, 0},
    {"mmap2", 2, PROT_EXEC, 0},
    {"mprotect", 2, PROT_EXEC, 0},
    /* to the peer of the socket, not to an address */
    {"sendto", 4, ALL_BITS, 0},
    /* reading limits, not setting them */
    {"prlimit64", 2, ALL_BITS, 0},
    {"prctl", 0, ALL_BITS, PR_SET_NAME},
    {"prctl", 0, ALL_BITS, PR_GET_NAME},
    {"prctl", 0, ALL_BITS, 0x53564d41 /* PR_SET_VMA: names of memory */},
    /* no F_SETOWN: its signals go where they want */
    {"fcntl", 1, ALL_BITS, F_GETFD},
    {"fcntl", 1, ALL_BITS, F_SETFD},
    {"fcntl", 1, ALL_BITS, F_GETFL},
    {"fcntl", 1, ALL_BITS, F_SETFL},
    {"fcntl", 1, ALL_BITS, F_DUPFD_CLOEXEC},
    {"fcntl", 1, ALL_BITS, F_GET_SEALS},
};

static int add_arg_rule(scmp_filter_ctx c, uint32_t action,
                        const struct arg_rule *r)
{
    struct scmp_arg_cmp when = {r->arg, SCMP_CMP_MASKED_EQ, r->mask, r->is};
    int nr = seccomp_syscall_resolve_name(r->name);

    if (nr == __NR_SCMP_ERROR)
        return 0;
    return seccomp_rule_add_array(c, action, nr, 1, &when);
}

static int add_arg_rules(scmp_filter_ctx c)
{
    const uint64_t self = (uint64_t)process_self();
    /* signals to ourselves: abort, raise */
    const struct arg_rule kill_self = {"kill", 0, ALL_BITS, self};
    const struct arg_rule tgkill_self = {"tgkill", 0, ALL_BITS, self};
    /* is this a terminal? no */
    const struct arg_rule terminal = {"ioctl", 1, ALL_BITS, TCGETS};
    int rc = 0;

    for (size_t i = 0; i < COUNTOF(arg_rules) && rc == 0; i++)
        rc = add_arg_rule(c, SCMP_ACT_ALLOW, &arg_rules[i]);
    if (rc == 0)
        rc = add_arg_rule(c, SCMP_ACT_ALLOW, &kill_self);
    if (rc == 0)
        rc = add_arg_rule(c, SCMP_ACT_ALLOW, &tgkill_self);
    if (rc == 0)
        rc = add_arg_rule(c, SCMP_ACT_ERRNO(ENOTTY), &terminal);
    return rc;
}

/* Calls that make libraries go another way when they do not exist. */
static int add_missing(scmp_filter_ctx c)
{
    static const char *const names[] = {"clone3", "openat2", "faccessat2"};

    for (size_t i = 0; i < COUNTOF(names); i++) {
        int nr = seccomp_syscall_resolve_name(names[i]);
        int rc = nr == __NR_SCMP_ERROR
                     ? 0
                     : seccomp_rule_add(c, SCMP_ACT_ERRNO(ENOSYS), nr, 0);
        if (rc != 0)
            return rc;
    }
    return 0;
}

static int load_filter(scmp_filter_ctx c)
{
    int rc = 0;

    for (size_t i = 0; i < COUNTOF(plain_calls) && rc == 0; i++) {
        int nr = seccomp_syscall_resolve_name(plain_calls[i]);

        if (nr != __NR_SCMP_ERROR)
            rc = seccomp_rule_add(c, SCMP_ACT_ALLOW, nr, 0);
    }
    if (rc == 0)
        rc = add_arg_rules(c);
    if (rc == 0)
        rc = add_missing(c);
    if (rc == 0)
        rc = seccomp_attr_set(c, SCMP_FLTATR_CTL_TSYNC, 1);
    return rc == 0 ? seccomp_load(c) : rc;
}

static enum err hold_calls(struct sandbox_report *report, struct why *w)
{
    scmp_filter_ctx c =
        SYS(0) == 0 ? seccomp_init(SCMP_ACT_ERRNO(EPERM)) : NULL;
    int rc;

    if (c == NULL)
        return FAIL(w, ERR_SANDBOX, "seccomp cannot be set up");
    rc = load_filter(c);
    seccomp_release(c);
    if (rc != 0)
        return err_fail(w, ERR_SANDBOX, -rc, __FILE__,
                        "seccomp cannot be entered");
    report->calls = true;
    return ERR_OK;
}

/* ---- both --------------------------------------------------------------- */

static bool calls_can_be_held(void)
{
    unsigned action = 0x00050000U; /* SECCOMP_RET_ERRNO */

    return syscall(SYS_seccomp, 2U /* GET_ACTION_AVAIL */, 0U, &action) == 0;
}

/* Landlock holds only the thread that enters it and its descendants. */
static enum err one_thread(struct why *w)
{
    unsigned n = 0;

#if defined(__SANITIZE_THREAD__)
    return ERR_OK; /* the sanitizer has a thread of its own */
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
    return ERR_OK;
#endif
#endif
    if (process_threads(&n) == ERR_OK && n > 1)
        return FAIL(w, ERR_SANDBOX,
                    "the sandbox must be entered before the first thread, "
                    "there are %u",
                    n);
    return ERR_OK;
}

/* No core file with prompts in it, no debugger, no rights by exec. */
static enum err shut(struct why *w)
{
    const struct rlimit none = {0, 0};

    if (SYS(setrlimit(RLIMIT_CORE, &none)) == -1
        || SYS(prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)) == -1
        || SYS(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)) == -1)
        return FAIL_SYS(w, ERR_SANDBOX, "rights cannot be given up");
    return ERR_OK;
}

enum err sandbox_enter(const struct sandbox_opts *o,
                       struct sandbox_report *report, struct why *w)
{
    struct sandbox_report r = {.landlock_abi = landlock_abi()};
    bool calls = calls_can_be_held();

    if (!o->unconfined && r.landlock_abi == 0)
        return FAIL(w, ERR_SANDBOX,
                    "this kernel has no Landlock (Linux 5.13 and later, with "
                    "landlock among its security modules)");
    if (!o->unconfined && !calls)
        return FAIL(w, ERR_SANDBOX, "this kernel has no seccomp filters");
    TRY(one_thread(w));
    TRY(shut(w));
    if (r.landlock_abi > 0)
        TRY(hold_files(o, &r, w));
    if (calls)
        TRY(hold_calls(&r, w));
    *report = r;
    return ERR_OK;
}

void sandbox_probe(struct sandbox_report *report)
{
    int abi = landlock_abi();

    *report = (struct sandbox_report){
        .landlock_abi = abi,
        .files = abi >= 1,
        .tcp = abi >= 4,
        .signals = abi >= 6,
        .calls = calls_can_be_held(),
    };
}
