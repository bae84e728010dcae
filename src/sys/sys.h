/*
 * sys.h - what every module of this folder shares: system calls that tests
 * can make fail, and the meaning of errno.
 *
 * src/sys is the only folder that calls the kernel, and every call in it is
 * written SYS(call(...)). In test builds the Nth of them fails on request; in
 * product builds SYS(x) is x. Thread: any (arming is for one thread).
 */
#ifndef SYS_SYS_H
#define SYS_SYS_H

#include <errno.h>

#include "base/err.h"

/* What a caller can do about this errno: ENOENT is ERR_NOTFOUND, EACCES is
 * ERR_DENIED, EAGAIN is ERR_AGAIN, EPIPE is ERR_EOF, ... else ERR_IO. */
enum err sys_err(int sys);

/* FAIL_SYS with the code that errno stands for. */
#define SYS_FAIL(w, ...)                                                       \
    err_fail((w), sys_err(errno), errno, __FILE__ ":" ERR_STR(__LINE__),       \
             __VA_ARGS__)

#ifdef TEST_FAULTS
/* Fail system call number `nth` (1-based, counted from now) with `sys` as
 * errno; 0 disarms. Returns how many calls were made since the last arming. */
unsigned sys_fault_arm(unsigned nth, int sys);
bool sys_fault_hit(void);
#define SYS(call) (sys_fault_hit() ? (__typeof__(call))-1 : (call))
#else
#define SYS(call) (call)
#endif

/* The same, again and again while a signal interrupts it. */
#define SYS_RETRY(call)                                                        \
    __extension__({                                                            \
        __typeof__(call) retry_;                                               \
        do                                                                     \
            retry_ = SYS(call);                                                \
        while (retry_ == -1 && errno == EINTR);                                \
        retry_;                                                                \
    })

#endif
