/*
 * fstree.h - directories with what is in them.
 *
 * Trees may be hostile (a model wrote them): links are never followed, not
 * even as the root (ERR_NOTFOUND), every step goes through the descriptor of
 * its parent (openat), and entries, bytes and depth are bounded. Thread: any;
 * blocks on the disk.
 */
#ifndef SYS_FSTREE_H
#define SYS_FSTREE_H

#include "sys/fs.h"

struct fstree_bounds {
    size_t max_entries; /* files and directories together */
    uint64_t max_bytes; /* sum of file sizes (copy only) */
    unsigned max_depth; /* at most FSTREE_DEPTH_MAX */
};
#define FSTREE_DEPTH_MAX 64

/* Removes `path` and all below it. Not there: OK. ERR_LIMIT when a bound
 * stops it: part of the tree is then gone. A link is removed, not followed. */
NODISCARD enum err fstree_remove(const char *path,
                                 const struct fstree_bounds *bounds,
                                 struct why *w);

/* Copies the directory `from` to `to`, which must not exist. Files keep their
 * permission bits (without set-id); links are copied as links; sockets, pipes
 * and devices are left out. After a failure `to` holds a part. */
NODISCARD enum err fstree_copy(const char *from, const char *to,
                               const struct fstree_bounds *bounds,
                               struct why *w);

/* Calls `each` for every entry below `path`, a directory before its contents,
 * siblings in byte order, with the path relative to `path`. `each` returns
 * ERR_OK to go on; what else it returns ends the walk and is returned. */
typedef enum err fstree_fn(void *ctx, const char *relative,
                           const struct fs_stat *st);
NODISCARD enum err fstree_walk(const char *path,
                               const struct fstree_bounds *bounds,
                               fstree_fn *each, void *ctx, struct why *w);

#endif
