/*
 * gw.c - which models there are: from the settings, those shipped with hearth,
 * and the files of the models folder; and small things that handlers share.
 */
#include "gateway/gw.h"

#include "sys/clock.h"
#include "sys/entropy.h"
#include "sys/log.h"

enum { RESCAN_MS = 2000 };

/* The models that come with hearth, in share/models/tiny. */
static const struct {
    const char *id, *file;
} shipped[] = {
    {"tiny-1m", "tiny-1m-q8_0.gguf"},
    {"tiny-6m", "tiny-6m-q8_0.gguf"},
};

static struct registry_want defaults(const struct options *o)
{
    return (struct registry_want){
        .aliases = STR_EMPTY,
        .context = o->serving_context,
        .parallel = (uint32_t)o->serving_parallel,
        .threads = (uint32_t)o->serving_threads,
        .ttl_ms = o->serving_ttl,
    };
}

static uint64_t given(uint64_t value, uint64_t inherited)
{
    return value != OPTIONS_INHERIT ? value : inherited;
}

static struct registry_want want_of(const struct options *o,
                                    const struct options_model *m)
{
    struct registry_want w = defaults(o);

    w.id = m->id;
    w.aliases = m->aliases;
    w.path = m->path;
    w.context = given(m->context, w.context);
    w.context_fixed = m->context != OPTIONS_INHERIT;
    w.parallel = (uint32_t)given(m->parallel, w.parallel);
    w.threads = (uint32_t)given(m->threads, w.threads);
    w.ttl_ms = given(m->ttl, w.ttl_ms);
    w.pin = m->pin;
    w.kind_given = m->kind != OPTIONS_KIND_AUTO;
    w.kind = m->kind == OPTIONS_KIND_EMBED ? REGISTRY_EMBED : REGISTRY_GENERATE;
    return w;
}

static void tell_model(const struct gw *gw, size_t i)
{
    const struct registry_model *m = registry_at(gw->registry, i);

    if (m->problem == ERR_OK)
        LOG(INFO, MODEL, "model", LOG_STR("id", m->want.id),
            LOG_S("arch", m->arch), LOG_U("params", m->facts.n_params),
            LOG_U("file_bytes", m->file.size_bytes),
            LOG_U("context", registry_context(m)));
    else
        LOG(WARN, MODEL, "model_unusable", LOG_STR("id", m->want.id),
            LOG_S("why", m->problem_text));
}

static void scan(struct gw *gw)
{
    const struct registry_want like = defaults(gw->options);
    size_t before = registry_count(gw->registry);
    struct why why = WHY_INIT;

    gw->scanned_ms = clock_us() / 1000;
    if (registry_scan(gw->registry, gw->options->storage_models.p, &like, NULL,
                      &why)
        != ERR_OK)
        LOG(WARN, MODEL, "models_folder", LOG_WHY(&why));
    for (size_t i = before; i < registry_count(gw->registry); i++)
        tell_model(gw, i);
}

enum err gw_add_models(struct gw *gw, struct why *why)
{
    const struct options *o = gw->options;

    for (size_t i = 0; i < o->model_count; i++) {
        struct registry_want w = want_of(o, &o->models[i]);

        TRY(registry_add(gw->registry, &w, NULL, why));
        tell_model(gw, i);
    }
    for (size_t i = 0; o->serving_shipped && gw->paths->share[0] != '\0'
                       && i < COUNTOF(shipped);
         i++) {
        struct registry_want w = defaults(o);
        char path[FS_PATH_MAX];
        enum err e;

        (void)snprintf(path, sizeof(path), "%s/models/tiny/%s",
                       gw->paths->share, shipped[i].file);
        if (!fs_is_file(path))
            continue;
        w.id = str_c(shipped[i].id);
        w.path = str_c(path);
        e = registry_add(gw->registry, &w, NULL, why);
        if (e != ERR_OK && e != ERR_EXISTS)
            return e;
    }
    scan(gw);
    return ERR_OK;
}

void gw_rescan(struct gw *gw)
{
    struct why why = WHY_INIT;

    if (clock_us() / 1000 < gw->scanned_ms + RESCAN_MS)
        return;
    scan(gw);
    if (pool_extend(gw->pool, &why) != ERR_OK)
        LOG(WARN, MODEL, "models_folder", LOG_WHY(&why));
}

size_t gw_find_model(struct gw *gw, struct str name)
{
    size_t i = registry_find(gw->registry, name);

    if (i == SIZE_MAX) {
        gw_rescan(gw);
        i = registry_find(gw->registry, name);
    }
    return i < pool_count(gw->pool) ? i : SIZE_MAX;
}

enum err gw_no_model(struct gw *gw, struct str name, struct oai_err *o)
{
    struct buf CLEANUP(buf_done) names = BUF_INIT(300);

    for (size_t i = 0; i < registry_count(gw->registry); i++) {
        struct str id = registry_at(gw->registry, i)->want.id;

        if (buf_printf(&names, "%s%.*s", names.len != 0 ? ", " : "",
                       STR_ARG(id))
            != ERR_OK)
            break; /* the rest is in /v1/models */
    }
    return oai_err_fail(o, ERR_NOMODEL, "model", NULL,
                        "The model '%.*s' does not exist. This server has: %s.",
                        STR_ARG(str_sub(name, 0, 100)),
                        names.len != 0 ? names.data : "none yet");
}

struct id gw_id(const char *prefix)
{
    unsigned char random[10] = {0};

    if (entropy_fill(random, sizeof(random)) != ERR_OK) {
        /* Ids have to differ, not to be secret. */
        static uint64_t count;

        count++;
        memcpy(random, &count, sizeof(count));
    }
    return id_make(prefix, clock_unix_ms(), random);
}
