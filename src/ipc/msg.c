/*
 * One encoder and one decoder for all messages, driven by tables made of the
 * rows of messages.def: a field is its type and its place in the struct.
 */
#include "ipc/msg.h"

/* ---- tables ------------------------------------------------------------- */

/* Each row's fields live in a function, for a name of their struct that the
 * field macros can use. */
#define FIELD(f, t) {#f, (t), offsetof(self, f)},
#define U8(f)       FIELD(f, MSG_U8)
#define U32(f)      FIELD(f, MSG_U32)
#define U64(f)      FIELD(f, MSG_U64)
#define F32(f)      FIELD(f, MSG_F32)
#define TEXT(f)     FIELD(f, MSG_TEXT)
/* NOLINTBEGIN(bugprone-macro-parentheses): they are initialisers */
#define MSG(NAME, name, kind, dir, what, fields)                               \
    static const struct msg_field *fields_of_##name(void)                      \
    {                                                                          \
        typedef struct msg_##name self;                                        \
        static const struct msg_field table[] = {fields{NULL, MSG_U8, 0}};     \
        return table;                                                          \
    }
/* NOLINTEND(bugprone-macro-parentheses) */
#include "ipc/messages.def"
#undef MSG
#undef U8
#undef U32
#undef U64
#undef F32
#undef TEXT

static const struct msg_info rows[] = {
#define MSG(NAME, name, kind, dir, what, fields)                               \
    {(kind), #NAME, (dir), (what), sizeof(struct msg_##name), fields_of_##name},
#include "ipc/messages.def"
#undef MSG
};

/* Room for whichever message, to decode into. */
union any {
#define MSG(NAME, name, kind, dir, what, fields) struct msg_##name name;
#include "ipc/messages.def"
#undef MSG
};

const struct msg_info *msg_at(size_t i)
{
    return i < COUNTOF(rows) ? &rows[i] : NULL;
}

const struct msg_info *msg_info(uint8_t kind)
{
    for (size_t i = 0; i < COUNTOF(rows); i++)
        if (rows[i].kind == kind)
            return &rows[i];
    return NULL;
}

const char *msg_name(uint8_t kind)
{
    const struct msg_info *info = msg_info(kind);

    return info != NULL ? info->name : "?";
}

const char *msg_finish_name(uint32_t finish)
{
    static const char *const names[] = {
#define MSG_FINISH(NAME, text) (text),
        MSG_FINISH_ROWS
#undef MSG_FINISH
    };

    return finish < MSG_FINISH_COUNT ? names[finish] : "error";
}

/* ---- bytes -------------------------------------------------------------- */

static enum err put_number(struct buf *b, uint64_t v, size_t bytes)
{
    char le[8];

    for (size_t i = 0; i < bytes; i++)
        le[i] = (char)(unsigned char)(v >> (8 * i));
    return buf_add(b, (struct str){le, bytes});
}

static enum err put_text(struct buf *b, struct str s)
{
    if (s.n > UINT32_MAX)
        return ERR_LIMIT;
    TRY(put_number(b, s.n, 4));
    return buf_add(b, s);
}

static enum err put_field(struct buf *b, const struct msg_field *f,
                          const void *m)
{
    const char *p = (const char *)m + f->at;
    struct str text;
    uint64_t u64;
    uint32_t u32;

    switch (f->type) {
    case MSG_U8:
        return buf_add(b, (struct str){p, 1});
    case MSG_U32:
    case MSG_F32: /* its IEEE 754 bits */
        memcpy(&u32, p, sizeof(u32));
        return put_number(b, u32, 4);
    case MSG_U64:
        memcpy(&u64, p, sizeof(u64));
        return put_number(b, u64, 8);
    case MSG_TEXT:
        memcpy(&text, p, sizeof(text));
        return put_text(b, text);
    }
    return ERR_PROTOCOL;
}

enum err msg_put(struct buf *b, enum msg_kind kind, const void *m)
{
    const struct msg_info *info = msg_info((uint8_t)kind);
    size_t before = b->len;

    assert(info != NULL);
    for (const struct msg_field *f = info->fields(); f->name != NULL; f++) {
        enum err e = put_field(b, f, m);

        if (e == ERR_OK)
            continue;
        b->len = before;
        if (b->data != NULL)
            b->data[before] = '\0';
        return e;
    }
    return ERR_OK;
}

static bool get_number(struct str *in, size_t bytes, uint64_t *out)
{
    uint64_t v = 0;

    if (in->n < bytes)
        return false;
    for (size_t i = 0; i < bytes; i++)
        v |= (uint64_t)(unsigned char)in->p[i] << (8 * i);
    *in = str_sub(*in, bytes, SIZE_MAX);
    *out = v;
    return true;
}

static bool get_field(struct str *in, const struct msg_field *f, void *m)
{
    char *p = (char *)m + f->at;
    struct str text;
    uint64_t v = 0;
    uint32_t u32;
    uint8_t u8;

    switch (f->type) {
    case MSG_U8:
        if (!get_number(in, 1, &v))
            return false;
        u8 = (uint8_t)v;
        memcpy(p, &u8, sizeof(u8));
        return true;
    case MSG_U32:
    case MSG_F32:
        if (!get_number(in, 4, &v))
            return false;
        u32 = (uint32_t)v;
        memcpy(p, &u32, sizeof(u32));
        return true;
    case MSG_U64:
        if (!get_number(in, 8, &v))
            return false;
        memcpy(p, &v, sizeof(v));
        return true;
    case MSG_TEXT:
        if (!get_number(in, 4, &v) || v > in->n)
            return false;
        text = str_sub(*in, 0, (size_t)v);
        *in = str_sub(*in, (size_t)v, SIZE_MAX);
        memcpy(p, &text, sizeof(text));
        return true;
    }
    return false;
}

enum err msg_get(struct str payload, enum msg_kind kind, void *m, struct why *w)
{
    const struct msg_info *info = msg_info((uint8_t)kind);
    union any read;

    assert(info != NULL);
    memset(&read, 0, sizeof(read));
    for (const struct msg_field *f = info->fields(); f->name != NULL; f++)
        if (!get_field(&payload, f, &read)) /* [IPC-6] */
            return FAIL(w, ERR_PROTOCOL, "%s ends inside its field %s",
                        info->name, f->name);
    if (payload.n != 0)
        return FAIL(w, ERR_PROTOCOL, "%s has %zu bytes too many", info->name,
                    payload.n);
    memcpy(m, &read, info->size);
    return ERR_OK;
}
