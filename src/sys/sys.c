#include "sys/sys.h"

enum err sys_err(int sys)
{
    switch (sys) {
    case 0:
        return ERR_OK;
    case ENOMEM:
        return ERR_NOMEM;
    case EAGAIN:
#if EWOULDBLOCK != EAGAIN
    case EWOULDBLOCK:
#endif
        return ERR_AGAIN;
    case ENOENT:
    case ENOTDIR:
    case ESRCH:
        return ERR_NOTFOUND;
    case EACCES:
    case EPERM:
    case EROFS:
        return ERR_DENIED;
    case EEXIST:
    case ENOTEMPTY:
        return ERR_EXISTS;
    case EPIPE:
    case ECONNRESET:
        return ERR_EOF;
    case EMFILE:
    case ENFILE:
    case E2BIG:
    case EFBIG:
    case ENAMETOOLONG:
    case ELOOP:
        return ERR_LIMIT;
    case ENOSYS:
    case EOPNOTSUPP:
        return ERR_UNSUPPORTED;
    case ETIMEDOUT:
        return ERR_TIMEOUT;
    default:
        return ERR_IO;
    }
}

#ifdef TEST_FAULTS
static unsigned fault_at, fault_seen;
static int fault_errno;

unsigned sys_fault_arm(unsigned nth, int sys)
{
    unsigned seen = __atomic_load_n(&fault_seen, __ATOMIC_RELAXED);

    fault_at = nth;
    fault_errno = sys;
    __atomic_store_n(&fault_seen, 0U, __ATOMIC_RELAXED);
    return seen;
}

bool sys_fault_hit(void)
{
    unsigned n = __atomic_add_fetch(&fault_seen, 1U, __ATOMIC_RELAXED);

    if (fault_at == 0 || n != fault_at)
        return false;
    errno = fault_errno;
    return true;
}
#endif
