/*
 * A logprob entry is shown with the text of its token, so records of
 * {where the token's text ends, JSON} wait until that text is let through.
 * Entries of tokens that a stop string swallowed whole are dropped.
 */
#include "runner/output.h"

struct record {
    size_t end; /* of the token's text, in bytes of the whole answer */
    size_t len; /* of the JSON that follows */
};

void output_init(struct output *o, struct engine *e, const struct stops *stops,
                 struct engine_parser *parser)
{
    *o = (struct output){
        .engine = e,
        .stops = stops,
        .parser = parser,
        .held = BUF_INIT(OUTPUT_MAX),
        .all = BUF_INIT(OUTPUT_MAX),
        .logprobs = BUF_INIT(OUTPUT_MAX),
    };
}

void output_done(struct output *o)
{
    if (o->parser)
        o->engine->ops->parser_free(o->parser);
    o->parser = NULL;
    buf_done(&o->held);
    buf_done(&o->all);
    buf_done(&o->logprobs);
}

static enum err add_logprob(struct output *o, struct str json)
{
    struct record r = {o->seen, json.n};
    if (json.n == 0)
        return ERR_OK;
    TRY(buf_reserve(&o->logprobs, sizeof r + json.n));
    TRY(buf_add(&o->logprobs, (struct str){(const char *)&r, sizeof r}));
    return buf_add(&o->logprobs, json);
}

static enum err show_logprobs(struct output *o, struct delta *d)
{
    size_t at = 0;
    while (at < o->logprobs.len) {
        struct record r;
        memcpy(&r, o->logprobs.data + at, sizeof r);
        if (r.end > o->shown)
            break;
        if (d->logprobs.len)
            d->logprobs.data[d->logprobs.len - 1] = ','; /* was the end */
        else
            TRY(buf_add_byte(&d->logprobs, '['));
        TRY(buf_add(&d->logprobs,
                    (struct str){o->logprobs.data + at + sizeof r, r.len}));
        TRY(buf_add_byte(&d->logprobs, ']'));
        at += sizeof r + r.len;
    }
    buf_drop(&o->logprobs, at);
    return ERR_OK;
}

/* Reads the answer again, when it has grown enough to be worth it. A partial
 * text that the parser cannot place yet is no error: more will come. */
static enum err parse(struct output *o, bool last, struct delta *d,
                      struct why *why)
{
    if (!last && o->all.len < o->parse_at)
        return ERR_OK;
    struct engine_parsed out = {&d->text, &d->reasoning, &d->tool_calls,
                                o->tool_calls};
    enum err e =
        o->engine->ops->parse(o->parser, buf_str(&o->all), !last, &out, why);
    o->parse_at = o->all.len + MAX(1, o->all.len / 512);
    if (e == ERR_OK)
        o->tool_calls = out.has_tool_calls;
    if (e == ERR_NOMEM || (e != ERR_OK && !last))
        return e == ERR_NOMEM ? e : ERR_OK;
    if (e != ERR_OK) { /* not the format it promised: what can be read */
        e = o->engine->ops->parse(o->parser, buf_str(&o->all), true, &out, why);
        return e == ERR_NOMEM ? e : ERR_OK;
    }
    return ERR_OK;
}

/* Lets the first `n` held bytes through. */
static enum err show(struct output *o, size_t n, bool last, struct delta *d,
                     struct why *why)
{
    struct str text = str_sub(buf_str(&o->held), 0, n);
    TRY(buf_add(o->parser ? &o->all : &d->text, text));
    buf_drop(&o->held, n);
    o->shown += n;
    if (o->parser)
        TRY(parse(o, last, d, why));
    TRY(show_logprobs(o, d));
    if (!delta_is_empty(d)) {
        d->n_tokens = o->n_waiting;
        o->n_waiting = 0;
    }
    return ERR_OK;
}

enum err output_token(struct output *o, struct str piece, struct str logprob,
                      struct delta *d, struct why *why)
{
    size_t before = o->held.len;
    o->n_waiting++;
    TRY(utf8fix_push(&o->fix, piece, &o->held));
    o->seen += o->held.len - before;
    TRY(add_logprob(o, logprob));
    size_t n = stops_scan(o->stops, buf_str(&o->held), &o->stopped);
    return show(o, n, o->stopped, d, why);
}

enum err output_end(struct output *o, struct delta *d, struct why *why)
{
    if (o->stopped)
        return ERR_OK; /* its last text was shown with the stop string */
    TRY(utf8fix_end(&o->fix, &o->held));
    TRY(show(o, o->held.len, true, d, why));
    o->shown = SIZE_MAX; /* entries of tokens without text */
    TRY(show_logprobs(o, d));
    return ERR_OK;
}

void delta_clear(struct delta *d)
{
    buf_clear(&d->text);
    buf_clear(&d->reasoning);
    buf_clear(&d->tool_calls);
    buf_clear(&d->logprobs);
    d->n_tokens = 0;
}

void delta_done(struct delta *d)
{
    buf_done(&d->text);
    buf_done(&d->reasoning);
    buf_done(&d->tool_calls);
    buf_done(&d->logprobs);
}

bool delta_is_empty(const struct delta *d)
{
    return !d->text.len && !d->reasoning.len && !d->tool_calls.len
           && !d->logprobs.len;
}
