#include "sys/fs.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/mem.h"
#include "sys/fd.h"
#include "sys/process.h"
#include "sys/sys.h"

enum { CHUNK = 16384 };

void fs_stat_from(const struct stat *st, struct fs_stat *out)
{
    *out = (struct fs_stat){
        .dev = (uint64_t)st->st_dev,
        .ino = (uint64_t)st->st_ino,
        .size_bytes = (uint64_t)st->st_size,
#ifdef __APPLE__
        .mtime_ns = (int64_t)st->st_mtimespec.tv_sec * 1000000000
                    + st->st_mtimespec.tv_nsec,
#else
        .mtime_ns =
            (int64_t)st->st_mtim.tv_sec * 1000000000 + st->st_mtim.tv_nsec,
#endif
        .kind = FS_OTHER,
        .mode = (unsigned)st->st_mode & 07777U,
        .owner = (unsigned)st->st_uid,
    };
    if (S_ISREG(st->st_mode))
        out->kind = FS_FILE;
    else if (S_ISDIR(st->st_mode))
        out->kind = FS_DIR;
    else if (S_ISLNK(st->st_mode))
        out->kind = FS_LINK;
}

/* Where a record ends up is decided by the descriptor, so a path that changes
 * between check and use cannot turn a pipe or device into "a file". */
static enum err open_regular(const char *path, int *out, uint64_t *size,
                             struct why *w)
{
    CLEANUP(fd_closep) int fd = -1;
    struct stat st;

    /* Non-blocking, or a pipe without a writer would hold us here. */
    fd = SYS_RETRY(open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
    if (fd == -1)
        return SYS_FAIL(w, "cannot open %s", path);
    if (SYS(fstat(fd, &st)) == -1)
        return SYS_FAIL(w, "cannot look at %s", path);
    if (!S_ISREG(st.st_mode))
        return FAIL(w, ERR_IO, "%s is not a file", path);
    *size = (uint64_t)st.st_size;
    *out = fd_take(&fd);
    return ERR_OK;
}

/* Reads to the end, whatever the size said: /proc says 0, and others write. */
static enum err read_rest(int fd, const char *path, struct buf *b,
                          struct why *w)
{
    for (;;) {
        size_t room = MIN(b->max - b->len, (size_t)CHUNK), got = 0;
        char probe;
        enum err e;

        if (room > 0) {
            if (b->cap > b->len + 1) /* what is there, before growing */
                room = MIN(b->cap - b->len - 1, b->max - b->len);
            e = buf_reserve(b, room);
            if (e != ERR_OK)
                return FAIL(w, e, "no memory to read %s", path);
        }
        e = fd_read(fd, room > 0 ? b->data + b->len : &probe,
                    room > 0 ? room : 1, &got);
        if (e == ERR_EOF)
            return ERR_OK;
        if (e != ERR_OK)
            return FAIL_SYS(w, e, "cannot read %s", path);
        if (room == 0)
            return FAIL(w, ERR_LIMIT, "%s is larger than %zu bytes", path,
                        b->max);
        buf_grew(b, got);
    }
}

enum err fs_read(const char *path, struct buf *out, struct why *w)
{
    CLEANUP(fd_closep) int fd = -1;
    size_t before = out->len;
    uint64_t size = 0;
    enum err e;

    TRY(open_regular(path, &fd, &size, w));
    if (size > out->max - out->len)
        return FAIL(w, ERR_LIMIT, "%s has %llu bytes, at most %zu are read",
                    path, (unsigned long long)size, out->max);
    e = buf_reserve(out, (size_t)size);
    if (e != ERR_OK)
        return FAIL(w, e, "no memory to read %s", path);
    e = read_rest(fd, path, out, w);
    if (e != ERR_OK) {
        out->len = before;
        out->data[before] = '\0';
    }
    return e;
}

enum err fs_read_part(const char *path, uint64_t at, size_t n, struct buf *out,
                      struct why *w)
{
    CLEANUP(fd_closep) int fd = -1;
    uint64_t size = 0;
    size_t got = 0;
    enum err e;

    TRY(open_regular(path, &fd, &size, w));
    n = at < size ? (size_t)MIN((uint64_t)n, size - at) : 0;
    e = buf_reserve(out, n);
    if (e != ERR_OK)
        return FAIL(w, e, "no room for %zu bytes of %s", n, path);
    while (got < n) {
        ssize_t part = SYS_RETRY(
            pread(fd, out->data + out->len + got, n - got, (off_t)(at + got)));

        if (part < 0)
            return SYS_FAIL(w, "cannot read %s", path);
        if (part == 0)
            break; /* it was cut meanwhile */
        got += (size_t)part;
    }
    buf_grew(out, got);
    return ERR_OK;
}

/* The directory that holds `path`, for opening it. */
static enum err parent_of(const char *path, char out[FS_PATH_MAX])
{
    const char *slash = strrchr(path, '/');
    struct str dir = STR(".");

    if (slash == path)
        dir = STR("/");
    else if (slash != NULL)
        dir = (struct str){path, (size_t)(slash - path)};
    return str_z(dir, out, FS_PATH_MAX) ? ERR_OK : ERR_LIMIT;
}

/* A rename is on the disk when its directory is. */
static enum err sync_parent(const char *path, struct why *w)
{
    CLEANUP(fd_closep) int fd = -1;
    char dir[FS_PATH_MAX];

    if (parent_of(path, dir) != ERR_OK)
        return FAIL(w, ERR_LIMIT, "the path %.80s... is too long", path);
    fd = SYS_RETRY(open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (fd == -1)
        return SYS_FAIL(w, "cannot open %s", dir);
    if (SYS_RETRY(fsync(fd)) == -1 && errno != EINVAL)
        return SYS_FAIL(w, "cannot write %s to the disk", dir);
    return ERR_OK;
}

static enum err fill(int fd, const char *path, struct str bytes, unsigned mode,
                     struct why *w)
{
    if (SYS(fchmod(fd, (mode_t)mode)) == -1)
        return SYS_FAIL(w, "cannot set the mode of %s", path);
    if (fd_write_all(fd, bytes) != ERR_OK)
        return SYS_FAIL(w, "cannot write %s", path);
    if (SYS_RETRY(fsync(fd)) == -1)
        return SYS_FAIL(w, "cannot write %s to the disk", path);
    return ERR_OK;
}

enum err fs_write_atomic(const char *path, struct str bytes, unsigned mode,
                         struct why *w)
{
    CLEANUP(fd_closep) int fd = -1;
    char temp[FS_PATH_MAX];
    enum err e;
    int n = snprintf(temp, sizeof(temp), "%s.XXXXXX", path);

    if (n < 0 || (size_t)n >= sizeof(temp))
        return FAIL(w, ERR_LIMIT, "the path %.80s... is too long", path);
    fd = SYS(mkostemp(temp, O_CLOEXEC));
    if (fd == -1)
        return SYS_FAIL(w, "cannot make a file beside %s", path);
    e = fill(fd, path, bytes, mode, w);
    if (e == ERR_OK && SYS(rename(temp, path)) == -1)
        e = SYS_FAIL(w, "cannot put %s in its place", path);
    if (e != ERR_OK) {
        (void)unlink(temp);
        return e;
    }
    return sync_parent(path, w);
}

enum err fs_append(const char *path, struct str bytes, struct why *w)
{
    CLEANUP(fd_closep) int fd = -1;

    fd = SYS_RETRY(
        open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY, 0600));
    if (fd == -1)
        return SYS_FAIL(w, "cannot open %s", path);
    if (fd_write_all(fd, bytes) != ERR_OK)
        return SYS_FAIL(w, "cannot write %s", path);
    return ERR_OK;
}

static enum err mkdir_one(const char *path, struct why *w)
{
    struct stat st;
    int cause;

    if (SYS(mkdir(path, 0700)) == 0)
        return ERR_OK;
    cause = errno;
    /* A read-only parent says so even when the directory is there. */
    if ((cause == EEXIST || cause == EROFS || cause == EACCES)
        && stat(path, &st) == 0) {
        if (S_ISDIR(st.st_mode))
            return ERR_OK;
        return FAIL(w, ERR_EXISTS, "%s is there and is not a directory", path);
    }
    errno = cause; /* stat had its own */
    return SYS_FAIL(w, "cannot make the directory %s", path);
}

enum err fs_mkdirs(const char *path, struct why *w)
{
    char part[FS_PATH_MAX];

    if (path[0] == '\0' || !str_z(str_c(path), part, sizeof(part)))
        return FAIL(w, ERR_LIMIT, "the path '%.80s' is empty or too long",
                    path);
    for (char *p = part + 1; *p != '\0'; p++) {
        if (*p != '/')
            continue;
        *p = '\0';
        TRY(mkdir_one(part, w));
        *p = '/';
    }
    return mkdir_one(part, w);
}

enum err fs_mkdir_temp(const char *parent, const char *prefix,
                       char out[FS_PATH_MAX], struct why *w)
{
    char path[FS_PATH_MAX];
    int n = snprintf(path, sizeof(path), "%s/%sXXXXXX", parent, prefix);

    if (n < 0 || (size_t)n >= sizeof(path))
        return FAIL(w, ERR_LIMIT, "the path %.80s... is too long", parent);
    if (SYS(0) != 0 || mkdtemp(path) == NULL)
        return SYS_FAIL(w, "cannot make a directory in %s", parent);
    memcpy(out, path, sizeof(path));
    return ERR_OK;
}

enum err fs_stat(const char *path, struct fs_stat *out, struct why *w)
{
    struct stat st;

    if (SYS(stat(path, &st)) == -1)
        return SYS_FAIL(w, "cannot look at %s", path);
    fs_stat_from(&st, out);
    return ERR_OK;
}

bool fs_same(const struct fs_stat *a, const struct fs_stat *b)
{
    return a->dev == b->dev && a->ino == b->ino
           && a->size_bytes == b->size_bytes && a->mtime_ns == b->mtime_ns;
}

bool fs_is_file(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

bool fs_is_dir(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

bool fs_is_executable(const char *path)
{
    return fs_is_file(path) && access(path, X_OK) == 0;
}

enum err fs_remove(const char *path, struct why *w)
{
    if (SYS(unlink(path)) == -1)
        return SYS_FAIL(w, "cannot remove %s", path);
    return ERR_OK;
}

enum err fs_rename(const char *from, const char *to, struct why *w)
{
    if (SYS(rename(from, to)) == -1)
        return SYS_FAIL(w, "cannot rename %s to %s", from, to);
    return sync_parent(to, w);
}

enum err fs_real(const char *path, char out[FS_PATH_MAX], struct why *w)
{
    char real[PATH_MAX];

    _Static_assert(PATH_MAX <= FS_PATH_MAX, "a real path fits");
    if (SYS(0) != 0 || realpath(path, real) == NULL)
        return SYS_FAIL(w, "cannot find %s", path);
    memcpy(out, real, strlen(real) + 1);
    return ERR_OK;
}

enum err fs_join(const char *dir, const char *name, char out[FS_PATH_MAX])
{
    char path[FS_PATH_MAX];
    int n = snprintf(path, sizeof(path), "%s/%s", dir, name);

    if (n < 0 || (size_t)n >= sizeof(path))
        return ERR_LIMIT;
    memcpy(out, path, (size_t)n + 1);
    return ERR_OK;
}

enum err fs_free_bytes(const char *path, uint64_t *out, struct why *w)
{
    struct statvfs v;

    if (SYS_RETRY(statvfs(path, &v)) == -1)
        return SYS_FAIL(w, "cannot ask for the free space of %s", path);
    *out = (uint64_t)v.f_bavail * (uint64_t)v.f_frsize;
    return ERR_OK;
}

static int lock_owner(int fd)
{
    char text[24];
    ssize_t n = pread(fd, text, sizeof(text), 0);
    uint64_t pid = 0;

    if (n <= 0
        || !str_u64(str_trim((struct str){text, (size_t)n}), INT_MAX, &pid))
        return 0;
    return (int)pid;
}

enum err fs_lock(const char *path, int *fd, int *owner, struct why *w)
{
    CLEANUP(fd_closep) int lock = -1;
    char text[24];
    int n;

    lock = SYS_RETRY(open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    if (lock == -1)
        return SYS_FAIL(w, "cannot open %s", path);
    if (SYS_RETRY(flock(lock, LOCK_EX | LOCK_NB)) == -1) {
        if (errno != EWOULDBLOCK)
            return SYS_FAIL(w, "cannot lock %s", path);
        *owner = lock_owner(lock);
        return FAIL(w, ERR_BUSY, "%s is held by process %d", path, *owner);
    }
    n = snprintf(text, sizeof(text), "%d\n", process_self());
    if (SYS(ftruncate(lock, 0)) == -1
        || SYS_RETRY(pwrite(lock, text, (size_t)n, 0)) != n)
        return SYS_FAIL(w, "cannot write %s", path);
    *owner = process_self();
    *fd = fd_take(&lock);
    return ERR_OK;
}
