/*
 * http1.c - llhttp behind a pull-shaped face.
 *
 * llhttp calls back; every callback that finds something worth saying pauses
 * it, and http1_feed turns the pause into an event. While the head is read,
 * its bytes are copied into one buffer and remembered as offsets, because the
 * buffer may move; the slices are made once, when the head is complete.
 *
 * The raw bytes of the head are counted here, and not in the callbacks, so
 * that white space which llhttp skips silently counts too, and so that the
 * verdict does not depend on how the bytes were cut.
 */
#include "data/http1.h"

#include <llhttp.h>

#include "base/buf.h"
#include "base/mem.h"

/* Chunk sizes, extensions and trailers between two bytes of content. */
#define OVERHEAD_MAX 16384

enum stage { IN_HEAD, IN_BODY, AT_END, REFUSED };

struct span {
    uint32_t name_at, name_n, value_at, value_n;
};

struct http1 {
    llhttp_t ll;
    struct http1_limits limits;
    struct http1_head head;
    struct buf text;    /* method, target, names and values, back to back */
    struct span *spans; /* limits.field_count of them */
    struct http1_field *fields;
    size_t fields_cap;
    size_t head_seen, overhead;
    uint64_t body_seen;
    struct str body;        /* set by on_body during one llhttp_execute */
    enum http1_event found; /* likewise, by any callback */
    enum stage stage;
    enum http1_no no;
    uint32_t method_n, target_n;
    bool is_value, no_body, has_version;
};

/* ---- callbacks of llhttp ---- */

static int refuse(struct http1 *p, enum http1_no no)
{
    p->no = no;
    return HPE_USER;
}

static int keep(struct http1 *p, const char *at, size_t n)
{
    /* Its ceiling is above limits.head_bytes: only the heap can say no. */
    return buf_add(&p->text, (struct str){at, n}) == ERR_OK
               ? 0
               : refuse(p, HTTP1_NO_NOMEM);
}

static int on_method(llhttp_t *ll, const char *at, size_t n)
{
    struct http1 *p = ll->data;

    p->method_n += (uint32_t)n;
    return keep(p, at, n);
}

static int on_url(llhttp_t *ll, const char *at, size_t n)
{
    struct http1 *p = ll->data;

    if (n > p->limits.url_bytes - p->target_n)
        return refuse(p, HTTP1_NO_URL_SIZE);
    p->target_n += (uint32_t)n;
    return keep(p, at, n);
}

static int on_name(llhttp_t *ll, const char *at, size_t n)
{
    struct http1 *p = ll->data;
    struct span *s;

    if (p->stage != IN_HEAD) /* trailers */
        return 0;
    if (p->is_value || p->head.field_count == 0) {
        if (p->head.field_count == p->limits.field_count)
            return refuse(p, HTTP1_NO_HEAD_SIZE);
        p->is_value = false;
        s = &p->spans[p->head.field_count++];
        *s = (struct span){.name_at = (uint32_t)p->text.len};
    }
    s = &p->spans[p->head.field_count - 1];
    s->name_n += (uint32_t)n;
    return keep(p, at, n);
}

static int on_value(llhttp_t *ll, const char *at, size_t n)
{
    struct http1 *p = ll->data;
    struct span *s;

    if (p->stage != IN_HEAD)
        return 0;
    s = &p->spans[p->head.field_count - 1];
    if (!p->is_value)
        s->value_at = (uint32_t)p->text.len;
    p->is_value = true;
    s->value_n += (uint32_t)n;
    return keep(p, at, n);
}

/* An empty value makes no on_value. */
static int on_value_done(llhttp_t *ll)
{
    struct http1 *p = ll->data;

    p->is_value = true;
    return 0;
}

static int on_version_done(llhttp_t *ll)
{
    struct http1 *p = ll->data;

    p->has_version = true;
    return 0;
}

static int on_body(llhttp_t *ll, const char *at, size_t n)
{
    struct http1 *p = ll->data;

    if (n == 0)
        return 0;
    if (n > p->limits.body_bytes - p->body_seen)
        return refuse(p, HTTP1_NO_BODY_SIZE);
    p->body_seen += n;
    p->body = (struct str){at, n};
    p->found = HTTP1_BODY;
    return HPE_PAUSED;
}

/* Refused by its announced size: a chunk that may not come whole need not
 * begin. */
static int on_chunk_size(llhttp_t *ll)
{
    struct http1 *p = ll->data;

    if (ll->content_length > p->limits.body_bytes - p->body_seen)
        return refuse(p, HTTP1_NO_BODY_SIZE);
    return 0;
}

static int on_end(llhttp_t *ll)
{
    struct http1 *p = ll->data;

    p->found = HTTP1_END;
    return HPE_PAUSED;
}

/* ---- what a complete head must satisfy ---- */

static size_t count_fields(const struct http1_head *h, struct str name)
{
    size_t n = 0;

    for (size_t i = 0; i < h->field_count; i++)
        n += str_eq_nocase(h->fields[i].name, name);
    return n;
}

static bool build_fields(struct http1 *p)
{
    size_t n = p->head.field_count;

    if (n > p->fields_cap) {
        struct http1_field *f = mem_resize(p->fields, n * sizeof(*f));

        if (f == NULL)
            return false;
        p->fields = f;
        p->fields_cap = n;
    }
    for (size_t i = 0; i < n; i++) {
        const struct span *s = &p->spans[i];
        struct str value = {p->text.data + s->value_at, s->value_n};

        p->fields[i].name = (struct str){p->text.data + s->name_at, s->name_n};
        p->fields[i].value = s->value_n != 0 ? str_trim(value) : STR_EMPTY;
    }
    p->head.fields = p->fields;
    return true;
}

static enum http1_no check_framing(struct http1 *p)
{
    struct http1_head *h = &p->head;
    size_t codings = count_fields(h, STR("transfer-encoding"));
    size_t lengths = count_fields(h, STR("content-length"));

    if (codings != 0) {
        if (lengths != 0 || h->minor == 0)
            return HTTP1_NO_FRAMING;
        if (codings != 1
            || !str_eq_nocase(http1_field(h, STR("transfer-encoding")),
                              STR("chunked")))
            return HTTP1_NO_CODING;
        h->chunked = true;
    }
    if (lengths > 1)
        return HTTP1_NO_FRAMING;
    if (lengths == 1) {
        if (!str_u64(http1_field(h, STR("content-length")), INT64_MAX,
                     &h->length))
            return HTTP1_NO_FRAMING;
        h->has_length = true;
    }
    return HTTP1_NO_NONE;
}

/* uri-host [":" port], loosely: nothing that could end an authority. */
static bool host_ok(struct str h)
{
    for (size_t i = 0; i < h.n; i++)
        if (h.p[i] <= ' ' || h.p[i] >= 0x7f
            || memchr("/?#@,\\\"<>^`{|}", h.p[i], 15) != NULL)
            return false;
    return true;
}

static enum http1_no check_target(struct http1_head *h)
{
    struct str rest = h->target;
    size_t authority;

    if (str_has(rest, STR("#")))
        return HTTP1_NO_TARGET;
    if (str_eq(h->method, STR("OPTIONS")) && str_eq(rest, STR("*"))) {
        h->path = rest;
        return HTTP1_NO_NONE;
    }
    if (rest.n != 0 && rest.p[0] != '/') { /* http://host/path */
        authority = str_find(rest, STR("://"));
        if (authority == SIZE_MAX)
            return HTTP1_NO_TARGET;
        rest = str_sub(rest, authority + 3, SIZE_MAX);
        for (authority = 0; authority < rest.n; authority++)
            if (rest.p[authority] == '/' || rest.p[authority] == '?')
                break;
        h->host = str_sub(rest, 0, authority);
        rest = str_sub(rest, authority, SIZE_MAX);
        if (h->host.n == 0 || !host_ok(h->host))
            return HTTP1_NO_TARGET;
    }
    h->path = str_cut(&rest, '?');
    h->query = rest;
    if (h->path.n == 0)
        h->path = STR("/");
    return HTTP1_NO_NONE;
}

static enum http1_no check_request(struct http1 *p)
{
    struct http1_head *h = &p->head;
    size_t hosts = count_fields(h, STR("host"));
    struct str expect = http1_field(h, STR("expect"));
    enum http1_no no;

    h->method = (struct str){p->text.data, p->method_n};
    h->target = (struct str){p->text.data + p->method_n, p->target_n};
    h->host = http1_field(h, STR("host"));
    if (str_eq(h->method, STR("CONNECT")))
        return HTTP1_NO_METHOD;
    if (hosts > 1 || (hosts == 0 && h->minor == 1) || !host_ok(h->host))
        return HTTP1_NO_HOST;
    no = check_target(h);
    if (no != HTTP1_NO_NONE)
        return no;
    if (expect.n != 0 && h->minor == 1) {
        if (!str_eq_nocase(expect, STR("100-continue")))
            return HTTP1_NO_EXPECT;
        h->expect_continue = true;
    }
    return HTTP1_NO_NONE;
}

static int on_head(llhttp_t *ll)
{
    struct http1 *p = ll->data;
    enum http1_no no;

    if (ll->http_major != 1 || ll->http_minor > 1)
        return refuse(p, HTTP1_NO_VERSION);
    p->head.minor = ll->http_minor;
    if (!build_fields(p))
        return refuse(p, HTTP1_NO_NOMEM);
    no = check_framing(p);
    if (no == HTTP1_NO_NONE && ll->type == HTTP_REQUEST)
        no = check_request(p);
    if (no != HTTP1_NO_NONE)
        return refuse(p, no);
    p->head.status = ll->type == HTTP_RESPONSE ? ll->status_code : 0;
    p->head.keep_alive =
        p->head.minor == 1
            ? !http1_has_token(&p->head, STR("connection"), STR("close"))
            : http1_has_token(&p->head, STR("connection"), STR("keep-alive"));
    ll->upgrade = 0; /* an Upgrade may be ignored (RFC 9110 7.8), and is */
    p->stage = IN_BODY;
    p->found = HTTP1_HEAD;
    return HPE_PAUSED;
}

/* ---- the face ---- */

static const llhttp_settings_t callbacks = {
    .on_method = on_method,
    .on_url = on_url,
    .on_version_complete = on_version_done,
    .on_header_field = on_name,
    .on_header_value = on_value,
    .on_header_value_complete = on_value_done,
    .on_headers_complete = on_head,
    .on_body = on_body,
    .on_chunk_header = on_chunk_size,
    .on_message_complete = on_end,
};

enum err http1_new(enum http1_kind kind, const struct http1_limits *limits,
                   struct http1 **out)
{
    struct http1 *p = mem_zalloc(sizeof(*p));

    if (p == NULL)
        return ERR_NOMEM;
    assert(limits->head_bytes <= 1 << 20 && limits->field_count <= 10000);
    p->limits = *limits;
    /* At least one, so that the array exists. */
    p->spans =
        mem_calloc(MAX(limits->field_count, (size_t)1), sizeof(*p->spans));
    if (p->spans == NULL) {
        mem_free(p);
        return ERR_NOMEM;
    }
    p->text = BUF_INIT(limits->head_bytes + 64);
    llhttp_init(&p->ll, kind == HTTP1_REQUEST ? HTTP_REQUEST : HTTP_RESPONSE,
                &callbacks);
    p->ll.data = p;
    *out = p;
    return ERR_OK;
}

void http1_free(struct http1 *p)
{
    if (p == NULL)
        return;
    buf_done(&p->text);
    mem_free(p->spans);
    mem_free(p->fields);
    mem_free(p);
}

void http1_reset(struct http1 *p)
{
    llhttp_reset(&p->ll);
    buf_clear(&p->text);
    p->head = (struct http1_head){0};
    p->stage = IN_HEAD;
    p->no = HTTP1_NO_NONE;
    p->head_seen = p->overhead = 0;
    p->body_seen = 0;
    p->method_n = p->target_n = 0;
    p->is_value = p->no_body = p->has_version = false;
}

static enum http1_event say_no(struct http1 *p, enum http1_no no)
{
    p->no = no;
    p->stage = REFUSED;
    return HTTP1_REFUSED;
}

static enum http1_no why_not(const struct http1 *p, llhttp_errno_t e, char at)
{
    if (p->no != HTTP1_NO_NONE) /* one of our callbacks */
        return p->no;
    switch ((int)e) {
    case HPE_INVALID_METHOD: /* a known one would look like this too */
        return at >= 'A' && at <= 'Z' ? HTTP1_NO_METHOD : HTTP1_NO_SYNTAX;
    case HPE_INVALID_VERSION: /* also said of a bare LF behind a good one */
        return p->has_version ? HTTP1_NO_SYNTAX : HTTP1_NO_VERSION;
    case HPE_PAUSED_H2_UPGRADE:
        return HTTP1_NO_VERSION;
    case HPE_INVALID_CONTENT_LENGTH:
    case HPE_UNEXPECTED_CONTENT_LENGTH:
    case HPE_INVALID_TRANSFER_ENCODING:
    case HPE_INVALID_CHUNK_SIZE:
        return HTTP1_NO_FRAMING;
    default:
        return HTTP1_NO_SYNTAX;
    }
}

/* Runs llhttp over at most `n` bytes; *taken says how many it consumed. */
static enum http1_event advance(struct http1 *p, const char *in, size_t n,
                                size_t *taken)
{
    const char *stop;
    llhttp_errno_t e;

    p->found = HTTP1_MORE;
    e = llhttp_execute(&p->ll, in, n);
    if (e == HPE_OK) {
        *taken = n;
        return HTTP1_MORE;
    }
    stop = llhttp_get_error_pos(&p->ll);
    if (stop == NULL || stop < in || stop > in + n)
        stop = in + n;
    *taken = (size_t)(stop - in);
    if (e != HPE_PAUSED)
        return say_no(p, why_not(p, e, stop < in + n ? *stop : '\0'));
    llhttp_resume(&p->ll);
    return p->found;
}

enum http1_event http1_feed(struct http1 *p, struct str in, size_t *taken,
                            struct str *body)
{
    const char *bytes = in.n != 0 ? in.p : "";
    bool was_head = p->stage == IN_HEAD;
    size_t n = in.n;
    enum http1_event ev;

    *taken = 0;
    if (p->stage == REFUSED)
        return HTTP1_REFUSED;
    if (p->stage == AT_END || (p->stage == IN_BODY && p->no_body)) {
        p->stage = AT_END;
        return HTTP1_END;
    }
    if (was_head) {
        n = MIN(n, p->limits.head_bytes - p->head_seen);
        if (n == 0)
            return in.n == 0 ? HTTP1_MORE : say_no(p, HTTP1_NO_HEAD_SIZE);
    } else if (p->head.has_length && p->head.length > p->limits.body_bytes) {
        return say_no(p, HTTP1_NO_BODY_SIZE);
    }
    p->body = STR_EMPTY;
    ev = advance(p, bytes, n, taken);
    if (was_head) {
        p->head_seen += *taken;
        if (ev == HTTP1_MORE && n < in.n)
            return say_no(p, HTTP1_NO_HEAD_SIZE);
        return ev;
    }
    p->overhead += *taken - p->body.n;
    if (ev != HTTP1_REFUSED && p->overhead > OVERHEAD_MAX)
        return say_no(p, HTTP1_NO_SYNTAX);
    if (ev == HTTP1_BODY) {
        p->overhead = 0;
        *body = p->body;
    }
    if (ev == HTTP1_END)
        p->stage = AT_END;
    return ev;
}

enum http1_event http1_feed_eof(struct http1 *p)
{
    llhttp_errno_t e;

    if (p->stage == REFUSED)
        return HTTP1_REFUSED;
    if (p->stage == AT_END)
        return HTTP1_END;
    if (p->stage == IN_HEAD)
        return say_no(p, HTTP1_NO_SYNTAX);
    p->found = HTTP1_MORE;
    e = llhttp_finish(&p->ll);
    if ((e != HPE_OK && e != HPE_PAUSED) || p->found != HTTP1_END)
        return say_no(p, HTTP1_NO_SYNTAX);
    p->stage = AT_END;
    return HTTP1_END;
}

const struct http1_head *http1_head(const struct http1 *p)
{
    return &p->head;
}

void http1_body_limit(struct http1 *p, uint64_t bytes)
{
    p->limits.body_bytes = MAX(bytes, p->body_seen);
}

void http1_no_body(struct http1 *p)
{
    p->no_body = true;
}

enum http1_no http1_refusal(const struct http1 *p)
{
    return p->stage == REFUSED ? p->no : HTTP1_NO_NONE;
}
