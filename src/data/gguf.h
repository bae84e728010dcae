/*
 * gguf.h - what a model file says about itself, without loading it.
 *
 * Reads the header, metadata and tensor table of GGUF versions 2 and 3 (little
 * endian; the layout is in llama.cpp v0.5.0, ggml/include/gguf.h) and checks
 * counts, lengths, types, dimensions, alignment, and that the tensors' bytes
 * lie inside the file. Not checked: that keys and tensor names are unique, and
 * whether the tensors are those that the architecture needs; the library finds
 * that when it loads. Nothing is allocated; every length is checked against the
 * bytes at hand before use, so a hostile file costs one pass. That a file
 * passes does not make it safe for an inference library, which is why those
 * live in processes of their own.
 *
 * Give it bytes that were read, not mapped: a file that shrinks under a
 * mapping kills the reader. Slices point into those bytes.
 */
#ifndef DATA_GGUF_H
#define DATA_GGUF_H

#include "base/err.h"
#include "base/str.h"

/* The values of the file format. */
enum gguf_kind {
    GGUF_U8,
    GGUF_I8,
    GGUF_U16,
    GGUF_I16,
    GGUF_U32,
    GGUF_I32,
    GGUF_F32,
    GGUF_BOOL,
    GGUF_STR,
    GGUF_ARRAY,
    GGUF_U64,
    GGUF_I64,
    GGUF_F64,
    GGUF_KINDS,
};

enum {
    GGUF_MAX_KV = 65536,
    GGUF_MAX_TENSORS = 65536,
    GGUF_MAX_NAME = 63, /* bytes of a tensor name */
    GGUF_MAX_KEY = 65535,
    GGUF_MAX_DIMS = 4,
};

struct gguf {
    uint32_t version, alignment;
    uint64_t n_kv, n_tensors;
    uint64_t kv_at, tensors_at, tensors_end; /* byte offsets of the tables */
    uint64_t data_at;                        /* of the first tensor's bytes */

    /* From the metadata; empty or 0 when the file does not say. */
    struct str arch, name, basename, size_label, license, chat_template;
    struct str tokenizer; /* tokenizer.ggml.model */
    uint64_t context_length, embedding_length, block_count, ff_length;
    uint64_t head_count, head_count_kv; /* the largest, if given per layer */
    uint64_t key_length, value_length;  /* per head; derived when not given */
    uint64_t vocab_size, expert_count, expert_used_count, sliding_window;
    uint64_t bos_id, eos_id; /* UINT64_MAX when not given */
    int64_t file_type;       /* llama_ftype; -1 when not given */
    int64_t pooling_type;    /* -1 when not given */
    bool causal;             /* false for encoders such as embedding models */

    uint64_t n_params;     /* sum of the tensors' elements */
    uint64_t tensor_bytes; /* sum of the tensors' sizes, without padding */
};

/* `bytes` is a prefix of a file of `file_size` bytes. ERR_AGAIN: the tables
 * go on beyond `bytes`, read more and call again (from the start). ERR_MODEL:
 * the file is wrong and the message says what and where. `out` changes only
 * on success. */
NODISCARD enum err gguf_parse(struct str bytes, uint64_t file_size,
                              struct gguf *out, struct why *why);

struct gguf_kv {
    struct str key;
    enum gguf_kind kind, elem; /* elem: of GGUF_ARRAY */
    uint64_t count;            /* elements of an array, else 1 */
    struct str raw;            /* the value's bytes; of a GGUF_STR its text */
};

struct gguf_tensor {
    struct str name;
    unsigned n_dims;
    uint64_t dim[GGUF_MAX_DIMS]; /* 1 for the dimensions not used */
    uint32_t type;               /* ggml_type */
    uint64_t offset;             /* from data_at */
    uint64_t bytes;
};

/* Walk the tables of a file that gguf_parse accepted, with the same bytes;
 * `*at` starts at 0. False at the end.
 *   for (size_t at = 0; gguf_next_kv(&g, bytes, &at, &kv);) */
bool gguf_next_kv(const struct gguf *g, struct str bytes, size_t *at,
                  struct gguf_kv *kv);
bool gguf_next_tensor(const struct gguf *g, struct str bytes, size_t *at,
                      struct gguf_tensor *t);

/* An integer or boolean value of any width; false for others and negatives. */
bool gguf_kv_u64(const struct gguf_kv *kv, uint64_t *out);

/* "Q4_K", "F16"; "?" when unknown. */
const char *gguf_type_name(uint32_t type);
/* "Q4_K_M", "F16" for a file type of llama.cpp; "?" when unknown. */
const char *gguf_file_type_name(int64_t file_type);

#endif
