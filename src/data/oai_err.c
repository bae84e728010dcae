#include "data/oai_err.h"

#include <stdarg.h>

#include "base/utf8.h"
#include "data/jsonw.h"

static const struct {
    enum err code;
    const char *type, *name;
} rows[] = {
#define OAI_ERR(ERR, type, name) {ERR_##ERR, type, name},
#include "data/oai_err.def"
#undef OAI_ERR
};

static void type_and_name(enum err e, const char **type, const char **name)
{
    *type = "server_error";
    *name = "";
    for (size_t i = 0; i < COUNTOF(rows); i++) {
        if (rows[i].code != e)
            continue;
        *type = rows[i].type;
        *name = rows[i].name;
    }
}

const char *oai_err_type(enum err e)
{
    const char *type, *name;

    type_and_name(e, &type, &name);
    return type;
}

const char *oai_err_name(enum err e)
{
    const char *type, *name;

    type_and_name(e, &type, &name);
    return name;
}

static void set(char *dst, size_t cap, const char *text)
{
    struct str cut = utf8_cut(str_c(text), cap - 1);

    (void)snprintf(dst, cap, "%.*s", STR_ARG(cut));
}

enum err oai_err_fail(struct oai_err *o, enum err e, const char *param,
                      const char *name, const char *fmt, ...)
{
    va_list args;

    o->code = e;
    set(o->param, sizeof(o->param), param);
    set(o->name, sizeof(o->name), name);
    va_start(args, fmt);
    (void)vsnprintf(o->msg, sizeof(o->msg), fmt, args);
    va_end(args);
    return e;
}

void oai_err_from(struct oai_err *o, const struct why *why, const char *param)
{
    (void)oai_err_fail(o, why->code == ERR_OK ? ERR_IO : why->code, param, NULL,
                       "%s", err_why(why));
}

int oai_err_status(const struct oai_err *o)
{
    return o->status != 0 ? o->status : err_http(o->code);
}

static void key_or_null(struct jsonw *w, const char *key, const char *text)
{
    if (text[0] == '\0')
        jsonw_key_null(w, key);
    else
        jsonw_key_cstr(w, key, text);
}

enum err oai_err_write(const struct oai_err *o, struct buf *out)
{
    struct jsonw w = JSONW_INIT(out);
    const char *type, *name;

    type_and_name(o->code, &type, &name);
    jsonw_obj(&w);
    jsonw_key_obj(&w, "error");
    jsonw_key_cstr(&w, "message", o->msg);
    jsonw_key_cstr(&w, "type", type);
    key_or_null(&w, "param", o->param);
    key_or_null(&w, "code", o->name[0] != '\0' ? o->name : name);
    jsonw_obj_end(&w);
    jsonw_obj_end(&w);
    return jsonw_end(&w);
}
