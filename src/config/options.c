#include "config/options.h"

#include "base/mem.h"
#include "config/optval.h"

struct row {
    struct str name, env, help;
    struct optval_rule rule;
    const char *def;
    size_t offset;
    bool live;
};

#define START false
#define LIVE  true
#define NAMED(text)                                                            \
    {                                                                          \
        text, sizeof(text) - 1                                                 \
    }

static const struct row rows[] = {
#define MOPT(...)
#define OPT(field, name, type, def, min, max, when, env, words, help)          \
    {NAMED(name), NAMED(env),                                                  \
     NAMED(help), {OPTVAL_##type, min, max, words},                            \
     def,         offsetof(struct options, field),                             \
     when},
#include "config/options.def"
#undef OPT
#undef MOPT
};

static const struct row model_rows[] = {
#define OPT(...)
#define MOPT(field, name, type, def, min, max, words, help)                    \
    {NAMED(name), NAMED(""),                                                   \
     NAMED(help), {OPTVAL_##type, min, max, words},                            \
     def,         offsetof(struct options_model, field),                       \
     false},
#include "config/options.def"
#undef MOPT
#undef OPT
};

static void store(void *base, const struct row *r, const struct optval *v)
{
    void *at = (char *)base + r->offset;

    switch (r->rule.type) {
    case OPTVAL_BOOL:
        *(bool *)at = v->u != 0;
        break;
    case OPTVAL_ENUM:
        *(int *)at = (int)v->u;
        break;
    case OPTVAL_U64:
    case OPTVAL_SIZE:
    case OPTVAL_DUR:
        *(uint64_t *)at = v->u;
        break;
    case OPTVAL_STR:
    case OPTVAL_ADDR:
    case OPTVAL_PATH:
    case OPTVAL_LIST:
        *(struct str *)at = v->s;
        break;
    }
}

static struct optval load(const void *base, const struct row *r)
{
    const void *at = (const char *)base + r->offset;
    struct optval v = {0, STR_EMPTY};

    if (optval_is_text(r->rule.type))
        v.s = *(const struct str *)at;
    else if (r->rule.type == OPTVAL_BOOL)
        v.u = *(const bool *)at;
    else if (r->rule.type == OPTVAL_ENUM)
        v.u = (uint64_t) * (const int *)at;
    else
        v.u = *(const uint64_t *)at;
    return v;
}

/* A member without a default: numbers inherit, texts are empty. */
static enum err set_default(void *base, const struct row *r, struct why *why)
{
    struct optval v = {OPTIONS_INHERIT, STR_EMPTY};

    if (r->def[0] != '\0')
        TRY(optval_parse(&r->rule, r->name, str_c(r->def), &v, why));
    store(base, r, &v);
    return ERR_OK;
}

static const struct row *find(const struct row *table, size_t count,
                              struct str name)
{
    for (size_t i = 0; i < count; i++)
        if (str_eq(table[i].name, name))
            return &table[i];
    return NULL;
}

/* The last step of a dotted name. */
static struct str leaf(struct str name)
{
    size_t at = name.n;

    while (at > 0 && name.p[at - 1] != '.')
        at--;
    return str_sub(name, at, SIZE_MAX);
}

/* The name that was probably meant, or empty. */
static struct str nearest(const struct row *table, size_t count,
                          struct str name)
{
    size_t best = name.n / 3 + 2;
    struct str found = STR_EMPTY;

    for (size_t i = 0; i < count; i++) {
        size_t d = str_distance(name, table[i].name, best);

        /* "listen" alone means "server.listen" */
        d = MIN(d, 1 + str_distance(leaf(name), leaf(table[i].name), best));
        if (d < best) {
            best = d;
            found = table[i].name;
        }
    }
    return found;
}

static enum err unknown(const struct row *table, size_t count, struct str name,
                        struct why *why)
{
    struct str guess = nearest(table, count, name);

    return FAIL(why, ERR_CONFIG, "unknown setting \"%.*s\"%s%.*s%s",
                STR_ARG(str_sub(name, 0, 80)),
                guess.n != 0 ? "; did you mean \"" : "", STR_ARG(guess),
                guess.n != 0 ? "\"?" : "");
}

/* Parses into `base`, keeping a copy of texts in the arena. */
static enum err assign(struct options *o, void *base, const struct row *r,
                       struct str value, struct why *why)
{
    struct why inner = WHY_INIT;
    struct optval v;

    if (optval_parse(&r->rule, r->name, value, &v, &inner) != ERR_OK)
        return FAIL(why, ERR_CONFIG, "%s", inner.msg);
    if (optval_is_text(r->rule.type)
        && arena_dup(&o->arena, v.s, &v.s) != ERR_OK)
        return FAIL(why, ERR_NOMEM, "%.*s: out of memory", STR_ARG(r->name));
    store(base, r, &v);
    return ERR_OK;
}

enum err options_init(struct options *o, struct why *why)
{
    struct options fresh = {.arena = ARENA_INIT(OPTIONS_BYTES_MAX),
                            .home = STR_EMPTY,
                            .file = STR_EMPTY};

    for (size_t i = 0; i < COUNTOF(rows); i++)
        TRY(set_default(&fresh, &rows[i], why));
    fresh.sources = mem_zalloc(COUNTOF(rows));
    if (fresh.sources == NULL)
        return FAIL(why, ERR_NOMEM, "out of memory");
    *o = fresh;
    return ERR_OK;
}

void options_done(struct options *o)
{
    if (o == NULL)
        return;
    mem_free(o->models);
    mem_free(o->sources);
    arena_done(&o->arena);
    *o = (struct options){0};
}

enum err options_set(struct options *o, struct str name, struct str value,
                     enum options_source source, struct why *why)
{
    const struct row *r = find(rows, COUNTOF(rows), name);

    if (r == NULL)
        return unknown(rows, COUNTOF(rows), name, why);
    TRY(assign(o, o, r, value, why));
    o->sources[r - rows] = (unsigned char)source;
    return ERR_OK;
}

enum err options_set_model(struct options *o, size_t index, struct str name,
                           struct str value, struct why *why)
{
    const struct row *r = find(model_rows, COUNTOF(model_rows), name);

    if (index >= o->model_count)
        return FAIL(why, ERR_RANGE, "there is no models[%zu]", index);
    if (r == NULL)
        return unknown(model_rows, COUNTOF(model_rows), name, why);
    return assign(o, &o->models[index], r, value, why);
}

enum err options_add_model(struct options *o, unsigned line, struct why *why)
{
    struct options_model m = {.line = line}, *grown;

    if (o->model_count == OPTIONS_MODELS_MAX)
        return FAIL(why, ERR_LIMIT, "more than %d models", OPTIONS_MODELS_MAX);
    for (size_t i = 0; i < COUNTOF(model_rows); i++)
        TRY(set_default(&m, &model_rows[i], why));
    grown = mem_resize(o->models, (o->model_count + 1) * sizeof(*grown));
    if (grown == NULL)
        return FAIL(why, ERR_NOMEM, "out of memory");
    o->models = grown;
    o->models[o->model_count++] = m;
    return ERR_OK;
}

bool options_is_list(struct str name)
{
    const struct row *r = find(rows, COUNTOF(rows), name);

    return r != NULL && r->rule.type == OPTVAL_LIST;
}

bool options_model_is_list(struct str name)
{
    const struct row *r = find(model_rows, COUNTOF(model_rows), name);

    return r != NULL && r->rule.type == OPTVAL_LIST;
}

bool options_row(const struct options *o, size_t i, struct options_row *row)
{
    const struct row *r = &rows[i];

    if (i >= COUNTOF(rows))
        return false;
    *row = (struct options_row){
        .name = r->name,
        .env = r->env,
        .help = r->help,
        .type = optval_type_name(r->rule.type),
        .words = r->rule.words,
        .live = r->live,
        .source = (enum options_source)o->sources[i],
    };
    return true;
}

enum err options_value(const struct options *o, size_t i, struct buf *out)
{
    struct optval v;

    if (i >= COUNTOF(rows))
        return ERR_RANGE;
    v = load(o, &rows[i]);
    return optval_print(&rows[i].rule, &v, out);
}

/* "10s | 1s to 1h" */
static enum err doc_range(const struct optval_rule *rule, struct buf *out)
{
    struct optval_rule bare = {rule->type, 0, 0, ""};

    if (rule->type == OPTVAL_BOOL)
        return buf_add(out, STR("on, off"));
    if (rule->type == OPTVAL_ENUM) {
        struct str words = str_c(rule->words);

        for (const char *comma = ""; words.n != 0; comma = ", ") {
            struct str word = str_cut(&words, '|');

            TRY(buf_printf(out, "%s%.*s", comma, STR_ARG(word)));
        }
        return ERR_OK;
    }
    if (optval_is_text(rule->type))
        return ERR_OK;
    TRY(optval_print(&bare, &(struct optval){rule->min, STR_EMPTY}, out));
    TRY(buf_add(out, STR(" to ")));
    TRY(optval_print(&bare, &(struct optval){rule->max, STR_EMPTY}, out));
    if (rule->words[0] != '\0')
        TRY(buf_printf(out, ", %s", rule->words));
    return ERR_OK;
}

static enum err doc_row(const struct row *r, bool top, struct buf *out)
{
    TRY(buf_printf(out, "| `%s` | %s | ", r->name.p,
                   optval_type_name(r->rule.type)));
    if (r->def[0] != '\0')
        TRY(buf_printf(out, "`%s`", r->def));
    TRY(buf_add(out, STR(" | ")));
    TRY(doc_range(&r->rule, out));
    if (top)
        TRY(buf_printf(out, " | `%s` | %s", r->env.p,
                       r->live ? "live" : "start"));
    return buf_printf(out, " | %s |\n", r->help.p);
}

enum err options_doc(struct buf *out)
{
    TRY(buf_add_c(
        out,
        "# Settings\n\n"
        "Made by `hearth docs options` from src/config/options.def; do not "
        "edit.\n\n"
        "No setting is needed. They come, later ones winning, from the "
        "defaults, the file `config.yaml` in the home folder (or `--config "
        "FILE`), the environment, and `--set name=value`. `hearth config "
        "check` says what is wrong, with line and column.\n\n"
        "```yaml\nserver:\n  listen: 127.0.0.1:9000\nmodels:\n"
        "  - path: qwen2.5-7b-instruct-q4_k_m.gguf\n    id: qwen-7b\n"
        "    aliases: [coder]\n```\n\n"
        "| setting | type | default | range | environment | takes effect | "
        "meaning |\n|---|---|---|---|---|---|---|\n"));
    for (size_t i = 0; i < COUNTOF(rows); i++)
        TRY(doc_row(&rows[i], true, out));
    TRY(buf_add_c(out,
                  "\n## An entry of `models:`\n\nWithout a default, an entry "
                  "takes the value of `serving.` and its name.\n\n"
                  "| member | type | default | range | meaning |\n"
                  "|---|---|---|---|---|\n"));
    for (size_t i = 0; i < COUNTOF(model_rows); i++)
        TRY(doc_row(&model_rows[i], false, out));
    return ERR_OK;
}
