#include "data/base64.h"

static const char alphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* 4 digits for up to 3 bytes. */
static void encode_group(const unsigned char *p, size_t n, char *to)
{
    uint32_t v = (uint32_t)p[0] << 16;

    if (n > 1)
        v |= (uint32_t)p[1] << 8;
    if (n > 2)
        v |= p[2];
    to[0] = alphabet[v >> 18];
    to[1] = alphabet[v >> 12 & 63];
    to[2] = n > 1 ? alphabet[v >> 6 & 63] : '=';
    to[3] = n > 2 ? alphabet[v & 63] : '=';
}

enum err base64_encode(struct str bytes, struct buf *out)
{
    const unsigned char *p = (const unsigned char *)bytes.p;
    size_t groups = bytes.n / 3 + (bytes.n % 3 != 0);

    if (groups > SIZE_MAX / 4)
        return ERR_LIMIT;
    TRY(buf_reserve(out, groups * 4));
    for (size_t i = 0; i < groups; i++)
        encode_group(p + i * 3, MIN(bytes.n - i * 3, (size_t)3),
                     out->data + out->len + i * 4);
    buf_grew(out, groups * 4);
    return ERR_OK;
}

enum err base64_encode_f32(const float *v, size_t count, struct buf *out)
{
    enum { CHUNK = 192 }; /* a multiple of 3: only the last has padding */
    unsigned char bytes[CHUNK * 4];
    size_t len = out->len;

    if (count > SIZE_MAX / 8)
        return ERR_LIMIT;
    TRY(buf_reserve(out, (count * 4 + 2) / 3 * 4));
    for (size_t i = 0, n; i < count; i += n) {
        n = MIN(count - i, (size_t)CHUNK);
        for (size_t j = 0; j < n; j++) {
            uint32_t u;

            memcpy(&u, &v[i + j], sizeof(u));
            for (unsigned b = 0; b < 4; b++)
                bytes[j * 4 + b] = (unsigned char)(u >> (8 * b));
        }
        /* The room was made above: this cannot fail half-way. */
        if (base64_encode((struct str){(const char *)bytes, n * 4}, out)
            != ERR_OK) {
            out->len = len;
            return ERR_NOMEM;
        }
    }
    return ERR_OK;
}

static int digit(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* `n` digits (2 to 4) to n - 1 bytes. Returns the index of a wrong digit, or
 * 4 when all is well. */
static size_t decode_group(const char *p, size_t n, char *to)
{
    uint32_t v = 0;
    size_t i;

    for (i = 0; i < n; i++) {
        int d = digit(p[i]);

        if (d < 0)
            return i;
        v = v << 6 | (uint32_t)d;
    }
    v <<= 6 * (4 - n);
    /* Bits that belong to no byte must be zero. */
    if ((v & (0xffffffU >> (8 * (n - 1)))) != 0)
        return n - 1;
    for (i = 0; i + 1 < n; i++)
        to[i] = (char)(v >> (16 - 8 * i));
    return 4;
}

enum err base64_decode(struct str text, struct buf *out, struct why *why)
{
    size_t len = text.n, pad = 0, put = 0;

    if (text.n % 4 != 0)
        return FAIL(why, ERR_PARSE,
                    "base64 of %zu characters: not a multiple of 4", text.n);
    while (pad < 2 && len != 0 && text.p[len - 1] == '=') {
        pad++;
        len--;
    }
    TRY(buf_reserve(out, text.n / 4 * 3));
    for (size_t at = 0; at < len; at += 4) {
        size_t n = MIN(len - at, (size_t)4);
        size_t bad =
            n < 2 ? 0
                  : decode_group(text.p + at, n, out->data + out->len + put);

        if (bad != 4) {
            if (out->data != NULL)
                out->data[out->len] = '\0';
            return FAIL(why, ERR_PARSE, "invalid base64 at byte %zu", at + bad);
        }
        put += n - 1;
    }
    buf_grew(out, put);
    return ERR_OK;
}
