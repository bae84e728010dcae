/*
 * fake_engine.h - a toy behind engine.h, for tests of what stands above it.
 *
 * Tokens are bytes; 256.. are the control tokens "<|start|>", "<|end|>" and
 * "<|stop|>" (which ends a generation). It has real cells with owners and
 * positions, and refuses what a real engine refuses: a position out of order,
 * a sequence without its beginning, more tokens than cells. The next token is
 * a hash of all tokens before it, so a wrong cell anywhere shows in the text.
 */
#ifndef TESTS_FAKE_ENGINE_H
#define TESTS_FAKE_ENGINE_H

#include "runner/engine.h"

enum {
    FAKE_START = 256,
    FAKE_END,
    FAKE_STOP,
    FAKE_VOCAB,
    FAKE_EMBD = 4,
};

struct fake_opts {
    uint32_t n_ctx, n_seq, n_slots, n_batch;
    bool no_share;       /* like a recurrent model: sequences cannot be cut */
    bool whole_embed;    /* like an encoder */
    uint32_t stop_every; /* about one token in so many is FAKE_STOP; 0: never */
    uint64_t kv_bytes;   /* half of it may be parked; 8 bytes a token */
    const char *eats;    /* the template deletes this from contents */
};

/* What tests look at and set. */
struct fake_engine {
    struct engine base;
    struct fake_opts o;
    struct fake_cell *cells;
    struct fake_out *outs; /* of the last decode */
    uint32_t n_outs;
    struct buf piece;
    uint64_t tokens_computed, decodes, bytes_tokenized;
    uint32_t abort_in; /* the decode after so many more is stopped; 0: none */
    uint32_t break_in; /* the same, computation fails */
    uint32_t saves, loads;
    bool load_fails;
    const char *broken; /* what was done wrong by the caller, or NULL */
};

NODISCARD struct fake_engine *fake_engine_new(const struct fake_opts *o);
uint32_t fake_engine_cells(const struct fake_engine *f); /* taken */

/* The greedy continuation of a prompt, computed without any cache. Appends
 * int32_t tokens, at most `max`, without the one that stops. */
NODISCARD enum err fake_engine_expect(const struct fake_opts *o,
                                      const int32_t *prompt, uint32_t n,
                                      uint32_t seed, uint32_t max,
                                      struct buf *out);

#endif
