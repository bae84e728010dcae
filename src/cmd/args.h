/*
 * args.h - the command line: parsing, help and completion from commands.def.
 *
 * `hearth COMMAND [options] [arguments]`; options may stand anywhere after
 * the command, "--name value" or "--name=value", "--" ends them. Nothing here
 * prints: texts are appended to a buffer. Thread: main.
 */
#ifndef CMD_ARGS_H
#define CMD_ARGS_H

#include "base/buf.h"
#include "base/err.h"

enum { ARGS_MAX = 128 };

struct ctx;

enum arg_kind { ARG_FLAG, ARG_TEXT, ARG_NUMBER, ARG_LIST };
enum arg_group {
    ARG_START,
    ARG_WORK,
    ARG_MODELS,
    ARG_LOOK,
    ARG_OTHER,
    ARG_HIDDEN,
    ARG_GROUPS
};

struct command {
    const char *name;
    const char *arguments;
    enum arg_group group;
    const char *summary;
    const char *details;
    enum err (*run)(struct ctx *);
};

struct args {
    const struct command *command; /* NULL: only help or nothing was asked */
    struct str words[ARGS_MAX];    /* what is not an option */
    size_t n_words;
    struct {
        const char *name;
        struct str value;
    } given[ARGS_MAX];
    size_t n_given;
};

/* argv[0] is skipped. ERR_SYNTAX with a message that names the mistake and
 * the command's help. The slices borrow from argv. */
NODISCARD enum err args_parse(struct args *a, int argc, char **argv,
                              struct why *why);

bool args_has(const struct args *a, const char *option);
/* The last value given, or `fallback`. */
struct str args_text(const struct args *a, const char *option,
                     struct str fallback);
/* Numbers were checked by args_parse. */
uint64_t args_number(const struct args *a, const char *option,
                     uint64_t fallback);
/* The i-th value of a LIST; false past the end. */
bool args_list(const struct args *a, const char *option, size_t i,
               struct str *value);
/* All words joined by spaces. */
NODISCARD enum err args_joined(const struct args *a, struct buf *out);

/* `command` NULL: the overview. */
NODISCARD enum err args_help(const struct command *command, struct buf *out);
NODISCARD enum err args_help_all(struct buf *out);
const struct command *args_command(struct str name);
NODISCARD enum err args_completion(struct str shell, struct buf *out,
                                   struct why *why);
NODISCARD enum err args_doc(struct buf *out); /* Markdown reference */

#endif
