/*
 * yyjson keeps a document's values in one array, a container directly before
 * what it contains. So a value is found by asking at each level which child's
 * range of the array holds it; nothing has to be remembered while reading.
 */
#include "data/json_path.h"

#include <yyjson.h>

#include "base/utf8.h"

static void add(struct json_path *out, struct str s)
{
    size_t n = strlen(out->text);
    const size_t room = sizeof(out->text) - sizeof("...");
    struct str cut = utf8_cut(s, room - MIN(n, room));

    if (n > room) /* ends in "..." already */
        return;
    for (size_t i = 0; i < cut.n; i++)
        out->text[n++] = (unsigned char)cut.p[i] < 0x20 ? '?' : cut.p[i];
    out->text[n] = '\0';
    if (cut.n < s.n)
        memcpy(out->text + n, "...", sizeof("..."));
}

static bool plain_key(struct str k)
{
    for (size_t i = 0; i < k.n; i++)
        if (memchr(".[]\"' ", k.p[i], 6) != NULL)
            return false;
    return k.n != 0;
}

static void add_key(struct json_path *out, struct str key)
{
    bool plain = plain_key(key);

    if (!plain)
        add(out, STR("['"));
    else if (out->text[0] != '\0')
        add(out, STR("."));
    add(out, key);
    if (!plain)
        add(out, STR("']"));
}

static void add_index(struct json_path *out, size_t i)
{
    char text[32];

    (void)snprintf(text, sizeof(text), "[%zu]", i);
    add(out, str_c(text));
}

/* One step from `v` towards `target`; NULL when it cannot be in there. */
static yyjson_val *step(yyjson_val *v, const yyjson_val *target,
                        struct json_path *out)
{
    bool object = unsafe_yyjson_is_obj(v);
    size_t n = unsafe_yyjson_get_len(v);
    yyjson_val *child = unsafe_yyjson_get_first(v);

    for (size_t i = 0; i < n; i++) {
        yyjson_val *key = child;

        child += object;
        if (target >= unsafe_yyjson_get_next(child)) {
            child = unsafe_yyjson_get_next(child);
            continue;
        }
        if (object)
            add_key(out, (struct str){unsafe_yyjson_get_str(key),
                                      unsafe_yyjson_get_len(key)});
        else
            add_index(out, i);
        return child;
    }
    return NULL;
}

struct json_path json_path(struct json v)
{
    yyjson_val *at = (yyjson_val *)(uintptr_t)v.root;
    struct json_path out = {""};

    while (v.at != NULL && at != NULL && at != v.at && yyjson_is_ctn(at))
        at = step(at, v.at, &out);
    return out;
}

struct json_path json_path_member(struct json obj, struct str key)
{
    struct json_path out = json_path(obj);

    add_key(&out, key);
    return out;
}
