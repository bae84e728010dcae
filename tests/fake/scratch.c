#include "fake/scratch.h"

#include <dirent.h>
#include <stdlib.h>

#include "sys/fs.h"
#include "sys/fstree.h"

static void must(enum err e, const char *what)
{
    if (e == ERR_OK)
        return;
    (void)fprintf(stderr, "scratch: %s: %s\n", what, err_name(e));
    _Exit(1);
}

struct scratch scratch_make(void)
{
    struct scratch s = {.next = 0};
    char path[FS_PATH_MAX];

    must(fs_mkdir_temp("/tmp", "hearth-test-", path, NULL), "mkdir");
    must(str_z(str_c(path), s.dir, sizeof(s.dir)) ? ERR_OK : ERR_LIMIT, "path");
    return s;
}

void scratch_done(struct scratch *s)
{
    const struct fstree_bounds all = {.max_entries = 1000000,
                                      .max_depth = FSTREE_DEPTH_MAX};

    must(fstree_remove(s->dir, &all, NULL), "remove");
}

const char *scratch_path(struct scratch *s, const char *name)
{
    char *out = s->paths[s->next++ % COUNTOF(s->paths)];
    char path[sizeof(s->paths[0])];

    (void)snprintf(path, sizeof(path), "%s/%s", s->dir, name);
    memcpy(out, path, sizeof(path));
    return out;
}

void scratch_write(struct scratch *s, const char *name, struct str bytes)
{
    char path[512];
    char *slash;

    (void)snprintf(path, sizeof(path), "%s/%s", s->dir, name);
    slash = strrchr(path, '/');
    *slash = '\0';
    must(fs_mkdirs(path, NULL), "mkdirs");
    *slash = '/';
    must(fs_write_atomic(path, bytes, 0600, NULL), "write");
}

unsigned scratch_open_fds(void)
{
    unsigned n = 0;
    DIR *d = opendir("/proc/self/fd");

    while (d != NULL && readdir(d) != NULL)
        n++;
    if (d != NULL)
        (void)closedir(d);
    return n;
}
