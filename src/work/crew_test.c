#include "work/crew.h"

#include "fake/scratch.h"
#include "sys/clock.h"
#include "test.h"

enum { TASKS = 6 };

struct shop {
    struct scratch scratch;
    char url[512];
    struct worklog log;
    struct executor executor;
    struct crew *crew;
    atomic_uint asked, at_once, most;
    atomic_bool hold;
    char ids[TASKS][ID_MAX];
};

static enum err say(void *ctx, const struct asker_question *q,
                    struct asker_answer *out, struct why *w)
{
    struct shop *s = ctx;
    unsigned now = atomic_fetch_add(&s->at_once, 1) + 1;

    if (now > atomic_load(&s->most))
        atomic_store(&s->most, now);
    atomic_fetch_add(&s->asked, 1);
    while (atomic_load(&s->hold) && !atomic_load(q->cancel))
        clock_sleep_ms(1);
    atomic_fetch_sub(&s->at_once, 1);
    if (atomic_load(q->cancel))
        return FAIL(w, ERR_CANCELLED, "cancelled");
    return buf_add_c(&out->text, "no code");
}

static void shop_open(struct shop *s)
{
    *s = (struct shop){.scratch = scratch_make()};
    (void)snprintf(s->url, sizeof(s->url), "sqlite:%.400s/work.db",
                   s->scratch.dir);
    CHECK(worklog_open(&s->log, str_c(s->url), clock_unix_ms, NULL) == ERR_OK);
    for (int i = 0; i < TASKS; i++) {
        struct worklog_new n = {.spec = STR("{\"prompt\":\"p\"}"),
                                .prompt = STR("p"),
                                .language = STR("python"),
                                .idem = STR_EMPTY,
                                .created = STR("{}")};
        struct id taken;

        (void)snprintf(s->ids[i], ID_MAX, "task_01hqzw5x8k3m9v2t7r4n6p8s0%d",
                       i);
        n.id = str_c(s->ids[i]);
        CHECK(worklog_create(&s->log, &n, &taken, NULL) == ERR_OK);
    }
    s->executor = EXECUTOR_DEFAULT;
    s->executor.asker = (struct asker){say, s};
    s->executor.state = s->scratch.dir;
    s->executor.tiers = "m";
    s->executor.attempts = 1;
}

static void crew_open(struct shop *s, unsigned threads, unsigned waiting)
{
    const struct crew_opts o = {.executor = &s->executor,
                                .url = s->url,
                                .now_ms = clock_unix_ms,
                                .threads = threads,
                                .waiting_max = waiting};

    CHECK(crew_new(&o, &s->crew, NULL) == ERR_OK);
}

static void shop_done(struct shop *s)
{
    crew_free(s->crew);
    worklog_close(&s->log);
    scratch_done(&s->scratch);
}

/* A shop whose model holds every task that it is asked about. */
static void shop_busy(struct shop *s, unsigned threads, unsigned waiting)
{
    shop_open(s);
    atomic_store(&s->hold, true);
    crew_open(s, threads, waiting);
}

static void add(struct shop *s, int i)
{
    CHECK(crew_add(s->crew, str_c(s->ids[i]), true, NULL) == ERR_OK);
}

static void add_all(struct shop *s)
{
    for (int i = 0; i < TASKS; i++)
        add(s, i);
}

static enum err count(void *ctx, struct str id)
{
    (void)id;
    (*(unsigned *)ctx)++;
    return ERR_OK;
}

static unsigned unfinished(struct shop *s)
{
    unsigned n = 0;

    CHECK(worklog_unfinished(&s->log, count, &n, NULL) == ERR_OK);
    return n;
}

static void wait_until(struct shop *s, unsigned left)
{
    for (int i = 0; i < 3000 && unfinished(s) > left; i++)
        clock_sleep_ms(10);
    CHECK(unfinished(s) == left);
}

TEST(every_task_is_done_by_as_many_threads_as_there_are)
{
    struct shop s;

    shop_busy(&s, 2, TASKS);
    add_all(&s);
    while (atomic_load(&s.at_once) < 2)
        clock_sleep_ms(1);
    CHECK(crew_count(s.crew).waiting == TASKS - 2);
    atomic_store(&s.hold, false);
    wait_until(&s, 0);
    CHECK(atomic_load(&s.most) == 2 && atomic_load(&s.asked) == TASKS);
    shop_done(&s);
}

TEST(a_task_is_taken_once_and_the_queue_is_bounded)
{
    struct shop s;

    shop_busy(&s, 1, 1);
    add(&s, 0);
    while (crew_count(s.crew).running == 0)
        clock_sleep_ms(1);
    add(&s, 0);
    add(&s, 1);
    CHECK(!crew_has_room(s.crew));
    CHECK(crew_add(s.crew, str_c(s.ids[1]), false, NULL) == ERR_OK);
    CHECK(crew_add(s.crew, str_c(s.ids[2]), false, NULL) == ERR_BUSY);
    add(&s, 2); /* one of an earlier life is taken all the same */
    CHECK(crew_count(s.crew).waiting == 2);
    atomic_store(&s.hold, false);
    wait_until(&s, TASKS - 3);
    CHECK(atomic_load(&s.asked) == 3);
    shop_done(&s);
}

TEST(running_and_waiting_tasks_can_be_cancelled)
{
    struct shop s;

    shop_busy(&s, 1, TASKS);
    add(&s, 0);
    add(&s, 1);
    while (atomic_load(&s.asked) == 0)
        clock_sleep_ms(1);
    CHECK(crew_cancel(s.crew, str_c(s.ids[1])));
    CHECK(crew_cancel(s.crew, str_c(s.ids[0])));
    CHECK(!crew_cancel(s.crew, str_c(s.ids[2])));
    wait_until(&s, TASKS - 2);
    CHECK(atomic_load(&s.asked) == 1);
    shop_done(&s);
}

TEST(what_a_stop_interrupts_the_next_life_finishes)
{
    struct shop s;

    shop_busy(&s, 2, TASKS);
    add_all(&s);
    while (crew_count(s.crew).running < 2)
        clock_sleep_ms(1);
    crew_free(s.crew);
    CHECK(unfinished(&s) == TASKS); /* none lost, none ended */
    atomic_store(&s.hold, false);
    crew_open(&s, 2, TASKS);
    add_all(&s);
    wait_until(&s, 0);
    shop_done(&s);
}

TEST(a_task_that_is_not_in_the_database_is_dropped)
{
    struct shop s;

    shop_open(&s);
    crew_open(&s, 1, 5);
    CHECK(crew_add(s.crew, STR("task_01hqzw5x8k3m9v2t7r4n6p8zzz"), true, NULL)
          == ERR_OK);
    add(&s, 0);
    wait_until(&s, TASKS - 1);
    CHECK(crew_count(s.crew).waiting == 0);
    shop_done(&s);
}
