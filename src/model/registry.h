/*
 * registry.h - the models that this hearth can serve, and what their files
 * say about themselves.
 *
 * Entries come from the configuration, from *.gguf files in folders, and from
 * the models shipped with hearth; the first of a name wins. An entry is never
 * removed while the registry lives, so its index is its identity; a file that
 * is missing or damaged is an entry with `problem` set, and asking for it is
 * answered with that text. Only headers are read here (data/gguf.h), and the
 * weights are trusted to nobody but a runner.
 *
 * One thread. Calls that touch files block on the disk: at start, on a rescan,
 * and before a load.
 */
#ifndef MODEL_REGISTRY_H
#define MODEL_REGISTRY_H

#include "data/gguf.h"
#include "sys/fs.h"

enum {
    REGISTRY_MODELS_MAX = 1000,
    REGISTRY_HEADER_MAX = 64 << 20, /* bytes of a GGUF header */
};

enum registry_kind { REGISTRY_GENERATE, REGISTRY_EMBED };

/* What the owner of the machine asks for. Texts are copied. */
struct registry_want {
    struct str id, aliases, path; /* aliases: separated by commas */
    uint64_t context;             /* tokens; 0: what it was trained for */
    bool context_fixed;           /* never cut it down */
    uint32_t parallel, threads;   /* threads 0: automatic */
    uint64_t ttl_ms;              /* 0: stays loaded */
    bool pin;
    bool kind_given; /* else by the file */
    enum registry_kind kind;
};

struct registry_model {
    struct registry_want want; /* its texts belong to the registry */
    enum registry_kind kind;
    struct fs_stat file;
    struct gguf facts; /* slices: arch, name only; the rest are empty */
    char arch[64], name[128];
    bool has_template;
    enum err problem; /* why it cannot be served, or ERR_OK */
    char problem_text[400];
};

struct registry;

NODISCARD enum err registry_new(uint64_t hash_seed, struct registry **out);
void registry_free(struct registry *r);

/* Adds one and reads its header. A file that cannot be used is no failure
 * here (see above). ERR_EXISTS when the id or an alias is taken, ERR_LIMIT,
 * ERR_NOMEM: nothing was added. `*index` may be NULL. */
NODISCARD enum err registry_add(struct registry *r,
                                const struct registry_want *want, size_t *index,
                                struct why *why);

/* Adds every *.gguf of a folder that is not there yet, with `like` for all
 * that is not its id and path. Later parts of split models, projectors and
 * hidden files are left out. A missing folder is an empty one. `*added` (may be
 * NULL) is set also after a failure, which leaves what was found before it. */
NODISCARD enum err registry_scan(struct registry *r, const char *folder,
                                 const struct registry_want *like,
                                 size_t *added, struct why *why);

/* Looks at the file again: reads the header anew when it is another file than
 * before. The result is in model->problem. True when anything changed. */
bool registry_refresh(struct registry *r, size_t index);

size_t registry_count(const struct registry *r);
const struct registry_model *registry_at(const struct registry *r,
                                         size_t index);

/* Index by id or alias, or SIZE_MAX. */
size_t registry_find(const struct registry *r, struct str name);

/* Tokens of context that this model can have: what is wished, at most what it
 * was trained for. */
uint32_t registry_context(const struct registry_model *m);

#endif
