"""Function tasks: a specification in words and its reference solution.

Easy layer: one operation, a branch, a short chain of arithmetic, one pipeline step.
Hard layer: the known algorithms of tasks/hard.txt, longer chains and pipelines, aggregates put
together from three parts, text pipelines, a three-way branch.
"""
from dataclasses import dataclass, field

from names import LABELS, constant, identifier, pseudo
from tables import BY_ID, EASY, HARD, STEPS, fill, stable_hash
from wording import synonyms


@dataclass
class Spec:
    """A task: what the function is called, what it returns in words (`np`), and its code."""
    family: str
    name: str
    params: list
    kinds: list
    np: str = ""
    body: str = ""
    steps: list = field(default_factory=list)
    frame: str = "task"          # which sentence frames fit: task, steps or chain
    entry: object = None         # the table row, for families that have one
    k: int = None
    special: str = None          # which argument values are interesting (values.SPECIAL)

    @property
    def sig(self):
        return "%s(%s)" % (self.name, ", ".join(self.params))

    @property
    def code(self):
        return function(self.name, self.params, self.body)

    def values(self):
        return dict(zip("abc", self.params), k=self.k)


def function(name, params, body, doc=None):
    lines = ["def %s(%s):" % (name, ", ".join(params))]
    if doc:
        lines.append('    """%s"""' % doc)
    return "\n".join(lines + ["    " + line for line in body.split("\n")])


class Maker:
    """Makes specs. `split` says what is held out: "train", "std" (new names and constants), "tmpl"
    (and an unseen sentence frame), "phrase" (and unseen words for the operation), "comp" (and an
    unseen combination of parts). Everything but "train" takes names from the held-out part."""

    def __init__(self, r, lang, split="train"):
        self.r, self.lang, self.split = r, lang, split
        self.held = split != "train"

    def name(self, kind="func", taken=()):
        return identifier(self.r, self.held, kind, taken)

    def words(self, entry, values):
        """One phrasing of a table row."""
        pool = (entry.held if self.split == "phrase" else entry.train)[self.lang]
        text = self.r.choice(pool)
        if self.split != "phrase" and entry.family != "matrix":
            text = synonyms(self.r, text, self.lang)
        return fill(text, values)

    def k(self, entry):
        return constant(self.r, self.held, *entry.k) if entry.k else None

    def params(self, count, taken, entry=None):
        out, taken = [], set(taken) | (entry.words() if entry else set())
        for _ in range(count):
            out.append(self.name("p", taken | set(out)))
        return out

    # ---- easy layer
    def operation(self, entry):
        """One table row: arithmetic, string, list, compare, loop, dict, or a known algorithm."""
        r = self.r
        name = self.name()
        if entry.names and not self.held and r.random() < .3:
            name = r.choice(entry.names)
        spec = Spec(entry.family, name, self.params(len(entry.kinds), [name], entry), entry.kinds, entry=entry,
                    k=self.k(entry), special=entry.id)
        spec.np = self.words(entry, spec.values())
        spec.body = fill(entry.code, spec.values())
        return spec

    def branch(self, ways=1):
        """if ... return one label, (if ... another,) else the last."""
        r = self.r
        labels = r.sample(LABELS, ways + 1) if r.random() < .6 else [pseudo(r, 2) for _ in range(ways + 1)]
        name = self.name()
        spec = Spec("cond" if ways == 1 else "cond3", name, self.params(1, [name]), ["int"])
        conditions, lines = [], []
        for entry, label in zip(r.sample(STEPS["cond"], ways), labels):
            values = {"a": spec.params[0], "k": self.k(entry)}
            conditions.append(self.words(entry, values))
            lines.append('if %s:\n    return "%s"' % (fill(entry.code, values), label))
        spec.body = "\n".join(lines + ['return "%s"' % labels[-1]])
        if self.lang == "en":
            first = r.choice(['"%s" if %s', '"%s" when %s'])
            last = r.choice([', otherwise "%s"', ' and "%s" otherwise', ', else "%s"'])
        else:
            first = r.choice(['"%s", если %s', '"%s" когда %s'])
            last = r.choice([', иначе "%s"', ', а иначе "%s"', ', в остальных случаях "%s"'])
        spec.np = ", ".join(first % pair for pair in zip(labels, conditions)) + last % labels[-1]
        return spec

    def _combination(self, table, count):
        """`count` different rows in a row; pairs held out by hash appear only in the split "comp"."""
        while True:
            rows = [self.r.choice(table) for _ in range(count)]
            pairs = list(zip(rows, rows[1:]))
            if any(a.id == b.id for a, b in pairs):
                continue
            held = any(stable_hash("pair:%s>%s" % (a.id, b.id)) % 6 == 0 for a, b in pairs)
            if count == 1 or held == (self.split == "comp"):
                return rows

    def chain(self, count):
        """Arithmetic in steps: result = ..., then result = ... again."""
        r = self.r
        base = BY_ID[r.choice(("add", "sub", "mul", "max2", "min2", "sum3"))]
        name = self.name()
        spec = Spec("chain%d" % count, name, self.params(len(base.kinds), [name, "result"]), base.kinds, frame="chain")
        spec.np = self.words(base, spec.values())
        lines = ["result = " + fill(base.code, spec.values())[len("return "):]]
        for entry in self._combination(STEPS["math"], count):
            values = {"k": self.k(entry)}
            spec.steps.append(self.words(entry, values))
            lines.append("result = " + fill(entry.code, values).replace("{e}", "result"))
        spec.body = "\n".join(lines + ["return result"])
        return spec

    def pipeline(self, count, table="step", end="final", kind="list"):
        """A value that goes through steps: "keeps only the even numbers, sorts and returns the sum"."""
        r = self.r
        name = self.name()
        taken = {"x", "sorted", "sum", "list"}
        spec = Spec(("pipe%d" if table == "step" else "text%d") % count, name, self.params(1, taken | {name}), [kind], frame="steps")
        phrases, lines = [], []
        for entry in self._combination(STEPS[table], count) + [r.choice(STEPS[end])]:
            values = {"v": spec.params[0], "k": self.k(entry)}
            phrases.append(self.words(entry, values))
            lines.append(fill(entry.code, values))
        spec.body = "\n".join(lines)
        last = (" and " if self.lang == "en" else " и ") + phrases[-1]
        then = ", then " if self.lang == "en" else ", затем "
        spec.np = ", ".join(phrases[:-1]) + last if r.random() < .6 else then.join(phrases)
        return spec

    # ---- hard layer
    def aggregate(self):
        """"the sum of the squares of the even numbers in xs": three parts, a tenth of the
        combinations is held out for the split "comp"."""
        r = self.r
        while True:
            agg, mapping, keep = (r.choice(STEPS[t]) for t in ("agg", "map", "filter"))
            if mapping.id == keep.id == "id" or (agg.id == "list" and mapping.id == "id" and keep.id == "all"):
                continue
            held = stable_hash("agg:%s>%s>%s" % (agg.id, mapping.id, keep.id)) % 10 == 0
            if held == (self.split == "comp"):
                break
        name = self.name()
        spec = Spec("aggregate", name, self.params(1, [name, "x"]), ["list"], k=self.k(keep))
        values = spec.values()
        parts = [self.words(e, values) for e in (agg, mapping, keep)]
        spec.np = " ".join(p for p in parts if p).rstrip(",")
        condition = "" if keep.id == "all" else " if " + fill(keep.code, values)
        spec.body = "return " + agg.code.replace("@", "%s for x in %s%s" % (mapping.code, spec.params[0], condition))
        return spec

    def text_pipeline(self, count):
        return self.pipeline(count, "text", "textend", "text")


EASY_FAMILIES = ["arith", "string", "list", "compare", "loop", "dict", "cond", "chain1", "chain2", "pipe1"]
HARD_TABLES = ["number", "hstring", "hlist", "hdict", "matrix"]
HARD_FAMILIES = HARD_TABLES + ["cond3", "chain3", "pipe2", "pipe3", "pipe4", "aggregate", "text2", "text3"]
_ROWS = {}
for _e in EASY:
    _ROWS.setdefault(_e.family, []).append(_e)
for _e in HARD:                  # "string" in the hard table is the family "hstring", and so on
    _e.family = _e.family if _e.family in ("number", "matrix") else "h" + _e.family
    _ROWS.setdefault(_e.family, []).append(_e)


def make(r, family, lang, split="train"):
    """A spec of the family."""
    maker = Maker(r, lang, split)
    if family in _ROWS:
        return maker.operation(r.choice(_ROWS[family]))
    if family in ("cond", "cond3"):
        return maker.branch(1 if family == "cond" else 2)
    if family == "aggregate":
        return maker.aggregate()
    method = {"chain": maker.chain, "pipe": maker.pipeline, "text": maker.text_pipeline}[family[:-1]]
    return method(int(family[-1]))


def has_combinations(family):
    """Whether the split "comp" makes sense for a family."""
    return family == "aggregate" or (family[-1] in "234" and family != "cond3")


def any_spec(r, lang, split, hard):
    """A spec of any family, for tasks about existing code."""
    t = r.random()
    if hard and t < .6:
        return make(r, r.choice(HARD_FAMILIES), lang, split)
    if t < .9:
        return Maker(r, lang, split).operation(r.choice(EASY))
    return make(r, r.choice(("cond", "pipe1", "chain1")), lang, split)
