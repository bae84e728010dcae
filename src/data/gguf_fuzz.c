/* A prefix of any file: what is accepted lies within it. */
#include "data/gguf.h"

#include <stdlib.h>

#include "base/mem.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

static void must(bool ok)
{
    if (!ok)
        abort();
}

static void walk(const struct gguf *g, struct str bytes, uint64_t file_size)
{
    struct gguf_kv kv;
    struct gguf_tensor t;
    uint64_t n_kv = 0, n_tensors = 0, total = 0, v;

    for (size_t at = 0; gguf_next_kv(g, bytes, &at, &kv); n_kv++) {
        must(kv.raw.p >= bytes.p && kv.raw.n <= bytes.n);
        (void)gguf_kv_u64(&kv, &v);
    }
    for (size_t at = 0; gguf_next_tensor(g, bytes, &at, &t); n_tensors++) {
        must(t.offset + t.bytes <= file_size - g->data_at);
        total += t.bytes;
    }
    must(n_kv == g->n_kv && n_tensors == g->n_tensors);
    must(total == g->tensor_bytes);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    char *p CLEANUP(mem_freep) = mem_strndup((const char *)data, size);
    struct str bytes = {p, size};
    struct why why = WHY_INIT;
    struct gguf g;

    must(p != NULL);
    if (gguf_parse(bytes, size, &g, &why) == ERR_OK)
        walk(&g, bytes, size);
    else
        must(why.code == ERR_MODEL); /* the whole file needs no more */
    if (gguf_parse(bytes, (uint64_t)size << 20, &g, &why) == ERR_OK)
        walk(&g, bytes, (uint64_t)size << 20);
    return 0;
}
