/*
 * http.c - answers: their heads, their framing, their back-pressure. The
 * connection underneath is conn.c's.
 */
#include "net/http.h"

#include "net/conn.h"
#include "net/sock.h"

/* ---- the head of an answer ---- */

/* Written by us and by nobody else. */
static bool is_ours(struct str name)
{
    static const struct str ours[] = {{"connection", 10},
                                      {"transfer-encoding", 17},
                                      {"content-length", 14},
                                      {"date", 4}};

    for (size_t i = 0; i < COUNTOF(ours); i++)
        if (str_eq_nocase(name, ours[i]))
            return true;
    return false;
}

static enum err check_answer(const struct http_answer *a)
{
    struct http1_field type = {STR("Content-Type"), a->type};

    if (a->status < 200 || a->status > 599 || !http1_field_ok(&type))
        return ERR_RANGE;
    for (size_t i = 0; i < a->field_count; i++)
        if (!http1_field_ok(&a->fields[i]))
            return ERR_RANGE;
    return ERR_OK;
}

static const char *date_now(struct server *s)
{
    static const char days[] = "SunMonTueWedThuFriSat";
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    int64_t now = s->opts.unix_seconds();
    time_t t = (time_t)now;
    struct tm tm;

    if (now != s->date_at && gmtime_r(&t, &tm) != NULL) {
        s->date_at = now;
        (void)snprintf(s->date, sizeof(s->date),
                       "%.3s, %02d %.3s %04d %02d:%02d:%02d GMT",
                       days + 3 * tm.tm_wday, tm.tm_mday % 100,
                       months + 3 * tm.tm_mon, (tm.tm_year + 1900) % 10000,
                       tm.tm_hour % 100, tm.tm_min % 100, tm.tm_sec % 100);
    }
    return s->date;
}

static enum err add_field(struct buf *b, struct str name, struct str value)
{
    TRY(buf_add(b, name));
    TRY(buf_add(b, STR(": ")));
    TRY(buf_add(b, value));
    return buf_add(b, STR("\r\n"));
}

static bool is_bodyless(int status)
{
    return status == 204 || status == 304;
}

/* Puts the head into server->head. `length` counts for CONN_FRAMED_LENGTH,
 * and for an answer to HEAD when it is not UINT64_MAX. */
static enum err build_head(struct conn *c, const struct http_answer *a,
                           enum conn_framing framing, uint64_t length)
{
    struct server *s = c->server;
    struct buf *b = &s->head;

    TRY(check_answer(a));
    buf_clear(b);
    TRY(buf_printf(b, "HTTP/1.1 %d %s\r\n", a->status,
                   http1_reason(a->status)));
    if (s->opts.unix_seconds != NULL)
        TRY(add_field(b, STR("Date"), str_c(date_now(s))));
    if (a->type.n != 0)
        TRY(add_field(b, STR("Content-Type"), a->type));
    for (size_t i = 0; i < a->field_count; i++)
        if (!is_ours(a->fields[i].name))
            TRY(add_field(b, a->fields[i].name, a->fields[i].value));
    if (framing == CONN_FRAMED_CHUNKED)
        TRY(buf_add(b, STR("Transfer-Encoding: chunked\r\n")));
    else if (length != UINT64_MAX && !is_bodyless(a->status))
        TRY(buf_printf(b, "Content-Length: %llu\r\n",
                       (unsigned long long)length));
    if (!c->keep || s->is_draining)
        TRY(buf_add(b, STR("Connection: close\r\n")));
    else if (c->is_old)
        TRY(buf_add(b, STR("Connection: keep-alive\r\n")));
    return buf_add(b, STR("\r\n"));
}

/* A failure to build must leave the request waiting for another answer. */
static enum err head_error(enum err e)
{
    return e == ERR_LIMIT ? ERR_RANGE : e;
}

static enum err send_whole(struct conn *c, const struct http_answer *a,
                           struct str body)
{
    struct str parts[2];

    TRY(head_error(build_head(c, a, CONN_FRAMED_LENGTH, body.n)));
    parts[0] = buf_str(&c->server->head);
    parts[1] = body;
    TRY(conn_send(c, parts, c->is_head ? 1 : 2));
    conn_finish(c);
    return ERR_OK;
}

/* ---- finding the request ---- */

struct http_req *http_get(struct server *s, struct http_ref ref)
{
    struct conn *c = conn_find(s, ref);

    return c != NULL && c->state != CONN_DEAD ? &c->req : NULL;
}

static struct conn *unanswered(struct server *s, struct http_ref ref)
{
    struct conn *c = conn_find(s, ref);

    return c != NULL
                   && (c->state == CONN_HEAD || c->state == CONN_BODY
                       || c->state == CONN_HANDLING)
               ? c
               : NULL;
}

static struct conn *streaming(struct server *s, struct http_ref ref)
{
    struct conn *c = conn_find(s, ref);

    return c != NULL && c->state == CONN_STREAMING ? c : NULL;
}

void http_follow(struct http_req *req, const struct http_events *events,
                 void *ctx)
{
    struct conn *c = CONTAINER_OF(req, struct conn, req);

    c->events = events;
    c->events_ctx = ctx;
}

enum err http_peer(struct http_req *req, struct http_peer *out)
{
    const struct conn *c = CONTAINER_OF(req, struct conn, req);
    struct http_peer peer = {0};
    struct sock_peer p;

    if (c->fd < 0)
        return ERR_EOF;
    TRY(sock_peer(c->fd, &p));
    peer.is_unix = p.is_unix;
    peer.uid = p.uid;
    (void)snprintf(peer.ip, sizeof(peer.ip), "%s", p.ip);
    if (p.is_unix)
        (void)snprintf(peer.text, sizeof(peer.text), "unix");
    else
        (void)snprintf(peer.text, sizeof(peer.text),
                       strchr(p.ip, ':') != NULL ? "[%s]:%u" : "%s:%u", p.ip,
                       p.port);
    *out = peer;
    return ERR_OK;
}

void http_take_body(struct http_req *req, struct buf *out)
{
    struct conn *c = CONTAINER_OF(req, struct conn, req);

    *out = c->body;
    c->body = BUF_INIT(out->max);
    req->body = STR_EMPTY;
}

static void set_paused(struct server *s, struct http_ref ref, bool paused)
{
    struct conn *c = unanswered(s, ref);

    if (c == NULL || !c->req.is_streamed || c->is_paused == paused)
        return;
    c->is_paused = paused;
    if (c->state != CONN_BODY)
        return;
    c->window_bytes = 0;
    conn_go(c, CONN_BODY); /* another deadline, other events */
    if (!paused)
        conn_wake(c);
}

void http_body_pause(struct server *s, struct http_ref ref)
{
    set_paused(s, ref, true);
}

void http_body_resume(struct server *s, struct http_ref ref)
{
    set_paused(s, ref, false);
}

/* ---- answers ---- */

enum err http_respond(struct server *s, struct http_ref ref,
                      const struct http_answer *a, struct str body)
{
    struct conn *c = unanswered(s, ref);

    if (c == NULL)
        return ERR_EOF;
    for (size_t i = 0; i < a->field_count; i++)
        if (is_ours(a->fields[i].name))
            return ERR_RANGE;
    if (body.n != 0 && is_bodyless(a->status))
        return ERR_RANGE;
    if (body.n > s->opts.answer_max)
        return ERR_LIMIT;
    if (!c->input_done)
        c->keep = false; /* what is left of the body is not read */
    return send_whole(c, a, body);
}

static enum conn_framing choose_framing(struct conn *c,
                                        const struct http_answer *a,
                                        uint64_t *length)
{
    *length = UINT64_MAX;
    for (size_t i = 0; i < a->field_count; i++)
        if (str_eq_nocase(a->fields[i].name, STR("content-length"))
            && !str_u64(a->fields[i].value, INT64_MAX, length))
            *length = UINT64_MAX;
    if (is_bodyless(a->status) || (c->is_head && *length != UINT64_MAX))
        return CONN_FRAMED_NONE;
    if (*length != UINT64_MAX)
        return CONN_FRAMED_LENGTH;
    if (!c->is_old)
        return CONN_FRAMED_CHUNKED;
    c->keep = false;
    return CONN_FRAMED_CLOSE;
}

enum err http_stream_begin(struct server *s, struct http_ref ref,
                           const struct http_answer *a)
{
    struct conn *c = unanswered(s, ref);
    enum conn_framing framing;
    struct str head;
    uint64_t length;

    if (c == NULL)
        return ERR_EOF;
    if (!c->input_done)
        c->keep = false;
    framing = choose_framing(c, a, &length);
    TRY(head_error(build_head(c, a, framing, length)));
    head = buf_str(&s->head);
    TRY(conn_put(c, &head, 1));
    c->framing = c->is_head ? CONN_FRAMED_NONE : framing;
    c->stream_left = length;
    conn_release_input(c);
    conn_go(c, CONN_STREAMING);
    return c->state == CONN_DEAD ? ERR_EOF : ERR_OK;
}

enum err http_stream_write(struct server *s, struct http_ref ref,
                           struct str bytes)
{
    struct conn *c = streaming(s, ref);
    char size[24];
    struct str parts[3] = {{size, 0}, bytes, STR("\r\n")};
    int n;

    if (c == NULL)
        return ERR_EOF;
    if (bytes.n > HTTP_HIGH_WATER)
        return ERR_LIMIT;
    if (bytes.n == 0 || c->framing == CONN_FRAMED_NONE)
        return ERR_OK;
    if (c->framing == CONN_FRAMED_LENGTH && bytes.n > c->stream_left)
        return ERR_LIMIT;
    if (conn_queued(c) + bytes.n > HTTP_HIGH_WATER)
        conn_flush(c);
    if (c->state == CONN_DEAD)
        return ERR_EOF;
    if (conn_queued(c) != 0 && conn_queued(c) + bytes.n > HTTP_HIGH_WATER) {
        c->wants_drain = true;
        return ERR_AGAIN;
    }
    if (c->framing != CONN_FRAMED_CHUNKED) {
        TRY(conn_put(c, &bytes, 1));
        c->stream_left -= c->framing == CONN_FRAMED_LENGTH ? bytes.n : 0;
        return ERR_OK;
    }
    n = snprintf(size, sizeof(size), "%zx\r\n", bytes.n);
    parts[0].n = (size_t)n;
    return conn_put(c, parts, 3);
}

enum err http_stream_end(struct server *s, struct http_ref ref)
{
    struct str last = STR("0\r\n\r\n");
    struct conn *c = conn_find(s, ref);

    if (c == NULL)
        return ERR_EOF;
    if (c->state != CONN_STREAMING) { /* broken, and not told yet */
        http_stream_abort(s, ref);
        return ERR_EOF;
    }
    if ((c->framing == CONN_FRAMED_LENGTH && c->stream_left != 0)
        || (c->framing == CONN_FRAMED_CHUNKED
            && conn_put(c, &last, 1) != ERR_OK)) {
        http_stream_abort(s, ref);
        return ERR_RANGE;
    }
    conn_finish(c);
    return c->state == CONN_DEAD ? ERR_EOF : ERR_OK;
}

void http_stream_abort(struct server *s, struct http_ref ref)
{
    struct conn *c = conn_find(s, ref);

    if (c == NULL)
        return;
    conn_end_request(c); /* so that no on_abort follows */
    conn_flush(c);       /* what was taken goes out before the cut */
    conn_fail(c, true);
}

size_t http_stream_queued(struct server *s, struct http_ref ref)
{
    struct conn *c = conn_find(s, ref);

    return c != NULL ? conn_queued(c) : 0;
}

/* ---- what the server itself says ---- */

void http_refuse(struct conn *c, enum http1_no no)
{
    struct server *s = c->server;
    struct http_answer a = {.status = http1_no_status(no),
                            .type = STR("text/plain; charset=utf-8")};
    struct buf body = BUF_INIT(CONN_HEAD_OUT_MAX);
    enum err e = ERR_OK;

    s->stats.refused[no]++;
    if (s->handler.on_refuse != NULL)
        a.type = s->handler.on_refuse(s->handler.ctx, no, &body);
    else
        e = buf_printf(&body, "%s\n", http1_no_text(no));
    if (e != ERR_OK || send_whole(c, &a, buf_str(&body)) != ERR_OK)
        conn_fail(c, false);
    buf_done(&body);
}
