#include "runner/guard.h"

#include "base/utf8.h"
#include "runner/guard_fill.h"

#define TEXT_MAX ((size_t)64 << 20)

enum { MARKS_TRIED = 64 };

/* ---- plain text -------------------------------------------------------------- */

static uint32_t n_of(const struct buf *tokens)
{
    return (uint32_t)(tokens->len / sizeof(int32_t));
}

static int32_t token_at(const struct buf *tokens, uint32_t i)
{
    int32_t t;
    memcpy(&t, tokens->data + i * sizeof t, sizeof t);
    return t;
}

static bool is_control(const struct guard_marks *g, int32_t token)
{
    for (size_t i = 0; i < g->n_controls; i++)
        if (g->controls[i].token == token)
            return true;
    return false;
}

static uint32_t count_controls(const struct guard_marks *g,
                               const struct buf *tokens, uint32_t from)
{
    uint32_t n = 0;
    for (uint32_t i = from; i < n_of(tokens); i++)
        n += is_control(g, token_at(tokens, i));
    return n;
}

/* [G3] Every control text is cut after its first character. */
static enum err in_pieces(struct engine *e, struct guard_marks *g, struct str s,
                          struct buf *out, struct why *why)
{
    size_t from = 0;
    uint32_t before = n_of(out);
    for (size_t at = 0; at < s.n; at++) {
        if (!guard_marks_find(g, s, at))
            continue;
        TRY(e->ops->tokenize(e, str_sub(s, from, at + 1 - from), false, false,
                             out, why));
        from = at + 1;
    }
    TRY(e->ops->tokenize(e, str_sub(s, from, s.n), false, false, out, why));
    if (count_controls(g, out, before))
        return FAIL(why, ERR_PARSE,
                    "the text contains a control token of this model");
    return ERR_OK;
}

static enum err raw_text(struct engine *e, struct guard_marks *g, struct str s,
                         struct buf *out, struct why *why)
{
    size_t before = out->len;
    if (s.n == 0)
        return ERR_OK;
    TRY(e->ops->tokenize(e, s, false, false, out, why));
    if (count_controls(g, out, (uint32_t)(before / sizeof(int32_t))) == 0)
        return ERR_OK;
    out->len = before;
    return in_pieces(e, g, s, out, why);
}

/* The tokens that the model wants around every text. Which of them stand
 * before it is seen on a text that has no other. */
static enum err frame_of(struct engine *e, struct buf *head, struct buf *tail,
                         struct why *why)
{
    CLEANUP(buf_done) struct buf bare = BUF_INIT(TEXT_MAX);
    CLEANUP(buf_done) struct buf framed = BUF_INIT(TEXT_MAX);
    TRY(e->ops->tokenize(e, STR("a"), false, false, &bare, why));
    TRY(e->ops->tokenize(e, STR("a"), false, true, &framed, why));
    size_t extra = framed.len - MIN(bare.len, framed.len), n = 0;
    while (n < extra
           && (framed.len - n < bare.len
               || memcmp(framed.data + n, bare.data, bare.len) != 0))
        n += sizeof(int32_t);
    TRY(buf_add(head, str_sub(buf_str(&framed), 0, n)));
    return buf_add(tail, str_sub(buf_str(&framed), n + bare.len, framed.len));
}

/* Bytes that are tokenized to see how dense a text is. */
enum { SAMPLE_BYTES = 1 << 16 };

static enum err too_long(uint64_t n, uint32_t max, uint32_t *at_least,
                         struct why *why)
{
    *at_least = (uint32_t)MIN(n, UINT32_MAX);
    return FAIL(why, ERR_CONTEXT,
                "the prompt has at least %u tokens and the model's context "
                "holds %u",
                *at_least, max);
}

static enum err guard_length(struct engine *e, struct str text,
                             uint32_t *at_least, struct why *why)
{
    CLEANUP(buf_done) struct buf tokens = BUF_INIT(TEXT_MAX);
    uint32_t max = e->facts.n_ctx_seq;
    uint64_t n = 0, spare = 1; /* cutting makes a token more */
    if (text.n <= SAMPLE_BYTES)
        return ERR_OK;
    if (text.n / e->facts.n_token_bytes > max)
        n = text.n / e->facts.n_token_bytes;
    while (text.n && n <= max + spare) {
        struct str part = utf8_cut(text, SAMPLE_BYTES);
        if (part.n == 0)
            part = str_sub(text, 0, SAMPLE_BYTES);
        buf_clear(&tokens);
        TRY(e->ops->tokenize(e, part, true, false, &tokens, why));
        n += n_of(&tokens);
        spare++;
        text = str_sub(text, part.n, text.n);
    }
    if (n <= max + spare)
        return ERR_OK;
    return too_long(n, max, at_least, why);
}

enum err guard_text(struct engine *e, struct str text, uint32_t *at_least,
                    struct buf *tokens, struct why *why)
{
    struct guard_marks g;
    CLEANUP(buf_done) struct buf head = BUF_INIT(1 << 10);
    CLEANUP(buf_done) struct buf tail = BUF_INIT(1 << 10);
    TRY(guard_length(e, text, at_least, why));
    guard_marks_init(&g, e, false, 0);
    TRY(frame_of(e, &head, &tail, why));
    TRY(buf_add(tokens, buf_str(&head)));
    TRY(raw_text(e, &g, text, tokens, why));
    return buf_add(tokens, buf_str(&tail));
}

/* ---- one chat ---------------------------------------------------------------- */

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* The template's control texts become tokens, all between is plain text. */
static enum err split_tokens(struct engine *e, struct guard_marks *g,
                             struct str s, struct buf *out, struct why *why)
{
    CLEANUP(buf_done) struct buf plain = BUF_INIT(TEXT_MAX);
    size_t from = 0;
    for (size_t at = 0; at <= s.n; at++) {
        const struct engine_control *c =
            at < s.n ? guard_marks_find(g, s, at) : NULL;
        if (at < s.n && !c)
            continue;
        size_t to = at;
        while (c && c->eat_left && to > from && is_space(s.p[to - 1]))
            to--;
        buf_clear(&plain);
        TRY(guard_marks_remove(g, str_sub(s, from, to - from), &plain));
        TRY(raw_text(e, g, buf_str(&plain), out, why));
        if (!c)
            break;
        TRY(buf_add(out,
                    (struct str){(const char *)&c->token, sizeof c->token}));
        from = at + c->text.n;
        while (c->eat_right && from < s.n && is_space(s.p[from]))
            from++;
        at = from - 1;
    }
    return ERR_OK;
}

static enum err framed(struct engine *e, struct guard_marks *g, struct str s,
                       struct buf *out, struct why *why)
{
    CLEANUP(buf_done) struct buf head = BUF_INIT(1 << 10);
    CLEANUP(buf_done) struct buf tail = BUF_INIT(1 << 10);
    TRY(frame_of(e, &head, &tail, why));
    TRY(buf_add(out, buf_str(&head)));
    TRY(split_tokens(e, g, s, out, why));
    return buf_add(out, buf_str(&tail));
}

static bool same_controls(const struct guard_marks *a, struct str x,
                          const struct guard_marks *b, struct str y)
{
    CLEANUP(buf_done) struct buf m = BUF_INIT(TEXT_MAX);
    CLEANUP(buf_done) struct buf n = BUF_INIT(TEXT_MAX);
    return guard_marks_list(a, x, &m) == ERR_OK
           && guard_marks_list(b, y, &n) == ERR_OK
           && str_eq(buf_str(&m), buf_str(&n));
}

struct chat {
    struct engine *e;
    const struct guard_chat *in;
    struct guard_fill f;
};

static enum err fill(struct chat *c, bool everywhere, unsigned number,
                     struct buf *out)
{
    return guard_fill_marked(c->e, c->in->input, c->in->tail, everywhere,
                             number, &c->f, out);
}

static enum err render(struct chat *c, const struct buf *req,
                       struct buf *prompt, struct buf *stops,
                       struct engine_rendered *out)
{
    struct engine_ask ask = {buf_str(req), c->in->grammar, c->in->json_schema};
    return c->e->ops->chat_render(c->e, &ask, prompt, stops, out, c->f.why);
}

/* The client's text holds, or could be edited into, a control text. `light`
 * is the prompt with the marks of [G1], made with mark `number`. */
static enum err careful(struct chat *c, struct guard_marks *g,
                        const struct buf *light, unsigned number, bool *whole,
                        struct buf *tokens)
{
    CLEANUP(buf_done) struct buf req = BUF_INIT(TEXT_MAX);
    CLEANUP(buf_done) struct buf heavy = BUF_INIT(TEXT_MAX);
    TRY(fill(c, true, number, &req));
    TRY(render(c, &req, &heavy, NULL, NULL));
    bool agree = same_controls(g, buf_str(light), &c->f.marks, buf_str(&heavy));
    *whole = agree && g->n_put == 0;
    if (*whole)
        return ERR_OK;
    return framed(c->e, agree ? g : &c->f.marks,
                  buf_str(agree ? light : &heavy), tokens, c->f.why);
}

/* Too much text even if each of its bytes stands in an escape of JSON and each
 * token is as long as tokens get: not worth rendering. */
static enum err refuse_giant(struct chat *c, size_t json_bytes)
{
    const struct engine_facts *f = &c->e->facts;
    size_t n = json_bytes / 6 / f->n_token_bytes;
    if (n <= f->n_ctx_seq)
        return ERR_OK;
    return too_long(n, f->n_ctx_seq, c->in->at_least, c->f.why);
}

static enum err mark_and_render(struct chat *c, struct buf *tokens,
                                struct buf *stops, struct engine_rendered *out)
{
    struct why *why = c->f.why;
    CLEANUP(buf_done) struct buf req = BUF_INIT(TEXT_MAX);
    CLEANUP(buf_done) struct buf prompt = BUF_INIT(TEXT_MAX);
    CLEANUP(buf_done) struct buf light = BUF_INIT(TEXT_MAX);
    unsigned number = 0;
    do
        TRY(fill(c, false, number, &req));
    while (c->f.marks.clash && ++number < MARKS_TRIED);
    TRY(refuse_giant(c, req.len));
    if (c->f.marks.clash)
        return FAIL(why, ERR_PARSE, "too many private-use characters");
    struct guard_marks marks = c->f.marks;
    if (marks.n_put) {
        TRY(render(c, &req, &light, NULL, NULL));
        buf_clear(&req);
        TRY(guard_fill_unmarked(c->in->input, c->in->tail, &req, why));
    }
    TRY(render(c, &req, &prompt, stops, out));
    TRY(guard_length(c->e, buf_str(&prompt), c->in->at_least, why));
    bool whole = !marks.hot && !marks.n_put;
    if (!whole)
        TRY(careful(c, &marks, marks.n_put ? &light : &prompt, number, &whole,
                    tokens));
    if (!whole)
        return ERR_OK;
    return c->e->ops->tokenize(c->e, buf_str(&prompt), true, true, tokens, why);
}

enum err guard_chat(struct engine *e, const struct guard_chat *in,
                    struct buf *tokens, struct buf *stops,
                    struct engine_rendered *out, struct why *why)
{
    struct chat c = {
        .e = e, .in = in, .f = {.scratch = BUF_INIT(TEXT_MAX), .why = why}};
    struct engine_rendered made = {0};
    enum err err = mark_and_render(&c, tokens, stops, out ? &made : NULL);
    buf_done(&c.f.scratch);
    if (err != ERR_OK && made.chat) {
        e->ops->chat_free(made.chat);
        made.chat = NULL;
    }
    if (err == ERR_OK && out)
        *out = made;
    return err;
}
