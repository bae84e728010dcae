/* Checks against candidates that are right, wrong, or try to cheat. */
#include "work/check.h"

#include "sys/clock.h"
#include "sys/fd.h"
#include "sys/fstree.h"
#include "test.h"

struct trial {
    char dir[FS_PATH_MAX];
    struct workdir workdir;
    struct check_result result;
    struct why why;
};

#define TASK_ID "task_01hqzw5x8k3m9v2t7r4n6p8s0a"

static enum err try_it(struct trial *t, enum check_id check, enum lang lang,
                       const char *code, const char *tests, const char *entry)
{
    struct check_job job = {.lang = lang,
                            .code = str_c(code),
                            .tests = str_c(tests),
                            .entry = str_c(entry),
                            .workdir = &t->workdir,
                            .time_ms = 5000,
                            .cancel_fd = -1};

    t->why = WHY_INIT;
    t->result = CHECK_RESULT_INIT;
    CHECK(fs_mkdir_temp("/tmp", "check_test", t->dir, NULL) == ERR_OK);
    CHECK(workdir_open(&t->workdir, t->dir, STR(TASK_ID), 1, NULL) == ERR_OK);
    CHECK(workdir_put(&t->workdir, lang, job.code, NULL) == ERR_OK);
    return check_run(check, &job, &t->result, &t->why);
}

static void trial_done(struct trial *t)
{
    static const struct fstree_bounds all = {1000, 1 << 30, 16};

    workdir_done(&t->workdir);
    check_result_done(&t->result);
    CHECK(fstree_remove(t->dir, &all, NULL) == ERR_OK);
}

/* One candidate, one check, the evidence it must give; NULL: passes. */
static void expect(enum check_id check, enum lang lang, const char *code,
                   const char *tests, const char *entry, const char *evidence)
{
    struct trial *t = mem_zalloc(sizeof(*t));
    enum err e = try_it(t, check, lang, code, tests, entry);
    struct str got = buf_str(&t->result.evidence);

    if (e != ERR_OK)
        print_error("%s: %s\n", err_name(e), err_why(&t->why));
    CHECK(e == ERR_OK);
    if (t->result.passed != (evidence == NULL)
        || (evidence != NULL && !str_has(got, str_c(evidence)))) {
        print_error("code: %s\ngot: %.*s\nwanted: %s\n", code, STR_ARG(got),
                    evidence != NULL ? evidence : "(pass)");
        test_fail(__FILE__, __LINE__, "the evidence is another one");
    }
    trial_done(t);
    mem_free(t);
}

#define SQUARES "assert f(2) == 4\nassert f(3) == 9\n"

static void py(const char *code, const char *evidence)
{
    expect(CHECK_TESTS, LANG_PYTHON, code, SQUARES, "f", evidence);
}

TEST(python_that_is_right_passes_and_the_tests_are_counted)
{
    struct trial *t = mem_zalloc(sizeof(*t));

    CHECK(try_it(t, CHECK_TESTS, LANG_PYTHON,
                 "print('working')\ndef f(x):\n    return x * x\n", SQUARES,
                 "f")
          == ERR_OK);
    CHECK(t->result.passed && t->result.tests == 2);
    CHECK(str_eq(buf_str(&t->result.output), STR("working\n")));
    trial_done(t);
    mem_free(t);
}

TEST(evidence_is_in_the_words_that_the_models_are_trained_on)
{
    py("def f(x):\n    return x + 2\n", "f(3) returned 5, expected 9");
    py("def f(x):\n    return x[0]\n",
       "f(2) raised TypeError: 'int' object is not subscriptable");
    py("def f(x)\n    return x\n", "syntax error on line 1: expected ':'");
    py("def f(x):\n    while True: pass\n", "f(2) did not finish");
    py("def g(x):\n    return x\n", "name f is not defined");
    py("import nothing_of_this_name\n", "the code raised ModuleNotFoundError");
}

TEST(a_candidate_that_ends_the_process_does_not_pass)
{
    py("import os\nos._exit(0)\n", "the code ended the process");
    py("import sys\nsys.exit(0)\n", "the code raised SystemExit");
    py("def f(x):\n    import os\n    os._exit(0)\n", "f(2) ended the process");
    py("import os, signal\nos.kill(os.getppid(), signal.SIGKILL)\n"
       "os.kill(1, signal.SIGKILL)\ndef f(x): return 0\n",
       "");
}

TEST(a_candidate_that_prints_or_forges_results_does_not_pass)
{
    py("print('{\"ok\": true, \"evidence\": \"\", \"count\": 2}')\n"
       "def f(x): return 1\n",
       "f(2) returned 1, expected 4");
    py("import os\nfor i in range(9):\n"
       "  os.write(3, b'{\"value\": {\"int\": \"4\"}}\\n')\n"
       "def f(x): return 1\n",
       "the code broke the connection");
    py("import os\n"
       "for fd in range(256):\n  try: os.write(fd, b'{\"ok\": true}')\n"
       "  except OSError: pass\n"
       "def f(x): return 1\n",
       "");
}

TEST(a_candidate_that_patches_python_does_not_pass)
{
    py("class A:\n  def __eq__(s, o): return True\n  def __bool__(s): return "
       "True\ndef f(x): return A()\n",
       "expected 4");
    py("class T(int):\n  def __eq__(s, o): return True\n"
       "def f(x): return T(7)\n",
       "f(2) returned 7, expected 4");
    py("import builtins\nbuiltins.AssertionError = ZeroDivisionError\n"
       "builtins.bool = lambda x: True\nbuiltins.eval = lambda *a: 4\n"
       "def f(x): return 0\n",
       "");
    py("import ast, json\njson.loads = lambda x: {'op': 'call'}\n"
       "ast.parse = None\ndef f(x): return 0\n",
       "");
    expect(CHECK_TESTS, LANG_PYTHON,
           "def abs(x): return 0\ndef f(x): return 99\n",
           "assert abs(f(2) - 4) < 1\n", "f", "abs(f(2) - 4) < 1");
}

TEST(the_expected_values_are_not_where_the_candidate_runs)
{
    /* Reads everything it can find and looks for a value only the tests have. */
    expect(CHECK_TESTS, LANG_PYTHON,
           "import os, sys\n"
           "seen = ' '.join(sys.argv) + str(os.environ)\n"
           "for d, _, files in os.walk('/w'):\n"
           "  for n in files: seen += open(os.path.join(d, n)).read()\n"
           "try: seen += open('/proc/self/environ').read()\n"
           "except OSError: pass\n"
           "def f(x): return '8' + '1726354' in seen or 5\n",
           "assert f(2) == 81726354\n", "f",
           "f(2) returned 5, expected 81726354");
}

TEST(the_candidate_reaches_no_network_and_writes_no_file)
{
    py("import socket\n"
       "def f(x):\n  s = socket.socket()\n  s.connect(('127.0.0.1', 1))\n",
       "f(2) raised");
    py("def f(x):\n  open('/usr/canary', 'w')\n", "f(2) raised OSError");
    py("def f(x):\n  open('/w/canary', 'w')\n", "f(2) raised OSError");
    py("import os\ndef f(x):\n  return len(os.listdir('/home'))\n",
       "f(2) raised FileNotFoundError");
    py("def f(x):\n  return 'x' * (1 << 31)\n", "f(2) raised MemoryError");
}

TEST(tests_may_be_a_source_with_functions_and_exceptions)
{
    expect(CHECK_TESTS, LANG_PYTHON, "def add(a, b=1):\n    return a + b\n",
           "from solution import add\n"
           "def test_add():\n    assert add(1, 2) == 3\n"
           "def test_named():\n    assert add(1, b=5) == 6\n",
           "add", NULL);
    expect(CHECK_TESTS, LANG_PYTHON, "def f(a):\n    a.sort()\n",
           "x = [3, 1]\nf(x)\nassert x == [1, 3]\n", "f", NULL);
    expect(CHECK_TESTS, LANG_PYTHON, "def f(n):\n    raise KeyError(n)\n",
           "try:\n    f(1)\nexcept KeyError:\n    pass\nassert True\n", "f",
           NULL);
    expect(CHECK_TESTS, LANG_PYTHON,
           "class P:\n  def __init__(self, x): self.x = x\n"
           "  def get(self): return self.x\n",
           "p = P(3)\nassert p.get() == 3\nassert p.x == 3\n", "P", NULL);
}

/* The tests are at fault: an error, and no evidence against the model. */
static void wrong_tests(enum lang lang, const char *code, const char *tests,
                        const char *words)
{
    struct trial *t = mem_zalloc(sizeof(*t));
    enum err e = try_it(t, CHECK_TESTS, lang, code, tests, "f");

    if (e != ERR_SYNTAX || strstr(t->why.msg, words) == NULL)
        print_error("%s: %s\n", err_name(e), err_why(&t->why));
    CHECK(e == ERR_SYNTAX && strstr(t->why.msg, words) != NULL);
    trial_done(t);
    mem_free(t);
}

TEST(tests_that_test_nothing_prove_nothing)
{
    wrong_tests(LANG_PYTHON, "def f(x): return 1\n", "x = f(1)\n",
                "the tests test nothing");
    wrong_tests(LANG_PYTHON, "def f(x): return 1\n", "assert True\n",
                "the tests call nothing of the code");
    wrong_tests(LANG_PYTHON, "def f(x): return 1\n",
                "import pytest\nassert f(1) == 1\n", "cannot import");
    wrong_tests(LANG_JAVASCRIPT, "function f(x) { return 1; }\n",
                "const x = f(1);\n", "the tests test nothing");
    wrong_tests(LANG_C, "int f(int x) { return x; }\n", "assert(f(2));\n",
                "a test in C is");
}

TEST(what_a_test_swallows_still_counts)
{
    expect(CHECK_TESTS, LANG_PYTHON,
           "import os\ndef f(x):\n    if x < 0: os._exit(1)\n    return x\n",
           "assert f(1) == 1\ntry:\n    f(-1)\n    bad = True\n"
           "except Exception:\n    bad = False\nassert not bad\n",
           "f", "f(-1) ended the process");
    expect(CHECK_TESTS, LANG_PYTHON,
           "def f(x):\n    while x < 0: pass\n    return x\n",
           "assert f(1) == 1\ntry:\n    f(-1)\nexcept:\n    pass\n", "f",
           "f(-1) did not finish");
    expect(CHECK_TESTS, LANG_JAVASCRIPT,
           "function f(x) { if (x < 0) process.exit(0); return x; }\n",
           "assert.strictEqual(f(1), 1);\nassert.throws(() => f(-1));\n", "f",
           "f(-1) ended the process");
    expect(
        CHECK_TESTS, LANG_JAVASCRIPT,
        "function f(x) { if (x < 0) throw new TypeError('no'); return x; }\n",
        "assert.strictEqual(f(1), 1);\nassert.throws(() => f(-1));\n", "f",
        NULL);
}

TEST(a_candidate_cannot_end_a_loop_of_the_test)
{
    const char *stops = "def f(x):\n    raise StopIteration\n";

    expect(CHECK_TESTS, LANG_PYTHON, stops,
           "assert all(map(lambda x: f(x) == 2, [1, 2]))\n", "f",
           "raised RuntimeError: f(1) raised StopIteration");
    expect(CHECK_TESTS, LANG_PYTHON, stops,
           "assert list(map(lambda x: f(x), [1, 2])) == []\n", "f",
           "raised RuntimeError: f(1) raised StopIteration");
    expect(CHECK_TESTS, LANG_PYTHON,
           "class S(StopIteration): pass\ndef f(x):\n    raise S\n",
           "assert list(map(f, [1])) == []\n", "f", "f(1) raised S");
    /* Its own iterators end as they should. */
    expect(CHECK_TESTS, LANG_PYTHON, "def f(n):\n    yield from range(n)\n",
           "assert [x for x in f(3)] == [0, 1, 2]\n", "f", NULL);
}

TEST(promises_that_nobody_awaits_belong_to_the_test)
{
    const char *code = "async function f(x) { return 3; }\n";

    expect(CHECK_TESTS, LANG_JAVASCRIPT, code,
           "Promise.resolve().then(() => assert.strictEqual(f(1), 2));\n", "f",
           "f(1) returned 3, expected 2");
    expect(CHECK_TESTS, LANG_JAVASCRIPT, code,
           "(async () => {\n  for (let i = 0; i < 100; i++) await null;\n"
           "  (async () => { await null; assert.strictEqual(f(1), 2); })();\n"
           "})();\nassert.strictEqual(f(1), 3);\n",
           "f", "f(1) returned 3, expected 2");
    expect(CHECK_TESTS, LANG_JAVASCRIPT, code,
           "Promise.resolve().then(() => assert.strictEqual(f(1), 3));\n", "f",
           NULL);
}

TEST(a_name_of_the_candidate_does_not_hide_a_test)
{
    expect(CHECK_TESTS, LANG_PYTHON,
           "def f(x):\n    return 1\ndef test_a(): pass\n",
           "def test_a():\n    assert f(1) == 2\n"
           "def test_b():\n    assert f(1) in (1, 2)\n",
           "f", "f(1) returned 1, expected 2");
}

TEST(assertions_are_found_wherever_they_stand)
{
    expect(CHECK_TESTS, LANG_PYTHON, "def f(x):\n    return x * 2\n",
           "for a, b in [(1, 2), (3, 5)]:\n    assert f(a) == b\n", "f",
           "f(3) returned 6, expected 5");
    expect(CHECK_TESTS, LANG_PYTHON, "def f(x):\n    return x * 2\n",
           "for a, b in [(1, 2), (3, 6)]:\n    assert f(a) == b\n", "f", NULL);
    expect(CHECK_TESTS, LANG_PYTHON, "def f(x):\n    return x * 2\n",
           "import unittest\nclass T(unittest.TestCase):\n"
           "    def test_a(self):\n        self.assertEqual(f(1), 3)\n"
           "unittest.main()\n",
           "f", "f(1), then AssertionError: 2 != 3");
    expect(CHECK_TESTS, LANG_PYTHON, "def f(x):\n    return 10 ** 6000\n",
           "assert f(1) == 2\n", "f",
           "f(1) returned a very large int, expected 2");
}

TEST(words_of_a_candidate_are_not_those_of_the_sandbox)
{
    expect(CHECK_TESTS, LANG_C,
           "#include <stdio.h>\nint f(int x) { fprintf(stderr, \"bwrap: "
           "boo\\n\"); return 3; }\n",
           "assert(f(1) == 2);\n", "f", "f(1) returned 3, expected 2");
}

TEST(loading_finds_what_compiling_does_not)
{
    expect(CHECK_COMPILE, LANG_PYTHON, "x = 1 / 0\n", "", "", NULL);
    expect(CHECK_LOAD, LANG_PYTHON, "x = 1 / 0\n", "", "",
           "the code raised ZeroDivisionError: division by zero");
    expect(CHECK_LOAD, LANG_PYTHON, "def f(): pass\n", "", "f", NULL);
    expect(CHECK_COMPILE, LANG_PYTHON, "return 5\n", "", "",
           "syntax error on line 1: 'return' outside function");
}

TEST(syntax_says_line_and_words_for_each_language)
{
    expect(CHECK_SYNTAX, LANG_PYTHON, "def f(x):\n    return (x\n", "", "",
           "syntax error on line 2: '(' was never closed");
    expect(CHECK_SYNTAX, LANG_JAVASCRIPT, "function f(x) { return x;\n", "", "",
           "syntax error on line 1: missing '}'");
    expect(CHECK_SYNTAX, LANG_C, "int f(int x) { return x }\n", "", "",
           "syntax error on line 1: missing ';'");
    expect(CHECK_SYNTAX, LANG_PYTHON, "", "", "",
           "there is no code block in the answer");
    expect(CHECK_SYNTAX, LANG_C, "int f(int x) { return x; }\n", "", "", NULL);
}

#define JS_SQUARES                                                             \
    "assert.strictEqual(f(2), 4);\nassert.deepStrictEqual(f(3), 9);\n"         \
    "f(4) === 16\n"

static void js(const char *code, const char *evidence)
{
    expect(CHECK_TESTS, LANG_JAVASCRIPT, code, JS_SQUARES, "f", evidence);
}

TEST(javascript_is_tested_and_cannot_cheat)
{
    js("function f(x) { return x * x; }\n", NULL);
    js("const f = x => x * x;\nmodule.exports = { f };\n", NULL);
    js("export function f(x) { return x * x; }\n", NULL);
    js("async function f(x) { return x * x; }\n", NULL);
    js("function f(x) { return x + 2; }\n", "f(3) returned 5, expected 9");
    js("function f(x) { throw new Error('no'); }\n", "f(2) raised Error: no");
    js("process.exit(0);\n", "the code ended the process");
    js("function f(x) { process.exit(0); }\n", "f(2) ended the process");
    js("console.log('{\"ok\":true}'); function f(x) { return 1; }\n",
       "f(2) returned 1, expected 4");
    js("require('fs').writeSync(3, '{\"value\":4}\\n'.repeat(9));\n"
       "function f(x) { return 1; }\n",
       "the code broke the connection");
    js("function f(x) { return { valueOf: () => 4, toString: () => '4' }; }\n",
       "expected 4");
    js("function g(x) { return 1; }\n", "name f is not defined");
}

TEST(javascript_that_does_not_end_is_named)
{
    js("function f(x) { for (;;); }\n", "f(2) did not finish");
}

TEST(javascript_loads_and_compiles)
{
    expect(CHECK_COMPILE, LANG_JAVASCRIPT, "let a = 1; let a = 2;\n", "", "",
           "syntax error on line 1: Identifier 'a' has already been declared");
    expect(CHECK_LOAD, LANG_JAVASCRIPT, "nothing();\n", "", "",
           "the code raised ReferenceError");
    expect(CHECK_LOAD, LANG_JAVASCRIPT, "class A {}\n", "", "A", NULL);
}

static void c(const char *code, const char *evidence)
{
    expect(CHECK_TESTS, LANG_C, code,
           "assert(f(2) == 4);\nassert(f(3) == 9);\n", "f", evidence);
}

TEST(c_is_tested_and_cannot_cheat)
{
    c("int f(int x) { return x * x; }\n", NULL);
    c("double f(int x) { return x * x; }\n", NULL);
    c("int f(int x) { return x + 2; }\n", "f(3) returned 5, expected 9");
    c("int f(int x) { int *p = 0; return *p; }\n",
      "f(2) ended the process: signal");
    c("#include <stdlib.h>\nint f(int x) { exit(0); }\n",
      "f(2) ended the process");
    c("#include <stdio.h>\n__attribute__((constructor)) static void a(void)"
      "{ puts(\"4\\n5\"); }\nint f(int x) { return 1; }\n",
      "expected");
    c("int f(int x) { for (;;); }\n", "f(2) did not finish");
    c("int f(int x) { return y; }\n", "syntax error on line 1: 'y' undeclared");
    c("#include \"want.c\"\nint f(int x) { return 4; }\n", "want.c");
}

TEST(c_texts_are_compared_by_strcmp)
{
    expect(CHECK_TESTS, LANG_C,
           "const char *f(int x) { return x ? \"a,b\" : \"\"; }\n",
           "assert(strcmp(f(1), \"a,b\") == 0);\n", "f", NULL);
    expect(CHECK_TESTS, LANG_C, "const char *f(int x) { return \"c\"; }\n",
           "assert(strcmp(f(1), \"a\") == 0);\n", "f",
           "f(1) returned \"c\", expected \"a\"");
}

TEST(a_check_can_be_cancelled)
{
    struct trial *t = mem_zalloc(sizeof(*t));
    struct check_job job = {.lang = LANG_PYTHON,
                            .code = STR("def f(x):\n  while 1: pass\n"),
                            .tests = STR(SQUARES),
                            .entry = STR("f"),
                            .workdir = &t->workdir,
                            .time_ms = 60000};
    int ends[2];

    t->result = CHECK_RESULT_INIT;
    CHECK(fd_pipe(ends, NULL) == ERR_OK);
    CHECK(fd_write_all(ends[1], STR("x")) == ERR_OK);
    job.cancel_fd = ends[0];
    CHECK(fs_mkdir_temp("/tmp", "check_test", t->dir, NULL) == ERR_OK);
    CHECK(workdir_open(&t->workdir, t->dir, STR(TASK_ID), 1, NULL) == ERR_OK);
    CHECK(workdir_put(&t->workdir, LANG_PYTHON, job.code, NULL) == ERR_OK);
    CHECK(check_run(CHECK_TESTS, &job, &t->result, &t->why) == ERR_CANCELLED);
    fd_close(ends[0]);
    fd_close(ends[1]);
    trial_done(t);
    mem_free(t);
}
