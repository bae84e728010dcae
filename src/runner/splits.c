#include "runner/splits.h"

/* "-00001-of-00003.gguf" */
#define FIRST    "-00001-of-"
#define END      ".gguf"
#define DIGITS   5
#define TAIL_LEN (sizeof FIRST - 1 + DIGITS + sizeof END - 1)

/* Number of parts that a name announces; 0 when it is no first part. */
static uint64_t parts_of(struct str path)
{
    uint64_t n;
    if (path.n <= TAIL_LEN)
        return 0;
    struct str tail = str_sub(path, path.n - TAIL_LEN, TAIL_LEN);
    bool is_first = str_starts(tail, STR(FIRST)) && str_ends(tail, STR(END));
    struct str digits = str_sub(tail, sizeof FIRST - 1, DIGITS);
    return is_first && str_u64(digits, SPLITS_MAX, &n) ? n : 0;
}

enum err splits_list(const char *path, struct arena *a, const char *const **out,
                     size_t *n)
{
    struct str whole = str_c(path);
    uint64_t parts = parts_of(whole);
    const char **list = arena_alloc(a, MAX(parts, 1) * sizeof(char *));
    if (!list)
        return ERR_NOMEM;
    list[0] = path;
    for (uint64_t i = 1; i < parts; i++) {
        struct str one, head = str_sub(whole, 0, whole.n - TAIL_LEN);
        TRY(arena_printf(a, &one, "%.*s-%05u-of-%05u" END, STR_ARG(head),
                         (unsigned)i + 1, (unsigned)parts));
        list[i] = one.p;
    }
    *out = list;
    *n = MAX(parts, 1);
    return ERR_OK;
}
