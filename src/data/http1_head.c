/*
 * http1_head.c - the part of http1.h that needs no parser: the words for
 * refusals and statuses, and looking at and checking fields.
 */
#include "data/http1.h"

static const struct {
    const char *name;
    int status;
    const char *text;
} refusals[] = {
    {"NONE", 0, ""},
#define X(name, status, text) {#name, status, text},
#include "data/http1.def"
#undef X
};

const char *http1_no_name(enum http1_no no)
{
    return (size_t)no < COUNTOF(refusals) ? refusals[no].name : "UNKNOWN";
}

const char *http1_no_text(enum http1_no no)
{
    return (size_t)no < COUNTOF(refusals) ? refusals[no].text : "";
}

int http1_no_status(enum http1_no no)
{
    return (size_t)no < COUNTOF(refusals) ? refusals[no].status : 0;
}

/* RFC 9110 15, and the registry's later ones that are in use. */
static const struct {
    int status;
    const char *text;
} reasons[] = {
    {200, "OK"},
    {201, "Created"},
    {202, "Accepted"},
    {204, "No Content"},
    {206, "Partial Content"},
    {301, "Moved Permanently"},
    {302, "Found"},
    {303, "See Other"},
    {304, "Not Modified"},
    {307, "Temporary Redirect"},
    {308, "Permanent Redirect"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {402, "Payment Required"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {406, "Not Acceptable"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {410, "Gone"},
    {411, "Length Required"},
    {412, "Precondition Failed"},
    {413, "Content Too Large"},
    {414, "URI Too Long"},
    {415, "Unsupported Media Type"},
    {416, "Range Not Satisfiable"},
    {417, "Expectation Failed"},
    {422, "Unprocessable Content"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {499, "Client Closed Request"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {502, "Bad Gateway"},
    {503, "Service Unavailable"},
    {504, "Gateway Timeout"},
    {505, "HTTP Version Not Supported"},
    {507, "Insufficient Storage"},
};

const char *http1_reason(int status)
{
    for (size_t i = 0; i < COUNTOF(reasons); i++)
        if (reasons[i].status == status)
            return reasons[i].text;
    return "Unknown";
}

/* ---- the head's fields ---- */

struct str http1_field(const struct http1_head *h, struct str name)
{
    for (size_t i = 0; i < h->field_count; i++)
        if (str_eq_nocase(h->fields[i].name, name))
            return h->fields[i].value;
    return STR_EMPTY;
}

bool http1_has_field(const struct http1_head *h, struct str name)
{
    for (size_t i = 0; i < h->field_count; i++)
        if (str_eq_nocase(h->fields[i].name, name))
            return true;
    return false;
}

bool http1_has_token(const struct http1_head *h, struct str name,
                     struct str token)
{
    for (size_t i = 0; i < h->field_count; i++) {
        struct str list = h->fields[i].value;

        if (!str_eq_nocase(h->fields[i].name, name))
            continue;
        while (list.n != 0)
            if (str_eq_nocase(str_trim(str_cut(&list, ',')), token))
                return true;
    }
    return false;
}

static bool is_token(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];

        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')
              || (c >= '0' && c <= '9')
              || (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL)))
            return false;
    }
    return s.n != 0;
}

static bool is_value(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];

        if ((c < ' ' && c != '\t') || c == 0x7f)
            return false;
    }
    return true;
}

bool http1_field_ok(const struct http1_field *f)
{
    return is_token(f->name) && is_value(f->value);
}
