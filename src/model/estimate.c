#include "model/estimate.h"

#include "base/mem.h"
#include "data/json.h"
#include "data/jsonw.h"

enum { FILE_MAX = 1 << 20, FORMAT = 1 };

/* A runner before it loads anything. */
#define PROCESS_BYTES (UINT64_C(16) << 20)

struct known {
    struct fs_stat file;
    struct estimate_shape shape;
    struct estimate e;
    uint64_t used; /* higher is later */
};

struct estimate_store {
    char path[FS_PATH_MAX];
    struct known known[ESTIMATE_MAX];
    size_t count;
    uint64_t clock;
};

static uint64_t add(uint64_t a, uint64_t b)
{
    return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

static uint64_t mul(uint64_t a, uint64_t b)
{
    return b != 0 && a > UINT64_MAX / b ? UINT64_MAX : a * b;
}

uint64_t estimate_total(const struct estimate *e)
{
    uint64_t parts = add(add(e->model_bytes, e->kv_bytes), e->compute_bytes);

    return MAX(add(parts, PROCESS_BYTES), e->measured_bytes);
}

enum estimate_source estimate_source(const struct estimate *e, bool probed)
{
    if (!probed)
        return ESTIMATE_COMPUTED;
    return e->measured_bytes == estimate_total(e) ? ESTIMATE_MEASURED
                                                  : ESTIMATE_PROBED;
}

void estimate_computed(const struct gguf *g, const struct estimate_shape *shape,
                       struct estimate *out)
{
    uint64_t ctx = shape->n_ctx != 0 ? shape->n_ctx : g->context_length;
    uint64_t ubatch = MIN(shape->n_ubatch != 0 ? shape->n_ubatch : 512, ctx);
    uint64_t heads_kv =
        g->head_count_kv != 0 ? g->head_count_kv : MAX(g->head_count, 1);
    uint64_t per_head = g->key_length != 0 && g->value_length != 0
                            ? add(g->key_length, g->value_length)
                            : 2 * (g->embedding_length / MAX(g->head_count, 1));
    uint64_t widths = add(add(g->vocab_size, mul(8, g->embedding_length)),
                          mul(2, g->ff_length));
    uint64_t scores = shape->flash_attn ? 0 : mul(ctx, g->head_count);

    *out = (struct estimate){
        .model_bytes = g->tensor_bytes,
        .kv_bytes = mul(mul(ctx, g->block_count), mul(heads_kv, 2 * per_head)),
        .compute_bytes = mul(mul(ubatch, 4), add(widths, scores)),
        .mapped_bytes = shape->use_mmap ? g->tensor_bytes : 0,
        .n_ctx = (uint32_t)MIN(ctx, UINT32_MAX),
    };
}

static bool same_shape(const struct estimate_shape *a,
                       const struct estimate_shape *b)
{
    return a->n_ctx == b->n_ctx && a->n_seq == b->n_seq
           && a->n_batch == b->n_batch && a->n_ubatch == b->n_ubatch
           && a->flash_attn == b->flash_attn && a->use_mmap == b->use_mmap
           && a->embedding == b->embedding;
}

static struct known *find(struct estimate_store *s, const struct fs_stat *file,
                          const struct estimate_shape *shape)
{
    for (size_t i = 0; i < s->count; i++)
        if (fs_same(&s->known[i].file, file)
            && same_shape(&s->known[i].shape, shape))
            return &s->known[i];
    return NULL;
}

/* ---- the file ----------------------------------------------------------- */

/* One table for reading and writing: name, member. */
#define NUMBERS(N)                                                             \
    N("dev", file.dev)                                                         \
    N("ino", file.ino)                                                         \
    N("size", file.size_bytes)                                                 \
    N("n_ctx", shape.n_ctx)                                                    \
    N("n_seq", shape.n_seq)                                                    \
    N("n_batch", shape.n_batch)                                                \
    N("n_ubatch", shape.n_ubatch)                                              \
    N("model_bytes", e.model_bytes)                                            \
    N("kv_bytes", e.kv_bytes)                                                  \
    N("compute_bytes", e.compute_bytes)                                        \
    N("mapped_bytes", e.mapped_bytes)                                          \
    N("measured_bytes", e.measured_bytes)                                      \
    N("effective_ctx", e.n_ctx)
#define SWITCHES(S)                                                            \
    S("flash_attn", shape.flash_attn)                                          \
    S("use_mmap", shape.use_mmap)                                              \
    S("embedding", shape.embedding)

static enum err read_known(struct json v, struct known *out)
{
    struct known k = {.file = {.kind = FS_FILE}};
    uint64_t n = 0;

#define N(name, member)                                                        \
    TRY(json_get_u64(v, name, 0,                                               \
                     sizeof(k.member) == 4 ? UINT32_MAX : UINT64_MAX, &n,      \
                     NULL));                                                   \
    k.member = (__typeof__(k.member))n;
    NUMBERS(N)
#undef N
#define S(name, member) TRY(json_get_bool(v, name, &k.member, NULL));
    SWITCHES(S)
#undef S
    TRY(json_get_i64(v, "mtime_ns", INT64_MIN, INT64_MAX, &k.file.mtime_ns,
                     NULL));
    *out = k;
    return ERR_OK;
}

static void write_known(struct jsonw *w, const struct known *k)
{
    jsonw_obj(w);
#define N(name, member) jsonw_key_u64(w, name, k->member);
    NUMBERS(N)
#undef N
#define S(name, member) jsonw_key_bool(w, name, k->member);
    SWITCHES(S)
#undef S
    jsonw_key_i64(w, "mtime_ns", k->file.mtime_ns);
    jsonw_obj_end(w);
}

static void read_store(struct estimate_store *s)
{
    struct buf CLEANUP(buf_done) text = BUF_INIT(FILE_MAX);
    struct json_doc CLEANUP(json_done) doc = JSON_DOC_INIT;
    struct json_iter it;
    struct json v, list;
    struct str key;
    uint64_t format = 0;

    if (fs_read(s->path, &text, NULL) != ERR_OK
        || json_parse(&doc, buf_str(&text), NULL, NULL) != ERR_OK
        || json_get_u64(json_root(&doc), "format", FORMAT, FORMAT, &format,
                        NULL)
               != ERR_OK
        || json_get_arr(json_root(&doc), "known", &list, NULL) != ERR_OK)
        return;
    it = json_iter(list);
    while (s->count < ESTIMATE_MAX && json_next(&it, &key, &v))
        if (read_known(v, &s->known[s->count]) == ERR_OK)
            s->known[s->count++].used = ++s->clock;
}

static enum err save(const struct estimate_store *s, struct why *why)
{
    struct buf CLEANUP(buf_done) text = BUF_INIT(FILE_MAX);
    struct jsonw w = JSONW_INIT(&text);
    enum err e;

    jsonw_obj(&w);
    jsonw_key_u64(&w, "format", FORMAT);
    jsonw_key_arr(&w, "known");
    for (size_t i = 0; i < s->count; i++)
        write_known(&w, &s->known[i]);
    jsonw_arr_end(&w);
    jsonw_obj_end(&w);
    e = jsonw_end(&w);
    if (e != ERR_OK)
        return FAIL(why, e, "estimates: %s", err_text(e));
    return fs_write_atomic(s->path, buf_str(&text), 0600, why);
}

enum err estimate_open(const char *path, struct estimate_store **out)
{
    struct estimate_store *s = mem_zalloc(sizeof(*s));

    if (s == NULL)
        return ERR_NOMEM;
    if (!str_z(str_c(path), s->path, sizeof(s->path))) {
        mem_free(s);
        return ERR_LIMIT;
    }
    read_store(s);
    *out = s;
    return ERR_OK;
}

void estimate_close(struct estimate_store *s)
{
    mem_free(s);
}

bool estimate_get(struct estimate_store *s, const struct fs_stat *file,
                  const struct estimate_shape *shape, struct estimate *out)
{
    struct known *k = find(s, file, shape);

    if (k == NULL)
        return false;
    k->used = ++s->clock;
    *out = k->e;
    return true;
}

static struct known *oldest(struct estimate_store *s)
{
    struct known *k = &s->known[0];

    for (size_t i = 1; i < s->count; i++)
        if (s->known[i].used < k->used)
            k = &s->known[i];
    return k;
}

enum err estimate_put(struct estimate_store *s, const struct fs_stat *file,
                      const struct estimate_shape *shape,
                      const struct estimate *e, struct why *why)
{
    struct known *k = find(s, file, shape);

    if (k == NULL)
        k = s->count < ESTIMATE_MAX ? &s->known[s->count++] : oldest(s);
    *k = (struct known){*file, *shape, *e, ++s->clock};
    return save(s, why);
}

enum err estimate_measured(struct estimate_store *s, const struct fs_stat *file,
                           const struct estimate_shape *shape,
                           uint64_t resident_bytes, struct why *why)
{
    struct known *k = find(s, file, shape);

    if (k == NULL || k->e.measured_bytes >= resident_bytes)
        return ERR_OK;
    k->e.measured_bytes = resident_bytes;
    return save(s, why);
}
