/*
 * paths.h - where hearth keeps what.
 *
 * With $HEARTH_HOME everything lies below it; otherwise the XDG directories
 * are used (XDG Base Directory Specification 0.8). Every program of ours finds
 * the same places from the same environment.
 *
 *            $HEARTH_HOME=H     otherwise
 *   config   H                  $XDG_CONFIG_HOME/hearth   ~/.config/hearth
 *   state    H                  $XDG_STATE_HOME/hearth    ~/.local/state/hearth
 *   cache    H/cache            $XDG_CACHE_HOME/hearth    ~/.cache/hearth
 *   run      H/run              $XDG_RUNTIME_DIR/hearth   <state>/run
 *   share    <exe>/../share/hearth, else the source tree above the program:
 *            the first that holds models/tiny
 *
 * `run` holds sockets, whose paths the kernel cuts at about 100 bytes. Where
 * it is too long, it becomes /tmp/hearth-<uid>-<hash of the long one>.
 */
#ifndef SYS_PATHS_H
#define SYS_PATHS_H

#include "base/err.h"

#define PATHS_MAX        1024 /* bytes with the NUL */
#define PATHS_SOCKET_MAX 24   /* longest file name of a socket in `run` */

struct paths {
    char config[PATHS_MAX];
    char state[PATHS_MAX];
    char cache[PATHS_MAX];
    char run[PATHS_MAX];
    char share[PATHS_MAX]; /* "" when there is none */
    char exe[PATHS_MAX];   /* this program, real path */
};

/* The facts that paths depend on; NULL or "" means unset. */
struct paths_env {
    const char *hearth_home, *home;
    const char *xdg_config, *xdg_state, *xdg_cache, *xdg_run;
    const char *exe;
    unsigned uid;
};

/* From this process's environment. Makes nothing. ERR_CONFIG when neither
 * $HEARTH_HOME nor $HOME says where, or a path is relative or too long. */
NODISCARD enum err paths_find(struct paths *out, struct why *w);
NODISCARD enum err paths_from(const struct paths_env *env, struct paths *out,
                              struct why *w);

/* Makes config, state, cache and run (0700). ERR_DENIED when `run` belongs to
 * somebody else or others may enter it. */
NODISCARD enum err paths_make(const struct paths *p, struct why *w);

/* The program `name` beside this one ("hearth-runner"); ERR_NOTFOUND. */
NODISCARD enum err paths_sibling(const struct paths *p, const char *name,
                                 char out[PATHS_MAX], struct why *w);

#endif
