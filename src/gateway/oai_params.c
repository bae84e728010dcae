#include "gateway/oai_params.h"

#include <inttypes.h>

enum { STOPS_MAX = 16, STOP_BYTES_MAX = 1024, BIAS_MAX = 1024 };
enum {
    BOTH = OAI_CHAT | OAI_COMPLETION,
    CHAT = OAI_CHAT,
    TEXT_ONLY = OAI_COMPLETION
};

enum kind { A_NUMBER, A_COUNT, A_SWITCH, A_RAW, A_REFUSED };

/* JSON_ABSENT in a RAW row: any type. */
#define T_ANY    JSON_ABSENT
#define T_STRING JSON_STRING
#define T_ARRAY  JSON_ARRAY
#define T_OBJECT JSON_OBJECT
#define W_BOTH   BOTH
#define W_CHAT   CHAT
#define W_TEXT   TEXT_ONLY

static const struct row {
    enum kind kind;
    const char *name;
    int where;
    size_t at; /* in struct oai_params */
    double min, max, def;
    enum json_type type;
    const char *advice;
} rows[] = {
#define AT(field) offsetof(struct oai_params, field)
#define NUMBER(field, name, where, min, max, def)                              \
    {A_NUMBER, name, W_##where, AT(field), min, max, def, JSON_NUMBER, ""},
#define COUNT(field, name, where, min, max, def)                               \
    {A_COUNT, name, W_##where, AT(field), min, max, def, JSON_NUMBER, ""},
#define SWITCH(field, name, where, def)                                        \
    {A_SWITCH, name, W_##where, AT(field), 0, 1, def, JSON_BOOL, ""},
#define RAW(field, name, where, type)                                          \
    {A_RAW, name, W_##where, AT(field), 0, 0, 0, T_##type, ""},
#define REFUSED(name, where, advice)                                           \
    {A_REFUSED, name, W_##where, 0, 0, 0, 0, JSON_ABSENT, advice},
#define OURS(name, advice)
#include "gateway/oai_params.def"
#undef NUMBER
#undef COUNT
#undef SWITCH
#undef RAW
#undef REFUSED
#undef OURS
};

static const struct {
    const char *name, *advice;
} ours[] = {
#define NUMBER(field, name, where, min, max, def)
#define COUNT(field, name, where, min, max, def)
#define SWITCH(field, name, where, def)
#define RAW(field, name, where, type)
#define REFUSED(name, where, advice)
#define OURS(name, advice) {name, advice},
#include "gateway/oai_params.def"
#undef NUMBER
#undef COUNT
#undef SWITCH
#undef RAW
#undef REFUSED
#undef OURS
};

/* ---- reading by the table ------------------------------------------------------- */

static void set_default(const struct row *r, struct oai_params *p)
{
    void *at = (char *)p + r->at;

    if (r->kind == A_NUMBER)
        *(float *)at = (float)r->def;
    else if (r->kind == A_COUNT)
        *(uint32_t *)at = (uint32_t)r->def;
    else if (r->kind == A_SWITCH)
        *(bool *)at = r->def != 0;
    else if (r->kind == A_RAW)
        *(struct json_field *)at = (struct json_field){.name = r->name};
}

static enum err read_row(const struct row *r, const struct json_field *f,
                         struct oai_params *p, struct oai_err *o)
{
    void *at = (char *)p + r->at;

    switch (r->kind) {
    case A_NUMBER:
        return oai_f32(f, r->min, r->max, at, o);
    case A_COUNT:
        return oai_u32(f, (uint32_t)r->min, (uint32_t)r->max, at, o);
    case A_SWITCH:
        return oai_bool(f, at, o);
    case A_REFUSED:
        if (!oai_given(f))
            return ERR_OK;
        return oai_err_fail(
            o, ERR_UNSUPPORTED, f->name, "unsupported_parameter",
            "Unsupported parameter: '%s': %s.", f->name, r->advice);
    case A_RAW:
        break;
    }
    if (oai_given(f) && r->type != JSON_ABSENT && f->type != r->type)
        return oai_wrong_type(o, f->name, json_type_name(r->type), f->type);
    *(struct json_field *)at = *f;
    return ERR_OK;
}

/* The members that only the other of the two routes knows are not looked
 * for, so they are ignored like unknown ones. */
static enum err read_rows(struct str body, int where, struct oai_params *p,
                          struct oai_err *o)
{
    struct json_field found[COUNTOF(rows)];
    size_t row_of[COUNTOF(rows)], count = 0;

    for (size_t i = 0; i < COUNTOF(rows); i++) {
        if (rows[i].kind != A_REFUSED)
            set_default(&rows[i], p);
        if ((rows[i].where & where) == 0)
            continue;
        row_of[count] = i;
        found[count++] = (struct json_field){.name = rows[i].name};
    }
    TRY(oai_members(body, found, count, o));
    for (size_t i = 0; i < count; i++)
        TRY(read_row(&rows[row_of[i]], &found[i], p, o));
    return ERR_OK;
}

/* ---- what tables cannot say -------------------------------------------------------- */

static enum err read_stream_options(struct oai_params *p, struct oai_err *o)
{
    struct json_field f[] = {{.name = "include_usage"}};

    if (!oai_given(&p->stream_options))
        return ERR_OK;
    if (!p->stream)
        return oai_wrong(o, "stream_options", "invalid_value",
                         "it is only allowed when 'stream' is true");
    TRY(oai_members(p->stream_options.raw, f, 1, o));
    f[0].name = "stream_options.include_usage";
    return oai_bool(&f[0], &p->include_usage, o);
}

/* A switch in chats, a number of alternatives in completions. */
static enum err read_logprobs(struct oai_params *p, int where,
                              struct oai_err *o)
{
    if (where == OAI_COMPLETION) {
        p->want_logprobs = oai_given(&p->logprobs);
        return oai_u32(&p->logprobs, 0, 20, &p->n_logprobs, o);
    }
    TRY(oai_bool(&p->logprobs, &p->want_logprobs, o));
    p->n_logprobs = p->top_logprobs;
    if (p->top_logprobs != 0 && !p->want_logprobs)
        return oai_wrong(o, "top_logprobs", "invalid_value",
                         "it is only allowed when 'logprobs' is true");
    return ERR_OK;
}

static enum err read_modalities(const struct oai_params *p, struct oai_err *o)
{
    struct json_scan scan;
    struct json_item item;
    struct why why = WHY_INIT;

    if (!oai_given(&p->modalities))
        return ERR_OK;
    if (json_scan_open(&scan, p->modalities.raw, OAI_DEPTH, &why) != ERR_OK)
        return oai_wrong_body(o, &why);
    for (;;) {
        if (json_scan_next(&scan, &item, &why) != ERR_OK)
            return oai_wrong_body(o, &why);
        if (item.type == JSON_ABSENT)
            return ERR_OK;
        if (!str_eq(item.raw, STR("\"text\"")))
            return oai_err_fail(o, ERR_UNSUPPORTED, "modalities",
                                "unsupported_value",
                                "Unsupported 'modalities': this server answers "
                                "with text only.");
    }
}

/* Also null would replace what the request says. */
static enum err read_template_kwargs(const struct oai_params *p,
                                     struct oai_err *o)
{
    struct json_field found[COUNTOF(ours)];
    char param[80];

    if (!oai_given(&p->chat_template_kwargs))
        return ERR_OK;
    for (size_t i = 0; i < COUNTOF(ours); i++)
        found[i] = (struct json_field){.name = ours[i].name};
    TRY(oai_members(p->chat_template_kwargs.raw, found, COUNTOF(ours), o));
    for (size_t i = 0; i < COUNTOF(ours); i++) {
        if (found[i].type == JSON_ABSENT)
            continue;
        (void)snprintf(param, sizeof(param), "chat_template_kwargs.%s",
                       ours[i].name);
        return oai_err_fail(o, ERR_UNSUPPORTED, param, "unsupported_parameter",
                            "Unsupported parameter: '%s': %s.", param,
                            ours[i].advice);
    }
    return ERR_OK;
}

enum err oai_params_read(struct str body, int where, struct arena *a,
                         struct oai_params *p, struct oai_err *o)
{
    *p = (struct oai_params){.model_name = STR_EMPTY};
    TRY(read_rows(body, where, p, o));
    if (!oai_given(&p->model))
        return oai_missing(o, "model");
    TRY(oai_text(&p->model, a, &p->model_name, o));
    TRY(read_stream_options(p, o));
    TRY(read_logprobs(p, where, o));
    TRY(read_modalities(p, o));
    TRY(read_template_kwargs(p, o));
    if (p->best_of != 1 && p->best_of != p->n)
        return oai_err_fail(o, ERR_UNSUPPORTED, "best_of", "unsupported_value",
                            "Unsupported 'best_of': it must equal 'n'.");
    if (p->stream && p->echo && p->want_logprobs)
        return oai_err_fail(o, ERR_UNSUPPORTED, "echo", "unsupported_value",
                            "Unsupported 'echo' together with 'logprobs'.");
    return ERR_OK;
}

/* ---- the runner's message ------------------------------------------------------------ */

static enum err check_stop(const struct json_item *item, struct oai_err *o)
{
    if (item->type != JSON_STRING)
        return oai_wrong_type(o, "stop", "a string or an array of strings",
                              item->type);
    if (item->raw.n <= 2)
        return oai_wrong(o, "stop", "invalid_value",
                         "a stop text cannot be empty");
    if (item->raw.n > STOP_BYTES_MAX)
        return oai_wrong(o, "stop", "string_above_max_length",
                         "a stop text has more than %d bytes", STOP_BYTES_MAX);
    return ERR_OK;
}

static enum err fill_stop(const struct oai_params *p, struct arena *a,
                          struct str *out, struct oai_err *o)
{
    struct json_item one = {STR_EMPTY, p->stop.raw, p->stop.type};
    struct json_scan scan;
    struct why why = WHY_INIT;
    size_t count = 0;

    if (!oai_given(&p->stop))
        return ERR_OK;
    if (p->stop.type != JSON_ARRAY) {
        TRY(check_stop(&one, o));
        if (arena_printf(a, out, "[%.*s]", STR_ARG(p->stop.raw)) != ERR_OK)
            return oai_err_fail(o, ERR_NOMEM, NULL, NULL, "out of memory");
        return ERR_OK;
    }
    if (json_scan_open(&scan, p->stop.raw, OAI_DEPTH, &why) != ERR_OK)
        return oai_wrong_body(o, &why);
    for (;; count++) {
        if (json_scan_next(&scan, &one, &why) != ERR_OK)
            return oai_wrong_body(o, &why);
        if (one.type == JSON_ABSENT)
            break;
        TRY(check_stop(&one, o));
    }
    if (count > STOPS_MAX)
        return oai_wrong(o, "stop", "array_above_max_length",
                         "%zu stop texts are more than %d", count, STOPS_MAX);
    *out = count == 0 ? STR_EMPTY : p->stop.raw;
    return ERR_OK;
}

static enum err fill_bias(const struct oai_params *p, struct str *out,
                          struct oai_err *o)
{
    struct json_scan scan;
    struct json_item item;
    struct why why = WHY_INIT;
    size_t count = 0;

    if (!oai_given(&p->logit_bias))
        return ERR_OK;
    if (json_scan_open(&scan, p->logit_bias.raw, OAI_DEPTH, &why) != ERR_OK)
        return oai_wrong_body(o, &why);
    for (;; count++) {
        struct json_field f = {.name = "logit_bias"};
        uint64_t token;
        float bias = 0;

        if (json_scan_next(&scan, &item, &why) != ERR_OK)
            return oai_wrong_body(o, &why);
        if (item.type == JSON_ABSENT)
            break;
        if (count == BIAS_MAX)
            return oai_wrong(o, "logit_bias", "object_above_max_properties",
                             "it has more than %d tokens", BIAS_MAX);
        if (!str_u64(item.key, INT32_MAX, &token))
            return oai_wrong(o, "logit_bias", "invalid_value",
                             "\"%.*s\" is not the number of a token",
                             STR_ARG(str_sub(item.key, 0, 40)));
        f.raw = item.raw;
        f.type = item.type == JSON_NULL ? JSON_OBJECT : item.type;
        TRY(oai_f32(&f, -100, 100, &bias, o));
    }
    *out = count == 0 ? STR_EMPTY : p->logit_bias.raw;
    return ERR_OK;
}

/* {"type":"json_schema","json_schema":{"name":..,"schema":{..}}} */
static enum err fill_schema(const struct oai_params *p, struct arena *a,
                            struct str *out, struct oai_err *o)
{
    struct json_field f[] = {{.name = "type"}, {.name = "json_schema"}};
    struct json_field g[] = {{.name = "name"}, {.name = "schema"}};
    struct str type = STR_EMPTY;

    if (!oai_given(&p->response_format))
        return ERR_OK;
    TRY(oai_members(p->response_format.raw, f, 2, o));
    f[0].name = "response_format.type";
    f[1].name = "response_format.json_schema";
    if (!oai_given(&f[0]))
        return oai_missing(o, f[0].name);
    TRY(oai_text(&f[0], a, &type, o));
    if (str_eq(type, STR("text")))
        return ERR_OK;
    if (str_eq(type, STR("json_object"))) {
        *out = STR("{\"type\":\"object\"}");
        return ERR_OK;
    }
    if (!str_eq(type, STR("json_schema")))
        return oai_wrong(o, f[0].name, "invalid_value",
                         "it must be text, json_object or json_schema");
    if (!oai_given(&f[1]))
        return oai_missing(o, f[1].name);
    if (f[1].type != JSON_OBJECT)
        return oai_wrong_type(o, f[1].name, "an object", f[1].type);
    TRY(oai_members(f[1].raw, g, 2, o));
    g[0].name = "response_format.json_schema.name";
    g[1].name = "response_format.json_schema.schema";
    if (!oai_given(&g[0]) || g[0].type != JSON_STRING)
        return oai_given(&g[0])
                   ? oai_wrong_type(o, g[0].name, "a string", g[0].type)
                   : oai_missing(o, g[0].name);
    if (!oai_given(&g[1]))
        return oai_missing(o, g[1].name);
    return oai_raw(&g[1], JSON_OBJECT, out, o);
}

enum err oai_params_fill(const struct oai_params *p, struct arena *a,
                         struct msg_generate *m, struct oai_err *o)
{
    int64_t seed = 0;

    *m = (struct msg_generate){
        .input = STR_EMPTY,
        .branches = STR_EMPTY,
        .n = p->n,
        .max_tokens = p->max_completion_tokens != 0 ? p->max_completion_tokens
                                                    : p->max_tokens,
        .temperature = p->temperature,
        .top_p = p->top_p,
        .top_k = p->top_k,
        .min_p = p->min_p,
        .repeat_penalty =
            p->repeat_penalty != 1 ? p->repeat_penalty : p->repetition_penalty,
        .presence_penalty = p->presence_penalty,
        .frequency_penalty = p->frequency_penalty,
        .penalty_last_n = UINT32_MAX, /* the whole text */
        .has_seed = oai_given(&p->seed),
        .top_logprobs = p->n_logprobs,
        .logprobs = p->want_logprobs,
        .ignore_eos = p->ignore_eos,
        .stop = STR_EMPTY,
        .logit_bias = STR_EMPTY,
        .grammar = STR_EMPTY,
        .json_schema = STR_EMPTY,
    };
    TRY(oai_i64(&p->seed, &seed, o));
    m->seed = (uint64_t)seed;
    TRY(fill_stop(p, a, &m->stop, o));
    TRY(fill_bias(p, &m->logit_bias, o));
    TRY(oai_text(&p->grammar, a, &m->grammar, o));
    TRY(fill_schema(p, a, &m->json_schema, o));
    if (m->grammar.n != 0 && m->json_schema.n != 0)
        return oai_wrong(o, "grammar", "invalid_value",
                         "it excludes 'response_format'");
    return ERR_OK;
}
