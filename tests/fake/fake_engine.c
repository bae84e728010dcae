#include "fake/fake_engine.h"

#include "base/mem.h"
#include "data/json.h"

struct fake_cell {
    int32_t pos; /* -1: free */
    uint64_t owners[4];
    uint64_t hash; /* of all tokens up to here */
};

struct fake_out {
    uint32_t row;
    uint64_t hash;
    float logits[FAKE_VOCAB];
    float embedding[FAKE_EMBD];
};

struct engine_sampler {
    struct fake_engine *f;
    uint32_t seed;
};

struct engine_chat {
    int unused;
};

static struct fake_engine *fake_of(struct engine *e)
{
    return CONTAINER_OF(e, struct fake_engine, base);
}

/* ---- cells -------------------------------------------------------------------- */

static bool owns(const struct fake_cell *c, int32_t seq)
{
    return c->pos >= 0 && (c->owners[seq / 64] >> (seq % 64) & 1);
}

static struct fake_cell *cell_at(const struct fake_engine *f, int32_t seq,
                                 int32_t pos)
{
    for (uint32_t i = 0; i < f->o.n_ctx; i++)
        if (f->cells[i].pos == pos && owns(&f->cells[i], seq))
            return &f->cells[i];
    return NULL;
}

static struct fake_cell *free_cell(struct fake_engine *f)
{
    for (uint32_t i = 0; i < f->o.n_ctx; i++)
        if (f->cells[i].pos < 0)
            return &f->cells[i];
    return NULL;
}

uint32_t fake_engine_cells(const struct fake_engine *f)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < f->o.n_ctx; i++)
        n += f->cells[i].pos >= 0;
    return n;
}

static void disown(struct fake_cell *c, int32_t seq)
{
    c->owners[seq / 64] &= ~((uint64_t)1 << (seq % 64));
    if (!(c->owners[0] | c->owners[1] | c->owners[2] | c->owners[3]))
        c->pos = -1;
}

static uint64_t mix(uint64_t h, uint64_t v)
{
    h = (h ^ v) * 0x9e3779b97f4a7c15U;
    return h ^ h >> 29;
}

static const uint64_t empty_hash = 12345;

/* What follows a history; letters mostly, so that text is UTF-8. */
static int32_t next_of(const struct fake_opts *o, uint64_t hash, uint32_t seed)
{
    uint64_t h = mix(hash, seed);
    if (o->stop_every && h % o->stop_every == 0)
        return FAKE_STOP;
    return (int32_t)('a' + h / 7 % 26);
}

/* ---- decoding ------------------------------------------------------------------- */

static void out_of(struct fake_engine *f, uint32_t row, uint64_t hash)
{
    struct fake_out *o = &f->outs[f->n_outs++];
    *o = (struct fake_out){.row = row, .hash = hash};
    o->logits[next_of(&f->o, hash, 0)] = 2;
    o->logits['z'] += 1;
    for (uint32_t i = 0; i < FAKE_EMBD; i++)
        o->embedding[i] = (float)(mix(hash, i) % 1000) / 1000.0F;
}

static enum engine_step one(struct fake_engine *f, const struct engine_batch *b,
                            uint32_t i)
{
    int32_t seq = b->seq[i], pos = b->pos[i];
    uint64_t hash = empty_hash;
    if (seq < 0 || (uint32_t)seq >= f->o.n_slots)
        f->broken = "a sequence that does not exist";
    if (f->broken)
        return ENGINE_BROKEN;
    if (cell_at(f, seq, pos))
        f->broken = "a position that is taken";
    if (pos > 0) {
        struct fake_cell *before = cell_at(f, seq, pos - 1);
        if (!before)
            f->broken = "a position without the one before";
        else
            hash = before->hash;
    }
    struct fake_cell *c = free_cell(f);
    if (f->broken || !c)
        return ENGINE_BROKEN;
    *c = (struct fake_cell){.pos = pos,
                            .hash = mix(hash, (uint64_t)b->token[i])};
    c->owners[seq / 64] = (uint64_t)1 << (seq % 64);
    if (b->want[i])
        out_of(f, i, c->hash);
    f->tokens_computed++;
    return ENGINE_DONE;
}

/* An encoder: no cells, each input is whole in the batch. */
static enum engine_step encode(struct fake_engine *f,
                               const struct engine_batch *b)
{
    uint64_t hash = empty_hash;
    for (uint32_t i = 0; i < b->count; i++) {
        hash = mix(b->pos[i] == 0 ? empty_hash : hash, (uint64_t)b->token[i]);
        if (b->want[i])
            out_of(f, i, hash);
    }
    return ENGINE_DONE;
}

static enum engine_step op_decode(struct engine *e,
                                  const struct engine_batch *b, bool embed)
{
    struct fake_engine *f = fake_of(e);
    f->n_outs = 0;
    f->decodes++;
    (void)embed;
    if (b->count > f->o.n_batch || b->count == 0)
        f->broken = "a batch of impossible size";
    if (f->o.whole_embed)
        return encode(f, b);
    if (f->break_in && --f->break_in == 0)
        return ENGINE_BROKEN;
    bool aborts = f->abort_in && --f->abort_in == 0;
    if (fake_engine_cells(f) + b->count > f->o.n_ctx)
        return ENGINE_FULL;
    for (uint32_t i = 0; i < b->count; i++) {
        if (aborts && i == b->count / 2)
            return ENGINE_ABORTED;
        enum engine_step s = one(f, b, i);
        if (s != ENGINE_DONE)
            return s;
    }
    return aborts ? ENGINE_ABORTED : ENGINE_DONE;
}

static const struct fake_out *row_of(struct fake_engine *f, uint32_t row)
{
    for (uint32_t i = 0; i < f->n_outs; i++)
        if (f->outs[i].row == row)
            return &f->outs[i];
    f->broken = "a row that was not wanted";
    return NULL;
}

static const float *op_logits(struct engine *e, uint32_t row)
{
    const struct fake_out *o = row_of(fake_of(e), row);
    return o ? o->logits : NULL;
}

static const float *op_embedding(struct engine *e, uint32_t row, int32_t seq)
{
    (void)seq;
    const struct fake_out *o = row_of(fake_of(e), row);
    return o ? o->embedding : NULL;
}

static enum engine_pool op_pool(struct engine *e)
{
    return fake_of(e)->o.whole_embed ? ENGINE_POOL_LAST : ENGINE_POOL_MEAN;
}

static void op_seq_cp(struct engine *e, int32_t src, int32_t dst, uint32_t n)
{
    struct fake_engine *f = fake_of(e);
    if (cell_at(f, dst, 0))
        f->broken = "a copy onto a sequence that is not empty";
    if (f->o.no_share)
        f->broken = "a copy where nothing can be shared";
    for (uint32_t i = 0; i < f->o.n_ctx; i++)
        if (owns(&f->cells[i], src) && f->cells[i].pos < (int32_t)n)
            f->cells[i].owners[dst / 64] |= (uint64_t)1 << (dst % 64);
}

static bool op_seq_cut(struct engine *e, int32_t seq, uint32_t from)
{
    struct fake_engine *f = fake_of(e);
    bool can = from == 0 || !f->o.no_share || !cell_at(f, seq, (int32_t)from);
    for (uint32_t i = 0; i < f->o.n_ctx; i++)
        if (owns(&f->cells[i], seq)
            && (!can || f->cells[i].pos >= (int32_t)from))
            disown(&f->cells[i], seq);
    return can;
}

/* Position by position: 8 bytes of hash each. */
static enum err op_seq_save(struct engine *e, int32_t seq, struct buf *out)
{
    struct fake_engine *f = fake_of(e);
    struct fake_cell *c;
    for (int32_t pos = 0; (c = cell_at(f, seq, pos)); pos++)
        TRY(buf_add(out, (struct str){(const char *)&c->hash, sizeof c->hash}));
    f->saves++;
    return ERR_OK;
}

static bool op_seq_load(struct engine *e, int32_t dst, struct str state)
{
    struct fake_engine *f = fake_of(e);
    size_t n = state.n / sizeof(uint64_t);
    if (cell_at(f, dst, 0))
        f->broken = "a state onto a sequence that is not empty";
    if (f->load_fails || fake_engine_cells(f) + n > f->o.n_ctx)
        return false;
    for (size_t i = 0; i < n; i++) {
        struct fake_cell *c = free_cell(f);
        *c = (struct fake_cell){.pos = (int32_t)i};
        memcpy(&c->hash, state.p + i * sizeof c->hash, sizeof c->hash);
        c->owners[dst / 64] = (uint64_t)1 << (dst % 64);
    }
    f->loads++;
    return true;
}

/* ---- sampling -------------------------------------------------------------------- */

static enum err op_sampler_new(struct engine *e,
                               const struct engine_sampling *s,
                               const struct engine_chat *chat,
                               struct engine_sampler **out, struct why *why)
{
    (void)chat;
    struct engine_sampler *n = mem_zalloc(sizeof *n);
    if (!n)
        return FAIL(why, ERR_NOMEM, "no memory");
    *n = (struct engine_sampler){fake_of(e), s->temperature > 0 ? s->seed : 0};
    *out = n;
    return ERR_OK;
}

static enum err op_sample(struct engine_sampler *s, uint32_t row,
                          int32_t *token, struct why *why)
{
    const struct fake_out *o = row_of(s->f, row);
    if (!o)
        return FAIL(why, ERR_RUNNER, "no such row");
    *token = next_of(&s->f->o, o->hash, s->seed);
    return ERR_OK;
}

static void op_sampler_free(struct engine_sampler *s)
{
    mem_free(s);
}

enum err fake_engine_expect(const struct fake_opts *o, const int32_t *prompt,
                            uint32_t n, uint32_t seed, uint32_t max,
                            struct buf *out)
{
    uint64_t hash = empty_hash;
    for (uint32_t i = 0; i < n; i++)
        hash = mix(hash, (uint64_t)prompt[i]);
    for (uint32_t i = 0; i < max; i++) {
        int32_t t = next_of(o, hash, seed);
        if (t == FAKE_STOP)
            break;
        TRY(buf_add(out, (struct str){(const char *)&t, sizeof t}));
        hash = mix(hash, (uint64_t)t);
    }
    return ERR_OK;
}

/* ---- text ------------------------------------------------------------------------ */

static const struct engine_control controls[] = {
    {FAKE_START, {"<|start|>", 9}, false, false},
    {FAKE_END, {"<|end|>", 7}, false, false},
    {FAKE_STOP, {"<|stop|>", 8}, false, true},
};

static enum err op_tokenize(struct engine *e, struct str text, bool parse,
                            bool frame, struct buf *out, struct why *why)
{
    (void)frame;
    fake_of(e)->bytes_tokenized += text.n;
    for (size_t at = 0; at < text.n;) {
        int32_t t = (unsigned char)text.p[at];
        size_t n = 1;
        for (size_t i = 0; parse && i < COUNTOF(controls); i++)
            if (str_starts(str_sub(text, at, text.n), controls[i].text)) {
                t = controls[i].token;
                n = controls[i].text.n;
            }
        at += n;
        if (buf_add(out, (struct str){(const char *)&t, sizeof t}) != ERR_OK)
            return FAIL(why, ERR_NOMEM, "no memory");
    }
    return ERR_OK;
}

static struct str op_piece(struct engine *e, const struct engine_chat *chat,
                           int32_t token)
{
    struct fake_engine *f = fake_of(e);
    (void)chat;
    buf_clear(&f->piece);
    if (token < 256 && buf_add_byte(&f->piece, (char)token) != ERR_OK)
        return STR_EMPTY;
    return buf_str(&f->piece);
}

static bool op_is_eog(struct engine *e, int32_t token)
{
    (void)e;
    return token == FAKE_STOP;
}

static const struct engine_control *op_controls(struct engine *e, size_t *n)
{
    (void)e;
    *n = COUNTOF(controls);
    return controls;
}

/* The content, without what the template deletes. */
static enum err put_content(const struct fake_engine *f, struct str s,
                            struct buf *out)
{
    struct str eaten = str_c(f->o.eats);
    size_t at;
    while (eaten.n && (at = str_find(s, eaten)) != SIZE_MAX) {
        TRY(buf_add(out, str_sub(s, 0, at)));
        s = str_sub(s, at + eaten.n, s.n);
    }
    return buf_add(out, s);
}

static enum err put_chat(const struct fake_engine *f, struct json root,
                         struct buf *out)
{
    struct str key;
    struct json m;
    struct json_iter it = json_iter(json_get(root, "messages"));
    while (json_next(&it, &key, &m)) {
        TRY(buf_add_c(out, "<|start|>"));
        TRY(buf_add(out, json_str(json_get(m, "role"))));
        TRY(buf_add_byte(out, '\n'));
        TRY(put_content(f, json_str(json_get(m, "content")), out));
        TRY(buf_add(out, json_str(json_get(m, "name"))));
        TRY(buf_add_c(out, "|>\n<|end|>\n"));
    }
    return buf_add_c(out, "<|start|>assistant\n<|");
}

static enum err op_chat_render(struct engine *e, const struct engine_ask *ask,
                               struct buf *prompt, struct buf *stops,
                               struct engine_rendered *out, struct why *why)
{
    CLEANUP(json_done) struct json_doc doc = JSON_DOC_INIT;
    (void)stops;
    TRY(json_parse(&doc, ask->req, NULL, why));
    if (put_chat(fake_of(e), json_root(&doc), prompt) != ERR_OK)
        return FAIL(why, ERR_NOMEM, "no memory");
    if (out) {
        out->plain = true;
        out->chat = mem_zalloc(sizeof *out->chat);
        if (!out->chat)
            return FAIL(why, ERR_NOMEM, "no memory");
    }
    return ERR_OK;
}

static void op_chat_free(struct engine_chat *c)
{
    mem_free(c);
}

static enum err op_parser_new(struct engine_chat *c, struct engine_parser **out,
                              struct why *why)
{
    (void)c;
    (void)out;
    return FAIL(why, ERR_UNSUPPORTED, "no parser here");
}

/* ---- life ------------------------------------------------------------------------ */

static void op_close(struct engine *e)
{
    struct fake_engine *f = fake_of(e);
    mem_free(f->cells);
    mem_free(f->outs);
    buf_done(&f->piece);
    mem_free(f);
}

static const struct engine_ops fake_ops = {
    .close = op_close,
    .tokenize = op_tokenize,
    .piece = op_piece,
    .is_eog = op_is_eog,
    .controls = op_controls,
    .chat_render = op_chat_render,
    .chat_free = op_chat_free,
    .parser_new = op_parser_new,
    .sampler_new = op_sampler_new,
    .sample = op_sample,
    .sampler_free = op_sampler_free,
    .decode = op_decode,
    .logits = op_logits,
    .embedding = op_embedding,
    .pool = op_pool,
    .seq_cp = op_seq_cp,
    .seq_cut = op_seq_cut,
    .seq_save = op_seq_save,
    .seq_load = op_seq_load,
};

struct fake_engine *fake_engine_new(const struct fake_opts *o)
{
    struct fake_engine *f = mem_zalloc(sizeof *f);
    if (!f)
        return NULL;
    f->o = *o;
    f->piece = BUF_INIT(64);
    f->cells = mem_calloc(o->n_ctx, sizeof *f->cells);
    f->outs = mem_calloc(o->n_batch, sizeof *f->outs);
    f->base.ops = &fake_ops;
    f->base.facts = (struct engine_facts){
        .arch = "fake",
        .n_ctx = o->n_ctx,
        .n_ctx_train = o->n_ctx,
        .n_ctx_seq = o->n_ctx,
        .n_vocab = FAKE_VOCAB,
        .n_embd = FAKE_EMBD,
        .kv_bytes = o->kv_bytes,
        .n_seq = o->n_seq,
        .n_slots = o->n_slots,
        .n_batch = o->n_batch,
        .n_ubatch = o->n_batch,
        .n_embed_batch = o->n_batch,
        .n_token_bytes = 9,
        .chat_template = true,
        .can_generate = !o->whole_embed,
        .can_embed = true,
        .can_share = !o->no_share && !o->whole_embed,
        .whole_embed = o->whole_embed,
    };
    if (!f->cells || !f->outs) {
        op_close(&f->base);
        return NULL;
    }
    for (uint32_t i = 0; i < o->n_ctx; i++)
        f->cells[i].pos = -1;
    return f;
}
