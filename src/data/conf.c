/*
 * libyaml gives events; a stack of open containers, bounded by CONF_MAX_DEPTH,
 * turns them into paths. The path of the place where we are is one buffer that
 * grows and shrinks. Every key ever seen stands in a table under its path,
 * which is how a key given twice is found, however far apart.
 */
#include "data/conf.h"

#include <stdarg.h>
#include <yaml.h>

#include "base/buf.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/utf8.h"

enum { PATH_MAX_BYTES = 1024 };
#define TEXT_MAX ((size_t)32 << 20) /* all paths and values together */

struct place {
    unsigned line, column;
};

struct level {
    bool map;
    bool keyed;      /* the next scalar is a value, not a key */
    size_t index;    /* keys or elements so far */
    size_t path_len; /* of the container itself */
    struct place at; /* where it begins */
};

struct reader {
    const char *name;
    struct why *why;
    yaml_parser_t yaml;
    struct conf out;
    size_t cap;
    struct buf path;
    struct map seen; /* path to struct place, in out.arena */
    struct level levels[CONF_MAX_DEPTH];
    unsigned depth;
};

static struct place place_of(const yaml_event_t *ev)
{
    return (struct place){(unsigned)ev->start_mark.line + 1,
                          (unsigned)ev->start_mark.column + 1};
}

#define REFUSE(r, at, ...)                                                     \
    refuse((r), (at), __FILE__ ":" ERR_STR(__LINE__), __VA_ARGS__)

static enum err refuse(const struct reader *r, struct place at,
                       const char *where, const char *fmt, ...)
    PRINTF_LIKE(4, 5);

static enum err refuse(const struct reader *r, struct place at,
                       const char *where, const char *fmt, ...)
{
    char text[300];
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    return err_fail(r->why, ERR_CONFIG, 0, where, "%s:%u:%u: %s", r->name,
                    at.line, at.column, text);
}

static enum err no_room(const struct reader *r, enum err e)
{
    if (e == ERR_LIMIT)
        return FAIL(r->why, e, "%s: the configuration is too large", r->name);
    return FAIL(r->why, ERR_NOMEM, "%s: no memory for the configuration",
                r->name);
}

/* ---- paths ---- */

static bool plain_key(struct str k)
{
    for (size_t i = 0; i < k.n; i++) {
        char c = k.p[i];

        if (!(c >= '0' && c <= '9') && !(c >= 'a' && c <= 'z')
            && !(c >= 'A' && c <= 'Z') && c != '_' && c != '-')
            return false;
    }
    return k.n != 0;
}

static enum err add_key(struct buf *path, struct str key)
{
    if (path->len != 0)
        TRY(buf_add_byte(path, '.'));
    if (plain_key(key))
        return buf_add(path, key);
    TRY(buf_add_byte(path, '"'));
    TRY(buf_add(path, key));
    return buf_add_byte(path, '"');
}

static void cut_path(struct reader *r, size_t len)
{
    r->path.len = len;
    if (r->path.data != NULL)
        r->path.data[len] = '\0';
}

/* ---- items ---- */

static enum err grow(struct reader *r)
{
    size_t cap = r->cap == 0 ? 64 : r->cap * 2;
    struct conf_item *items;

    if (r->out.count >= CONF_MAX_ITEMS)
        return ERR_LIMIT;
    if (r->out.count < r->cap)
        return ERR_OK;
    items = mem_resize(r->out.items, cap * sizeof(*items));
    if (items == NULL)
        return ERR_NOMEM;
    r->out.items = items;
    r->cap = cap;
    return ERR_OK;
}

static enum err add_item(struct reader *r, struct str value,
                         enum conf_kind kind, struct place at)
{
    struct conf_item item = {
        .kind = kind, .line = at.line, .column = at.column};

    TRY(grow(r));
    TRY(arena_dup(&r->out.arena, buf_str(&r->path), &item.path));
    TRY(arena_dup(&r->out.arena, value, &item.value));
    r->out.items[r->out.count++] = item;
    return ERR_OK;
}

static enum err add(struct reader *r, struct str value, enum conf_kind kind,
                    struct place at)
{
    enum err e = add_item(r, value, kind, at);

    return e == ERR_OK ? ERR_OK : no_room(r, e);
}

/* ---- events ---- */

static struct level *top(struct reader *r)
{
    assert(r->depth != 0);
    return &r->levels[r->depth - 1];
}

/* Before any value: extends the path by the index when inside a list. */
static enum err begin_value(struct reader *r, struct place at)
{
    struct level *l;

    if (r->depth == 0 || top(r)->map)
        return ERR_OK;
    l = top(r);
    if (buf_printf(&r->path, "[%zu]", l->index) != ERR_OK)
        return REFUSE(r, at, "the path of this value is too long");
    l->index++;
    return ERR_OK;
}

/* After any value: the path is the container's again. */
static void end_value(struct reader *r)
{
    if (r->depth == 0)
        return;
    top(r)->keyed = false;
    cut_path(r, top(r)->path_len);
}

static enum err take_key(struct reader *r, struct str key, struct place at)
{
    const struct place *old;
    struct place *copy;

    if (str_eq(key, STR("<<")))
        return REFUSE(r, at, "merge keys are not supported");
    for (size_t i = 0; i < key.n; i++)
        if ((unsigned char)key.p[i] < 0x20 || key.p[i] == '"'
            || key.p[i] == '\\')
            return REFUSE(r, at, "a key holds a character that is not allowed");
    if (add_key(&r->path, key) != ERR_OK)
        return REFUSE(r, at, "the path of this key is too long");
    old = map_get(&r->seen, buf_str(&r->path));
    if (old != NULL)
        return REFUSE(r, at,
                      "\"%.*s\" is given twice, first in line %u, "
                      "column %u",
                      (int)r->path.len, r->path.data, old->line, old->column);
    copy = arena_alloc(&r->out.arena, sizeof(*copy));
    if (copy == NULL)
        return no_room(r, ERR_NOMEM);
    *copy = at;
    top(r)->keyed = true;
    top(r)->index++;
    return map_add(&r->seen, buf_str(&r->path), copy) == ERR_OK
               ? ERR_OK
               : no_room(r,
                         r->seen.count == r->seen.max ? ERR_LIMIT : ERR_NOMEM);
}

static bool is_null(struct str s)
{
    return s.n == 0 || str_eq(s, STR("~")) || str_eq(s, STR("null"))
           || str_eq(s, STR("Null")) || str_eq(s, STR("NULL"));
}

static enum err on_scalar(struct reader *r, const yaml_event_t *ev)
{
    struct str text = {(const char *)ev->data.scalar.value,
                       ev->data.scalar.length};
    struct place at = place_of(ev);
    bool plain = ev->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    bool null = plain && is_null(text);

    if (ev->data.scalar.anchor != NULL || ev->data.scalar.tag != NULL)
        return REFUSE(r, at, "anchors and tags are not supported");
    if (r->depth == 0)
        return null ? ERR_OK : REFUSE(r, at, "expected \"key: value\"");
    if (top(r)->map && !top(r)->keyed)
        return take_key(r, text, at);
    TRY(begin_value(r, at));
    TRY(add(r, null ? STR_EMPTY : text,
            null    ? CONF_NULL
            : plain ? CONF_PLAIN
                    : CONF_QUOTED,
            at));
    end_value(r);
    return ERR_OK;
}

static enum err on_open(struct reader *r, const yaml_event_t *ev, bool map)
{
    struct place at = place_of(ev);
    const void *anchor =
        map ? ev->data.mapping_start.anchor : ev->data.sequence_start.anchor;
    const void *tag =
        map ? ev->data.mapping_start.tag : ev->data.sequence_start.tag;

    if (anchor != NULL || tag != NULL)
        return REFUSE(r, at, "anchors and tags are not supported");
    if (r->depth == 0 && !map)
        return REFUSE(r, at, "expected \"key: value\", got a list");
    if (r->depth != 0 && top(r)->map && !top(r)->keyed)
        return REFUSE(r, at, "a key must be a plain text");
    if (r->depth == CONF_MAX_DEPTH)
        return REFUSE(r, at, "nested more than %d levels deep", CONF_MAX_DEPTH);
    TRY(begin_value(r, at));
    r->levels[r->depth++] =
        (struct level){.map = map, .path_len = r->path.len, .at = at};
    return ERR_OK;
}

static enum err on_close(struct reader *r)
{
    struct level *l = top(r);

    r->depth--;
    if (l->index == 0 && r->depth != 0)
        TRY(add(r, STR_EMPTY, l->map ? CONF_EMPTY_MAP : CONF_EMPTY_SEQ, l->at));
    end_value(r);
    return ERR_OK;
}

static enum err on_event(struct reader *r, const yaml_event_t *ev,
                         unsigned *documents)
{
    switch (ev->type) {
    case YAML_DOCUMENT_START_EVENT:
        if (++*documents > 1)
            return REFUSE(r, place_of(ev), "more than one document");
        return ERR_OK;
    case YAML_SCALAR_EVENT:
        return on_scalar(r, ev);
    case YAML_MAPPING_START_EVENT:
        return on_open(r, ev, true);
    case YAML_SEQUENCE_START_EVENT:
        return on_open(r, ev, false);
    case YAML_MAPPING_END_EVENT:
    case YAML_SEQUENCE_END_EVENT:
        return on_close(r);
    case YAML_ALIAS_EVENT:
        return REFUSE(r, place_of(ev), "aliases are not supported");
    default:
        return ERR_OK;
    }
}

static enum err yaml_problem(const struct reader *r)
{
    const yaml_parser_t *y = &r->yaml;
    struct place at = {(unsigned)y->problem_mark.line + 1,
                       (unsigned)y->problem_mark.column + 1};

    if (y->error == YAML_MEMORY_ERROR)
        return no_room(r, ERR_NOMEM);
    if (y->error == YAML_READER_ERROR)
        return FAIL(r->why, ERR_CONFIG, "%s: byte %zu: %s", r->name,
                    y->problem_offset, y->problem);
    return REFUSE(r, at, "%s%s%s", y->problem != NULL ? y->problem : "?",
                  y->context != NULL ? " " : "",
                  y->context != NULL ? y->context : "");
}

static enum err run(struct reader *r)
{
    unsigned documents = 0;
    yaml_event_t ev;
    bool end = false;

    while (!end) {
        enum err e;

        if (yaml_parser_parse(&r->yaml, &ev) == 0)
            return yaml_problem(r);
        end = ev.type == YAML_STREAM_END_EVENT;
        e = on_event(r, &ev, &documents);
        yaml_event_delete(&ev);
        TRY(e);
    }
    return ERR_OK;
}

enum err conf_parse(struct conf *c, struct str text, const char *name,
                    struct why *why)
{
    struct reader r = {
        .name = name,
        .why = why,
        .out = {.arena = ARENA_INIT(TEXT_MAX)},
        .path = BUF_INIT(PATH_MAX_BYTES),
        .seen = MAP_INIT((size_t)2 * CONF_MAX_ITEMS, 0),
    };
    enum err e;

    assert(c->items == NULL && c->count == 0);
    if (text.n > CONF_MAX_BYTES)
        return FAIL(why, ERR_LIMIT, "%s: %zu bytes; the limit is %d", name,
                    text.n, CONF_MAX_BYTES);
    if (!utf8_valid(text))
        return FAIL(why, ERR_CONFIG, "%s: not valid UTF-8", name);
    if (yaml_parser_initialize(&r.yaml) == 0)
        return no_room(&r, ERR_NOMEM);
    yaml_parser_set_encoding(&r.yaml, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&r.yaml, (const unsigned char *)text.p,
                                 text.n);
    e = run(&r);
    yaml_parser_delete(&r.yaml);
    map_done(&r.seen);
    buf_done(&r.path);
    if (e != ERR_OK) {
        conf_done(&r.out);
        return e;
    }
    *c = r.out;
    return ERR_OK;
}

void conf_done(struct conf *c)
{
    if (c == NULL)
        return;
    mem_free(c->items);
    arena_done(&c->arena);
    *c = CONF_INIT;
}

const struct conf_item *conf_get(const struct conf *c, struct str path)
{
    for (size_t i = 0; i < c->count; i++)
        if (str_eq(c->items[i].path, path))
            return &c->items[i];
    return NULL;
}

bool conf_next_step(struct str *path, struct str *key, long *index)
{
    struct str rest = *path;
    uint64_t n = 0;

    *index = -1;
    *key = STR_EMPTY;
    if (rest.n == 0)
        return false;
    if (rest.p[0] == '.')
        rest = str_sub(rest, 1, rest.n);
    if (rest.n != 0 && rest.p[0] == '[') {
        rest = str_sub(rest, 1, rest.n);
        if (!str_u64(str_cut(&rest, ']'), CONF_MAX_ITEMS, &n))
            return false;
        *index = (long)n;
    } else if (rest.n != 0 && rest.p[0] == '"') {
        rest = str_sub(rest, 1, rest.n);
        *key = str_cut(&rest, '"');
    } else {
        *key = rest;
        key->n = 0;
        while (key->n < rest.n && key->p[key->n] != '.'
               && key->p[key->n] != '[')
            key->n++;
        rest = str_sub(rest, key->n, rest.n);
    }
    *path = rest;
    return true;
}
