"""Wrong code on purpose: what repair, review and check tasks are made of, and the evidence line that
the orchestrator shows after a failed check (the form is the prompt contract, see README.md)."""
from functions import function
from tables import BY_ID, EASY, fill
from values import TooLong, arguments, call, call_text

EVIDENCE_LIMIT = 160
SWAPS = ((" > ", " < "), (" < ", " > "), ("== 0", "!= 0"), ("!= 0", "== 0"), (" + ", " - "), (" - ", " + "), ("[0]", "[1]"),
         ("[-1]", "[0]"), ("sum(", "len("), ("max(", "min("), ("min(", "max("), ("upper", "lower"), ("lower", "upper"),
         ("total += ", "total -= "), ("reverse=True", "reverse=False"), (" and ", " or "), ("+ 1", "+ 2"), ("range(2", "range(1"),
         (" // ", " % "), (" % ", " // "), (" * ", " + "), ("[::-1]", "[:]"), ("sorted(", "list("), ("True", "False"))


def wrong_body(r, spec, hard=False):
    """A body that does something else with the same signature, or None."""
    options = []
    entry = spec.entry
    if entry is not None:
        for other in (BY_ID[i] for i in entry.like):
            if len(other.kinds) == len(spec.params):
                options.append(fill(other.code, dict(spec.values(), k=spec.k or 2)))
        if entry.k:
            k = spec.k + r.choice((1, -1, 2, 10))
            options.append(fill(entry.code, dict(spec.values(), k=max(1, k))))
    options += [spec.body.replace(a, b, 1) for a, b in SWAPS if a in spec.body]
    if not options or r.random() < (.5 if hard else .25):
        # an answer to another question: what a model writes when it misreads the task
        same = [e for e in EASY if len(e.kinds) == len(spec.params)]
        options.append(fill(r.choice(same).code, dict(spec.values(), k=spec.k or r.randint(2, 20))) if same else spec.body)
        options = options[-1:]
    options = [o for o in options if o != spec.body]
    return r.choice(options) if options else None


def broken_syntax(r, code):
    """(code with a typing error that does not compile, its SyntaxError), or (None, None)."""
    lines, options = code.split("\n"), []
    for i, line in enumerate(lines):
        end = line.rstrip()
        if end.endswith(":"):
            options.append((i, end[:-1]))
        if "return" in line:
            options.append((i, line.replace("return", r.choice(("retrun", "retunr", "reutrn", "retur", "returm")), 1)))
        if line.startswith("def "):
            options.append((i, line.replace("def ", r.choice(("dfe ", "de ", "fed ", "deff ")), 1)))
        if end.endswith((")", "]")):
            options.append((i, end[:-1]))
        if ")" in line and not end.endswith(")"):
            j = line.rindex(")")
            options.append((i, line[:j] + line[j + 1:]))
        if "(" in line and not line.startswith("def"):
            options.append((i, line.replace("(", "", 1)))
        if line.count('"') >= 2:
            j = line.rindex('"')
            options.append((i, line[:j] + line[j + 1:]))
        if i == 1:
            options.append((i, line[4:]))
        if " == " in line:
            options.append((i, line.replace(" == ", " = ", 1)))
        if " in " in line and "for " in line:
            options.append((i, line.replace("for ", r.choice(("fro ", "fot ")), 1)))
    r.shuffle(options)
    for i, line in options:
        new = "\n".join(lines[:i] + [line] + lines[i + 1:])
        try:
            compile(new, "x", "exec")
        except SyntaxError as error:
            return new, error
        except Exception:
            continue
    return None, None


def evidence_of(name, code, tests):
    """The first failure of `code` on `tests` as one line, or None if it passes."""
    for args, want in tests:
        text = call_text(name, args)
        try:
            got = call(code, name, args)
        except TooLong:
            return "%s did not finish" % text
        except Exception as error:
            return ("%s raised %s: %s" % (text, type(error).__name__, error))[:EVIDENCE_LIMIT]
        if got != want or type(got) is not type(want):
            return ("%s returned %r, expected %r" % (text, got, want))[:EVIDENCE_LIMIT]
    return None


def failed_attempt(r, spec, hard=False):
    """(wrong code, evidence line) for a retry task, or None when no luck."""
    t = r.random()
    if t < .10:
        code, error = broken_syntax(r, spec.code)
        return code and (code, "syntax error on line %d: %s" % (error.lineno or 1, error.msg))
    if t < .15:
        other = spec.name + r.choice(("2", "_a", "s")) if r.random() < .4 else r.choice(("func", "solution", "f", "main"))
        return function(other, spec.params, spec.body), "name %s is not defined" % spec.name
    if t < .22:                  # a parameter's name mistyped in the body
        old = r.choice(spec.params)
        if not any(old + c in spec.body for c in " )[].,:"):
            return None
        body = spec.body
        for c in " )[].,:":
            body = body.replace(old + c, old + r.choice("sxz1") + c, 1)
    elif t < .24:
        body = "while True:\n    pass"
        args = arguments(r, spec.kinds, spec.special)
        return function(spec.name, spec.params, body), "%s did not finish" % call_text(spec.name, args)
    else:
        body = wrong_body(r, spec, hard)
    if not body:
        return None
    code = function(spec.name, spec.params, body)
    tests = []
    for _ in range(4):
        args = arguments(r, spec.kinds, spec.special)
        try:
            tests.append((args, call(spec.code, spec.name, args)))
        except Exception:
            continue
    try:
        line = evidence_of(spec.name, code, tests)
    except SyntaxError:
        return None
    return (code, line) if line and len(line) <= EVIDENCE_LIMIT else None


def retry_message(task, code, evidence):
    """The user's message of a second attempt: the exact text that the orchestrator renders."""
    return "%s\n\nPrevious attempt:\n```python\n%s\n```\nCheck failed: %s\nFix it." % (task, code, evidence)
