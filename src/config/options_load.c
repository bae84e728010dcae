#include "config/options_load.h"

#include "base/utf8.h"
#include "config/optval.h"
#include "data/conf.h"
#include "sys/fs.h"

/* ---- the file ----------------------------------------------------------- */

struct reading {
    struct options *o;
    const char *name; /* of the file */
};

static enum err at_item(const struct reading *rd, const struct conf_item *it,
                        const struct why *inner, struct why *why)
{
    return FAIL(why, inner->code, "%s:%u:%u: %s", rd->name, it->line,
                it->column, inner->msg);
}

/* Joins the items of a list into "a,b". `*at` ends behind the last one. */
static enum err join_list(const struct conf *c, size_t *at, size_t prefix,
                          struct buf *joined, struct why *why)
{
    struct str path = str_sub(c->items[*at].path, 0, prefix);

    for (; *at < c->count; (*at)++) {
        const struct conf_item *it = &c->items[*at];

        if (!str_starts(it->path, path) || it->path.n <= prefix
            || it->path.p[prefix] != '[')
            break;
        if (str_has(it->value, STR(",")))
            return FAIL(why, ERR_CONFIG, "an entry has a comma in it");
        if (joined->len != 0)
            TRY(buf_add_byte(joined, ','));
        TRY(buf_add(joined, it->value));
    }
    return ERR_OK;
}

static enum err assign(const struct reading *rd, long model, struct str name,
                       struct str value, struct why *why)
{
    if (model < 0)
        return options_set(rd->o, name, value, OPTIONS_FILE, why);
    return options_set_model(rd->o, (size_t)model, name, value, why);
}

/* Length of the part of `path` in front of a final "[n]", or SIZE_MAX. */
static size_t list_prefix(struct str path)
{
    size_t at = path.n;

    if (path.n == 0 || path.p[path.n - 1] != ']')
        return SIZE_MAX;
    while (at > 0 && path.p[at - 1] != '[')
        at--;
    return at == 0 ? SIZE_MAX : at - 1;
}

static enum err read_value(const struct reading *rd, const struct conf *c,
                           size_t *at, long model, size_t name_at,
                           struct why *why)
{
    const struct conf_item *it = &c->items[*at];
    struct buf CLEANUP(buf_done) joined = BUF_INIT(65536);
    size_t prefix = list_prefix(it->path);
    struct str name = str_sub(it->path, name_at, SIZE_MAX);
    bool is_list;

    if (prefix != SIZE_MAX && prefix >= name_at)
        name = str_sub(it->path, name_at, prefix - name_at);
    is_list = model < 0 ? options_is_list(name) : options_model_is_list(name);
    if (prefix != SIZE_MAX && prefix >= name_at && is_list) {
        TRY(join_list(c, at, prefix, &joined, why));
        return assign(rd, model, name, buf_str(&joined), why);
    }
    (*at)++;
    if (it->kind == CONF_EMPTY_SEQ && is_list)
        return assign(rd, model, name, STR_EMPTY, why);
    if (it->kind == CONF_EMPTY_MAP || it->kind == CONF_NULL)
        return ERR_OK; /* "server:" with nothing below says nothing */
    if (it->kind == CONF_EMPTY_SEQ)
        return FAIL(why, ERR_CONFIG, "\"%.*s\" is not a list",
                    STR_ARG(str_sub(name, 0, 80)));
    return assign(rd, model, str_sub(it->path, name_at, SIZE_MAX), it->value,
                  why);
}

/* "models[3].context": opens entry 3 when it is new. */
static enum err read_model(const struct reading *rd, const struct conf *c,
                           size_t *at, struct why *why)
{
    const struct conf_item *it = &c->items[*at];
    struct str rest = it->path, key = STR_EMPTY;
    long index = -1;

    (void)conf_next_step(&rest, &key, &index); /* "models" */
    if (!conf_next_step(&rest, &key, &index) || index < 0) {
        (*at)++;
        if (it->kind == CONF_NULL || it->kind == CONF_EMPTY_SEQ)
            return ERR_OK;
        return FAIL(why, ERR_CONFIG,
                    "\"models\" is a list: write \"- path: file.gguf\"");
    }
    if (rest.n == 0 && it->kind != CONF_EMPTY_MAP)
        return FAIL(why, ERR_CONFIG,
                    "an entry of \"models\" has members: write \"- path: "
                    "%.*s\"",
                    STR_ARG(str_sub(it->value, 0, 60)));
    if ((size_t)index == rd->o->model_count)
        TRY(options_add_model(rd->o, it->line, why));
    if (rest.n == 0) {
        (*at)++;
        return ERR_OK;
    }
    if (rest.p[0] == '.')
        rest = str_sub(rest, 1, SIZE_MAX);
    return read_value(rd, c, at, index, it->path.n - rest.n, why);
}

enum err options_read_yaml(struct options *o, struct str text, const char *name,
                           struct why *why)
{
    struct reading rd = {o, name};
    struct conf CLEANUP(conf_done) c = CONF_INIT;

    TRY(conf_parse(&c, text, name, why));
    for (size_t i = 0; i < c.count;) {
        const struct conf_item *it = &c.items[i];
        struct str rest = it->path, key = STR_EMPTY;
        struct why inner = WHY_INIT;
        long index;
        enum err e;

        if (!conf_next_step(&rest, &key, &index)) {
            /* the document itself: empty, or no mapping */
            i++;
            if (it->kind == CONF_NULL || it->kind == CONF_EMPTY_MAP)
                continue;
            e = FAIL(&inner, ERR_CONFIG, "settings are \"name: value\" pairs");
        } else if (str_eq(key, STR("models")) && index < 0) {
            e = read_model(&rd, &c, &i, &inner);
        } else {
            e = read_value(&rd, &c, &i, -1, 0, &inner);
        }
        if (e != ERR_OK) {
            if (inner.code == ERR_OK)
                (void)FAIL(&inner, e, "%s", err_text(e));
            return at_item(&rd, it, &inner, why);
        }
    }
    return ERR_OK;
}

/* ---- the environment and --set ------------------------------------------ */

static const char *env_get(char *const *env, struct str name)
{
    for (size_t i = 0; env != NULL && env[i] != NULL; i++) {
        struct str entry = str_c(env[i]);

        if (str_starts(entry, name) && entry.n > name.n
            && entry.p[name.n] == '=')
            return entry.p + name.n + 1;
    }
    return NULL;
}

enum err options_read_env(struct options *o, char *const *env, struct why *why)
{
    struct options_row row;

    for (size_t i = 0; options_row(o, i, &row); i++) {
        const char *value = env_get(env, row.env);
        struct why inner = WHY_INIT;

        if (value == NULL)
            continue;
        if (options_set(o, row.name, str_c(value), OPTIONS_ENV, &inner)
            != ERR_OK)
            return FAIL(why, inner.code, "in the environment, %s: %s",
                        row.env.p, inner.msg);
    }
    return ERR_OK;
}

enum err options_read_set(struct options *o, struct str assignment,
                          struct why *why)
{
    struct str value = assignment, name;
    struct why inner = WHY_INIT;

    if (!str_has(assignment, STR("=")))
        return FAIL(why, ERR_CONFIG, "--set %.*s: write name=value",
                    STR_ARG(str_sub(assignment, 0, 80)));
    name = str_cut(&value, '=');
    if (options_set(o, name, value, OPTIONS_SET, &inner) != ERR_OK)
        return FAIL(why, inner.code, "--set: %s", inner.msg);
    return ERR_OK;
}

/* ---- paths and names ----------------------------------------------------- */

static enum err absolute(struct options *o, struct str base,
                         struct str user_home, struct str *path,
                         struct why *why)
{
    enum err e = ERR_OK;

    if (path->n == 0 || path->p[0] == '/')
        return ERR_OK;
    if (str_starts(*path, STR("~/"))) {
        if (user_home.n == 0)
            return FAIL(why, ERR_CONFIG, "%.*s: there is no home folder",
                        STR_ARG(*path));
        e = arena_printf(&o->arena, path, "%.*s%.*s", STR_ARG(user_home),
                         STR_ARG(str_sub(*path, 1, SIZE_MAX)));
    } else {
        e = arena_printf(&o->arena, path, "%.*s/%.*s", STR_ARG(base),
                         STR_ARG(*path));
    }
    return e == ERR_OK ? e : FAIL(why, e, "a path is too long");
}

/* "/models/Qwen2.5 7B.gguf" gives "Qwen2.5-7B". */
static enum err id_of_path(struct options *o, struct str path, struct str *id)
{
    size_t at = path.n;
    struct str name;
    char text[OPTIONS_ID_MAX + 1];

    while (at > 0 && path.p[at - 1] != '/')
        at--;
    name = str_sub(path, at, SIZE_MAX);
    if (str_ends(name, STR(".gguf")))
        name = str_sub(name, 0, name.n - 5);
    name = utf8_cut(name, OPTIONS_ID_MAX);
    for (size_t i = 0; i < name.n; i++)
        text[i] = name.p[i] == ' ' ? '-' : name.p[i];
    return arena_dup(&o->arena, (struct str){text, name.n}, id);
}

enum err options_resolve(struct options *o, struct str home,
                         struct str user_home, struct why *why)
{
    if (arena_dup(&o->arena, home, &o->home) != ERR_OK)
        return FAIL(why, ERR_NOMEM, "out of memory");
    TRY(absolute(o, o->home, user_home, &o->storage_models, why));
    for (size_t i = 0; i < o->model_count; i++) {
        struct options_model *m = &o->models[i];

        TRY(absolute(o, o->storage_models, user_home, &m->path, why));
        if (m->id.n == 0 && m->path.n != 0
            && id_of_path(o, m->path, &m->id) != ERR_OK)
            return FAIL(why, ERR_NOMEM, "out of memory");
    }
    return ERR_OK;
}

/* ---- checks --------------------------------------------------------------- */

static bool is_name(struct str s)
{
    if (s.n == 0 || s.n > OPTIONS_ID_MAX || s.p[0] == '.')
        return false;
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];

        if (c <= ' ' || c == 0x7f || strchr("\"'\\?#%,;", c) != NULL)
            return false;
    }
    return utf8_valid(s);
}

static bool has_name(const struct options_model *m, struct str name)
{
    struct str rest = m->aliases;

    if (str_eq(m->id, name))
        return true;
    while (rest.n != 0)
        if (str_eq(str_cut(&rest, ','), name))
            return true;
    return false;
}

static enum err check_name(const struct options *o, size_t i, struct str name,
                           struct why *why)
{
    if (!is_name(name))
        return FAIL(why, ERR_CONFIG,
                    "models[%zu] (line %u): \"%.*s\" cannot be a name (1 to "
                    "%d bytes, no spaces, quotes or any of \\ ? # %% , ;)",
                    i, o->models[i].line, STR_ARG(str_sub(name, 0, 60)),
                    OPTIONS_ID_MAX);
    for (size_t j = 0; j < i; j++)
        if (has_name(&o->models[j], name))
            return FAIL(why, ERR_CONFIG,
                        "models[%zu] (line %u): the name \"%.*s\" is taken by "
                        "models[%zu] (line %u)",
                        i, o->models[i].line, STR_ARG(name), j,
                        o->models[j].line);
    return ERR_OK;
}

static enum err check_model(const struct options *o, size_t i, struct why *why)
{
    const struct options_model *m = &o->models[i];
    struct str rest = m->aliases;

    if (m->path.n == 0)
        return FAIL(why, ERR_CONFIG, "models[%zu] (line %u) has no path", i,
                    m->line);
    TRY(check_name(o, i, m->id, why));
    while (rest.n != 0)
        TRY(check_name(o, i, str_cut(&rest, ','), why));
    return ERR_OK;
}

static enum err check_listen(const struct options *o, struct why *why)
{
    struct optval_addr addr;

    TRY(optval_addr(o->server_listen, &addr, why));
    if (!addr.loopback)
        return FAIL(why, ERR_CONFIG,
                    "server.listen: %.*s can be reached by other machines, "
                    "which needs keys; this version has none yet. Listen on "
                    "127.0.0.1 and let a proxy that authenticates stand in "
                    "front",
                    STR_ARG(o->server_listen));
    return ERR_OK;
}

static enum err check_origins(const struct options *o, struct why *why)
{
    struct str rest = o->server_origins;

    while (rest.n != 0) {
        struct str origin = str_cut(&rest, ',');
        struct str host = origin;

        if (str_starts(origin, STR("https://")))
            host = str_sub(origin, 8, SIZE_MAX);
        else if (str_starts(origin, STR("http://")))
            host = str_sub(origin, 7, SIZE_MAX);
        if (host.p == origin.p || host.n == 0 || str_has(host, STR("/")))
            return FAIL(why, ERR_CONFIG,
                        "server.origins: \"%.*s\" is not an origin such as "
                        "https://notes.example",
                        STR_ARG(str_sub(origin, 0, 80)));
    }
    return ERR_OK;
}

enum err options_check(const struct options *o, struct why *why)
{
    TRY(check_listen(o, why));
    TRY(check_origins(o, why));
    if (o->serving_context != 0 && o->serving_context < o->serving_context_min)
        return FAIL(why, ERR_CONFIG,
                    "serving.context_min is larger than serving.context");
    for (size_t i = 0; i < o->model_count; i++)
        TRY(check_model(o, i, why));
    return ERR_OK;
}

/* ---- all together --------------------------------------------------------- */

static enum err read_file(struct options *o, const struct options_sources *from,
                          struct why *why)
{
    struct buf CLEANUP(buf_done) text = BUF_INIT(CONF_MAX_BYTES);
    struct why inner = WHY_INIT;
    struct str path = str_c(from->file);
    enum err e;

    if (from->file != NULL)
        TRY(arena_dup(&o->arena, path, &path));
    else
        TRY(arena_printf(&o->arena, &path, "%.*s/config.yaml",
                         STR_ARG(from->config_dir)));
    e = fs_read(path.p, &text, &inner);
    if (e == ERR_NOTFOUND && from->file == NULL)
        return ERR_OK; /* no file is needed */
    if (e != ERR_OK)
        return FAIL(why, ERR_CONFIG, "%s", inner.msg);
    o->file = path;
    return options_read_yaml(o, buf_str(&text), path.p, why);
}

enum err options_load(struct options *o, const struct options_sources *from,
                      struct why *why)
{
    struct options CLEANUP(options_done) fresh = {0};

    TRY(options_init(&fresh, why));
    TRY(read_file(&fresh, from, why));
    TRY(options_read_env(&fresh, from->env, why));
    for (size_t i = 0; i < from->set_count; i++)
        TRY(options_read_set(&fresh, from->sets[i], why));
    TRY(options_resolve(&fresh, from->home, from->user_home, why));
    TRY(options_check(&fresh, why));
    *o = fresh;
    fresh = (struct options){0};
    return ERR_OK;
}
