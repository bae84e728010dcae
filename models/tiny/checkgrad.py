"""Compares the gradients of trainer.py with autograd on model.py. Prints the largest relative error."""
import torch

import model
from trainer import Trainer

torch.set_num_threads(1)
c = model.Config(vocab=96, width=64, layers=2, heads=2, ff=96)
p = model.new_parameters(c, 1)
ids = torch.randint(0, 96, (3, 40))
at = torch.arange(0, 119, 2)
target = torch.randint(0, 96, (len(at),))
weight = torch.rand(len(at))
t = Trainer(c, {k: v.clone() for k, v in p.items()})
loss = t.step(ids, at, target, weight)
q = {k: v.clone().requires_grad_() for k, v in p.items()}
logits = model.forward(q, c, ids).reshape(-1, 96)[at]
other = (torch.nn.functional.cross_entropy(logits, target, reduction="none") * weight).sum()
other.backward()
worst = max(float((t.g[k] - q[k].grad).abs().max() / q[k].grad.abs().max()) for k in q)
print("loss %.5f %.5f, largest relative error of a gradient %.1e" % (loss, float(other), worst))
assert worst < 1e-3
