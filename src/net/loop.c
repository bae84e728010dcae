#include "net/loop.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <uv.h>

#include "base/mem.h"

enum { SIGNALS_MAX = 16 };

struct loop {
    uv_loop_t uv;
    uv_timer_t alarm; /* the earliest deadline of `timers` */
    uv_timer_t nap;   /* bounds one loop_run_once */
    uv_prepare_t before_sleep;
    uv_check_t after_sleep;
    uv_async_t wake;
    uv_signal_t sigchld;
    struct timers timers;
    uint64_t alarm_at; /* UINT64_MAX: off */
    pthread_mutex_t lock;
    struct task *tasks, **tasks_end; /* under lock */
    atomic_bool stop;
    struct child_watch *children;
    struct task check_children;
    size_t signals;
};

/* The loop that this thread is inside of. libuv keeps its time then, and it
 * need not be woken: it looks for tasks before and after each sleep. */
static _Thread_local struct loop *inside;

static void free_handle(uv_handle_t *h)
{
    mem_free(h->data);
}

static uv_handle_t *as_handle(void *h)
{
    return h;
}

/* ---- timers ---- */

static void set_alarm(struct loop *l);

static void on_alarm(uv_timer_t *t)
{
    struct loop *l = CONTAINER_OF(t, struct loop, alarm);

    l->alarm_at = UINT64_MAX;
    timer_run(&l->timers, uv_now(&l->uv));
    set_alarm(l);
}

static void set_alarm(struct loop *l)
{
    uint64_t at = timer_next(&l->timers), now = uv_now(&l->uv);

    if (at == l->alarm_at)
        return;
    l->alarm_at = at;
    if (at == UINT64_MAX)
        (void)uv_timer_stop(&l->alarm);
    else /* fails only without a callback */
        (void)uv_timer_start(&l->alarm, on_alarm, at > now ? at - now : 0, 0);
}

uint64_t loop_now(const struct loop *l)
{
    return uv_now(&l->uv);
}

void loop_timer_start(struct loop *l, struct timer *t, uint64_t delay_ms)
{
    if (inside != l)
        uv_update_time(&l->uv);
    timer_start(&l->timers, t, uv_now(&l->uv) + delay_ms);
}

/* ---- tasks ---- */

void task_init(struct task *t, void (*fn)(void *ctx), void *ctx)
{
    *t = (struct task){.fn = fn, .ctx = ctx};
}

void loop_post(struct loop *l, struct task *t)
{
    (void)pthread_mutex_lock(&l->lock);
    if (!t->is_posted) {
        t->is_posted = true;
        t->next = NULL;
        *l->tasks_end = t;
        l->tasks_end = &t->next;
    }
    (void)pthread_mutex_unlock(&l->lock);
    if (inside != l)
        (void)uv_async_send(&l->wake);
}

void loop_cancel(struct loop *l, struct task *t)
{
    (void)pthread_mutex_lock(&l->lock);
    for (struct task **p = &l->tasks; t->is_posted && *p != NULL;
         p = &(*p)->next) {
        if (*p != t)
            continue;
        *p = t->next;
        if (t->next == NULL)
            l->tasks_end = p;
        t->is_posted = false;
        break;
    }
    (void)pthread_mutex_unlock(&l->lock);
}

static struct task *pop_task(struct loop *l)
{
    struct task *t;

    (void)pthread_mutex_lock(&l->lock);
    t = l->tasks;
    if (t != NULL) {
        l->tasks = t->next;
        if (l->tasks == NULL)
            l->tasks_end = &l->tasks;
        t->is_posted = false;
    }
    (void)pthread_mutex_unlock(&l->lock);
    return t;
}

/* Those that are there now: a task that posts itself again must not keep the
 * others waiting, nor the descriptors. True: there are more. */
static bool run_tasks(struct loop *l)
{
    size_t budget = 0;
    struct task *t;

    (void)pthread_mutex_lock(&l->lock);
    for (t = l->tasks; t != NULL; t = t->next)
        budget++;
    (void)pthread_mutex_unlock(&l->lock);
    while (budget-- != 0 && (t = pop_task(l)) != NULL)
        t->fn(t->ctx);
    (void)pthread_mutex_lock(&l->lock);
    t = l->tasks;
    (void)pthread_mutex_unlock(&l->lock);
    return t != NULL;
}

static void on_before_sleep(uv_prepare_t *p)
{
    struct loop *l = CONTAINER_OF(p, struct loop, before_sleep);

    timer_run(&l->timers, uv_now(&l->uv)); /* those that were set for now */
    if (run_tasks(l))
        (void)uv_async_send(&l->wake); /* sleep not */
    set_alarm(l);
}

static void on_after_sleep(uv_check_t *c)
{
    struct loop *l = CONTAINER_OF(c, struct loop, after_sleep);

    if (atomic_load(&l->stop))
        uv_stop(&l->uv);
    else
        (void)run_tasks(l); /* on_before_sleep runs the rest */
}

/* It ends the sleep, and that is all. */
static void on_wake(uv_async_t *a)
{
    (void)a;
}

/* ---- descriptors ---- */

struct watch {
    uv_poll_t uv;
    void (*fn)(void *ctx, unsigned events);
    void *ctx;
    unsigned events;
};

static void on_poll(uv_poll_t *p, int status, int events)
{
    struct watch *w = CONTAINER_OF(p, struct watch, uv);
    unsigned e = 0;

    if (status < 0) { /* libuv stopped it; the next read says why */
        w->events = 0;
        w->fn(w->ctx, WATCH_READ | WATCH_HANGUP);
        return;
    }
    e |= (events & UV_READABLE) != 0 ? WATCH_READ : 0;
    e |= (events & UV_WRITABLE) != 0 ? WATCH_WRITE : 0;
    e |= (events & UV_DISCONNECT) != 0 ? WATCH_HANGUP : 0;
    w->fn(w->ctx, e);
}

enum err watch_open(struct loop *l, int fd,
                    void (*fn)(void *ctx, unsigned events), void *ctx,
                    struct watch **out, struct why *why)
{
    struct watch *w = mem_zalloc(sizeof(*w));
    int e;

    if (w == NULL)
        return FAIL(why, ERR_NOMEM, "no memory to watch a descriptor");
    e = uv_poll_init(&l->uv, &w->uv, fd);
    if (e != 0) {
        mem_free(w);
        return FAIL(why, e == UV_ENOMEM ? ERR_NOMEM : ERR_IO,
                    "cannot watch descriptor %d: %s", fd, uv_strerror(e));
    }
    w->uv.data = w;
    w->fn = fn;
    w->ctx = ctx;
    *out = w;
    return ERR_OK;
}

enum err watch_set(struct watch *w, unsigned events)
{
    int want = 0;

    if (events == w->events)
        return ERR_OK;
    want |= (events & WATCH_READ) != 0 ? UV_READABLE : 0;
    want |= (events & WATCH_WRITE) != 0 ? UV_WRITABLE : 0;
    want |= (events & WATCH_HANGUP) != 0 ? UV_DISCONNECT : 0;
    if (want == 0)
        (void)uv_poll_stop(&w->uv);
    else if (uv_poll_start(&w->uv, want, on_poll) != 0)
        return ERR_IO;
    w->events = events;
    return ERR_OK;
}

void watch_close(struct watch *w)
{
    if (w != NULL)
        uv_close(as_handle(&w->uv), free_handle);
}

/* ---- signals ---- */

struct sig {
    uv_signal_t uv;
    void (*fn)(void *ctx, int signo);
    void *ctx;
};

static void on_signal(uv_signal_t *s, int signo)
{
    struct sig *sig = CONTAINER_OF(s, struct sig, uv);

    sig->fn(sig->ctx, signo);
}

enum err loop_on_signal(struct loop *l, int signo,
                        void (*fn)(void *ctx, int signo), void *ctx,
                        struct why *why)
{
    struct sig *sig;
    int e;

    if (l->signals == SIGNALS_MAX)
        return FAIL(why, ERR_LIMIT, "more than %d signal handlers",
                    SIGNALS_MAX);
    sig = mem_zalloc(sizeof(*sig));
    if (sig == NULL)
        return FAIL(why, ERR_NOMEM, "no memory for a signal handler");
    sig->fn = fn;
    sig->ctx = ctx;
    e = uv_signal_init(&l->uv, &sig->uv);
    if (e != 0) {
        mem_free(sig);
        return FAIL(why, ERR_IO, "signals: %s", uv_strerror(e));
    }
    sig->uv.data = sig;
    e = uv_signal_start(&sig->uv, on_signal, signo);
    if (e != 0) {
        uv_close(as_handle(&sig->uv), free_handle);
        return FAIL(why, ERR_IO, "signal %d: %s", signo, uv_strerror(e));
    }
    l->signals++;
    return ERR_OK;
}

/* ---- children ---- */

struct child_watch {
    struct child_watch *next;
    struct loop *loop;
    void (*fn)(void *ctx, int pid, int status);
    void *ctx;
    int pid;
};

/* Has it ended? Its status then; -1 when it is not ours to wait for. */
static bool reap(int pid, int *status)
{
    int got;

    do {
        got = waitpid(pid, status, WNOHANG);
    } while (got < 0 && errno == EINTR);
    if (got < 0)
        *status = -1;
    return got != 0;
}

static void check_children(void *ctx)
{
    struct loop *l = ctx;
    struct child_watch **p = &l->children, *c;
    int status;

    while ((c = *p) != NULL) {
        if (!reap(c->pid, &status)) {
            p = &c->next;
            continue;
        }
        *p = c->next;
        c->fn(c->ctx, c->pid, status);
        mem_free(c);
        p = &l->children; /* fn may have changed the list */
    }
}

static void on_sigchld(uv_signal_t *s, int signo)
{
    (void)signo;
    check_children(CONTAINER_OF(s, struct loop, sigchld));
}

enum err child_watch_open(struct loop *l, int pid,
                          void (*fn)(void *ctx, int pid, int status), void *ctx,
                          struct child_watch **out, struct why *why)
{
    struct child_watch *c = mem_zalloc(sizeof(*c));
    int e;

    if (c == NULL)
        return FAIL(why, ERR_NOMEM, "no memory to watch a child");
    e = uv_signal_start(&l->sigchld, on_sigchld, SIGCHLD);
    if (e != 0) {
        mem_free(c);
        return FAIL(why, ERR_IO, "SIGCHLD: %s", uv_strerror(e));
    }
    *c = (struct child_watch){l->children, l, fn, ctx, pid};
    l->children = c;
    loop_post(l, &l->check_children); /* it may have ended already */
    *out = c;
    return ERR_OK;
}

void child_watch_close(struct child_watch *c)
{
    if (c == NULL)
        return;
    for (struct child_watch **p = &c->loop->children; *p != NULL;
         p = &(*p)->next) {
        if (*p == c) {
            *p = c->next;
            break;
        }
    }
    mem_free(c);
}

/* ---- the loop ---- */

static int init_handles(struct loop *l)
{
    int e = uv_async_init(&l->uv, &l->wake, on_wake);

    if (e == 0)
        e = uv_timer_init(&l->uv, &l->alarm);
    if (e == 0)
        e = uv_timer_init(&l->uv, &l->nap);
    if (e == 0)
        e = uv_prepare_init(&l->uv, &l->before_sleep);
    if (e == 0)
        e = uv_prepare_start(&l->before_sleep, on_before_sleep);
    if (e == 0)
        e = uv_check_init(&l->uv, &l->after_sleep);
    if (e == 0)
        e = uv_check_start(&l->after_sleep, on_after_sleep);
    if (e == 0)
        e = uv_signal_init(&l->uv, &l->sigchld);
    return e;
}

enum err loop_new(struct loop **out, struct why *why)
{
    struct loop *l = mem_zalloc(sizeof(*l));
    int e;

    if (l == NULL)
        return FAIL(why, ERR_NOMEM, "no memory for an event loop");
    l->alarm_at = UINT64_MAX;
    l->tasks_end = &l->tasks;
    task_init(&l->check_children, check_children, l);
    (void)pthread_mutex_init(&l->lock, NULL); /* cannot fail on Linux, macOS */
    e = uv_loop_init(&l->uv);
    if (e != 0) {
        (void)pthread_mutex_destroy(&l->lock);
        mem_free(l);
        return FAIL(why, e == UV_ENOMEM ? ERR_NOMEM : ERR_IO,
                    "cannot make an event loop: %s", uv_strerror(e));
    }
    e = init_handles(l);
    if (e != 0) {
        loop_free(l);
        return FAIL(why, e == UV_ENOMEM ? ERR_NOMEM : ERR_IO,
                    "cannot make an event loop: %s", uv_strerror(e));
    }
    *out = l;
    return ERR_OK;
}

static void close_one(uv_handle_t *h, void *arg)
{
    (void)arg;
    if (!uv_is_closing(h))
        uv_close(h, free_handle);
}

void loop_free(struct loop *l)
{
    struct child_watch *c;

    if (l == NULL)
        return;
    uv_walk(&l->uv, close_one, NULL);
    (void)uv_run(&l->uv, UV_RUN_DEFAULT); /* only close callbacks are left */
    (void)uv_loop_close(&l->uv);
    while ((c = l->children) != NULL) {
        l->children = c->next;
        mem_free(c);
    }
    (void)pthread_mutex_destroy(&l->lock);
    mem_free(l);
}

static void run(struct loop *l, uv_run_mode mode)
{
    struct loop *before = inside;

    inside = l;
    (void)uv_run(&l->uv, mode);
    inside = before;
}

void loop_run(struct loop *l)
{
    while (!atomic_load(&l->stop))
        run(l, UV_RUN_DEFAULT);
    atomic_store(&l->stop, false);
}

static void on_nap(uv_timer_t *t)
{
    (void)t;
}

void loop_run_once(struct loop *l, unsigned wait_ms)
{
    uv_update_time(&l->uv);
    if (wait_ms != 0)
        (void)uv_timer_start(&l->nap, on_nap, wait_ms, 0);
    run(l, wait_ms != 0 ? UV_RUN_ONCE : UV_RUN_NOWAIT);
    (void)uv_timer_stop(&l->nap);
}

void loop_stop(struct loop *l)
{
    atomic_store(&l->stop, true);
    (void)uv_async_send(&l->wake);
}
