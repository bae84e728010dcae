/*
 * json.h - strict reading of JSON (RFC 8259) into a tree, on yyjson.
 *
 * Refused besides bad syntax: invalid UTF-8, lone surrogates, numbers beyond
 * a double, a byte order mark, anything after the value, nesting deeper than
 * the limit and, on request, an object with the same key twice.
 *
 * A `struct json` is a borrowed value, two words, passed by value; it lives as
 * long as its document. Its place in the document is found again when an error
 * has to name it, so getters explain themselves in the sender's words:
 *   "messages[2].content" must be a string, got a number
 * Errors: ERR_PARSE for syntax and wrong types, ERR_RANGE for numbers out of
 * range, ERR_LIMIT for size and depth, ERR_NOMEM. One document belongs to one
 * thread at a time; reading from several is fine.
 *
 * See also json_scan.h (request bodies whose large parts are only passed on),
 * json_path.h (where a value is) and json_write.h (a value back to text).
 */
#ifndef DATA_JSON_H
#define DATA_JSON_H

#include "base/err.h"
#include "base/str.h"

enum json_type {
    JSON_ABSENT, /* no such member, or past the end */
    JSON_NULL,
    JSON_BOOL,
    JSON_NUMBER,
    JSON_STRING,
    JSON_ARRAY,
    JSON_OBJECT,
};

enum { JSON_DEPTH = 64, JSON_DEPTH_MAX = 512 };

struct json_limits {
    size_t max_bytes;
    unsigned max_depth; /* containers inside each other, 1..JSON_DEPTH_MAX */
    size_t max_memory;  /* bytes of any one allocation for the tree */
    bool repeated_keys; /* accept them; json_get then finds the first */
};

/* For documents from a peer or a file. */
#define JSON_LIMITS                                                            \
    ((struct json_limits){.max_bytes = (size_t)16 << 20,                       \
                          .max_depth = JSON_DEPTH,                             \
                          .max_memory = (size_t)128 << 20})

struct json_doc {
    void *tree; /* NULL: empty */
};

#define JSON_DOC_INIT ((struct json_doc){NULL})

struct json {
    const void *root, *at; /* at NULL: absent */
};

/* Copies what it needs: `text` may go afterwards. `lim` NULL means
 * JSON_LIMITS. `doc` changes only on success and must be empty before. The
 * message has the byte offset (from 0), line and column (from 1, in bytes). */
NODISCARD enum err json_parse(struct json_doc *doc, struct str text,
                              const struct json_limits *lim, struct why *why);
void json_done(struct json_doc *doc);

struct json json_root(const struct json_doc *doc);
enum json_type json_type(struct json v);
const char *json_type_name(enum json_type t); /* "a string", "nothing", ... */

/* ---- values; the neutral value (empty, false) when the type is another ---- */
struct str json_str(struct json v); /* may hold NUL bytes ("\u0000") */
bool json_true(struct json v);
size_t json_count(struct json v); /* members or elements; 0 for others */
struct json json_get(struct json obj, const char *key);
struct json json_get_n(struct json obj, struct str key);
struct json json_at(struct json arr, size_t i); /* walks: iterate instead */

/* for (struct json_iter it = json_iter(v); json_next(&it, &key, &val);)
 * Over members or elements (key is empty then); over nothing for others. */
struct json_iter {
    const void *root, *next;
    size_t left;
    bool object;
};
struct json_iter json_iter(struct json v);
bool json_next(struct json_iter *it, struct str *key, struct json *val);

/* ---- a value that must have a type; outputs change only on success ---- */
NODISCARD enum err json_as_str(struct json v, struct str *out, struct why *why);
NODISCARD enum err json_as_bool(struct json v, bool *out, struct why *why);
/* A whole number: 3 and 3.0, not 3.5. Outside [min, max]: ERR_RANGE. */
NODISCARD enum err json_as_u64(struct json v, uint64_t min, uint64_t max,
                               uint64_t *out, struct why *why);
NODISCARD enum err json_as_i64(struct json v, int64_t min, int64_t max,
                               int64_t *out, struct why *why);
NODISCARD enum err json_as_f64(struct json v, double min, double max,
                               double *out, struct why *why);

/* ---- required members: missing or null is ERR_PARSE ---- */
NODISCARD enum err json_get_str(struct json obj, const char *key,
                                struct str *out, struct why *why);
NODISCARD enum err json_get_bool(struct json obj, const char *key, bool *out,
                                 struct why *why);
NODISCARD enum err json_get_u64(struct json obj, const char *key, uint64_t min,
                                uint64_t max, uint64_t *out, struct why *why);
NODISCARD enum err json_get_i64(struct json obj, const char *key, int64_t min,
                                int64_t max, int64_t *out, struct why *why);
NODISCARD enum err json_get_f64(struct json obj, const char *key, double min,
                                double max, double *out, struct why *why);
NODISCARD enum err json_get_arr(struct json obj, const char *key,
                                struct json *out, struct why *why);
NODISCARD enum err json_get_obj(struct json obj, const char *key,
                                struct json *out, struct why *why);

/* ---- optional members: missing or null leaves `*out` as it is, so the
 * caller writes the default there first ---- */
NODISCARD enum err json_opt_str(struct json obj, const char *key,
                                struct str *out, struct why *why);
NODISCARD enum err json_opt_bool(struct json obj, const char *key, bool *out,
                                 struct why *why);
NODISCARD enum err json_opt_u64(struct json obj, const char *key, uint64_t min,
                                uint64_t max, uint64_t *out, struct why *why);
NODISCARD enum err json_opt_i64(struct json obj, const char *key, int64_t min,
                                int64_t max, int64_t *out, struct why *why);
NODISCARD enum err json_opt_f64(struct json obj, const char *key, double min,
                                double max, double *out, struct why *why);
NODISCARD enum err json_opt_arr(struct json obj, const char *key,
                                struct json *out, struct why *why);
NODISCARD enum err json_opt_obj(struct json obj, const char *key,
                                struct json *out, struct why *why);

/* Fails about a value: `"<path>" <fmt...>`, for example
 * json_fail(v, ERR_PARSE, why, "must be one of user, assistant"). */
enum err json_fail(struct json v, enum err e, struct why *why, const char *fmt,
                   ...) PRINTF_LIKE(4, 5);

#endif
