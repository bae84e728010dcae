/* Any prompt has a kind, a complexity inside its range, and reasons. */
#include "work/classify.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

static bool fits(const struct classify *c)
{
    int at = (int)c->complexity;

    switch (c->kind) {
#define KIND(NAME, name, words, from, to, person)                              \
    case KIND_##NAME:                                                          \
        return at >= (from) && at <= (to);
#include "work/kinds.def"
#undef KIND
    case KIND_COUNT:
        break;
    }
    return false;
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    struct classify c;

    classify((struct str){(const char *)data, size}, &c);
    if (!fits(&c) || c.n_reasons > CLASSIFY_REASONS)
        abort();
    for (size_t i = 0; i < c.n_reasons; i++)
        if (c.reasons[i] == NULL || c.reasons[i][0] == '\0')
            abort();
    return 0;
}
