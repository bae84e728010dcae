#include "cmd/args.h"

#include "cmd/ctx.h"

static const struct command commands[] = {
#define COMMAND(symbol, name, arguments, group, summary, details)              \
    {name, arguments, ARG_##group, summary, details, cmd_##symbol},
#define OPTION(command, name, letter, kind, value, help)
#include "cmd/commands.def"
#undef COMMAND
#undef OPTION
};

static const struct option {
    const char *command; /* "": all */
    const char *name;
    char letter;
    enum arg_kind kind;
    const char *value;
    const char *help;
} options[] = {
#define COMMAND(symbol, name, arguments, group, summary, details)
#define OPTION(command, name, letter, kind, value, help)                       \
    {command, name, letter, ARG_##kind, value, help},
#include "cmd/commands.def"
#undef COMMAND
#undef OPTION
};

static const char *const group_titles[ARG_GROUPS] = {
    [ARG_START] = "Start", [ARG_WORK] = "Work",   [ARG_MODELS] = "Models",
    [ARG_LOOK] = "Look",   [ARG_OTHER] = "Other", [ARG_HIDDEN] = "Inside"};

const struct command *args_command(struct str name)
{
    for (size_t i = 0; i < COUNTOF(commands); i++)
        if (str_eq(name, str_c(commands[i].name)))
            return &commands[i];
    return NULL;
}

static bool applies(const struct option *o, const struct command *c)
{
    return o->command[0] == '\0'
           || (c != NULL && strcmp(o->command, c->name) == 0);
}

static const struct option *by_name(const struct command *c, struct str name)
{
    for (size_t i = 0; i < COUNTOF(options); i++)
        if (applies(&options[i], c) && str_eq(name, str_c(options[i].name)))
            return &options[i];
    return NULL;
}

static const struct option *by_letter(const struct command *c, char letter)
{
    for (size_t i = 0; i < COUNTOF(options); i++)
        if (applies(&options[i], c) && options[i].letter == letter)
            return &options[i];
    return NULL;
}

static enum err unknown_option(const struct command *c, struct str text,
                               struct why *why)
{
    return FAIL(why, ERR_SYNTAX, "unknown option %.*s; see `hearth %s --help`",
                STR_ARG(text), c != NULL ? c->name : "");
}

static enum err keep(struct args *a, const struct option *o, struct str value,
                     struct why *why)
{
    uint64_t n;

    if (o->kind == ARG_NUMBER && !str_u64(value, UINT64_MAX, &n))
        return FAIL(why, ERR_SYNTAX, "--%s needs a number, not '%.*s'", o->name,
                    STR_ARG(value));
    if (a->n_given == ARGS_MAX)
        return FAIL(why, ERR_LIMIT, "more than %d options", ARGS_MAX);
    a->given[a->n_given].name = o->name;
    a->given[a->n_given++].value = value;
    return ERR_OK;
}

/* One option word. *i moves past a value in the next word. */
static enum err option_word(struct args *a, int argc, char **argv, int *i,
                            struct why *why)
{
    struct str word = str_c(argv[*i]);
    struct str rest = word, name;
    const struct option *o;
    bool has_value;

    if (str_starts(word, STR("--"))) {
        rest = str_sub(word, 2, SIZE_MAX);
        has_value = str_has(rest, STR("="));
        name = str_cut(&rest, '=');
        o = by_name(a->command, name);
    } else {
        o = by_letter(a->command, word.p[1]);
        has_value = word.n > 2;
        rest = str_sub(word, 2, SIZE_MAX);
    }
    if (o == NULL)
        return unknown_option(a->command, word, why);
    if (o->kind == ARG_FLAG) {
        if (has_value)
            return FAIL(why, ERR_SYNTAX, "--%s takes no value", o->name);
        return keep(a, o, STR_EMPTY, why);
    }
    if (!has_value) {
        if (*i + 1 >= argc)
            return FAIL(why, ERR_SYNTAX, "--%s needs a value: %s", o->name,
                        o->value);
        rest = str_c(argv[++*i]);
    }
    return keep(a, o, rest, why);
}

static enum err unknown_command(struct str name, struct why *why)
{
    const struct command *near = NULL;
    size_t best = 3;

    for (size_t i = 0; i < COUNTOF(commands); i++) {
        size_t d = str_distance(name, str_c(commands[i].name), best);

        if (commands[i].group != ARG_HIDDEN && d < best) {
            best = d;
            near = &commands[i];
        }
    }
    if (near != NULL)
        return FAIL(why, ERR_SYNTAX,
                    "there is no command '%.*s'; did you mean `hearth %s`?",
                    STR_ARG(name), near->name);
    return FAIL(why, ERR_SYNTAX,
                "there is no command '%.*s'; `hearth help` lists them",
                STR_ARG(name));
}

enum err args_parse(struct args *a, int argc, char **argv, struct why *why)
{
    bool only_words = false;

    *a = (struct args){0};
    for (int i = 1; i < argc; i++) {
        struct str word = str_c(argv[i]);

        if (!only_words && str_eq(word, STR("--"))) {
            only_words = true;
        } else if (!only_words && word.n > 1 && word.p[0] == '-') {
            TRY(option_word(a, argc, argv, &i, why));
        } else if (a->command == NULL) {
            a->command = args_command(word);
            if (a->command == NULL)
                return unknown_command(word, why);
        } else if (a->n_words < ARGS_MAX) {
            a->words[a->n_words++] = word;
        } else {
            return FAIL(why, ERR_LIMIT, "more than %d words", ARGS_MAX);
        }
    }
    return ERR_OK;
}

bool args_has(const struct args *a, const char *option)
{
    for (size_t i = 0; i < a->n_given; i++)
        if (strcmp(a->given[i].name, option) == 0)
            return true;
    return false;
}

struct str args_text(const struct args *a, const char *option,
                     struct str fallback)
{
    for (size_t i = a->n_given; i-- > 0;)
        if (strcmp(a->given[i].name, option) == 0)
            return a->given[i].value;
    return fallback;
}

uint64_t args_number(const struct args *a, const char *option,
                     uint64_t fallback)
{
    uint64_t n = fallback;

    if (!str_u64(args_text(a, option, STR_EMPTY), UINT64_MAX, &n))
        return fallback;
    return n;
}

bool args_list(const struct args *a, const char *option, size_t i,
               struct str *value)
{
    for (size_t j = 0; j < a->n_given; j++) {
        if (strcmp(a->given[j].name, option) != 0)
            continue;
        if (i-- == 0) {
            *value = a->given[j].value;
            return true;
        }
    }
    return false;
}

enum err args_joined(const struct args *a, struct buf *out)
{
    for (size_t i = 0; i < a->n_words; i++) {
        if (i != 0)
            TRY(buf_add_byte(out, ' '));
        TRY(buf_add(out, a->words[i]));
    }
    return ERR_OK;
}

/* ---- help ---------------------------------------------------------------- */

static enum err add_options(const struct command *c, bool global,
                            struct buf *out)
{
    for (size_t i = 0; i < COUNTOF(options); i++) {
        const struct option *o = &options[i];
        char left[64];

        if ((o->command[0] == '\0') != global || !applies(o, c))
            continue;
        (void)snprintf(
            left, sizeof(left), "%c%c %s --%s%s%s", o->letter != 0 ? '-' : ' ',
            o->letter != 0 ? o->letter : ' ', o->letter != 0 ? "" : " ",
            o->name, o->value[0] != '\0' ? " " : "", o->value);
        TRY(buf_printf(out, "  %-26s %s\n", left, o->help));
    }
    return ERR_OK;
}

static bool has_options(const struct command *c)
{
    for (size_t i = 0; i < COUNTOF(options); i++)
        if (options[i].command[0] != '\0' && applies(&options[i], c))
            return true;
    return false;
}

static enum err help_one(const struct command *c, struct buf *out)
{
    TRY(buf_printf(out, "hearth %s - %s\n\nUsage: hearth %s%s%s%s\n", c->name,
                   c->summary, c->name, has_options(c) ? " [options]" : "",
                   c->arguments[0] != '\0' ? " " : "", c->arguments));
    if (c->details[0] != '\0')
        TRY(buf_printf(out, "\n%s\n", c->details));
    if (has_options(c)) {
        TRY(buf_add(out, STR("\nOptions:\n")));
        TRY(add_options(c, false, out));
    }
    TRY(buf_add(out, STR("\nOptions of every command:\n")));
    return add_options(c, true, out);
}

static enum err overview(struct buf *out)
{
    TRY(buf_add(out,
                STR("hearth - local models that finish work and prove it\n\n"
                    "Usage: hearth COMMAND [options] [arguments]\n")));
    for (int g = 0; g < ARG_HIDDEN; g++) {
        TRY(buf_printf(out, "\n%s:\n", group_titles[g]));
        for (size_t i = 0; i < COUNTOF(commands); i++)
            if ((int)commands[i].group == g)
                TRY(buf_printf(out, "  %-11s %s\n", commands[i].name,
                               commands[i].summary));
    }
    return buf_add(out,
                   STR("\nNew here? `hearth run` starts everything and shows a "
                       "first task.\n`hearth COMMAND --help` explains one "
                       "command.\n"));
}

enum err args_help(const struct command *command, struct buf *out)
{
    return command != NULL ? help_one(command, out) : overview(out);
}

enum err args_help_all(struct buf *out)
{
    TRY(overview(out));
    for (size_t i = 0; i < COUNTOF(commands); i++) {
        if (commands[i].group == ARG_HIDDEN)
            continue;
        TRY(buf_add(out, STR("\n----\n")));
        TRY(help_one(&commands[i], out));
    }
    return ERR_OK;
}

enum err args_doc(struct buf *out)
{
    TRY(buf_add(out, STR("# Commands\n\nMade by `hearth docs commands`.\n")));
    for (size_t i = 0; i < COUNTOF(commands); i++) {
        if (commands[i].group == ARG_HIDDEN)
            continue;
        TRY(buf_printf(out, "\n## hearth %s\n\n```\n", commands[i].name));
        TRY(help_one(&commands[i], out));
        TRY(buf_add(out, STR("```\n")));
    }
    return ERR_OK;
}

/* ---- completion ----------------------------------------------------------- */

static enum err add_names(const struct command *c, struct buf *out)
{
    for (size_t i = 0; i < COUNTOF(options); i++)
        if (applies(&options[i], c))
            TRY(buf_printf(out, " --%s", options[i].name));
    return ERR_OK;
}

static enum err complete_bash(struct buf *out)
{
    TRY(buf_add(out, STR("_hearth() {\n"
                         "  local cur=${COMP_WORDS[COMP_CWORD]} words\n"
                         "  if [ \"$COMP_CWORD\" -eq 1 ]; then words=\"")));
    for (size_t i = 0; i < COUNTOF(commands); i++)
        if (commands[i].group != ARG_HIDDEN)
            TRY(buf_printf(out, " %s", commands[i].name));
    TRY(buf_add(out, STR("\"\n  else case ${COMP_WORDS[1]} in\n")));
    for (size_t i = 0; i < COUNTOF(commands); i++) {
        if (commands[i].group == ARG_HIDDEN)
            continue;
        TRY(buf_printf(out, "    %s) words=\"", commands[i].name));
        TRY(add_names(&commands[i], out));
        TRY(buf_add(out, STR("\";;\n")));
    }
    return buf_add(out,
                   STR("  esac; fi\n"
                       "  COMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n"
                       "}\ncomplete -o default -F _hearth hearth\n"));
}

/* In zsh's _arguments, ":" "[" "]" and "'" have a meaning of their own. */
static enum err add_zsh_text(const char *text, struct buf *out)
{
    for (const char *p = text; *p != '\0'; p++) {
        if (*p == '\'')
            TRY(buf_add(out, STR("'\\''")));
        else if (*p == ':' || *p == '[' || *p == ']')
            TRY(buf_printf(out, "\\%c", *p));
        else
            TRY(buf_add_byte(out, *p));
    }
    return ERR_OK;
}

static enum err complete_zsh(struct buf *out)
{
    TRY(buf_add(out, STR("#compdef hearth\n_hearth() {\n"
                         "  if (( CURRENT == 2 )); then\n"
                         "    local -a names; names=(\n")));
    for (size_t i = 0; i < COUNTOF(commands); i++) {
        if (commands[i].group == ARG_HIDDEN)
            continue;
        TRY(buf_printf(out, "      '%s:", commands[i].name));
        TRY(add_zsh_text(commands[i].summary, out));
        TRY(buf_add(out, STR("'\n")));
    }
    TRY(buf_add(out, STR("    ); _describe command names; return\n  fi\n"
                         "  case $words[2] in\n")));
    for (size_t i = 0; i < COUNTOF(commands); i++) {
        if (commands[i].group == ARG_HIDDEN)
            continue;
        TRY(buf_printf(out, "    %s) _arguments", commands[i].name));
        for (size_t j = 0; j < COUNTOF(options); j++) {
            if (!applies(&options[j], &commands[i]))
                continue;
            TRY(buf_printf(out, " '--%s[", options[j].name));
            TRY(add_zsh_text(options[j].help, out));
            TRY(buf_add(out, STR("]")));
            if (options[j].kind != ARG_FLAG)
                TRY(buf_printf(out, ":%s:_files", options[j].value));
            TRY(buf_add(out, STR("'")));
        }
        TRY(buf_add(out, STR(" '*:file:_files';;\n")));
    }
    return buf_add(out, STR("  esac\n}\ncompdef _hearth hearth\n"));
}

enum err args_completion(struct str shell, struct buf *out, struct why *why)
{
    if (str_eq(shell, STR("bash")))
        return complete_bash(out);
    if (str_eq(shell, STR("zsh")))
        return complete_zsh(out);
    return FAIL(why, ERR_SYNTAX,
                "completion is there for bash and zsh, not for '%.*s'",
                STR_ARG(shell));
}
