#include "config/optval.h"

#include <inttypes.h>

static const char *const type_names[] = {
    [OPTVAL_BOOL] = "on/off", [OPTVAL_U64] = "number",
    [OPTVAL_SIZE] = "size",   [OPTVAL_DUR] = "duration",
    [OPTVAL_STR] = "text",    [OPTVAL_ADDR] = "address",
    [OPTVAL_PATH] = "path",   [OPTVAL_ENUM] = "word",
    [OPTVAL_LIST] = "list",
};

struct unit {
    struct str name;
    uint64_t factor;
};

#define UNIT(name, factor)                                                     \
    {                                                                          \
        {name, sizeof(name) - 1}, factor                                       \
    }

/* Largest first within a family: printing takes the first that divides. */
static const struct unit size_units[] = {
    UNIT("TiB", UINT64_C(1) << 40),
    UNIT("GiB", UINT64_C(1) << 30),
    UNIT("MiB", UINT64_C(1) << 20),
    UNIT("KiB", UINT64_C(1) << 10),
    UNIT("T", UINT64_C(1) << 40),
    UNIT("G", UINT64_C(1) << 30),
    UNIT("M", UINT64_C(1) << 20),
    UNIT("K", UINT64_C(1) << 10),
    UNIT("k", UINT64_C(1) << 10),
    UNIT("TB", UINT64_C(1000000000000)),
    UNIT("GB", 1000000000),
    UNIT("MB", 1000000),
    UNIT("KB", 1000),
    UNIT("kB", 1000),
    UNIT("B", 1),
};
enum { SIZE_PRINTED = 4 };

static const struct unit dur_units[] = {
    UNIT("d", 86400000), UNIT("h", 3600000), UNIT("m", 60000),
    UNIT("s", 1000),     UNIT("ms", 1),
};

const char *optval_type_name(enum optval_type t)
{
    return (size_t)t < COUNTOF(type_names) ? type_names[t] : "?";
}

bool optval_is_text(enum optval_type t)
{
    return t == OPTVAL_STR || t == OPTVAL_ADDR || t == OPTVAL_PATH
           || t == OPTVAL_LIST;
}

static bool no_control(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7f)
            return false;
    return true;
}

/* Index of `word` in "a|b|c", or -1. */
static int word_index(const char *words, struct str word)
{
    struct str rest = str_c(words);

    for (int i = 0; rest.n != 0; i++)
        if (str_eq(str_cut(&rest, '|'), word))
            return i;
    return -1;
}

/* "12MiB" with one of `units`; a bare number is in `bare` (0: refused). */
static bool with_unit(struct str text, const struct unit *units, size_t count,
                      bool bare, uint64_t *out)
{
    size_t digits = 0;
    uint64_t v;

    while (digits < text.n && text.p[digits] >= '0' && text.p[digits] <= '9')
        digits++;
    if (!str_u64(str_sub(text, 0, digits), UINT64_MAX, &v))
        return false;
    if (digits == text.n && (bare || v == 0)) {
        *out = v;
        return true;
    }
    for (size_t i = 0; i < count; i++) {
        if (!str_eq(str_sub(text, digits, SIZE_MAX), units[i].name))
            continue;
        if (v > UINT64_MAX / units[i].factor)
            return false;
        *out = v * units[i].factor;
        return true;
    }
    return false;
}

static bool number(const struct optval_rule *rule, struct str text,
                   uint64_t *out)
{
    if (rule->words[0] != '\0' && str_eq(text, str_c(rule->words))) {
        *out = 0;
        return true;
    }
    if (rule->type == OPTVAL_SIZE)
        return with_unit(text, size_units, COUNTOF(size_units), true, out);
    if (rule->type == OPTVAL_DUR)
        return with_unit(text, dur_units, COUNTOF(dur_units), false, out);
    return str_u64(text, UINT64_MAX, out);
}

static enum err print_number(const struct optval_rule *rule, uint64_t v,
                             struct buf *out)
{
    const struct unit *units = NULL;
    size_t count = 0;

    if (v == 0 && rule->words[0] != '\0')
        return buf_add_c(out, rule->words);
    if (rule->type == OPTVAL_SIZE) {
        units = size_units;
        count = SIZE_PRINTED;
    } else if (rule->type == OPTVAL_DUR) {
        units = dur_units;
        count = COUNTOF(dur_units);
    }
    for (size_t i = 0; i < count && v != 0; i++)
        if (v % units[i].factor == 0)
            return buf_printf(out, "%" PRIu64 "%s", v / units[i].factor,
                              units[i].name.p);
    return buf_printf(out, "%" PRIu64, v);
}

static enum err parse_number(const struct optval_rule *rule, struct str name,
                             struct str text, uint64_t *out, struct why *why)
{
    struct buf range = BUF_INIT(200);
    uint64_t v = 0;
    enum err e;

    if (!number(rule, text, &v)) {
        static const char *const like[] = {
            [OPTVAL_SIZE] = " such as 512MiB",
            [OPTVAL_DUR] = " with a unit, such as 10s",
            [OPTVAL_U64] = "",
        };
        return FAIL(why, ERR_PARSE, "%.*s: \"%.*s\" is not a %s%s%s%s%s",
                    STR_ARG(name), STR_ARG(str_sub(text, 0, 60)),
                    optval_type_name(rule->type), like[rule->type],
                    rule->words[0] != '\0' ? " or \"" : "", rule->words,
                    rule->words[0] != '\0' ? "\"" : "");
    }
    /* The word for 0 is allowed whatever the range. */
    if ((v >= rule->min && v <= rule->max) || (v == 0 && rule->words[0])) {
        *out = v;
        return ERR_OK;
    }
    e = print_number(&(struct optval_rule){rule->type, 0, 0, ""}, rule->min,
                     &range);
    if (e == ERR_OK)
        e = buf_add(&range, STR(" to "));
    if (e == ERR_OK)
        e = print_number(rule, rule->max, &range);
    e = FAIL(why, ERR_RANGE, "%.*s: \"%.*s\" is outside %s", STR_ARG(name),
             STR_ARG(str_sub(text, 0, 60)), e == ERR_OK ? range.data : "range");
    buf_done(&range);
    return e;
}

static enum err parse_bool(struct str name, struct str text, uint64_t *out,
                           struct why *why)
{
    if (word_index("on|true|yes", text) >= 0)
        *out = 1;
    else if (word_index("off|false|no", text) >= 0)
        *out = 0;
    else
        return FAIL(why, ERR_PARSE, "%.*s: \"%.*s\" is neither on nor off",
                    STR_ARG(name), STR_ARG(str_sub(text, 0, 60)));
    return ERR_OK;
}

static enum err parse_list(struct str name, struct str text, struct why *why)
{
    struct str rest = text;

    while (rest.n != 0) {
        struct str word = str_cut(&rest, ',');

        if (word.n == 0 || str_has(word, STR(" ")))
            return FAIL(why, ERR_PARSE,
                        "%.*s: an entry is empty or has a space in it",
                        STR_ARG(name));
    }
    return ERR_OK;
}

static enum err parse_text(const struct optval_rule *rule, struct str name,
                           struct str text, struct why *why)
{
    struct optval_addr addr;
    struct why inner = WHY_INIT;

    if (!no_control(text) || text.n > 4096)
        return FAIL(why, ERR_PARSE,
                    "%.*s: too long, or with control characters",
                    STR_ARG(name));
    if (rule->type == OPTVAL_LIST)
        return parse_list(name, text, why);
    if (rule->type == OPTVAL_ADDR && optval_addr(text, &addr, &inner) != ERR_OK)
        return FAIL(why, ERR_PARSE, "%.*s: %s", STR_ARG(name), inner.msg);
    return ERR_OK;
}

enum err optval_parse(const struct optval_rule *rule, struct str name,
                      struct str text, struct optval *out, struct why *why)
{
    struct optval v = {0, STR_EMPTY};
    int word;

    switch (rule->type) {
    case OPTVAL_BOOL:
        TRY(parse_bool(name, text, &v.u, why));
        break;
    case OPTVAL_U64:
    case OPTVAL_SIZE:
    case OPTVAL_DUR:
        TRY(parse_number(rule, name, text, &v.u, why));
        break;
    case OPTVAL_ENUM:
        word = word_index(rule->words, text);
        if (word < 0)
            return FAIL(why, ERR_PARSE, "%.*s: \"%.*s\" is none of %s",
                        STR_ARG(name), STR_ARG(str_sub(text, 0, 60)),
                        rule->words);
        v.u = (uint64_t)word;
        break;
    case OPTVAL_STR:
    case OPTVAL_ADDR:
    case OPTVAL_PATH:
    case OPTVAL_LIST:
        TRY(parse_text(rule, name, text, why));
        v.s = text;
        break;
    }
    *out = v;
    return ERR_OK;
}

enum err optval_print(const struct optval_rule *rule, const struct optval *v,
                      struct buf *out)
{
    struct str words = str_c(rule->words), word = STR_EMPTY;

    switch (rule->type) {
    case OPTVAL_BOOL:
        return buf_add_c(out, v->u != 0 ? "on" : "off");
    case OPTVAL_ENUM:
        for (uint64_t i = 0; i <= v->u; i++)
            word = str_cut(&words, '|');
        return buf_add(out, word);
    case OPTVAL_STR:
    case OPTVAL_ADDR:
    case OPTVAL_PATH:
    case OPTVAL_LIST:
        return buf_add(out, v->s);
    case OPTVAL_U64:
    case OPTVAL_SIZE:
    case OPTVAL_DUR:
        break;
    }
    return print_number(rule, v->u, out);
}

/* "1.2.3.4": four numbers below 256 without leading zeros. */
static bool is_ipv4(struct str host, unsigned *first)
{
    uint64_t part;
    int count = 0;

    for (bool more = true; more; count++) {
        size_t dot = str_find(host, STR("."));
        struct str digits = str_sub(host, 0, dot);

        if (!str_u64(digits, 255, &part) || (digits.n > 1 && *digits.p == '0'))
            return false;
        if (count == 0)
            *first = (unsigned)part;
        more = dot != SIZE_MAX;
        host = str_sub(host, more ? dot + 1 : host.n, SIZE_MAX);
    }
    return count == 4;
}

static bool is_ipv6(struct str host)
{
    size_t colons = 0;

    for (size_t i = 0; i < host.n; i++) {
        char c = host.p[i];

        if (c == ':')
            colons++;
        else if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f')
                   || (c >= 'A' && c <= 'F') || c == '.'))
            return false;
    }
    return colons >= 2 && colons <= 7;
}

enum err optval_addr(struct str text, struct optval_addr *out, struct why *why)
{
    struct optval_addr a = {.port = 0};
    struct str host, port;
    uint64_t number_of;
    unsigned first = 0;
    size_t colon = text.n;

    while (colon > 0 && text.p[colon - 1] != ':')
        colon--;
    if (colon == 0)
        return FAIL(why, ERR_PARSE, "\"%.*s\" has no port; write host:port",
                    STR_ARG(str_sub(text, 0, 60)));
    host = str_sub(text, 0, colon - 1);
    port = str_sub(text, colon, SIZE_MAX);
    if (!str_u64(port, 65535, &number_of))
        return FAIL(why, ERR_PARSE, "\"%.*s\" is not a port (0 to 65535)",
                    STR_ARG(str_sub(port, 0, 60)));
    a.ipv6 = host.n > 2 && host.p[0] == '[' && host.p[host.n - 1] == ']';
    if (a.ipv6)
        host = str_sub(host, 1, host.n - 2);
    if (str_eq(host, STR("localhost")))
        host = STR("127.0.0.1");
    if (!(a.ipv6 ? is_ipv6(host) : is_ipv4(host, &first))
        || !str_z(host, a.host, sizeof(a.host)))
        return FAIL(why, ERR_PARSE,
                    "\"%.*s\" is not a numeric address; IPv6 stands in []",
                    STR_ARG(str_sub(host, 0, 60)));
    a.port = (unsigned)number_of;
    a.loopback = a.ipv6 ? str_eq(host, STR("::1")) : first == 127;
    *out = a;
    return ERR_OK;
}
