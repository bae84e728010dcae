/*
 * base64.h - RFC 4648 section 4, strictly: padding required, no white space,
 * no bits set beyond the last byte. So every byte string has one encoding.
 */
#ifndef DATA_BASE64_H
#define DATA_BASE64_H

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

/* Both append to `out`, all or nothing. */
NODISCARD enum err base64_encode(struct str bytes, struct buf *out);
/* ERR_PARSE names the position of the first byte that cannot be. */
NODISCARD enum err base64_decode(struct str text, struct buf *out,
                                 struct why *why);

/* Encodes floats as little-endian IEEE 754, the form in which the OpenAI API
 * sends embeddings (encoding_format "base64"). */
NODISCARD enum err base64_encode_f32(const float *v, size_t count,
                                     struct buf *out);

#endif
