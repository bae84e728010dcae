/*
 * sandbox_probe - a runner gone bad: enters the runner's sandbox and then
 * tries to get out, one attack after another.
 *
 *     sandbox_probe [--open] DIR TCP_PORT
 *
 * DIR holds model.txt (may be read), kv/ (may be written; kv/planted is a
 * link to the canary), canary.txt (may not be read), sock (somebody's Unix socket). Each attack prints "refused NAME" or
 * "ALLOWED NAME"; the exit status is 0 when all were refused and what a
 * runner needs still works. --open leaves the sandbox out, so that a test can
 * see the attacks succeed; those that would harm the machine are then skipped.
 */
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <arpa/inet.h>

#include "base/mem.h"
#include "base/str.h"
#include "sys/process.h"
#include "sys/sandbox.h"
#include "sys/sys.h"

static char canary[600], model[600], kv[600], outside[600], sock_path[600];
static uint16_t port;
static int early_udp = -1, early_tcp = -1; /* made before the sandbox */

/* ---- attacks: 0 when they worked, else errno --------------------------- */

static int result(long rc)
{
    return rc == -1 ? errno : 0;
}

static int opened(const char *path, int flags)
{
    int fd = open(path, flags | O_CLOEXEC, 0600);

    if (fd >= 0)
        (void)close(fd);
    return result(fd);
}

static int read_canary(void)
{
    return opened(canary, O_RDONLY);
}
static int read_passwd(void)
{
    return opened("/etc/passwd", O_RDONLY);
}
static int read_environ_of_others(void)
{
    char path[64];

    (void)snprintf(path, sizeof(path), "/proc/%d/environ", process_parent());
    return opened(path, O_RDONLY);
}
static int write_model(void)
{
    return opened(model, O_WRONLY);
}
static int make_file_outside(void)
{
    return opened(outside, O_WRONLY | O_CREAT);
}
static int list_root(void)
{
    return opened("/", O_RDONLY | O_DIRECTORY);
}
static int canary_by_link(void)
{
    char path[700];

    (void)snprintf(path, sizeof(path), "%s/link", kv);
    if (symlink(canary, path) == -1)
        return errno;
    return opened(path, O_RDONLY);
}
static int canary_by_planted_link(void)
{
    char path[700];

    (void)snprintf(path, sizeof(path), "%s/planted", kv);
    return opened(path, O_RDONLY);
}
static int canary_by_hard_link(void)
{
    char path[700];

    (void)snprintf(path, sizeof(path), "%s/hard", kv);
    return result(link(canary, path));
}
static int move_out(void)
{
    char path[700];

    (void)snprintf(path, sizeof(path), "%s/mine", kv);
    (void)opened(path, O_WRONLY | O_CREAT);
    return result(rename(path, outside));
}
static int change_mode(void)
{
    return result(chmod(canary, 0644));
}
static int cut_canary(void)
{
    return result(truncate(canary, 0));
}
static int remove_canary(void)
{
    return result(unlink(canary));
}
static int make_socket(int family, int type)
{
    int fd = socket(family, type, 0);

    if (fd >= 0)
        (void)close(fd);
    return result(fd);
}
static int socket_tcp(void)
{
    return make_socket(AF_INET, SOCK_STREAM);
}
static int socket_tcp6(void)
{
    return make_socket(AF_INET6, SOCK_STREAM);
}
static int socket_udp(void)
{
    return make_socket(AF_INET, SOCK_DGRAM);
}
static int socket_netlink(void)
{
    return make_socket(AF_NETLINK, SOCK_RAW);
}
static struct sockaddr_in here(void)
{
    return (struct sockaddr_in){.sin_family = AF_INET,
                                .sin_port = htons(port),
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}
static int connect_tcp(void)
{
    struct sockaddr_in a = here();

    return result(connect(early_tcp, (const struct sockaddr *)&a, sizeof(a)));
}
static int send_udp(void)
{
    struct sockaddr_in a = here();

    return result(
        sendto(early_udp, "x", 1, 0, (const struct sockaddr *)&a, sizeof(a)));
}
static int connect_unix(void)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0), e;

    if (fd == -1)
        return errno;
    (void)snprintf(a.sun_path, sizeof(a.sun_path), "%.100s", sock_path);
    e = result(connect(fd, (const struct sockaddr *)&a, sizeof(a)));
    (void)close(fd);
    return e;
}
static int run_program(void)
{
    char *const argv[] = {NULL};

    return result(execve("/nonexistent/but/tried", argv, argv)) == ENOENT
               ? 0
               : errno;
}
static int run_from_memory(void)
{
    char *const argv[] = {NULL};
    int fd = memfd_create("x", MFD_CLOEXEC);

    if (fd == -1)
        return errno;
    return result(fexecve(fd, argv, argv)) == ENOEXEC ? 0 : errno;
}
static int reap(long pid)
{
    if (pid == 0)
        _exit(0);
    if (pid > 0)
        (void)waitpid((pid_t)pid, NULL, 0);
    return result(pid);
}
static int make_process(void)
{
    return reap(fork());
}
static int make_process_raw(void)
{
    return reap(syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0));
}
static int make_namespace(void)
{
    return reap(syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0));
}
static int leave_namespace(void)
{
    return result(unshare(CLONE_NEWUSER));
}
static int trace_parent(void)
{
    long rc = ptrace(PTRACE_SEIZE, process_parent(), NULL, NULL);

    if (rc == 0)
        (void)ptrace(PTRACE_DETACH, process_parent(), NULL, NULL);
    return result(rc);
}
static int read_parent_memory(void)
{
    char byte;
    struct iovec mine = {&byte, 1}, its = {canary, 1};

    return result(process_vm_readv(process_parent(), &mine, 1, &its, 1, 0))
                   == EFAULT
               ? 0
               : errno;
}
static int signal_parent(void)
{
    return result(kill(process_parent(), 0));
}
static int signal_everybody(void)
{
    return result(kill(-1, 0));
}
static int signal_parent_thread(void)
{
    return result(syscall(SYS_tgkill, process_parent(), process_parent(), 0));
}
static int hold_parent(void)
{
    return result(syscall(SYS_pidfd_open, process_parent(), 0));
}
static int ring(void)
{
    char params[512] = {0};

    return result(syscall(SYS_io_uring_setup, 4, params));
}
static int kernel_program(void)
{
    char attr[128] = {0};
    int e = result(syscall(SYS_bpf, 0, attr, sizeof(attr)));

    return e == EINVAL ? 0 : e;
}
static int faults_in_userland(void)
{
    return result(syscall(SYS_userfaultfd, 0));
}
static int kernel_keys(void)
{
    return result(syscall(SYS_keyctl, 0, -3, 0, 0, 0));
}
static int mount_over(void)
{
    return result(mount("none", kv, "tmpfs", 0, NULL));
}
static int change_root(void)
{
    return result(chroot(kv));
}
static int executable_memory(void)
{
    void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
                   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    return p == MAP_FAILED ? errno : 0;
}
static int memory_made_executable(void)
{
    void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    return p == MAP_FAILED ? errno
                           : result(mprotect(p, 4096, PROT_READ | PROT_EXEC));
}
static int core_files_again(void)
{
    struct rlimit some = {4096, 4096};

    return result(setrlimit(RLIMIT_CORE, &some));
}
static int be_traceable_again(void)
{
    return result(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0));
}
static int owner_of_descriptor(void)
{
    return result(fcntl(early_udp, F_SETOWN, process_parent()));
}

#define ATTACK(f)                                                              \
    {                                                                          \
#f, f, false                                                           \
    }
#define HARMFUL(f)                                                             \
    {                                                                          \
#f, f, true                                                            \
    }
static const struct {
    const char *name;
    int (*run)(void);
    bool harmful; /* not without the sandbox */
} attacks[] = {
    ATTACK(read_canary),
    ATTACK(read_passwd),
    ATTACK(read_environ_of_others),
    ATTACK(write_model),
    ATTACK(make_file_outside),
    ATTACK(list_root),
    ATTACK(canary_by_link),
    ATTACK(canary_by_planted_link),
    ATTACK(canary_by_hard_link),
    ATTACK(move_out),
    ATTACK(change_mode),
    HARMFUL(cut_canary),
    HARMFUL(remove_canary),
    ATTACK(socket_tcp),
    ATTACK(socket_tcp6),
    ATTACK(socket_udp),
    ATTACK(socket_netlink),
    ATTACK(connect_tcp),
    ATTACK(send_udp),
    ATTACK(connect_unix),
    ATTACK(run_program),
    ATTACK(run_from_memory),
    ATTACK(make_process),
    ATTACK(make_process_raw),
    HARMFUL(make_namespace),
    HARMFUL(leave_namespace),
    HARMFUL(trace_parent),
    HARMFUL(read_parent_memory),
    ATTACK(signal_parent),
    ATTACK(signal_everybody),
    ATTACK(signal_parent_thread),
    ATTACK(hold_parent),
    HARMFUL(ring),
    HARMFUL(kernel_program),
    HARMFUL(faults_in_userland),
    HARMFUL(kernel_keys),
    HARMFUL(mount_over),
    HARMFUL(change_root),
    ATTACK(executable_memory),
    ATTACK(memory_made_executable),
    ATTACK(core_files_again),
    ATTACK(be_traceable_again),
    ATTACK(owner_of_descriptor),
};

/* Any other errno means that the attack itself was wrong. */
static bool is_refusal(int e)
{
    return e == EPERM || e == EACCES || e == ENOSYS || e == EXDEV;
}

/* ---- what a runner needs ------------------------------------------------ */

static void *thread_body(void *arg)
{
    return arg;
}

static bool needs_work(void)
{
    char path[700], byte;
    uint64_t rss = 0;
    pthread_t t;
    void *p;
    int fd = open(model, O_RDONLY | O_CLOEXEC);

    if (fd == -1 || read(fd, &byte, 1) != 1
        || mmap(NULL, 1, PROT_READ, MAP_PRIVATE, fd, 0) == MAP_FAILED)
        return false;
    (void)close(fd);
    (void)snprintf(path, sizeof(path), "%s/saved", kv);
    fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (fd == -1 || write(fd, "x", 1) != 1 || ftruncate(fd, 0) != 0
        || unlink(path) != 0)
        return false;
    (void)close(fd);
    p = mem_alloc(50 << 20);
    if (p == NULL)
        return false;
    memset(p, 1, 50 << 20);
    mem_free(p);
    if (pthread_create(&t, NULL, thread_body, NULL) != 0
        || pthread_join(t, NULL) != 0)
        return false;
    return process_rss_self(&rss) == ERR_OK && rss > 0;
}

static bool enter(void)
{
    const char *const read_only[] = {model};
    struct sandbox_report report;
    struct why w = WHY_INIT;
    struct sandbox_opts o = {
        .read_only = read_only, .n_read_only = 1, .read_write = kv};

    if (sandbox_enter(&o, &report, &w) != ERR_OK) {
        (void)printf("no sandbox: %s\n", err_why(&w));
        return false;
    }
    (void)printf("landlock abi %d files %d tcp %d signals %d calls %d\n",
                 report.landlock_abi, report.files, report.tcp, report.signals,
                 report.calls);
    return report.files && report.calls;
}

int main(int argc, char **argv)
{
    bool free_run = argc > 1 && strcmp(argv[1], "--open") == 0;
    const char *dir = argc == 3 + free_run ? argv[1 + free_run] : NULL;
    uint64_t number = 0, rss;
    int allowed = 0;

    if (dir == NULL || !str_u64(str_c(argv[2 + free_run]), UINT16_MAX, &number))
        return 64;
    port = (uint16_t)number;
    (void)snprintf(canary, sizeof(canary), "%.500s/canary.txt", dir);
    (void)snprintf(model, sizeof(model), "%.500s/model.txt", dir);
    (void)snprintf(kv, sizeof(kv), "%.500s/kv", dir);
    (void)snprintf(outside, sizeof(outside), "%.500s/outside", dir);
    (void)snprintf(sock_path, sizeof(sock_path), "%.500s/sock", dir);
    early_udp = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    early_tcp = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (process_rss_self(&rss) != ERR_OK)
        return 71;
    if (!free_run && !enter())
        return 71;
    for (size_t i = 0; i < COUNTOF(attacks); i++) {
        int e;

        if (free_run && attacks[i].harmful)
            continue;
        e = attacks[i].run();
        (void)printf("%s %s (%s)\n", is_refusal(e) ? "refused" : "ALLOWED",
                     attacks[i].name, strerrorname_np(e));
        allowed += is_refusal(e) ? 0 : 1;
    }
    if (!needs_work()) {
        (void)printf("BROKEN: what a runner needs was refused: %s\n",
                     strerrorname_np(errno));
        return 70;
    }
    (void)printf("%d allowed\n", allowed);
    (void)fflush(stdout);
    _exit(allowed > 0 ? 1 : 0); /* a leak checker could not work in here */
}
