/* What parses is written back, parses again, and is then the same text. */
#include "data/json.h"

#include <stdlib.h>

#include "base/buf.h"
#include "data/json_path.h"
#include "data/json_write.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

static enum err rewrite(struct str in, struct buf *out)
{
    struct json_doc doc CLEANUP(json_done) = JSON_DOC_INIT;
    struct why why = WHY_INIT;
    struct jsonw w = JSONW_INIT(out);
    enum err e = json_parse(&doc, in, NULL, &why);

    if (e != ERR_OK)
        return why.msg[0] != '\0' && why.code == e ? e : ERR_COUNT;
    json_write(json_root(&doc), &w);
    /* The path of every member of the root is found, whatever its key. */
    struct str key;
    struct json v;

    for (struct json_iter it = json_iter(json_root(&doc));
         json_next(&it, &key, &v);)
        if (json_path(v).text[0] == '\0')
            abort();
    return jsonw_end(&w);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    struct buf one CLEANUP(buf_done) = BUF_INIT((size_t)1 << 26);
    struct buf two CLEANUP(buf_done) = BUF_INIT((size_t)1 << 26);
    enum err e = rewrite((struct str){(const char *)data, size}, &one);

    if (e == ERR_COUNT)
        abort();
    if (e != ERR_OK)
        return 0;
    if (rewrite(buf_str(&one), &two) != ERR_OK
        || !str_eq(buf_str(&one), buf_str(&two)))
        abort();
    return 0;
}
