/*
 * crew.c - one lock, one condition. Jobs stand in a list in their order; a
 * running job keeps its place so that it can be found for cancelling.
 */
#include "work/crew.h"

#include <pthread.h>

#include "base/mem.h"
#include "sys/clock.h"
#include "sys/fd.h"
#include "sys/log.h"

enum {
    TRIES_MAX = 5,      /* of a task whose trace could not be written */
    TRY_AGAIN_MS = 1000 /* between them */
};

struct job {
    struct job *next;
    struct id id;
    bool running;
    unsigned tries;
    struct executor_signal signal;
    int signal_end; /* writing here makes signal.fd readable */
};

struct crew {
    struct crew_opts opts;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    pthread_t threads[CREW_THREADS_MAX];
    unsigned n_threads;
    struct job *jobs; /* oldest first */
    struct crew_count count;
    bool stopping;
};

static struct str job_id(const struct job *j)
{
    return str_c(j->id.text);
}

static void job_free(struct job *j)
{
    fd_close(j->signal.fd);
    fd_close(j->signal_end);
    mem_free(j);
}

static enum err job_new(struct str id, struct job **out, struct why *w)
{
    struct job *j = mem_zalloc(sizeof(*j));
    int ends[2] = {-1, -1};
    enum err e;

    if (j == NULL)
        return FAIL(w, ERR_NOMEM, "no memory for another task");
    if (!str_z(id, j->id.text, sizeof(j->id.text))) {
        mem_free(j);
        return FAIL(w, ERR_RANGE, "not the id of a task");
    }
    e = fd_pipe(ends, w);
    if (e != ERR_OK) {
        mem_free(j);
        return e;
    }
    j->signal.fd = ends[0];
    j->signal_end = ends[1];
    *out = j;
    return ERR_OK;
}

static void interrupt(struct job *j, enum executor_reason reason)
{
    if (atomic_load(&j->signal.interrupted))
        return;
    atomic_store(&j->signal.reason, (int)reason);
    atomic_store(&j->signal.interrupted, true);
    IGNORE(fd_write_all(j->signal_end, STR("x"))); /* the pipe is empty */
}

/* ---- with the lock held --------------------------------------------------------- */

static struct job *find(struct crew *c, struct str id)
{
    struct job *j = c->jobs;

    while (j != NULL && !str_eq(job_id(j), id))
        j = j->next;
    return j;
}

static struct job *next_waiting(struct crew *c)
{
    struct job *j = c->jobs;

    while (j != NULL && j->running)
        j = j->next;
    return j;
}

static void append(struct crew *c, struct job *j)
{
    struct job **at = &c->jobs;

    while (*at != NULL)
        at = &(*at)->next;
    j->next = NULL;
    *at = j;
    c->count.waiting++;
}

static void drop(struct crew *c, struct job *j)
{
    struct job **at = &c->jobs;

    while (*at != j)
        at = &(*at)->next;
    *at = j->next;
}

/* ---- the threads ------------------------------------------------------------------ */

static enum err run(struct crew *c, struct worklog *log, struct job *j)
{
    struct why why = WHY_INIT;
    enum err e = ERR_OK;

    if (log->db == NULL)
        e = worklog_open(log, str_c(c->opts.url), c->opts.now_ms, &why);
    if (e == ERR_OK)
        e = executor_run(c->opts.executor, log, job_id(j), &j->signal, &why);
    if (e != ERR_OK && e != ERR_SHUTDOWN) {
        LOG(ERROR, WORK, "task_stopped", LOG_S("task", j->id.text), LOG_ERR(e),
            LOG_WHY(&why));
        worklog_close(log); /* a fresh handle next time */
    }
    return e;
}

/* The trace could not be written (disk full, say): later, a bounded number of
 * times; after that at the next start. */
static void later(struct crew *c, struct job *j)
{
    uint64_t until = clock_us() + TRY_AGAIN_MS * UINT64_C(1000);

    (void)pthread_mutex_unlock(&c->lock);
    IGNORE(fd_wait(j->signal.fd, FD_READ, until));
    (void)pthread_mutex_lock(&c->lock);
    j->tries++;
    j->running = false;
    append(c, j);
}

static void *work(void *ctx)
{
    struct crew *c = ctx;
    struct worklog log = {.db = NULL};

    (void)pthread_mutex_lock(&c->lock);
    while (!c->stopping) {
        struct job *j = next_waiting(c);
        enum err e;

        if (j == NULL) {
            (void)pthread_cond_wait(&c->changed, &c->lock);
            continue;
        }
        j->running = true;
        c->count.waiting--;
        c->count.running++;
        (void)pthread_mutex_unlock(&c->lock);
        e = run(c, &log, j);
        (void)pthread_mutex_lock(&c->lock);
        c->count.running--;
        drop(c, j);
        if (e != ERR_OK && e != ERR_SHUTDOWN && e != ERR_NOTFOUND
            && j->tries < TRIES_MAX)
            later(c, j);
        else
            job_free(j);
    }
    (void)pthread_mutex_unlock(&c->lock);
    worklog_close(&log);
    return NULL;
}

/* ---- from outside --------------------------------------------------------------------- */

enum err crew_new(const struct crew_opts *o, struct crew **out, struct why *w)
{
    struct crew *c = mem_zalloc(sizeof(*c));

    if (c == NULL)
        return FAIL(w, ERR_NOMEM, "no memory for the crew");
    c->opts = *o;
    if (pthread_mutex_init(&c->lock, NULL) != 0
        || pthread_cond_init(&c->changed, NULL) != 0) {
        mem_free(c);
        return FAIL(w, ERR_NOMEM, "no memory for a lock");
    }
    while (c->n_threads < MIN(o->threads, CREW_THREADS_MAX)) {
        if (pthread_create(&c->threads[c->n_threads], NULL, work, c) != 0) {
            crew_free(c);
            return FAIL(w, ERR_NOMEM, "no thread can be started");
        }
        c->n_threads++;
    }
    *out = c;
    return ERR_OK;
}

bool crew_has_room(struct crew *c)
{
    return crew_count(c).waiting < c->opts.waiting_max;
}

struct crew_count crew_count(struct crew *c)
{
    struct crew_count n;

    (void)pthread_mutex_lock(&c->lock);
    n = c->count;
    (void)pthread_mutex_unlock(&c->lock);
    return n;
}

enum err crew_add(struct crew *c, struct str id, bool resumed, struct why *w)
{
    struct job *j = NULL;
    bool full, known;

    TRY(job_new(id, &j, w));
    (void)pthread_mutex_lock(&c->lock);
    full = !resumed && c->count.waiting >= c->opts.waiting_max;
    known = find(c, id) != NULL;
    if (!full && !known) {
        append(c, TAKE(j));
        (void)pthread_cond_signal(&c->changed);
    }
    (void)pthread_mutex_unlock(&c->lock);
    if (j != NULL)
        job_free(j);
    if (full && !known)
        return FAIL(w, ERR_BUSY, "%u tasks wait already", c->opts.waiting_max);
    return ERR_OK;
}

bool crew_cancel(struct crew *c, struct str id)
{
    struct job *j;

    (void)pthread_mutex_lock(&c->lock);
    j = find(c, id);
    if (j != NULL)
        interrupt(j, EXECUTOR_CANCEL);
    (void)pthread_mutex_unlock(&c->lock);
    return j != NULL;
}

void crew_free(struct crew *c)
{
    if (c == NULL)
        return;
    (void)pthread_mutex_lock(&c->lock);
    c->stopping = true;
    for (struct job *j = c->jobs; j != NULL; j = j->next)
        interrupt(j, EXECUTOR_STOP);
    (void)pthread_cond_broadcast(&c->changed);
    (void)pthread_mutex_unlock(&c->lock);
    for (unsigned i = 0; i < c->n_threads; i++)
        (void)pthread_join(c->threads[i], NULL);
    while (c->jobs != NULL) {
        struct job *j = c->jobs;

        c->jobs = j->next;
        job_free(j);
    }
    (void)pthread_cond_destroy(&c->changed);
    (void)pthread_mutex_destroy(&c->lock);
    mem_free(c);
}
