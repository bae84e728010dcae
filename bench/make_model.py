#!/usr/bin/python3
"""Writes a GGUF model of a real shape with random weights, for measuring.

    make_model.py LLAMA_SOURCE SHAPE OUT.gguf

Speed depends on shapes and types, not on what the weights say; a random model
of the same shape is measured instead of one that nobody may redistribute. The
tokenizer is the real one, from the vocabulary files in llama.cpp's source.
Needs Debian's python3-numpy and python3-yaml; gguf-py comes with llama.cpp.
Weights are F16: quantise with llama-quantize.
"""
import sys
from pathlib import Path

import numpy as np

# name: architecture, vocabulary, layers, width, feed-forward, heads, kv heads
SHAPES = {
    "qwen2.5-0.5b": ("qwen2", "qwen2", 24, 896, 4864, 14, 2),
    "qwen2.5-1.5b": ("qwen2", "qwen2", 28, 1536, 8960, 12, 2),
}
CONTEXT = 32768
POOL = 1 << 24  # one pool of random numbers is cut up: much faster than fresh


class Weights:
    """Random tensors, the same ones in every run."""

    def __init__(self):
        pool = np.random.default_rng(7).standard_normal(POOL).astype(np.float32)
        self.pool = (pool * 0.02).astype(np.float16)
        self.at = 0

    def take(self, *shape):
        count = int(np.prod(shape))
        self.at = (self.at * 31 + 977) % (POOL // 2)
        repeated = np.resize(self.pool[self.at:], count)
        return repeated.reshape(shape)


def copy_tokenizer(gguf, writer, vocabulary):
    count = 0
    for key, field in gguf.GGUFReader(vocabulary).fields.items():
        if not key.startswith("tokenizer."):  # the chat template is one too
            continue
        value = field.contents()
        if key == "tokenizer.ggml.tokens":
            count = len(value)
        if field.types[0] == gguf.GGUFValueType.ARRAY:
            writer.add_array(key, value)
        else:
            writer.add_key_value(key, value, field.types[0])
    return count


def main():
    if len(sys.argv) != 4 or sys.argv[2] not in SHAPES:
        sys.exit(__doc__ + "\nShapes: " + ", ".join(SHAPES))
    source, shape, out = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
    sys.path.insert(0, str(source / "gguf-py"))
    import gguf  # noqa: E402  (its place is only known now)

    arch, vocabulary, layers, width, hidden, heads, kv_heads = SHAPES[shape]
    head = width // heads
    writer = gguf.GGUFWriter(out, arch)
    writer.add_name(shape + " random weights")
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(width)
    writer.add_block_count(layers)
    writer.add_feed_forward_length(hidden)
    writer.add_head_count(heads)
    writer.add_head_count_kv(kv_heads)
    writer.add_layer_norm_rms_eps(1e-6)
    writer.add_rope_freq_base(1e6)
    writer.add_file_type(1)
    models = source / "models"
    tokens = copy_tokenizer(gguf, writer, str(models / f"ggml-vocab-{vocabulary}.gguf"))

    random = Weights()

    def matrix(name, rows, columns):
        writer.add_tensor(name + ".weight", random.take(rows, columns))

    def norm(name):
        writer.add_tensor(name + ".weight", np.ones(width, np.float32))

    def bias(name, size):
        writer.add_tensor(name + ".bias", random.take(size).astype(np.float32))

    matrix("token_embd", tokens, width)
    norm("output_norm")
    for i in range(layers):
        block = f"blk.{i}."
        norm(block + "attn_norm")
        for part, size in (("attn_q", heads), ("attn_k", kv_heads), ("attn_v", kv_heads)):
            matrix(block + part, size * head, width)
            bias(block + part, size * head)
        matrix(block + "attn_output", width, heads * head)
        norm(block + "ffn_norm")
        matrix(block + "ffn_gate", hidden, width)
        matrix(block + "ffn_up", hidden, width)
        matrix(block + "ffn_down", width, hidden)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


if __name__ == "__main__":
    main()
