#include "model/estimate.h"

#include "fake/scratch.h"
#include "test.h"

static const struct fs_stat file = {.dev = 1,
                                    .ino = 2,
                                    .size_bytes = 3,
                                    .mtime_ns = -4,
                                    .kind = FS_FILE};
static const struct estimate_shape shape = {.n_ctx = 4096,
                                            .n_seq = 8,
                                            .use_mmap = true};
static const struct estimate need = {.model_bytes = 1010,
                                     .mapped_bytes = 1000,
                                     .kv_bytes = 200,
                                     .compute_bytes = 30,
                                     .n_ctx = 4096};
#define PROCESS (UINT64_C(16) << 20)

TEST(what_was_learnt_outlives_the_process)
{
    CLEANUP(scratch_done) struct scratch s = scratch_make();
    struct estimate_store *store = NULL;
    struct estimate e = {0};

    CHECK(estimate_open(scratch_path(&s, "e.json"), &store) == ERR_OK);
    CHECK(!estimate_get(store, &file, &shape, &e));
    CHECK(estimate_put(store, &file, &shape, &need, NULL) == ERR_OK);
    estimate_close(store);
    CHECK(estimate_open(scratch_path(&s, "e.json"), &store) == ERR_OK);
    CHECK(estimate_get(store, &file, &shape, &e));
    CHECK(e.model_bytes == need.model_bytes && e.kv_bytes == need.kv_bytes
          && e.mapped_bytes == need.mapped_bytes
          && e.compute_bytes == need.compute_bytes
          && e.measured_bytes == need.measured_bytes && e.n_ctx == need.n_ctx);
    CHECK(estimate_total(&e) == 1240 + PROCESS);
    estimate_close(store);
}

TEST(another_file_or_shape_is_not_known)
{
    CLEANUP(scratch_done) struct scratch s = scratch_make();
    struct estimate_store *store = NULL;
    struct fs_stat other = file;
    struct estimate_shape bent = shape;
    struct estimate e;

    CHECK(estimate_open(scratch_path(&s, "e.json"), &store) == ERR_OK);
    CHECK(estimate_put(store, &file, &shape, &need, NULL) == ERR_OK);
    other.mtime_ns++;
    CHECK(!estimate_get(store, &other, &shape, &e));
    bent.n_ctx = 2048;
    CHECK(!estimate_get(store, &file, &bent, &e));
    bent = shape;
    bent.embedding = true;
    CHECK(!estimate_get(store, &file, &bent, &e));
    estimate_close(store);
}

TEST(a_measurement_raises_the_need_and_never_lowers_it)
{
    CLEANUP(scratch_done) struct scratch s = scratch_make();
    struct estimate_store *store = NULL;
    struct estimate e;

    CHECK(estimate_open(scratch_path(&s, "e.json"), &store) == ERR_OK);
    CHECK(estimate_measured(store, &file, &shape, 5, NULL) == ERR_OK);
    CHECK(!estimate_get(store, &file, &shape, &e));
    CHECK(estimate_put(store, &file, &shape, &need, NULL) == ERR_OK);
    CHECK(estimate_measured(store, &file, &shape, 2 * PROCESS, NULL) == ERR_OK);
    CHECK(estimate_measured(store, &file, &shape, 7, NULL) == ERR_OK);
    CHECK(estimate_get(store, &file, &shape, &e));
    CHECK(estimate_total(&e) == 2 * PROCESS);
    CHECK(estimate_source(&e, true) == ESTIMATE_MEASURED);
    CHECK(estimate_source(&need, true) == ESTIMATE_PROBED);
    CHECK(estimate_source(&need, false) == ESTIMATE_COMPUTED);
    estimate_close(store);
}

TEST(a_damaged_file_is_an_empty_store)
{
    static const char *const texts[] = {
        "",
        "{",
        "[]",
        "{\"format\":1}",
        "{\"format\":2,\"known\":[]}",
        "{\"format\":1,\"known\":[1,{},{\"dev\":-1}]}",
    };

    for (size_t i = 0; i < COUNTOF(texts); i++) {
        CLEANUP(scratch_done) struct scratch s = scratch_make();
        struct estimate_store *store = NULL;
        struct estimate e;

        scratch_write(&s, "e.json", str_c(texts[i]));
        CHECK(estimate_open(scratch_path(&s, "e.json"), &store) == ERR_OK);
        CHECK(!estimate_get(store, &file, &shape, &e));
        CHECK(estimate_put(store, &file, &shape, &need, NULL) == ERR_OK);
        estimate_close(store);
    }
}

TEST(a_store_that_cannot_be_saved_still_remembers)
{
    struct estimate_store *store = NULL;
    struct estimate e;

    CHECK(estimate_open("/nonexistent/e.json", &store) == ERR_OK);
    CHECK(estimate_put(store, &file, &shape, &need, NULL) != ERR_OK);
    CHECK(estimate_get(store, &file, &shape, &e));
    estimate_close(store);
}

TEST(the_one_used_longest_ago_is_forgotten)
{
    struct estimate_store *store = NULL;
    struct estimate_shape one = shape;
    struct estimate e;

    CHECK(estimate_open("/nonexistent/e.json", &store) == ERR_OK);
    for (uint32_t i = 0; i <= ESTIMATE_MAX; i++) {
        one.n_ctx = i + 1;
        CHECK(estimate_put(store, &file, &one, &need, NULL) != ERR_OK);
        one.n_ctx = 1; /* always in use */
        CHECK(estimate_get(store, &file, &one, &e));
    }
    one.n_ctx = 2;
    CHECK(!estimate_get(store, &file, &one, &e));
    one.n_ctx = 3;
    CHECK(estimate_get(store, &file, &one, &e));
    estimate_close(store);
}

TEST(the_guess_follows_the_header_and_does_not_overflow)
{
    struct gguf g = {.context_length = 32768,
                     .embedding_length = 896,
                     .block_count = 24,
                     .head_count = 14,
                     .head_count_kv = 2,
                     .key_length = 64,
                     .value_length = 64,
                     .vocab_size = 151936,
                     .ff_length = 4864,
                     .tensor_bytes = 500000000};
    struct estimate_shape s = {.n_ctx = 4096, .n_seq = 1};
    struct estimate e;

    estimate_computed(&g, &s, &e);
    CHECK(e.kv_bytes == UINT64_C(4096) * 24 * 2 * 128 * 2);
    CHECK(e.model_bytes == 500000000 && e.mapped_bytes == 0);
    CHECK(e.compute_bytes > UINT64_C(512) * 151936 * 4);
    s.use_mmap = true;
    s.n_ctx = 0;
    estimate_computed(&g, &s, &e);
    CHECK(e.mapped_bytes == 500000000 && e.model_bytes == 500000000);
    CHECK(e.n_ctx == 32768);
    g.block_count = g.vocab_size = g.tensor_bytes = UINT64_MAX / 2;
    estimate_computed(&g, &s, &e);
    CHECK(estimate_total(&e) == UINT64_MAX);
    g = (struct gguf){0};
    estimate_computed(&g, &s, &e); /* a header that says nothing */
}
