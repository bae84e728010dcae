/* The first byte is a kind; what can be read must be written back the same. */
#include "ipc/msg.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(buf_done) struct buf again = BUF_INIT(1 << 20);
    _Alignas(max_align_t) unsigned char m[1024];
    struct why w = WHY_INIT;
    struct str payload;

    if (size < 1 || msg_info(data[0]) == NULL)
        return 0;
    if (msg_info(data[0])->size > sizeof(m))
        abort();
    payload = (struct str){(const char *)data + 1, size - 1};
    if (msg_get(payload, (enum msg_kind)data[0], m, &w) != ERR_OK)
        return 0;
    if (msg_put(&again, (enum msg_kind)data[0], m) == ERR_OK
        && !str_eq(buf_str(&again), payload))
        abort();
    return 0;
}
