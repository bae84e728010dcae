/*
 * frame.h - how messages are cut out of a byte stream.
 *
 *     u32 length of payload | u8 kind | u32 request id | payload
 *
 * All little-endian (docs/protocol/ipc.md, IPC-1 to IPC-5). Pure: no
 * descriptor, no clock; bytes may come in pieces of any size. One thread.
 */
#ifndef IPC_FRAME_H
#define IPC_FRAME_H

#include "base/buf.h"

#define FRAME_HEAD 9U          /* bytes before the payload */
#define FRAME_MAX  (16U << 20) /* largest payload, bytes */

struct frame {
    uint8_t kind; /* enum msg_kind, when known; see msg.h */
    uint32_t req; /* request id, 0: not about a request */
    struct str payload;
};

struct frame_parser {
    unsigned char head[FRAME_HEAD];
    size_t head_len;
    uint32_t need; /* payload length, once the head is complete */
    struct buf body;
    bool handed_out; /* the caller has seen the frame in `body` */
    bool broken;
};

/* `max` is the largest payload to take, at most FRAME_MAX. */
void frame_init(struct frame_parser *p, size_t max);
void frame_done(struct frame_parser *p); /* NULL, zeroed: fine */

/* Eats bytes up to the end of one frame. ERR_OK: `*out` is that frame, its
 * payload borrowed until the next push. ERR_AGAIN: all was eaten, more is
 * needed. `*used` is set in both cases. ERR_PROTOCOL (payload over `max`,
 * [IPC-4]) is final: the stream cannot be trusted any more. ERR_NOMEM: nothing
 * was eaten, the same call may be made again. */
NODISCARD enum err frame_push(struct frame_parser *p, struct str bytes,
                              size_t *used, struct frame *out);

/* Bytes stand in the middle of a frame: an end of file here is a cut. */
bool frame_partial(const struct frame_parser *p);

/* The nine bytes before a payload of `n` bytes (n <= FRAME_MAX). */
void frame_head(uint8_t kind, uint32_t req, size_t n,
                unsigned char out[FRAME_HEAD]);

#endif
