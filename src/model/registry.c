#include "model/registry.h"

#include "base/arena.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "sys/fstree.h"

enum {
    NAMES_MAX = 4 * REGISTRY_MODELS_MAX,
    TEXT_MAX = 4 << 20,
    HEADER_FIRST = 64 << 10, /* bytes of the first read of a header */
    SCAN_MAX = 20000,        /* entries of a folder and all below it */
    SCAN_DEPTH = 8,
    ID_BYTES_MAX = 128,
};

struct registry {
    struct registry_model *models[REGISTRY_MODELS_MAX];
    size_t count;
    struct map names; /* id or alias: the model's place in `models` */
    struct arena texts;
};

enum err registry_new(uint64_t hash_seed, struct registry **out)
{
    struct registry *r = mem_zalloc(sizeof(*r));

    if (r == NULL)
        return ERR_NOMEM;
    r->names = MAP_INIT(NAMES_MAX, hash_seed);
    r->texts = ARENA_INIT(TEXT_MAX);
    *out = r;
    return ERR_OK;
}

void registry_free(struct registry *r)
{
    if (r == NULL)
        return;
    for (size_t i = 0; i < r->count; i++)
        mem_free(r->models[i]);
    map_done(&r->names);
    arena_done(&r->texts);
    mem_free(r);
}

/* ---- reading a file's header ---------------------------------------------- */

static void copy_text(struct str s, char *dst, size_t cap)
{
    s = utf8_cut(s, cap - 1);
    if (!utf8_valid(s) || !str_z(s, dst, cap))
        dst[0] = '\0';
}

/* Reads more and more of the file until its tables are complete. */
static enum err read_header(const char *path, uint64_t size, struct buf *bytes,
                            struct gguf *g, struct why *why)
{
    size_t want = HEADER_FIRST;
    struct why inner = WHY_INIT;

    for (;;) {
        enum err e;

        want = (size_t)MIN(want, size);
        TRY(fs_read_part(path, bytes->len, want - bytes->len, bytes, why));
        e = gguf_parse(buf_str(bytes), size, g, &inner);
        if (e == ERR_OK)
            return e;
        if (e != ERR_AGAIN)
            return FAIL(why, e, "%s: %s", path, err_why(&inner));
        if (bytes->len < want || want >= size)
            return FAIL(why, ERR_MODEL, "%s: the file is cut short", path);
        if (want >= REGISTRY_HEADER_MAX)
            return FAIL(why, ERR_MODEL, "%s: its header is larger than %d MiB",
                        path, REGISTRY_HEADER_MAX >> 20);
        want *= 4;
    }
}

static enum err read_facts(struct registry_model *m, struct why *why)
{
    struct buf CLEANUP(buf_done) bytes = BUF_INIT(REGISTRY_HEADER_MAX);
    const char *path = m->want.path.p;
    struct gguf g;

    TRY(fs_stat(path, &m->file, why));
    if (m->file.kind != FS_FILE)
        return FAIL(why, ERR_MODEL, "%s is not a file", path);
    TRY(read_header(path, m->file.size_bytes, &bytes, &g, why));
    if (str_eq(g.arch, STR("clip")))
        return FAIL(why, ERR_MODEL,
                    "%s is a projector for images, not a language model", path);
    copy_text(g.arch, m->arch, sizeof(m->arch));
    copy_text(g.name, m->name, sizeof(m->name));
    m->has_template = g.chat_template.n != 0;
    m->kind = m->want.kind_given
                  ? m->want.kind
                  : (!g.causal || g.pooling_type > 0 ? REGISTRY_EMBED
                                                     : REGISTRY_GENERATE);
    /* The slices point into `bytes`, which end here. */
    g.basename = g.size_label = g.license = STR_EMPTY;
    g.chat_template = g.tokenizer = STR_EMPTY;
    g.arch = str_c(m->arch);
    g.name = str_c(m->name);
    m->facts = g;
    return ERR_OK;
}

static void look(struct registry_model *m)
{
    struct why why = WHY_INIT;

    m->problem = read_facts(m, &why);
    if (m->problem != ERR_OK && m->problem != ERR_NOMEM)
        m->problem = ERR_MODEL; /* whatever it is, it is not the client's */
    copy_text(m->problem == ERR_OK ? STR_EMPTY : str_c(err_why(&why)),
              m->problem_text, sizeof(m->problem_text));
}

bool registry_refresh(struct registry *r, size_t index)
{
    struct registry_model *m = r->models[index];
    struct fs_stat now;

    if (m->problem == ERR_OK && fs_stat(m->want.path.p, &now, NULL) == ERR_OK
        && fs_same(&now, &m->file))
        return false;
    look(m);
    return true;
}

/* ---- adding ----------------------------------------------------------------- */

static enum err check_names(const struct registry *r, struct str id,
                            struct str aliases, struct why *why)
{
    for (struct str name = id, rest = aliases; name.n != 0;
         name = str_cut(&rest, ','))
        if (map_get(&r->names, name) != NULL)
            return FAIL(why, ERR_EXISTS, "two models are called \"%.*s\"",
                        STR_ARG(name));
    return ERR_OK;
}

static void drop_names(struct registry *r, struct str id, struct str aliases)
{
    for (struct str name = id, rest = aliases; name.n != 0;
         name = str_cut(&rest, ','))
        (void)map_drop(&r->names, name);
}

static enum err add_names(struct registry *r, struct registry_model **place,
                          struct why *why)
{
    struct registry_want *w = &(*place)->want;

    for (struct str name = w->id, rest = w->aliases; name.n != 0;
         name = str_cut(&rest, ',')) {
        enum err e = ERR_OK;

        if (map_get(&r->names, name) != place) /* an alias may repeat */
            e = map_add(&r->names, name, place);
        if (e != ERR_OK) {
            drop_names(r, w->id, w->aliases);
            return FAIL(why, e, "\"%.*s\": %s", STR_ARG(name), err_text(e));
        }
    }
    return ERR_OK;
}

static enum err keep_texts(struct registry *r, struct registry_want *w)
{
    TRY(arena_dup(&r->texts, w->id, &w->id));
    TRY(arena_dup(&r->texts, w->aliases, &w->aliases));
    return arena_dup(&r->texts, w->path, &w->path);
}

enum err registry_add(struct registry *r, const struct registry_want *want,
                      size_t *index, struct why *why)
{
    struct registry_model *CLEANUP(mem_freep) m = NULL;
    enum err e;

    if (r->count == REGISTRY_MODELS_MAX)
        return FAIL(why, ERR_LIMIT, "more than %d models", REGISTRY_MODELS_MAX);
    if (want->id.n == 0 || want->id.n > ID_BYTES_MAX
        || want->path.n >= FS_PATH_MAX)
        return FAIL(why, ERR_RANGE, "a model's name or path is too long");
    TRY(check_names(r, want->id, want->aliases, why));
    m = mem_zalloc(sizeof(*m));
    if (m == NULL)
        return FAIL(why, ERR_NOMEM, "out of memory");
    m->want = *want;
    e = keep_texts(r, &m->want);
    if (e != ERR_OK)
        return FAIL(why, e, "the names of all models are too long");
    r->models[r->count] = m;
    TRY(add_names(r, &r->models[r->count], why));
    look(TAKE(m));
    if (index != NULL)
        *index = r->count;
    r->count++;
    return ERR_OK;
}

/* ---- folders ------------------------------------------------------------------ */

struct scan {
    struct registry *r;
    const char *folder;
    const struct registry_want *like;
    size_t added;
};

/* "x-00002-of-00005.gguf": every part but the first is read by the first. */
static bool is_later_part(struct str name)
{
    struct str stem = str_sub(name, 0, name.n - STR(".gguf").n), number;
    uint64_t part, of;

    if (stem.n < 15 || !str_eq(str_sub(stem, stem.n - 9, 4), STR("-of-")))
        return false;
    number = str_sub(stem, stem.n - 14, 5);
    return str_u64(number, 99999, &part)
           && str_u64(str_sub(stem, stem.n - 5, 5), 99999, &of) && part > 1;
}

static bool is_model_file(struct str name, const struct fs_stat *st)
{
    return (st->kind == FS_FILE || st->kind == FS_LINK)
           && str_ends(name, STR(".gguf")) && name.p[0] != '.'
           && name.n > STR(".gguf").n && !is_later_part(name)
           && !str_has(name, STR("/")) && !str_starts(name, STR("mmproj"));
}

/* A file's name as an id: what could hurt in a terminal, a URL or a list of
 * names becomes "-". */
static struct str plain_name(struct str name, char out[ID_BYTES_MAX + 1])
{
    size_t n = 0;

    while (name.n != 0) {
        uint32_t cp = 0;
        size_t len = utf8_next(name, &cp);
        bool bad = len == 0 || cp <= ' ' || (cp >= 0x7f && cp <= 0xa0)
                   || (cp < 0x80 && strchr("\"'\\?#%,;", (int)cp) != NULL)
                   || (cp >= 0x2028 && cp <= 0x202e);

        if (n + (bad ? 1 : len) > ID_BYTES_MAX)
            break;
        if (bad)
            out[n++] = '-';
        for (size_t i = 0; !bad && i < len; i++)
            out[n++] = name.p[i];
        name = str_sub(name, len == 0 ? 1 : len, SIZE_MAX);
    }
    out[n] = '\0';
    return (struct str){out, n};
}

static enum err on_entry(void *ctx, const char *relative,
                         const struct fs_stat *st)
{
    struct scan *s = ctx;
    struct registry_want w = *s->like;
    char path[FS_PATH_MAX], id[ID_BYTES_MAX + 1];
    struct str name = str_c(relative);
    enum err e;

    if (!is_model_file(name, st)
        || fs_join(s->folder, relative, path) != ERR_OK)
        return ERR_OK;
    w.path = str_c(path);
    w.id = plain_name(str_sub(name, 0, name.n - STR(".gguf").n), id);
    w.aliases = STR_EMPTY;
    e = registry_add(s->r, &w, NULL, NULL);
    s->added += e == ERR_OK;
    return e == ERR_EXISTS ? ERR_OK : e;
}

enum err registry_scan(struct registry *r, const char *folder,
                       const struct registry_want *like, size_t *added,
                       struct why *why)
{
    struct scan s = {r, folder, like, 0};
    const struct fstree_bounds bounds = {SCAN_MAX, UINT64_MAX, SCAN_DEPTH};
    enum err e = ERR_OK;

    if (fs_is_dir(folder))
        e = fstree_walk(folder, &bounds, on_entry, &s, why);
    if (added != NULL)
        *added = s.added;
    return e;
}

/* ---- looking ------------------------------------------------------------------- */

size_t registry_count(const struct registry *r)
{
    return r->count;
}

const struct registry_model *registry_at(const struct registry *r, size_t index)
{
    return r->models[index];
}

size_t registry_find(const struct registry *r, struct str name)
{
    struct registry_model *const *place = map_get(&r->names, name);

    return place == NULL ? SIZE_MAX : (size_t)(place - r->models);
}

uint32_t registry_context(const struct registry_model *m)
{
    uint64_t trained = m->facts.context_length;
    uint64_t ctx = m->want.context != 0 ? m->want.context : trained;

    if (trained != 0)
        ctx = MIN(ctx, trained);
    return (uint32_t)MIN(ctx, UINT32_MAX);
}
