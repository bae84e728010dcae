"""Identifiers and constants. A fixed part of them (by hash) is never used in training, so that a
held-out task really has names and numbers that the model has not seen."""
from tables import stable_hash

VERBS = """get make find calc compute build count check read load sort merge split filter map reduce
scan parse format convert update apply collect select pick trim clean sum join add total mean rank
score limit shift move swap copy fill pack wrap test is has to from show take run solve measure
compare detect extract remove replace list create prepare""".split()
NOUNS = """value values item items num nums number numbers data text word words name names line lines
key keys cell price cost amount size width height length score rank level user order point node tree
table page index part input output string token code date day month year file path group pair first
last high big small base rate array message phrase record entry digit letter sample series title note
box color label account unit matrix grid weight age speed""".split()
SYLLABLES = [c + v for c in "bdfgklmnprstvz" for v in "aeiou"]
# names that generated code uses for its own variables, and words a parameter must not shadow
RESERVED = set("""if in is or as def for not and del try int str len sum max min abs set map list dict sorted
range input from import pass test None True False all any zip chr ord bin sort file""".split())
LABELS = """big small yes no ok bad hot cold high low odd even red blue green left right open closed old
new fast slow pass fail good rich poor full empty long short""".split()
HELD_NAMES = 8                   # one identifier in 8 is held out
HELD_CONSTANTS = 7               # one constant of two digits or more in 7


def pseudo(r, n=None):
    """A made-up word: tasks must not depend on what a name means."""
    word = "".join(r.choice(SYLLABLES) for _ in range(n or r.choice((1, 2, 2, 3))))
    return word + r.choice("nrtlskmpxz") if r.random() < .3 else word


def _function_name(r):
    t = r.random()
    if t < .40:
        return r.choice(VERBS) + "_" + r.choice(NOUNS)
    if t < .50:
        return pseudo(r, r.choice((2, 3)))
    if t < .62:
        return pseudo(r, 2) + "_" + pseudo(r, 2)
    if t < .74:
        return r.choice(VERBS) + "_" + pseudo(r)
    if t < .80:
        return r.choice(VERBS) + "_" + r.choice(NOUNS) + "_" + r.choice(NOUNS)
    if t < .88:
        return r.choice(NOUNS) + "_" + r.choice("abcdefghmnpqrstuvw")
    return r.choice(("f", "g", "h", "fn", "func", "task", "step")) + str(r.randrange(1, 100))


def _parameter_name(r):
    t = r.random()
    if t < .40:
        return r.choice("abcdefghklmnpqrstuwxyz")
    if t < .72:
        return r.choice(NOUNS)
    if t < .76:
        return r.choice(("xs", "ys", "lst", "arr", "s1", "s2", "nums", "words", "items"))
    if t < .88:
        return pseudo(r)
    if t < .94:
        return r.choice(NOUNS) + "_" + r.choice("abcdefgh")
    return r.choice("abcdnpqrst") + str(r.randrange(1, 10))


def identifier(r, held, kind="func", taken=()):
    """A new name that is not in `taken`; from the held-out part if `held`."""
    while True:
        name = _function_name(r) if kind == "func" else _parameter_name(r)
        if name in RESERVED or name in taken or not name.isidentifier():
            continue
        if len(name) > 1 and (stable_hash("id:" + name) % HELD_NAMES == 0) != held:
            continue
        return name


def _is_held(k):
    return k >= 10 and stable_hash("k%d" % k) % HELD_CONSTANTS == 0


def constant(r, held, lo, hi):
    """An integer in lo..hi; never a held-out one in training, mostly a held-out one in evaluation."""
    pool = [k for k in range(lo, hi + 1) if _is_held(k)]
    if held and pool and r.random() < .7:
        return r.choice(pool)
    while True:
        k = r.randint(lo, hi)
        if held or not _is_held(k):
            return k
