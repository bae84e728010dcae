#include "work/follow.h"

#include "base/mem.h"
#include "data/json.h"
#include "data/sse.h"
#include "sys/log.h"

enum { SLICE = 64 << 10, OUT_MAX = EVENT_DATA_MAX + 4096 };

struct follower {
    struct follower *next;
    struct follow *owner;
    struct http_ref ref;
    struct id task;
    uint64_t seq;   /* of the last stored event that was put into `out` */
    struct buf out; /* one or more whole events */
    size_t out_at;
    bool cancels, is_full;
    bool ends; /* `out` holds the last event */
    bool over; /* the task was over when the client came */
};

struct follow {
    struct follow_opts opts;
    struct follower *all;
    size_t count;
    struct timer keepalive;
};

static void drop(struct follower *f)
{
    struct follower **at = &f->owner->all;

    while (*at != f)
        at = &(*at)->next;
    *at = f->next;
    f->owner->count--;
    buf_done(&f->out);
    mem_free(f);
}

/* ---- one client --------------------------------------------------------------------- */

/* True when all of `out` is with the server. The follower may be gone after
 * false: *gone tells. */
static bool flush(struct follower *f, bool *gone)
{
    struct server *s = f->owner->opts.server;

    *gone = false;
    while (f->out_at < f->out.len) {
        struct str slice = str_sub(buf_str(&f->out), f->out_at, SLICE);
        enum err e = http_stream_write(s, f->ref, slice);

        if (e == ERR_OK) {
            f->out_at += slice.n;
            continue;
        }
        f->is_full = true;
        if (e == ERR_EOF)
            return false; /* on_abort comes, or came */
        if (e != ERR_AGAIN) {
            http_stream_abort(s, f->ref);
            drop(f);
            *gone = true;
        }
        return false;
    }
    buf_clear(&f->out);
    f->out_at = 0;
    if (f->ends) {
        (void)http_stream_end(s, f->ref);
        drop(f);
        *gone = true;
        return false;
    }
    return true;
}

static bool is_last(struct str name)
{
    return str_eq(name, str_c(event_name(EVENT_TASK_DONE)))
           || str_eq(name, str_c(event_name(EVENT_REVIEW_DECIDED)));
}

static enum err add_event(struct follower *f, uint64_t seq, struct str name,
                          struct str data)
{
    char event[64];

    if (!str_z(name, event, sizeof(event)))
        return ERR_RANGE;
    TRY(sse_add_data(&f->out, event, data));
    f->seq = MAX(seq, f->seq);
    f->ends = f->ends || is_last(name);
    return ERR_OK;
}

/* Puts stored events into `out` until some are there, for one flush. */
static enum err one_stored(void *ctx, uint64_t seq, struct str name,
                           struct str data)
{
    struct follower *f = ctx;

    if (f->out.len > SLICE)
        return ERR_AGAIN;
    return add_event(f, seq, name, data);
}

/* All stored events that the client has not seen, as far as it takes them. */
static void catch_up(struct follower *f)
{
    struct worklog *log = f->owner->opts.log;
    struct why why = WHY_INIT;
    bool gone = false;

    f->is_full = false;
    for (;;) {
        enum err e;

        if (!flush(f, &gone))
            return;
        e = worklog_events(log, str_c(f->task.text), f->seq, one_stored, f,
                           &why);
        if (e == ERR_OK && f->out.len == 0 && !f->over)
            return;
        f->ends = f->ends || (e == ERR_OK && f->over);
        if (e != ERR_OK && (e != ERR_AGAIN || f->out.len == 0)) {
            LOG(WARN, WORK, "events_unreadable", LOG_S("task", f->task.text),
                LOG_ERR(e), LOG_WHY(&why));
            http_stream_abort(f->owner->opts.server, f->ref);
            drop(f);
            return;
        }
    }
}

static void on_drain(void *ctx, struct http_ref ref)
{
    (void)ref;
    catch_up(ctx);
}

static void on_abort(void *ctx, struct http_ref ref)
{
    struct follower *f = ctx;
    struct follow *owner = f->owner;
    struct id task = f->task;
    bool cancels = f->cancels;

    (void)ref;
    drop(f);
    if (cancels)
        owner->opts.on_gone(owner->opts.ctx, str_c(task.text));
}

/* ---- all of them ----------------------------------------------------------------------- */

static void show(struct follower *f, enum event_id e, struct str data)
{
    bool gone;

    if (f->is_full)
        return;
    if (event_is_stored(e))
        catch_up(f);
    else if (add_event(f, 0, str_c(event_name(e)), data) == ERR_OK)
        (void)flush(f, &gone);
}

void follow_event(struct follow *f, struct str task, enum event_id e,
                  struct str data)
{
    for (struct follower *i = f->all, *next; i != NULL; i = next) {
        next = i->next;
        if (str_eq(task, str_c(i->task.text)))
            show(i, e, data);
    }
}

void follow_catch_up(struct follow *f)
{
    for (struct follower *i = f->all, *next; i != NULL; i = next) {
        next = i->next;
        if (!i->is_full)
            catch_up(i);
    }
}

static void on_keepalive(void *ctx)
{
    struct follow *f = ctx;

    for (struct follower *i = f->all, *next; i != NULL; i = next) {
        bool gone;

        next = i->next;
        if (!i->is_full && sse_add_comment(&i->out, STR("working")) == ERR_OK)
            (void)flush(i, &gone);
    }
    loop_timer_start(f->opts.loop, &f->keepalive, FOLLOW_KEEPALIVE_MS);
}

enum err follow_new(const struct follow_opts *o, struct follow **out,
                    struct why *w)
{
    struct follow *f = mem_zalloc(sizeof(*f));

    if (f == NULL)
        return FAIL(w, ERR_NOMEM, "no memory for those who watch tasks");
    f->opts = *o;
    timer_init(&f->keepalive, on_keepalive, f);
    loop_timer_start(o->loop, &f->keepalive, FOLLOW_KEEPALIVE_MS);
    *out = f;
    return ERR_OK;
}

void follow_free(struct follow *f)
{
    if (f == NULL)
        return;
    timer_stop(&f->keepalive);
    while (f->all != NULL)
        drop(f->all);
    mem_free(f);
}

static const struct http_events events = {.on_drain = on_drain,
                                          .on_abort = on_abort};

static enum err begin(struct http_req *req, struct why *w)
{
    static const struct http1_field fields[] = {
        {{"cache-control", 13}, {"no-store", 8}},
        {{"x-accel-buffering", 17}, {"no", 2}},
    };
    const struct http_answer answer = {
        .status = 200,
        .type = STR("text/event-stream; charset=utf-8"),
        .fields = fields,
        .field_count = COUNTOF(fields)};
    enum err e = http_stream_begin(req->server, req->ref, &answer);

    return e == ERR_OK ? e : FAIL(w, e, "the stream could not begin");
}

enum err follow_start(struct follow *f, struct http_req *req,
                      const struct follow_what *what, struct why *w)
{
    struct follower *i;
    enum err e;

    if (f->count == FOLLOW_MAX)
        return FAIL(w, ERR_BUSY, "%d clients watch tasks already", FOLLOW_MAX);
    i = mem_zalloc(sizeof(*i));
    if (i == NULL)
        return FAIL(w, ERR_NOMEM, "no memory for another stream");
    *i = (struct follower){.owner = f,
                           .ref = req->ref,
                           .seq = what->after,
                           .out = BUF_INIT(OUT_MAX),
                           .over = what->over,
                           .cancels = what->cancels};
    if (!str_z(what->task, i->task.text, sizeof(i->task.text))) {
        mem_free(i);
        return FAIL(w, ERR_RANGE, "not the id of a task");
    }
    http_follow(req, &events, i);
    e = begin(req, w);
    if (e != ERR_OK) {
        http_follow(req, &(struct http_events){0}, NULL);
        mem_free(i);
        return e;
    }
    i->next = f->all;
    f->all = i;
    f->count++;
    catch_up(i);
    return ERR_OK;
}
