#include "base/id.h"

static const char alphabet[] = "0123456789abcdefghjkmnpqrstvwxyz";

enum { DIGITS = 26, PREFIX_MAX = 16 };

struct id id_make(const char *prefix, int64_t unix_ms,
                  const unsigned char random[10])
{
    struct id id;
    size_t at = strlen(prefix);
    uint64_t time = (uint64_t)unix_ms & 0xffffffffffffU;
    unsigned bits = 0;
    uint32_t acc = 0;
    size_t next = 0;

    assert(at > 0 && at <= PREFIX_MAX);
    memcpy(id.text, prefix, at);
    id.text[at++] = '_';
    for (int shift = 45; shift >= 0; shift -= 5)
        id.text[at++] = alphabet[(time >> shift) & 31];
    for (int i = 0; i < 16; i++) {
        if (bits < 5) {
            acc = acc << 8 | random[next++];
            bits += 8;
        }
        bits -= 5;
        id.text[at++] = alphabet[(acc >> bits) & 31];
    }
    id.text[at] = '\0';
    return id;
}

bool id_valid(struct str text, const char *prefix)
{
    struct str p = str_c(prefix);

    if (!str_starts(text, p) || text.n != p.n + 1 + DIGITS
        || text.p[p.n] != '_')
        return false;
    for (size_t i = p.n + 1; i < text.n; i++)
        if (memchr(alphabet, text.p[i], sizeof(alphabet) - 1) == NULL)
            return false;
    return true;
}
