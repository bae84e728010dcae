"""GGUF, version 3: writing our models (Q8_0 or F32) and reading them back. Needs numpy only.

    python3 gguf.py CHECKPOINT.pt OUT.gguf [--type f32]

Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md. Only what our files use is here.
"""
import argparse
import os
import struct

import numpy as np

# ChatML. Tools, when a request has them, are listed in front and called in the form that
# Qwen and Hermes models use, so that llama.cpp constrains and reads the calls. The models
# were not trained on tools: only a constrained answer will be a call.
TEMPLATE = r"""{%- if tools %}
    {{- '<|im_start|>system\n' }}
    {%- if messages[0].role == 'system' %}
        {{- messages[0].content + '\n\n' }}
    {%- endif %}
    {{- 'Tools:\n<tools>' }}
    {%- for tool in tools %}
        {{- '\n' }}
        {{- tool | tojson }}
    {%- endfor %}
    {{- '\n</tools>\nCall one so:\n<tool_call>\n{"name": <name>, "arguments": <object>}\n</tool_call><|im_end|>\n' }}
{%- elif messages and messages[0].role == 'system' %}
    {{- '<|im_start|>system\n' + messages[0].content + '<|im_end|>\n' }}
{%- endif %}
{%- for message in messages %}
    {%- if (message.role == "user") or (message.role == "system" and not loop.first) or (message.role == "assistant" and not message.tool_calls) %}
        {{- '<|im_start|>' + message.role + '\n' + message.content + '<|im_end|>' + '\n' }}
    {%- elif message.role == "assistant" %}
        {{- '<|im_start|>' + message.role }}
        {%- if message.content %}
            {{- '\n' + message.content }}
        {%- endif %}
        {%- for tool_call in message.tool_calls %}
            {%- if tool_call.function is defined %}
                {%- set tool_call = tool_call.function %}
            {%- endif %}
            {{- '\n<tool_call>\n{"name": "' }}
            {{- tool_call.name }}
            {{- '", "arguments": ' }}
            {{- tool_call.arguments | tojson }}
            {{- '}\n</tool_call>' }}
        {%- endfor %}
        {{- '<|im_end|>\n' }}
    {%- elif message.role == "tool" %}
        {{- '<|im_start|>user\n<tool_response>\n' }}
        {{- message.content }}
        {{- '\n</tool_response><|im_end|>\n' }}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|im_start|>assistant\n' }}
{%- endif %}
"""
U32, I32, F32, BOOL, STRING, ARRAY = 4, 5, 6, 7, 8, 9
TENSOR_F32, TENSOR_Q8_0 = 0, 8
FILE_TYPE = {"f32": 0, "q8_0": 7}
ALIGN = 32
NORMAL, CONTROL, UNUSED = 1, 3, 5
BLOCK = 32


def _string(text):
    data = text.encode("utf-8")
    return struct.pack("<Q", len(data)) + data


def _value(kind, v):
    if kind == STRING:
        return _string(v)
    if kind == ARRAY:
        item, values = v
        return struct.pack("<IQ", item, len(values)) + b"".join(_value(item, x) for x in values)
    return struct.pack({U32: "<I", I32: "<i", F32: "<f", BOOL: "<?"}[kind], v)


def quantize_q8_0(a):
    """Blocks of 32 values: a half-precision scale and 32 signed bytes."""
    x = a.reshape(-1, BLOCK).astype(np.float32)
    scale = np.abs(x).max(1, keepdims=True) / 127
    inverse = np.divide(1, scale, out=np.zeros_like(scale), where=scale > 0)
    q = x * inverse
    q = np.trunc(q + np.copysign(np.float32(.5), q)).astype(np.int8)
    return np.concatenate((scale.astype(np.float16).view(np.int8), q), 1).tobytes()


def dequantize_q8_0(data, shape):
    blocks = np.frombuffer(data, np.int8).reshape(-1, BLOCK + 2)
    scale = blocks[:, :2].copy().view(np.float16).astype(np.float32)
    return (blocks[:, 2:].astype(np.float32) * scale).reshape(shape)


def write(path, parameters, config, tokenizer, name, kind="q8_0"):
    """`parameters` as in model.py, `config` a model.Config, `tokenizer` a tokenizer.Tokenizer."""
    c, t = config, tokenizer
    p = {k: np.asarray(v, np.float32) for k, v in parameters.items()}
    types = [NORMAL] * len(t.vocab) + [CONTROL] * 4 + [UNUSED] * (len(t.special) - 4)
    meta = [
        ("general.architecture", STRING, "llama"), ("general.name", STRING, name),
        ("general.description", STRING, "tiny demonstration and test model, trained from scratch on generated tasks; not for real work"),
        ("general.file_type", U32, FILE_TYPE[kind]), ("general.quantization_version", U32, 2),
        ("llama.context_length", U32, c.context), ("llama.embedding_length", U32, c.width), ("llama.block_count", U32, c.layers),
        ("llama.feed_forward_length", U32, c.ff), ("llama.attention.head_count", U32, c.heads),
        ("llama.attention.head_count_kv", U32, c.heads), ("llama.attention.layer_norm_rms_epsilon", F32, c.eps),
        ("llama.rope.freq_base", F32, c.theta), ("llama.rope.dimension_count", U32, c.head), ("llama.vocab_size", U32, c.vocab),
        ("tokenizer.ggml.model", STRING, "gpt2"), ("tokenizer.ggml.pre", STRING, "gpt-2"),
        ("tokenizer.ggml.tokens", ARRAY, (STRING, t.all)), ("tokenizer.ggml.token_type", ARRAY, (I32, types)),
        ("tokenizer.ggml.merges", ARRAY, (STRING, [" ".join(m) for m in t.merges])),
        ("tokenizer.ggml.bos_token_id", U32, t.end_of_text), ("tokenizer.ggml.eos_token_id", U32, t.im_end),
        ("tokenizer.ggml.padding_token_id", U32, t.pad), ("tokenizer.ggml.add_bos_token", BOOL, False),
        ("tokenizer.ggml.add_eos_token", BOOL, False), ("tokenizer.chat_template", STRING, TEMPLATE)]
    tensors = [("token_embd.weight", p["emb"]), ("output_norm.weight", p["norm"])]
    for i in range(c.layers):
        b, w = "blk.%d." % i, c.width
        qkv, gu = p["wqkv%d" % i], p["w13%d" % i]
        tensors += [(b + "attn_norm.weight", p["an%d" % i]), (b + "attn_q.weight", qkv[:w]), (b + "attn_k.weight", qkv[w:2 * w]),
                    (b + "attn_v.weight", qkv[2 * w:]), (b + "attn_output.weight", p["wo%d" % i]),
                    (b + "ffn_norm.weight", p["fn%d" % i]), (b + "ffn_gate.weight", gu[:c.ff]), (b + "ffn_up.weight", gu[c.ff:]),
                    (b + "ffn_down.weight", p["w2%d" % i])]
    head, body = b"", b""
    for tensor, a in tensors:     # no output.weight: llama.cpp then uses token_embd, which is what tied means
        a = np.ascontiguousarray(a)
        q8 = kind == "q8_0" and a.ndim == 2
        body += b"\0" * (-len(body) % ALIGN)
        head += _string(tensor) + struct.pack("<I", a.ndim) + struct.pack("<%dQ" % a.ndim, *reversed(a.shape))
        head += struct.pack("<IQ", TENSOR_Q8_0 if q8 else TENSOR_F32, len(body))
        body += quantize_q8_0(a) if q8 else a.tobytes()
    data = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(meta))
    data += b"".join(_string(k) + struct.pack("<I", kind_) + _value(kind_, v) for k, kind_, v in meta) + head
    data += b"\0" * (-len(data) % ALIGN) + body
    with open(path + ".part", "wb") as f:
        f.write(data)
    os.replace(path + ".part", path)


class _Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def unpack(self, form):
        v = struct.unpack_from("<" + form, self.data, self.at)
        self.at += struct.calcsize("<" + form)
        return v[0] if len(v) == 1 else v

    def string(self):
        n = self.unpack("Q")
        self.at += n
        return bytes(self.data[self.at - n:self.at]).decode("utf-8")

    def value(self, kind):
        if kind == STRING:
            return self.string()
        if kind == ARRAY:
            item, n = self.unpack("IQ")
            return [self.value(item) for _ in range(n)]
        return self.unpack({U32: "I", I32: "i", F32: "f", BOOL: "?"}[kind])


def read(path):
    """(metadata dict, tensors dict name -> float32 array) of a file that write() made."""
    with open(path, "rb") as f:
        r = _Reader(f.read())
    if r.unpack("4s") != b"GGUF" or r.unpack("I") != 3:
        raise ValueError("not a GGUF file, version 3")
    count, keys = r.unpack("QQ")
    meta = {}
    for _ in range(keys):
        key = r.string()
        meta[key] = r.value(r.unpack("I"))
    found = []
    for _ in range(count):
        name, dims = r.string(), r.unpack("I")
        shape = [r.unpack("Q") for _ in range(dims)][::-1]
        found.append((name, shape) + r.unpack("IQ"))
    start = r.at + -r.at % ALIGN
    tensors = {}
    for name, shape, kind, offset in found:
        n = int(np.prod(shape))
        size = n * 4 if kind == TENSOR_F32 else n // BLOCK * (BLOCK + 2)
        raw = r.data[start + offset:start + offset + size]
        tensors[name] = np.frombuffer(raw, np.float32).reshape(shape) if kind == TENSOR_F32 else dequantize_q8_0(raw, shape)
    return meta, tensors


def load_model(path):
    """(parameters, config, tokenizer) for model.py, with the weights exactly as the file holds them."""
    import torch

    import model
    from tokenizer import Tokenizer
    meta, w = read(path)
    g = lambda key: meta["llama." + key]
    c = model.Config(g("vocab_size"), g("embedding_length"), g("block_count"), g("attention.head_count"),
                     g("feed_forward_length"), g("context_length"), g("rope.freq_base"), g("attention.layer_norm_rms_epsilon"))
    p = {"emb": w["token_embd.weight"], "norm": w["output_norm.weight"]}
    for i in range(c.layers):
        b = lambda n: w["blk.%d.%s.weight" % (i, n)]
        p["an%d" % i], p["fn%d" % i] = b("attn_norm"), b("ffn_norm")
        p["wqkv%d" % i] = np.concatenate((b("attn_q"), b("attn_k"), b("attn_v")))
        p["wo%d" % i], p["w2%d" % i] = b("attn_output"), b("ffn_down")
        p["w13%d" % i] = np.concatenate((b("ffn_gate"), b("ffn_up")))
    words = meta["tokenizer.ggml.tokens"]
    normal = meta["tokenizer.ggml.token_type"].count(NORMAL)
    t = Tokenizer({"vocab": words[:normal], "special": words[normal:],
                   "merges": [m.split(" ") for m in meta["tokenizer.ggml.merges"]]})
    return {k: torch.from_numpy(v.copy()) for k, v in p.items()}, c, t


def main():
    a = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    a.add_argument("checkpoint")
    a.add_argument("out")
    a.add_argument("--type", choices=FILE_TYPE, default="q8_0")
    a = a.parse_args()
    import train
    from tokenizer import Tokenizer
    p, c, d = train.load(a.checkpoint)
    write(a.out, p, c, Tokenizer.load(os.path.join(train.HERE, "tokenizer.json")), d["name"], a.type)
    print("%s: %d bytes, step %d" % (a.out, os.path.getsize(a.out), d["step"]))


if __name__ == "__main__":
    main()
