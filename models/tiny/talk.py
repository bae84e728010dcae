"""Answers in words: one-line opinions of the council's roles, greetings, questions about the model.

The opinions are canned on purpose. A model of a million parameters has no judgement; it learns which
known remark belongs to which known smell in the code, and a fixed remark per role for the rest.
"""
import re

from functions import Maker, any_spec, make, EASY_FAMILIES
from names import pseudo
from wording import ask

ROLES = ("dev", "security", "qa", "architect", "ux", "seo")

# role -> (remark in English, in Russian, maker of the code that deserves it); f a b are names
SMELLS = {
    "security": [
        ("eval on input is dangerous; use ast.literal_eval.", "eval над вводом опасен; используйте ast.literal_eval.",
         lambda r, f, a, b: "def %s(%s):\n    return eval(%s)" % (f, a, a)),
        ("Shell injection; use subprocess.run with a list.", "Инъекция команд; используйте subprocess.run со списком.",
         lambda r, f, a, b: 'def %s(%s):\n    os.system("%s " + %s)' % (f, a, r.choice(("rm", "ls", "cat", "ping")), a)),
        ("Hardcoded secret; read it from the environment.", "Секрет в коде; читайте его из окружения.",
         lambda r, f, a, b: '%s = "%s%d"\ndef %s(%s):\n    return connect(%s)' % (
             r.choice(("password", "api_key", "token", "secret")), pseudo(r, 3), r.randrange(100), f, a, a)),
        ("SQL injection; use query parameters.", "SQL-инъекция; используйте параметры запроса.",
         lambda r, f, a, b: 'def %s(%s, %s):\n    return %s.execute("SELECT * FROM %s WHERE id = " + %s)' % (f, a, b, a, pseudo(r, 2), b)),
        ("Weak hash; use sha256.", "Слабый хеш; используйте sha256.",
         lambda r, f, a, b: "def %s(%s):\n    return hashlib.md5(%s).hexdigest()" % (f, a, a)),
        ("The certificate check is off; remove verify=False.", "Проверка сертификата отключена; уберите verify=False.",
         lambda r, f, a, b: "def %s(%s):\n    return requests.get(%s, verify=False)" % (f, a, a))],
    "dev": [
        ("Bare except; catch a specific error.", "Пустой except; ловите конкретную ошибку.",
         lambda r, f, a, b: "def %s(%s):\n    try:\n        return int(%s)\n    except:\n        return 0" % (f, a, a)),
        ("Compare with None using is.", "Сравнивайте с None через is.",
         lambda r, f, a, b: "def %s(%s):\n    if %s == None:\n        return 0\n    return %s" % (f, a, a, a)),
        ("Mutable default argument; use None.", "Изменяемое значение по умолчанию; используйте None.",
         lambda r, f, a, b: "def %s(%s, %s=[]):\n    %s.append(%s)\n    return %s" % (f, a, b, b, a, b)),
        ("Debug print left in code; remove it.", "Остался отладочный print; удалите его.",
         lambda r, f, a, b: "def %s(%s, %s):\n    print(%s)\n    return %s + %s" % (f, a, b, a, a, b)),
        ("Loop over items, not range(len).", "Перебирайте элементы, а не range(len).",
         lambda r, f, a, b: "def %s(%s):\n    for i in range(len(%s)):\n        show(%s[i])" % (f, a, a, a))],
    "qa": [
        ("Division by zero is not handled; add a test with zero.", "Деление на ноль не обработано; добавьте тест с нулём.",
         lambda r, f, a, b: "def %s(%s, %s):\n    return %s / %s" % (f, a, b, a, b)),
        ("An empty list is not handled; add a test for it.", "Пустой список не обработан; добавьте тест.",
         lambda r, f, a, b: "def %s(%s):\n    return %s[%s]" % (f, a, a, r.choice(("0", "-1")))),
        ("The file is not closed; use with.", "Файл не закрыт; используйте with.",
         lambda r, f, a, b: "def %s(%s):\n    return open(%s).read()" % (f, a, a)),
        ("Endless loop; add an exit condition.", "Бесконечный цикл; добавьте условие выхода.",
         lambda r, f, a, b: "def %s(%s):\n    while True:\n        %s += 1" % (f, a, a))],
    "architect": [
        ("Global state; pass it as a parameter.", "Глобальное состояние; передавайте его параметром.",
         lambda r, f, a, b: "%s = %d\ndef %s(%s):\n    global %s\n    %s += %s" % (b, r.randrange(10), f, a, b, b, a)),
        ("Too many parameters; group them in an object.", "Слишком много параметров; объедините их в объект.",
         lambda r, f, a, b: "def %s(%s, %s, %s):\n    return send(%s)" % (f, a, b, ", ".join(r.sample("cdefghmnpqrstuw", 5)), a)),
        ("Input and logic are mixed; split the function.", "Ввод и логика смешаны; разделите функцию.",
         lambda r, f, a, b: "def %s():\n    %s = int(input())\n    print(%s * %d)" % (f, a, a, r.randrange(2, 10)))],
    "ux": [
        ("The input has no label; add one.", "У поля нет подписи; добавьте её.",
         lambda r, f, a, b: '<form>\n  <input name="%s">\n  <button>%s</button>\n</form>' % (a, b)),
        ("Empty button; add text.", "Пустая кнопка; добавьте текст.", lambda r, f, a, b: '<button id="%s"></button>' % a),
        ("The link text is vague; describe the target.", "Текст ссылки неясен; опишите цель.",
         lambda r, f, a, b: '<a href="/%s">%s</a>' % (a, r.choice(("here", "click", "link", "more"))))],
    "seo": [
        ("The title is missing; add it.", "Нет title; добавьте его.",
         lambda r, f, a, b: '<head>\n  <meta name="description" content="%s %s">\n</head>' % (a, b)),
        ("The meta description is missing; add it.", "Нет meta description; добавьте его.",
         lambda r, f, a, b: "<head>\n  <title>%s %s</title>\n</head>" % (a, b)),
        ("The image has no alt text; add it.", "У изображения нет alt; добавьте его.",
         lambda r, f, a, b: '<img src="%s.png">' % a)],
}
# role -> (opinion about a coding task, about clean code, about a proposal), English and Russian
OPINIONS = {
    "dev": [("Keep it one short pure function.", "Сделайте одну короткую чистую функцию."),
            ("The code is short and clear.", "Код короткий и понятный."),
            ("Start with the smallest version that works.", "Начните с самой маленькой рабочей версии.")],
    "security": [("No secrets and no outside input here; no risk.", "Нет секретов и внешнего ввода; риска нет."),
                 ("No unsafe calls found.", "Опасных вызовов не найдено."),
                 ("Check who may use it and validate its input.", "Проверьте права доступа и вводимые данные.")],
    "qa": [("Test it with empty, negative and large input.", "Проверьте на пустых, отрицательных и больших данных."),
           ("Add tests for the edge cases.", "Добавьте тесты для крайних случаев."),
           ("Write the acceptance test first.", "Сначала напишите приёмочный тест.")],
    "architect": [("One function is enough; no new module.", "Достаточно одной функции; новый модуль не нужен."),
                  ("The function has one task; keep it so.", "У функции одна задача; так и оставьте."),
                  ("Hide it behind a small interface.", "Спрячьте это за небольшим интерфейсом.")],
    "ux": [("Name it clearly and describe the result.", "Дайте ясное имя и опишите результат."),
           ("Users do not see this code; nothing to change.", "Пользователи не видят этот код; менять нечего."),
           ("Keep it simple and show clear errors.", "Сделайте просто и показывайте понятные ошибки.")],
    "seo": [("No pages are touched; nothing to do.", "Страницы не затронуты; делать нечего."),
            ("This code does not affect search.", "Этот код не влияет на поиск."),
            ("Give the page a clear title and address.", "Дайте странице ясный заголовок и адрес.")],
}
TOPICS = {
    "en": """a login form|a search page|file upload|a payment page|dark theme|a cache|a new database|push notifications|
a chat window|user profiles|a public API|email reports|a plugin system|password reset|an admin panel|a mobile app|
image resizing|a comments section|two languages|an export button|a help page|rate limits|backups|a task queue""",
    "ru": """форму входа|страницу поиска|загрузку файлов|страницу оплаты|тёмную тему|кеш|новую базу данных|уведомления|
окно чата|профили пользователей|открытый API|отчёты по почте|систему плагинов|сброс пароля|панель администратора|
мобильное приложение|уменьшение картинок|раздел комментариев|два языка|кнопку экспорта|страницу помощи|лимиты|
резервные копии|очередь задач"""}
TOPICS = {lang: [t.strip() for t in text.split("|")] for lang, text in TOPICS.items()}
PROPOSALS = {
    "en": ["Should we add {t}?", "We want to add {t}. Your opinion?", "How should we build {t}?", "Is it a good idea to add {t}?",
           "Next sprint: {t}.", "What do you think about {t}?", "Let us ship {t} this week."],
    "ru": ["Стоит ли добавить {t}?", "Хотим добавить {t}. Ваше мнение?", "Как лучше сделать {t}?", "Хорошая ли идея добавить {t}?",
           "В следующем спринте делаем {t}.", "Что думаете про {t}?", "Давайте выпустим {t} на этой неделе."]}
REVIEW = {"en": ["Review this code:", "Any remarks?", "Your opinion on this code?", "Review:", ""],
          "ru": ["Проверьте этот код:", "Есть замечания?", "Ваше мнение об этом коде?", "Ревью:", ""]}

CHAT = [
    (["Hello", "Hi", "Hey", "Good morning", "Hi there", "Good evening", "Hello there", "hello", "hi", "Good day"],
     ["Привет", "Здравствуй", "Здравствуйте", "Добрый день", "Приветствую", "Доброе утро", "Добрый вечер", "привет", "хай"],
     "Hello! I am a tiny demo model. I write small Python functions.",
     "Привет! Я крошечная демонстрационная модель. Я пишу небольшие функции на Python."),
    (["Who are you?", "What are you?", "Tell me about yourself", "What model is this?", "Introduce yourself", "What is your name?"],
     ["Кто ты?", "Что ты такое?", "Расскажи о себе", "Какая это модель?", "Представься", "Как тебя зовут?"],
     "I am a tiny demo model trained from scratch on synthetic tasks.",
     "Я крошечная демонстрационная модель, обученная с нуля на синтетических задачах."),
    (["What can you do?", "Help", "How can you help me?", "What are your skills?", "List your abilities", "What do you know?",
      "what can you do", "help me"],
     ["Что ты умеешь?", "Помощь", "Чем ты можешь помочь?", "Какие у тебя навыки?", "Перечисли свои умения", "Что ты знаешь?",
      "что ты умеешь", "помоги"],
     "I can write, fix, rename, document, test and review small Python functions.",
     "Я умею писать, исправлять, переименовывать, документировать, тестировать и проверять небольшие функции на Python."),
    (["Thanks", "Thank you", "Great, thanks", "Thanks a lot", "thank you very much"],
     ["Спасибо", "Благодарю", "Отлично, спасибо", "Большое спасибо", "спасибо большое"],
     "You are welcome!", "Пожалуйста!"),
    (["Bye", "Goodbye", "See you", "See you later", "Farewell"], ["Пока", "До свидания", "Увидимся", "До встречи", "Прощай"],
     "Goodbye!", "До свидания!"),
    (["What are your limits?", "What can you not do?", "Are you smart?", "Can you do everything?", "Can I trust you?"],
     ["Какие у тебя ограничения?", "Чего ты не умеешь?", "Ты умная?", "Ты всё умеешь?", "Можно тебе верить?"],
     "I am very small and often wrong; verify my answers.", "Я очень маленькая и часто ошибаюсь; проверяйте мои ответы."),
    (["What is the weather today?", "Tell me a joke", "Who won the match?", "Write a novel", "What is the capital of France?",
      "How do I cook soup?", "What time is it?", "Write a poem", "Who is the president?", "How old is the Sun?"],
     ["Какая сегодня погода?", "Расскажи анекдот", "Кто выиграл матч?", "Напиши роман", "Какая столица Франции?",
      "Как сварить суп?", "Который час?", "Напиши стихи", "Кто президент?", "Сколько лет Солнцу?"],
     "I do not know. I only handle small coding tasks.", "Я не знаю. Я решаю только небольшие задачи по коду."),
]


def council(r, lang, split, hard, family):
    """A role's one-line opinion about code, a coding task or a proposal."""
    role = r.choice(ROLES)
    pick = 0 if lang == "en" else 1
    t = r.random()
    if t < .45:                  # code with a smell of this role
        remark = r.choice(SMELLS[role])
        maker = Maker(r, lang, split)
        f = maker.name()
        a = maker.name("p", {f})
        code = remark[2](r, f, a, maker.name("p", {f, a}))
        answer = remark[pick]
    elif t < .6:                 # clean code
        code, answer = any_spec(r, lang, split, hard).code, OPINIONS[role][1][pick]
    elif t < .8:                 # a coding task
        spec = make(r, r.choice(EASY_FAMILIES), lang, split)
        return role, ask(r, spec, lang), OPINIONS[role][0][pick], {"type": "exact", "any": [OPINIONS[role][0][pick]]}
    else:
        topics = [x for i, x in enumerate(TOPICS[lang]) if (i % 6 == 5) == (split != "train")]
        text = r.choice(PROPOSALS[lang]).replace("{t}", r.choice(topics))
        return role, text, OPINIONS[role][2][pick], {"type": "exact", "any": [OPINIONS[role][2][pick]]}
    question = r.choice(REVIEW[lang]) if lang == "en" else r.choice(REVIEW[lang][:-1])
    block = "```%s\n%s\n```" % ("html" if code.startswith("<") else "python", code)
    return role, (question + "\n" + block).strip(), answer, {"type": "exact", "any": [answer]}


def chat(r, lang, split, hard, family):
    """Small talk. The last phrasing of each kind is held out."""
    row = r.choice(CHAT)
    pick = 0 if lang == "en" else 1
    questions = row[pick]
    text = questions[-1] if split == "tmpl" else r.choice(questions[:-1])
    if re.search(r"\w$", text) and r.random() < .5:
        text += r.choice((".", "!"))
    return "chat", text, row[2 + pick], {"type": "exact", "any": [row[2 + pick]]}


MAKERS = {"council": council, "chat": chat}
