/* One task from words to verdict, with scripted answers of the models. */
#include "work/executor.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "data/json.h"
#include "sys/clock.h"
#include "sys/fstree.h"
#include "test.h"
#include "work/jail.h"
#include "work/prompt.h"
#include "work/request.h"

enum { ANSWERS_MAX = 8 };

/* What the models say, in order; NULL text: the error instead. */
struct scripted {
    const struct {
        const char *model, *text;
        enum err e;
    } answers[ANSWERS_MAX];
    unsigned asked;
    char users[ANSWERS_MAX][800];
    double temperatures[ANSWERS_MAX];
};

static enum err say(void *ctx, const struct asker_question *q,
                    struct asker_answer *out, struct why *w)
{
    struct scripted *s = ctx;
    unsigned i = s->asked++;

    CHECK(i < ANSWERS_MAX);
    CHECK(s->answers[i].model != NULL);
    CHECK(str_eq(q->model, str_c(s->answers[i].model)));
    (void)snprintf(s->users[i], sizeof(s->users[i]), "%.*s", STR_ARG(q->user));
    s->temperatures[i] = q->temperature;
    if (s->answers[i].text == NULL)
        return FAIL(w, s->answers[i].e, "scripted: %s",
                    err_name(s->answers[i].e));
    q->on_text(q->ctx, str_c(s->answers[i].text));
    out->tokens_in = 10;
    out->tokens_out = 5;
    (void)snprintf(out->finish, sizeof(out->finish), "stop");
    return buf_add_c(&out->text, s->answers[i].text);
}

struct world {
    char dir[FS_PATH_MAX];
    struct buf url;
    struct worklog log;
    struct executor executor;
    struct buf trace;   /* names of events, a line each */
    unsigned die_after; /* kill -9 ourselves after so many stored events */
    unsigned stored;
    struct progress end; /* what became of the task */
};

static void on_event(void *ctx, struct str task, enum event_id e,
                     struct str data)
{
    struct world *w = ctx;

    (void)task;
    (void)data;
    CHECK(buf_printf(&w->trace, "%s\n", event_name(e)) == ERR_OK);
    if (event_is_stored(e) && ++w->stored == w->die_after)
        (void)raise(SIGKILL);
}

static void world_open(struct world *w, struct scripted *s)
{
    struct why why = WHY_INIT;

    *w = (struct world){.url = BUF_INIT(FS_PATH_MAX),
                        .trace = BUF_INIT(1 << 20)};
    CHECK(fs_mkdir_temp("/tmp", "executor_test", w->dir, NULL) == ERR_OK);
    CHECK(buf_printf(&w->url, "sqlite:%s/work.db", w->dir) == ERR_OK);
    CHECK(worklog_open(&w->log, buf_str(&w->url), clock_unix_ms, &why)
          == ERR_OK);
    w->executor = EXECUTOR_DEFAULT;
    w->executor.asker = (struct asker){say, s};
    w->executor.on_event = on_event;
    w->executor.ctx = w;
    w->executor.state = w->dir;
    w->executor.tiers = "small,large";
    w->executor.wait_ms = w->executor.wait_most_ms = 1;
    w->executor.patience_ms = 5;
    progress_init(&w->end);
}

static void world_done(struct world *w)
{
    static const struct fstree_bounds all = {1000, 1 << 30, 16};

    progress_done(&w->end);
    worklog_close(&w->log);
    CHECK(fstree_remove(w->dir, &all, NULL) == ERR_OK);
    buf_done(&w->url);
    buf_done(&w->trace);
}

#define TASK_ID "task_01hqzw5x8k3m9v2t7r4n6p8s0a"

static void create(struct world *w, const char *spec)
{
    struct worklog_new n = {.id = STR(TASK_ID),
                            .spec = str_c(spec),
                            .prompt = STR("p"),
                            .language = STR("python"),
                            .idem = STR_EMPTY,
                            .created = STR("{\"prompt\":\"p\"}")};
    struct why why = WHY_INIT;
    struct id taken;

    CHECK(worklog_create(&w->log, &n, &taken, &why) == ERR_OK);
}

static void run(struct world *w)
{
    struct why why = WHY_INIT;
    enum err e = executor_run(&w->executor, &w->log, STR(TASK_ID), NULL, &why);

    if (e != ERR_OK)
        print_error("%s: %s\n", err_name(e), err_why(&why));
    CHECK(e == ERR_OK);
    CHECK(worklog_progress(&w->log, STR(TASK_ID), &w->end, &why) == ERR_OK);
}

static void create_and_run(struct world *w, const char *spec)
{
    create(w, spec);
    run(w);
}

/* A whole story: the task to its end, by models that say what is scripted. */
static void play(struct world *w, struct scripted *s, const char *spec)
{
    world_open(w, s);
    create_and_run(w, spec);
}

/* Runs the task with somebody who interrupts it at once. */
static enum err run_interrupted(struct world *w, int reason)
{
    struct executor_signal signal = {.fd = -1};

    atomic_store(&signal.reason, reason);
    atomic_store(&signal.interrupted, true);
    return executor_run(&w->executor, &w->log, STR(TASK_ID), &signal, NULL);
}

#define SQUARE                                                                 \
    "{\"prompt\":\"Write a Python function f(x) that returns x squared\","     \
    "\"entry\":\"f\",\"tests\":[\"assert f(2) == 4\",\"assert f(3) == 9\"]}"
#define GOOD "```python\ndef f(x):\n    return x * x\n```\n"
#define BAD  "```python\ndef f(x):\n    return x + 2\n```\n"

TEST(a_right_answer_is_verified_at_the_first_tier)
{
    struct scripted s = {.answers = {{"small", GOOD, ERR_OK}}};
    CLEANUP(world_done) struct world w = {0};

    play(&w, &s, SQUARE);
    CHECK(w.end.verdict == VERDICT_VERIFIED);
    CHECK(w.end.attempts == 1 && w.end.escalations == 0);
    CHECK(w.end.tokens_in == 10 && w.end.tokens_out == 5);
    CHECK(str_eq(buf_str(&w.end.code), STR("def f(x):\n    return x * x\n")));
    assert_string_equal(w.trace.data, "task.classified\n"
                                      "tier.started\n"
                                      "attempt.started\n"
                                      "attempt.delta\n"
                                      "attempt.answer\n"
                                      "check.started\ncheck.result\n"
                                      "check.started\ncheck.result\n"
                                      "check.started\ncheck.result\n"
                                      "task.done\n");
}

TEST(a_wrong_answer_is_retried_with_its_evidence_then_escalated)
{
    struct scripted s = {.answers = {{"small", BAD, ERR_OK},
                                     {"small", BAD, ERR_OK},
                                     {"small", BAD, ERR_OK},
                                     {"large", GOOD, ERR_OK}}};
    CLEANUP(world_done) struct world w = {0};

    play(&w, &s, SQUARE);
    CHECK(w.end.verdict == VERDICT_VERIFIED);
    CHECK(w.end.attempts == 3 && w.end.escalations == 1);
    CHECK(s.asked == 4); /* the repeated answer was asked for once more */
    CHECK(s.temperatures[1] == 0 && s.temperatures[2] > 0.6);
    assert_string_equal(
        s.users[1],
        "Write a Python function f(x) that returns x squared\n\n"
        "Previous attempt:\n```python\ndef f(x):\n    return x + 2\n"
        "```\nCheck failed: f(3) returned 5, expected 9\nFix it.");
    /* The larger model starts from the task alone. */
    assert_string_equal(s.users[3],
                        "Write a Python function f(x) that returns x squared");
}

TEST(when_no_model_does_it_a_person_is_asked)
{
    struct scripted s = {.answers = {{"small", BAD, ERR_OK},
                                     {"small", "no code here", ERR_OK},
                                     {"large", BAD, ERR_OK},
                                     {"large", BAD, ERR_OK},
                                     {"large", BAD, ERR_OK}}};
    CLEANUP(world_done) struct world w = {0};

    play(&w, &s, SQUARE);
    CHECK(w.end.verdict == VERDICT_FAILED);
    CHECK(w.end.attempts == 4 && w.end.escalations == 1 && w.end.in_review);
    CHECK(str_has(buf_str(&w.trace), STR("task.review\ntask.done\n")));
}

TEST(without_tests_a_standard_task_is_never_verified)
{
    struct scripted s = {.answers = {{"small", GOOD, ERR_OK}}};
    CLEANUP(world_done) struct world w = {0};

    play(&w, &s, "{\"prompt\":\"Write a Python function f(x)\"}");
    CHECK(w.end.verdict == VERDICT_UNPROVED && w.end.in_review);
    CHECK(w.end.passed[CHECK_LOAD] && !w.end.passed[CHECK_TESTS]);
}

TEST(without_tests_a_quick_edit_is_checked_and_says_so)
{
    struct scripted s = {.answers = {{"small", GOOD, ERR_OK}}};
    CLEANUP(world_done) struct world w = {0};

    play(&w, &s, "{\"prompt\":\"Rename the function g to f\"}");
    CHECK(w.end.kind == KIND_QUICK);
    CHECK(w.end.verdict == VERDICT_CHECKED && !w.end.in_review);
}

TEST(a_critical_task_goes_to_a_person_even_when_its_tests_pass)
{
    struct scripted s = {.answers = {{"small", GOOD, ERR_OK}}};
    CLEANUP(world_done) struct world w = {0};

    play(&w, &s,
         "{\"prompt\":\"Write f(x)\",\"type\":\"critical\","
         "\"tests\":[\"assert f(2) == 4\"]}");
    CHECK(w.end.kind == KIND_CRITICAL && w.end.complexity >= 9);
    CHECK(w.end.passed[CHECK_TESTS]);
    CHECK(w.end.verdict == VERDICT_UNPROVED && w.end.in_review);
}

TEST(examples_in_the_words_are_taken_as_tests)
{
    struct scripted s = {.answers = {{"small", GOOD, ERR_OK}}};
    CLEANUP(world_done) struct world w = {0};

    play(&w, &s, "{\"prompt\":\"Напиши функцию f: f(2) вернёт 4, f(3) -> 9\"}");
    CHECK(w.end.verdict == VERDICT_VERIFIED);
    CHECK(str_eq(str_c(w.end.entry), STR("f")));
    CHECK(str_eq(buf_str(&w.end.tests),
                 STR("assert f(2) == 4\nassert f(3) == 9\n")));
}

TEST(models_that_cannot_be_reached_are_waited_for)
{
    struct scripted s = {.answers = {{"small", NULL, ERR_IO},
                                     {"small", NULL, ERR_AGAIN},
                                     {"small", GOOD, ERR_OK}}};
    CLEANUP(world_done) struct world w = {0};

    play(&w, &s, SQUARE);
    CHECK(w.end.verdict == VERDICT_VERIFIED && w.end.attempts == 1);
    CHECK(str_has(buf_str(&w.trace), STR("task.waiting\ntask.waiting\n")));
}

TEST(patience_ends_in_an_error_that_is_not_the_models_fault)
{
    struct scripted s = {.answers = {{"small", NULL, ERR_IO},
                                     {"small", NULL, ERR_IO},
                                     {"small", NULL, ERR_IO},
                                     {"small", NULL, ERR_IO}}};
    CLEANUP(world_done) struct world w = {0};

    world_open(&w, &s);
    w.executor.patience_ms = 3;
    create_and_run(&w, SQUARE);
    CHECK(w.end.verdict == VERDICT_ERROR && !w.end.in_review && s.asked == 4);
}

TEST(a_model_that_cannot_is_left_for_the_next_one)
{
    struct scripted s = {.answers = {{"small", NULL, ERR_NOMODEL},
                                     {"large", NULL, ERR_RUNNER},
                                     {"large", NULL, ERR_RUNNER},
                                     {"large", GOOD, ERR_OK}}};
    CLEANUP(world_done) struct world w = {0};

    play(&w, &s, SQUARE);
    CHECK(w.end.verdict == VERDICT_VERIFIED && w.end.escalations == 1);
}

TEST(a_model_that_stays_unavailable_is_left_for_the_next_one)
{
    struct scripted s = {.answers = {{"small", NULL, ERR_NOMEM},
                                     {"small", NULL, ERR_AGAIN},
                                     {"small", NULL, ERR_AGAIN},
                                     {"large", GOOD, ERR_OK}}};
    CLEANUP(world_done) struct world w = {0};

    world_open(&w, &s);
    w.executor.model_patience_ms = 2;
    create_and_run(&w, SQUARE);
    CHECK(w.end.verdict == VERDICT_VERIFIED && w.end.escalations == 1);
}

TEST(a_cancelled_task_ends_as_cancelled)
{
    struct scripted s = {.asked = 0};
    CLEANUP(world_done) struct world w = {0};

    world_open(&w, &s);
    create(&w, SQUARE);
    CHECK(run_interrupted(&w, EXECUTOR_CANCEL) == ERR_OK);
    run(&w); /* over: nothing more happens */
    CHECK(w.end.verdict == VERDICT_CANCELLED && s.asked == 0);
}

TEST(a_stopped_task_is_left_for_the_next_life)
{
    struct scripted s = {.answers = {{"small", GOOD, ERR_OK}}};
    CLEANUP(world_done) struct world w = {0};

    world_open(&w, &s);
    create(&w, SQUARE);
    CHECK(run_interrupted(&w, EXECUTOR_STOP) == ERR_SHUTDOWN);
    run(&w);
    CHECK(w.end.verdict == VERDICT_VERIFIED);
}

/* Runs the task in a child that kills itself after the nth stored event. True
 * when it died so; false when the task was over before. */
static bool dies_after(struct world *w, unsigned nth)
{
    int status = 0;
    pid_t pid = fork();

    CHECK(pid >= 0);
    if (pid == 0) {
        struct worklog own = {.db = NULL};

        w->die_after = nth;
        w->stored = 0;
        if (worklog_open(&own, buf_str(&w->url), clock_unix_ms, NULL) != ERR_OK
            || executor_run(&w->executor, &own, STR(TASK_ID), NULL, NULL)
                   != ERR_OK)
            _exit(2);
        _exit(0);
    }
    CHECK(waitpid(pid, &status, 0) == pid);
    CHECK(WIFSIGNALED(status) ? WTERMSIG(status) == SIGKILL
                              : WEXITSTATUS(status) == 0);
    return WIFSIGNALED(status);
}

static enum err count_name(void *ctx, uint64_t seq, struct str name,
                           struct str data)
{
    unsigned *n = ctx;

    (void)seq;
    (void)data;
    n[0] += str_eq(name, STR("check.result"));
    n[1] += str_eq(name, STR("task.done"));
    n[2] += str_eq(name, STR("attempt.answer"));
    return ERR_OK;
}

/* Killed once after its nth event, then left alone: the same end as if never
 * killed; no finished check or answer is done again, none is lost. */
TEST(a_task_killed_at_any_event_goes_on_where_it_was)
{
    bool died = true;

    for (unsigned nth = 1; died; nth++) {
        struct scripted s = {.answers = {{"small", BAD, ERR_OK},
                                         {"small", GOOD, ERR_OK},
                                         {"small", GOOD, ERR_OK}}};
        unsigned counts[3] = {0};
        CLEANUP(world_done) struct world w = {0};

        world_open(&w, &s);
        create(&w, SQUARE);
        died = dies_after(&w, nth);
        /* The script goes on where the model was: its answers are stored. */
        CHECK(worklog_events(&w.log, STR(TASK_ID), 0, count_name, counts, NULL)
              == ERR_OK);
        s.asked = counts[2];
        run(&w);
        CHECK(w.end.verdict == VERDICT_VERIFIED && w.end.attempts == 2);
        memset(counts, 0, sizeof(counts));
        CHECK(worklog_events(&w.log, STR(TASK_ID), 0, count_name, counts, NULL)
              == ERR_OK);
        CHECK(counts[0] == 6 && counts[1] == 1 && counts[2] == 2);
    }
}
