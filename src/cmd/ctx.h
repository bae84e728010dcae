/*
 * ctx.h - what every command of `hearth` is given: its arguments, where
 * hearth lives, how to talk to it, and how to print.
 *
 * Results go to stdout, the story of how they came about to stderr, so that
 * `hearth ask ... > answer.py` works. Thread: main.
 */
#ifndef CMD_CTX_H
#define CMD_CTX_H

#include "base/arena.h"
#include "client/client.h"
#include "cmd/args.h"
#include "config/options.h"
#include "data/json.h"
#include "sys/paths.h"

struct ctx {
    struct args args;
    struct paths paths;
    struct client client;
    char socket[PATHS_MAX]; /* of the gateway; the client borrows it */
    bool json;
    bool color; /* of stderr */
    bool color_out;
    struct arena texts; /* cleaned copies, see ctx_text */
    struct why why;
};

/* One function per row, so that a command without code does not link. */
#define COMMAND(symbol, name, arguments, group, summary, details)              \
    NODISCARD enum err cmd_##symbol(struct ctx *c);
#define OPTION(command, name, letter, kind, value, help)
#include "cmd/commands.def"
#undef COMMAND
#undef OPTION

/* Set by Ctrl-C; every call of the client looks at it. */
extern atomic_bool ctx_cancel;

/* Fills all but `args`. */
NODISCARD enum err ctx_init(struct ctx *c);

/* The configuration, from the command's --config and --set. */
NODISCARD enum err ctx_options(struct ctx *c, struct options *out);

/* Calls whose answer is JSON. `doc` must be empty; `raw` (may be NULL) gets
 * the answer's bytes too. `body` empty: GET. */
NODISCARD enum err ctx_get(struct ctx *c, const char *path,
                           struct json_doc *doc);
NODISCARD enum err ctx_post(struct ctx *c, const char *path, struct str body,
                            struct json_doc *doc);

/* Prints to stdout; ERR_IO when it is closed or full. */
NODISCARD enum err ctx_out(struct ctx *c, struct str text);
NODISCARD enum err ctx_out_line(struct ctx *c, struct str text);
NODISCARD enum err ctx_outf(struct ctx *c, const char *fmt, ...)
    PRINTF_LIKE(2, 3);
NODISCARD enum err ctx_out_json(struct ctx *c, struct json v);

/* A member for display: 0 or "" when it is not there or of another type.
 * Texts come from models and clients: what could steer a terminal is taken
 * out. They live as long as `v`'s document and `c`. */
uint64_t ctx_number(struct json v, const char *key);
struct str ctx_text(struct ctx *c, struct json v, const char *key);

/* What an answer took, from the "usage" of a completion or from the council's
 * last event, which has the cached ones beside the others. */
struct ctx_usage {
    uint64_t prompt, cached, completion; /* tokens */
};
struct ctx_usage ctx_usage(struct json v);

/* The story, to stderr; best effort. */
void ctx_say(const char *fmt, ...) PRINTF_LIKE(1, 2);

/* Adds text to `out` without what could steer a terminal: control characters
 * but newline and tab, and bytes that are not UTF-8. */
NODISCARD enum err ctx_clean(struct str text, struct buf *out);
/* The same, printed; bytes as they are when stdout is no terminal. */
NODISCARD enum err ctx_out_text(struct ctx *c, struct str text);

/* Terminal decoration, "" where colours are off. `to_stdout` tells where the
 * text goes. */
enum paint {
    PAINT_OFF,
    PAINT_DIM,
    PAINT_BOLD,
    PAINT_GOOD,
    PAINT_BAD,
    PAINT_WARN
};
const char *ctx_paint(const struct ctx *c, bool to_stdout, enum paint p);

/* A file named on the command line, "-" is stdin; at most `out->max`. */
NODISCARD enum err ctx_read_file(struct ctx *c, struct str path,
                                 struct buf *out);

#endif
