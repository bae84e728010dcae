"""Runs code that a model wrote, in a child process with limits, and says what happened.

The child gets two seconds of CPU, three of wall time, 512 MiB, no files, and only harmless builtins.
That is enough against accidents of a tiny model; it is not a sandbox against an attacker (the product
has its own).
"""
import ast
import builtins
import json
import os
import re
import resource
import signal
import sys

EVIDENCE_LIMIT = 160
ALLOWED = """abs all any bool dict enumerate filter float int isinstance len list map max min ord chr pow print
range repr reversed round set sorted str sum tuple zip bin Exception ValueError KeyError IndexError
ZeroDivisionError TypeError AssertionError""".split()


def code_of(answer):
    """The first fenced block of an answer, or all of it."""
    m = re.search(r"```(?:python)?\n(.*?)(?:```|$)", answer, re.S)
    return (m.group(1) if m else answer).rstrip("\n")


def namespace():
    return {"__builtins__": {k: getattr(builtins, k) for k in ALLOWED}}


def in_child(work, cpu=2, wall=3):
    """The string that `work()` returns in a limited child; None if it was killed."""
    sys.stdout.flush()
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        text = b"\1"
        try:
            os.close(reader)
            resource.setrlimit(resource.RLIMIT_CPU, (cpu, cpu))
            resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
            with open("/proc/self/statm") as f:
                used = int(f.read().split()[0]) * resource.getpagesize()
            resource.setrlimit(resource.RLIMIT_AS, (used + (512 << 20), used + (512 << 20)))
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
            signal.alarm(wall)
            null = os.open(os.devnull, os.O_RDWR)
            os.dup2(null, 1)
            os.dup2(null, 2)
            text = work().encode("utf-8", "replace")[:4000]
        except BaseException:
            pass
        os.write(writer, text)
        os._exit(0)
    os.close(writer)
    data = b""
    while chunk := os.read(reader, 65536):
        data += chunk
    os.close(reader)
    os.waitpid(pid, 0)
    return None if data in (b"", b"\1") else data.decode("utf-8", "replace")


def _first_failure(code, entry, tests):
    """Runs in the child. "" when everything holds, else the evidence line of the contract."""
    space = namespace()
    try:
        exec(compile(code, "answer", "exec"), space)
    except SyntaxError as error:
        return "syntax error on line %d: %s" % (error.lineno or 1, error.msg)
    except Exception as error:
        return "the code raised %s: %s" % (type(error).__name__, error)
    if entry not in space:
        return "name %s is not defined" % entry
    for test in tests:
        call, want = split_assert(test)
        try:
            got = eval(call, space)
        except Exception as error:
            return "%s raised %s: %s" % (call, type(error).__name__, error)
        if repr(got) != repr(want):
            return "%s returned %r, expected %r" % (call, got, want)
    return ""


def split_assert(test):
    """("f(3)", 5) of "assert f(3) == 5"."""
    node = ast.parse(test).body[0].test
    return ast.unparse(node.left), ast.literal_eval(node.comparators[0])


def failure(answer, entry, tests):
    """None if the answer passes all tests ("assert call == literal"), else one line of evidence."""
    code = code_of(answer)
    result = in_child(lambda: "ok" + _first_failure(code, entry, tests))
    if result is None:           # killed: find the call, one test at a time
        for test in tests:
            if in_child(lambda: "ok" + _first_failure(code, entry, [test])) is None:
                return ("%s did not finish" % split_assert(test)[0])[:EVIDENCE_LIMIT]
        return "the code did not finish"
    return result[2:][:EVIDENCE_LIMIT].replace("\n", " ") or None


def _without_docstrings(tree):
    """Removes docstrings; says whether there was one."""
    found = False
    for f in (n for n in tree.body if isinstance(n, ast.FunctionDef)):
        if ast.get_docstring(f):
            found, f.body = True, f.body[1:] or [ast.Pass()]
    return found


def _test_holds(code, check, implementation):
    space = namespace()
    exec(implementation, space)
    exec(code, space)
    try:
        space[check["name"]]()
    except Exception:
        return False
    return True


def _verify(check, answer):
    kind, squeeze = check["type"], lambda s: re.sub(r"\s+", " ", s.strip())
    if kind == "exact":
        return squeeze(answer) in [squeeze(x) for x in check["any"]]
    if kind == "last":
        return answer.strip().split("\n")[-1].strip() in check["any"]
    code = code_of(answer)
    tree = ast.parse(code)
    if kind == "ast":
        return ast.dump(tree) == ast.dump(ast.parse(check["code"]))
    if kind == "doc":
        return _without_docstrings(tree) and ast.dump(tree) == ast.dump(ast.parse(check["code"]))
    if kind == "tests":          # must hold for the right code and fail for a wrong one
        has_assert = any(isinstance(n, ast.Assert) for n in ast.walk(tree))
        return has_assert and _test_holds(code, check, check["code"]) and any(not _test_holds(code, check, m) for m in check["mutants"])
    raise ValueError(kind)


def verified(check, answer):
    """Whether an answer meets a check made by edits.py or talk.py ("func" checks go to failure())."""
    return in_child(lambda: "yes" if _verify(check, answer) else "no") == "yes"


if __name__ == "__main__":
    print(json.dumps(failure(sys.stdin.read(), sys.argv[1], sys.argv[2:])))
