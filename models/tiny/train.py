"""Trains a model. Examples are generated while it trains, so nothing is ever seen twice.

    python3 train.py tiny-1m easy OUT.pt --cpu 1100
    python3 train.py tiny-6m hard OUT.pt --cpu 3300 --grow tiny-1m.pt

The learning rate rises for a few steps, stays, and falls linearly to almost nothing at the end of the
time budget (CPU or wall seconds, whichever runs out first). A checkpoint is written every few minutes.
"""
import argparse
import os
import random
import time

import torch

import generate
import grow
import model
from tokenizer import Tokenizer
from trainer import Trainer

HERE = os.path.dirname(os.path.abspath(__file__))
LENGTHS = (192, 384, 1024)       # row lengths: most examples are short, some rows fill the context
TOKENS_PER_STEP = 2304
PROMPT_WEIGHT = .1               # the user's text is learnt a little, the answer fully:
PROMPT_SHARE = 1 / 3             # only this share of its positions is looked at, with more weight


class Packer:
    """Packs examples into rows of a few lengths and gives batches [rows, length]."""

    def __init__(self, tokenizer, seed, layer):
        self.t, self.r = tokenizer, random.Random(seed)
        self.source = generate.stream(seed, layer)
        self.open = {n: [] for n in LENGTHS}      # rows being filled: lists of (id, mark)
        self.full = {n: [] for n in LENGTHS}

    def _length_for(self, size):
        u = self.r.random()
        want = 1024 if u < .04 else 384 if u < .20 else 192
        return next(n for n in LENGTHS if n >= want and n >= size) if size <= LENGTHS[-1] else None

    def _add(self):
        ids, marks = self.t.example(next(self.source)["messages"])
        n = self._length_for(len(ids))
        if n is None:
            return
        rows = self.open[n]
        row = next((x for x in rows if len(x) + len(ids) <= n), None)
        if row is None:
            rows.append(row := [])
        row += zip(ids, marks)
        if n - len(row) < 24 or len(rows) > 24:
            best = max(rows, key=len)
            rows.remove(best)
            self.full[n].append(best)

    def batch(self):
        """(ids, flat positions with a loss, their targets, their weights)."""
        while True:
            for n in LENGTHS:
                rows = max(1, TOKENS_PER_STEP // n)
                if len(self.full[n]) >= rows:
                    part, self.full[n] = self.full[n][:rows], self.full[n][rows:]
                    return self._tensors(part, n)
            self._add()

    def _tensors(self, rows, n):
        ids = torch.full((len(rows), n), self.t.pad)
        at, target, weight = [], [], []
        for i, row in enumerate(rows):
            ids[i, :len(row)] = torch.tensor([x[0] for x in row])
            for j, (token, is_answer) in enumerate(row[1:]):
                if is_answer or self.r.random() < PROMPT_SHARE:
                    at.append(i * n + j)
                    target.append(token)
                    weight.append(1.0 if is_answer else PROMPT_WEIGHT / PROMPT_SHARE)
        return ids, torch.tensor(at), torch.tensor(target), torch.tensor(weight)


def save(path, trainer, name, step):
    part = path + ".part"
    torch.save({"p": trainer.p, "config": trainer.c.as_dict(), "name": name, "step": step}, part)
    os.replace(part, path)


def load(path):
    """(parameters, config, the whole dict) of a checkpoint."""
    d = torch.load(path)
    return d["p"], model.Config(**d["config"]), d


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("name", choices=sorted(model.CONFIGS))
    p.add_argument("layer", choices=("easy", "hard"))
    p.add_argument("out")
    p.add_argument("--cpu", type=float, default=1e9, help="budget in CPU seconds")
    p.add_argument("--wall", type=float, default=1e9, help="budget in wall seconds")
    p.add_argument("--lr", type=float, default=3e-3)
    p.add_argument("--decay-from", type=float, default=.5, help="part of the budget at which the rate begins to fall")
    p.add_argument("--warm", type=int, default=100)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--init", help="checkpoint of the same shape to go on from")
    p.add_argument("--grow", help="checkpoint of a smaller model to grow from")
    a = p.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(a.seed)
    tokenizer = Tokenizer.load(os.path.join(HERE, "tokenizer.json"))
    config = model.Config(vocab=len(tokenizer.all), **model.CONFIGS[a.name])
    if a.init:
        parameters = load(a.init)[0]
    elif a.grow:
        small, small_config, _ = load(a.grow)
        parameters = grow.grown(small, small_config, config, a.seed)
    else:
        parameters = model.new_parameters(config, a.seed)
    trainer, packer = Trainer(config, parameters), Packer(tokenizer, a.seed, a.layer)
    print(vars(a), "parameters", sum(x.numel() for x in parameters.values()), flush=True)
    start, cpu_start = time.time(), time.process_time()
    step = tokens = 0
    loss_sum = weight_sum = 0.0
    saved = start
    while True:
        cpu, wall = time.process_time() - cpu_start, time.time() - start
        progress = max(cpu / a.cpu, wall / a.wall)
        if progress >= 1:
            break
        falling = max(.02, (1 - progress) / (1 - a.decay_from)) if progress > a.decay_from else 1
        lr = a.lr * min(1, (step + 1) / a.warm) * falling
        ids, at, target, weight = packer.batch()
        loss_sum += trainer.step(ids, at, target, weight)
        weight_sum += float(weight.sum())
        trainer.update(lr, 1 / float(weight.sum()))
        step += 1
        tokens += ids.numel()
        if step % 50 == 0:
            print("step %d loss %.4f lr %.1e tokens %.2fM cpu %.0f wall %.0f" % (
                step, loss_sum / weight_sum, lr, tokens / 1e6, cpu, wall), flush=True)
            loss_sum = weight_sum = 0.0
        if time.time() - saved > 180:
            save(a.out, trainer, a.name, step)
            saved = time.time()
    save(a.out, trainer, a.name, step)
    print("done: steps %d tokens %.2fM cpu %.0f wall %.0f" % (
        step, tokens / 1e6, time.process_time() - cpu_start, time.time() - start))


if __name__ == "__main__":
    main()
