/* roles.c - the table of roles, and the request that asks them all. */
#include "council/council.h"
#include "data/jsonw.h"

static const struct {
    const char *name, *text;
} roles[ROLE_COUNT] = {
#define ROLE(NAME, name, text) {name, text},
#include "council/roles.def"
#undef ROLE
};

const char *role_name(enum role r)
{
    return r < ROLE_COUNT ? roles[r].name : "?";
}

const char *role_text(enum role r)
{
    return r < ROLE_COUNT ? roles[r].text : "?";
}

static void user(struct jsonw *w, struct str text)
{
    jsonw_obj(w);
    jsonw_key_cstr(w, "role", "user");
    jsonw_key_str(w, "content", text);
    jsonw_obj_end(w);
}

/* The code stands after the question, in a fence that is longer than any in
 * it. */
static enum err shared_text(const struct council_question *q, struct buf *out)
{
    size_t run = 0, longest = 2;

    TRY(buf_add(out, q->question));
    if (q->code.n == 0)
        return ERR_OK;
    for (size_t i = 0; i < q->code.n; i++) {
        run = q->code.p[i] == '`' ? run + 1 : 0;
        longest = MAX(longest, run);
    }
    TRY(buf_add_c(out, "\n\n"));
    for (size_t i = 0; i <= longest; i++)
        TRY(buf_add_byte(out, '`'));
    TRY(buf_add_byte(out, '\n'));
    TRY(buf_add(out, q->code));
    if (q->code.p[q->code.n - 1] != '\n')
        TRY(buf_add_byte(out, '\n'));
    for (size_t i = 0; i <= longest; i++)
        TRY(buf_add_byte(out, '`'));
    return ERR_OK;
}

enum err council_body(const struct council_question *q, struct buf *out)
{
    CLEANUP(buf_done)
    struct buf text = BUF_INIT(COUNCIL_QUESTION_MAX + 4 * COUNCIL_CODE_MAX);
    struct jsonw w = JSONW_INIT(out);

    TRY(shared_text(q, &text));
    jsonw_obj(&w);
    jsonw_key_str(&w, "model", q->model);
    jsonw_key_arr(&w, "messages");
    user(&w, buf_str(&text));
    jsonw_arr_end(&w);
    jsonw_key_arr(&w, "branches");
    for (int r = 0; r < ROLE_COUNT; r++) {
        jsonw_arr(&w);
        user(&w, str_c(roles[r].text));
        jsonw_arr_end(&w);
    }
    jsonw_arr_end(&w);
    jsonw_key_bool(&w, "stream", true);
    jsonw_key_obj(&w, "stream_options");
    jsonw_key_bool(&w, "include_usage", true);
    jsonw_obj_end(&w);
    jsonw_key_u64(&w, "temperature", 0);
    jsonw_key_u64(&w, "max_tokens", COUNCIL_TOKENS);
    jsonw_obj_end(&w);
    return jsonw_end(&w);
}
