/* The first byte says into how large pieces the rest is cut; whole and cut
 * must give the same frames. */
#include "ipc/frame.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static enum err run(struct str in, size_t step, uint64_t *hash)
{
    struct frame_parser p;
    enum err e = ERR_AGAIN;

    frame_init(&p, 4096);
    while (in.n > 0) {
        struct frame f;
        struct str piece = str_sub(in, 0, step);
        size_t used = 0;

        e = frame_push(&p, piece, &used, &f);
        if (e != ERR_OK && e != ERR_AGAIN)
            break;
        if (used > piece.n || (e == ERR_AGAIN && used != piece.n))
            abort();
        if (e == ERR_OK)
            *hash = str_hash(f.payload, *hash * 31 + f.kind + f.req);
        in = str_sub(in, used, SIZE_MAX);
    }
    frame_done(&p);
    return e;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint64_t whole = 0, cut = 0;
    struct str in;

    if (size < 1)
        return 0;
    in = (struct str){(const char *)data + 1, size - 1};
    if (run(in, SIZE_MAX, &whole) != run(in, (size_t)data[0] + 1, &cut)
        || whole != cut)
        abort();
    return 0;
}
