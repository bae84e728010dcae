/* The first byte chooses how the rest is cut; both ways must agree. */
#include "data/http1.h"

#include "base/buf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint64_t run(enum http1_kind kind, struct str in, size_t step)
{
    struct http1_limits limits = {600, 100, 8, 200};
    struct http1 *p = NULL;
    struct str body = STR_EMPTY;
    uint64_t seen = 1;
    size_t taken;

    if (http1_new(kind, &limits, &p) != ERR_OK)
        return 0;
    for (;;) {
        struct str piece = str_sub(in, 0, step);
        enum http1_event ev = http1_feed(p, piece, &taken, &body);

        if (taken > piece.n)
            __builtin_trap();
        in = str_sub(in, taken, SIZE_MAX);
        if (ev == HTTP1_HEAD) {
            const struct http1_head *h = http1_head(p);

            seen = str_hash(h->path, seen);
            for (size_t i = 0; i < h->field_count; i++)
                seen = str_hash(h->fields[i].value, seen);
        } else if (ev == HTTP1_BODY) {
            for (size_t i = 0; i < body.n; i++)
                seen = str_hash((struct str){body.p + i, 1}, seen);
        } else if (ev == HTTP1_END) {
            seen++;
            http1_reset(p);
        } else if (ev == HTTP1_REFUSED) {
            /* Where several rules are broken, and how much of a body came
             * before the refusal, may depend on the cut; that it is refused
             * may not. */
            seen = 0;
            break;
        }
        if (in.n == 0 && ev != HTTP1_HEAD && ev != HTTP1_BODY)
            break;
    }
    (void)http1_feed_eof(p);
    http1_free(p);
    return seen;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str in = {(const char *)data + 1, size - 1};
    enum http1_kind kind;

    if (size < 2)
        return 0;
    kind = (data[0] & 1) != 0 ? HTTP1_RESPONSE : HTTP1_REQUEST;
    if (run(kind, in, SIZE_MAX) != run(kind, in, 1u + (data[0] >> 1) % 16))
        __builtin_trap();
    return 0;
}
