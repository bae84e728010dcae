/*
 * json_scan.h - finds the byte spans of the members of a JSON object, or of
 * the elements of an array, in one pass and without building a tree.
 *
 * The request path of the gateway needs a few fields of a body that may be
 * megabytes long and forwards the rest as bytes. Everything skipped is fully
 * validated on the way: what this accepts is what json_parse accepts
 * (json_scan_fuzz holds the two against each other), except that keys
 * repeated below the level scanned are not looked for.
 *
 * Pure: no allocation, no state outside the struct. All slices point into the
 * text. Errors: ERR_PARSE with byte, line and column; ERR_LIMIT for depth.
 */
#ifndef DATA_JSON_SCAN_H
#define DATA_JSON_SCAN_H

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "data/json.h"

struct json_scan {
    struct str text;
    size_t at;
    unsigned max_depth;
    enum json_type outer; /* JSON_OBJECT or JSON_ARRAY */
    bool first;
};

struct json_item {
    struct str key; /* between the quotes, escapes as sent; empty in arrays */
    struct str raw; /* the value's bytes, without space around them */
    enum json_type type; /* JSON_ABSENT: there are no more items */
};

/* `text` must hold one object or array, and nothing else but space. */
NODISCARD enum err json_scan_open(struct json_scan *s, struct str text,
                                  unsigned max_depth, struct why *why);

/* The next item; at the end item->type is JSON_ABSENT and all of the text has
 * been validated. After a failure the scan is over. */
NODISCARD enum err json_scan_next(struct json_scan *s, struct json_item *item,
                                  struct why *why);

/* True when the item's key, with escapes resolved, is `name`. */
bool json_scan_key_is(const struct json_item *item, struct str name);

/* One member to look for, and what was found. */
struct json_field {
    const char *name;
    struct str raw;      /* empty when absent */
    enum json_type type; /* JSON_ABSENT when absent */
};

/* Scans a whole object and fills in the given fields. A field that occurs
 * twice is refused: two readers could take different ones. Members not asked
 * for are validated and skipped. `fields` is undefined after a failure. */
NODISCARD enum err json_scan_fields(struct str text, unsigned max_depth,
                                    struct json_field *fields, size_t count,
                                    struct why *why);

/* Checks one value of any type, with nothing but space around it. */
NODISCARD enum err json_scan_check(struct str text, unsigned max_depth,
                                   struct why *why);

/* Appends the text of a validated string span, `raw` with its quotes. */
NODISCARD enum err json_scan_unescape(struct str raw, struct buf *out);

#endif
