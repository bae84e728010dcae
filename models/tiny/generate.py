"""The stream of training examples, and held-out ones for measuring.

    python3 generate.py easy 20             prints 20 training examples of the easy layer
    python3 generate.py hard 20 --split tmpl

An example is a dict: family, lang, split, messages [[role, text], ...] (the last is the answer), check.
"""
import argparse
import json
import random

import edits
import talk
from functions import EASY_FAMILIES, HARD_FAMILIES, has_combinations
from names import pseudo
from tables import LANGS
from wording import noise

# the prompt contract: the C programs send exactly these system texts
SYSTEM_TASK = "You are hearth, a coding assistant. Answer with one Python code block."
SYSTEM_ROLE = "You are the %s reviewer. Give one short opinion."
OTHER_SYSTEMS = {
    "en": ["You are a Python developer.", "You write Python code.", "Reply with code only.", "You are a helpful coding assistant.",
           "You are a helpful assistant.", "Be brief.", "The project is called {p}. Use simple code.", "Follow the style guide. Branch: {p}."],
    "ru": ["Ты разработчик на Python.", "Ты пишешь код на Python.", "Отвечай только кодом.", "Ты полезный помощник программиста.",
           "Кратко.", "Проект называется {p}. Пиши простой код.", "Соблюдай стиль. Ветка: {p}."]}

EASY_WEIGHTS = {"arith": 10, "string": 13, "list": 16, "compare": 9, "loop": 5, "dict": 5, "cond": 6, "chain1": 2, "chain2": 3,
                "pipe1": 4, "retry": 12, "fix_syntax": 3, "fix_bug": 2, "rename": 2, "docstring": 1, "explain": 1, "tests": 1,
                "commit": 1, "check": 1, "council": 4, "chat": 1}
HARD_WEIGHTS = {"number": 14, "hstring": 16, "hlist": 20, "hdict": 6, "matrix": 8, "cond3": 4, "chain3": 3, "pipe2": 4, "pipe3": 4,
                "pipe4": 2, "aggregate": 7, "text2": 3, "text3": 2, "retry": 4}
EASY_PART_OF_HARD = .33          # tiny-6m also sees the easy layer


def system_text(r, role, lang):
    """The system message, or None. Mostly the contract; some others and none at all, for robustness."""
    t = r.random()
    if role == "chat":
        return None if t < .8 else r.choice(OTHER_SYSTEMS[lang]).replace("{p}", pseudo(r, 2))
    if role.startswith("role:"):
        return SYSTEM_ROLE % role.replace("role:", "")
    if t < .5:
        return SYSTEM_TASK
    if t < .8:
        return None
    return r.choice(OTHER_SYSTEMS[lang]).replace("{p}", pseudo(r, 2))


def example(r, family, lang, split="train", hard=False):
    """One example of a family."""
    maker = edits.MAKERS.get(family) or talk.MAKERS.get(family) or edits.write
    role, text, answer, check = maker(r, lang, split, hard, family)
    if family == "council":
        role = "role:" + role
    if family not in ("chat", "retry", "council"):
        text = noise(r, text, lang)
    messages = [["system", system_text(r, role, lang)], ["user", text], ["assistant", answer]]
    if split != "train" and family not in ("chat", "council"):
        messages[0][1] = SYSTEM_TASK
    return {"family": family, "lang": lang, "split": split, "check": check, "messages": [m for m in messages if m[1]]}


def stream(seed, layer):
    """Training examples without end. `layer` is "easy" or "hard" (which contains both)."""
    r = random.Random(seed)
    while True:
        hard = layer == "hard" and r.random() >= EASY_PART_OF_HARD
        weights = HARD_WEIGHTS if hard else EASY_WEIGHTS
        family = r.choices(list(weights), weights.values())[0]
        yield example(r, family, r.choice(LANGS), "train", layer == "hard")


def splits_of(family):
    """The held-out splits in which a family can be measured."""
    out = ["std"]
    if family not in ("council",):
        out.append("tmpl")
    if family in EASY_FAMILIES + HARD_FAMILIES:
        out.append("phrase")
    if family in EASY_FAMILIES + HARD_FAMILIES and has_combinations(family):
        out.append("comp")
    return out


def held_out(per_cell, seed, layer):
    """`per_cell` examples for every family, split and language of a layer."""
    r = random.Random(seed)
    for family in EASY_WEIGHTS if layer == "easy" else HARD_WEIGHTS:
        for split in splits_of(family):
            for lang in LANGS:
                for _ in range(per_cell):
                    yield example(r, family, lang, split, layer == "hard")


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("layer", choices=("easy", "hard"))
    p.add_argument("count", type=int)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--split", default="train")
    a = p.parse_args()
    source = stream(a.seed, a.layer) if a.split == "train" else (
        e for e in held_out(1, a.seed, a.layer) if e["split"] == a.split)
    for _, e in zip(range(a.count), source):
        print(json.dumps([e["family"], e["messages"]], ensure_ascii=False))


if __name__ == "__main__":
    main()
