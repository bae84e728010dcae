/*
 * chan.h - one end of a channel between two of our processes.
 *
 * A Unix stream socket, non-blocking, with frames (frame.h) and now and then a
 * descriptor beside one. It knows no event loop: watch chan.fd for reading
 * always and for writing while chan_wants_write(). One thread owns it.
 *
 * Reading:  while (chan_recv(&c, &f) == ERR_OK) handle(&f);   then ERR_AGAIN
 * Writing:  chan_send queues and tries at once; ERR_AGAIN means that the
 *           queue is full: stop producing until chan_has_room().
 */
#ifndef IPC_CHAN_H
#define IPC_CHAN_H

#include "ipc/frame.h"

/* The descriptor of the channel in every program that we start. */
#define CHAN_CHILD_FD 3

/* Enough for one frame of the largest size and then some. */
#define CHAN_QUEUE_MAX ((size_t)FRAME_MAX + (1U << 20))

enum { CHAN_FDS_MAX = 8 }; /* descriptors on their way, each direction */

struct chan {
    int fd;
    struct frame_parser in;
    char *inbox; /* bytes read and not yet parsed */
    size_t in_at, in_len;
    uint64_t in_pos; /* stream position after what was parsed */
    struct buf out;  /* bytes to send, from out_at on */
    size_t out_at, max_queued;
    struct chan_fd {
        uint64_t pos, end; /* in: of a byte of its frame in the stream;
                               out: of its frame in `out` */
        int fd;
    } in_fds[CHAN_FDS_MAX], out_fds[CHAN_FDS_MAX];
    size_t n_in_fds, n_out_fds;
    int frame_fd; /* came with the last frame, not yet taken */
    bool eof;
    enum err broken; /* why nothing more can be done, or ERR_OK */
};

/* Owns `fd` from success on. `max_queued` bytes may wait to be sent. */
NODISCARD enum err chan_init(struct chan *c, int fd, size_t max_queued);
void chan_done(struct chan *c); /* closes; NULL, zeroed: fine */

/* Queues one frame and sends what the socket takes. `pass` (or -1) is given
 * away on success: it is closed here once it is sent. ERR_AGAIN: the queue is
 * full (or CHAN_FDS_MAX descriptors wait); ERR_LIMIT: payload over FRAME_MAX;
 * ERR_EOF, ERR_IO: the peer is gone. Nothing was queued then. A frame always
 * fits into an empty queue. */
NODISCARD enum err chan_send(struct chan *c, uint8_t kind, uint32_t req,
                             struct str payload, int pass);

/* Sends what waits: ERR_OK all gone, ERR_AGAIN some is left. */
NODISCARD enum err chan_flush(struct chan *c);
bool chan_wants_write(const struct chan *c);
size_t chan_queued(const struct chan *c); /* bytes that wait */
bool chan_has_room(const struct chan *c); /* under half of max_queued */

/* The next frame; its payload is borrowed until the next chan_recv. ERR_AGAIN:
 * none yet. ERR_EOF: the peer has closed and all its frames were handed out.
 * ERR_PROTOCOL: garbage, or cut in the middle of a frame. ERR_NOMEM: later. */
NODISCARD enum err chan_recv(struct chan *c, struct frame *out);

/* The descriptor that came with the last frame, now the caller's, or -1. One
 * that is not taken is closed by the next chan_recv. */
int chan_take_fd(struct chan *c);

/* Blocking forms with a monotonic deadline (clock.h): ERR_TIMEOUT. While
 * chan_recv_wait waits it also sends what is queued. */
NODISCARD enum err chan_send_wait(struct chan *c, uint8_t kind, uint32_t req,
                                  struct str payload, uint64_t deadline_us);
NODISCARD enum err chan_recv_wait(struct chan *c, struct frame *out,
                                  uint64_t deadline_us);
NODISCARD enum err chan_flush_wait(struct chan *c, uint64_t deadline_us);

#endif
