/*
 * Which frame does a descriptor belong to?
 *
 * On a stream socket a descriptor travels with bytes. The kernel may hand it
 * over together with earlier bytes, but never reads past the bytes it was
 * sent with (unix(7): ancillary data is a barrier). So the last byte of the
 * read that brought a descriptor belongs to the message it was sent with, and
 * we send each such frame by itself: that byte's place in the stream names
 * the frame.
 */
#include "ipc/chan.h"

#include "base/mem.h"
#include "sys/clock.h"
#include "sys/fd.h"

enum { INBOX_BYTES = 65536, KEEP_BYTES = 65536 };

enum err chan_init(struct chan *c, int fd, size_t max_queued)
{
    struct chan fresh = {.fd = fd,
                         .out = BUF_INIT(max_queued + FRAME_HEAD + FRAME_MAX),
                         .max_queued = max_queued,
                         .frame_fd = -1};

    TRY(fd_nonblock(fd, true));
    TRY(fd_cloexec(fd, true));
    fresh.inbox = mem_alloc(INBOX_BYTES);
    if (fresh.inbox == NULL)
        return ERR_NOMEM;
    frame_init(&fresh.in, FRAME_MAX);
    *c = fresh;
    return ERR_OK;
}

void chan_done(struct chan *c)
{
    if (c == NULL || c->inbox == NULL)
        return;
    for (size_t i = 0; i < c->n_in_fds; i++)
        fd_close(c->in_fds[i].fd);
    for (size_t i = 0; i < c->n_out_fds; i++)
        fd_close(c->out_fds[i].fd);
    fd_close(c->frame_fd);
    fd_close(c->fd);
    mem_free(c->inbox);
    buf_done(&c->out);
    frame_done(&c->in);
    *c = (struct chan){.fd = -1, .frame_fd = -1};
}

/* ---- sending ------------------------------------------------------------ */

size_t chan_queued(const struct chan *c)
{
    return c->out.len - c->out_at;
}

bool chan_wants_write(const struct chan *c)
{
    return chan_queued(c) > 0 && c->broken == ERR_OK;
}

bool chan_has_room(const struct chan *c)
{
    return chan_queued(c) < c->max_queued / 2 + 1;
}

/* One send: up to the frame of the next descriptor, or with it. */
static enum err send_some(struct chan *c)
{
    struct str rest = str_sub(buf_str(&c->out), c->out_at, SIZE_MAX);
    size_t put = 0;
    int pass = -1;

    if (c->n_out_fds > 0) {
        uint64_t at = c->out_fds[0].pos;
        uint64_t end = c->out_fds[0].end;

        if (at > c->out_at) {
            rest.n = (size_t)(at - c->out_at);
        } else {
            rest.n = (size_t)(end - c->out_at);
            pass = c->out_fds[0].fd;
        }
    }
    TRY(fd_send(c->fd, rest, pass, &put));
    c->out_at += put;
    if (pass >= 0) { /* gone with the first byte, however few were taken */
        fd_close(pass);
        c->n_out_fds--;
        memmove(c->out_fds, c->out_fds + 1,
                c->n_out_fds * sizeof(c->out_fds[0]));
    }
    return ERR_OK;
}

/* Moves what is left to the front once that costs less than it frees. */
static void compact(struct chan *c)
{
    size_t sent = c->out_at;

    if (sent < c->out.len && sent < KEEP_BYTES && sent < c->out.len / 2)
        return;
    if (sent == c->out.len && c->out.cap > KEEP_BYTES)
        buf_done(&c->out);
    else
        buf_drop(&c->out, sent);
    for (size_t i = 0; i < c->n_out_fds; i++) {
        c->out_fds[i].pos -= sent;
        c->out_fds[i].end -= sent;
    }
    c->out_at = 0;
}

enum err chan_flush(struct chan *c)
{
    enum err e = c->broken;

    while (e == ERR_OK && c->out_at < c->out.len)
        e = send_some(c);
    compact(c);
    if (e != ERR_OK && e != ERR_AGAIN)
        c->broken = e;
    return e;
}

enum err chan_send(struct chan *c, uint8_t kind, uint32_t req,
                   struct str payload, int pass)
{
    unsigned char head[FRAME_HEAD];
    size_t at = c->out.len, size = FRAME_HEAD + payload.n;

    if (c->broken != ERR_OK)
        return c->broken;
    if (payload.n > FRAME_MAX)
        return ERR_LIMIT;
    if (pass >= 0 && c->n_out_fds == CHAN_FDS_MAX)
        return ERR_AGAIN;
    if (chan_queued(c) > 0
        && size > c->max_queued - MIN(chan_queued(c), c->max_queued))
        return ERR_AGAIN;
    TRY(buf_reserve(&c->out, size));
    frame_head(kind, req, payload.n, head);
    memcpy(c->out.data + at, head, FRAME_HEAD);
    if (payload.n > 0)
        memcpy(c->out.data + at + FRAME_HEAD, payload.p, payload.n);
    buf_grew(&c->out, size);
    if (pass >= 0)
        c->out_fds[c->n_out_fds++] =
            (struct chan_fd){.pos = at, .end = at + size, .fd = pass};
    /* The frame is ours now: a dead peer shows at the next call. */
    (void)!chan_flush(c);
    return ERR_OK;
}

/* ---- receiving ---------------------------------------------------------- */

/* A read's worth of bytes into the empty inbox. */
static enum err fill(struct chan *c)
{
    size_t got = 0;
    int passed = -1;

    if (c->eof)
        return ERR_EOF;
    TRY(fd_recv(c->fd, c->inbox, INBOX_BYTES, &got, &passed));
    c->in_at = 0;
    c->in_len = got;
    if (passed < 0)
        return ERR_OK;
    if (c->n_in_fds == CHAN_FDS_MAX) {
        fd_close(passed);
        return ERR_PROTOCOL; /* [IPC-5] */
    }
    c->in_fds[c->n_in_fds++] = (struct chan_fd){
        .pos = c->in_pos + got - 1, .end = c->in_pos + got, .fd = passed};
    return ERR_OK;
}

/* The frame that ends at in_pos was `size` bytes long: is one for it? */
static void claim_fd(struct chan *c, size_t size)
{
    if (c->n_in_fds == 0 || c->in_fds[0].pos >= c->in_pos)
        return;
    if (c->in_fds[0].pos >= c->in_pos - size)
        c->frame_fd = c->in_fds[0].fd;
    else
        fd_close(c->in_fds[0].fd); /* of a frame that had another already */
    c->n_in_fds--;
    memmove(c->in_fds, c->in_fds + 1, c->n_in_fds * sizeof(c->in_fds[0]));
}

static enum err parse(struct chan *c, struct frame *out)
{
    size_t used = 0;
    enum err e = frame_push(
        &c->in, (struct str){c->inbox + c->in_at, c->in_len - c->in_at}, &used,
        out);

    if (e != ERR_OK && e != ERR_AGAIN)
        return e;
    c->in_at += used;
    c->in_pos += used;
    if (e == ERR_OK)
        claim_fd(c, FRAME_HEAD + out->payload.n);
    return e;
}

enum err chan_recv(struct chan *c, struct frame *out)
{
    enum err e = ERR_AGAIN;

    fd_close(chan_take_fd(c));
    if (c->broken == ERR_PROTOCOL)
        return c->broken;
    for (;;) {
        if (c->in_at < c->in_len)
            e = parse(c, out);
        if (e == ERR_AGAIN && c->in_at == c->in_len)
            e = fill(c);
        else
            break;
        if (e == ERR_EOF && frame_partial(&c->in))
            e = ERR_PROTOCOL; /* cut in the middle of a frame [IPC-5] */
        if (e != ERR_OK)
            break;
        e = ERR_AGAIN;
    }
    if (e == ERR_EOF)
        c->eof = true;
    if (e == ERR_PROTOCOL)
        c->broken = e;
    return e;
}

int chan_take_fd(struct chan *c)
{
    return fd_take(&c->frame_fd);
}

/* ---- blocking ----------------------------------------------------------- */

enum err chan_flush_wait(struct chan *c, uint64_t deadline_us)
{
    enum err e;

    while ((e = chan_flush(c)) == ERR_AGAIN)
        TRY(fd_wait(c->fd, FD_WRITE, deadline_us));
    return e;
}

enum err chan_send_wait(struct chan *c, uint8_t kind, uint32_t req,
                        struct str payload, uint64_t deadline_us)
{
    enum err e;

    while ((e = chan_send(c, kind, req, payload, -1)) == ERR_AGAIN)
        TRY(chan_flush_wait(c, deadline_us));
    return e != ERR_OK ? e : chan_flush_wait(c, deadline_us);
}

enum err chan_recv_wait(struct chan *c, struct frame *out, uint64_t deadline_us)
{
    enum err e;

    while ((e = chan_recv(c, out)) == ERR_AGAIN) {
        if (chan_wants_write(c))
            (void)!chan_flush(c);
        TRY(fd_wait(c->fd, chan_wants_write(c) ? FD_BOTH : FD_READ,
                    deadline_us));
    }
    return e;
}
