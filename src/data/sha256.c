#include "data/sha256.h"

#include <openssl/evp.h>

enum err sha256_init(struct sha256 *h)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();

    if (ctx == NULL || EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) != 1) {
        EVP_MD_CTX_free(ctx);
        return ERR_NOMEM;
    }
    h->ctx = ctx;
    return ERR_OK;
}

enum err sha256_add(struct sha256 *h, struct str bytes)
{
    return EVP_DigestUpdate(h->ctx, bytes.p, bytes.n) == 1 ? ERR_OK : ERR_NOMEM;
}

enum err sha256_end(struct sha256 *h, unsigned char out[SHA256_LEN])
{
    unsigned char sum[EVP_MAX_MD_SIZE];
    bool ok = EVP_DigestFinal_ex(h->ctx, sum, NULL) == 1;

    sha256_done(h);
    if (!ok)
        return ERR_NOMEM;
    memcpy(out, sum, SHA256_LEN);
    return ERR_OK;
}

void sha256_done(struct sha256 *h)
{
    if (h == NULL)
        return;
    EVP_MD_CTX_free(h->ctx);
    h->ctx = NULL;
}

enum err sha256_of(struct str bytes, unsigned char out[SHA256_LEN])
{
    struct sha256 h CLEANUP(sha256_done) = SHA256_INIT;

    TRY(sha256_init(&h));
    TRY(sha256_add(&h, bytes));
    return sha256_end(&h, out);
}

void sha256_hex(const unsigned char sum[SHA256_LEN],
                char out[SHA256_HEX_LEN + 1])
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < SHA256_LEN; i++) {
        out[2 * i] = digits[sum[i] >> 4];
        out[2 * i + 1] = digits[sum[i] & 15];
    }
    out[SHA256_HEX_LEN] = '\0';
}

static int nibble(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool sha256_unhex(struct str hex, unsigned char out[SHA256_LEN])
{
    unsigned char sum[SHA256_LEN];

    if (hex.n != SHA256_HEX_LEN)
        return false;
    for (size_t i = 0; i < SHA256_LEN; i++) {
        int high = nibble(hex.p[2 * i]), low = nibble(hex.p[2 * i + 1]);

        if (high < 0 || low < 0)
            return false;
        sum[i] = (unsigned char)(high << 4 | low);
    }
    memcpy(out, sum, sizeof(sum));
    return true;
}
