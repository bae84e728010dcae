#include "net/httpc_curl.h"

#include <pthread.h>

#include "base/mem.h"

enum {
    CONNECT_MS = 5000,
    STALL_MS = 60000,
    HEAD_MAX = 65536,
    FIELD_MAX = 16384 /* one request field */
};
#define ANSWER_MAX (UINT64_C(64) << 20)

static pthread_once_t once = PTHREAD_ONCE_INIT;
static CURLcode global;

static void init_global(void)
{
    global = curl_global_init(CURL_GLOBAL_ALL);
}

enum err httpc_curl_global(struct why *why)
{
    (void)pthread_once(&once, init_global);
    return global == CURLE_OK ? ERR_OK
                              : FAIL(why, ERR_UNSUPPORTED, "libcurl: %s",
                                     curl_easy_strerror(global));
}

unsigned httpc_curl_stall_ms(const struct httpc_request *rq)
{
    return rq->stall_ms != 0 ? rq->stall_ms : STALL_MS;
}

/* ---- the answer's head ---- */

static enum err split_head(struct httpc_wire *w, size_t *count)
{
    struct str text = buf_str(&w->head), line;
    struct http1_field *f;
    size_t lines = 0, n = 0;

    while (str_line(&text, &line))
        lines++;
    f = mem_calloc(MAX(lines, (size_t)1), sizeof(*f));
    if (f == NULL)
        return ERR_NOMEM;
    text = buf_str(&w->head);
    while (str_line(&text, &line)) {
        f[n].name = str_cut(&line, ':');
        f[n++].value = str_trim(line);
    }
    mem_free(w->fields);
    w->fields = f;
    *count = n;
    return ERR_OK;
}

static enum err end_of_head(struct httpc_wire *w)
{
    struct httpc_answer a = {0};
    long status = 0;

    (void)curl_easy_getinfo(w->easy, CURLINFO_RESPONSE_CODE, &status);
    if (status < 200)
        return ERR_OK; /* the real one is still to come */
    w->status = a.status = (int)status;
    TRY(split_head(w, &a.field_count));
    a.fields = w->fields;
    w->head_done = true;
    return w->hooks.head != NULL ? w->hooks.head(w->hooks.ctx, &a) : ERR_OK;
}

static size_t on_header(char *p, size_t size, size_t n, void *ctx)
{
    struct httpc_wire *w = ctx;
    struct str line = {p, size * n};
    enum err e;

    if (w->head_done || w->fail != ERR_OK) /* trailers */
        return w->fail == ERR_OK ? line.n : 0;
    if (str_starts(line, STR("HTTP/"))) {
        buf_clear(&w->head);
        return line.n;
    }
    e = str_trim(line).n == 0 ? end_of_head(w) : buf_add(&w->head, line);
    if (e != ERR_OK)
        w->fail = FAIL(&w->why, e, "the head of the answer: %s", err_text(e));
    return e == ERR_OK ? line.n : 0;
}

/* ---- the bodies ---- */

static size_t on_write(char *p, size_t size, size_t n, void *ctx)
{
    struct httpc_wire *w = ctx;
    struct str bytes = {p, size * n};
    enum err e;

    if (w->fail != ERR_OK)
        return 0;
    if (bytes.n > w->answer_max - w->answer_seen) {
        w->fail =
            FAIL(&w->why, ERR_LIMIT, "the answer is larger than %llu bytes",
                 (unsigned long long)w->answer_max);
        return 0;
    }
    e = w->hooks.data != NULL ? w->hooks.data(w->hooks.ctx, bytes) : ERR_OK;
    if (e == ERR_AGAIN) {
        w->is_paused = true;
        return CURL_WRITEFUNC_PAUSE;
    }
    if (e != ERR_OK) {
        w->fail = FAIL(&w->why, e, "the answer was not taken: %s", err_text(e));
        return 0;
    }
    w->answer_seen += bytes.n;
    return bytes.n;
}

static size_t on_read(char *dst, size_t size, size_t n, void *ctx)
{
    struct httpc_wire *w = ctx;
    size_t got = 0;
    enum err e;

    if (w->fail != ERR_OK)
        return CURL_READFUNC_ABORT;
    e = w->hooks.need(w->hooks.ctx, dst, size * n, &got);
    if (e == ERR_AGAIN) {
        w->is_paused = true;
        return CURL_READFUNC_PAUSE;
    }
    if (e != ERR_OK) {
        w->fail = FAIL(&w->why, e, "the request was not sent: %s", err_text(e));
        return CURL_READFUNC_ABORT;
    }
    return got;
}

static int on_progress(void *ctx, curl_off_t dl_total, curl_off_t dl,
                       curl_off_t ul_total, curl_off_t ul)
{
    struct httpc_wire *w = ctx;
    long heads = 0;
    uint64_t moved;

    (void)dl_total;
    (void)ul_total;
    (void)curl_easy_getinfo(w->easy, CURLINFO_HEADER_SIZE, &heads);
    moved = (uint64_t)dl + (uint64_t)ul + (uint64_t)heads;
    if (moved != w->moved && w->hooks.progress != NULL)
        w->hooks.progress(w->hooks.ctx);
    w->moved = moved;
    return 0;
}

/* ---- the request ---- */

static enum err add_line(struct httpc_wire *w, const char *line)
{
    struct curl_slist *l = curl_slist_append(w->list, line);

    if (l == NULL)
        return ERR_NOMEM;
    w->list = l;
    return ERR_OK;
}

static enum err add_field(struct httpc_wire *w, const struct http1_field *f)
{
    struct buf line = BUF_INIT(FIELD_MAX);
    enum err e;

    if (!http1_field_ok(f))
        return ERR_RANGE;
    /* curl's way to say "present and empty" is a semicolon. */
    e = f->value.n != 0 ? buf_printf(&line, "%.*s: %.*s", STR_ARG(f->name),
                                     STR_ARG(f->value))
                        : buf_printf(&line, "%.*s;", STR_ARG(f->name));
    if (e == ERR_OK)
        e = add_line(w, line.data);
    buf_done(&line);
    return e;
}

static bool has_field(const struct httpc_request *rq, struct str name)
{
    for (size_t i = 0; i < rq->field_count; i++)
        if (str_eq_nocase(rq->fields[i].name, name))
            return true;
    return false;
}

static enum err add_fields(struct httpc_wire *w, const struct httpc_request *rq)
{
    for (size_t i = 0; i < rq->field_count; i++)
        TRY(add_field(w, &rq->fields[i]));
    /* What curl would add of itself. */
    if (!has_field(rq, STR("accept")))
        TRY(add_line(w, "Accept:"));
    if (!has_field(rq, STR("content-type")))
        TRY(add_line(w, "Content-Type:"));
    if (rq->on_need != NULL && !rq->has_body_length)
        TRY(add_line(w, "Transfer-Encoding: chunked"));
    TRY(add_line(w, "Expect:"));
    return curl_easy_setopt(w->easy, CURLOPT_HTTPHEADER, w->list) == CURLE_OK
               ? ERR_OK
               : ERR_NOMEM;
}

/* Collects the first failure of many options. */
#define SET(code, easy, option, value)                                         \
    do {                                                                       \
        if ((code) == CURLE_OK)                                                \
            (code) = curl_easy_setopt((easy), (option), (value));              \
    } while (0)

static CURLcode set_body(struct httpc_wire *w, const struct httpc_request *rq)
{
    CURLcode c = CURLE_OK;
    bool wants_body = str_eq(rq->method, STR("POST"))
                      || str_eq(rq->method, STR("PUT"))
                      || str_eq(rq->method, STR("PATCH"));

    if (rq->on_need != NULL) {
        SET(c, w->easy, CURLOPT_UPLOAD, 1L);
        SET(c, w->easy, CURLOPT_READFUNCTION, on_read);
        SET(c, w->easy, CURLOPT_READDATA, w);
        if (rq->has_body_length)
            SET(c, w->easy, CURLOPT_INFILESIZE_LARGE,
                (curl_off_t)rq->body_length);
    } else if (rq->body.n != 0 || wants_body) {
        SET(c, w->easy, CURLOPT_POSTFIELDS, rq->body.n != 0 ? rq->body.p : "");
        SET(c, w->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)rq->body.n);
    } else if (str_eq(rq->method, STR("HEAD"))) {
        SET(c, w->easy, CURLOPT_NOBODY, 1L);
    }
    return c;
}

static CURLcode set_target(struct httpc_wire *w, const struct httpc_request *rq)
{
    char *url = mem_strndup(rq->url.p, rq->url.n);
    char *method = mem_strndup(rq->method.p, rq->method.n);
    char *path = mem_strndup(rq->unix_path.p, rq->unix_path.n);
    CURLcode c = CURLE_OUT_OF_MEMORY;

    if (url != NULL && method != NULL && path != NULL) {
        c = strlen(url) == rq->url.n ? CURLE_OK : CURLE_URL_MALFORMAT;
        SET(c, w->easy, CURLOPT_URL, url);
        SET(c, w->easy, CURLOPT_CUSTOMREQUEST, method);
        if (rq->unix_path.n != 0) {
            SET(c, w->easy, CURLOPT_UNIX_SOCKET_PATH, path);
            /* Thousands of relayed streams wait at a time; 16 KiB each else. */
            SET(c, w->easy, CURLOPT_BUFFERSIZE, 4096L);
        }
    }
    mem_free(url);
    mem_free(method);
    mem_free(path);
    return c;
}

static CURLcode set_rules(struct httpc_wire *w, const struct httpc_request *rq)
{
    CURLcode c = CURLE_OK;

    SET(c, w->easy, CURLOPT_NOSIGNAL, 1L);
    SET(c, w->easy, CURLOPT_PROTOCOLS_STR, "http,https");
    SET(c, w->easy, CURLOPT_PROXY, "");
    SET(c, w->easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    SET(c, w->easy, CURLOPT_CONNECTTIMEOUT_MS,
        (long)(rq->connect_ms != 0 ? rq->connect_ms : CONNECT_MS));
    SET(c, w->easy, CURLOPT_ERRORBUFFER, w->error);
    SET(c, w->easy, CURLOPT_HEADERFUNCTION, on_header);
    SET(c, w->easy, CURLOPT_HEADERDATA, w);
    SET(c, w->easy, CURLOPT_WRITEFUNCTION, on_write);
    SET(c, w->easy, CURLOPT_WRITEDATA, w);
    SET(c, w->easy, CURLOPT_NOPROGRESS, 0L);
    SET(c, w->easy, CURLOPT_XFERINFOFUNCTION, on_progress);
    SET(c, w->easy, CURLOPT_XFERINFODATA, w);
    return c;
}

enum err httpc_curl_init(struct httpc_wire *w, const struct httpc_request *rq,
                         const struct httpc_hooks *hooks, struct why *why)
{
    struct http1_field method = {rq->method, STR("")};
    CURLcode c;
    enum err e;

    w->hooks = *hooks;
    w->head = BUF_INIT(HEAD_MAX);
    w->answer_max = rq->answer_max != 0 ? rq->answer_max : ANSWER_MAX;
    w->why = WHY_INIT;
    if (!http1_field_ok(&method))
        return FAIL(why, ERR_RANGE, "not an HTTP method");
    w->easy = curl_easy_init();
    if (w->easy == NULL)
        return FAIL(why, ERR_NOMEM, "no memory for a request");
    c = set_rules(w, rq);
    if (c == CURLE_OK)
        c = set_body(w, rq);
    if (c == CURLE_OK)
        c = set_target(w, rq);
    if (c != CURLE_OK) {
        e = httpc_curl_result(w, c);
        return FAIL(why, e, "%s", err_why(&w->why));
    }
    e = add_fields(w, rq);
    if (e != ERR_OK)
        return FAIL(why, e, "a field of the request: %s", err_text(e));
    return ERR_OK;
}

void httpc_curl_done(struct httpc_wire *w)
{
    if (w->easy != NULL)
        curl_easy_cleanup(w->easy);
    curl_slist_free_all(w->list);
    w->easy = NULL;
    w->list = NULL;
    buf_done(&w->head);
    mem_free(w->fields);
    w->fields = NULL;
}

static enum err translate(CURLcode c)
{
    switch ((int)c) {
    case CURLE_OK:
        return ERR_OK;
    case CURLE_OUT_OF_MEMORY:
        return ERR_NOMEM;
    case CURLE_URL_MALFORMAT:
        return ERR_SYNTAX;
    case CURLE_UNSUPPORTED_PROTOCOL:
        return ERR_UNSUPPORTED;
    case CURLE_OPERATION_TIMEDOUT:
        return ERR_TIMEOUT;
    case CURLE_GOT_NOTHING:
    case CURLE_PARTIAL_FILE:
        return ERR_EOF;
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
        return ERR_DENIED;
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_BAD_CONTENT_ENCODING:
    case CURLE_HTTP2:
        return ERR_PROTOCOL;
    default:
        return ERR_IO;
    }
}

enum err httpc_curl_result(struct httpc_wire *w, CURLcode code)
{
    if (w->fail != ERR_OK)
        return w->fail;
    if (code == CURLE_OK)
        return ERR_OK;
    w->fail = FAIL(&w->why, translate(code), "%s",
                   w->error[0] != '\0' ? w->error : curl_easy_strerror(code));
    return w->fail;
}
