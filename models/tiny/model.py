"""The network (llama architecture): parameters, plain forward pass, batched greedy answers.

RMS norm, rotary positions in adjacent pairs, SwiGLU, tied embeddings. This file is the readable
definition; trainer.py computes the same with fused kernels, and checkgrad.py compares the two.
"""
import math
from dataclasses import asdict, dataclass

import torch
import torch.nn.functional as F


@dataclass
class Config:
    vocab: int
    width: int
    layers: int
    heads: int
    ff: int
    context: int = 1024
    theta: float = 10000.0
    eps: float = 1e-5

    @property
    def head(self):
        return self.width // self.heads

    def as_dict(self):
        return asdict(self)


CONFIGS = {"tiny-1m": dict(width=128, layers=4, heads=4, ff=384), "tiny-6m": dict(width=256, layers=6, heads=8, ff=768)}


def new_parameters(c, seed=0):
    """A dict name -> tensor. wqkv is q, k, v stacked; w13 is gate and up stacked."""
    g = torch.Generator().manual_seed(seed)
    rand = lambda rows, cols, scale: torch.randn(rows, cols, generator=g) * scale
    p = {"emb": rand(c.vocab, c.width, .02), "norm": torch.ones(c.width)}
    out = 1 / math.sqrt(2 * c.layers)
    for i in range(c.layers):
        p["an%d" % i] = torch.ones(c.width)
        p["fn%d" % i] = torch.ones(c.width)
        p["wqkv%d" % i] = rand(3 * c.width, c.width, c.width ** -.5)
        p["wo%d" % i] = rand(c.width, c.width, c.width ** -.5 * out)
        p["w13%d" % i] = rand(2 * c.ff, c.width, c.width ** -.5)
        p["w2%d" % i] = rand(c.width, c.ff, c.ff ** -.5 * out)
    return p


def rope_tables(c, positions):
    """cos and sin, [positions, head / 2]."""
    freq = c.theta ** (-torch.arange(0, c.head, 2).float() / c.head)
    angle = torch.outer(torch.arange(positions).float(), freq)
    return angle.cos(), angle.sin()


def _rms(x, w, eps):
    return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + eps) * w


def _rope(x, cos, sin):
    a, b = x[..., 0::2], x[..., 1::2]
    return torch.stack((a * cos - b * sin, a * sin + b * cos), -1).flatten(-2)


class Cache:
    """Keys and values of the positions so far, per layer; `mask` is True where a key may be seen."""

    def __init__(self, mask):
        self.mask, self.kv, self.n = mask, {}, 0


def forward(p, c, ids, cache=None):
    """Logits [B, T, vocab]. With a cache, `ids` continue it, and its mask hides padding on the left."""
    rows, length = ids.shape
    start = cache.n if cache else 0
    cos, sin = (t[start:] for t in rope_tables(c, start + length))
    hide = torch.full((length, start + length), float("-inf")).triu(start + 1)
    if cache:
        hide = hide + torch.zeros(rows, 1, 1, start + length).masked_fill(~cache.mask[:, None, None, :start + length], -1e30)
    x = F.embedding(ids, p["emb"])
    for i in range(c.layers):
        qkv = F.linear(_rms(x, p["an%d" % i], c.eps), p["wqkv%d" % i])
        q, k, v = (t.view(rows, length, c.heads, c.head).transpose(1, 2) for t in qkv.split(c.width, -1))
        q, k = _rope(q, cos, sin), _rope(k, cos, sin)
        if cache:
            if start:
                k, v = torch.cat((cache.kv[i][0], k), 2), torch.cat((cache.kv[i][1], v), 2)
            cache.kv[i] = k, v
        score = q @ k.transpose(2, 3) * c.head ** -.5 + hide
        x = x + F.linear((score.softmax(-1) @ v).transpose(1, 2).reshape(rows, length, c.width), p["wo%d" % i])
        gate, up = F.linear(_rms(x, p["fn%d" % i], c.eps), p["w13%d" % i]).split(c.ff, -1)
        x = x + F.linear(F.silu(gate) * up, p["w2%d" % i])
    if cache:
        cache.n += length
        x = x[:, -1:]
    return F.linear(_rms(x, p["norm"], c.eps), p["emb"])


@torch.no_grad()
def answer(p, c, tokenizer, prompts, limit=256, batch=48):
    """Greedy answers to a list of token lists. Prompts of like length share a batch, padded on the left."""
    out = [None] * len(prompts)
    order = sorted(range(len(prompts)), key=lambda i: len(prompts[i]))
    for at in range(0, len(order), batch):
        part = order[at:at + batch]
        width = max(len(prompts[i]) for i in part)
        ids = torch.full((len(part), width), tokenizer.pad)
        mask = torch.ones(len(part), width + limit, dtype=torch.bool)
        for row, i in enumerate(part):
            ids[row, width - len(prompts[i]):] = torch.tensor(prompts[i])
            mask[row, :width - len(prompts[i])] = False
        cache, made, alive = Cache(mask), [[] for _ in part], [True] * len(part)
        for _ in range(min(limit, c.context - width)):
            ids = forward(p, c, ids, cache)[:, -1].argmax(-1, keepdim=True)
            for row, token in enumerate(ids[:, 0].tolist()):
                if alive[row] and token == tokenizer.im_end:
                    alive[row] = False
                elif alive[row]:
                    made[row].append(token)
            if not any(alive):
                break
        for row, i in enumerate(part):
            out[i] = tokenizer.decode(made[row])
    return out
