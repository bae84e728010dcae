/*
 * optval.h - the text of one option value to a checked value, and back.
 *
 * One grammar for the configuration file, the environment and --set:
 *   BOOL  on, true, yes, off, false, no
 *   U64   decimal
 *   SIZE  bytes: 4096, 512KiB, 32MiB, 4GiB, 1TiB (also K, M, G, T), or the
 *         decimal KB, MB, GB, TB
 *   DUR   250ms, 10s, 5m, 2h, 1d; a bare number but 0 is refused
 *   STR   any text without control characters
 *   ADDR  host:port with a numeric host ("127.0.0.1:8420", "[::1]:0")
 *   PATH  a path; "~/" is the user's home
 *   ENUM  one of the words of `words`
 *   LIST  words separated by commas, without spaces
 * A numeric row may have a word for 0 ("auto", "never") in `words`.
 * Pure. Thread: any.
 */
#ifndef CONFIG_OPTVAL_H
#define CONFIG_OPTVAL_H

#include "base/buf.h"

enum optval_type {
    OPTVAL_BOOL,
    OPTVAL_U64,
    OPTVAL_SIZE, /* bytes */
    OPTVAL_DUR,  /* milliseconds */
    OPTVAL_STR,
    OPTVAL_ADDR,
    OPTVAL_PATH,
    OPTVAL_ENUM, /* index into the words */
    OPTVAL_LIST,
};

struct optval_rule {
    enum optval_type type;
    uint64_t min, max;
    const char *words; /* "a|b|c", or the word for 0, or "" */
};

/* A value: numbers, booleans and enums in `u`, the other types in `s`, which
 * points into the text given to optval_parse. */
struct optval {
    uint64_t u;
    struct str s;
};

/* ERR_PARSE or ERR_RANGE; the message starts with `name`. */
NODISCARD enum err optval_parse(const struct optval_rule *rule, struct str name,
                                struct str text, struct optval *out,
                                struct why *why);

/* Appends the text that reads back as this value, in its shortest unit. */
NODISCARD enum err optval_print(const struct optval_rule *rule,
                                const struct optval *v, struct buf *out);

const char *optval_type_name(enum optval_type t); /* "size", "duration" */
bool optval_is_text(enum optval_type t);          /* the value is in `s` */

struct optval_addr {
    char host[64]; /* numeric, without brackets */
    unsigned port;
    bool ipv6;
    bool loopback; /* 127.0.0.0/8 or ::1 */
};

NODISCARD enum err optval_addr(struct str text, struct optval_addr *out,
                               struct why *why);

#endif
