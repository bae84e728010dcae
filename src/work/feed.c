#include "work/feed.h"

#include <pthread.h>

#include "base/id.h"
#include "base/mem.h"

struct item {
    struct item *next;
    enum event_id e;
    char task[ID_MAX];
    size_t len;
    char data[];
};

struct feed {
    struct loop *loop;
    struct feed_handler handler;
    struct task wake;
    pthread_mutex_t lock;
    struct item *first, **last;
    size_t count, bytes;
    bool lost;
};

static void deliver(void *ctx)
{
    struct feed *f = ctx;
    struct item *items;
    bool lost;

    (void)pthread_mutex_lock(&f->lock);
    items = f->first;
    f->first = NULL;
    f->last = &f->first;
    f->count = f->bytes = 0;
    lost = f->lost;
    f->lost = false;
    (void)pthread_mutex_unlock(&f->lock);
    while (items != NULL) {
        struct item *i = items;

        items = i->next;
        f->handler.on_event(f->handler.ctx, str_c(i->task), i->e,
                            (struct str){i->data, i->len});
        mem_free(i);
    }
    if (lost)
        f->handler.on_lost(f->handler.ctx);
}

enum err feed_new(struct loop *l, const struct feed_handler *h,
                  struct feed **out, struct why *w)
{
    struct feed *f = mem_zalloc(sizeof(*f));

    if (f == NULL || pthread_mutex_init(&f->lock, NULL) != 0) {
        mem_free(f);
        return FAIL(w, ERR_NOMEM, "no memory for the feed of events");
    }
    f->loop = l;
    f->handler = *h;
    f->last = &f->first;
    task_init(&f->wake, deliver, f);
    *out = f;
    return ERR_OK;
}

void feed_free(struct feed *f)
{
    if (f == NULL)
        return;
    loop_cancel(f->loop, &f->wake);
    while (f->first != NULL) {
        struct item *i = f->first;

        f->first = i->next;
        mem_free(i);
    }
    (void)pthread_mutex_destroy(&f->lock);
    mem_free(f);
}

void feed_push(struct feed *f, struct str task, enum event_id e,
               struct str data)
{
    struct item *i =
        data.n <= FEED_BYTES_MAX ? mem_alloc(sizeof(*i) + data.n) : NULL;

    if (i != NULL) {
        *i = (struct item){.e = e, .len = data.n};
        memcpy(i->data, data.p, data.n);
        if (!str_z(task, i->task, sizeof(i->task))) {
            mem_free(i);
            return;
        }
    }
    (void)pthread_mutex_lock(&f->lock);
    if (i != NULL && f->count < FEED_COUNT_MAX
        && f->bytes + data.n <= FEED_BYTES_MAX) {
        f->count++;
        f->bytes += data.n;
        *f->last = i;
        f->last = &i->next;
        i = NULL;
    } else {
        f->lost = true;
    }
    (void)pthread_mutex_unlock(&f->lock);
    mem_free(i);
    loop_post(f->loop, &f->wake);
}
