#include "runner/backlog.h"

struct head {
    size_t n;
    uint32_t req;
    uint8_t kind;
};

bool backlog_has_room(const struct backlog *b)
{
    return b->bytes.len + FRAME_MAX + sizeof(struct head) <= b->bytes.max;
}

enum err backlog_push(struct backlog *b, const struct frame *f)
{
    struct head h = {f->payload.n, f->req, f->kind};
    buf_drop(&b->bytes, b->at);
    b->at = 0;
    TRY(buf_reserve(&b->bytes, sizeof h + f->payload.n));
    TRY(buf_add(&b->bytes, (struct str){(const char *)&h, sizeof h}));
    return buf_add(&b->bytes, f->payload);
}

bool backlog_pop(struct backlog *b, struct frame *out)
{
    struct head h;
    if (b->at == b->bytes.len)
        return false;
    memcpy(&h, b->bytes.data + b->at, sizeof h);
    b->at += sizeof h;
    *out = (struct frame){h.kind, h.req, {b->bytes.data + b->at, h.n}};
    b->at += h.n;
    return true;
}

void backlog_done(struct backlog *b)
{
    buf_done(&b->bytes);
    b->at = 0;
}
