"""Looks for demonstration tasks: one that the first model cannot do and the second can.

    python3 demo.py tiny-1m-q8_0.gguf tiny-6m-q8_0.gguf en > demo.json

Unlike heldout.jsonl this is chosen by looking at the models: a demonstration of escalation needs a task
that escalates. Known algorithms with plain names; the sentence frames are the trained ones.
"""
import json
import sys

from evaluate import Model, solve
from values import call

TASKS = [
    ("word_freq", "text", "the word frequencies of text as a dict", "частоты слов строки text словарём",
     [["a b a"], ["one two two one two"], [""], ["x"]],
     "def word_freq(text):\n    d = {}\n    for w in text.split():\n        d[w] = d.get(w, 0) + 1\n    return d"),
    ("transpose", "matrix", "the transpose of matrix", "транспонированную матрицу matrix",
     [[[[1, 2], [3, 4]]], [[[1, 2, 3]]], [[[5]]], [[[1], [2]]]],
     "def transpose(matrix):\n    return [list(r) for r in zip(*matrix)]"),
    ("is_anagram", "a, b", "whether a and b are anagrams", "являются ли a и b анаграммами",
     [["listen", "silent"], ["abc", "abd"], ["", ""], ["aab", "abb"]],
     "def is_anagram(a, b):\n    return sorted(a) == sorted(b)"),
    ("flatten", "items", "the list of lists items flattened", "список списков items, развёрнутый в один",
     [[[[1, 2], [3]]], [[]], [[[], [4]]], [[[1], [2], [3, 4]]]],
     "def flatten(items):\n    return [x for y in items for x in y]"),
    ("fizzbuzz", "n", "Fizz, Buzz, FizzBuzz or the number n as a string", "Fizz, Buzz, FizzBuzz или число n строкой",
     [[3], [5], [15], [7]],
     "def fizzbuzz(n):\n    return 'FizzBuzz' if n % 15 == 0 else 'Fizz' if n % 3 == 0 else 'Buzz' if n % 5 == 0 else str(n)"),
    ("gcd", "a, b", "the greatest common divisor of a and b", "наибольший общий делитель a и b",
     [[12, 18], [7, 5], [10, 5], [9, 9]],
     "def gcd(a, b):\n    while b:\n        a, b = b, a % b\n    return a"),
]


def main():
    first, second, lang = sys.argv[1:4]
    tasks = []
    for name, params, en, ru, calls, code in TASKS:
        np = en if lang == "en" else ru
        form = "Write a Python function %s(%s) that returns %s." if lang == "en" else "Напиши функцию %s(%s) на Python, которая возвращает %s."
        tests = ["assert %s(%s) == %r" % (name, ", ".join(map(repr, a)), call(code, name, a)) for a in calls]
        tasks.append({"id": "demo-" + lang, "level": "hard", "lang": lang, "prompt": form % (name, params, np), "language": "python",
                      "entry": name, "tests": tests})
    a, b = solve(Model(first), tasks), solve(Model(second), tasks)
    found = [t for t, x, y in zip(tasks, a, b) if not x[0] and y[0]]
    for t, x, y in zip(tasks, a, b):
        print(t["entry"], x[0], y[0], file=sys.stderr)
    print(json.dumps(found[0], ensure_ascii=False, indent=2))


if __name__ == "__main__":
    main()
