/*
 * options.h - every setting of hearth as one struct (rows in options.def).
 *
 * Sources, later ones win: default, configuration file, environment, --set.
 * options_load.h reads them; this file knows the table. The struct owns all
 * its texts. Read-only after loading; share it by pointer to const.
 * Errors: ERR_CONFIG for a value or a name that is wrong, ERR_NOMEM.
 */
#ifndef CONFIG_OPTIONS_H
#define CONFIG_OPTIONS_H

#include "base/arena.h"
#include "base/buf.h"

enum { OPTIONS_MODELS_MAX = 1000, OPTIONS_BYTES_MAX = 4 << 20 };

/* A numeric field of a model entry that was not given. */
#define OPTIONS_INHERIT UINT64_MAX

#define OPTIONS_C_BOOL bool
#define OPTIONS_C_U64  uint64_t
#define OPTIONS_C_SIZE uint64_t /* bytes */
#define OPTIONS_C_DUR  uint64_t /* milliseconds */
#define OPTIONS_C_STR  struct str
#define OPTIONS_C_ADDR struct str
#define OPTIONS_C_PATH struct str
#define OPTIONS_C_ENUM int
#define OPTIONS_C_LIST struct str /* separated by commas */

struct options_model {
#define OPT(...)
#define MOPT(field, name, type, def, min, max, words, help)                    \
    OPTIONS_C_##type field;
#include "config/options.def"
#undef MOPT
    unsigned line; /* in the file, for messages */
};

enum options_source {
    OPTIONS_DEFAULT,
    OPTIONS_FILE,
    OPTIONS_ENV,
    OPTIONS_SET,
};

struct options {
#define MOPT(...)
#undef OPT
#define OPT(field, name, type, def, min, max, when, env, words, help)          \
    OPTIONS_C_##type field;
#include "config/options.def"
#undef OPT
    struct options_model *models;
    size_t model_count;
    struct str home;        /* absolute; what relative paths are relative to */
    struct str file;        /* the file that was read, or empty */
    unsigned char *sources; /* enum options_source of each row */
    struct arena arena;
};

/* The words of ENUM rows, in the order of options.def. */
enum {
    OPTIONS_LOG_ERROR,
    OPTIONS_LOG_WARN,
    OPTIONS_LOG_INFO,
    OPTIONS_LOG_DEBUG
};
enum { OPTIONS_FORMAT_AUTO, OPTIONS_FORMAT_TEXT, OPTIONS_FORMAT_JSON };
enum { OPTIONS_KIND_AUTO, OPTIONS_KIND_GENERATE, OPTIONS_KIND_EMBED };

/* All defaults. `o` must be zeroed or done. */
NODISCARD enum err options_init(struct options *o, struct why *why);
void options_done(struct options *o);

/* Sets the scalar `name` from text. `o` is unchanged after a failure; an
 * unknown name is answered with the nearest known one. */
NODISCARD enum err options_set(struct options *o, struct str name,
                               struct str value, enum options_source source,
                               struct why *why);

/* The same for entry `index` (below model_count) of `models`. */
NODISCARD enum err options_set_model(struct options *o, size_t index,
                                     struct str name, struct str value,
                                     struct why *why);

/* Appends an entry of defaults to `models`. ERR_LIMIT past the maximum. */
NODISCARD enum err options_add_model(struct options *o, unsigned line,
                                     struct why *why);

/* True when the row or model member `name` is of type LIST. */
bool options_is_list(struct str name);
bool options_model_is_list(struct str name);

/* Rows in their order: false when there is no row `i`. Any out may be NULL. */
struct options_row {
    struct str name, env, help;
    const char *type, *words;
    bool live;
    enum options_source source;
};
bool options_row(const struct options *o, size_t i, struct options_row *row);
/* Appends the value of row `i` as text that options_set takes. */
NODISCARD enum err options_value(const struct options *o, size_t i,
                                 struct buf *out);

/* Appends docs/reference/options.md. */
NODISCARD enum err options_doc(struct buf *out);

#endif
