/*
 * uri.h - request targets and the absolute URLs that hearth connects to.
 * Source: RFC 3986, RFC 9112 section 3.2. Pure; slices point into the input.
 *
 * Paths are not normalised but refused when they are not normal: "." and ".."
 * segments (also percent-encoded), empty segments, encoded "/", "\" or NUL,
 * raw bytes outside the RFC's set. What passes means the same thing to every
 * reader behind us. Errors: ERR_PARSE, ERR_LIMIT (longer than URI_MAX),
 * ERR_UNSUPPORTED (a scheme that is not ours).
 */
#ifndef DATA_URI_H
#define DATA_URI_H

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

#define URI_MAX ((size_t)8192)

enum uri_scheme { URI_HTTP, URI_HTTPS, URI_UNIX };

struct uri {
    enum uri_scheme scheme;
    struct str host;  /* without the brackets of IPv6; "" for unix */
    struct str sock;  /* unix: absolute path of the socket */
    struct str path;  /* "/..." as sent; "/" when there was none */
    struct str query; /* without "?"; empty when there was none */
    uint16_t port;    /* 80 or 443 when not given; 0 for unix */
    bool ipv6;        /* host is an IPv6 literal */
};

/* http://host[:port][/path][?query], https://..., unix:/path/of/socket. No
 * user information (a secret does not belong into a URL) and no fragment. */
NODISCARD enum err uri_parse(struct str text, struct uri *out, struct why *why);

struct uri_target {
    struct str path;  /* "/..." as sent, or "*" */
    struct str query; /* without "?" */
};

/* The target of an HTTP request in origin form, or "*". */
NODISCARD enum err uri_parse_target(struct str text, struct uri_target *out,
                                    struct why *why);

/* Appends `s` with %XX resolved; `plus` also reads "+" as space (queries).
 * All or nothing; the result may hold any byte. */
NODISCARD enum err uri_decode(struct str s, bool plus, struct buf *out,
                              struct why *why);
/* Appends `s` with all but unreserved characters percent-encoded. */
NODISCARD enum err uri_encode(struct str s, struct buf *out);

/* Next "key=value" of a query, both still encoded; value is empty without
 * "=". False at the end. Empty pairs ("&&") are skipped. */
bool uri_next_param(struct str *query, struct str *key, struct str *value);

/* The decoded value of the first parameter `name`, appended to `out`.
 * ERR_NOTFOUND when there is none (`why` is not written then). */
NODISCARD enum err uri_get_param(struct str query, struct str name,
                                 struct buf *out, struct why *why);

/* Cuts the next segment off a path ("/v1/models" gives "v1", then "models"),
 * still encoded. False at the end. */
bool uri_next_segment(struct str *path, struct str *segment);

#endif
