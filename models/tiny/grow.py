"""Grows a small model into a larger one that computes (almost) the same.

Training tiny-6m from nothing costs about six times as much per token as training tiny-1m. Starting from
a widened and deepened copy of a trained tiny-1m ("function-preserving growth": Chen et al., Net2Net,
2015) spends the cheap tokens first. Width doubles by using everything twice; the new layers begin
as the identity because their output matrices are zero; a little noise makes the twins differ.
"""
import torch

NOISE = .02                      # relative to the size of the matrix


def _twice_in(w, r):
    """Input width doubled. The two halves of a weight are not equal, so that twins learn apart."""
    share = .5 + .2 * (torch.rand(w.shape, generator=r) - .5)
    return torch.cat((w * share, w * (1 - share)), 1)


def grown(small, c0, c, seed=0):
    """Parameters for config `c`, from those of `c0` with half its width."""
    assert c.width == 2 * c0.width and c.ff == 2 * c0.ff and c.heads == 2 * c0.heads and c.layers >= c0.layers
    r = torch.Generator().manual_seed(seed)
    two = lambda x: torch.cat((x, x), 0)
    rows = lambda w, parts: torch.cat([two(x) for x in w.chunk(parts)], 0)
    # tied embeddings: the input side wants [e, e]; the output side would then give twice the logits,
    # so the last norm's gain is halved
    p = {"emb": torch.cat((small["emb"], small["emb"]), 1), "norm": two(small["norm"]) / 2}
    extra = c.layers - c0.layers
    order, old = [], 0           # where the new, empty layers stand: spread among the old ones
    for i in range(c.layers):
        is_new = extra and i % (c.layers // extra) == c.layers // extra - 1 and order.count(None) < extra
        order.append(None if is_new else old)
        old += not is_new
    for i, j in enumerate(order):
        src = j if j is not None else order[i - 1]
        get = lambda name: small["%s%d" % (name, src)]
        p["an%d" % i], p["fn%d" % i] = two(get("an")), two(get("fn"))
        p["wqkv%d" % i] = _twice_in(rows(get("wqkv"), 3), r)
        p["wo%d" % i] = two(_twice_in(get("wo"), r))
        p["w13%d" % i] = _twice_in(rows(get("w13"), 2), r)
        p["w2%d" % i] = two(_twice_in(get("w2"), r))
        if j is None:
            p["wo%d" % i].zero_()
            p["w2%d" % i].zero_()
    for name, w in p.items():
        if w.dim() == 2:
            size = float(w.std()) or float(p["wo0"].std()) * .1
            w.add_(torch.randn(w.shape, generator=r) * NOISE * size)
    return p
