/* A stream reads the same in one piece and byte by byte, and what was read
 * reads the same after being written. */
#include "data/sse.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

/* Writes the events of the stream again. */
static enum err echo(struct str in, size_t piece, struct buf *out)
{
    struct sse s CLEANUP(sse_done) = {0};
    struct sse_event ev;
    bool got;

    sse_init(&s, 200);
    while (in.n != 0) {
        struct str part = str_sub(in, 0, piece);

        in = str_sub(in, part.n, in.n);
        while (part.n != 0) {
            TRY(sse_next(&s, &part, &ev, &got, NULL));
            if (!got)
                continue;
            char name[256];

            if (!str_z(ev.event, name, sizeof(name)))
                memcpy(name, "nul", 4);
            TRY(sse_add_id(out, ev.id));
            TRY(sse_add_data(out, name, ev.data));
        }
    }
    return ERR_OK;
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    struct buf whole CLEANUP(buf_done) = BUF_INIT((size_t)1 << 24);
    struct buf bytes CLEANUP(buf_done) = BUF_INIT((size_t)1 << 24);
    struct buf again CLEANUP(buf_done) = BUF_INIT((size_t)1 << 24);
    struct str in = {(const char *)data, size};
    enum err e = echo(in, SIZE_MAX, &whole);

    if (echo(in, 1, &bytes) != e || !str_eq(buf_str(&whole), buf_str(&bytes)))
        abort();
    if (e == ERR_OK
        && (echo(buf_str(&whole), 7, &again) != ERR_OK
            || !str_eq(buf_str(&whole), buf_str(&again))))
        abort();
    return 0;
}
