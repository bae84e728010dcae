#include "data/uri.h"

#include "test.h"

static struct why why;

TEST(absolute_urls_are_split)
{
    struct uri u;

    CHECK(uri_parse(STR("http://Example.org:8080/a/b?x=1&y"), &u, &why)
          == ERR_OK);
    CHECK(u.scheme == URI_HTTP && u.port == 8080 && !u.ipv6);
    CHECK(str_eq(u.host, STR("Example.org")));
    CHECK(str_eq(u.path, STR("/a/b")) && str_eq(u.query, STR("x=1&y")));
    CHECK(uri_parse(STR("HTTPS://[::1]"), &u, &why) == ERR_OK);
    CHECK(u.scheme == URI_HTTPS && u.port == 443 && u.ipv6);
    CHECK(str_eq(u.host, STR("::1")) && str_eq(u.path, STR("/")));
    CHECK(uri_parse(STR("http://[fe80::1]:1?q"), &u, &why) == ERR_OK);
    CHECK(u.port == 1 && str_eq(u.query, STR("q")));
    CHECK(str_eq(u.path, STR("/")));
    CHECK(uri_parse(STR("unix:/run/a.sock"), &u, &why) == ERR_OK);
    CHECK(u.scheme == URI_UNIX && str_eq(u.sock, STR("/run/a.sock")));
    CHECK(u.port == 0 && u.host.n == 0);
    CHECK(uri_parse(STR("unix:///run/a.sock"), &u, &why) == ERR_OK);
    CHECK(str_eq(u.sock, STR("/run/a.sock")));
}

TEST(wrong_urls_are_refused)
{
    static const char *const wrong[] = {
        "http://",
        "http:///x",
        "http://a b/",
        "http://u:p@h/",
        "http://h:0/",
        "http://h:65536/",
        "http://h:/",
        "http://h:x/",
        "http://[::1/",
        "http://[::1]x/",
        "http://[g::1]/",
        "http://[1]/",
        "http://h/../x",
        "http://h/a/./b",
        "http://h/a//b",
        "http://h/%2e%2E/",
        "http://h/a%2fb",
        "http://h/%00",
        "http://h/a\\b",
        "http://h/#f",
        "http://h/%zz",
        "http://h/%1",
        "http://h/\xd0\xb6",
        "http://-h/",
        "http://a..b/",
        "unix:x",
        "unix:/",
        "http://h/?a#b",
        "http://.h/",
        "http://h/a/.%2e",
    };
    struct uri u = {.port = 7};

    for (size_t i = 0; i < COUNTOF(wrong); i++) {
        if (uri_parse(str_c(wrong[i]), &u, &why) != ERR_PARSE)
            print_error("accepted: %s\n", wrong[i]);
        CHECK(uri_parse(str_c(wrong[i]), &u, &why) == ERR_PARSE);
    }
    CHECK(uri_parse(STR("ftp://h/"), &u, &why) == ERR_UNSUPPORTED);
    CHECK(uri_parse(STR("http:/h"), &u, &why) == ERR_UNSUPPORTED);
    CHECK(u.port == 7);
}

TEST(dots_that_are_not_parents_are_fine)
{
    struct uri_target t;

    CHECK(uri_parse_target(STR("/v1/models/qwen2.5:0.5b@q8/..."), &t, &why)
          == ERR_OK);
    CHECK(uri_parse_target(STR("/.a/b./..c/%2e%2e%2e/"), &t, &why) == ERR_OK);
}

TEST(request_targets_are_a_normal_path_or_a_star)
{
    struct uri_target t;

    CHECK(uri_parse_target(STR("/v1/x?a=/b?c"), &t, &why) == ERR_OK);
    CHECK(str_eq(t.path, STR("/v1/x")) && str_eq(t.query, STR("a=/b?c")));
    CHECK(uri_parse_target(STR("*"), &t, &why) == ERR_OK);
    CHECK(str_eq(t.path, STR("*")) && t.query.n == 0);
    CHECK(uri_parse_target(STR("/"), &t, &why) == ERR_OK);
    CHECK(uri_parse_target(STR(""), &t, &why) == ERR_PARSE);
    CHECK(uri_parse_target(STR("http://h/"), &t, &why) == ERR_PARSE);
    CHECK(uri_parse_target(STR("h:80"), &t, &why) == ERR_PARSE);
    CHECK(uri_parse_target(STR("//h/x"), &t, &why) == ERR_PARSE);
    CHECK(uri_parse_target(STR("/a b"), &t, &why) == ERR_PARSE);
    CHECK(uri_parse_target(STR("/a?\x7f"), &t, &why) == ERR_PARSE);
    CHECK(uri_parse_target((struct str){"/a\0b", 4}, &t, &why) == ERR_PARSE);
}

TEST(a_target_over_the_limit_is_refused)
{
    static char text[URI_MAX + 1];
    struct uri_target t;
    struct uri u;

    memset(text, 'a', sizeof(text));
    text[0] = '/';
    CHECK(uri_parse_target((struct str){text, URI_MAX}, &t, &why) == ERR_OK);
    CHECK(uri_parse_target((struct str){text, URI_MAX + 1}, &t, &why)
          == ERR_LIMIT);
    CHECK(uri_parse((struct str){text, URI_MAX + 1}, &u, &why) == ERR_LIMIT);
}

TEST(parameters_are_found_and_decoded)
{
    struct str q = STR("&&a=1&b%20c=x+y%2B&d&e=&a=2&=z");
    struct buf b CLEANUP(buf_done) = BUF_INIT(100);
    struct str key, value;
    int n = 0;

    CHECK(uri_get_param(q, STR("a"), &b, &why) == ERR_OK);
    CHECK(uri_get_param(q, STR("b c"), &b, &why) == ERR_OK);
    CHECK(uri_get_param(q, STR("d"), &b, &why) == ERR_OK);
    CHECK(str_eq(buf_str(&b), STR("1x y+")));
    CHECK(uri_get_param(q, STR("f"), &b, &why) == ERR_NOTFOUND);
    CHECK(uri_get_param(STR("a=%4"), STR("a"), &b, &why) == ERR_PARSE);
    CHECK(str_eq(buf_str(&b), STR("1x y+")));
    while (uri_next_param(&q, &key, &value))
        n++;
    CHECK(n == 6);
}

TEST(every_byte_survives_encoding)
{
    struct buf enc CLEANUP(buf_done) = BUF_INIT(1000);
    struct buf dec CLEANUP(buf_done) = BUF_INIT(1000);
    char bytes[256];

    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (char)i;
    CHECK(uri_encode((struct str){bytes, 256}, &enc) == ERR_OK);
    CHECK(uri_decode(buf_str(&enc), true, &dec, &why) == ERR_OK);
    CHECK(str_eq(buf_str(&dec), (struct str){bytes, 256}));
    CHECK(uri_decode(STR("a+b"), false, &dec, &why) == ERR_OK);
    CHECK(str_ends(buf_str(&dec), STR("a+b")));
}

TEST(segments_come_one_by_one)
{
    struct str path = STR("/v1/models/x"), s;

    CHECK(uri_next_segment(&path, &s) && str_eq(s, STR("v1")));
    CHECK(uri_next_segment(&path, &s) && str_eq(s, STR("models")));
    CHECK(uri_next_segment(&path, &s) && str_eq(s, STR("x")));
    CHECK(!uri_next_segment(&path, &s));
    path = STR("/");
    CHECK(!uri_next_segment(&path, &s));
}
