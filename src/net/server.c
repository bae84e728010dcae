#include "net/server.h"

#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "net/conn.h"
#include "net/sock.h"

enum {
    ACCEPT_AT_ONCE = 64,   /* then the others' turn */
    ACCEPT_PAUSE_MS = 100, /* when descriptors ran out */
    SPARE_SLOTS = 64       /* to say 503 in peace to one client too many */
};

/* ---- accepting ---- */

static void pause_accepting(struct server *s)
{
    s->stats.accept_errors++;
    for (int i = 0; i < s->listener_count; i++)
        if (watch_set(s->listeners[i].watch, 0) != ERR_OK)
            break; /* still watched: it will say so again */
    loop_timer_start(s->loop, &s->accept_again, ACCEPT_PAUSE_MS);
}

static void accept_again(void *ctx)
{
    struct server *s = ctx;

    for (int i = 0; i < s->listener_count; i++)
        if (watch_set(s->listeners[i].watch, WATCH_READ) != ERR_OK)
            loop_timer_start(s->loop, &s->accept_again, ACCEPT_PAUSE_MS);
}

static void on_listener(void *ctx, unsigned events)
{
    struct listener *l = ctx;
    struct server *s = l->server;
    struct conn *c;
    int fd = -1;

    (void)events;
    for (int i = 0; i < ACCEPT_AT_ONCE; i++) {
        enum err e = sock_accept(l->fd, &fd);

        if (e == ERR_LIMIT)
            pause_accepting(s);
        if (e != ERR_OK)
            return;
        s->stats.accepted++;
        if (s->free_slot == UINT32_MAX) {
            s->stats.refused[HTTP1_NO_FULL]++;
            sock_close(fd);
            continue;
        }
        c = conn_new(s, fd, l->number);
        if (c == NULL)
            s->stats.accept_errors++;
        else if (s->stats.active > s->opts.conns_max)
            http_refuse(c, HTTP1_NO_FULL);
    }
}

/* ---- listeners ---- */

static enum err add_listener(struct server *s, struct listener *l, int *number,
                             struct why *why)
{
    struct listener *slot = &s->listeners[s->listener_count];

    *slot = *l;
    slot->server = s;
    slot->number = s->listener_count;
    TRY(watch_open(s->loop, l->fd, on_listener, slot, &slot->watch, why));
    if (watch_set(slot->watch, WATCH_READ) != ERR_OK) {
        watch_close(slot->watch);
        return FAIL(why, ERR_IO, "cannot watch a listening socket");
    }
    s->listener_count++;
    if (number != NULL)
        *number = slot->number;
    return ERR_OK;
}

static enum err has_room(struct server *s, struct why *why)
{
    if (s->is_draining)
        return FAIL(why, ERR_SHUTDOWN, "the server is stopping");
    if (s->listener_count == SERVER_LISTENERS_MAX)
        return FAIL(why, ERR_LIMIT, "at most %d listeners",
                    SERVER_LISTENERS_MAX);
    return ERR_OK;
}

enum err server_listen_tcp(struct server *s, const char *host, unsigned port,
                           unsigned *bound_port, int *listener, struct why *why)
{
    struct listener l = {.fd = -1};
    unsigned real_port = 0;
    enum err e;

    TRY(has_room(s, why));
    TRY(sock_listen_tcp(host, port, &l.fd, &real_port, why));
    e = add_listener(s, &l, listener, why);
    if (e != ERR_OK)
        sock_close(l.fd);
    else if (bound_port != NULL)
        *bound_port = real_port;
    return e;
}

enum err server_listen_unix(struct server *s, const char *path, unsigned mode,
                            int *listener, struct why *why)
{
    struct listener l = {.fd = -1};
    struct stat st;
    enum err e;

    TRY(has_room(s, why));
    l.unix_path = mem_strndup(path, strlen(path));
    if (l.unix_path == NULL)
        return FAIL(why, ERR_NOMEM, "no memory for a listener");
    e = sock_listen_unix(path, mode, &l.fd, why);
    if (e == ERR_OK && stat(path, &st) == 0) {
        l.unix_dev = (uint64_t)st.st_dev;
        l.unix_ino = (uint64_t)st.st_ino;
    }
    if (e == ERR_OK)
        e = add_listener(s, &l, listener, why);
    if (e != ERR_OK) {
        if (l.fd >= 0)
            sock_close(l.fd);
        mem_free(l.unix_path);
    }
    return e;
}

static void close_listeners(struct server *s)
{
    timer_stop(&s->accept_again);
    for (int i = 0; i < s->listener_count; i++) {
        struct listener *l = &s->listeners[i];
        struct stat st;

        watch_close(l->watch);
        sock_close(l->fd);
        /* Only our own socket: another server may have taken the place. */
        if (l->unix_path != NULL && stat(l->unix_path, &st) == 0
            && (uint64_t)st.st_dev == l->unix_dev
            && (uint64_t)st.st_ino == l->unix_ino)
            (void)unlink(l->unix_path);
        mem_free(l->unix_path);
    }
    s->listener_count = 0;
}

/* ---- drain ---- */

static void check_drained(struct server *s)
{
    if (s->is_draining && s->stats.active == 0 && s->on_drained != NULL)
        loop_post(s->loop, &s->drained);
}

static void on_drained(void *ctx)
{
    struct server *s = ctx;
    void (*fn)(void *) = s->on_drained;

    timer_stop(&s->drain_deadline);
    s->on_drained = NULL;
    fn(s->drained_ctx);
}

static void cut_rest(void *ctx)
{
    struct server *s = ctx;

    for (size_t i = 0; i < s->slot_count; i++)
        if (s->slots[i].conn != NULL)
            conn_fail(s->slots[i].conn, true);
}

void server_drain(struct server *s, unsigned deadline_ms, void (*fn)(void *ctx),
                  void *ctx)
{
    assert(!s->is_draining);
    s->is_draining = true;
    s->on_drained = fn;
    s->drained_ctx = ctx;
    close_listeners(s);
    for (size_t i = 0; i < s->slot_count; i++) {
        struct conn *c = s->slots[i].conn;

        if (c != NULL && c->state == CONN_IDLE && c->ahead.len == 0)
            conn_fail(c, false);
    }
    loop_timer_start(s->loop, &s->drain_deadline, deadline_ms);
    check_drained(s);
}

void server_forget(struct server *s, struct conn *c)
{
    struct server_slot *slot = &s->slots[c->req.ref.slot];

    slot->conn = NULL;
    slot->next_free = s->free_slot;
    s->free_slot = c->req.ref.slot;
    s->stats.active--;
    check_drained(s);
}

/* ---- life ---- */

enum err server_new(struct loop *l, const struct server_opts *opts,
                    const struct server_handler *handler, struct server **out,
                    struct why *why)
{
    struct server *s = mem_zalloc(sizeof(*s));

    assert(handler->on_request != NULL && opts->conns_max != 0
           && opts->conns_max < 1 << 24);
    if (s != NULL)
        s->slots = mem_calloc(opts->conns_max + SPARE_SLOTS, sizeof(*s->slots));
    if (s == NULL || s->slots == NULL) {
        mem_free(s);
        return FAIL(why, ERR_NOMEM, "no memory for a server");
    }
    s->loop = l;
    s->opts = *opts;
    s->handler = *handler;
    s->head = BUF_INIT(CONN_HEAD_OUT_MAX);
    s->date_at = -1;
    s->slot_count = (uint32_t)opts->conns_max + SPARE_SLOTS;
    for (uint32_t i = 0; i < s->slot_count; i++) {
        s->slots[i].gen = 1;
        s->slots[i].next_free = i + 1 < s->slot_count ? i + 1 : UINT32_MAX;
    }
    timer_init(&s->accept_again, accept_again, s);
    timer_init(&s->drain_deadline, cut_rest, s);
    task_init(&s->drained, on_drained, s);
    *out = s;
    return ERR_OK;
}

void server_free(struct server *s)
{
    if (s == NULL)
        return;
    s->on_drained = NULL;
    close_listeners(s);
    timer_stop(&s->drain_deadline);
    for (size_t i = 0; i < s->slot_count; i++)
        if (s->slots[i].conn != NULL)
            conn_free(s->slots[i].conn);
    loop_cancel(s->loop, &s->drained);
    buf_done(&s->head);
    mem_free(s->slots);
    mem_free(s);
}

const struct server_stats *server_stats(const struct server *s)
{
    return &s->stats;
}
