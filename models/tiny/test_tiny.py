"""Tests of the generator, the tokenizer and the GGUF files. No PyTorch needed.

    python3 test_tiny.py
"""
import itertools
import json
import os
import random
import re
import unittest

import generate
import gguf
import heldout
import runcode
from functions import EASY_FAMILIES, HARD_FAMILIES, Maker, make
from mistakes import retry_message
from names import HELD_NAMES
from tables import EASY, HARD, LANGS, stable_hash
from tokenizer import Tokenizer
from values import tests_for

HERE = os.path.dirname(os.path.abspath(__file__))


def asserts(spec, tests):
    return ["assert %s(%s) == %r" % (spec.name, ", ".join(map(repr, args)), want) for args, want in tests]


class Generator(unittest.TestCase):
    def test_every_operation_runs_in_every_wording(self):
        r = random.Random(1)
        for entry, lang, split in itertools.product(EASY + HARD, LANGS, ("train", "phrase")):
            spec = Maker(r, lang, split).operation(entry)
            self.assertNotRegex(spec.np, r"\{[abck]\}")
            self.assertGreaterEqual(len(tests_for(r, spec, 4)), 2, entry.id)

    def test_reference_answers_pass_their_own_tests_in_the_child(self):
        r = random.Random(2)
        for family in EASY_FAMILIES + HARD_FAMILIES:
            spec = make(r, family, r.choice(LANGS), "std")
            answer = "```python\n%s\n```" % spec.code
            self.assertIsNone(runcode.failure(answer, spec.name, asserts(spec, tests_for(r, spec, 4))), family)

    def test_checked_answers_verify(self):
        r = random.Random(3)
        for family in generate.EASY_WEIGHTS:
            e = generate.example(r, family, r.choice(LANGS), "std")
            if e["check"]["type"] != "func":
                self.assertTrue(runcode.verified(e["check"], e["messages"][-1][1]), family)

    def test_no_held_out_name_or_wording_in_training(self):
        held = {p for e in EASY + HARD for lang in LANGS for p in e.held[lang] if "{" in p}
        shapes = [re.compile(re.sub(r"\\\{[abck]\\\}", r"\\w+", re.escape(p))) for p in held if len(p) > 25]
        for e in itertools.islice(generate.stream(4, "hard"), 1500):
            text, answer = e["messages"][-2][1], e["messages"][-1][1]
            name = re.search(r"^def (\w+)\(", answer, re.M)
            if name and e["family"] in EASY_FAMILIES and len(name[1]) > 1:
                natural = any(name[1] in x.names for x in EASY)
                self.assertTrue(natural or stable_hash("id:" + name[1]) % HELD_NAMES != 0, name[1])
            if e["family"] in EASY_FAMILIES:
                self.assertFalse([s.pattern for s in shapes if s.fullmatch(text)])

    def test_the_stream_is_the_same_for_the_same_seed(self):
        take = lambda: [e["messages"] for e in itertools.islice(generate.stream(5, "hard"), 50)]
        self.assertEqual(take(), take())


class Execution(unittest.TestCase):
    def line(self, code, tests=("assert f(3) == 5",)):
        return runcode.failure("```python\n%s\n```" % code, "f", list(tests))

    def test_evidence_lines_follow_the_contract(self):
        self.assertIsNone(self.line("def f(x):\n    return x + 2"))
        self.assertEqual(self.line("def f(x):\n    return x"), "f(3) returned 3, expected 5")
        self.assertEqual(self.line("def f(x):\n    return x[0]"), "f(3) raised TypeError: 'int' object is not subscriptable")
        self.assertEqual(self.line("def f(x)\n    return x"), "syntax error on line 1: expected ':'")
        self.assertEqual(self.line("def g(x):\n    return x"), "name f is not defined")
        self.assertEqual(self.line("def f(x):\n    while True:\n        pass"), "f(3) did not finish")

    def test_evidence_is_one_short_line(self):
        got = self.line("def f(x):\n    return 'a\\nb' * 500")
        self.assertLessEqual(len(got), runcode.EVIDENCE_LIMIT)
        self.assertNotIn("\n", got)

    def test_retry_message_is_the_contract(self):
        self.assertEqual(retry_message("T", "C", "E"), "T\n\nPrevious attempt:\n```python\nC\n```\nCheck failed: E\nFix it.")


class Files(unittest.TestCase):
    def test_shipped_tasks_are_what_the_seed_gives(self):
        with open(os.path.join(HERE, "heldout.jsonl"), encoding="utf-8") as f:
            self.assertEqual([json.loads(line) for line in f], heldout.choose())

    def test_shipped_models_hold_the_tokenizer_and_the_template(self):
        t = Tokenizer.load(os.path.join(HERE, "tokenizer.json"))
        for name, layers in (("tiny-1m", 4), ("tiny-6m", 6)):
            meta, tensors = gguf.read(os.path.join(HERE, name + "-q8_0.gguf"))
            self.assertEqual(meta["tokenizer.ggml.tokens"], t.all)
            self.assertEqual(meta["tokenizer.chat_template"], gguf.TEMPLATE)
            self.assertEqual(meta["llama.block_count"], layers)
            self.assertEqual(len(tensors), 2 + 9 * layers)

    def test_tokenizer_gives_any_text_back(self):
        t = Tokenizer.load(os.path.join(HERE, "tokenizer.json"))
        for text in ("def f(x):\n\treturn x  # ещё «раз»\r\n\n", "日本語 🙂 a_b__c 12345 <|im_end|>", ""):
            self.assertEqual(t.decode(t.encode(text)), text)


if __name__ == "__main__":
    unittest.main()
