/*
 * llama.cpp behind engine.h: loading, tokens, decoding, memory. Sampling is in
 * llama_sampling.c, chat templates behind chat_bridge.h.
 *
 * Choices that were measured, not guessed: flash attention only where the
 * load says so (on CPU it makes a step of six sequences four times slower);
 * one unified cache, so that sequences share cells; few output rows, because
 * the compute buffer holds rows x vocabulary floats; the full sliding-window
 * cache, because without it a cached prefix cannot be continued.
 */
#include "runner/llama/engine_llama.h"

#include "base/mem.h"
#include "runner/llama/chat_bridge.h"
#include "runner/llama/llama_log.h"
#include "runner/llama/llama_sampling.h"

enum {
    BATCH_DEFAULT = 2048,
    UBATCH_DEFAULT = 512,
    SLOTS_MAX = 256,   /* the library's limit for one unified cache */
    SLOTS_IDLE = 48,   /* beside those that decode: remembered prefixes */
    EMBED_ROWS = 64,   /* tokens per embedding batch of a generating model */
    TEXT_MAX = 1 << 28 /* bytes of one text, far below INT32_MAX tokens */
};

struct engine_llama {
    struct engine base;
    struct llama_model *model;
    struct llama_context *ctx;
    const struct llama_vocab *vocab;
    struct bridge_templates *templates;
    struct llama_sampling_space sampling;
    struct engine_control *controls;
    size_t n_controls;
    struct buf piece;
    int32_t *ones;                   /* n_batch times 1 */
    int32_t **seq_at;                /* scratch: pointers into a batch's seq */
    struct ggml_threadpool *threads; /* NULL: one thread */
    enum engine_pool pool;
    bool embedding_on;
    struct engine_load load; /* for the callbacks; path is not kept */
    bool stopped;            /* by the progress callback */
};

static struct engine_llama *llama_of(struct engine *e)
{
    return CONTAINER_OF(e, struct engine_llama, base);
}

void engine_llama_init(void (*log)(void *ctx, int level, struct str line),
                       void *ctx)
{
    llama_log_to(log, ctx);
    (void)ggml_set_abort_callback(llama_log_abort);
    llama_backend_init();
}

/* ---- loading --------------------------------------------------------------- */

static enum err model_refused(struct why *why)
{
    return FAIL(why, ERR_MODEL, "cannot use this model file: %s",
                llama_log_last_error());
}

static bool on_progress(float part, void *ctx)
{
    struct engine_llama *l = ctx;
    l->stopped = l->load.progress
                 && !l->load.progress(l->load.ctx, (unsigned)(part * 1000.0F));
    return !l->stopped;
}

static bool on_abort(void *ctx)
{
    struct engine_llama *l = ctx;
    bool stop = l->load.abort && l->load.abort(l->load.ctx);
    if (stop)
        llama_log_expect_errors(true);
    return stop;
}

static enum err load_model(struct engine_llama *l, bool probe, struct why *why)
{
    struct llama_model_params p = llama_model_default_params();
    p.n_gpu_layers = -1;
    p.load_mode = !probe && l->load.use_mmap ? LLAMA_LOAD_MODE_MMAP
                                             : LLAMA_LOAD_MODE_NONE;
    p.no_alloc = probe;
    p.progress_callback = on_progress;
    p.progress_callback_user_data = l;
    llama_log_forget();
    l->model = llama_model_load_from_file(l->load.path, p);
    if (l->stopped)
        return FAIL(why, ERR_CANCELLED, "the load was stopped");
    if (!l->model)
        return model_refused(why);
    l->vocab = llama_model_get_vocab(l->model);
    if (llama_vocab_n_tokens(l->vocab) <= 0
        || llama_model_n_ctx_train(l->model) <= 0)
        return FAIL(why, ERR_MODEL, "the model has no vocabulary or context");
    return ERR_OK;
}

static void meta(struct engine_llama *l, const char *key, char *out, size_t cap)
{
    if (llama_model_meta_val_str(l->model, key, out, cap) < 0)
        out[0] = '\0';
}

/* "<arch>.<key>" */
static void arch_meta(struct engine_llama *l, const char *key, char *out,
                      size_t cap)
{
    char arch[64], name[128];
    meta(l, "general.architecture", arch, sizeof arch);
    (void)snprintf(name, sizeof name, "%s.%s", arch, key);
    meta(l, name, out, cap);
}

/* Every token sees every other: an input is computed in one piece. */
static bool is_encoder(struct engine_llama *l)
{
    char causal[16];
    arch_meta(l, "attention.causal", causal, sizeof causal);
    return !llama_model_has_decoder(l->model) || strcmp(causal, "false") == 0;
}

static struct llama_context_params context_params(struct engine_llama *l)
{
    const struct engine_load *o = &l->load;
    uint32_t trained = (uint32_t)llama_model_n_ctx_train(l->model);
    uint32_t n_seq = MIN(MAX(o->n_seq, 1), SLOTS_MAX / 2);
    struct llama_context_params p = llama_context_default_params();
    p.n_ctx = o->n_ctx ? o->n_ctx : trained;
    p.n_batch = MIN(o->n_batch ? o->n_batch : BATCH_DEFAULT, p.n_ctx);
    p.n_ubatch = MIN(o->n_ubatch ? o->n_ubatch : UBATCH_DEFAULT, p.n_batch);
    p.n_seq_max = n_seq;
    p.n_outputs_max = MAX(n_seq, EMBED_ROWS);
    if (is_encoder(l)) {
        p.n_ctx = MIN(p.n_ctx, trained);
        p.n_batch = p.n_ubatch = p.n_ctx;
        p.embeddings = true;
        p.pooling_type = LLAMA_POOLING_TYPE_UNSPECIFIED;
        p.n_outputs_max = 0;
    } else {
        p.pooling_type = LLAMA_POOLING_TYPE_NONE; /* we pool, in pieces */
        if (o->embedding)
            p.n_outputs_max = p.n_ubatch;
    }
    p.n_outputs_max = p.n_outputs_max ? MIN(p.n_outputs_max, p.n_batch) : 0;
    p.n_threads = p.n_threads_batch = (int32_t)MAX(o->n_threads, 1);
    p.flash_attn_type = o->flash_attn ? LLAMA_FLASH_ATTN_TYPE_ENABLED
                                      : LLAMA_FLASH_ATTN_TYPE_DISABLED;
    p.kv_unified = true;
    p.swa_full = true;
    p.no_perf = true;
    p.abort_callback = on_abort;
    p.abort_callback_data = l;
    return p;
}

static enum err make_context(struct engine_llama *l, struct why *why)
{
    struct llama_context_params p = context_params(l);
    p.n_outputs_max = p.n_outputs_max ? MAX(p.n_outputs_max, p.n_seq_max) : 0;
    if (p.n_batch < p.n_seq_max)
        return FAIL(why, ERR_RANGE, "n_batch %u is below n_seq %u", p.n_batch,
                    p.n_seq_max);
    l->ctx = llama_init_from_model(l->model, p);
    return l->ctx ? ERR_OK : model_refused(why);
}

/* ---- threads ------------------------------------------------------------------ */

/* Without a pool of its own the library makes new threads for every step. The
 * functions are the CPU backend's, which is found at run time. */
static void *cpu_function(const char *name)
{
    ggml_backend_dev_t dev =
        ggml_backend_dev_by_type(GGML_BACKEND_DEVICE_TYPE_CPU);
    return dev ? ggml_backend_reg_get_proc_address(
               ggml_backend_dev_backend_reg(dev), name)
               : NULL;
}

static void make_threads(struct engine_llama *l)
{
    struct ggml_threadpool *(*new_pool)(struct ggml_threadpool_params *);
    void *f = cpu_function("ggml_threadpool_new");
    struct ggml_threadpool_params p =
        ggml_threadpool_params_default((int)MAX(l->load.n_threads, 1));
    if (!f || l->load.n_threads <= 1)
        return;
    memcpy(&new_pool, &f, sizeof new_pool);
    l->threads = new_pool(&p);
    if (l->threads)
        llama_attach_threadpool(l->ctx, l->threads, NULL);
}

static void free_threads(struct engine_llama *l)
{
    void (*free_pool)(struct ggml_threadpool *);
    void *f = cpu_function("ggml_threadpool_free");
    memcpy(&free_pool, &f, sizeof free_pool);
    if (f && l->threads)
        free_pool(l->threads);
}

static void done(struct engine_llama *l)
{
    bridge_templates_free(l->templates);
    if (l->ctx)
        llama_free(l->ctx);
    free_threads(l);
    if (l->model)
        llama_model_free(l->model);
    mem_free(l->controls);
    mem_free(l->sampling.cand);
    mem_free(l->ones);
    mem_free(l->seq_at);
    buf_done(&l->piece);
}

enum err engine_llama_probe(const struct engine_load *load,
                            struct engine_need *out, struct why *why)
{
    struct engine_llama l = {.load = *load};
    struct bridge_memory m = {0};
    enum err e = load_model(&l, true, why);
    if (e == ERR_OK)
        e = make_context(&l, why);
    if (e == ERR_OK && bridge_memory_of(l.ctx, &m) != ERR_OK)
        e = FAIL(why, ERR_MODEL, "the memory need cannot be computed");
    if (e == ERR_OK)
        *out = (struct engine_need){
            .model = m.model,
            .kv = m.kv,
            .compute = m.compute,
            .mapped = load->use_mmap ? m.host_model : 0,
            .n_ctx = llama_n_ctx(l.ctx),
        };
    done(&l);
    return e;
}

/* ---- facts ------------------------------------------------------------------ */

static enum err list_controls(struct engine_llama *l)
{
    int32_t n_vocab = llama_vocab_n_tokens(l->vocab);
    for (int pass = 0; pass < 2; pass++) {
        size_t n = 0;
        for (int32_t t = 0; t < n_vocab; t++) {
            enum llama_token_attr a = llama_vocab_get_attr(l->vocab, t);
            const char *text = llama_vocab_get_text(l->vocab, t);
            if (!(a & (LLAMA_TOKEN_ATTR_CONTROL | LLAMA_TOKEN_ATTR_UNKNOWN))
                || !text || !*text)
                continue;
            if (pass)
                l->controls[n] = (struct engine_control){
                    .token = t,
                    .text = str_c(text),
                    .eat_left = a & LLAMA_TOKEN_ATTR_LSTRIP,
                    .eat_right = a & LLAMA_TOKEN_ATTR_RSTRIP,
                };
            n++;
        }
        if (pass == 0) {
            l->controls = mem_calloc(n + 1, sizeof *l->controls);
            if (!l->controls)
                return ERR_NOMEM;
        }
        l->n_controls = n;
    }
    return ERR_OK;
}

static uint32_t longest_token(const struct engine_llama *l)
{
    size_t longest = 1;
    for (int32_t t = 0; t < llama_vocab_n_tokens(l->vocab); t++) {
        const char *text = llama_vocab_get_text(l->vocab, t);
        longest = MAX(longest, text ? strlen(text) : 0);
    }
    return (uint32_t)longest;
}

static void find_facts(struct engine_llama *l)
{
    struct engine_facts *f = &l->base.facts;
    struct bridge_memory m = {0};
    meta(l, "general.architecture", f->arch, sizeof f->arch);
    meta(l, "general.name", f->name, sizeof f->name);
    f->n_ctx = llama_n_ctx(l->ctx);
    f->n_ctx_train = (uint32_t)llama_model_n_ctx_train(l->model);
    f->n_ctx_seq = MIN(f->n_ctx, f->n_ctx_train);
    f->n_vocab = (uint32_t)llama_vocab_n_tokens(l->vocab);
    f->n_embd = (uint32_t)llama_model_n_embd_out(l->model);
    f->n_seq = llama_n_seq_max(l->ctx);
    f->n_batch = llama_n_batch(l->ctx);
    f->n_ubatch = llama_n_ubatch(l->ctx);
    f->n_params = llama_model_n_params(l->model);
    if (bridge_memory_of(l->ctx, &m) == ERR_OK) {
        f->model_bytes = m.model;
        f->kv_bytes = m.kv;
        f->compute_bytes = m.compute;
    }
    f->whole_embed = !llama_get_memory(l->ctx);
    f->can_embed = true;
    f->can_generate = !f->whole_embed && !l->load.embedding
                      && llama_model_has_decoder(l->model)
                      && !llama_model_has_encoder(l->model);
    f->can_share = !f->whole_embed && !llama_model_is_recurrent(l->model)
                   && !llama_model_is_hybrid(l->model);
    f->n_slots =
        f->can_share ? MIN(f->n_seq + SLOTS_IDLE, SLOTS_MAX) : f->n_seq;
    f->n_embed_batch = f->whole_embed      ? f->n_batch
                       : l->load.embedding ? f->n_ubatch
                                           : MIN(EMBED_ROWS, f->n_batch);
    f->chat_template = l->templates != NULL;
    f->n_token_bytes = longest_token(l);
}

static void find_pool(struct engine_llama *l)
{
    if (l->base.facts.whole_embed) {
        bool pooled = llama_pooling_type(l->ctx) != LLAMA_POOLING_TYPE_NONE;
        l->pool = pooled ? ENGINE_POOL_DONE : ENGINE_POOL_MEAN;
        return;
    }
    char value[16];
    arch_meta(l, "pooling_type", value, sizeof value);
    l->pool = value[0] == '2'   ? ENGINE_POOL_FIRST
              : value[0] == '3' ? ENGINE_POOL_LAST
                                : ENGINE_POOL_MEAN;
}

static enum err make_space(struct engine_llama *l)
{
    uint32_t n = l->base.facts.n_batch, v = l->base.facts.n_vocab;
    l->ones = mem_calloc(n, sizeof *l->ones);
    l->seq_at = mem_calloc(n, sizeof *l->seq_at);
    l->sampling = (struct llama_sampling_space){
        .ctx = l->ctx,
        .vocab = l->vocab,
        .cand = mem_calloc(v, sizeof *l->sampling.cand),
        .n_vocab = v,
    };
    if (!l->ones || !l->seq_at || !l->sampling.cand)
        return ERR_NOMEM;
    for (uint32_t i = 0; i < n; i++)
        l->ones[i] = 1;
    return list_controls(l);
}

static const struct engine_ops llama_ops;

enum err engine_llama_open(const struct engine_load *load, struct engine **out,
                           struct why *why)
{
    struct engine_llama *l = mem_zalloc(sizeof *l);
    if (!l)
        return FAIL(why, ERR_NOMEM, "no memory for the engine");
    l->load = *load;
    l->piece = BUF_INIT(1 << 16);
    l->base.ops = &llama_ops;
    enum err e = load_model(l, false, why);
    if (e == ERR_OK)
        e = make_context(l, why);
    l->load.path = NULL;
    if (e == ERR_OK) {
        if (llama_model_chat_template(l->model, NULL))
            l->templates = bridge_templates_new(l->model);
        make_threads(l);
        find_facts(l);
        find_pool(l);
        e = make_space(l);
        if (e != ERR_OK)
            (void)FAIL(why, e, "no memory for the engine");
    }
    if (e != ERR_OK) {
        done(l);
        mem_free(l);
        return e;
    }
    *out = &l->base;
    return ERR_OK;
}

static void op_close(struct engine *e)
{
    done(llama_of(e));
    mem_free(llama_of(e));
}

/* ---- tokens ----------------------------------------------------------------- */

static enum err op_tokenize(struct engine *e, struct str text, bool parse,
                            bool frame, struct buf *out, struct why *why)
{
    struct engine_llama *l = llama_of(e);
    if (text.n > TEXT_MAX)
        return FAIL(why, ERR_LIMIT, "the text is longer than %d bytes",
                    TEXT_MAX);
    size_t max = text.n / 3 + 16; /* tokens; a guess, corrected once */
    for (int attempt = 0; attempt < 2; attempt++) {
        if (buf_reserve(out, max * sizeof(int32_t)) != ERR_OK)
            return FAIL(why, ERR_LIMIT, "the text makes too many tokens");
        int32_t n = bridge_tokenize(l->vocab, text,
                                    (int32_t *)(void *)(out->data + out->len),
                                    (int32_t)max, frame, parse);
        if (n >= 0) {
            buf_grew(out, (size_t)n * sizeof(int32_t));
            return ERR_OK;
        }
        if (n == INT32_MIN)
            break;
        max = (size_t)-n;
    }
    return FAIL(why, ERR_PARSE, "the tokenizer refused the text");
}

static struct str op_piece(struct engine *e, const struct engine_chat *chat,
                           int32_t token)
{
    struct engine_llama *l = llama_of(e);
    bool keep = chat && bridge_chat_keeps(chat, token);
    buf_clear(&l->piece);
    for (size_t room = 64; room <= l->piece.max; room *= 32) {
        if (buf_reserve(&l->piece, room) != ERR_OK)
            break;
        int32_t n = llama_token_to_piece(l->vocab, token, l->piece.data,
                                         (int32_t)room, 0, keep);
        if (n >= 0) {
            buf_grew(&l->piece, (size_t)n);
            return buf_str(&l->piece);
        }
    }
    return STR_EMPTY;
}

static bool op_is_eog(struct engine *e, int32_t token)
{
    return llama_vocab_is_eog(llama_of(e)->vocab, token);
}

static const struct engine_control *op_controls(struct engine *e, size_t *n)
{
    *n = llama_of(e)->n_controls;
    return llama_of(e)->controls;
}

/* ---- chat ------------------------------------------------------------------- */

static enum err op_chat_render(struct engine *e, const struct engine_ask *ask,
                               struct buf *prompt, struct buf *stops,
                               struct engine_rendered *out, struct why *why)
{
    struct engine_llama *l = llama_of(e);
    if (!l->templates)
        return FAIL(why, ERR_UNSUPPORTED,
                    "the model has no chat template: use plain completions");
    return bridge_render(l->templates, ask, prompt, stops, out, why);
}

/* ---- computing -------------------------------------------------------------- */

static enum err op_sampler_new(struct engine *e,
                               const struct engine_sampling *s,
                               const struct engine_chat *chat,
                               struct engine_sampler **out, struct why *why)
{
    return llama_sampling_new(&llama_of(e)->sampling, s, chat, out, why);
}

static enum engine_step op_decode(struct engine *e,
                                  const struct engine_batch *b, bool embed)
{
    struct engine_llama *l = llama_of(e);
    bool always = l->base.facts.whole_embed;
    if (!always && embed != l->embedding_on) {
        llama_set_embeddings(l->ctx, embed);
        l->embedding_on = embed;
    }
    for (uint32_t i = 0; i < b->count; i++)
        l->seq_at[i] = &b->seq[i];
    struct llama_batch lb = {
        .n_tokens = (int32_t)b->count,
        .token = b->token,
        .pos = b->pos,
        .n_seq_id = l->ones,
        .seq_id = l->seq_at,
        .logits = b->want,
    };
    int32_t r = bridge_decode(l->ctx, lb);
    llama_log_expect_errors(false);
    switch (r) {
    case 0:
        return ENGINE_DONE;
    case 1:
        return ENGINE_FULL;
    case 2:
        return ENGINE_ABORTED;
    default:
        return ENGINE_BROKEN;
    }
}

static const float *op_logits(struct engine *e, uint32_t row)
{
    return llama_get_logits_ith(llama_of(e)->ctx, (int32_t)row);
}

static const float *op_embedding(struct engine *e, uint32_t row, int32_t seq)
{
    struct engine_llama *l = llama_of(e);
    return l->pool == ENGINE_POOL_DONE
               ? llama_get_embeddings_seq(l->ctx, seq)
               : llama_get_embeddings_ith(l->ctx, (int32_t)row);
}

static enum engine_pool op_pool(struct engine *e)
{
    return llama_of(e)->pool;
}

static void op_seq_cp(struct engine *e, int32_t src, int32_t dst, uint32_t n)
{
    llama_memory_seq_cp(llama_get_memory(llama_of(e)->ctx), src, dst, 0,
                        (int32_t)n);
}

static bool op_seq_cut(struct engine *e, int32_t seq, uint32_t from)
{
    llama_memory_t mem = llama_get_memory(llama_of(e)->ctx);
    if (!mem)
        return true;
    if (llama_memory_seq_rm(mem, seq, (int32_t)from, -1))
        return true;
    (void)llama_memory_seq_rm(mem, seq, -1, -1);
    return false;
}

static enum err op_seq_save(struct engine *e, int32_t seq, struct buf *out)
{
    struct engine_llama *l = llama_of(e);
    size_t n = llama_state_seq_get_size(l->ctx, seq);
    if (n == 0)
        return ERR_UNSUPPORTED;
    TRY(buf_reserve(out, n));
    n = llama_state_seq_get_data(l->ctx, (uint8_t *)out->data + out->len, n,
                                 seq);
    if (n == 0)
        return ERR_RUNNER;
    buf_grew(out, n);
    return ERR_OK;
}

static bool op_seq_load(struct engine *e, int32_t dst, struct str state)
{
    struct engine_llama *l = llama_of(e);
    if (state.n
        && llama_state_seq_set_data(l->ctx, (const uint8_t *)state.p, state.n,
                                    dst)
               == state.n)
        return true;
    (void)op_seq_cut(e, dst, 0);
    return false;
}

static const struct engine_ops llama_ops = {
    .close = op_close,
    .tokenize = op_tokenize,
    .piece = op_piece,
    .is_eog = op_is_eog,
    .controls = op_controls,
    .chat_render = op_chat_render,
    .chat_free = bridge_chat_free,
    .parser_new = bridge_parser_new,
    .parse = bridge_parse,
    .parser_free = bridge_parser_free,
    .sampler_new = op_sampler_new,
    .sample = llama_sampling_pick,
    .sampler_free = llama_sampling_free,
    .decode = op_decode,
    .logits = op_logits,
    .embedding = op_embedding,
    .pool = op_pool,
    .seq_cp = op_seq_cp,
    .seq_cut = op_seq_cut,
    .seq_save = op_seq_save,
    .seq_load = op_seq_load,
};
