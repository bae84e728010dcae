/*
 * http1.h - HTTP/1.0 and 1.1 messages from bytes (RFC 9112), over llhttp in
 * its strict mode.
 *
 * A push parser without callbacks: give it bytes, it takes a prefix of them
 * and says what it found. It may be cut at every byte. It never reads past
 * the end of its message, so pipelined bytes stay with the caller. Pure: no
 * system call, no clock. One parser belongs to one thread.
 *
 * What llhttp leaves to its user is decided here, once: the limits on the
 * header section, exactly one Host for 1.1, no Content-Length beside
 * Transfer-Encoding, no coding but chunked, no transfer coding in 1.0, a
 * bound on chunk extensions and trailers, no Upgrade (ignored) and no
 * CONNECT. Trailer fields are checked and dropped.
 */
#ifndef DATA_HTTP1_H
#define DATA_HTTP1_H

#include "base/err.h"
#include "base/str.h"

enum http1_kind { HTTP1_REQUEST, HTTP1_RESPONSE };

/* Why a message was refused; HTTP1_NO_NONE means it was not. */
enum http1_no {
    HTTP1_NO_NONE,
#define X(name, status, text) HTTP1_NO_##name,
#include "data/http1.def"
#undef X
    HTTP1_NO_COUNT
};

const char *http1_no_name(enum http1_no no); /* "BODY_SIZE"; "NONE" */
const char *http1_no_text(enum http1_no no);
int http1_no_status(enum http1_no no); /* 0: close without an answer */

struct http1_limits {
    size_t head_bytes;  /* raw bytes of start line and fields, 1..1 MiB */
    size_t url_bytes;   /* of the request target */
    size_t field_count; /* of the header section */
    uint64_t body_bytes;
};

#define HTTP1_LIMITS_DEFAULT                                                   \
    ((struct http1_limits){32768, 8192, 100, UINT64_C(1) << 20})

struct http1_field {
    struct str name, value; /* the value without surrounding white space */
};

/* Everything known once the header section is complete. All slices are
 * borrowed from the parser until http1_reset or http1_free. */
struct http1_head {
    struct str method; /* requests: "GET" */
    struct str target; /* requests: as it was sent */
    struct str path;   /* "/v1/models", or "*"; still percent-encoded */
    struct str query;  /* without the "?"; empty when there is none */
    struct str host;   /* of an absolute target, else the Host field */
    int status;        /* responses */
    int minor;         /* HTTP/1.<minor>: 0 or 1 */
    bool chunked;
    bool has_length; /* Content-Length was given */
    uint64_t length; /* its value */
    bool keep_alive; /* the peer wants to go on after this message */
    bool expect_continue;
    const struct http1_field *fields; /* in their order */
    size_t field_count;
};

/* The first field of that name (any case), or an empty slice. */
struct str http1_field(const struct http1_head *h, struct str name);
bool http1_has_field(const struct http1_head *h, struct str name);

/* True when the comma-separated list in any field called `name` contains
 * `token` (any case): Connection, TE, Accept-Encoding. */
bool http1_has_token(const struct http1_head *h, struct str name,
                     struct str token);

/* May be sent: the name is a token, the value holds no control character
 * (so no line break that would begin another field). */
bool http1_field_ok(const struct http1_field *f);

enum http1_event {
    HTTP1_MORE,   /* all bytes taken, the message goes on */
    HTTP1_HEAD,   /* the head is complete: http1_head() */
    HTTP1_BODY,   /* `body` is the next piece of the content */
    HTTP1_END,    /* the message is complete; `taken` stops behind it */
    HTTP1_REFUSED /* http1_refusal() says why; feed nothing more */
};

struct http1;

NODISCARD enum err http1_new(enum http1_kind kind,
                             const struct http1_limits *limits,
                             struct http1 **out);
void http1_free(struct http1 *p); /* NULL is fine */

/* Ready for the next message; keeps its memory. */
void http1_reset(struct http1 *p);

/* Takes bytes from `in` until something is worth saying. `*taken` is always
 * set. `*body` points into `in` and is set for HTTP1_BODY only. Call again
 * with the rest (also when it is empty, after HEAD and BODY: an END may
 * follow without further bytes). */
enum http1_event http1_feed(struct http1 *p, struct str in, size_t *taken,
                            struct str *body);

/* Responses that end with the connection: says that it ended. HTTP1_END when
 * the message may end here, else HTTP1_REFUSED. */
enum http1_event http1_feed_eof(struct http1 *p);

/* Valid from HTTP1_HEAD on. */
const struct http1_head *http1_head(const struct http1 *p);

/* May be changed at HTTP1_HEAD, when the route is known: a known larger
 * Content-Length is refused by the next feed without waiting for the body. */
void http1_body_limit(struct http1 *p, uint64_t bytes);

/* At HTTP1_HEAD of a response to HEAD: no body follows. */
void http1_no_body(struct http1 *p);

enum http1_no http1_refusal(const struct http1 *p);

/* "Not Found"; "Unknown" for a status without a registered phrase. */
const char *http1_reason(int status);

#endif
