"""Instruction wording as small slot grammars: one option of every slot makes a sentence.

In each slot the options after the None are held out of training (split "tmpl"). Russian and English
are written side by side. {sig} is `name(a, b)`, {plist} the parameters, {np} what is to be returned,
{st} the steps of a chain.
"""


def split(options):
    """(trained options, held-out options) of a slot."""
    at = options.index(None) if None in options else len(options)
    return options[:at], options[at + 1:]


def expand(r, held, slots):
    """A sentence; with `held`, at least one slot takes a held-out option."""
    pairs = [split(s) for s in slots]
    able = [i for i, (_, rare) in enumerate(pairs) if rare]
    pick = set(r.sample(able, r.randint(1, len(able)))) if held and able else set()
    return "".join(r.choice(rare if i in pick else usual) for i, (usual, rare) in enumerate(pairs))


WRITE = {
    "en": [
        ["", "", "", "Please ", "Now ", "Next, ", "Could you ", "Can you ", "I want you to ", "Help me ", "Let us ",
         "You have to ", "We should ", None, "Kindly ", "Time to "],
        ["write ", "write ", "create ", "implement ", "make ", "define ", "build ", "code ", "add ", "develop ",
         "provide ", "produce ", "give me ", "generate ", "prepare ", "do ", None, "craft ", "put together "],
        ["a Python function {sig}", "a function {sig}", "{sig}", "{sig}", "the function {sig}",
         "a function named {name} with parameters {plist}", "a function called {name} with arguments {plist}",
         "a function {name} taking {plist}", "a function {name} that accepts {plist}", "a small helper {sig}",
         "Python code for {sig}", "def {sig}", "a method {sig}", "a short function {sig}",
         "the Python function {name}({plist})", None, "a routine {sig}", "a little Python procedure {sig}"],
        [" that returns ", " that returns ", " which returns ", " returning ", " to return ", " so that it returns ",
         " that gives ", " that computes ", " and return ", ". It returns ", ". It should return ",
         ". It must return ", "; it returns ", ": return ", " -> ", " to get ", " to compute ", " that calculates ",
         " which gives back ", ". Result: ", ". Output: ", ". Expected result: ", ". We need ", ". It calculates ",
         " for getting ", None, " whose answer is ", ", and the outcome has to be ", " that hands back "],
        ["{np}"],
        [".", ".", ".", ".", "", "", "!", " in Python.", ", please.", None, " using Python."],
    ],
    "ru": [
        ["", "", "", "Пожалуйста, ", "Теперь ", "Дальше ", "Можешь ли ты: ", "Прошу, ", "Помоги мне: ", "Нужно: ",
         "Давай ", "Тебе надо: ", "Задание: ", None, "Будь добр, ", "Пора: "],
        ["напиши ", "напиши ", "создай ", "реализуй ", "сделай ", "определи ", "построй ", "закодируй ", "добавь ",
         "разработай ", "составь ", "дай ", "подготовь ", "придумай ", None, "сооруди ",
         "набросай "],
        ["функцию {sig} на Python", "функцию {sig}", "{sig}", "{sig}", "функция {sig}",
         "функцию {name} с параметрами {plist}", "функцию с именем {name} и аргументами {plist}",
         "функцию {name}, принимающую {plist}", "функцию {name}, у которой параметры {plist}",
         "небольшую функцию {sig}", "код на Python для {sig}", "def {sig}", "короткую функцию {sig}",
         "Python функцию {name}({plist})", None, "подпрограмму {sig}", "маленькую процедуру {sig} на питоне"],
        [", которая возвращает ", ", которая возвращает ", ", возвращающую ", ", чтобы вернуть ",
         ", чтобы она возвращала ", ", которая даёт ", ", которая вычисляет ", " и верни ", ". Она возвращает ",
         ". Она должна возвращать ", ". Нужно вернуть ", "; она возвращает ", ": верни ", " -> ",
         ", чтобы получить ", ", чтобы вычислить ", ", которая считает ", ", она отдаёт ", ". Результат: ",
         ". Ответ: ", ". Ожидается: ", ". Надо получить ", ". Она вычисляет ", ": вычисли ", None,
         ", итогом которой будет ", ", пусть вернёт ", ". На выходе хотим "],
        ["{np}"],
        [".", ".", ".", ".", "", "", "!", " на Python.", ", пожалуйста.", None, " силами Python."],
    ],
}
WRITE_STEPS = {
    "en": [
        WRITE["en"][0],
        WRITE["en"][1],
        WRITE["en"][2],
        [" that ", " that ", " which ", ". It ", ", it ", "; it ", ". The function ", ": it ", None,
         ", and this one ", ". Its job: it "],
        ["{np}"],
        WRITE["en"][5],
    ],
    "ru": [
        WRITE["ru"][0],
        WRITE["ru"][1],
        WRITE["ru"][2],
        [", которая ", ", которая ", ". Она ", ": она ", "; она ", ". Функция ", ", она ", None, ", и пусть она ",
         ". Её работа: она "],
        ["{np}"],
        WRITE["ru"][5],
    ],
}
WRITE_CHAIN = {
    "en": [
        WRITE["en"][0],
        WRITE["en"][1],
        WRITE["en"][2],
        [": take ", ". Take ", ". Start with ", ". Start from ", ": begin with ", " that takes ", ". First take ",
         None, ". Kick off with "],
        ["{np}"],
        [", then ", ", then ", ", ", ". Then ", ", after that ", None, ", subsequently "],
        ["{st}"],
        [". Return the result.", ", and return the result.", ". Return it.", ".", "", " and return it.", None,
         ". Hand back the outcome."],
    ],
    "ru": [
        WRITE["ru"][0],
        WRITE["ru"][1],
        WRITE["ru"][2],
        [": возьми ", ". Возьми ", ". Начни с ", ": вычисли ", ": сначала ", ". Сначала возьми ", ". Вычисли ", None,
         ". Стартуй с "],
        ["{np}"],
        [", затем ", ", затем ", ", ", ". Затем ", ", потом ", None, ", вслед за этим "],
        ["{st}"],
        [". Верни результат.", ", и верни результат.", ". Верни его.", ".", "", " и верни.", None, ". Отдай итог."],
    ],
}
FIX_SYNTAX = {
    "en": [
        ["", "", "", "Please ", "Now ", "Can you ", "Could you ", None, "Kindly "],
        ["fix ", "fix ", "correct ", "repair ", "resolve ", "find and fix ", "patch ", "remove ", None, "mend ",
         "cure "],
        ["the syntax error", "the syntax error", "the typo", "the error", "the mistake", "the broken syntax",
         "the SyntaxError", "the invalid code", "this broken code", None, "the glitch", "the slip"],
        [" here", " in this code", " in this function", " below", " in the Python code", "", None, " in this snippet"],
        [":", ".", ":", ""],
    ],
    "ru": [
        ["", "", "", "Пожалуйста, ", "Теперь ", "Прошу, ", None, "Будь добр, "],
        ["исправь ", "исправь ", "поправь ", "почини ", "устрани ", "найди и исправь ", "убери ", None, "залатай ",
         "ликвидируй "],
        ["синтаксическую ошибку", "синтаксическую ошибку", "опечатку", "ошибку", "ошибку синтаксиса",
         "сломанный синтаксис", "SyntaxError", "неверный код", "сломанный код", None, "огрех", "описку"],
        [" здесь", " в этом коде", " в этой функции", " ниже", " в коде на Python", "", None, " в этом фрагменте"],
        [":", ".", ":", ""],
    ],
}
FIX_BUG = {
    "en": [
        ["", "", "", "Please ", "Now ", "Bug: ", "Can you ", None, "Kindly "],
        ["fix the code", "fix the bug", "fix the function", "correct the code", "correct the result",
         "repair the function", "fix {name}", "correct {name}", "fix this", None, "mend the code", "cure this"],
        ["; it should return ", ". It must return ", " so that it returns ", " to return ", ". Expected: ",
         ", we need ", ". The right result is ", ", it has to return ", None, ", what we want is ",
         ". The proper outcome: "],
        ["{np}"],
        [".", ":", ""],
    ],
    "ru": [
        ["", "", "", "Пожалуйста, ", "Теперь ", "Баг: ", "Прошу, ", None, "Будь добр, "],
        ["исправь код", "исправь ошибку", "исправь функцию", "поправь код", "поправь результат", "почини функцию",
         "исправь {name}", "поправь {name}", "исправь это", None, "залатай код", "вылечи это"],
        ["; она должна возвращать ", ". Нужно вернуть ", ", чтобы она возвращала ", ", чтобы вернуть ",
         ". Ожидается: ", ", нам нужно ", ". Правильный результат: ", ", надо вернуть ", None, ", хотим получить ",
         ". Верный итог: "],
        ["{np}"],
        [".", ":", ""],
    ],
}
DOCSTRING = {
    "en": [
        ["", "", "Please ", "Now ", "Can you ", None, "Kindly "],
        ["add a docstring", "write a docstring", "add documentation", "document this function", "put a docstring",
         "insert a docstring", "add the missing docstring", "describe it in a docstring", None, "supply a docstring",
         "attach a docstring"],
        ["", " here", " to {name}", " to this function", " for this code", " for {name}", None, " for the snippet"],
        [":", ".", ""],
    ],
    "ru": [
        ["", "", "Пожалуйста, ", "Теперь ", "Прошу, ", None, "Будь добр, "],
        ["добавь docstring", "напиши docstring", "добавь документацию", "задокументируй функцию", "вставь docstring",
         "впиши docstring", "добавь недостающий docstring", "опиши в docstring", None, "снабди docstring",
         "приделай docstring"],
        ["", " сюда", " к {name}", " к этой функции", " для этого кода", " для {name}", None, " для фрагмента"],
        [":", ".", ""],
    ],
}
EXPLAIN = {
    "en": [
        ["", "", "Please ", "Briefly, ", "In short, ", None, "Kindly "],
        ["explain", "explain", "describe", "tell me about", "summarize", "say what is done by", "what does it do:",
         "what is returned by", None, "clarify", "sum up"],
        [" this code", " this function", " {name}", " the function", " the code", None, " the snippet"],
        [":", ".", "?", ""],
    ],
    "ru": [
        ["", "", "Пожалуйста, ", "Кратко ", "Коротко: ", None, "Будь добр, "],
        ["объясни", "объясни", "опиши", "расскажи про", "поясни", "скажи, что делает", "что делает",
         "что возвращает", None, "растолкуй", "проясни"],
        [" этот код", " эта функция", " {name}", " функция", " код", None, " фрагмент"],
        [":", ".", "?", ""],
    ],
}
TESTS = {
    "en": [
        ["", "", "Please ", "Now ", "Can you ", None, "Kindly "],
        ["write a test", "write a unit test", "add a test", "add unit tests", "create a test", "make tests",
         "cover it with a test", "generate a unit test", None, "compose a test", "supply tests"],
        ["", " for {name}", " for this function", " for the code", " with asserts", None, " for the snippet"],
        [":", ".", ""],
    ],
    "ru": [
        ["", "", "Пожалуйста, ", "Теперь ", "Прошу, ", None, "Будь добр, "],
        ["напиши тест", "напиши модульный тест", "добавь тест", "добавь тесты", "создай тест", "сделай тесты",
         "покрой тестом", "сгенерируй тест", None, "составь тест", "набросай тесты"],
        ["", " для {name}", " для этой функции", " для кода", " с assert", None, " для фрагмента"],
        [":", ".", ""],
    ],
}
COMMIT = {
    "en": [
        ["", "", "Please ", "Now ", "Can you ", None, "Kindly "],
        ["write a commit message", "suggest a commit message", "give a commit message", "commit message",
         "make a commit message", "create a commit message", "describe this commit", "name this commit", None,
         "compose a commit message", "draft a commit message"],
        ["", " for this diff", " for these changes", " for the change", " for the patch", None, " for what was edited"],
        [":", ".", "", ": "],
    ],
    "ru": [
        ["", "", "Пожалуйста, ", "Теперь ", "Прошу, ", None, "Будь добр, "],
        ["напиши сообщение коммита", "предложи сообщение коммита", "дай сообщение коммита", "сообщение коммита",
         "сделай сообщение коммита", "создай сообщение коммита", "опиши этот коммит", "назови этот коммит", None,
         "составь сообщение коммита", "сочини сообщение коммита"],
        ["", " для этого diff", " для этих изменений", " для изменения", " для патча", None, " по правкам"],
        [":", ".", ""],
    ],
}
RENAME = {
    "en": [
        ["", "", "", "Please ", "Now ", "Can you ", "Refactor: ", None, "Kindly "],
        ["rename {x} to {y}", "rename {x} to {y}", "rename {x} into {y}", "change the name {x} to {y}",
         "replace {x} with {y}", "replace the name {x} by {y}", "change {x} to {y}",
         "rename the variable {x} to {y}", "rename the identifier {x} to {y}", "use {y} instead of {x}",
         "call it {y} instead of {x}", None, "swap the name {x} for {y}", "let {x} become {y}"],
        ["", "", " here", " everywhere", " in this code", " in the function", " in the code below", None,
         " throughout the snippet"],
        [":", ".", ""],
    ],
    "ru": [
        ["", "", "", "Пожалуйста, ", "Теперь ", "Прошу, ", "Рефакторинг: ", None, "Будь добр, "],
        ["переименуй {x} в {y}", "переименуй {x} в {y}", "смени имя {x} на {y}", "поменяй имя {x} на {y}",
         "замени {x} на {y}", "замени имя {x} на {y}", "поменяй {x} на {y}", "переименуй переменную {x} в {y}",
         "переименуй идентификатор {x} в {y}", "используй {y} вместо {x}", "назови {y} вместо {x}", None,
         "пусть {x} станет {y}", "подставь {y} на место {x}"],
        ["", "", " здесь", " везде", " в этом коде", " в функции", " в коде ниже", None, " по всему фрагменту"],
        [":", ".", ""],
    ],
}
CHECK = {
    "en": [
        ["", "", "", "Please ", "Now ", None, "Kindly "],
        ["check the code", "verify the code", "judge the code", "check this function", "verify this solution",
         "test the solution", "is this correct?", "does it work?", "review the solution", None, "inspect the code",
         "assess this"],
        [". Requirement: return ", ". It must return ", ". It should return ", ". Expected: ",
         "; the task is to return ", ". The function has to return ", ". Goal: ", None, ". What was asked: ",
         ". The wish is "],
        ["{np}"],
        [".", ".", ":", ""],
    ],
    "ru": [
        ["", "", "", "Пожалуйста, ", "Теперь ", None, "Будь добр, "],
        ["проверь код", "проверь решение", "оцени код", "проверь эту функцию", "проверь это решение",
         "протестируй решение", "верно ли это?", "работает ли это?", "посмотри решение", None, "осмотри код",
         "рассмотри это"],
        [". Требование: вернуть ", ". Нужно вернуть ", ". Она должна возвращать ", ". Ожидается: ",
         "; задача вернуть ", ". Функция должна вернуть ", ". Цель: ", None, ". Просили: ", ". Хотели получить "],
        ["{np}"],
        [".", ".", ":", ""],
    ],
}
VERDICT = {
    "en": [
        ["PASS or FAIL?", "Answer PASS or FAIL.", "Reply PASS or FAIL.", "PASS/FAIL?", "Is it PASS or FAIL?",
         "Verdict?", "", None, "State PASS or FAIL.", "Your verdict?"],
    ],
    "ru": [
        ["PASS или FAIL?", "Ответь PASS или FAIL.", "Ответ: PASS или FAIL.", "PASS/FAIL?", "Это PASS или FAIL?",
         "Вердикт?", "", None, "Скажи PASS или FAIL.", "Твой вердикт?"],
    ],
}
REVIEW = {
    "en": [
        ["", "", "", "Please ", "Now ", None, "Kindly "],
        ["review", "check", "look at", "inspect", "comment on", "give one remark on", "find the main problem in",
         "find issues in", None, "assess", "examine"],
        [" this", " this code", " the code", " the snippet", " it", None, " the fragment"],
        [" as {role}", " as the {role}", " in the role of {role}", " from the {role} side", " for {role} issues",
         " for {role}", None, " wearing the {role} hat", " on behalf of {role}"],
        [":", ".", ""],
    ],
    "ru": [
        ["", "", "", "Пожалуйста, ", "Теперь ", None, "Будь добр, "],
        ["проверь", "посмотри", "оцени", "изучи", "прокомментируй", "дай одно замечание про",
         "найди главную проблему:", "найди проблемы:", None, "рассмотри", "осмотри"],
        [" это", " этот код", " код", " фрагмент", "", None, " кусок кода"],
        [" как {role}", " в роли {role}", " от лица {role}", " со стороны {role}", " по части {role}", " для {role}",
         None, " глазами {role}", " от имени {role}"],
        [":", ".", ""],
    ],
}
