"""Runs the tests of a task against a candidate that may lie.

Two processes, each in a sandbox of its own, joined by one socket (descriptor 3):

  candidate  loads the model's code and calls its functions; it is told names and
             arguments, never what is expected of it
  judge      runs the tests, which stand for the person who wrote them; the names of the
             candidate are proxies that ask over the socket. It never runs the model's code

So nothing that the candidate does, exit, patch, print or forge, can say "passed": it can
only answer calls, and a right answer to every call is what was asked for. The judge's
result is one line of JSON on its standard output: {"ok", "evidence", "count"}.

Values cross as JSON with tags. Plain values are copied; other objects stay with the
candidate and cross as handles. An object with an __eq__ of its own cannot be equal to a
plain value here.

Input of the judge on descriptor 0, JSON: {"mode": "compile"|"load"|"tests", "entry",
"tests": "...", "seconds"}. Python 3.8 and later, standard library only.
"""
import ast
import builtins
import json
import os
import select
import sys
import time

LINE_MAX = 1 << 20
DEPTH_MAX = 40
EVIDENCE_MAX = 160
SOURCE = "candidate.py"


class TooLarge(Exception):
    pass


# ---- values ------------------------------------------------------------------------------

def encode(value, keep, depth=0):
    """A JSON form of `value`; what is not plain goes through keep(value) -> dict."""
    if depth > DEPTH_MAX:
        raise TooLarge("the value is nested too deeply")
    if value is None or value is True or value is False:
        return value
    if isinstance(value, bool):
        return bool(value)
    if isinstance(value, int):
        return {"int": format(int.__add__(value, 0), "x")}
    if isinstance(value, float):
        return {"float": float.__add__(value, 0.0).hex()} if value == value else {"float": "nan"}
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, complex):
        return {"complex": [value.real.hex(), value.imag.hex()]}
    if isinstance(value, (bytes, bytearray)):
        return {type_name(value, (bytes, bytearray)): bytes(value).hex()}
    for kind in (list, tuple, set, frozenset):
        if isinstance(value, kind):
            items = [encode(v, keep, depth + 1) for v in kind.__iter__(value)]
            return items if kind is list else {kind.__name__: items}
    if isinstance(value, dict):
        return {"dict": [[encode(k, keep, depth + 1), encode(v, keep, depth + 1)]
                         for k, v in dict.items(value)]}
    return keep(value)


def type_name(value, kinds):
    return next(k.__name__ for k in kinds if isinstance(value, k))


def decode(v, find, depth=0):
    if depth > DEPTH_MAX * 2:
        raise TooLarge("the value is nested too deeply")
    if v is None or isinstance(v, (bool, str)):
        return v
    if isinstance(v, list):
        return [decode(x, find, depth + 1) for x in v]
    (tag, x), = v.items() if len(v) == 1 else (("handle", v),)
    if tag == "int":
        return int(x, 16)
    if tag == "float":
        return float("nan") if x == "nan" else float.fromhex(x)
    if tag == "complex":
        return complex(float.fromhex(x[0]), float.fromhex(x[1]))
    if tag in ("bytes", "bytearray"):
        return getattr(builtins, tag).fromhex(x)
    if tag in ("tuple", "set", "frozenset"):
        return getattr(builtins, tag)(decode(y, find, depth + 1) for y in x)
    if tag == "dict":
        return {decode(k, find, depth + 1): decode(y, find, depth + 1) for k, y in x}
    return find(v)


class Wire:
    """Lines of JSON over descriptor 3."""

    def __init__(self):
        self.data = b""

    def send(self, message):
        line = json.dumps(message).encode() + b"\n"
        if len(line) > LINE_MAX:
            raise TooLarge("the value is too large")
        while line:
            line = line[os.write(3, line):]

    def receive(self, until=None):
        """The next message; EOFError, TimeoutError."""
        while b"\n" not in self.data:
            if until is not None:
                if not select.select([3], [], [], max(0.0, until - time.monotonic()))[0]:
                    raise TimeoutError
            got = os.read(3, 65536)
            if not got or len(self.data) > LINE_MAX:
                raise EOFError
            self.data += got
        line, self.data = self.data.split(b"\n", 1)
        return json.loads(line)


# ---- the candidate's side ------------------------------------------------------------------

class Candidate:
    def __init__(self):
        self.wire = Wire()
        self.objects = []
        self.space = {"__name__": "candidate", "__builtins__": builtins}

    def keep(self, value):
        self.objects.append(value)
        return {"handle": len(self.objects) - 1, "type": type(value).__name__[:80],
                "call": callable(value)}

    def find(self, v):
        return self.objects[v["handle"]]

    def load(self):
        with open(SOURCE, encoding="utf-8") as f:
            source = f.read()
        exec(compile(source, "answer", "exec"), self.space)
        return [n for n in self.space if isinstance(n, str) and not n.startswith("__")]

    def operate(self, m):
        op = m["op"]
        if op == "load":
            return self.load()
        args = [decode(a, self.find) for a in m.get("args", [])]
        if op == "name":
            return self.space[m["name"]]
        if op == "call":
            named = {k: decode(a, self.find) for k, a in m.get("named", {}).items()}
            result = (self.space[m["name"]] if "name" in m else self.find(m["on"]))(*args, **named)
            self.after = args  # what the call left in its arguments
            return result
        on = self.find(m["on"])
        if op == "attribute":
            return getattr(on, m["attribute"])
        return {"len": len, "iter": iter, "next": next, "text": str, "repr": repr,
                "item": lambda o, k: o[k], "bool": bool,
                "equal": lambda o, k: bool(o == k)}[op](on, *args)

    def serve(self):
        while True:
            m = self.wire.receive()
            self.after = None
            try:
                reply = {"value": encode(self.operate(m), self.keep)}
                if self.after is not None:
                    reply["args"] = [encode(a, self.keep) for a in self.after]
            except BaseException as e:  # SystemExit too: the test decides what it means
                reply = {"raised": type(e).__name__[:80], "text": self.text(e), "line": line_of(e),
                         "bases": [c.__name__ for c in type(e).__mro__]}
            try:
                self.wire.send(reply)
            except (TooLarge, TypeError, ValueError) as e:
                self.wire.send({"raised": "ValueError", "text": str(e)[:400], "bases": ["ValueError"]})

    @staticmethod
    def text(e):
        try:
            return str(getattr(e, "msg", e) if isinstance(e, SyntaxError) else e)[:400]
        except BaseException:
            return ""


def line_of(e):
    return e.lineno if isinstance(e, SyntaxError) else None


# ---- the judge's side -------------------------------------------------------------------------

class Failed(BaseException):
    """Ends the tests; its text is the evidence. A test's own `except` cannot swallow it:
    the judge keeps the first one (Judge.broken) and ends with it."""


class WrongTests(Exception):
    """The tests are at fault, not the candidate."""


class Remote:
    """A value that stays with the candidate."""

    def __init__(self, judge, handle, kind):
        self.__dict__.update(_judge=judge, _handle=handle, _kind=kind)

    def _ask(self, op, *args):
        return self._judge.ask({"op": op, "on": {"handle": self._handle}}, args)

    def __call__(self, *args, **named):
        return self._judge.ask({"op": "call", "on": {"handle": self._handle}}, args, named)

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return self._judge.ask({"op": "attribute", "on": {"handle": self._handle}, "attribute": name})

    def __len__(self):
        return self._ask("len")

    def __iter__(self):
        it = self._ask("iter")
        while True:
            try:
                yield it._ask("next")
            except StopIteration:
                return

    def __getitem__(self, key):
        return self._ask("item", key)

    def __bool__(self):
        return self._ask("bool") is True

    def __str__(self):
        return str(self._ask("text"))

    def __repr__(self):
        return str(self._ask("repr"))[:EVIDENCE_MAX]

    def __eq__(self, other):
        if not isinstance(other, Remote):
            return False  # an object of the candidate never passes for a plain value
        return self._handle == other._handle or self._ask("equal", other) is True

    __hash__ = None


class Judge:
    def __init__(self, spec):
        self.spec = spec
        self.wire = Wire()
        self.until = time.monotonic() + spec["seconds"]
        self.raised = False  # the last exception came from the candidate
        self.calls = 0       # asked of the candidate
        self.count = 0       # assertions that were looked at
        self.last = ""       # the last thing asked, in words
        self.broken = None   # the first Failed: nothing after it counts

    # -- asking

    def keep(self, value):
        if isinstance(value, Remote):
            return {"handle": value._handle, "type": value._kind, "call": True}
        raise WrongTests("a test gives the code a value of type %s, which cannot be handed over"
                         % type(value).__name__)

    def find(self, v):
        return Remote(self, v["handle"], v["type"])

    def fail(self, text):
        self.broken = self.broken or Failed(text)
        raise self.broken

    def ask(self, message, args=(), named=None):
        if self.broken:
            raise self.broken
        message["args"] = [encode(a, self.keep) for a in args]
        message["named"] = {k: encode(a, self.keep) for k, a in (named or {}).items()}
        what = self.last = self.words(message, args, named)
        self.wire.send(message)
        try:
            reply = self.wire.receive(self.until)
        except TimeoutError:
            self.fail("%s did not finish" % what)
        except (EOFError, OSError):
            self.fail("%s ended the process" % what)
        except ValueError:
            self.fail("%s broke the connection to the tests" % what)
        self.calls += message["op"] == "call"
        try:
            return self.take(reply, args)
        except (StopIteration, StopAsyncIteration) as e:
            if message["op"] == "next":
                raise
            # It would end a map() of the test without a word; as PEP 479 for generators.
            wrong = RuntimeError("%s raised %s" % (what, name_of(e)))
            wrong.name_shown, wrong.line = "RuntimeError", None
            raise wrong from None
        except (KeyError, TypeError, ValueError, AttributeError, TooLarge, RecursionError) as e:
            if getattr(e, "name_shown", None) is not None:
                raise  # the candidate's own
            self.fail("%s broke the connection to the tests" % what)

    def take(self, reply, args):
        self.raised = "raised" in reply
        if self.raised:
            raise exception_of(reply)
        for mine, theirs in zip(args, reply.get("args", [])):
            take_over(mine, decode(theirs, self.find))
        return decode(reply["value"], self.find)

    @staticmethod
    def words(message, args, named):
        if message["op"] == "load":
            return "the code"
        if message["op"] != "call" or "name" not in message:
            return "the code"
        shown = [show(a) for a in args] + ["%s=%s" % (k, show(v)) for k, v in (named or {}).items()]
        return "%s(%s)" % (message["name"], ", ".join(shown))

    def function(self, name):
        def call(*args, **named):
            return self.ask({"op": "call", "name": name}, args, named)
        call.__name__ = name
        return call

    # -- loading

    def load(self):
        try:
            names = self.ask({"op": "load"})
        except Failed:
            raise
        except SyntaxError as e:
            self.fail("syntax error on line %s: %s" % (e.line or 1, e))
        except BaseException as e:
            self.fail("the code raised %s: %s" % (name_of(e), e))
        if not isinstance(names, list):
            self.fail("the code broke the connection to the tests")
        entry = self.spec.get("entry") or ""
        if entry and entry not in names:
            self.fail("name %s is not defined" % entry)
        # What the code defines must not stand in for what the tests use of Python itself.
        return {n: self.value(n) for n in names if isinstance(n, str)
                and (n == entry or not hasattr(builtins, n))}

    def value(self, name):
        v = self.ask({"op": "name", "name": name})
        return self.function(name) if isinstance(v, Remote) and v._kind in (
            "function", "builtin_function_or_method", "type", "functools.partial") else v

    # -- testing

    def run(self):
        space = {"__name__": "__main__", "__builtins__": builtins}
        mine = self.load()
        space.update(mine)
        modules = type(sys)("solution")
        modules.__dict__.update(mine)
        sys.modules["solution"] = sys.modules["candidate"] = modules
        space["__hearth_check__"] = self.check
        if "unittest" in self.spec["tests"]:
            import unittest
            unittest.main = lambda *args, **named: None  # the judge runs them
        tree = ast.parse(self.spec["tests"], "tests")
        texts = [short(ast.unparse(node)) for node in tree.body]
        tree = ast.fix_missing_locations(Assertions().visit(tree))
        for node, text in zip(tree.body, texts):
            code = compile(ast.Module([node], []), "tests", "exec")
            self.guard(lambda: exec(code, space), text, isinstance(node, (ast.Import, ast.ImportFrom)))
        self.functions(space, mine)
        if self.broken:
            raise self.broken
        if self.count == 0:
            raise WrongTests("the tests test nothing")
        if self.calls == 0:
            raise WrongTests("the tests call nothing of the code")
        return self.count

    def functions(self, space, mine):
        """Test functions as pytest finds them, and the cases of unittest."""
        for name, value in list(space.items()):
            if value is mine.get(name) or not name.lower().startswith("test") and not isinstance(value, type):
                continue
            if isinstance(value, type):
                self.cases(value)
            elif callable(value):
                self.guard(value, "%s()" % name)

    def cases(self, kind):
        unittest = sys.modules.get("unittest")
        if not unittest or not issubclass(kind, unittest.TestCase) or kind is unittest.TestCase:
            return
        result = unittest.TestResult()
        self.guard(lambda: unittest.defaultTestLoader.loadTestsFromTestCase(kind).run(result), kind.__name__)
        self.count += result.testsRun
        for case, trace in result.failures + result.errors:
            self.fail("%s, then %s" % (self.last, trace.strip().split("\n")[-1]))

    def check(self, left, right, text, how, is_call):
        """assert, with the two sides apart, so that the evidence has both."""
        self.count += 1
        calls = self.calls
        got = self.guard(left, text)
        if is_call and self.calls == calls + 1:
            text = self.last  # with the values in place of names
        if how in ("==", "is"):
            want = self.guard(right, text)
            good = got is want if how == "is" and not plain(got, want) else got == want
            good = good is True and same_type(got, want)
        else:
            want = how == "true"
            good = bool(got) is want
        if not good:
            self.fail("%s %s %s, expected %s" % (text, "is" if text.isidentifier() else "returned",
                                                 show(got), show(want)))

    def guard(self, run, text, imports=False):
        """What escapes from a test becomes evidence; its own sys.exit(0) is a pass."""
        depth, self.depth = getattr(self, "depth", 0), getattr(self, "depth", 0) + 1
        self.raised = False
        try:
            return run()
        except (Failed, WrongTests):
            raise
        except BaseException as e:
            if depth != 0:  # a test around this one may expect it
                e.text_shown = getattr(e, "text_shown", text)
                raise
            self.escaped(e, text, imports)
        finally:
            self.depth = depth

    def escaped(self, e, text, imports):
        mine = getattr(e, "name_shown", None) is None
        text = getattr(e, "text_shown", text)
        if mine and imports:
            raise WrongTests("the tests cannot import what they need: %s" % e)
        if mine and isinstance(e, NameError) and getattr(e, "name", None):
            self.fail("name %s is not defined" % e.name)
        if mine and isinstance(e, AssertionError):
            self.fail("%s failed%s" % (text, ": %s" % e if str(e) else ""))
        if mine and isinstance(e, SystemExit) and e.code in (None, 0, False):
            return
        self.fail("%s raised %s: %s" % (text, name_of(e), e))


class Assertions(ast.NodeTransformer):
    """assert A == B  ->  __hearth_check__(lambda: A, lambda: B, "A", "==")"""

    def visit_Assert(self, node):
        test, how, right = node.test, "true", ast.Constant(None)
        if any(isinstance(n, (ast.Await, ast.Yield, ast.YieldFrom, ast.NamedExpr)) for n in ast.walk(test)):
            count = ast.parse("__hearth_check__(lambda: True, None, '', 'true', False)").body[0]
            return ast.copy_location(ast.If(ast.Constant(True), [node, count], []), node)
        left = test
        if isinstance(test, ast.Compare) and len(test.ops) == 1 and isinstance(test.ops[0], (ast.Eq, ast.Is)):
            how = "==" if isinstance(test.ops[0], ast.Eq) else "is"
            left, right = test.left, test.comparators[0]
        elif isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
            how, left = "false", test.operand
        args = [delayed(left), delayed(right), ast.Constant(short(ast.unparse(left))),
                ast.Constant(how), ast.Constant(isinstance(left, ast.Call))]
        call = ast.Call(ast.Name("__hearth_check__", ast.Load()), args, [])
        return ast.copy_location(ast.Expr(call), node)


def delayed(node):
    nothing = ast.arguments(posonlyargs=[], args=[], kwonlyargs=[], kw_defaults=[], defaults=[])
    return ast.Lambda(nothing, node)


def show(v):
    try:
        return repr(v)
    except Exception:  # thousands of digits, a depth without end
        return "a very large %s" % type(v).__name__


def plain(*values):
    return all(v is None or isinstance(v, (bool, int, float, str)) for v in values)


def same_type(got, want):
    """1 == True and 1 == 1.0 in Python; a test that says True means True."""
    return isinstance(got, bool) == isinstance(want, bool) or not plain(got, want)


def take_over(mine, theirs):
    """What a call did to a list, dict or set that it was given."""
    if type(mine) is not type(theirs):
        return
    if isinstance(mine, (list, bytearray)):
        mine[:] = theirs
    elif isinstance(mine, (dict, set)):
        mine.clear()
        mine.update(theirs)


def exception_of(reply):
    """The nearest built-in exception, under the name that the candidate's had."""
    names = [n for n in reply.get("bases", []) if isinstance(n, str)] + ["Exception"]
    kind = next(k for k in (getattr(builtins, n, None) for n in names)
                if isinstance(k, type) and issubclass(k, BaseException))
    try:
        e = kind(str(reply.get("text", "")))
    except TypeError:  # UnicodeDecodeError and the like want more
        e = Exception(str(reply.get("text", "")))
    e.name_shown, e.line = str(reply["raised"]), reply.get("line")
    return e


def name_of(e):
    return getattr(e, "name_shown", type(e).__name__)


def short(text):
    return text.split("\n")[0][:EVIDENCE_MAX]


def compiles():
    with open(SOURCE, encoding="utf-8") as f:
        source = f.read()
    try:
        compile(source, "answer", "exec")
    except SyntaxError as e:
        raise Failed("syntax error on line %d: %s" % (e.lineno or 1, e.msg))
    except (ValueError, RecursionError, MemoryError, OverflowError) as e:
        raise Failed("the code cannot be compiled: %s" % e)
    return 0


def judge():
    spec = json.load(sys.stdin)
    result = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what tests print must not mix with the result
    j = Judge(spec)
    try:
        mode = spec["mode"]
        if mode == "compile":
            count = compiles()
        elif mode == "load":
            j.load()
            count = 0
        else:
            count = j.run()
        answer = {"ok": True, "evidence": "", "count": count}
    except Failed as e:
        answer = {"ok": False, "evidence": " ".join(str(e).split("\n"))[:EVIDENCE_MAX], "count": 0}
    except WrongTests as e:
        answer = {"ok": False, "wrong_tests": True, "count": 0, "evidence": str(e)[:EVIDENCE_MAX]}
    except SyntaxError as e:
        answer = {"ok": False, "wrong_tests": True, "count": 0,
                  "evidence": "the tests have a syntax error on line %s: %s" % (e.lineno, e.msg)}
    except Exception as e:
        answer = {"ok": False, "evidence": ("%s: %s" % (type(e).__name__, e))[:EVIDENCE_MAX], "count": 0}
    json.dump(answer, result)
    result.flush()
    os._exit(0)


if sys.argv[1:] == ["candidate"]:
    Candidate().serve()
else:
    judge()
