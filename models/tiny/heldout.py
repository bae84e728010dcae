"""Chooses the shipped set of held-out tasks, heldout.jsonl: by a fixed seed, without looking at any model.

    python3 heldout.py > heldout.jsonl

Levels: "easy" (families of the easy layer), "hard" (families of the hard layer), "beyond" (written by
hand below; no family covers them, so both models are expected to fail and to be seen failing).
Every generated task has a function name, parameter names and (mostly) constants that training never used.
"""
import json
import random

from functions import EASY_FAMILIES, HARD_FAMILIES, has_combinations, make
from generate import EASY_WEIGHTS, HARD_WEIGHTS
from tables import LANGS
from values import tests_for
from wording import ask

SEED = 20261121
TESTS = 5
# how many tasks of each split, per language
PLAN = {"easy": [("std", 8), ("tmpl", 9), ("comp", 1), ("phrase", 2)],
        "hard": [("std", 5), ("tmpl", 5), ("comp", 2), ("phrase", 2)]}

BEYOND = [
    ("edit_distance", "the Levenshtein edit distance between a and b", "расстояние Левенштейна между a и b", "a, b",
     ["edit_distance('kitten', 'sitting') == 3", "edit_distance('', 'abc') == 3", "edit_distance('abc', 'abc') == 0",
      "edit_distance('flaw', 'lawn') == 2"]),
    ("queens", "the number of ways to place n queens on an n by n board so that none attacks another",
     "число способов расставить n ферзей на доске n на n, чтобы они не били друг друга", "n",
     ["queens(1) == 1", "queens(4) == 2", "queens(5) == 10", "queens(6) == 4"]),
    ("knapsack", "the best total value of items with the given weights and values that fit in capacity",
     "наибольшую ценность предметов с весами weights и ценами values, которые помещаются в capacity", "weights, values, capacity",
     ["knapsack([1, 3, 4], [15, 20, 30], 4) == 35", "knapsack([5], [10], 4) == 0", "knapsack([2, 2, 3], [6, 5, 9], 5) == 15",
      "knapsack([], [], 7) == 0"]),
]


def natural(text):
    """For readers: a task starts with a capital letter unless it starts with a name."""
    return text[:1].upper() + text[1:] if text.split(" ")[0].isalpha() and not text.startswith("def ") else text


def task(r, family, lang, split):
    """(prompt, entry, tests) of one generated task with tests that can tell right from wrong."""
    while True:
        spec = make(r, family, lang, split)
        tests = tests_for(r, spec, TESTS)
        if len(tests) == TESTS and len({repr(want) for _, want in tests}) > 1:
            break
    prompt = natural(ask(r, spec, lang, held=split == "tmpl", p_grammar=0))
    lines = ["assert %s(%s) == %r" % (spec.name, ", ".join(map(repr, args)), want) for args, want in tests]
    return prompt, spec.name, lines


def choose(seed=SEED):
    """The tasks, in a fixed order."""
    r = random.Random(seed)
    out = []
    for level, families, weights in (("easy", EASY_FAMILIES, EASY_WEIGHTS), ("hard", HARD_FAMILIES, HARD_WEIGHTS)):
        for lang in LANGS:
            number = 0               # families as often as in training
            for split, count in PLAN[level]:
                pool = [f for f in families if split != "comp" or has_combinations(f)]
                for family in r.choices(pool, [weights[f] for f in pool], k=count):
                    number += 1
                    prompt, entry, tests = task(r, family, lang, split)
                    out.append({"id": "%s-%s-%02d" % (level, lang, number), "level": level, "lang": lang, "prompt": prompt,
                                "language": "python", "entry": entry, "tests": tests, "family": family, "split": split})
    for lang in LANGS:
        for number, (name, en, ru, params, tests) in enumerate(BEYOND, 1):
            prompt = ("Write a Python function %s(%s) that returns %s." % (name, params, en) if lang == "en" else
                      "Напиши функцию %s(%s) на Python, которая возвращает %s." % (name, params, ru))
            out.append({"id": "beyond-%s-%02d" % (lang, number), "level": "beyond", "lang": lang, "prompt": prompt,
                        "language": "python", "entry": name, "tests": ["assert " + t for t in tests], "family": "beyond",
                        "split": "beyond"})
    return out


if __name__ == "__main__":
    for t in choose():
        print(json.dumps(t, ensure_ascii=False))
