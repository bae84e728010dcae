/*
 * Two walks over the same tables: the first checks every length and type, the
 * second, over what is then known to be sound, picks out the facts. The
 * layout is described in llama.cpp v0.5.0, ggml/include/gguf.h.
 */
#include "data/gguf.h"

struct reader {
    struct str bytes;
    uint64_t at, file_size;
    struct why *why;
};

static const struct {
    const char *name;
    uint32_t block, size;
} types[] = {
#define X(id, name, block, size) [id] = {#name, block, size},
#include "data/gguf_type.def"
#undef X
};

const char *gguf_type_name(uint32_t type)
{
    return type < COUNTOF(types) && types[type].name != NULL ? types[type].name
                                                             : "?";
}

const char *gguf_file_type_name(int64_t file_type)
{
    static const char *const names[] = {
#define X(id, name) [id] = (name),
#include "data/gguf_file_type.def"
#undef X
    };

    return file_type >= 0 && (size_t)file_type < COUNTOF(names)
                   && names[file_type] != NULL
               ? names[file_type]
               : "?";
}

/* ---- bytes ---- */

static enum err take(struct reader *r, uint64_t n, struct str *out)
{
    if (n > r->file_size - r->at)
        return FAIL(r->why, ERR_MODEL,
                    "the model file is cut off: %llu bytes at %llu go beyond "
                    "its end (%llu)",
                    (unsigned long long)n, (unsigned long long)r->at,
                    (unsigned long long)r->file_size);
    if (n > r->bytes.n - r->at)
        return FAIL(r->why, ERR_AGAIN,
                    "the tables of the model file go on after %zu bytes",
                    r->bytes.n);
    *out = (struct str){r->bytes.p + r->at, (size_t)n};
    r->at += n;
    return ERR_OK;
}

static uint64_t little(struct str s)
{
    uint64_t v = 0;

    for (size_t i = s.n; i-- > 0;)
        v = v << 8 | (unsigned char)s.p[i];
    return v;
}

static enum err take_u32(struct reader *r, uint32_t *out)
{
    struct str s = STR_EMPTY;

    TRY(take(r, 4, &s));
    *out = (uint32_t)little(s);
    return ERR_OK;
}

static enum err take_u64(struct reader *r, uint64_t *out)
{
    struct str s = STR_EMPTY;

    TRY(take(r, 8, &s));
    *out = little(s);
    return ERR_OK;
}

static enum err take_text(struct reader *r, struct str *out)
{
    uint64_t n = 0;

    TRY(take_u64(r, &n));
    return take(r, n, out);
}

/* ---- metadata ---- */

/* Bytes of a value of fixed size; 0 for texts and arrays. */
static size_t size_of(enum gguf_kind kind)
{
    static const unsigned char sizes[GGUF_KINDS] = {
        [GGUF_U8] = 1,  [GGUF_I8] = 1,  [GGUF_U16] = 2, [GGUF_I16] = 2,
        [GGUF_U32] = 4, [GGUF_I32] = 4, [GGUF_F32] = 4, [GGUF_BOOL] = 1,
        [GGUF_U64] = 8, [GGUF_I64] = 8, [GGUF_F64] = 8,
    };

    return kind < GGUF_KINDS ? sizes[kind] : 0;
}

static enum err take_kind(struct reader *r, struct str key, enum gguf_kind *out)
{
    uint32_t v = 0;

    TRY(take_u32(r, &v));
    if (v >= GGUF_KINDS)
        return FAIL(r->why, ERR_MODEL,
                    "the model's key \"%.*s\" has the unknown type %u",
                    (int)MIN(key.n, (size_t)64), key.p, v);
    *out = (enum gguf_kind)v;
    return ERR_OK;
}

static enum err take_array(struct reader *r, struct gguf_kv *kv)
{
    uint64_t from, bytes;
    struct str s = STR_EMPTY;

    TRY(take_kind(r, kv->key, &kv->elem));
    TRY(take_u64(r, &kv->count));
    from = r->at;
    if (kv->elem == GGUF_ARRAY)
        return FAIL(r->why, ERR_MODEL,
                    "the model's key \"%.*s\" is an array of arrays",
                    (int)MIN(kv->key.n, (size_t)64), kv->key.p);
    if (kv->elem == GGUF_STR) {
        for (uint64_t i = 0; i < kv->count; i++)
            TRY(take_text(r, &s));
    } else {
        if (__builtin_mul_overflow(kv->count, size_of(kv->elem), &bytes))
            bytes = UINT64_MAX;
        TRY(take(r, bytes, &s));
    }
    kv->raw = (struct str){r->bytes.p + from, (size_t)(r->at - from)};
    return ERR_OK;
}

static enum err take_kv(struct reader *r, struct gguf_kv *kv)
{
    *kv = (struct gguf_kv){.count = 1, .elem = GGUF_KINDS};
    TRY(take_text(r, &kv->key));
    if (kv->key.n == 0 || kv->key.n > GGUF_MAX_KEY)
        return FAIL(r->why, ERR_MODEL, "the model has a key of %zu bytes",
                    kv->key.n);
    TRY(take_kind(r, kv->key, &kv->kind));
    if (kv->kind == GGUF_ARRAY)
        return take_array(r, kv);
    if (kv->kind == GGUF_STR)
        return take_text(r, &kv->raw);
    return take(r, size_of(kv->kind), &kv->raw);
}

bool gguf_kv_u64(const struct gguf_kv *kv, uint64_t *out)
{
    uint64_t v;

    switch (kv->kind) {
    case GGUF_U8:
    case GGUF_U16:
    case GGUF_U32:
    case GGUF_U64:
    case GGUF_BOOL:
        *out = little(kv->raw);
        return true;
    case GGUF_I8:
    case GGUF_I16:
    case GGUF_I32:
    case GGUF_I64:
        v = little(kv->raw);
        if ((v >> (8 * kv->raw.n - 1) & 1) != 0)
            return false;
        *out = v;
        return true;
    default:
        return false;
    }
}

/* A number, or the largest one of a list (some values differ per layer). */
static bool largest(const struct gguf_kv *kv, uint64_t *out)
{
    struct gguf_kv one = {.kind = kv->elem};
    size_t size;
    uint64_t v, most = 0;

    if (kv->kind != GGUF_ARRAY)
        return gguf_kv_u64(kv, out);
    size = size_of(kv->elem);
    if (size == 0)
        return false;
    for (size_t at = 0; at < kv->raw.n; at += size) {
        one.raw = str_sub(kv->raw, at, size);
        if (!gguf_kv_u64(&one, &v))
            return false;
        most = MAX(most, v);
    }
    *out = most;
    return true;
}

/* ---- tensors ---- */

static enum err wrong_tensor(struct reader *r, const struct gguf_tensor *t,
                             const char *problem)
{
    return FAIL(r->why, ERR_MODEL, "the model's tensor \"%.*s\" %s",
                (int)MIN(t->name.n, (size_t)GGUF_MAX_NAME), t->name.p, problem);
}

/* Elements and bytes of a tensor whose shape and type were read. */
static enum err size_tensor(struct reader *r, struct gguf_tensor *t)
{
    uint64_t n = 1;

    if (t->type >= COUNTOF(types) || types[t->type].name == NULL)
        return wrong_tensor(r, t, "has an unknown type");
    for (unsigned i = 0; i < GGUF_MAX_DIMS; i++)
        if (__builtin_mul_overflow(n, t->dim[i], &n) || n > INT64_MAX)
            return wrong_tensor(r, t, "has too many elements");
    if (t->dim[0] % types[t->type].block != 0)
        return wrong_tensor(r, t, "has rows that are not whole blocks");
    if (__builtin_mul_overflow(n / types[t->type].block,
                               (uint64_t)types[t->type].size, &t->bytes))
        return wrong_tensor(r, t, "is too large");
    return ERR_OK;
}

static enum err take_tensor(struct reader *r, struct gguf_tensor *t)
{
    uint32_t n = 0;

    *t = (struct gguf_tensor){.dim = {1, 1, 1, 1}};
    TRY(take_text(r, &t->name));
    if (t->name.n > GGUF_MAX_NAME)
        return wrong_tensor(r, t, "has a name that is too long");
    TRY(take_u32(r, &n));
    if (n > GGUF_MAX_DIMS)
        return wrong_tensor(r, t, "has too many dimensions");
    t->n_dims = n;
    for (unsigned i = 0; i < n; i++)
        TRY(take_u64(r, &t->dim[i]));
    TRY(take_u32(r, &t->type));
    TRY(take_u64(r, &t->offset));
    return size_tensor(r, t);
}

static uint64_t elements(const struct gguf_tensor *t)
{
    return t->dim[0] * t->dim[1] * t->dim[2] * t->dim[3];
}

/* Rounds up; false on overflow. */
static bool pad(uint64_t n, uint32_t alignment, uint64_t *out)
{
    if (__builtin_add_overflow(n, (uint64_t)alignment - 1, out))
        return false;
    *out &= ~((uint64_t)alignment - 1);
    return true;
}

static enum err check_tensors(struct reader *r, struct gguf *g)
{
    uint64_t next = 0, last_end = 0, end;
    struct gguf_tensor t;

    g->tensors_at = r->at;
    for (uint64_t i = 0; i < g->n_tensors; i++) {
        TRY(take_tensor(r, &t));
        if (t.offset != next)
            return wrong_tensor(r, &t, "is not where it should be");
        if (__builtin_add_overflow(next, t.bytes, &last_end)
            || !pad(last_end, g->alignment, &next)
            || __builtin_add_overflow(g->n_params, elements(&t), &g->n_params))
            return wrong_tensor(r, &t, "makes the file too large");
        g->tensor_bytes += t.bytes;
    }
    g->tensors_end = r->at;
    g->data_at = r->at;
    if (g->n_tensors == 0)
        return ERR_OK;
    if (!pad(r->at, g->alignment, &g->data_at)
        || __builtin_add_overflow(g->data_at, last_end, &end)
        || end > r->file_size)
        return FAIL(r->why, ERR_MODEL,
                    "the model file is cut off: its tensors need %llu bytes "
                    "after %llu, and it has %llu",
                    (unsigned long long)last_end,
                    (unsigned long long)g->data_at,
                    (unsigned long long)r->file_size);
    return ERR_OK;
}

/* ---- facts ---- */

enum fact { TEXT, NUMBER, COUNT, SIGNED, FLAG };

/* Where each key of the metadata goes. Keys with "%" follow the name of the
 * architecture. To add one: a field in gguf.h, a row here. */
static const struct {
    const char *key;
    enum fact fact;
    size_t offset;
} facts[] = {
#define AT(field) offsetof(struct gguf, field)
    {"general.architecture", TEXT, AT(arch)},
    {"general.name", TEXT, AT(name)},
    {"general.basename", TEXT, AT(basename)},
    {"general.size_label", TEXT, AT(size_label)},
    {"general.license", TEXT, AT(license)},
    {"general.file_type", SIGNED, AT(file_type)},
    {"tokenizer.chat_template", TEXT, AT(chat_template)},
    {"tokenizer.ggml.model", TEXT, AT(tokenizer)},
    {"tokenizer.ggml.tokens", COUNT, AT(vocab_size)},
    {"tokenizer.ggml.bos_token_id", NUMBER, AT(bos_id)},
    {"tokenizer.ggml.eos_token_id", NUMBER, AT(eos_id)},
    {"%.context_length", NUMBER, AT(context_length)},
    {"%.embedding_length", NUMBER, AT(embedding_length)},
    {"%.block_count", NUMBER, AT(block_count)},
    {"%.feed_forward_length", NUMBER, AT(ff_length)},
    {"%.attention.head_count", NUMBER, AT(head_count)},
    {"%.attention.head_count_kv", NUMBER, AT(head_count_kv)},
    {"%.attention.key_length", NUMBER, AT(key_length)},
    {"%.attention.value_length", NUMBER, AT(value_length)},
    {"%.attention.sliding_window", NUMBER, AT(sliding_window)},
    {"%.attention.causal", FLAG, AT(causal)},
    {"%.expert_count", NUMBER, AT(expert_count)},
    {"%.expert_used_count", NUMBER, AT(expert_used_count)},
    {"%.pooling_type", SIGNED, AT(pooling_type)},
#undef AT
};

static bool key_is(struct str key, const char *pattern, struct str arch)
{
    struct str p = str_c(pattern);

    if (p.p[0] != '%')
        return str_eq(key, p);
    p = str_sub(p, 1, p.n);
    return arch.n != 0 && key.n == arch.n + p.n && str_starts(key, arch)
           && str_ends(key, p);
}

/* Values of an unexpected type are as good as not given. */
static void set_fact(struct gguf *g, size_t row, const struct gguf_kv *kv)
{
    char *field = (char *)g + facts[row].offset;
    uint64_t v = 0;
    bool flag;

    switch (facts[row].fact) {
    case TEXT:
        if (kv->kind == GGUF_STR)
            memcpy(field, &kv->raw, sizeof(kv->raw));
        return;
    case COUNT:
        if (kv->kind == GGUF_ARRAY)
            memcpy(field, &kv->count, sizeof(v));
        return;
    case NUMBER:
        if (largest(kv, &v))
            memcpy(field, &v, sizeof(v));
        return;
    case SIGNED:
        if (gguf_kv_u64(kv, &v) && v <= INT64_MAX)
            memcpy(field, &v, sizeof(v));
        return;
    case FLAG:
        if (!gguf_kv_u64(kv, &v))
            return;
        flag = v != 0;
        memcpy(field, &flag, sizeof(flag));
        return;
    }
}

static void collect(struct gguf *g, struct str bytes)
{
    struct gguf_kv kv;

    for (size_t at = 0; gguf_next_kv(g, bytes, &at, &kv);)
        for (size_t i = 0; i < COUNTOF(facts); i++)
            if (key_is(kv.key, facts[i].key, g->arch))
                set_fact(g, i, &kv);
    if (g->head_count_kv == 0)
        g->head_count_kv = g->head_count;
    if (g->head_count != 0 && g->key_length == 0)
        g->key_length = g->embedding_length / g->head_count;
    if (g->head_count != 0 && g->value_length == 0)
        g->value_length = g->embedding_length / g->head_count;
}

/* ---- the file ---- */

static enum err check_header(struct reader *r, struct gguf *g)
{
    struct str magic = STR_EMPTY;

    TRY(take(r, 4, &magic));
    if (!str_eq(magic, STR("GGUF")))
        return FAIL(r->why, ERR_MODEL, "not a GGUF model file");
    TRY(take_u32(r, &g->version));
    if (g->version != 2 && g->version != 3)
        return FAIL(r->why, ERR_MODEL,
                    "the model file has GGUF version %u; 2 and 3 are supported",
                    g->version);
    TRY(take_u64(r, &g->n_tensors));
    TRY(take_u64(r, &g->n_kv));
    if (g->n_tensors > GGUF_MAX_TENSORS || g->n_kv > GGUF_MAX_KV)
        return FAIL(r->why, ERR_MODEL,
                    "the model file claims %llu tensors and %llu keys",
                    (unsigned long long)g->n_tensors,
                    (unsigned long long)g->n_kv);
    g->kv_at = r->at;
    return ERR_OK;
}

static enum err check_metadata(struct reader *r, struct gguf *g)
{
    struct gguf_kv kv;

    for (uint64_t i = 0; i < g->n_kv; i++) {
        TRY(take_kv(r, &kv));
        if (str_eq(kv.key, STR("general.architecture"))
            && kv.kind == GGUF_STR) {
            if (g->arch.n != 0)
                return FAIL(r->why, ERR_MODEL,
                            "the model names its architecture twice");
            g->arch = kv.raw;
        }
        if (!str_eq(kv.key, STR("general.alignment")))
            continue;
        g->alignment = kv.kind == GGUF_U32 ? (uint32_t)little(kv.raw) : 0;
        if (g->alignment == 0 || (g->alignment & (g->alignment - 1)) != 0)
            return FAIL(r->why, ERR_MODEL,
                        "the model's alignment is not a power of two");
    }
    return ERR_OK;
}

enum err gguf_parse(struct str bytes, uint64_t file_size, struct gguf *out,
                    struct why *why)
{
    struct reader r = {bytes, 0, file_size, why};
    struct gguf g = {
        .alignment = 32,
        .bos_id = UINT64_MAX,
        .eos_id = UINT64_MAX,
        .file_type = -1,
        .pooling_type = -1,
        .causal = true,
    };

    assert(bytes.n <= file_size);
    TRY(check_header(&r, &g));
    TRY(check_metadata(&r, &g));
    TRY(check_tensors(&r, &g));
    collect(&g, bytes);
    *out = g;
    return ERR_OK;
}

bool gguf_next_kv(const struct gguf *g, struct str bytes, size_t *at,
                  struct gguf_kv *kv)
{
    struct reader r = {bytes, *at == 0 ? g->kv_at : *at, bytes.n, NULL};

    if (r.at >= g->tensors_at || take_kv(&r, kv) != ERR_OK)
        return false;
    *at = (size_t)r.at;
    return true;
}

bool gguf_next_tensor(const struct gguf *g, struct str bytes, size_t *at,
                      struct gguf_tensor *t)
{
    struct reader r = {bytes, *at == 0 ? g->tensors_at : *at, bytes.n, NULL};

    if (r.at >= g->tensors_end || take_tensor(&r, t) != ERR_OK)
        return false;
    *at = (size_t)r.at;
    return true;
}
