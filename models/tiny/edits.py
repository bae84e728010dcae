"""Tasks about existing code: fix, rename, document, explain, test, commit message, PASS or FAIL.

Each maker returns (role, user text, answer, check): `check` says how the answer can be verified.
"""
import re

import grammar
from functions import Maker, any_spec, function, make
from mistakes import broken_syntax, failed_attempt, retry_message, wrong_body
from names import pseudo
from tables import EASY, fill
from values import tests_for
from wording import ask, instruction


def fence(code, language="python"):
    return "```%s\n%s\n```" % (language, code)


def _capital(text):
    return text[:1].upper() + text[1:]


def docstring_of(spec, lang):
    if spec.frame == "steps":
        return _capital(spec.np) + "."
    return ("Return %s." if lang == "en" else "Возвращает %s.") % spec.np


def _easy(r, lang, split):
    return Maker(r, lang, split).operation(r.choice(EASY))


def write(r, lang, split, hard, family):
    """The main task: write a function."""
    spec = make(r, family, lang, split)
    return "dev", ask(r, spec, lang, split == "tmpl"), fence(spec.code), {"type": "func", "spec": spec}


def retry(r, lang, split, hard, family):
    """The second attempt, after a failed check: one message with the task, the code and the evidence."""
    while True:
        spec = any_spec(r, lang, split, hard)
        bad = failed_attempt(r, spec, hard)
        if bad:
            break
    text = retry_message(ask(r, spec, lang, split == "tmpl"), *bad)
    return "dev", text, fence(spec.code), {"type": "func", "spec": spec}


def fix_syntax(r, lang, split, hard, family):
    while True:
        spec = any_spec(r, lang, split, hard)
        bad, _ = broken_syntax(r, spec.code)
        if bad:
            break
    text = instruction(r, grammar.FIX_SYNTAX, lang, split == "tmpl", fence(bad))
    return "dev", text, fence(spec.code), {"type": "ast", "code": spec.code}


def fix_bug(r, lang, split, hard, family):
    while True:
        spec = any_spec(r, lang, split, hard)
        body = wrong_body(r, spec) if spec.frame == "task" else None
        if body:
            break
    text = instruction(r, grammar.FIX_BUG, lang, split == "tmpl", fence(function(spec.name, spec.params, body)))
    text = text.replace("{np}", spec.np).replace("{name}", spec.name)
    return "dev", text, fence(spec.code), {"type": "func", "spec": spec}


def rename(r, lang, split, hard, family):
    while True:
        spec = any_spec(r, lang, split, hard)
        old = r.choice(spec.params + [spec.name])
        if not re.search(r'"[^"]*\b%s\b' % re.escape(old), spec.code):
            break
    new = Maker(r, lang, split).name("func" if old == spec.name else "p", set(re.findall(r"\w+", spec.code)))
    code = re.sub(r"\b%s\b" % re.escape(old), new, spec.code)
    text = instruction(r, grammar.RENAME, lang, split == "tmpl", fence(spec.code))
    text = text.replace("{x}", old).replace("{y}", new)
    return "dev", text, fence(code), {"type": "ast", "code": code}


def docstring(r, lang, split, hard, family):
    spec = _easy(r, lang, split)
    code = function(spec.name, spec.params, spec.body, docstring_of(spec, lang))
    text = instruction(r, grammar.DOCSTRING, lang, split == "tmpl", fence(spec.code)).replace("{name}", spec.name)
    return "dev", text, fence(code), {"type": "doc", "code": spec.code}


def explain(r, lang, split, hard, family):
    """The answer is always the first phrasing of the operation: one right answer, easy to learn."""
    spec = _easy(r, lang, split)
    form = "Returns %s." if lang == "en" else "Возвращает %s."
    answers = [form % fill(p, spec.values()) for p in spec.entry.train[lang]]
    text = instruction(r, grammar.EXPLAIN, lang, split == "tmpl", fence(spec.code)).replace("{name}", spec.name)
    return "dev", text, answers[0], {"type": "exact", "any": answers}


def write_tests(r, lang, split, hard, family):
    while True:
        spec = _easy(r, lang, split)
        tests = [t for t in tests_for(r, spec, 6) if len(repr(t)) < 60][:2]
        if len(tests) == 2:
            break
    lines = ["def test_%s():" % spec.name]
    for args, want in tests:
        lines.append("    assert %s(%s) == %r" % (spec.name, ", ".join(map(repr, args)), want))
    text = instruction(r, grammar.TESTS, lang, split == "tmpl", fence(spec.code)).replace("{name}", spec.name)
    wrong = [function(spec.name, spec.params, b) for b in (wrong_body(r, spec) for _ in range(3)) if b]
    check = {"type": "tests", "code": spec.code, "mutants": wrong + [function(spec.name, spec.params, "return None")],
             "name": "test_" + spec.name}
    return "qa", text, fence("\n".join(lines)), check


def commit(r, lang, split, hard, family):
    """A commit message in the conventional form for a small diff."""
    spec = _easy(r, lang, split)
    file = r.choice(("util.py", "main.py", "app.py", "core.py", "lib.py", pseudo(r, 2) + ".py"))
    kept = "\n".join("     " + line for line in spec.body.split("\n"))
    kind = r.randrange(6)
    wrong = wrong_body(r, spec)
    if kind == 1 and not wrong:
        kind = 0
    if kind == 0:
        diff, answer = "+" + spec.code.replace("\n", "\n+"), "feat: add " + spec.name
    elif kind == 1:
        old = "\n".join("-    " + line for line in wrong.split("\n"))
        new = "\n".join("+    " + line for line in spec.body.split("\n"))
        diff, answer = " def %s:\n%s\n%s" % (spec.sig, old, new), "fix: correct " + spec.name
    elif kind == 2:
        diff = ' def %s:\n+    """%s"""\n%s' % (spec.sig, docstring_of(spec, lang), kept)
        answer = "docs: document " + spec.name
    elif kind == 3:
        diff = "+def test_%s():\n+    assert %s(%d) == %d" % (spec.name, spec.name, r.randint(0, 9), r.randint(0, 9))
        answer = "test: cover " + spec.name
    elif kind == 4:
        new = Maker(r, lang, split).name("func", {spec.name})
        diff = "-def %s:\n+def %s:\n%s" % (spec.sig, spec.sig.replace(spec.name, new, 1), kept)
        answer = "refactor: rename %s to %s" % (spec.name, new)
    else:
        diff, answer = "-" + spec.code.replace("\n", "\n-"), "refactor: remove " + spec.name
    block = fence("--- a/%s\n+++ b/%s\n%s" % (file, file, diff), "diff")
    return "dev", instruction(r, grammar.COMMIT, lang, split == "tmpl", block), answer, {"type": "exact", "any": [answer]}


def check(r, lang, split, hard, family):
    """PASS or FAIL, after one line each of what is needed and what is there: the comparison is then
    between two short lines, which is all that such a model can do."""
    while True:
        spec = _easy(r, lang, split)
        body = wrong_body(r, spec) if r.random() < .5 else spec.body
        if body:
            break
    verdict = "PASS" if body == spec.body else "FAIL"
    text = grammar.expand(r, split == "tmpl", grammar.CHECK[lang]).replace("{np}", spec.np)
    end = grammar.expand(r, False, grammar.VERDICT[lang])
    text = text + "\n" + fence(function(spec.name, spec.params, body)) + ("\n" + end if end else "")
    flat = lambda b: " ; ".join(line.strip() for line in b.split("\n"))
    answer = "need: %s\ncode: %s\n%s" % (flat(spec.body), flat(body), verdict)
    return "checker", text, answer, {"type": "last", "any": [verdict]}


MAKERS = {"retry": retry, "fix_syntax": fix_syntax, "fix_bug": fix_bug, "rename": rename, "docstring": docstring,
          "explain": explain, "tests": write_tests, "commit": commit, "check": check}
