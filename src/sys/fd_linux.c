/*
 * Sealed memory descriptors (memfd_create(2), fcntl(2) F_ADD_SEALS).
 *
 * The receiver checks the seals itself: without F_SEAL_SHRINK a peer could
 * cut the file under the mapping and kill the reader with SIGBUS.
 */
#include "sys/fd.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "sys/sys.h"

#define SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

enum err fd_seal(const char *name, struct str bytes, int *out, struct why *w)
{
    CLEANUP(fd_closep) int fd = -1;

    fd = SYS(memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING));
    if (fd == -1)
        return SYS_FAIL(w, "cannot make a memory file");
    if (fd_write_all(fd, bytes) != ERR_OK)
        return SYS_FAIL(w, "cannot fill a memory file");
    if (SYS(fcntl(fd, F_ADD_SEALS, SEALS)) == -1)
        return SYS_FAIL(w, "cannot seal a memory file");
    *out = fd_take(&fd);
    return ERR_OK;
}

enum err fd_map_sealed(int fd, size_t max, struct str *out, struct why *w)
{
    struct stat st;
    int seals = SYS(fcntl(fd, F_GET_SEALS));
    void *p;

    if (seals == -1 || (seals & SEALS) != SEALS)
        return FAIL(w, ERR_PROTOCOL, "the descriptor is not sealed memory");
    if (SYS(fstat(fd, &st)) == -1)
        return SYS_FAIL(w, "cannot look at a memory file");
    if (st.st_size < 0 || (uint64_t)st.st_size > max)
        return FAIL(w, ERR_LIMIT, "%lld bytes of input, at most %zu are taken",
                    (long long)st.st_size, max);
    if (st.st_size == 0) {
        *out = STR_EMPTY;
        return ERR_OK;
    }
    p = SYS(0) == 0
            ? mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0)
            : MAP_FAILED;
    if (p == MAP_FAILED)
        return SYS_FAIL(w, "cannot map a memory file");
    *out = (struct str){p, (size_t)st.st_size};
    return ERR_OK;
}

void fd_unmap(struct str *bytes)
{
    void *p;

    memcpy(&p, &bytes->p, sizeof(p)); /* ours to unmap, const only to read */
    if (bytes->n > 0)
        (void)munmap(p, bytes->n);
    *bytes = STR_EMPTY;
}
