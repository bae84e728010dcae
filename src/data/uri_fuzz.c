/* What is accepted has a path without surprises, and decodes. */
#include "data/uri.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

static void must(bool ok)
{
    if (!ok)
        abort();
}

static void check_path(struct str path)
{
    struct buf b CLEANUP(buf_done) = BUF_INIT(URI_MAX);
    struct str segment;
    size_t slashes = 0, decoded = 0;

    for (size_t i = 0; i < path.n; i++)
        slashes += path.p[i] == '/';
    must(uri_decode(path, false, &b, NULL) == ERR_OK);
    for (size_t i = 0; i < b.len; i++)
        decoded += b.data[i] == '/';
    must(slashes == decoded && !str_has(buf_str(&b), STR("//")));
    must(!str_has(buf_str(&b), STR("/../")));
    must(!str_ends(buf_str(&b), STR("/..")));
    while (uri_next_segment(&path, &segment))
        must(segment.n != 0);
}

static void check_query(struct str query)
{
    struct str rest = query, key, value;
    struct buf name CLEANUP(buf_done) = BUF_INIT(URI_MAX);
    struct buf out CLEANUP(buf_done) = BUF_INIT(URI_MAX);

    while (uri_next_param(&rest, &key, &value)) {
        buf_clear(&name);
        buf_clear(&out);
        must(uri_decode(key, true, &name, NULL) == ERR_OK);
        must(uri_get_param(query, buf_str(&name), &out, NULL) == ERR_OK);
    }
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    struct str text = {(const char *)data, size};
    struct uri_target t;
    struct why why = WHY_INIT;
    struct uri u;

    if (uri_parse_target(text, &t, &why) == ERR_OK && t.path.p[0] == '/') {
        check_path(t.path);
        check_query(t.query);
    }
    if (uri_parse(text, &u, &why) == ERR_OK) {
        check_path(u.path);
        check_query(u.query);
    }
    return 0;
}
