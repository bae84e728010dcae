/*
 * conf.h - a YAML configuration as a flat list of paths and scalars, each
 * with its position, read through libyaml's events.
 *
 *   server:                 server.listen  "127.0.0.1:8420"  line 2
 *     listen: 127.0.0.1:8420
 *   keys: [a, b]            keys[0] "a", keys[1] "b"
 *   models:
 *     "qwen2.5": {ctx: 4k}  models."qwen2.5".ctx "4k"
 *
 * A key that is not only letters, digits, "_" and "-" is quoted in the path.
 * Meaning, types and defaults are the option table's business, not ours.
 * A configuration language is a place for surprises, so these are refused:
 * anchors and aliases, merge keys, tags, several documents, keys that are not
 * scalars, and a key given twice (the message names both places).
 * Errors: ERR_CONFIG with line and column, ERR_LIMIT, ERR_NOMEM.
 */
#ifndef DATA_CONF_H
#define DATA_CONF_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

enum {
    CONF_MAX_BYTES = 1 << 20,
    CONF_MAX_DEPTH = 16,
    CONF_MAX_ITEMS = 10000,
};

enum conf_kind {
    CONF_PLAIN,     /* as written, without quotes */
    CONF_QUOTED,    /* in quotes or a block: a text, never a number or null */
    CONF_NULL,      /* nothing, "~" or "null" */
    CONF_EMPTY_SEQ, /* [] */
    CONF_EMPTY_MAP, /* {} */
};

struct conf_item {
    struct str path;
    struct str value; /* valid UTF-8; empty for the last three kinds */
    enum conf_kind kind;
    unsigned line, column; /* of the value, from 1 */
};

struct conf {
    struct conf_item *items; /* in the order of the file */
    size_t count;
    struct arena arena; /* owns the texts */
};

#define CONF_INIT ((struct conf){0})

/* `name` is what messages call the text, such as a file name. An empty text
 * is an empty configuration. `c` must be empty and changes only on success. */
NODISCARD enum err conf_parse(struct conf *c, struct str text, const char *name,
                              struct why *why);
void conf_done(struct conf *c);

/* The item with exactly this path, or NULL. */
const struct conf_item *conf_get(const struct conf *c, struct str path);

/* Cuts the next step off a path: a key without its quotes, or the index of a
 * list with *index >= 0 (-1 for keys). False at the end. Keys that contain
 * a double quote or backslash do not occur: conf_parse refuses them. */
bool conf_next_step(struct str *path, struct str *key, long *index);

#endif
