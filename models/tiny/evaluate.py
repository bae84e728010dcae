"""Measures GGUF models by executing what they write.

    python3 evaluate.py tiny-1m-q8_0.gguf tiny-6m-q8_0.gguf --tasks heldout.jsonl
    python3 evaluate.py tiny-1m-q8_0.gguf --layer easy --per-cell 10

The first form plays the orchestrator: each model alone (one attempt, one retry with evidence), then the
chain: the second model gets what the first could not do. The second form makes a table by family and split.
The weights are the shipped file's, dequantised; the arithmetic is float32.
"""
import argparse
import json
import re
from collections import defaultdict

import torch

import model
from generate import SYSTEM_TASK, held_out
from gguf import load_model
from mistakes import retry_message
from runcode import code_of, failure, verified
from values import tests_for


class Model:
    def __init__(self, path):
        self.p, self.c, self.t = load_model(path)

    def answer(self, conversations):
        """Greedy answers to a list of message lists."""
        return model.answer(self.p, self.c, self.t, [self.t.prompt(m) for m in conversations])


def solve(m, tasks):
    """For each task: (solved at attempt 1 or 2, or 0; the two answers)."""
    ask = lambda text: [["system", SYSTEM_TASK], ["user", text]]
    first = m.answer([ask(t["prompt"]) for t in tasks])
    evidence = [failure(a, t["entry"], t["tests"]) for a, t in zip(first, tasks)]
    again = [i for i, e in enumerate(evidence) if e]
    second = dict(zip(again, m.answer([ask(retry_message(tasks[i]["prompt"], code_of(first[i]), evidence[i])) for i in again])))
    out = []
    for i, t in enumerate(tasks):
        if not evidence[i]:
            out.append((1, [first[i]], None))
        else:
            ok = failure(second[i], t["entry"], t["tests"]) is None
            out.append((2 if ok else 0, [first[i], second[i]], evidence[i]))
    return out


def play(paths, tasks, verbose):
    """Prints one line per level and language: each model alone, then the chain."""
    results = [solve(Model(p), tasks) for p in paths]
    groups = defaultdict(list)
    for i, t in enumerate(tasks):
        for key in ((t["level"], t["lang"]), (t["level"], "both")):
            groups[key].append(i)
    print("%-7s %-5s %4s  %s" % ("level", "lang", "n", "   ".join("%s: 1 attempt, + retry" % re.sub(r".*/", "", p)[:7] for p in paths)))
    for (level, lang), ids in sorted(groups.items(), key=lambda g: ("easy hard beyond".index(g[0][0]), g[0][1])):
        line = "%-7s %-5s %4d" % (level, lang, len(ids))
        for r in results:
            line += "  %15d %15d   " % (sum(r[i][0] == 1 for i in ids), sum(r[i][0] > 0 for i in ids))
        if len(results) == 2:
            failed = [i for i in ids if not results[0][i][0]]
            line += "chain %d (second solved %d of %d left)" % (
                sum(any(r[i][0] for r in results) for i in ids), sum(results[1][i][0] > 0 for i in failed), len(failed))
        print(line)
    if verbose:
        for i, t in enumerate(tasks):
            print("\n## %s %s %s: %s" % (t["id"], t.get("family"), [r[i][0] for r in results], t["prompt"]))
            for r in results:
                if r[i][0] != 1:
                    print("\n---\n".join(r[i][1]), "\n=>", r[i][2])


def table(path, layer, per_cell, seed, families):
    """Prints the percentage verified by family, split and language."""
    import random
    m = Model(path)
    examples = [e for e in held_out(per_cell, seed, layer) if not families or e["family"] in families]
    answers = m.answer([e["messages"][:-1] for e in examples])
    r, cells = random.Random(seed), defaultdict(list)
    for e, a in zip(examples, answers):
        if e["check"]["type"] == "func":
            spec = e["check"]["spec"]
            tests = ["assert %s(%s) == %r" % (spec.name, ", ".join(map(repr, x)), want) for x, want in tests_for(r, spec, 6)]
            ok = failure(a, spec.name, tests) is None
        else:
            ok = verified(e["check"], a)
        for family in (e["family"], "ALL"):
            cells[family, e["split"], e["lang"]].append(ok)
            e["ok"] = ok
    columns = [(s, l) for s in ("std", "tmpl", "phrase", "comp") for l in ("en", "ru")]
    print("%-11s" % "family", *["%9s" % "/".join(c) for c in columns])
    for family in dict.fromkeys([e["family"] for e in examples] + ["ALL"]):
        marks = [cells.get((family,) + c) for c in columns]
        print("%-11s" % family, *["%9s" % ("%.0f" % (100 * sum(x) / len(x)) if x else "-") for x in marks])
    return examples, answers


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("models", nargs="+")
    p.add_argument("--tasks")
    p.add_argument("--layer", choices=("easy", "hard"))
    p.add_argument("--per-cell", type=int, default=10)
    p.add_argument("--seed", type=int, default=7)
    p.add_argument("--family", action="append")
    p.add_argument("--verbose", action="store_true")
    a = p.parse_args()
    torch.set_num_threads(1)
    if a.tasks:
        with open(a.tasks, encoding="utf-8") as f:
            play(a.models, [json.loads(line) for line in f], a.verbose)
    else:
        examples, answers = table(a.models[0], a.layer, a.per_cell, a.seed, a.family)
        if a.verbose:
            for e, answer in zip(examples, answers):
                if not e["ok"]:
                    print("\n##", e["family"], e["split"], e["lang"], e["messages"][-2][1], "\n->", answer, "\n<-", e["messages"][-1][1])


if __name__ == "__main__":
    main()
