/* Accepts exactly what json_parse accepts (repeated keys aside), and finds the
 * same members with the same values. */
#include "data/json_scan.h"

#include <stdlib.h>

#include "base/mem.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

enum { DEPTH = 20 };

static const struct json_limits lax = {.max_bytes = (size_t)1 << 24,
                                       .max_depth = DEPTH,
                                       .max_memory = (size_t)1 << 30,
                                       .repeated_keys = true};

static void must(bool ok)
{
    if (!ok)
        abort();
}

/* One item against the tree's member. */
static void compare(const struct json_item *item, struct str key, struct json v)
{
    struct json_doc doc CLEANUP(json_done) = JSON_DOC_INIT;
    struct buf b CLEANUP(buf_done) = BUF_INIT(item->raw.n);
    struct why why = WHY_INIT;

    must(json_scan_key_is(item, key));
    must(item->type == json_type(v));
    must(json_parse(&doc, item->raw, &lax, &why) == ERR_OK);
    if (item->type != JSON_STRING)
        return;
    must(json_scan_unescape(item->raw, &b) == ERR_OK);
    must(str_eq(buf_str(&b), json_str(v)));
}

static void walk(struct str text, struct json root)
{
    struct json_iter it = json_iter(root);
    struct json_scan s;
    struct json_item item;
    struct why why = WHY_INIT;
    struct str key;
    struct json v;

    must(json_scan_open(&s, text, DEPTH, &why) == ERR_OK);
    while (json_next(&it, &key, &v)) {
        must(json_scan_next(&s, &item, &why) == ERR_OK);
        must(item.type != JSON_ABSENT);
        compare(&item, key, v);
    }
    must(json_scan_next(&s, &item, &why) == ERR_OK);
    must(item.type == JSON_ABSENT);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    /* A copy on the heap of exactly this size: an overrun is then seen. */
    char *p CLEANUP(mem_freep) = mem_strndup((const char *)data, size);
    struct str text = {p, size};
    struct json_doc doc CLEANUP(json_done) = JSON_DOC_INIT;
    struct why why = WHY_INIT;
    enum err scanned, parsed;

    must(p != NULL);
    scanned = json_scan_check(text, DEPTH, &why);
    parsed = json_parse(&doc, text, &lax, &why);
    /* The scanner stops at the first bracket too deep, the parser looks at
     * depth last: only their verdict on the rest may differ. */
    must((scanned == ERR_OK) == (parsed == ERR_OK));
    must(scanned != ERR_PARSE || parsed == ERR_PARSE);
    if (parsed == ERR_OK && (json_type(json_root(&doc)) >= JSON_ARRAY))
        walk(text, json_root(&doc));
    return 0;
}
