/*
 * conn.h - one client connection: the inside of server.c and http.c; nobody
 * else includes this.
 *
 *   state      waits for                     deadline            when it passes
 *   IDLE       the first byte of a request   idle_ms (new        close
 *                                            conn: head_ms)
 *   HEAD       the rest of the head          head_ms, absolute   408
 *   BODY       the body; nothing while the   body_window_bytes   408
 *              handler paused it             per body_window_ms
 *   HANDLING   the handler; the client going none: the handler   -
 *                                            has its own
 *   STREAMING  the handler; the client going write_stall_ms      cut, on_abort
 *              or, with a queue, reading     without progress
 *   WRITING    the client reading the rest   write_stall_ms      cut
 *              of a complete answer          without progress
 *   LINGER     the client closing            linger_ms           close
 *   DEAD       the next round, to be freed   none                -
 *
 * conn_go is the only writer of `state`. A request begins when its head is
 * complete (conn_head) and is over in conn_end_request. Bytes that arrive
 * while a request is in progress wait in `ahead`, at most a read and a half;
 * after that they wait in the kernel, and only a hang-up is watched for.
 */
#ifndef NET_CONN_H
#define NET_CONN_H

#include "net/server.h"

enum conn_state {
    CONN_IDLE,
    CONN_HEAD,
    CONN_BODY,
    CONN_HANDLING,
    CONN_STREAMING,
    CONN_WRITING,
    CONN_LINGER,
    CONN_DEAD
};

enum {
    CONN_READ_MAX = 65536,  /* one recv, into the server's one buffer */
    CONN_AHEAD_MAX = 16384, /* stop reading ahead from here on */
    CONN_HEAD_OUT_MAX = 65536
};

/* How the length of a streamed answer shows. */
enum conn_framing {
    CONN_FRAMED_NONE, /* no content at all: HEAD, 204, 304 */
    CONN_FRAMED_CHUNKED,
    CONN_FRAMED_LENGTH,
    CONN_FRAMED_CLOSE
};

struct conn {
    struct server *server;
    struct watch *watch;
    struct timer deadline;
    struct task task; /* what must not happen inside a call: see conn_work */
    struct http1 *parser; /* from the first byte until the answer begins */
    struct buf body;      /* collected */
    struct buf ahead;     /* received, not parsed */
    struct buf out;       /* accepted, not sent: from out_at on */
    size_t out_at;
    struct http_req req;
    const struct http_events *events;
    void *events_ctx;
    uint64_t stream_left;  /* CONN_FRAMED_LENGTH */
    uint64_t window_bytes; /* of the body, in this window */
    int fd;
    enum conn_state state;
    enum conn_framing framing;
    bool has_request;     /* between conn_head and conn_end_request */
    bool has_served;      /* not the first request */
    bool input_done;      /* the request is complete */
    bool keep;            /* another request may follow */
    bool is_head, is_old; /* the request: HEAD; HTTP/1.0 */
    bool is_paused;       /* http_body_pause */
    bool wants_drain;
    bool is_corked; /* what is in `out` leaves by the end of this round */
};

struct listener {
    struct server *server;
    struct watch *watch;
    int fd, number;
    char *unix_path; /* NULL for TCP */
    uint64_t unix_dev, unix_ino;
};

struct server_slot {
    struct conn *conn;
    uint32_t gen; /* of the current or the next request; never 0 */
    uint32_t next_free;
};

enum { SERVER_LISTENERS_MAX = 8 };

struct server {
    struct loop *loop;
    struct server_opts opts;
    struct server_handler handler;
    struct server_stats stats;
    struct listener listeners[SERVER_LISTENERS_MAX];
    int listener_count;
    struct server_slot *slots; /* opts.conns_max, and some to say no */
    uint32_t slot_count;
    uint32_t free_slot;        /* UINT32_MAX: none */
    struct timer accept_again; /* after EMFILE */
    struct timer drain_deadline;
    struct task drained;
    void (*on_drained)(void *ctx);
    void *drained_ctx;
    bool is_draining;
    struct buf head; /* where the head of every answer is put together */
    int64_t date_at;
    char date[48];
    char scratch[CONN_READ_MAX]; /* where every connection reads */
};

/* Takes `fd` over, also when it fails (NULL). There must be a free slot. */
struct conn *conn_new(struct server *s, int fd, int listener);

/* The request's connection, also a DEAD one whose handler was not told yet;
 * NULL when the request is over. */
struct conn *conn_find(struct server *s, struct http_ref ref);

void conn_go(struct conn *c, enum conn_state state);

/* Sends now what the kernel takes and queues the rest. ERR_NOMEM: nothing
 * was sent. ERR_EOF: the connection is DEAD now. */
NODISCARD enum err conn_send(struct conn *c, const struct str *parts,
                             size_t count);
/* The same, but not before the end of this round of the loop, or conn_flush:
 * what is put in one round is one call of the kernel and one packet. */
NODISCARD enum err conn_put(struct conn *c, const struct str *parts,
                            size_t count);
void conn_flush(struct conn *c);
size_t conn_queued(const struct conn *c);

/* The answer begins: nobody needs the head and the body any more. */
void conn_release_input(struct conn *c);
/* The answer is complete: its last bytes are sent or queued. */
void conn_finish(struct conn *c);
/* Closes at once; on_abort follows in the next round if a handler waits. */
void conn_fail(struct conn *c, bool reset);
/* The request is over for its handler. */
void conn_end_request(struct conn *c);
/* Watches for what the state, the queue and the pauses ask for. */
void conn_update(struct conn *c);
/* Runs conn's posted work (resumed body, pipelined bytes) in the next round. */
void conn_wake(struct conn *c);
/* Frees without a word; the server's end. */
void conn_free(struct conn *c);

/* http.c: the answer to what the server itself refuses. */
void http_refuse(struct conn *c, enum http1_no no);

/* server.c: a connection was freed. */
void server_forget(struct server *s, struct conn *c);

#endif
