/* What decodes encodes to the same text: there is one encoding. */
#include "data/base64.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    struct buf raw CLEANUP(buf_done) = BUF_INIT((size_t)1 << 24);
    struct buf text CLEANUP(buf_done) = BUF_INIT((size_t)1 << 24);
    struct str in = {(const char *)data, size};
    struct why why = WHY_INIT;

    if (base64_decode(in, &raw, &why) == ERR_OK) {
        if (base64_encode(buf_str(&raw), &text) != ERR_OK
            || !str_eq(buf_str(&text), in))
            abort();
    }
    buf_clear(&raw);
    buf_clear(&text);
    if (base64_encode(in, &text) != ERR_OK
        || base64_decode(buf_str(&text), &raw, &why) != ERR_OK
        || !str_eq(buf_str(&raw), in))
        abort();
    return 0;
}
