#include "data/sse.h"

static const char bom[] = "\xef\xbb\xbf";
enum { BOM_LEN = 3, SLACK = 64, SHORT_MAX = 1024 };

void sse_init(struct sse *s, size_t max_event)
{
    size_t little = MIN(max_event, (size_t)SHORT_MAX);

    *s = (struct sse){
        .line = BUF_INIT(max_event + SLACK), /* "data: " and the like */
        .data = BUF_INIT(max_event + 1),     /* each line adds a line end */
        .event = BUF_INIT(little),
        .id = BUF_INIT(little),
    };
}

void sse_done(struct sse *s)
{
    if (s == NULL)
        return;
    buf_done(&s->line);
    buf_done(&s->data);
    buf_done(&s->event);
    buf_done(&s->id);
}

bool sse_pending(const struct sse *s)
{
    return s->line.len != 0 || (!s->fired && (s->has_data || s->event.len != 0))
           || (s->seen > 0 && s->seen < BOM_LEN);
}

static enum err field(struct sse *s, struct str name, struct str value)
{
    uint64_t ms;

    if (str_eq(name, STR("data"))) {
        s->has_data = true;
        TRY(buf_add(&s->data, value));
        return buf_add_byte(&s->data, '\n');
    }
    if (str_eq(name, STR("event"))) {
        buf_clear(&s->event);
        return buf_add(&s->event, value);
    }
    if (str_eq(name, STR("id"))) {
        if (value.n != 0 && memchr(value.p, '\0', value.n) != NULL)
            return ERR_OK;
        buf_clear(&s->id);
        return buf_add(&s->id, value);
    }
    if (str_eq(name, STR("retry")) && str_u64(value, UINT32_MAX, &ms))
        s->retry_ms = ms;
    return ERR_OK;
}

/* A line without its end. *fire when it ends an event that has data. */
static enum err take_line(struct sse *s, struct str line, bool *fire)
{
    struct str name;

    if (line.n == 0) {
        *fire = s->has_data;
        if (!s->has_data)
            buf_clear(&s->event);
        return ERR_OK;
    }
    name = str_cut(&line, ':');
    if (line.n != 0 && line.p[0] == ' ')
        line = str_sub(line, 1, line.n);
    return name.n == 0 ? ERR_OK : field(s, name, line);
}

/* Skips the mark at the start of a stream, which may come in pieces. */
static enum err skip_bom(struct sse *s, struct str *in)
{
    while (s->seen < BOM_LEN && in->n != 0) {
        if (in->p[0] != bom[s->seen]) {
            /* Not a mark: what was taken for one is the line's start. */
            size_t held = s->seen;

            s->seen = BOM_LEN;
            return buf_add(&s->line, (struct str){bom, held});
        }
        s->seen++;
        *in = str_sub(*in, 1, in->n);
    }
    return ERR_OK;
}

static size_t line_end(struct str s)
{
    size_t i = 0;

    while (i < s.n && s.p[i] != '\n' && s.p[i] != '\r')
        i++;
    return i;
}

/* Takes one line off `*in`, or all of it when the line goes on. */
static enum err next_line(struct sse *s, struct str *in, bool *fire)
{
    size_t n = line_end(*in);
    struct str part = str_sub(*in, 0, n);
    enum err e;

    if (n == in->n) {
        *in = str_sub(*in, n, 0);
        return buf_add(&s->line, part);
    }
    s->after_cr = in->p[n] == '\r';
    *in = str_sub(*in, n + 1, in->n);
    if (s->line.len == 0)
        return part.n > s->line.max ? ERR_LIMIT : take_line(s, part, fire);
    TRY(buf_add(&s->line, part));
    e = take_line(s, buf_str(&s->line), fire);
    buf_clear(&s->line);
    return e;
}

static void start_event(struct sse *s)
{
    buf_clear(&s->data);
    buf_clear(&s->event);
    s->has_data = false;
    s->fired = false;
}

enum err sse_next(struct sse *s, struct str *in, struct sse_event *ev,
                  bool *got, struct why *why)
{
    bool fire = false;
    enum err e;

    if (s->fired)
        start_event(s);
    e = skip_bom(s, in);
    while (e == ERR_OK && !fire && in->n != 0) {
        if (s->after_cr && in->p[0] == '\n') {
            s->after_cr = false;
            *in = str_sub(*in, 1, in->n);
            continue;
        }
        s->after_cr = false;
        e = next_line(s, in, &fire);
    }
    if (e == ERR_LIMIT)
        return FAIL(why, e, "an event of the stream is longer than %zu bytes",
                    s->data.max - 1);
    if (e != ERR_OK)
        return FAIL(why, e, "no memory for an event of the stream");
    if (fire) {
        s->fired = true;
        *ev = (struct sse_event){
            s->event.len != 0 ? buf_str(&s->event) : STR("message"),
            str_sub(buf_str(&s->data), 0, s->data.len - 1), buf_str(&s->id)};
    }
    *got = fire;
    return ERR_OK;
}

static bool one_line(struct str s)
{
    return line_end(s) == s.n && (s.n == 0 || memchr(s.p, '\0', s.n) == NULL);
}

static enum err add_line(struct buf *out, struct str field_name,
                         struct str value)
{
    TRY(buf_add(out, field_name));
    TRY(buf_add(out, value));
    return buf_add_byte(out, '\n');
}

static enum err add_event(struct buf *out, struct str event, struct str data)
{
    size_t n;

    if (event.n != 0)
        TRY(add_line(out, STR("event: "), event));
    for (;;) {
        n = line_end(data);
        TRY(add_line(out, STR("data: "), str_sub(data, 0, n)));
        if (n == data.n)
            return buf_add_byte(out, '\n');
        n += data.p[n] == '\r' && n + 1 < data.n && data.p[n + 1] == '\n';
        data = str_sub(data, n + 1, data.n);
    }
}

/* Takes back what a failed call has added. */
static enum err all_or_nothing(struct buf *out, size_t len, enum err e)
{
    if (e != ERR_OK && out->len != len) {
        out->len = len;
        out->data[len] = '\0';
    }
    return e;
}

enum err sse_add_data(struct buf *out, const char *event, struct str data)
{
    struct str name = str_c(event);
    size_t len = out->len;

    if (!one_line(name))
        return ERR_RANGE;
    return all_or_nothing(out, len, add_event(out, name, data));
}

enum err sse_add_id(struct buf *out, struct str id)
{
    size_t len = out->len;

    if (!one_line(id))
        return ERR_RANGE;
    return all_or_nothing(out, len, add_line(out, STR("id: "), id));
}

enum err sse_add_comment(struct buf *out, struct str text)
{
    size_t len = out->len;

    if (!one_line(text))
        return ERR_RANGE;
    return all_or_nothing(out, len, add_line(out, STR(": "), text));
}
