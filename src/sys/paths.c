#include "sys/paths.h"

#include <sys/un.h>

#include "sys/fs.h"
#include "sys/process.h"

#define RUN_DIR_MAX                                                            \
    (sizeof(((struct sockaddr_un *)NULL)->sun_path) - PATHS_SOCKET_MAX - 2)

static bool given(const char *s)
{
    return s != NULL && s[0] != '\0';
}

/* <base><tail> into `out`; `what` names the variable for the message. */
static enum err place(char out[PATHS_MAX], const char *base, const char *tail,
                      const char *what, struct why *w)
{
    int n;

    if (base[0] != '/')
        return FAIL(w, ERR_CONFIG, "%s must be an absolute path, not '%s'",
                    what, base);
    n = snprintf(out, PATHS_MAX, "%s%s", base, tail);
    if (n < 0 || n >= PATHS_MAX)
        return FAIL(w, ERR_CONFIG, "%s is longer than %d bytes", what,
                    PATHS_MAX - 1);
    return ERR_OK;
}

/* One XDG directory: from its variable, else below the home directory. */
static enum err xdg(char out[PATHS_MAX], const char *value, const char *home,
                    const char *tail, struct why *w)
{
    /* The specification wants relative values ignored. */
    if (given(value) && value[0] == '/')
        return place(out, value, "/hearth", "an XDG directory", w);
    if (!given(home))
        return FAIL(w, ERR_CONFIG,
                    "neither HEARTH_HOME nor HOME says where to keep data");
    return place(out, home, tail, "HOME", w);
}

static enum err below_home(const struct paths_env *env, struct paths *p,
                           struct why *w)
{
    const char *home = env->hearth_home;

    TRY(place(p->config, home, "", "HEARTH_HOME", w));
    TRY(place(p->state, home, "", "HEARTH_HOME", w));
    TRY(place(p->cache, home, "/cache", "HEARTH_HOME", w));
    return place(p->run, home, "/run", "HEARTH_HOME", w);
}

static enum err in_xdg(const struct paths_env *env, struct paths *p,
                       struct why *w)
{
    TRY(xdg(p->config, env->xdg_config, env->home, "/.config/hearth", w));
    TRY(xdg(p->state, env->xdg_state, env->home, "/.local/state/hearth", w));
    TRY(xdg(p->cache, env->xdg_cache, env->home, "/.cache/hearth", w));
    if (given(env->xdg_run) && env->xdg_run[0] == '/')
        return place(p->run, env->xdg_run, "/hearth", "XDG_RUNTIME_DIR", w);
    return place(p->run, p->state, "/run", "the state directory", w);
}

/* `run` must leave room for a socket's name in a socket's address. */
static void shorten_run(const struct paths_env *env, struct paths *p)
{
    struct str run = str_c(p->run);

    if (run.n <= RUN_DIR_MAX)
        return;
    (void)snprintf(p->run, sizeof(p->run), "/tmp/hearth-%u-%016llx", env->uid,
                   (unsigned long long)str_hash(run, 0));
}

/* Installed: <prefix>/bin/hearth; in a build tree: build/<flavour>/hearth or
 * build/<flavour>/tests/x_test. */
static void find_share(struct paths *p)
{
    static const char *const from_exe[] = {"/../share/hearth", "/..", "/../..",
                                           "/../../.."};
    const char *slash = strrchr(p->exe, '/');
    char dir[PATHS_MAX], real[FS_PATH_MAX];

    for (size_t i = 0; slash != NULL && i < COUNTOF(from_exe); i++) {
        int n = snprintf(dir, sizeof(dir), "%.*s%s/models/tiny",
                         (int)(slash - p->exe), p->exe, from_exe[i]);

        if (n < 0 || (size_t)n >= sizeof(dir) || !fs_is_dir(dir)
            || fs_real(dir, real, NULL) != ERR_OK)
            continue;
        if (str_z(
                str_sub(str_c(real), 0, strlen(real) - strlen("/models/tiny")),
                p->share, sizeof(p->share)))
            return;
    }
    p->share[0] = '\0';
}

enum err paths_from(const struct paths_env *env, struct paths *out,
                    struct why *w)
{
    struct paths p = {0};

    TRY(given(env->hearth_home) ? below_home(env, &p, w) : in_xdg(env, &p, w));
    shorten_run(env, &p);
    if (given(env->exe) && !str_z(str_c(env->exe), p.exe, sizeof(p.exe)))
        return FAIL(w, ERR_CONFIG, "the path of this program is too long");
    find_share(&p);
    *out = p;
    return ERR_OK;
}

enum err paths_find(struct paths *out, struct why *w)
{
    char exe[PATHS_MAX] = "";
    struct paths_env env = {
        .hearth_home = process_env("HEARTH_HOME"),
        .home = process_env("HOME"),
        .xdg_config = process_env("XDG_CONFIG_HOME"),
        .xdg_state = process_env("XDG_STATE_HOME"),
        .xdg_cache = process_env("XDG_CACHE_HOME"),
        .xdg_run = process_env("XDG_RUNTIME_DIR"),
        .exe = exe,
        .uid = process_user(),
    };

    TRY(process_exe(exe, sizeof(exe), w));
    return paths_from(&env, out, w);
}

enum err paths_make(const struct paths *p, struct why *w)
{
    struct fs_stat st;

    TRY(fs_mkdirs(p->config, w));
    TRY(fs_mkdirs(p->state, w));
    TRY(fs_mkdirs(p->cache, w));
    TRY(fs_mkdirs(p->run, w));
    TRY(fs_stat(p->run, &st, w));
    /* It may lie in /tmp, where somebody else could have made it first. */
    if (st.owner != process_user() || (st.mode & 077U) != 0)
        return FAIL(w, ERR_DENIED,
                    "%s must belong to this user and have mode 0700", p->run);
    return ERR_OK;
}

enum err paths_sibling(const struct paths *p, const char *name,
                       char out[PATHS_MAX], struct why *w)
{
    const char *slash = strrchr(p->exe, '/');
    char path[PATHS_MAX];
    int n = snprintf(path, sizeof(path), "%.*s/%s",
                     slash != NULL ? (int)(slash - p->exe) : 0, p->exe, name);

    if (n < 0 || (size_t)n >= sizeof(path))
        return FAIL(w, ERR_LIMIT, "the path of %s is too long", name);
    if (!fs_is_executable(path))
        return FAIL(w, ERR_NOTFOUND, "there is no program %s", path);
    memcpy(out, path, sizeof(path));
    return ERR_OK;
}
