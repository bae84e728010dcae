#include "work/workdir.h"

#include "base/id.h"
#include "base/utf8.h"
#include "sys/fstree.h"

static const struct fstree_bounds bounds = {.max_entries = 10000,
                                            .max_bytes = 1 << 30,
                                            .max_depth = 32};

static enum err sub(const char *dir, const char *name,
                    char out[WORKDIR_PATH_MAX], struct why *w)
{
    int n = snprintf(out, WORKDIR_PATH_MAX, "%s/%s", dir, name);

    if (n < 0 || n >= WORKDIR_PATH_MAX)
        return FAIL(w, ERR_LIMIT, "the path of the state folder is too long");
    return ERR_OK;
}

enum err workdir_open(struct workdir *s, const char *state, struct str task,
                      unsigned n, struct why *w)
{
    char work[WORKDIR_PATH_MAX], name[ID_MAX], number[16];
    struct workdir made;

    if (!id_valid(task, "task") || !str_z(task, name, sizeof(name)))
        return FAIL(w, ERR_RANGE, "not the id of a task");
    (void)snprintf(number, sizeof(number), "%u", n);
    TRY(sub(state, "work", work, w));
    TRY(sub(work, name, made.task_dir, w));
    TRY(sub(made.task_dir, number, made.dir, w));
    TRY(sub(made.dir, "code", made.code_dir, w));
    TRY(sub(made.dir, "output", made.output, w));
    TRY(fstree_remove(made.dir, &bounds, w));
    TRY(fs_mkdirs(made.code_dir, w));
    *s = made;
    return ERR_OK;
}

enum err workdir_put(struct workdir *s, enum lang lang, struct str code,
                     struct why *w)
{
    char path[WORKDIR_PATH_MAX];

    TRY(sub(s->code_dir, lang_file(lang), path, w));
    return fs_write_atomic(path, code, 0600, w);
}

enum err workdir_output(struct workdir *s, size_t max, struct buf *out,
                        struct why *w)
{
    CLEANUP(buf_done) struct buf all = BUF_INIT(WORKDIR_OUTPUT_MAX);
    struct str text;
    enum err e = fs_read(s->output, &all, w);
    size_t cut;

    if (e == ERR_NOTFOUND)
        return ERR_OK;
    TRY(e);
    text = buf_str(&all);
    cut = text.n > max ? text.n - max : 0;
    while (cut < text.n && ((unsigned char)text.p[cut] & 0xc0) == 0x80)
        cut++; /* not into the middle of a character */
    return buf_add(out, str_sub(text, cut, max));
}

void workdir_done(struct workdir *s)
{
    if (s->task_dir[0] != '\0')
        IGNORE(fstree_remove(s->task_dir, &bounds, NULL));
    s->task_dir[0] = '\0';
}

void workdir_sweep(const char *state)
{
    char work[WORKDIR_PATH_MAX];

    if (sub(state, "work", work, NULL) == ERR_OK)
        IGNORE(fstree_remove(work, &bounds, NULL));
}
