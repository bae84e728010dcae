#include "ipc/frame.h"

/* A body that one large frame made is given back before the next frame. */
enum { KEEP_BYTES = 65536 };

static uint32_t get_u32(const unsigned char *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16
           | (uint32_t)p[3] << 24;
}

static void put_u32(uint32_t v, unsigned char *p)
{
    for (int i = 0; i < 4; i++)
        p[i] = (unsigned char)(v >> (8 * i));
}

void frame_head(uint8_t kind, uint32_t req, size_t n,
                unsigned char out[FRAME_HEAD])
{
    assert(n <= FRAME_MAX);
    put_u32((uint32_t)n, out); /* [IPC-1] */
    out[4] = kind;
    put_u32(req, out + 5);
}

void frame_init(struct frame_parser *p, size_t max)
{
    *p = (struct frame_parser){.body = BUF_INIT(MIN(max, (size_t)FRAME_MAX))};
}

void frame_done(struct frame_parser *p)
{
    if (p != NULL)
        buf_done(&p->body);
}

bool frame_partial(const struct frame_parser *p)
{
    return p->head_len > 0 && !p->handed_out;
}

static void next_frame(struct frame_parser *p)
{
    p->handed_out = false;
    p->head_len = 0;
    p->need = 0;
    if (p->body.cap > KEEP_BYTES)
        buf_done(&p->body);
    buf_clear(&p->body);
}

/* The head is complete: is its length one that we take? */
static enum err open_body(struct frame_parser *p)
{
    p->need = get_u32(p->head);
    if (p->need > p->body.max) { /* [IPC-4] */
        p->broken = true;
        return ERR_PROTOCOL;
    }
    return ERR_OK;
}

enum err frame_push(struct frame_parser *p, struct str bytes, size_t *used,
                    struct frame *out)
{
    size_t eaten, part;

    if (p->broken)
        return ERR_PROTOCOL;
    if (p->handed_out)
        next_frame(p);
    eaten = MIN(bytes.n, FRAME_HEAD - p->head_len);
    if (eaten > 0)
        memcpy(p->head + p->head_len, bytes.p, eaten);
    if (p->head_len + eaten < FRAME_HEAD) {
        p->head_len += eaten;
        *used = eaten;
        return ERR_AGAIN;
    }
    TRY(open_body(p));
    part = MIN(bytes.n - eaten, p->need - p->body.len);
    /* Room for what is there, not for what the head promises: a peer must
     * send bytes to make us hold memory. Before head_len moves, so that a
     * refusal leaves everything as it was. */
    TRY(buf_reserve(&p->body, part));
    p->head_len = FRAME_HEAD;
    TRY(buf_add(&p->body, str_sub(bytes, eaten, part)));
    *used = eaten + part;
    if (p->body.len < p->need)
        return ERR_AGAIN;
    p->handed_out = true;
    *out = (struct frame){p->head[4], get_u32(p->head + 5),
                          p->need > 0 ? buf_str(&p->body) : STR_EMPTY};
    return ERR_OK;
}
