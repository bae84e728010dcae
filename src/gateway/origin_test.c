#include "gateway/origin.h"

#include "test.h"

static enum err ask(const char *host, const char *origin, const char *site,
                    struct str *allow)
{
    const struct origin_rules rules = {
        STR("desk.lan"), STR("https://notes.example,http://a.example:81")};
    struct http1_field fields[2];
    struct http1_head head = {.host = str_c(host), .fields = fields};

    if (origin != NULL)
        fields[head.field_count++] =
            (struct http1_field){STR("Origin"), str_c(origin)};
    if (site != NULL)
        fields[head.field_count++] =
            (struct http1_field){STR("Sec-Fetch-Site"), str_c(site)};
    return origin_check(&rules, &head, allow, NULL);
}

TEST(only_our_own_names_are_answered) /* [HTTP-2] */
{
    static const char *const ours[] = {
        "localhost", "LOCALHOST:8420", "127.0.0.1",  "127.0.0.1:1",
        "[::1]",     "[::1]:8420",     "desk.lan:80"};
    static const char *const foreign[] = {"evil.example",
                                          "",
                                          "localhost.evil.example",
                                          "127.0.0.1.nip.io",
                                          "127.0.0.2",
                                          "[::2]:80",
                                          "localhost:",
                                          "localhost:x",
                                          "desk.lan.x"};
    struct str allow;

    for (size_t i = 0; i < COUNTOF(ours); i++)
        CHECK(ask(ours[i], NULL, NULL, &allow) == ERR_OK && allow.n == 0);
    for (size_t i = 0; i < COUNTOF(foreign); i++) {
        bool bare = strcmp(foreign[i], "localhost:") == 0;

        CHECK(ask(foreign[i], NULL, NULL, &allow)
              == (bare ? ERR_OK : ERR_DENIED));
    }
}

TEST(pages_of_other_sites_may_not_call) /* [HTTP-3] */
{
    struct str allow;

    CHECK(ask("localhost:1", "http://localhost:1", NULL, &allow) == ERR_OK);
    CHECK(allow.n == 0);
    CHECK(ask("localhost:1", "http://localhost:2", NULL, &allow) == ERR_DENIED);
    CHECK(ask("localhost:1", "null", NULL, &allow) == ERR_DENIED);
    CHECK(ask("localhost:1", "localhost:1", NULL, &allow) == ERR_DENIED);
    CHECK(ask("localhost:1", "https://evil.example", NULL, &allow)
          == ERR_DENIED);
    CHECK(ask("localhost:1", NULL, "cross-site", &allow) == ERR_DENIED);
    CHECK(ask("localhost:1", NULL, "none", &allow) == ERR_OK);
    CHECK(ask("localhost:1", NULL, "same-origin", &allow) == ERR_OK);
}

TEST(a_configured_origin_is_allowed_and_echoed)
{
    struct str allow;

    CHECK(ask("localhost", "https://notes.example", NULL, &allow) == ERR_OK);
    CHECK(str_eq(allow, STR("https://notes.example")));
    CHECK(ask("localhost", "http://a.example:81", "cross-site", &allow)
          == ERR_OK);
    CHECK(ask("localhost", "http://notes.example", NULL, &allow) == ERR_DENIED);
    /* the name of the host is still asked for */
    CHECK(ask("evil.example", "https://notes.example", NULL, &allow)
          == ERR_DENIED);
}
