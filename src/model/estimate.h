/*
 * estimate.h - how much memory a model needs at a given shape.
 *
 * The truth comes from the runner: it answers PROBE by a load without
 * allocation, and what it really took is measured afterwards. Both are
 * remembered per (file, shape) in state/estimates.json, so that a model is
 * probed once and not at every load. estimate_computed is the guess before
 * the first probe; it errs on the large side.
 *
 * Bytes everywhere. One thread. The store is a cache: a file that cannot be
 * read, or is damaged, is an empty store and never an error for the caller.
 */
#ifndef MODEL_ESTIMATE_H
#define MODEL_ESTIMATE_H

#include "data/gguf.h"
#include "sys/fs.h"

enum { ESTIMATE_MAX = 512 }; /* remembered; the least recently used goes */

/* Everything that changes the need of one file. */
struct estimate_shape {
    uint32_t n_ctx, n_seq, n_batch, n_ubatch;
    bool flash_attn, use_mmap, embedding;
};

enum estimate_source {
    ESTIMATE_COMPUTED, /* from the file's header */
    ESTIMATE_PROBED,   /* a load without allocation */
    ESTIMATE_MEASURED, /* a real load took more than the probe said */
};

struct estimate {
    uint64_t model_bytes;  /* weights in memory of their own */
    uint64_t mapped_bytes; /* weights used from a mapping of the file */
    uint64_t kv_bytes, compute_bytes;
    uint64_t measured_bytes; /* the largest resident size seen, or 0 */
    uint32_t n_ctx;          /* what the runner makes of the wished n_ctx */
};

/* What to reserve: the parts and the process itself, or what was measured if
 * that is more. Mapped pages count: a model whose pages do not stay in memory
 * reads them from the disk for each token. */
uint64_t estimate_total(const struct estimate *e);
enum estimate_source estimate_source(const struct estimate *e, bool probed);

/* Weights, an f16 cache for n_ctx, and the compute buffer of one ubatch
 * (attention scores without flash attention, logits, activations). Saturates
 * instead of overflowing. */
void estimate_computed(const struct gguf *g, const struct estimate_shape *shape,
                       struct estimate *out);

struct estimate_store;

/* Reads `path`, which need not exist. ERR_NOMEM only. */
NODISCARD enum err estimate_open(const char *path, struct estimate_store **out);
void estimate_close(struct estimate_store *s); /* NULL is fine */

/* False when nothing is known of this file at this shape. */
bool estimate_get(struct estimate_store *s, const struct fs_stat *file,
                  const struct estimate_shape *shape, struct estimate *out);

/* Remembers and saves (atomically). The store holds the new facts even when
 * saving fails. */
NODISCARD enum err estimate_put(struct estimate_store *s,
                                const struct fs_stat *file,
                                const struct estimate_shape *shape,
                                const struct estimate *e, struct why *why);

/* A load was seen to take `resident_bytes`; kept when it is more than before.
 * Does nothing when the shape is unknown. */
NODISCARD enum err estimate_measured(struct estimate_store *s,
                                     const struct fs_stat *file,
                                     const struct estimate_shape *shape,
                                     uint64_t resident_bytes, struct why *why);

#endif
