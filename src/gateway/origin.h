/*
 * origin.h - may this request come in at all? Keeps web pages out of a server
 * that trusts its own machine.
 *
 * A page of any site can send requests to 127.0.0.1; what stops it from being
 * understood as the user is checked here, before anything else is read:
 *  - Host must be a name of this machine (localhost, 127.0.0.1, [::1]) or a
 *    configured one. A site that points its own name at 127.0.0.1 (DNS
 *    rebinding) sends its own name.
 *  - Origin, when given, must be our own page or a configured origin; a
 *    cross-site request without it (an image) says so in Sec-Fetch-Site.
 * Programs send neither Origin nor Sec-Fetch-Site and are not hindered. On the
 * Unix socket only the file's permissions decide. Pure.
 */
#ifndef GATEWAY_ORIGIN_H
#define GATEWAY_ORIGIN_H

#include "base/err.h"
#include "data/http1.h"

struct origin_rules {
    struct str hosts;   /* more names, separated by commas */
    struct str origins; /* origins of other sites that may call */
};

/* ERR_OK or ERR_DENIED. `*allow` is the Origin to echo in the CORS fields (of
 * `rules`), or empty: a configured origin asked. */
NODISCARD enum err origin_check(const struct origin_rules *rules,
                                const struct http1_head *head,
                                struct str *allow, struct why *why);

#endif
