/*
 * sse.h - server-sent events: an incremental reader of text/event-stream, and
 * the writer. Source: WHATWG HTML, 9.2.5 and 9.2.6.
 *
 * The reader takes bytes cut anywhere and gives whole events. Lines end with
 * LF, CR or CRLF; one byte order mark at the start is skipped. Bytes are not
 * checked to be UTF-8: the payload's own reader does that.
 */
#ifndef DATA_SSE_H
#define DATA_SSE_H

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

struct sse_event {
    struct str event; /* "message" when the sender gave none */
    struct str data;  /* lines joined with LF */
    struct str id;    /* the last id seen on this stream, may be empty */
};

struct sse {
    struct buf line, data, event, id;
    uint64_t retry_ms; /* last "retry:" of the peer, or 0 */
    size_t seen;       /* bytes of the byte order mark looked at */
    bool after_cr, has_data, fired;
};

/* No event may have more than `max_event` bytes in one line or in its data. */
void sse_init(struct sse *s, size_t max_event);
void sse_done(struct sse *s);

/* Takes bytes from the front of `*in` up to and including the end of the next
 * event. *got tells whether there is one; if not, `*in` is empty and more is
 * needed. The event is borrowed until the next call. ERR_LIMIT when a line or
 * an event is too long; the stream cannot be read on after a failure. */
NODISCARD enum err sse_next(struct sse *s, struct str *in, struct sse_event *ev,
                            bool *got, struct why *why);

/* True when bytes of an unfinished event are held: at the end of the stream
 * this means that the peer was cut off. */
bool sse_pending(const struct sse *s);

/* Appends one event. `event` NULL: none. Data may hold line ends of any kind.
 * An event name with a line end is ERR_RANGE. All or nothing. */
NODISCARD enum err sse_add_data(struct buf *out, const char *event,
                                struct str data);
/* "id:" line in front of the next event; no line end and no NUL in it. */
NODISCARD enum err sse_add_id(struct buf *out, struct str id);
/* A comment line, for keeping connections alive. No line end in it. */
NODISCARD enum err sse_add_comment(struct buf *out, struct str text);

#endif
