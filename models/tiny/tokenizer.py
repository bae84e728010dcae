"""Byte-level BPE, the same as llama.cpp's `tokenizer.ggml.model = gpt2`, `tokenizer.ggml.pre = gpt-2`.

    python3 tokenizer.py OUT.json       learns it from generated examples of both layers

Two choices for a vocabulary this small:
- merges are learnt with the leading space of a word split off, so that `add` is the same token after
  a space, after "(" and at the start of a line: copying a name is then copying tokens;
- in a second phase, space + whole word becomes one token, for frequent words of instructions only.
Digits are never merged, so any constant is spelt.
"""
import argparse
import itertools
import json
import re
from collections import Counter, defaultdict

PATTERN = re.compile(r"'s|'t|'re|'ve|'m|'ll|'d| ?[^\W\d_]+| ?\d+| ?(?:[^\s\w]|_)+|\s+(?!\S)|\s+")
SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|pad|>"]
VOCAB = 2048
SPACED_WORDS = 420               # tokens of the second phase
SAMPLES = 60000


def _byte_table():
    """GPT-2's printable stand-ins for the 256 bytes."""
    keep = list(range(33, 127)) + list(range(161, 173)) + list(range(174, 256))
    chars, n = {}, 0
    for b in range(256):
        chars[b] = chr(b) if b in keep else chr(256 + n)
        n += b not in keep
    return {b: chars[b] for b in keep + [b for b in range(256) if b not in keep]}


BYTE_TO_CHAR = _byte_table()
CHAR_TO_BYTE = {c: b for b, c in BYTE_TO_CHAR.items()}
SPACE = BYTE_TO_CHAR[32]


def _spell(text):
    return "".join(BYTE_TO_CHAR[b] for b in text.encode("utf-8"))


def _merge(symbols, pair):
    out, i = [], 0
    while i < len(symbols):
        if symbols[i:i + 2] == list(pair):
            out.append(pair[0] + pair[1])
            i += 2
        else:
            out.append(symbols[i])
            i += 1
    return out


def learn(texts, merges_wanted, spaced_wanted, plain):
    """Learns merges; `plain` is the set of words that may get a token with their leading space."""
    words, spaced = Counter(), Counter()
    for text in texts:
        for w in PATTERN.findall(text):
            if len(w) > 1 and w[0] == " " and w[1].isalpha():
                w = w[1:]
                spaced[w] += 1
            if not w.strip().isdigit():
                words[w] += 1
    items = [[list(_spell(w)), n] for w, n in words.items()]
    pairs, where = Counter(), defaultdict(set)
    for i, (symbols, n) in enumerate(items):
        for p in zip(symbols, symbols[1:]):
            pairs[p] += n
            where[p].add(i)
    merges = []
    while len(merges) < merges_wanted:
        best = max(pairs, key=lambda p: (pairs[p], p))
        merges.append(best)
        for i in list(where[best]):
            symbols, n = items[i]
            for p in zip(symbols, symbols[1:]):
                pairs[p] -= n
            items[i][0] = symbols = _merge(symbols, best)
            for p in zip(symbols, symbols[1:]):
                pairs[p] += n
                where[p].add(i)
        pairs.pop(best, None)
        where.pop(best, None)
    single = {symbols[0] for symbols, _ in items if len(symbols) == 1}
    found = [(SPACE, _spell(w)) for w, _ in spaced.most_common() if w in plain and (_spell(w) in single or len(_spell(w)) == 1)]
    merges += found[:spaced_wanted]
    vocab = list(BYTE_TO_CHAR.values())
    known = set(vocab)
    for a, b in merges:
        if a + b not in known:
            known.add(a + b)
            vocab.append(a + b)
    return vocab, merges


class Tokenizer:
    """Text to token ids and back, and the chat template."""

    def __init__(self, data):
        self.vocab, self.special = data["vocab"], data["special"]
        self.merges = [tuple(m) for m in data["merges"]]
        self.all = self.vocab + self.special
        self.id = {t: i for i, t in enumerate(self.all)}
        self.rank = {m: i for i, m in enumerate(self.merges)}
        self.cache = {}
        self.end_of_text, self.im_start, self.im_end, self.pad = (self.id[s] for s in SPECIAL)

    @classmethod
    def load(cls, path):
        with open(path, encoding="utf-8") as f:
            return cls(json.load(f))

    def _word(self, word):
        ids = self.cache.get(word)
        if ids is None:
            symbols = list(_spell(word))
            while len(symbols) > 1:
                best = min(zip(symbols, symbols[1:]), key=lambda p: self.rank.get(p, 1 << 30))
                if best not in self.rank:
                    break
                symbols = _merge(symbols, best)
            ids = self.cache[word] = [self.id[s] for s in symbols]
        return ids

    def encode(self, text):
        return [i for w in PATTERN.findall(text) for i in self._word(w)]

    def decode(self, ids):
        data = b""
        for i in ids:
            data += bytes(CHAR_TO_BYTE[c] for c in self.all[i]) if i < len(self.vocab) else self.all[i].encode()
        return data.decode("utf-8", "replace")

    def prompt(self, messages):
        """ChatML, as the template in the GGUF renders it, up to the assistant's turn."""
        out = []
        for role, text in messages:
            out += [self.im_start] + self.encode(role + "\n" + text) + [self.im_end] + self.encode("\n")
        return out + [self.im_start] + self.encode("assistant\n")

    def example(self, messages):
        """(ids, marks): marks are 1 on the last answer, which is what is learnt."""
        prompt = self.prompt(messages[:-1])
        answer = self.encode(messages[-1][1]) + [self.im_end]
        return prompt + answer + self.encode("\n"), [0] * len(prompt) + [1] * len(answer) + [0]


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("out")
    a = p.parse_args()
    import generate
    import names
    texts = []
    for seed, layer in ((98, "easy"), (99, "hard")):
        for e in itertools.islice(generate.stream(seed, layer), SAMPLES // 2):
            texts += [role + "\n" + text for role, text in e["messages"]]
    words = Counter(w for t in texts for w in re.findall(r"[^\W\d_]+", t))
    parts = {part for n in names.VERBS + names.NOUNS + names.LABELS for part in n.split("_")}
    plain = {w for w, n in words.items() if n > 150} - parts - set(names.SYLLABLES) - set("abcdefghijklmnopqrstuvwxyz")
    room = VOCAB - 256 - len(SPECIAL)
    vocab, merges = learn(texts, room - SPACED_WORDS, SPACED_WORDS, plain)
    special = SPECIAL + ["<|reserved_%d|>" % i for i in range(VOCAB - len(vocab) - len(SPECIAL))]
    with open(a.out, "w", encoding="utf-8") as f:
        json.dump({"vocab": vocab, "merges": merges, "special": special}, f, ensure_ascii=False, indent=0)
    t = Tokenizer.load(a.out)
    sample = texts[:6000]
    assert all(t.decode(t.encode(x)) == x for x in sample)
    print("vocab %d, reserved %d, bytes per token %.2f" % (
        len(t.all), len(special) - len(SPECIAL), sum(len(x.encode()) for x in sample) / sum(len(t.encode(x)) for x in sample)))


if __name__ == "__main__":
    main()
