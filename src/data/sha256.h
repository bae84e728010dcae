/*
 * sha256.h - SHA-256 (FIPS 180-4) by OpenSSL, incremental and at once, and
 * its text form. A `struct sha256` belongs to one thread.
 */
#ifndef DATA_SHA256_H
#define DATA_SHA256_H

#include "base/err.h"
#include "base/str.h"

enum { SHA256_LEN = 32, SHA256_HEX_LEN = 64 };

struct sha256 {
    void *ctx;
};

#define SHA256_INIT ((struct sha256){NULL})

/* ERR_NOMEM; after that `h` is as before. */
NODISCARD enum err sha256_init(struct sha256 *h);
NODISCARD enum err sha256_add(struct sha256 *h, struct str bytes);
/* Writes the digest and frees the state, as sha256_done does. */
NODISCARD enum err sha256_end(struct sha256 *h, unsigned char out[SHA256_LEN]);
void sha256_done(struct sha256 *h);

NODISCARD enum err sha256_of(struct str bytes, unsigned char out[SHA256_LEN]);

/* Lower-case hexadecimal with a NUL. */
void sha256_hex(const unsigned char sum[SHA256_LEN],
                char out[SHA256_HEX_LEN + 1]);
/* The opposite; takes either case. False when it is not 64 hex digits. */
NODISCARD bool sha256_unhex(struct str hex, unsigned char out[SHA256_LEN]);

#endif
