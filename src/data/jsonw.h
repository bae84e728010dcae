/*
 * jsonw.h - writes JSON into a buffer, one call per token.
 *
 *   struct jsonw w = JSONW_INIT(&out);
 *   jsonw_obj(&w);
 *   jsonw_key_str(&w, "object", STR("list"));
 *   jsonw_key(&w, "data");
 *   jsonw_arr(&w); jsonw_u64(&w, 1); jsonw_arr_end(&w);
 *   jsonw_obj_end(&w);
 *   TRY(jsonw_end(&w));
 *
 * Commas are put by the writer. The first failure sticks: later calls do
 * nothing, jsonw_end returns it and takes back all that was written. No
 * allocation except through the buffer. Output has no spaces or newlines, so
 * it is also one line of NDJSON or one SSE data field.
 */
#ifndef DATA_JSONW_H
#define DATA_JSONW_H

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

enum { JSONW_DEPTH_MAX = 64 };

struct jsonw {
    struct buf *out;
    size_t start; /* out->len at birth */
    enum err err;
    unsigned depth;
    uint64_t objects; /* bit d: the container at depth d is an object */
    bool comma;       /* a value stands before this place */
    bool keyed;       /* a key waits for its value */
};

#define JSONW_INIT(buffer)                                                     \
    ((struct jsonw){.out = (buffer), .start = (buffer)->len})

void jsonw_obj(struct jsonw *w);
void jsonw_obj_end(struct jsonw *w);
void jsonw_arr(struct jsonw *w);
void jsonw_arr_end(struct jsonw *w);
void jsonw_key(struct jsonw *w, const char *key);
void jsonw_key_n(struct jsonw *w, struct str key);

/* Bytes that are not UTF-8 are written as U+FFFD, one per wrong sequence;
 * U+2028 and U+2029 are escaped, so the output is also JavaScript. */
void jsonw_str(struct jsonw *w, struct str s);
void jsonw_cstr(struct jsonw *w, const char *s); /* NULL writes null */
void jsonw_u64(struct jsonw *w, uint64_t v);
void jsonw_i64(struct jsonw *w, int64_t v);
/* The shortest text that reads back as the same number. Infinite and NaN are
 * ERR_RANGE: JSON has no word for them and the caller has to choose one. */
void jsonw_f64(struct jsonw *w, double v);
void jsonw_f32(struct jsonw *w, float v);
void jsonw_bool(struct jsonw *w, bool v);
void jsonw_null(struct jsonw *w);
/* Bytes that already are one valid JSON value, copied as they are. A parsed
 * value is written by json_write (json.h). */
void jsonw_raw(struct jsonw *w, struct str json);

/* key and value in one call */
void jsonw_key_str(struct jsonw *w, const char *key, struct str s);
void jsonw_key_cstr(struct jsonw *w, const char *key, const char *s);
void jsonw_key_u64(struct jsonw *w, const char *key, uint64_t v);
void jsonw_key_i64(struct jsonw *w, const char *key, int64_t v);
void jsonw_key_f64(struct jsonw *w, const char *key, double v);
void jsonw_key_bool(struct jsonw *w, const char *key, bool v);
void jsonw_key_null(struct jsonw *w, const char *key);
void jsonw_key_raw(struct jsonw *w, const char *key, struct str json);
void jsonw_key_obj(struct jsonw *w, const char *key);
void jsonw_key_arr(struct jsonw *w, const char *key);

/* The first failure, or ERR_OK when exactly one whole value was written. A
 * container left open, a value without key and the like are ERR_SYNTAX. */
NODISCARD enum err jsonw_end(struct jsonw *w);

#endif
