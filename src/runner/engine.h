/*
 * engine.h - the border to an inference engine.
 *
 * Everything above this line (batcher, prefix tree, prompts, output) speaks
 * tokens, positions and sequences; everything below is llama.cpp (llama/) or,
 * in tests, a toy with the same manners (tests/fake/fake_engine.h). Calls go
 * through a table, because tests link both.
 *
 * A *cell* holds keys and values of one token. Cells are shared: after
 * engine_seq_cp two sequences own the same cells and nothing was copied. A
 * cell is free again when no sequence owns it. Tokens and positions are
 * int32_t, a sequence is a small number below facts.n_slots.
 *
 * Thread: all calls from the one inference thread that opened the engine.
 */
#ifndef RUNNER_ENGINE_H
#define RUNNER_ENGINE_H

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

struct engine;
struct engine_chat;    /* how one rendered chat is generated and read back */
struct engine_sampler; /* the dice of one sequence */
struct engine_parser;  /* reads one growing answer back */

struct engine_load {
    const char *path;
    uint32_t n_ctx;    /* cells for all sequences; 0: what the model says */
    uint32_t n_seq;    /* sequences that decode at the same time */
    uint32_t n_batch;  /* most tokens of one decode call; 0: default */
    uint32_t n_ubatch; /* tokens computed at once inside it; 0: default */
    uint32_t n_threads;
    bool flash_attn, use_mmap;
    bool embedding; /* this model is here to embed, not to generate */
    /* in thousandths; false stops the load */
    bool (*progress)(void *ctx, unsigned permille);
    /* true stops a decode; asked every few milliseconds at least */
    bool (*abort)(void *ctx);
    void *ctx;
};

/* Bytes that a load with these settings would take: model + kv + compute. Of
 * the model's, `mapped` are pages of the file, which the system can take back
 * and read again. */
struct engine_need {
    uint64_t model, kv, compute, mapped;
    uint32_t n_ctx;
};

struct engine_facts {
    char arch[64], name[128];
    uint32_t n_ctx;                  /* cells */
    uint32_t n_ctx_train, n_ctx_seq; /* longest sequence that we accept */
    uint32_t n_vocab, n_embd;
    uint32_t n_seq, n_slots; /* decoding at once; sequences that can exist */
    uint32_t n_batch, n_ubatch;
    uint32_t n_embed_batch; /* most tokens of an embedding batch */
    uint32_t n_token_bytes; /* longest token */
    uint64_t n_params, model_bytes, kv_bytes, compute_bytes;
    bool chat_template, can_generate, can_embed;
    bool can_share;   /* cells can be shared and cut; false: recurrent state */
    bool whole_embed; /* an input is embedded in one call or not at all */
};

/* One decode call. The arrays are the caller's; index i of all is one token. */
struct engine_batch {
    uint32_t count;
    int32_t *token, *pos, *seq;
    int8_t *want; /* 1: its logits (or embedding) are needed */
};

enum engine_step {
    ENGINE_DONE,
    ENGINE_FULL,    /* no cells; nothing changed */
    ENGINE_ABORTED, /* by the abort question; a part may have been kept */
    ENGINE_BROKEN,  /* the computation failed */
};

/* Text that the engine's tokenizer could turn into control. */
struct engine_control {
    int32_t token;
    struct str text;          /* lives as long as the engine */
    bool eat_left, eat_right; /* swallows the white space beside it */
};

struct engine_bias {
    int32_t token;
    float bias;
};

struct engine_sampling {
    float temperature; /* 0: always the likeliest */
    float top_p, min_p;
    uint32_t top_k; /* 0: off */
    float repeat_penalty, presence_penalty, frequency_penalty;
    uint32_t penalty_last_n;
    uint32_t seed;
    bool ignore_eos;
    const struct engine_bias *bias;
    size_t n_bias;
    struct str grammar, json_schema; /* at most one, the other empty */
};

/* A chat to be rendered. */
struct engine_ask {
    struct str req; /* JSON object with messages, tools, tool_choice,
                     * parallel_tool_calls, response_format,
                     * chat_template_kwargs */
    struct str grammar, json_schema; /* as in engine_sampling */
};

/* What a chat becomes. */
struct engine_rendered {
    struct engine_chat *chat; /* owned: engine_chat_free */
    bool plain; /* the answer is text as it is: no parser needed */
};

/* What a parser found new. Text is appended; tool_calls gets one JSON array
 * of OpenAI deltas, or stays as it is when there is nothing. */
struct engine_parsed {
    struct buf *text, *reasoning, *tool_calls;
    bool has_tool_calls; /* some were seen, now or before */
};

/* How token embeddings become one. */
enum engine_pool {
    ENGINE_POOL_MEAN,
    ENGINE_POOL_FIRST,
    ENGINE_POOL_LAST,
    ENGINE_POOL_DONE, /* the engine pools: ask for the last row */
};

struct engine_ops {
    void (*close)(struct engine *e);

    /* Appends int32_t tokens to `out`. `parse`: control texts become control
     * tokens; `frame`: with the model's own begin and end tokens. */
    enum err (*tokenize)(struct engine *e, struct str text, bool parse,
                         bool frame, struct buf *out, struct why *why);
    /* The bytes of a token; none for control tokens, unless `chat` (may be
     * NULL) needs them to be read back. Borrowed until the next call. */
    struct str (*piece)(struct engine *e, const struct engine_chat *chat,
                        int32_t token);
    bool (*is_eog)(struct engine *e, int32_t token); /* ends a generation */
    const struct engine_control *(*controls)(struct engine *e, size_t *n);

    /* The prompt is appended to `prompt`, the template's own stop strings to
     * `stops`, each with a NUL after it. `out` may be NULL: only the prompt is
     * wanted. */
    enum err (*chat_render)(struct engine *e, const struct engine_ask *ask,
                            struct buf *prompt, struct buf *stops,
                            struct engine_rendered *out, struct why *why);
    void (*chat_free)(struct engine_chat *c);
    enum err (*parser_new)(struct engine_chat *c, struct engine_parser **out,
                           struct why *why);
    /* `text`: the whole answer so far. */
    enum err (*parse)(struct engine_parser *p, struct str text, bool partial,
                      struct engine_parsed *out, struct why *why);
    void (*parser_free)(struct engine_parser *p);

    enum err (*sampler_new)(struct engine *e, const struct engine_sampling *s,
                            const struct engine_chat *chat,
                            struct engine_sampler **out, struct why *why);
    /* Chooses from the logits of batch index `row` and remembers the choice. */
    enum err (*sample)(struct engine_sampler *s, uint32_t row, int32_t *token,
                       struct why *why);
    void (*sampler_free)(struct engine_sampler *s);

    enum engine_step (*decode)(struct engine *e, const struct engine_batch *b,
                               bool embed);
    const float *(*logits)(struct engine *e, uint32_t row); /* n_vocab */
    const float *(*embedding)(struct engine *e, uint32_t row, int32_t seq);
    enum engine_pool (*pool)(struct engine *e);

    /* dst gets positions [0, n) of src and must be empty before. */
    void (*seq_cp)(struct engine *e, int32_t src, int32_t dst, uint32_t n);
    /* Positions from `from` on leave the sequence; false: this engine cannot
     * cut there and the whole sequence was dropped. */
    bool (*seq_cut)(struct engine *e, int32_t seq, uint32_t from);
    /* Appends what the cells of a sequence hold to `out`: good for this engine
     * only, as long as it lives. */
    enum err (*seq_save)(struct engine *e, int32_t seq, struct buf *out);
    /* Back into cells, of `dst`, which must be empty. On failure it still is. */
    bool (*seq_load)(struct engine *e, int32_t dst, struct str state);
};

struct engine {
    const struct engine_ops *ops;
    struct engine_facts facts;
};

#endif
