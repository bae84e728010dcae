"""From a task to the user's words: fixed sentences, the slot grammar, synonyms, typing noise.

The wording is the known weakness of models this small, so a phrase is varied in four ways: several
phrasings per operation (tasks/*.txt), synonyms inside a phrase, many sentence frames, small noise.
"""
import re

import grammar
from names import pseudo

# {np} may also come first: people do not always name the function first.
# Templates after the None are held out of training.
TASK = {
    "en": ["Write a Python function {sig} that returns {np}.", "Write {sig} which returns {np}.",
           "Implement {sig} returning {np}.", "Write a function {sig} that returns {np}.",
           "Create a function named {name} with parameters {plist} that returns {np}.",
           "I need a function {name} taking {plist}. It should return {np}.", "Define {sig}; it returns {np}.",
           "Please code {sig}: return {np}.", "Function {sig} should return {np}. Implement it.",
           "Python: {sig} -> {np}", "Can you write {sig} that gives {np}?",
           "Complete the function.\n```python\ndef {sig}:\n    # returns {np}\n```",
           "Add a helper {sig} that returns {np}.", "{sig} must return {np}. Write it.",
           "Write a function. Name: {name}. Parameters: {plist}. Returns: {np}.",
           "Requirement: {sig} returns {np}. Write the code.", "Return {np}. The function is {sig}.",
           "Given {plist}, return {np}. Call the function {name}.", "Given {plist}, compute {np}; name it {name}.",
           "How do I write {sig} so that it returns {np}?", "Write Python code for {np}: {sig}.",
           "{name}({plist}): returns {np}", "def {sig}: return {np}", "Calculate {np} in a function {sig}.",
           "We want {np}. Write {sig} for that.", "Write a Python function `{name}({plist})` that computes {np}.",
           "Implement `{name}({plist})` so that it returns {np}.", "Find {np} with a function {sig}.",
           "Write a function called {name} that takes {plist} and returns {np}.",
           "The function {name} accepts {plist} and returns {np}. Write it in Python.", None,
           "Make me a Python function {sig}, it has to return {np}.",
           "Task: code up {name}({plist}) so that we get {np}.",
           "I would like a function {sig} whose result is {np}.",
           "Show me how {sig} can return {np} in Python.",
           "Build the Python function {name}({plist}). Its return value: {np}.",
           "{np}: that is what {sig} has to return."],
    "ru": ["Напиши функцию {sig} на Python, которая возвращает {np}.", "Напиши {sig}, чтобы она возвращала {np}.",
           "Реализуй {sig}: верни {np}.", "Напиши функцию {sig}, которая возвращает {np}.",
           "Создай функцию {name} с параметрами {plist}, возвращающую {np}.",
           "Нужна функция {name} с параметрами {plist}. Она должна возвращать {np}.",
           "Определи функцию {sig}, она возвращает {np}.", "Пожалуйста, напиши код {sig}: вернуть {np}.",
           "Функция {sig} должна возвращать {np}. Реализуй её.", "Python: {sig} -> {np}",
           "Можешь написать {sig}, которая даёт {np}?",
           "Допиши функцию.\n```python\ndef {sig}:\n    # возвращает {np}\n```",
           "Добавь функцию {sig}, возвращающую {np}.", "{sig} должна вернуть {np}. Напиши её.",
           "Напиши функцию. Имя: {name}. Параметры: {plist}. Возвращает: {np}.",
           "Требование: {sig} возвращает {np}. Напиши код.", "Верни {np}. Функция называется {sig}.",
           "Даны {plist}, верни {np}. Назови функцию {name}.", "По параметрам {plist} вычисли {np}; имя функции {name}.",
           "Как написать {sig}, чтобы она возвращала {np}?", "Напиши код на Python: {sig}, вернуть {np}.",
           "{name}({plist}): возвращает {np}", "def {sig}: вернуть {np}", "Вычисли {np} в функции {sig}.",
           "Нужно получить {np}. Напиши для этого {sig}.", "Напиши на Python функцию `{name}({plist})`, которая вычисляет {np}.",
           "Реализуй `{name}({plist})` так, чтобы она возвращала {np}.", "Найди {np} с помощью функции {sig}.",
           "Напиши функцию с именем {name}, которая принимает {plist} и возвращает {np}.",
           "Функция {name} принимает {plist} и возвращает {np}. Напиши её на Python.", None,
           "Сделай мне на питоне функцию {sig}, пусть она вернёт {np}.",
           "Задача: закодируй {name}({plist}), чтобы получить {np}.",
           "Хочу функцию {sig}, результат которой выдаёт {np}.",
           "Покажи, как {sig} может вернуть {np} на Python.",
           "Построй функцию {name}({plist}) на Python. Она обязана вернуть {np}.",
           "Надо вернуть {np}: это делает функция {sig}, напиши её."],
}
STEPS = {
    "en": ["Write a Python function {sig} that {np}.", "Write {sig} which {np}.", "Implement {sig}. It {np}.",
           "Create a function {name} with parameter {plist} that {np}.", "I need {sig}: it {np}.",
           "Function {sig} takes a value, {np}. Implement it.", "Python: {sig} {np}",
           "Write a function called {name} that takes {plist}, {np}.", "Implement `{name}({plist})`: it {np}.", None,
           "Task: code up {sig}, which {np}.", "Make me a function {sig}, so it {np}.",
           "I would like a function {sig} that {np}."],
    "ru": ["Напиши функцию {sig} на Python, которая {np}.", "Напиши {sig}, которая {np}.", "Реализуй {sig}. Она {np}.",
           "Создай функцию {name} с параметром {plist}, которая {np}.", "Нужна {sig}: она {np}.",
           "Функция {sig} принимает значение, {np}. Реализуй её.", "Python: {sig} {np}",
           "Напиши функцию с именем {name}, которая принимает {plist}, {np}.", "Реализуй `{name}({plist})`: она {np}.", None,
           "Задача: закодируй {sig}, которая {np}.", "Сделай мне {sig}, пусть она {np}.",
           "Хочу функцию {sig}, которая {np}."],
}
CHAIN = {
    "en": ["Write a Python function {sig}: take {np}, then {st}, and return the result.",
           "Implement {sig}. Take {np}, {st}. Return the result.",
           "Write {sig} that takes {np}, then {st} and returns the result.",
           "{sig}: start with {np}, then {st}. Return it.",
           "Create a function {name} with parameters {plist}. Start from {np}, then {st}. Return the result.", None,
           "Make me {sig}: begin with {np}, after that {st}, give the result back."],
    "ru": ["Напиши функцию {sig} на Python: возьми {np}, затем {st}, и верни результат.",
           "Реализуй {sig}. Возьми {np}, {st}. Верни результат.",
           "Напиши {sig}, где берётся {np}, потом {st}. Верни результат.",
           "{sig}: начни с {np}, затем {st}. Верни его.",
           "Создай функцию {name} с параметрами {plist}. Возьми {np}, затем {st}. Верни результат.", None,
           "Сделай мне {sig}: вычисли {np}, после этого {st}, отдай результат."],
}
FRAMES = {"task": (TASK, grammar.WRITE), "steps": (STEPS, grammar.WRITE_STEPS), "chain": (CHAIN, grammar.WRITE_CHAIN)}

P_LOOSE = .12                    # share of loose frames in training

# one word or expression of the first column may become another of the same row
SYNONYMS = {
    "en": [("the sum of", "the total of", "sum of"), ("the number of", "the count of", "the amount of"),
           ("largest", "biggest", "greatest", "highest", "maximum"), ("smallest", "lowest", "least", "minimum"),
           ("items", "elements", "entries", "values"), ("item", "element", "entry", "value"),
           ("elements", "items", "members", "values"), ("numbers", "values", "integers"),
           ("the list", "the array", "list"), ("the string", "the text", "string"), ("dict", "dictionary"),
           ("characters", "symbols", "chars", "letters"), ("character", "symbol", "letter"),
           ("whether", "True if", "True when", "if", "a boolean: whether"), ("True if", "True when", "true if", "whether"),
           ("greater than", "more than", "larger than", "bigger than"), ("less than", "smaller than", "lower than"),
           ("multiplied by", "times"), ("removed", "deleted", "dropped", "taken out"), ("occurs", "appears", "is found"),
           ("in reverse order", "backwards", "reversed"), ("without", "with no"), ("every", "each"), ("only", "just"),
           ("in ascending order", "from smallest to largest", "in increasing order"),
           ("in descending order", "from largest to smallest", "in decreasing order")],
    "ru": [("количество", "число"), ("элементов", "значений"), ("элементы", "значения"),
           ("список", "массив"), ("списка", "массива"), ("списке", "массиве"), ("строки", "текста"), ("строке", "тексте"),
           ("строку", "текст"), ("наибольшее", "максимальное", "самое большое"), ("наименьшее", "минимальное", "самое маленькое"),
           ("наибольший", "максимальный", "самый большой"), ("наименьший", "минимальный", "самый маленький"),
           ("больше", "выше"), ("меньше", "ниже"), ("без повторов", "без дубликатов"), ("символов", "знаков", "букв"),
           ("верно ли, что", "правда ли, что", "True, если"), ("True, если", "истину, если", "True когда"),
           ("является ли", "правда ли"), ("сумму", "общую сумму", "итог сложения"), ("каждый", "всякий"),
           ("в обратном порядке", "задом наперёд", "наоборот"), ("встречается", "попадается"), ("только", "лишь"),
           ("по возрастанию", "от меньшего к большему"), ("по убыванию", "от большего к меньшему")],
}
_RULES = {lang: [(re.compile(r"(?<![\w(])%s(?![\w(])" % re.escape(row[0])), row[1:]) for row in rows]
          for lang, rows in SYNONYMS.items()}
OPENERS = {"en": ["Please. ", "Hi! ", "Hello. ", "Task: ", "Question: ", "OK, next. "],
           "ru": ["Пожалуйста. ", "Привет! ", "Здравствуйте. ", "Задача: ", "Вопрос: ", "Хорошо, дальше. "]}
CLOSERS = {"en": [" Only code.", " No explanations.", " Keep it short.", " Thanks!", " Use Python."],
           "ru": [" Только код.", " Без объяснений.", " Коротко.", " Спасибо!", " Используй Python."]}


def synonyms(r, phrase, lang, p=.25):
    """Replaces some expressions of a phrase by others of the same meaning."""
    for rule, others in _RULES[lang]:
        if rule.search(phrase) and r.random() < p:
            phrase = rule.sub(r.choice(others), phrase, count=1)
    if lang == "en" and phrase.startswith("the ") and r.random() < .06:
        phrase = phrase[4:]
    return phrase


# words of the loose frames: any of them may stand around the name and the operation
LOOSE = {
    "en": """please now then just so go on need want must should could will here there this that it one new short simple
good quick python function code helper program def snippet answer solution for with by as in to of us you we which giving
doing having using about result value output done again today next also well exactly goal job work""".split(),
    "ru": """пожалуйста теперь потом просто так давай нужно надо хочу должна можно здесь это одна новая короткая простая
хорошая быстро python функция функцию код программа ответ решение для с как в на из нам ты мы которая чтобы делая имея
используя про результат значение вывод готово снова сегодня дальше также точно цель дело работа""".split()}


def loose_frame(r, kind, lang):
    """Words in no order around the name and the operation. They carry no sense on purpose: whatever the
    sentence, the name is what stands before the bracket, and that is what these teach."""
    words = lambda n: [pseudo(r) if r.random() < .2 else r.choice(LOOSE[lang]) for _ in range(r.randint(0, n))]
    name = [r.choice(("{sig}", "{sig}", "{name}({plist})"))]
    what = ["{np}, {st}" if kind == "chain" else "{np}"]
    mark = [r.choice((":", ",", "-", ".", ""))]
    parts = words(4) + name + mark + words(3) + what + words(2) if r.random() < .75 else words(3) + what + mark + words(3) + name + words(3)
    text = re.sub(r" ([:,.])", r"\1", " ".join(x for x in parts if x))
    return text + r.choice((".", "", "!", "?"))


def frame(r, kind, lang, held, p_grammar=.5):
    """A sentence with the places {sig} {name} {plist} {np} {st}."""
    if not held and r.random() < P_LOOSE * (p_grammar > 0):
        return loose_frame(r, kind, lang)
    fixed, slots = FRAMES[kind]
    if r.random() < p_grammar:
        text = grammar.expand(r, held, slots[lang])
        return text[:1].upper() + text[1:] if r.random() < .8 and text[:1] != "{" else text
    usual, rare = grammar.split(fixed[lang])
    return r.choice(rare if held else usual)


def instruction(r, slots, lang, held, block):
    """An instruction about a code block, which follows it (or stands before it)."""
    text = grammar.expand(r, held, slots[lang]).strip()
    text = text[:1].upper() + text[1:] if r.random() < .8 and text[:1] != "{" else text
    if r.random() < .85:
        return text + "\n" + block
    return block + "\n" + text.rstrip(": ") + "."


def comma_before_question(text):
    """Russian indirect questions take a comma: "возвращает, чётное ли n"."""
    return re.sub(r"(возвра\w+|верн\w+|вычис\w+|даёт|отда\w+) (?=\{np\})", r"\1, ", text)


def ask(r, spec, lang, held=False, p_grammar=.5):
    """The user's message that asks for the function of `spec`."""
    text = frame(r, spec.frame, lang, held, p_grammar)
    if lang == "ru" and re.search(r"\bли\b", spec.np) and r.random() < .6:
        text = comma_before_question(text)
    plist = ", ".join(spec.params)
    code_like = "```" in text or "({plist})" in text
    if len(spec.params) > 1 and r.random() < .4 and not code_like:
        plist = ", ".join(spec.params[:-1]) + (" and " if lang == "en" else " и ") + spec.params[-1]
    sig = "`%s`" % spec.sig if r.random() < .25 and not code_like else spec.sig
    joiner = (", then " if lang == "en" else ", затем ") if r.random() < .5 else ", "
    words = dict(sig=sig, name=spec.name, plist=plist, np=spec.np, st=joiner.join(spec.steps))
    return re.sub(r"\{(sig|name|plist|np|st)\}", lambda m: words[m[1]], text)


def noise(r, text, lang):
    """What people do: a greeting, no capital letter, no full stop, a slip of the finger in a word."""
    if r.random() < .12 and text[:1].isalpha():
        text = text[0].lower() + text[1:]
    if r.random() < .10:
        text = r.choice(OPENERS[lang]) + text
    if "```" in text:
        return text
    if text.endswith(".") and r.random() < .15:
        text = text[:-1]
    if r.random() < .08:
        text += r.choice(CLOSERS[lang])
    if r.random() < .06:
        text = _slip(r, text)
    return text


def _slip(r, text):
    """One typing error in the first word, which is never a name."""
    head, _, tail = text.partition(" ")
    if len(head) < 5 or not head.isalpha():
        return text
    i = r.randrange(1, len(head) - 1)
    return head[:i] + (head[i + 1:] if r.random() < .5 else head[i] + head[i:]) + " " + tail
