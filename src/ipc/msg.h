/*
 * msg.h - the messages between our processes, from messages.def.
 *
 * For every row there is a kind MSG_<NAME>, a `struct msg_<name>` and a pair
 *
 *     enum err msg_<name>_put(struct buf *b, const struct msg_<name> *m);
 *     enum err msg_<name>_get(struct str payload, struct msg_<name> *m,
 *                             struct why *w);
 *
 * _put adds the payload to `b` (ERR_LIMIT, ERR_NOMEM: nothing added). _get
 * reads one; TEXT fields borrow from `payload`. A payload that is too short,
 * too long or whose lengths disagree is ERR_PROTOCOL, and `*m` is unchanged
 * [IPC-6]. Values are not checked for sense: that is the receiver's work.
 * Pure. Thread: any.
 */
#ifndef IPC_MSG_H
#define IPC_MSG_H

#include "base/buf.h"

/* Both ends say it in HELLO and part when it differs [IPC-10]. */
#define MSG_VERSION 2U

enum msg_kind {
#define MSG(NAME, name, kind, dir, what, fields) MSG_##NAME = (kind),
#include "ipc/messages.def"
#undef MSG
};

#define U8(f)   uint8_t f;
#define U32(f)  uint32_t f;
#define U64(f)  uint64_t f;
#define F32(f)  float f;
#define TEXT(f) struct str f;
#define MSG(NAME, name, kind, dir, what, fields)                               \
    struct msg_##name {                                                        \
        fields                                                                 \
    };
#include "ipc/messages.def"
#undef MSG
#undef U8
#undef U32
#undef U64
#undef F32
#undef TEXT

/* Why a choice ended; the names are OpenAI's `finish_reason` where OpenAI has
 * one. MSG_FINISH(NAME, "name"); values travel: append only. */
#define MSG_FINISH_ROWS                                                        \
    MSG_FINISH(STOP, "stop")             /* end of text or a stop string */    \
    MSG_FINISH(LENGTH, "length")         /* max_tokens or the context */       \
    MSG_FINISH(TOOL_CALLS, "tool_calls") /* the model calls tools */           \
    MSG_FINISH(CANCELLED, "cancelled")   /* CANCEL came first */               \
    MSG_FINISH(ERROR, "error")           /* broke off; FAIL says more */
enum msg_finish {
#define MSG_FINISH(NAME, text) MSG_FINISH_##NAME,
    MSG_FINISH_ROWS
#undef MSG_FINISH
        MSG_FINISH_COUNT
};
const char *msg_finish_name(uint32_t finish); /* "error" when out of range */

/* What a row says, for documents, logs and checks of direction. */
enum msg_type { MSG_U8, MSG_U32, MSG_U64, MSG_F32, MSG_TEXT };
struct msg_field {
    const char *name;
    enum msg_type type;
    size_t at; /* offset in the struct */
};
struct msg_info {
    uint8_t kind;
    const char *name;      /* "GENERATE" */
    const char *direction; /* "G>R" */
    const char *what;
    size_t size;                             /* of the struct */
    const struct msg_field *(*fields)(void); /* ends with a NULL name */
};
const struct msg_info *msg_info(uint8_t kind); /* NULL: unknown kind */
const char *msg_name(uint8_t kind);            /* "?" when unknown */
const struct msg_info *msg_at(size_t i);       /* i-th row, NULL at the end */

/* The typed pairs below are these two with the right struct. */
NODISCARD enum err msg_put(struct buf *b, enum msg_kind kind, const void *m);
NODISCARD enum err msg_get(struct str payload, enum msg_kind kind, void *m,
                           struct why *w);

#define MSG(NAME, name, kind, dir, what, fields)                               \
    NODISCARD static inline enum err msg_##name##_put(                         \
        struct buf *b, const struct msg_##name *m)                             \
    {                                                                          \
        return msg_put(b, MSG_##NAME, m);                                      \
    }                                                                          \
    NODISCARD static inline enum err msg_##name##_get(                         \
        struct str payload, struct msg_##name *m, struct why *w)               \
    {                                                                          \
        return msg_get(payload, MSG_##NAME, m, w);                             \
    }
#include "ipc/messages.def"
#undef MSG

#endif
