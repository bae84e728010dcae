#include "fake/http_rig.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "test.h"

enum { ROUNDS = 600, ROUND_MS = 5 };

static void answer(struct http_req *req, int status, struct str body)
{
    struct http_answer a = {.status = status, .type = STR("text/plain")};

    enum err e = http_respond(req->server, req->ref, &a, body);

    /* Under injected faults the client may be gone. */
    CHECK(e == ERR_OK || e == ERR_EOF || e == ERR_NOMEM);
}

/* ---- events of a held request ---- */

static void on_body(void *ctx, struct http_ref ref, struct str piece)
{
    struct http_rig *r = ctx;

    (void)ref;
    r->body_bytes += piece.n;
}

static void on_slow_body(void *ctx, struct http_ref ref, struct str piece)
{
    struct http_rig *r = ctx;

    r->body_bytes += piece.n;
    http_body_pause(r->server, ref);
}

static void on_body_end(void *ctx, struct http_ref ref)
{
    struct http_rig *r = ctx;
    struct http_answer a = {.status = 200};

    r->body_ends++;
    CHECK(http_respond(r->server, ref, &a, STR("took it")) == ERR_OK);
}

static void on_drain(void *ctx, struct http_ref ref)
{
    struct http_rig *r = ctx;

    (void)ref;
    r->drains++;
}

static void on_abort(void *ctx, struct http_ref ref)
{
    struct http_rig *r = ctx;

    CHECK(ref.slot == r->ref.slot && ref.gen == r->ref.gen);
    CHECK(http_get(r->server, ref) == NULL);
    r->aborts++;
}

static const struct http_events held = {NULL, NULL, on_drain, on_abort};
static const struct http_events up = {on_body, on_body_end, NULL, on_abort};
static const struct http_events slow = {on_slow_body, on_body_end, NULL,
                                        on_abort};

/* ---- the handler ---- */

static bool is(const struct http_req *req, const char *path)
{
    return str_eq(req->head->path, str_c(path));
}

static void on_head(void *ctx, struct http_req *req, struct http_plan *plan)
{
    (void)ctx;
    if (is(req, "/early"))
        answer(req, 401, STR("who?"));
    else if (is(req, "/tiny"))
        plan->body_max = 10;
    else if (is(req, "/up") || is(req, "/slow"))
        *plan = (struct http_plan){UINT64_C(1) << 40, true};
}

static void hold(struct http_rig *r, struct http_req *req,
                 const struct http_events *events)
{
    r->ref = req->ref;
    http_follow(req, events, r);
}

static void echo_fields(struct http_req *req)
{
    struct buf b = BUF_INIT(65536);

    CHECK(buf_printf(&b, "%.*s %.*s\n", STR_ARG(req->head->method),
                     STR_ARG(req->head->target))
          == ERR_OK);
    for (size_t i = 0; i < req->head->field_count; i++)
        CHECK(buf_printf(&b, "%.*s: %.*s\n", STR_ARG(req->head->fields[i].name),
                         STR_ARG(req->head->fields[i].value))
              == ERR_OK);
    CHECK(buf_add(&b, req->body) == ERR_OK);
    answer(req, 200, buf_str(&b));
    buf_done(&b);
}

static void on_request(void *ctx, struct http_req *req)
{
    const struct http1_field field = {STR("Cache-Control"), STR("no-store")};
    struct http_answer a = {200, STR("text/event-stream"), &field, 1};
    struct http_rig *r = ctx;

    if (r->trace.len < 1000)
        CHECK(buf_printf(&r->trace, "%.*s ", STR_ARG(req->head->path))
              == ERR_OK);
    if (is(req, "/echo") || is(req, "/tiny")) {
        answer(req, 200, req->body);
    } else if (is(req, "/hold")) {
        hold(r, req, &held);
    } else if (is(req, "/stream")) {
        hold(r, req, &held);
        CHECK(http_stream_begin(r->server, req->ref, &a) == ERR_OK);
    } else if (is(req, "/up") || is(req, "/slow")) {
        hold(r, req, is(req, "/up") ? &up : &slow);
    } else if (is(req, "/head")) {
        echo_fields(req);
    } else {
        answer(req, 404, STR("nothing here"));
    }
}

void http_rig_start(struct http_rig *r, const struct server_opts *opts)
{
    struct loop *l = NULL;

    CHECK(loop_new(&l, NULL) == ERR_OK);
    http_rig_start_on(r, l, opts);
    r->owns_loop = true;
}

void http_rig_start_on(struct http_rig *r, struct loop *l,
                       const struct server_opts *opts)
{
    struct server_opts plain = SERVER_OPTS_DEFAULT;
    struct server_handler h = {r, on_head, on_request, NULL};
    struct why why = WHY_INIT;

    *r = (struct http_rig){.loop = l, .trace = BUF_INIT(1 << 16)};
    CHECK(
        server_new(r->loop, opts != NULL ? opts : &plain, &h, &r->server, &why)
        == ERR_OK);
    CHECK(server_listen_tcp(r->server, "127.0.0.1", 0, &r->port, NULL, &why)
          == ERR_OK);
}

void http_rig_stop(struct http_rig *r)
{
    server_free(r->server);
    if (r->owns_loop)
        loop_free(r->loop);
    buf_done(&r->trace);
}

void http_rig_turn(struct http_rig *r)
{
    loop_run_once(r->loop, ROUND_MS);
}

bool http_rig_until(struct http_rig *r, const int *n, int want)
{
    for (int i = 0; i < ROUNDS && *n < want; i++)
        http_rig_turn(r);
    return *n >= want;
}

/* ---- clients ---- */

int http_rig_connect(struct http_rig *r)
{
    union {
        struct sockaddr any;
        struct sockaddr_in in;
    } a = {.in = {.sin_family = AF_INET, .sin_port = htons((uint16_t)r->port)}};
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    a.in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    CHECK(fd >= 0 && connect(fd, &a.any, sizeof(a.in)) == 0);
    CHECK(fcntl(fd, F_SETFL, O_NONBLOCK) == 0);
    return fd;
}

void http_rig_send(struct http_rig *r, int fd, struct str bytes)
{
    for (int i = 0; bytes.n != 0 && i < ROUNDS; i++) {
        ssize_t n = send(fd, bytes.p, bytes.n, MSG_NOSIGNAL);

        if (n > 0)
            bytes = str_sub(bytes, (size_t)n, SIZE_MAX);
        else if (errno != EAGAIN)
            return; /* refused already: the test reads why */
        http_rig_turn(r);
    }
}

bool http_rig_read(struct http_rig *r, int fd, struct buf *out, const char *end)
{
    for (int i = 0; i < ROUNDS; i++) {
        char bytes[8192];
        ssize_t n = recv(fd, bytes, sizeof(bytes), 0);

        if (n > 0) {
            CHECK(buf_add(out, (struct str){bytes, (size_t)n}) == ERR_OK);
            i = 0;
        }
        if (n == 0 || (n < 0 && errno != EAGAIN)) {
            CHECK(buf_add_c(out, n == 0 ? "<EOF>" : "<RST>") == ERR_OK);
            return end == NULL;
        }
        if (end != NULL && str_has(buf_str(out), str_c(end)))
            return true;
        if (n < 0)
            http_rig_turn(r);
    }
    return false;
}

void http_rig_talk(struct http_rig *r, struct str bytes, struct buf *out)
{
    int fd = http_rig_connect(r);

    http_rig_send(r, fd, bytes);
    CHECK(http_rig_read(r, fd, out, NULL));
    CHECK(close(fd) == 0);
    for (int i = 0; i < ROUNDS && server_stats(r->server)->active != 0; i++)
        http_rig_turn(r);
}
