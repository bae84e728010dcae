#include "data/gguf.h"

#include "base/buf.h"
#include "base/rng.h"
#include "test.h"

static struct why why;

/* ---- a small model file, written by hand ---- */

static void put(struct buf *b, uint64_t v, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++)
        CHECK(buf_add_byte(b, (char)(v >> (8 * i))) == ERR_OK);
}

static void put_text(struct buf *b, const char *s)
{
    put(b, strlen(s), 8);
    CHECK(buf_add_c(b, s) == ERR_OK);
}

static void put_u32(struct buf *b, const char *key, uint32_t v)
{
    put_text(b, key);
    put(b, GGUF_U32, 4);
    put(b, v, 4);
}

static void put_str(struct buf *b, const char *key, const char *v)
{
    put_text(b, key);
    put(b, GGUF_STR, 4);
    put_text(b, v);
}

static void put_tensor(struct buf *b, const char *name, uint64_t d0,
                       uint64_t d1, uint32_t type, uint64_t offset)
{
    put_text(b, name);
    put(b, 2, 4);
    put(b, d0, 8);
    put(b, d1, 8);
    put(b, type, 4);
    put(b, offset, 8);
}

enum { KEYS = 11 };

static void put_keys(struct buf *b)
{
    put_u32(b, "toy.context_length", 512); /* before the architecture */
    put_str(b, "general.architecture", "toy");
    put_str(b, "general.name", "Toy 1");
    put_u32(b, "general.file_type", 15);
    put_u32(b, "toy.embedding_length", 64);
    put_u32(b, "toy.block_count", 2);
    put_u32(b, "toy.attention.head_count", 4);
    put_u32(b, "other.context_length", 1);
    put_text(b, "toy.attention.head_count_kv"); /* per layer */
    put(b, GGUF_ARRAY, 4);
    put(b, GGUF_I32, 4);
    put(b, 2, 8);
    put(b, 1, 4);
    put(b, 2, 4);
    put_text(b, "tokenizer.ggml.tokens");
    put(b, GGUF_ARRAY, 4);
    put(b, GGUF_STR, 4);
    put(b, 3, 8);
    put_text(b, "a");
    put_text(b, "");
    put_text(b, "ccc");
    put_str(b, "tokenizer.chat_template", "{{ x }}");
}

/* Two tensors: 64x3 Q8_0 (204 bytes, padded to 224) and 5x1 F32. */
static void model(struct buf *b)
{
    buf_clear(b);
    CHECK(buf_add_c(b, "GGUF") == ERR_OK);
    put(b, 3, 4);
    put(b, 2, 8);
    put(b, KEYS, 8);
    put_keys(b);
    put_tensor(b, "w", 64, 3, 8, 0);
    put_tensor(b, "bias", 5, 1, 0, 224);
    while (b->len % 32 != 0)
        put(b, 0, 1);
    put(b, 0, 8);
    for (size_t i = 8; i < 244; i++)
        put(b, i, 1);
}

TEST(facts_are_read_from_the_metadata)
{
    struct buf b CLEANUP(buf_done) = BUF_INIT(10000);
    struct gguf g;

    model(&b);
    CHECK(gguf_parse(buf_str(&b), b.len, &g, &why) == ERR_OK);
    CHECK(g.version == 3 && g.alignment == 32);
    CHECK(str_eq(g.arch, STR("toy")) && str_eq(g.name, STR("Toy 1")));
    CHECK(str_eq(g.chat_template, STR("{{ x }}")));
    CHECK(g.context_length == 512 && g.embedding_length == 64);
    CHECK(g.block_count == 2 && g.head_count == 4 && g.head_count_kv == 2);
    CHECK(g.key_length == 16 && g.value_length == 16);
    CHECK(g.vocab_size == 3 && g.bos_id == UINT64_MAX);
    CHECK(strcmp(gguf_file_type_name(g.file_type), "Q4_K_M") == 0);
    CHECK(g.pooling_type == -1 && g.causal);
    CHECK(g.n_params == 64 * 3 + 5 && g.tensor_bytes == 204 + 20);
    CHECK(g.data_at == b.len - 244);
}

TEST(the_tables_can_be_walked)
{
    struct buf b CLEANUP(buf_done) = BUF_INIT(10000);
    struct gguf g;
    struct gguf_kv kv;
    struct gguf_tensor t;
    size_t n = 0, at = 0;

    model(&b);
    CHECK(gguf_parse(buf_str(&b), b.len, &g, &why) == ERR_OK);
    while (gguf_next_kv(&g, buf_str(&b), &at, &kv))
        n++;
    CHECK(n == KEYS);
    at = 0;
    CHECK(gguf_next_tensor(&g, buf_str(&b), &at, &t));
    CHECK(str_eq(t.name, STR("w")) && t.bytes == 204 && t.dim[1] == 3);
    CHECK(strcmp(gguf_type_name(t.type), "Q8_0") == 0);
    CHECK(gguf_next_tensor(&g, buf_str(&b), &at, &t));
    CHECK(str_eq(t.name, STR("bias")) && t.offset == 224);
    CHECK(!gguf_next_tensor(&g, buf_str(&b), &at, &t));
}

TEST(a_prefix_asks_for_more_and_a_cut_file_is_refused)
{
    struct buf b CLEANUP(buf_done) = BUF_INIT(10000);
    struct gguf g;

    model(&b);
    CHECK(gguf_parse(buf_str(&b), b.len, &g, &why) == ERR_OK);
    size_t tables = g.tensors_end;

    for (size_t n = 0; n < b.len; n++) {
        char *p CLEANUP(mem_freep) = mem_strndup(b.data, n);
        struct str part = {p, n};

        CHECK(gguf_parse(part, b.len, &g, &why)
              == (n < tables ? ERR_AGAIN : ERR_OK));
        CHECK(gguf_parse(part, n, &g, &why) == ERR_MODEL);
        CHECK(str_has(str_c(why.msg), STR("cut off")));
    }
}

/* Parses the model with `n` bytes at `at` changed to `v`. */
static enum err changed(size_t at, uint64_t v, unsigned n)
{
    struct buf b CLEANUP(buf_done) = BUF_INIT(10000);
    struct gguf g;

    model(&b);
    for (unsigned i = 0; i < n; i++)
        b.data[at + i] = (char)(v >> (8 * i));
    return gguf_parse(buf_str(&b), b.len, &g, &why);
}

static bool says(const char *part)
{
    return str_has(str_c(why.msg), str_c(part));
}

TEST(wrong_headers_are_refused)
{
    CHECK(changed(0, 'X', 1) == ERR_MODEL && says("not a GGUF"));
    CHECK(changed(4, 1, 4) == ERR_MODEL && says("version 1"));
    CHECK(changed(4, 0x03000000, 4) == ERR_MODEL);
    CHECK(changed(4, 2, 4) == ERR_OK);
    CHECK(changed(8, UINT64_MAX, 8) == ERR_MODEL && says("claims"));
    CHECK(changed(16, (uint64_t)1 << 40, 8) == ERR_MODEL && says("claims"));
    CHECK(changed(24, UINT64_MAX, 8) == ERR_MODEL && says("cut off"));
    CHECK(changed(24, 0, 8) == ERR_MODEL && says("key of 0 bytes"));
    CHECK(changed(24 + 8 + 18, 13, 4) == ERR_MODEL && says("unknown type"));
}

static enum err with_tensor(uint64_t d0, uint64_t d1, uint32_t type,
                            uint64_t offset)
{
    struct buf b CLEANUP(buf_done) = BUF_INIT(10000);
    struct gguf g;

    CHECK(buf_add_c(&b, "GGUF") == ERR_OK);
    put(&b, 3, 4);
    put(&b, 1, 8);
    put(&b, 0, 8);
    put_tensor(&b, "t", d0, d1, type, offset);
    return gguf_parse(buf_str(&b), UINT64_MAX / 2, &g, &why);
}

TEST(wrong_tensors_are_refused_without_overflow)
{
    CHECK(with_tensor(32, 1, 8, 0) == ERR_OK);
    CHECK(with_tensor(33, 1, 8, 0) == ERR_MODEL && says("whole blocks"));
    CHECK(with_tensor(32, 1, 4, 0) == ERR_MODEL && says("unknown type"));
    CHECK(with_tensor(32, 1, 43, 0) == ERR_MODEL && says("unknown type"));
    CHECK(with_tensor(32, 1, UINT32_MAX, 0) == ERR_MODEL);
    CHECK(with_tensor(32, 1, 8, 32) == ERR_MODEL && says("should be"));
    CHECK(with_tensor((uint64_t)1 << 33, (uint64_t)1 << 33, 0, 0) == ERR_MODEL);
    CHECK(says("too many elements"));
    CHECK(with_tensor((uint64_t)1 << 62, 1, 28, 0) == ERR_MODEL);
    CHECK(says("too large"));
    CHECK(with_tensor((uint64_t)1 << 61, 1, 0, 0) == ERR_MODEL);
    CHECK(says("cut off"));
    CHECK(with_tensor(0, 5, 0, 0) == ERR_OK);
}

static enum err with_alignment(enum gguf_kind kind, uint64_t v, unsigned n)
{
    struct buf b CLEANUP(buf_done) = BUF_INIT(10000);
    struct gguf g;

    CHECK(buf_add_c(&b, "GGUF") == ERR_OK);
    put(&b, 3, 4);
    put(&b, 0, 8);
    put(&b, 1, 8);
    put_text(&b, "general.alignment");
    put(&b, kind, 4);
    put(&b, v, n);
    return gguf_parse(buf_str(&b), b.len, &g, &why);
}

TEST(the_alignment_is_a_power_of_two)
{
    CHECK(with_alignment(GGUF_U32, 64, 4) == ERR_OK);
    CHECK(with_alignment(GGUF_U32, 0, 4) == ERR_MODEL);
    CHECK(with_alignment(GGUF_U32, 48, 4) == ERR_MODEL);
    CHECK(with_alignment(GGUF_U64, 32, 8) == ERR_MODEL);
}

TEST(arrays_are_bounded_and_do_not_nest)
{
    struct buf b CLEANUP(buf_done) = BUF_INIT(10000);
    struct gguf g;
    size_t count_at;

    CHECK(buf_add_c(&b, "GGUF") == ERR_OK);
    put(&b, 3, 4);
    put(&b, 0, 8);
    put(&b, 1, 8);
    put_text(&b, "k");
    put(&b, GGUF_ARRAY, 4);
    put(&b, GGUF_U64, 4);
    count_at = b.len;
    put(&b, 0, 8);
    CHECK(gguf_parse(buf_str(&b), b.len, &g, &why) == ERR_OK);
    b.data[count_at + 7] = 0x20; /* times 8 overflows to 0 */
    CHECK(gguf_parse(buf_str(&b), b.len, &g, &why) == ERR_MODEL);
    b.data[count_at + 7] = 0;
    b.data[count_at - 4] = GGUF_ARRAY;
    CHECK(gguf_parse(buf_str(&b), b.len, &g, &why) == ERR_MODEL);
    CHECK(says("array of arrays"));
    b.data[count_at - 4] = GGUF_STR;
    b.data[count_at] = 1;
    CHECK(gguf_parse(buf_str(&b), b.len, &g, &why) == ERR_MODEL);
}

TEST(random_damage_is_survived)
{
    struct buf b CLEANUP(buf_done) = BUF_INIT(10000);
    struct rng r = RNG_INIT(3);
    struct gguf g;
    struct gguf_kv kv;
    struct gguf_tensor t;

    for (int i = 0; i < 5000; i++) {
        model(&b);
        for (uint64_t n = 1 + rng_below(&r, 4); n > 0; n--)
            b.data[rng_below(&r, b.len - 244)] = (char)rng_u64(&r);
        if (gguf_parse(buf_str(&b), b.len, &g, &why) != ERR_OK)
            continue;
        for (size_t at = 0; gguf_next_kv(&g, buf_str(&b), &at, &kv);)
            CHECK(kv.raw.p + kv.raw.n <= b.data + b.len);
        for (size_t at = 0; gguf_next_tensor(&g, buf_str(&b), &at, &t);)
            CHECK(t.bytes <= b.len);
    }
}

static void read_file(const char *path, struct buf *b)
{
    FILE *f = fopen(path, "rbe");
    size_t n;

    CHECK(f != NULL);
    do {
        CHECK(buf_reserve(b, 65536) == ERR_OK);
        n = fread(b->data + b->len, 1, 65536, f);
        buf_grew(b, n);
    } while (n != 0);
    CHECK(fclose(f) == 0);
}

TEST(the_shipped_models_are_understood)
{
    static const char *const files[] = {"models/tiny/tiny-1m-q8_0.gguf",
                                        "models/tiny/tiny-6m-q8_0.gguf"};

    for (size_t i = 0; i < COUNTOF(files); i++) {
        struct buf b CLEANUP(buf_done) = BUF_INIT((size_t)64 << 20);
        struct gguf g;

        read_file(files[i], &b);
        CHECK(gguf_parse(buf_str(&b), b.len, &g, &why) == ERR_OK);
        CHECK(strcmp(gguf_file_type_name(g.file_type), "Q8_0") == 0);
        CHECK(g.arch.n != 0 && g.context_length >= 256);
        CHECK(g.vocab_size > 0 && g.block_count > 0 && g.head_count > 0);
        CHECK(g.n_params > 500000 && g.n_params < 10000000);
        CHECK(g.data_at + g.tensor_bytes <= b.len);
        CHECK(b.len - g.data_at - g.tensor_bytes < 32 * g.n_tensors + 32);
    }
}
