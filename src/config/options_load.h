/*
 * options_load.h - reads the settings from their sources, and checks them.
 *
 * The whole of a command's start-up:
 *   struct options o = {0};
 *   TRY(options_load(&o, &sources, why));  ...  options_done(&o);
 *
 * Messages about the file name it with line and column. What a check can see
 * only on the machine (does a model's file exist?) is the registry's business,
 * so that one missing model does not stop the others.
 */
#ifndef CONFIG_OPTIONS_LOAD_H
#define CONFIG_OPTIONS_LOAD_H

#include "config/options.h"

enum { OPTIONS_ID_MAX = 128 };

struct options_sources {
    struct str config_dir; /* where config.yaml is (paths.config) */
    struct str home;       /* for relative paths (paths.state); absolute */
    struct str user_home;  /* for "~/"; may be empty */
    /* NULL: config.yaml in config_dir, if there is one. */
    const char *file;
    /* The environment, as main() gets it; may be NULL. */
    char *const *env;
    const struct str *sets; /* "name=value" */
    size_t set_count;
};

/* Defaults, file, environment, --set, then options_check. `o` must be zeroed;
 * it changes only on success. ERR_CONFIG, ERR_IO, ERR_NOMEM. */
NODISCARD enum err options_load(struct options *o,
                                const struct options_sources *from,
                                struct why *why);

/* The steps, for tests and for `hearth config`. */
NODISCARD enum err options_read_yaml(struct options *o, struct str text,
                                     const char *name, struct why *why);
NODISCARD enum err options_read_env(struct options *o, char *const *env,
                                    struct why *why);
NODISCARD enum err options_read_set(struct options *o, struct str assignment,
                                    struct why *why);
/* Makes paths absolute and gives models without an id their file's name. */
NODISCARD enum err options_resolve(struct options *o, struct str home,
                                   struct str user_home, struct why *why);
/* What no single value can tell: listening without keys, ids used twice... */
NODISCARD enum err options_check(const struct options *o, struct why *why);

#endif
