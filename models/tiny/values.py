"""Argument values for each kind of parameter, and the tests made from them."""
import json
import signal

WORDS = ["level", "hello", "Abc", "  pad ", "one two", "banana", "x", "", "noon", "Hello World", "a b c",
         "tEst", "qwerty", "radar", "zebra fish"]
TEXTS = ["red green blue", "one two three", "the cat sat on the mat", "Hello big World", "to be or not to be",
         "go", "alpha beta", "a bb ccc a", "my First Program", "sun moon sun"]
LOW = ["hello", "aabbb", "abc", "cab", "banana", "level", "xyz", "zzz", "world", "mississippi", "abcabc", "book"]
ROMAN = ["I", "IV", "IX", "XII", "XIV", "XL", "XLIX", "LXXIX", "XXVII", "LVI", "VI", "III"]


def _ints(r, lo, hi):
    return [r.randint(-9, 60) if r.random() < .6 else r.randint(0, 5) for _ in range(r.randint(lo, hi))]


def _matrix(r, rows, cols):
    return [[r.randint(0, 9) for _ in range(cols)] for _ in range(rows)]


def _brackets(r):
    out = ""
    for _ in range(r.randint(1, 3)):
        pair = r.choice(("()", "[]", "{}"))
        out = pair[0] + out + pair[1] if r.random() < .5 else out + pair
    return out if r.random() < .6 else out[:-1] or "("


def _string(r):
    if r.random() < .6:
        return r.choice(WORDS)
    return "".join(r.choice("abcde ABxyz") for _ in range(r.randint(1, 12)))


def _low(r):
    return r.choice(LOW) if r.random() < .6 else "".join(r.choice("abcde") for _ in range(r.randint(1, 7)))


MAKE = {
    "int": lambda r: r.choice((r.randint(-20, 60), r.randint(-3, 5), r.randint(0, 120))),
    "pint": lambda r: r.randint(1, 40),
    "n": lambda r: r.choice((r.randint(1, 12), r.randint(1, 60))),
    "small": lambda r: r.randint(1, 5),
    "str": _string,
    "nstr": lambda r: "".join(r.choice("abcdeXyz") for _ in range(r.randint(1, 9))),
    "chr": lambda r: r.choice("abeo"),
    "low": _low, "nlow": _low,
    "text": lambda r: r.choice(TEXTS),
    "mix": lambda r: "".join(r.choice("ab1290 x") for _ in range(r.randint(1, 9))),
    "bin": lambda r: bin(r.randint(0, 60))[2:],
    "rom": lambda r: r.choice(ROMAN),
    "rle": lambda r: "".join(r.choice("abcd") + str(r.randint(1, 5)) for _ in range(r.randint(1, 4))),
    "brk": _brackets,
    "list": lambda r: _ints(r, 0, 9),
    "nlist": lambda r: _ints(r, 2, 9), "list2": lambda r: _ints(r, 2, 9),
    "srt": lambda r: sorted(_ints(r, 1, 7)),
    "lol": lambda r: [_ints(r, 0, 3) for _ in range(r.randint(1, 4))],
    "slist": lambda r: [r.choice("abcd") for _ in range(r.randint(0, 7))],
    "slist2": lambda r: [r.choice(("fig", "apple", "pear", "kiwi", "plum", "banana", "cherry", "a")) for _ in range(r.randint(1, 4))],
    "slistu": lambda r: r.sample(["fig", "apple", "pear", "kiwi", "plum"], 3),
    "eql3": lambda r: [r.randint(0, 9) for _ in range(3)],
    "dict": lambda r: {r.choice("abcdef"): r.randint(0, 9) for _ in range(r.randint(1, 5))},
    "udict": lambda r: dict(zip(r.sample("abcdef", 3), r.sample(range(10), 3))),
    "key": lambda r: r.choice("abcdefg"),
    "mat": lambda r: _matrix(r, r.randint(1, 3), r.randint(1, 3)),
    "mat2": lambda r: _matrix(r, 2, 2),
    "sqm": lambda r: (lambda n: _matrix(r, n, n))(r.randint(1, 3)),
}
MAKE["ndict"] = MAKE["dict"]

# values that make both outcomes of a task likely
SPECIAL = {
    "leap": lambda r, a: [r.choice((1900, 2000, 2023, 2024, 2100, 1996, r.randint(1900, 2100)))],
    "perfect": lambda r, a: [r.choice((6, 28, 12, r.randint(1, 30)))],
    "issquare": lambda r, a: [r.randint(1, 9) ** 2 if r.random() < .5 else a[0]],
    "pow2": lambda r, a: [2 ** r.randint(0, 7) if r.random() < .5 else a[0]],
    "fizzbuzz": lambda r, a: [r.choice((3, 5, 15, 30, 45, 9, 10, a[0]))],
    "pangram": lambda r, a: ["the quick brown fox jumps over the lazy dog"] if r.random() < .4 else a,
    "anagram": lambda r, a: [a[0], "".join(r.sample(a[0], len(a[0])))] if r.random() < .5 else a,
    "lcprefix": lambda r, a: [a[0] + a[1], a[0] + "z"] if r.random() < .6 else a,
    "binsearch": lambda r, a: [a[0], r.choice(a[0])] if r.random() < .6 else a,
    "indices": lambda r, a: [a[0], r.choice(a[0])] if a[0] and r.random() < .6 else a,
    "lcount": lambda r, a: [a[0], r.choice(a[0])] if a[0] and r.random() < .6 else a,
    "lin": lambda r, a: [a[0], r.choice(a[0])] if a[0] and r.random() < .5 else a,
    "issorted": lambda r, a: [sorted(a[0])] if r.random() < .5 else a,
    "spal": lambda r, a: [a[0] + a[0][::-1]] if r.random() < .3 else a,
    "eq": lambda r, a: [a[0], a[0]] if r.random() < .4 else a,
    "ne": lambda r, a: [a[0], a[0]] if r.random() < .4 else a,
    "sfirst": lambda r, a: [a[0] or "abc"], "slast": lambda r, a: [a[0] or "abc"],
    "sstarts": lambda r, a: [a[0], a[0][:r.randint(1, 4)]] if r.random() < .6 else a,
    "sends": lambda r, a: [a[0], a[0][-r.randint(1, 4):]] if r.random() < .6 else a,
    "scontains": lambda r, a: [a[0], a[0][1:r.randint(2, 4)]] if r.random() < .6 else a,
}


def arguments(r, kinds, special=None):
    """One list of arguments for the kinds of a task."""
    if kinds[:2] == ["eql", "eql"]:
        n = r.randint(1, 5)
        return [[r.randint(0, 9) for _ in range(n)] for _ in kinds]
    if kinds[:2] == ["eqs", "eqs"]:
        a = r.choice(LOW)
        return [a, "".join(c if r.random() < .7 else "z" for c in a)]
    args = [MAKE[k](r) for k in kinds]
    return SPECIAL[special](r, args) if special in SPECIAL else args


class TooLong(Exception):
    """Raised by the timer inside code that does not finish."""


def _alarm(*_):
    raise TooLong()


def call(code, name, args, seconds=.25):
    """Runs trusted, generated code in this process and returns its result; a copy of `args` is passed.

    Only for code that the generator wrote itself (model output goes through runcode.py)."""
    space = {}
    signal.signal(signal.SIGALRM, _alarm)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        exec(code, space)
        return space[name](*json.loads(json.dumps(args)))
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def tests_for(r, spec, count=6):
    """`count` pairs (arguments, expected result) from the reference solution, without repeats."""
    tests, seen = [], set()
    for _ in range(count * 8):
        args = arguments(r, spec.kinds, spec.special)
        if repr(args) in seen:
            continue
        try:
            want = call(spec.code, spec.name, args)
        except Exception:
            continue
        if len(repr(args)) + len(repr(want)) > 150:
            continue
        seen.add(repr(args))
        tests.append((args, want))
        if len(tests) == count:
            break
    return tests


def call_text(name, args):
    return "%s(%s)" % (name, ", ".join(map(repr, args)))
