#include "data/json_write.h"

#include <yyjson.h>

static void write_number(struct json v, struct jsonw *w)
{
    yyjson_val *n = (yyjson_val *)(uintptr_t)v.at;

    if (yyjson_is_uint(n))
        jsonw_u64(w, unsafe_yyjson_get_uint(n));
    else if (yyjson_is_sint(n))
        jsonw_i64(w, unsafe_yyjson_get_sint(n));
    else
        jsonw_f64(w, unsafe_yyjson_get_real(n));
}

static void write_scalar(struct json v, struct jsonw *w)
{
    switch (json_type(v)) {
    case JSON_BOOL:
        jsonw_bool(w, json_true(v));
        break;
    case JSON_NUMBER:
        write_number(v, w);
        break;
    case JSON_STRING:
        jsonw_str(w, json_str(v));
        break;
    default:
        jsonw_null(w);
    }
}

static void enter(bool object, struct jsonw *w)
{
    if (object)
        jsonw_obj(w);
    else
        jsonw_arr(w);
}

static void leave(bool object, struct jsonw *w)
{
    if (object)
        jsonw_obj_end(w);
    else
        jsonw_arr_end(w);
}

void json_write(struct json v, struct jsonw *w)
{
    struct json_iter open[JSONW_DEPTH_MAX] = {{0}};
    unsigned depth = 0;
    struct str key;

    do {
        enum json_type t = json_type(v);

        if (t == JSON_OBJECT || t == JSON_ARRAY) {
            enter(t == JSON_OBJECT, w);
            if (w->err != ERR_OK)
                return;
            open[depth++] = json_iter(v); /* the writer bounds the depth */
        } else {
            write_scalar(v, w);
        }
        while (depth > 0 && !json_next(&open[depth - 1], &key, &v))
            leave(open[--depth].object, w);
        if (depth > 0 && open[depth - 1].object)
            jsonw_key_n(w, key);
    } while (depth > 0);
}
