#include "data/json_path.h"

#include "base/buf.h"
#include "test.h"

static struct why why;

static bool path_is(struct json v, const char *want)
{
    struct json_path p = json_path(v);

    if (strcmp(p.text, want) == 0)
        return true;
    print_error("path: %s\n", p.text);
    return false;
}

TEST(paths_lead_from_the_root_to_the_value)
{
    struct json_doc doc CLEANUP(json_done) = JSON_DOC_INIT;
    struct json v, a;

    CHECK(json_parse(&doc,
                     STR("{\"a\":[[],{\"b c\":[1,{\"\":2}]},3],"
                         "\"q\\\"\\n\":4}"),
                     NULL, &why)
          == ERR_OK);
    v = json_root(&doc);
    a = json_get(v, "a");
    CHECK(path_is(v, "") && path_is(a, "a"));
    CHECK(path_is(json_at(a, 2), "a[2]"));
    v = json_get(json_at(a, 1), "b c");
    CHECK(path_is(json_at(v, 0), "a[1]['b c'][0]"));
    CHECK(path_is(json_get(json_at(v, 1), ""), "a[1]['b c'][1]['']"));
    CHECK(path_is(json_get(json_root(&doc), "q\"\n"), "['q\"?']"));
    CHECK(path_is((struct json){NULL, NULL}, ""));
    CHECK(strcmp(json_path_member(json_at(a, 1), STR("x")).text, "a[1].x")
          == 0);
    CHECK(strcmp(json_path_member(json_root(&doc), STR("x")).text, "x") == 0);
}

TEST(a_long_path_is_cut_and_says_so)
{
    struct buf b CLEANUP(buf_done) = BUF_INIT(1000);
    struct json_doc doc CLEANUP(json_done) = JSON_DOC_INIT;
    struct json v;
    struct json_path p;

    CHECK(buf_add_c(&b, "{\"") == ERR_OK);
    for (int i = 0; i < 100; i++)
        CHECK(buf_add_c(&b, "\xd0\xb6") == ERR_OK);
    CHECK(buf_add_c(&b, "\":{\"k\":[7]}}") == ERR_OK);
    CHECK(json_parse(&doc, buf_str(&b), NULL, &why) == ERR_OK);
    struct json_iter it = json_iter(json_root(&doc));
    struct str key;

    CHECK(json_next(&it, &key, &v));
    p = json_path(json_at(json_get(v, "k"), 0));
    CHECK(str_ends(str_c(p.text), STR("...")));
    CHECK(strlen(p.text) < sizeof(p.text));
}
