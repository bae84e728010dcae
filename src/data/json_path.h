/*
 * json_path.h - where a value stands in its document, for messages:
 * `messages[2].content`, `headers['x.y']`; "" for the root. Longer paths are
 * cut and end in "..."; control characters show as '?'. Found by a walk from
 * the root: for failures, not for every value.
 */
#ifndef DATA_JSON_PATH_H
#define DATA_JSON_PATH_H

#include "data/json.h"

struct json_path {
    char text[160];
};

struct json_path json_path(struct json v);
struct json_path json_path_member(struct json obj, struct str key);

#endif
