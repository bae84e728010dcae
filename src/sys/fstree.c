/*
 * One walk serves removing, copying and listing.
 *
 * Each level holds the descriptor of its directory and its sorted names, read
 * at once: removing entries does not disturb the reading, and the order does
 * not depend on the file system. Nothing is opened by a path of more than one
 * name, and never through a link, so a tree that changes under the walk can
 * lead it nowhere else.
 */
#include "sys/fstree.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "sys/fd.h"
#include "sys/sys.h"

enum { NAME_BYTES = 256, COPY_CHUNK = 65536, NAMES_BYTES_MAX = 64 << 20 };

struct level {
    int fd, other; /* the directory, and its copy in the making or -1 */
    struct buf names;
    const char **sorted;
    size_t count, next;
    size_t path_len; /* of the directory, in walk.path */
    char name[NAME_BYTES];
};

struct walk {
    const struct fstree_bounds *bounds;
    size_t entries;
    uint64_t bytes;
    struct level *levels; /* FSTREE_DEPTH_MAX + 1 */
    size_t depth;         /* levels in use */
    struct buf path;      /* relative to the root, of the current entry */
    /* Every entry; directories before their contents. For a directory it may
     * set `*other` for the level to come. */
    enum err (*visit)(struct walk *k, const char *name,
                      const struct fs_stat *st, int *other, struct why *w);
    enum err (*leave)(struct walk *k, const char *name, struct why *w);
    fstree_fn *each;
    void *ctx;
    char *chunk;
    bool force; /* take the right to enter a directory that denies it */
};

static struct level *top(struct walk *k)
{
    return &k->levels[k->depth - 1];
}

static void level_done(struct level *l)
{
    fd_closep(&l->fd);
    fd_closep(&l->other);
    buf_done(&l->names);
    mem_free(l->sorted);
    l->sorted = NULL;
}

static void walk_done(struct walk *k)
{
    while (k->depth > 0) {
        level_done(top(k));
        k->depth--;
    }
    mem_free(k->levels);
    mem_free(k->chunk);
    buf_done(&k->path);
}

static int by_bytes(const void *a, const void *b)
{
    const char *x, *y;

    memcpy(&x, a, sizeof(x));
    memcpy(&y, b, sizeof(y));
    return strcmp(x, y);
}

/* Names, NUL-separated, into l->names; `d` stays open. */
static enum err collect(struct walk *k, struct level *l, DIR *d)
{
    for (;;) {
        struct dirent *entry;
        size_t n;

        errno = 0;
        entry = SYS(0) == 0 ? readdir(d) : NULL;
        if (entry == NULL)
            return sys_err(errno);
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        n = strlen(entry->d_name);
        if (n >= NAME_BYTES || ++k->entries > k->bounds->max_entries)
            return ERR_LIMIT;
        TRY(buf_add(&l->names, (struct str){entry->d_name, n + 1}));
        l->count++;
    }
}

static enum err read_names(struct walk *k, struct level *l)
{
    CLEANUP(fd_closep) int copy = -1;
    const char *at;
    DIR *d;
    enum err e;

    TRY(fd_dup(l->fd, &copy, NULL)); /* closedir closes what it is given */
    d = fdopendir(copy);
    if (d == NULL)
        return sys_err(errno);
    (void)fd_take(&copy);
    e = collect(k, l, d);
    (void)closedir(d);
    TRY(e);
    l->sorted = mem_calloc(l->count + 1, sizeof(*l->sorted));
    if (l->sorted == NULL)
        return ERR_NOMEM;
    at = l->names.data;
    for (size_t i = 0; i < l->count; i++) {
        l->sorted[i] = at;
        at += strlen(at) + 1;
    }
    qsort(l->sorted, l->count, sizeof(*l->sorted), by_bytes);
    return ERR_OK;
}

static int open_dir_at(const struct walk *k, int parent, const char *name)
{
    const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
    int fd = SYS_RETRY(openat(parent, name, flags));

    if (fd == -1 && errno == EACCES && k->force
        && fchmodat(parent, name, 0700, 0) == 0)
        fd = SYS_RETRY(openat(parent, name, flags));
    return fd;
}

/* Goes down into `name`; owns `other` from now on. */
static enum err descend(struct walk *k, int parent, const char *name, int other,
                        struct why *w)
{
    struct level *l;
    enum err e;

    if (k->depth > MIN(k->bounds->max_depth, (unsigned)FSTREE_DEPTH_MAX)) {
        fd_close(other);
        return FAIL(w, ERR_LIMIT, "directories are nested too deep at %s",
                    buf_str(&k->path).p);
    }
    l = &k->levels[k->depth];
    *l = (struct level){.fd = -1,
                        .other = other,
                        .names = BUF_INIT(NAMES_BYTES_MAX),
                        .path_len = k->path.len};
    k->depth++;
    (void)snprintf(l->name, sizeof(l->name), "%s", name);
    l->fd = open_dir_at(k, parent, name);
    if (l->fd == -1)
        return SYS_FAIL(w, "cannot open the directory %s", name);
    e = read_names(k, l);
    if (e != ERR_OK)
        return FAIL(w, e, "cannot list the directory %s", name);
    return ERR_OK;
}

static enum err path_push(struct walk *k, const char *name)
{
    if (k->path.len > 0)
        TRY(buf_add_byte(&k->path, '/'));
    return buf_add_c(&k->path, name);
}

static void path_cut(struct walk *k, size_t len)
{
    k->path.len = len;
    if (k->path.data != NULL)
        k->path.data[len] = '\0';
}

/* One entry of the deepest level. */
static enum err step(struct walk *k, struct why *w)
{
    struct level *l = top(k);
    const char *name = l->sorted[l->next++];
    struct fs_stat st;
    struct stat raw;
    int other = -1;
    enum err e;

    path_cut(k, l->path_len);
    e = path_push(k, name);
    if (e != ERR_OK)
        return FAIL(w, e, "a path in the tree is too long");
    if (SYS(fstatat(l->fd, name, &raw, AT_SYMLINK_NOFOLLOW)) == -1)
        return SYS_FAIL(w, "cannot look at %s", name);
    fs_stat_from(&raw, &st);
    TRY(k->visit(k, name, &st, &other, w));
    if (st.kind != FS_DIR)
        return ERR_OK;
    return descend(k, l->fd, name, other, w);
}

static enum err ascend(struct walk *k, struct why *w)
{
    char name[NAME_BYTES];

    memcpy(name, top(k)->name, sizeof(name));
    path_cut(k, top(k)->path_len);
    level_done(top(k));
    k->depth--;
    if (k->depth == 0 || k->leave == NULL)
        return ERR_OK;
    return k->leave(k, name, w);
}

static enum err walk_all(struct walk *k, const char *root, int other,
                         struct why *w)
{
    k->levels = mem_calloc(FSTREE_DEPTH_MAX + 2, sizeof(*k->levels));
    if (k->levels == NULL) {
        fd_close(other);
        return FAIL(w, ERR_NOMEM, "no memory to walk %s", root);
    }
    TRY(descend(k, AT_FDCWD, root, other, w));
    while (k->depth > 0) {
        if (top(k)->next < top(k)->count)
            TRY(step(k, w));
        else
            TRY(ascend(k, w));
    }
    return ERR_OK;
}

/* ---- remove ----------------------------------------------------------- */

static enum err remove_entry(struct walk *k, const char *name,
                             const struct fs_stat *st, int *other,
                             struct why *w)
{
    (void)other;
    if (st->kind != FS_DIR && SYS(unlinkat(top(k)->fd, name, 0)) == -1)
        return SYS_FAIL(w, "cannot remove %s", k->path.data);
    return ERR_OK;
}

static enum err remove_dir(struct walk *k, const char *name, struct why *w)
{
    if (SYS(unlinkat(top(k)->fd, name, AT_REMOVEDIR)) == -1)
        return SYS_FAIL(w, "cannot remove the directory %s", name);
    return ERR_OK;
}

enum err fstree_remove(const char *path, const struct fstree_bounds *bounds,
                       struct why *w)
{
    CLEANUP(walk_done)
    struct walk k = {.bounds = bounds,
                     .visit = remove_entry,
                     .leave = remove_dir,
                     .path = BUF_INIT(FS_PATH_MAX * 4),
                     .force = true};
    struct stat st;

    if (SYS(lstat(path, &st)) == -1)
        return errno == ENOENT ? ERR_OK
                               : SYS_FAIL(w, "cannot look at %s", path);
    if (!S_ISDIR(st.st_mode))
        return fs_remove(path, w);
    TRY(walk_all(&k, path, -1, w));
    if (SYS(rmdir(path)) == -1)
        return SYS_FAIL(w, "cannot remove the directory %s", path);
    return ERR_OK;
}

/* ---- copy ------------------------------------------------------------- */

static enum err pour(struct walk *k, int from, int to, struct why *w)
{
    for (;;) {
        size_t got = 0;
        enum err e = fd_read(from, k->chunk, COPY_CHUNK, &got);

        if (e == ERR_EOF)
            return ERR_OK;
        if (e != ERR_OK)
            return FAIL_SYS(w, e, "cannot read %s", k->path.data);
        k->bytes += got;
        if (k->bytes > k->bounds->max_bytes)
            return FAIL(w, ERR_LIMIT, "the tree has more than %llu bytes",
                        (unsigned long long)k->bounds->max_bytes);
        if (fd_write_all(to, (struct str){k->chunk, got}) != ERR_OK)
            return SYS_FAIL(w, "cannot write %s", k->path.data);
    }
}

static enum err copy_file(struct walk *k, const char *name, unsigned mode,
                          struct why *w)
{
    CLEANUP(fd_closep) int from = -1;
    CLEANUP(fd_closep) int to = -1;
    struct stat st;

    from = SYS_RETRY(openat(top(k)->fd, name,
                            O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    if (from == -1 || SYS(fstat(from, &st)) == -1)
        return SYS_FAIL(w, "cannot open %s", k->path.data);
    if (!S_ISREG(st.st_mode))
        return ERR_OK; /* became something else: left out like the others */
    to = SYS_RETRY(openat(top(k)->other, name,
                          O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    if (to == -1)
        return SYS_FAIL(w, "cannot make the copy of %s", k->path.data);
    TRY(pour(k, from, to, w));
    if (SYS(fchmod(to, (mode_t)(mode & 0777U))) == -1)
        return SYS_FAIL(w, "cannot set the mode of %s", k->path.data);
    return ERR_OK;
}

static enum err copy_link(struct walk *k, const char *name, struct why *w)
{
    char target[FS_PATH_MAX];
    ssize_t n = SYS(readlinkat(top(k)->fd, name, target, sizeof(target) - 1));

    if (n < 0)
        return SYS_FAIL(w, "cannot read the link %s", k->path.data);
    target[n] = '\0';
    if (SYS(symlinkat(target, top(k)->other, name)) == -1)
        return SYS_FAIL(w, "cannot make the link %s", k->path.data);
    return ERR_OK;
}

static enum err copy_dir(struct walk *k, const char *name, int *other,
                         struct why *w)
{
    int fd;

    if (SYS(mkdirat(top(k)->other, name, 0700)) == -1)
        return SYS_FAIL(w, "cannot make the directory %s", k->path.data);
    fd = SYS_RETRY(openat(top(k)->other, name,
                          O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (fd == -1)
        return SYS_FAIL(w, "cannot open the copy of %s", k->path.data);
    *other = fd;
    return ERR_OK;
}

static enum err copy_entry(struct walk *k, const char *name,
                           const struct fs_stat *st, int *other, struct why *w)
{
    switch (st->kind) {
    case FS_DIR:
        return copy_dir(k, name, other, w);
    case FS_FILE:
        return copy_file(k, name, st->mode, w);
    case FS_LINK:
        return copy_link(k, name, w);
    case FS_OTHER:
        break;
    }
    return ERR_OK;
}

enum err fstree_copy(const char *from, const char *to,
                     const struct fstree_bounds *bounds, struct why *w)
{
    CLEANUP(walk_done)
    struct walk k = {.bounds = bounds,
                     .visit = copy_entry,
                     .path = BUF_INIT(FS_PATH_MAX * 4)};
    int root;

    k.chunk = mem_alloc(COPY_CHUNK);
    if (k.chunk == NULL)
        return FAIL(w, ERR_NOMEM, "no memory to copy %s", from);
    if (SYS(mkdir(to, 0700)) == -1)
        return SYS_FAIL(w, "cannot make the directory %s", to);
    root = SYS_RETRY(open(to, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (root == -1)
        return SYS_FAIL(w, "cannot open %s", to);
    return walk_all(&k, from, root, w);
}

/* ---- list ------------------------------------------------------------- */

static enum err tell_entry(struct walk *k, const char *name,
                           const struct fs_stat *st, int *other, struct why *w)
{
    enum err e = k->each(k->ctx, k->path.data, st);

    (void)other;
    return e == ERR_OK ? e : FAIL(w, e, "stopped at %s", name);
}

enum err fstree_walk(const char *path, const struct fstree_bounds *bounds,
                     fstree_fn *each, void *ctx, struct why *w)
{
    CLEANUP(walk_done)
    struct walk k = {.bounds = bounds,
                     .visit = tell_entry,
                     .each = each,
                     .ctx = ctx,
                     .path = BUF_INIT(FS_PATH_MAX * 4)};

    return walk_all(&k, path, -1, w);
}
