"""The task tables in tasks/*.txt: what a task asks for, in words, and the code that does it.

One entry:

    [addk] arith int k=2..99        id, family, kinds of the parameters, range of the constant
    names: add_k increase           (optional) natural function names
    code:
        return {a} + {k}            {a} {b} {c} are the parameters, {k} the constant
    en: {a} plus {k} | {a} increased by {k} || {k} more than {a}
    ru: ...
    like: subk mulk                 (optional) look-alikes: sources of plausible wrong answers

Phrasings after "||" are never used in training: they measure how the model copes with words
that it has not seen used for this operation. The files are plain text so that adding an
operation needs no knowledge of the programs.
"""
import os
import re
import zlib
from dataclasses import dataclass, field

HERE = os.path.dirname(os.path.abspath(__file__))
LANGS = ("en", "ru")


@dataclass
class Entry:
    """One row of a table. `train` and `held` map a language to its list of phrasings."""
    id: str
    family: str
    kinds: list
    k: tuple = None
    names: list = field(default_factory=list)
    code: str = ""
    train: dict = field(default_factory=dict)
    held: dict = field(default_factory=dict)
    like: list = field(default_factory=list)
    hard: bool = False

    def words(self):
        """The identifiers that the code itself uses: a parameter must not be called so."""
        return set(re.findall(r"[a-z_]+", re.sub(r"\{[abcvk]\}", " ", self.code)))


def stable_hash(text):
    """A hash that is the same in every process: every held-out decision rests on it."""
    return zlib.crc32(text.encode("utf-8"))


def fill(text, values):
    """Replaces {a} {b} {c} {k} {v}. Not str.format: the code has braces of its own."""
    return re.sub(r"\{([abckv])\}", lambda m: str(values.get(m[1], m[0])), text)


def _phrases(text):
    train, _, held = text.partition("||")
    cut = lambda part: [p.strip() for p in part.split("|")]
    return cut(train), cut(held)


def load(name, hard=False):
    """Reads tasks/<name>.txt and returns its entries in file order."""
    entries, entry, in_code = [], None, False
    with open(os.path.join(HERE, "tasks", name + ".txt"), encoding="utf-8") as f:
        for number, line in enumerate(f, 1):
            line = line.rstrip("\n")
            if in_code and line.startswith("    "):
                entry.code += ("\n" if entry.code else "") + line[4:]
                continue
            in_code = False
            if not line.strip() or line.startswith("#"):
                continue
            if line.startswith("["):
                ident, rest = line[1:].split("]")
                family, *kinds = rest.split()
                entry = Entry(ident, family, [k for k in kinds if "=" not in k], hard=hard)
                for kind in kinds:
                    if kind.startswith("k="):
                        lo, hi = kind[2:].split("..")
                        entry.k = (int(lo), int(hi))
                entries.append(entry)
                continue
            key, _, value = line.partition(":")
            if key == "code":
                in_code = True
            elif key in LANGS:
                entry.train[key], entry.held[key] = _phrases(value)
            elif key in ("names", "like"):
                setattr(entry, key, value.split())
            else:
                raise ValueError("%s.txt line %d: %r" % (name, number, line))
    return entries


EASY = load("easy-values") + load("easy-data")
HARD = load("hard-values", hard=True) + load("hard-data", hard=True)
BY_ID = {e.id: e for e in EASY + HARD}
STEPS = {}                       # table name -> entries, for chains and pipelines
for _entry in load("steps"):
    STEPS.setdefault(_entry.family, []).append(_entry)
