#include "gateway/origin.h"

/* The entry of `list` that is `word`, or empty. */
static struct str listed(struct str list, struct str word)
{
    while (list.n != 0) {
        struct str entry = str_cut(&list, ',');

        if (str_eq_nocase(entry, word))
            return entry;
    }
    return STR_EMPTY;
}

static bool is_listed(struct str list, struct str word)
{
    return listed(list, word).n != 0;
}

/* "[::1]:80" gives "[::1]", "a.example:80" gives "a.example". */
static struct str without_port(struct str host)
{
    size_t end = host.n;

    if (host.n > 0 && host.p[0] == '[') {
        size_t close = str_find(host, STR("]"));

        return close == SIZE_MAX ? host : str_sub(host, 0, close + 1);
    }
    while (end > 0 && host.p[end - 1] >= '0' && host.p[end - 1] <= '9')
        end--;
    return end > 0 && host.p[end - 1] == ':' ? str_sub(host, 0, end - 1) : host;
}

static bool is_ours(const struct origin_rules *rules, struct str host)
{
    host = without_port(host);
    return is_listed(STR("localhost,127.0.0.1,[::1]"), host)
           || is_listed(rules->hosts, host);
}

enum err origin_check(const struct origin_rules *rules,
                      const struct http1_head *head, struct str *allow,
                      struct why *why)
{
    struct str origin = http1_field(head, STR("origin"));
    struct str site = http1_field(head, STR("sec-fetch-site"));
    struct str own = origin;

    *allow = STR_EMPTY;
    if (!is_ours(rules, head->host))
        return FAIL(why, ERR_DENIED,
                    "this server does not answer to the name \"%.*s\"; names "
                    "besides localhost stand in server.hosts",
                    STR_ARG(str_sub(head->host, 0, 80)));
    *allow = listed(rules->origins, origin);
    if (allow->n != 0)
        return ERR_OK;
    if (origin.n == 0) {
        if (!str_eq(site, STR("cross-site")))
            return ERR_OK;
        return FAIL(why, ERR_DENIED, "pages of other sites may not call");
    }
    if (str_starts(origin, STR("http://")))
        own = str_sub(origin, 7, SIZE_MAX);
    else if (str_starts(origin, STR("https://")))
        own = str_sub(origin, 8, SIZE_MAX);
    if (own.p != origin.p && str_eq_nocase(own, head->host))
        return ERR_OK; /* our own page */
    return FAIL(why, ERR_DENIED,
                "pages of %.*s may not call; add it to server.origins to "
                "allow it",
                STR_ARG(str_sub(origin, 0, 80)));
}
