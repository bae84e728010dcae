/*
 * fs.h - single files and directories.
 *
 * Paths are NUL-terminated and may be relative. ERR_NOTFOUND, ERR_DENIED
 * (rights, read-only file system), ERR_EXISTS, ERR_LIMIT and ERR_IO are told
 * apart, and `why` names the path. Thread: any; calls block on the disk, so
 * the event loop uses them at start-up only.
 */
#ifndef SYS_FS_H
#define SYS_FS_H

#include "base/buf.h"

#define FS_PATH_MAX 4096 /* bytes with the NUL */

/* Adds the whole file to `out`; ERR_LIMIT when it would pass out->max. Only
 * regular files and what behaves like one (/proc): no directory, no pipe. */
NODISCARD enum err fs_read(const char *path, struct buf *out, struct why *w);

/* Adds at most `n` bytes from offset `at` on: fewer at the end of the file. */
NODISCARD enum err fs_read_part(const char *path, uint64_t at, size_t n,
                                struct buf *out, struct why *w);

/* After success the file holds exactly `bytes`, also after a power cut; after
 * failure the old file is untouched. The directory must exist. */
NODISCARD enum err fs_write_atomic(const char *path, struct str bytes,
                                   unsigned mode, struct why *w);

/* Adds one record at the end in one write; makes the file (0600). */
NODISCARD enum err fs_append(const char *path, struct str bytes, struct why *w);

/* Makes the directory and its missing parents, mode 0700. There already: OK.
 * ERR_EXISTS when something that is not a directory is in the way. */
NODISCARD enum err fs_mkdirs(const char *path, struct why *w);
/* A fresh private directory <parent>/<prefix>XXXXXX. */
NODISCARD enum err fs_mkdir_temp(const char *parent, const char *prefix,
                                 char out[FS_PATH_MAX], struct why *w);

enum fs_kind { FS_FILE, FS_DIR, FS_LINK, FS_OTHER };
/* What tells whether a file is still the same one: all but `kind` and `mode`
 * are its identity. */
struct fs_stat {
    uint64_t dev, ino, size_bytes;
    int64_t mtime_ns;
    enum fs_kind kind;
    unsigned mode;  /* permission bits */
    unsigned owner; /* user id */
};
NODISCARD enum err fs_stat(const char *path, struct fs_stat *out,
                           struct why *w); /* follows links */
struct stat;
void fs_stat_from(const struct stat *st, struct fs_stat *out);
bool fs_same(const struct fs_stat *a, const struct fs_stat *b);
bool fs_is_file(const char *path);
bool fs_is_dir(const char *path);
bool fs_is_executable(const char *path); /* a file that we may run */

NODISCARD enum err fs_remove(const char *path, struct why *w); /* a file */
NODISCARD enum err fs_rename(const char *from, const char *to, struct why *w);
/* The real path: no links, no "..". */
NODISCARD enum err fs_real(const char *path, char out[FS_PATH_MAX],
                           struct why *w);
/* <dir>/<name>; ERR_LIMIT when it does not fit. */
NODISCARD enum err fs_join(const char *dir, const char *name,
                           char out[FS_PATH_MAX]);

/* Bytes that an unprivileged process can still write where `path` lies. */
NODISCARD enum err fs_free_bytes(const char *path, uint64_t *out,
                                 struct why *w);

/* Takes the lock file for this process until `*fd` is closed (the kernel
 * releases it at death, whatever the death). It holds the owner's pid as
 * text. ERR_BUSY when another process has it: `*owner` is then its pid, or 0
 * when unknown. */
NODISCARD enum err fs_lock(const char *path, int *fd, int *owner,
                           struct why *w);

#endif
