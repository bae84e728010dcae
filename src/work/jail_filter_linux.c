/*
 * jail_filter_linux.c - by libseccomp, which builds the program; bubblewrap
 * loads it right before the exec.
 */
#include <errno.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/socket.h>

#include "sys/fd.h"
#include "work/jail_filter.h"

/* Unknown to this libseccomp: left out, there is no such call then. */
static const char *const denied[] = {
    "add_key",
    "request_key",
    "keyctl", /* the user's keys */
    "bpf",
    "perf_event_open",
    "userfaultfd",
    "io_uring_setup",
    "io_uring_enter",
    "io_uring_register", /* doors to kernel code */
    "ptrace",
    "process_vm_readv",
    "process_vm_writev",
    "pidfd_getfd",
    "kcmp", /* other processes */
    "mount",
    "umount",
    "umount2",
    "pivot_root",
    "chroot",
    "open_tree",
    "move_mount",
    "fsopen",
    "fsconfig",
    "fsmount",
    "fspick",
    "mount_setattr",
    "unshare",
    "setns", /* other views of the system */
    "open_by_handle_at",
    "name_to_handle_at",
    "lookup_dcookie",
    "syslog",
    "quotactl",
    "acct",
    "swapon",
    "swapoff",
    "reboot",
    "kexec_load",
    "kexec_file_load",
    "init_module",
    "finit_module",
    "delete_module",
    "vhangup",
    "iopl",
    "ioperm",
    "nfsservctl",
};

static void ctx_freep(scmp_filter_ctx *ctx)
{
    if (*ctx != NULL)
        seccomp_release(*ctx);
}

/* Every namespace flag of clone(2). */
static const unsigned long long namespaces[] = {
    CLONE_NEWUSER, CLONE_NEWNS,  CLONE_NEWPID,    CLONE_NEWNET,
    CLONE_NEWIPC,  CLONE_NEWUTS, CLONE_NEWCGROUP,
};

static int deny_processes(scmp_filter_ctx ctx, bool forks)
{
    int e = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);

    for (size_t i = 0; e == 0 && i < COUNTOF(namespaces); i++)
        e = seccomp_rule_add(
            ctx, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(clone), 1,
            SCMP_A0(SCMP_CMP_MASKED_EQ, namespaces[i], namespaces[i]));
    if (forks || e != 0)
        return e;
    e = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(clone), 1,
                         SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, 0));
    if (e == 0)
        e = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(fork), 0);
    if (e == 0)
        e = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(vfork), 0);
    return e;
}

static int fill(scmp_filter_ctx ctx, bool forks)
{
    int e = 0;

    for (size_t i = 0; e == 0 && i < COUNTOF(denied); i++) {
        int call = seccomp_syscall_resolve_name(denied[i]);

        if (call != __NR_SCMP_ERROR)
            e = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EPERM), call, 0);
    }
    if (e == 0)
        e = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(socket), 1,
                             SCMP_A0(SCMP_CMP_NE, AF_UNIX, 0));
    return e != 0 ? e : deny_processes(ctx, forks);
}

/* The program is a few KB: it fits into an empty pipe whole. */
enum err jail_filter_open(bool forks, int *fd, struct why *w)
{
    CLEANUP(fd_closep) int in = -1;
    CLEANUP(fd_closep) int out = -1;
    CLEANUP(ctx_freep) scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ALLOW);
    int ends[2], e;

    if (ctx == NULL)
        return FAIL(w, ERR_NOMEM, "no memory for a filter of system calls");
    TRY(fd_pipe(ends, w));
    in = ends[0];
    out = ends[1];
    e = fill(ctx, forks);
    if (e == 0)
        e = seccomp_export_bpf(ctx, out);
    if (e != 0)
        return err_fail(w, ERR_SANDBOX, -e, __FILE__ ":" ERR_STR(__LINE__),
                        "the filter of system calls cannot be made");
    *fd = fd_take(&in);
    return ERR_OK;
}
