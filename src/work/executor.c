/*
 * executor.c - one function per step of progress.h. None decides what comes
 * next; each does its work and stores one event.
 */
#include "work/executor.h"

#include "data/jsonw.h"
#include "work/check.h"
#include "work/classify.h"
#include "work/examples.h"
#include "work/executor_in.h"

enum { MEMBERS_MAX = EVENT_DATA_MAX - 4096 };

/* ---- events ---------------------------------------------------------------------- */

struct jsonw *executor_begin(struct executor_task *r)
{
    buf_clear(&r->members);
    r->w = JSONW_INIT(&r->members);
    jsonw_obj(&r->w);
    return &r->w;
}

static void tell(struct executor_task *r, enum event_id e, struct str data)
{
    if (r->e->on_event != NULL)
        r->e->on_event(r->e->ctx, r->task, e, data);
}

/* Ends what `begin` began: stores, folds, tells. */
enum err executor_commit(struct executor_task *r, enum event_id e)
{
    CLEANUP(buf_done) struct buf data = BUF_INIT(EVENT_DATA_MAX);

    jsonw_obj_end(&r->w);
    TRY(jsonw_end(&r->w));
    TRY(worklog_append(r->log, r->task, &r->p, e, buf_str(&r->members), &data,
                       r->why));
    tell(r, e, buf_str(&data));
    return ERR_OK;
}

/* The same for what is only shown. Nothing depends on it. */
void executor_show(struct executor_task *r, enum event_id e)
{
    CLEANUP(buf_done) struct buf data = BUF_INIT(EVENT_DATA_MAX);

    jsonw_obj_end(&r->w);
    if (jsonw_end(&r->w) == ERR_OK
        && worklog_event_json(r->p.seq, r->task, r->log->now_ms(),
                              buf_str(&r->members), &data)
               == ERR_OK)
        tell(r, e, buf_str(&data));
}

/* ---- the end ------------------------------------------------------------------------ */

static void put_checks(struct executor_task *r, struct jsonw *w)
{
    jsonw_key_arr(w, "checks");
    for (int c = 0; c < CHECK_COUNT; c++) {
        bool failed = r->p.is_failed && (int)r->p.failed_check == c;

        if (!r->p.passed[c] && !failed)
            continue;
        jsonw_obj(w);
        jsonw_key_cstr(w, "check", check_id_name((enum check_id)c));
        jsonw_key_bool(w, "passed", r->p.passed[c]);
        jsonw_obj_end(w);
    }
    jsonw_arr_end(w);
}

static enum err end(struct executor_task *r, enum verdict v, const char *reason)
{
    int64_t ms = r->log->now_ms() - r->p.created_ms;
    struct jsonw *w = executor_begin(r);

    jsonw_key_cstr(w, "verdict", verdict_name(v));
    jsonw_key_cstr(w, "reason", reason);
    jsonw_key_cstr(w, "model", progress_worker(&r->p));
    jsonw_key_u64(w, "attempts", r->p.attempts);
    jsonw_key_u64(w, "escalations", r->p.escalations);
    jsonw_key_u64(w, "tokens_in", r->p.tokens_in);
    jsonw_key_u64(w, "tokens_out", r->p.tokens_out);
    jsonw_key_u64(w, "ms", (uint64_t)MAX(ms, 0));
    jsonw_key_u64(w, "cost", 0); /* local models only in this chain */
    jsonw_key_str(w, "code", buf_str(&r->p.code));
    put_checks(r, w);
    return executor_commit(r, EVENT_TASK_DONE);
}

bool executor_is_interrupted(const struct executor_task *r)
{
    return r->signal != NULL && atomic_load(&r->signal->interrupted);
}

static enum err stop(struct executor_task *r)
{
    if (atomic_load(&r->signal->reason) == EXECUTOR_STOP)
        return FAIL(r->why, ERR_SHUTDOWN,
                    "stopped; taken up at the next start");
    return end(r, VERDICT_CANCELLED, "cancelled");
}

/* What went wrong is ours, not a model's. */
enum err executor_give_up(struct executor_task *r, const struct why *why)
{
    struct why copy = *why;

    if (executor_is_interrupted(r))
        return stop(r);
    return end(r, VERDICT_ERROR, err_why(&copy));
}

/* ---- classify --------------------------------------------------------------------------- */

struct tests {
    struct buf found;
    struct str text, entry;
    size_t count;
    const char *from; /* "request", "words", "none" */
};

static void tests_done(struct tests *t)
{
    buf_done(&t->found);
}

/* The tests of the request, else those in the words of the task. */
static enum err find_tests(struct executor_task *r, struct tests *t)
{
    const struct request *q = &r->request;

    t->entry = q->entry;
    t->text = buf_str(&q->tests);
    if (str_trim(t->text).n != 0) {
        struct str rest = t->text, line;

        t->from = "request";
        while (str_line(&rest, &line))
            t->count += str_trim(line).n != 0;
        if (t->entry.n == 0) {
            CLEANUP(buf_done) struct buf ignored = BUF_INIT(1 << 20);
            size_t n;

            TRY(examples_find(t->text, q->lang, STR_EMPTY, &ignored, &n,
                              &t->entry));
        }
        return ERR_OK;
    }
    TRY(examples_find(q->prompt, q->lang, q->entry, &t->found, &t->count,
                      t->entry.n == 0 ? &t->entry : NULL));
    t->text = buf_str(&t->found);
    t->from = t->count != 0 ? "words" : "none";
    return ERR_OK;
}

static void put_reasons(struct jsonw *w, const struct classify *c,
                        const struct request *q)
{
    jsonw_key_cstr(w, "by",
                   q->has_type || q->has_complexity ? "user" : "rules");
    jsonw_key_bool(w, "unsure", c->unsure);
    jsonw_key_arr(w, "reasons");
    if (q->has_type || q->has_complexity)
        jsonw_cstr(w, "chosen in the request");
    for (size_t i = 0; i < c->n_reasons; i++)
        jsonw_cstr(w, c->reasons[i]);
    if (c->unsure && !q->has_type)
        jsonw_cstr(w, "no rule fits; taken for a standard task");
    jsonw_arr_end(w);
}

static void put_plan(struct jsonw *w, const struct matrix_plan *plan)
{
    jsonw_key_arr(w, "required");
    for (int c = 0; c < CHECK_COUNT; c++)
        if (plan->need.checks[c])
            jsonw_cstr(w, check_id_name((enum check_id)c));
    jsonw_arr_end(w);
    jsonw_key_bool(w, "person", plan->need.person);
    jsonw_key_cstr(w, "if_passed", verdict_name(plan->need.if_passed));
    jsonw_key_arr(w, "tiers");
    for (size_t i = 0; i < plan->n_tiers; i++)
        jsonw_cstr(w, plan->tiers[i]);
    jsonw_arr_end(w);
    jsonw_key_u64(w, "attempts", plan->attempts);
}

/* The user's choice of type wins; a complexity alone chooses the type. */
static void choose(const struct request *q, struct classify *c)
{
    if (q->has_complexity)
        c->complexity = q->complexity;
    if (q->has_type)
        c->kind = q->type;
    else if (q->has_complexity)
        c->kind = kind_of_complexity(q->complexity);
    c->complexity = kind_clamp(c->kind, c->complexity);
}

static enum err do_classify(struct executor_task *r)
{
    CLEANUP(tests_done) struct tests t = {.found = BUF_INIT(1 << 18)};
    struct matrix_plan plan;
    struct classify c;
    struct jsonw *w;

    TRY(find_tests(r, &t));
    TRY(matrix_chain(str_c(r->e->tiers), r->e->attempts, &plan, r->why));
    classify(r->request.prompt, &c);
    choose(&r->request, &c);
    plan.need = matrix_need(c.kind, t.count != 0);
    w = executor_begin(r);
    jsonw_key_cstr(w, "type", kind_name(c.kind));
    jsonw_key_cstr(w, "words", kind_text(c.kind));
    jsonw_key_u64(w, "complexity", c.complexity);
    put_reasons(w, &c, &r->request);
    put_plan(w, &plan);
    jsonw_key_str(w, "entry", t.entry);
    jsonw_key_u64(w, "tests", t.count);
    jsonw_key_cstr(w, "tests_from", t.from);
    jsonw_key_str(w, "test_text", t.text);
    return executor_commit(r, EVENT_TASK_CLASSIFIED);
}

/* ---- tiers ---------------------------------------------------------------------- */

static enum err do_tier(struct executor_task *r)
{
    struct jsonw *w = executor_begin(r);

    r->deaths = r->refused_ms = 0;
    jsonw_key_u64(w, "tier", r->p.tier + 1);
    jsonw_key_cstr(w, "model", progress_model(&r->p));
    return executor_commit(r, EVENT_TIER_STARTED);
}

enum err executor_escalate(struct executor_task *r, const char *reason)
{
    struct jsonw *w = executor_begin(r);
    size_t next = r->p.tier + 1;

    jsonw_key_cstr(w, "from", progress_model(&r->p));
    jsonw_key_cstr(w, "to",
                   next < r->p.plan.n_tiers ? r->p.plan.tiers[next] : "review");
    jsonw_key_cstr(w, "reason", reason);
    return executor_commit(r, EVENT_TIER_ESCALATED);
}

/* ---- checks ----------------------------------------------------------------------------------------- */

static enum err store_check(struct executor_task *r, enum check_id check,
                            const struct check_result *result)
{
    struct jsonw *w = executor_begin(r);

    jsonw_key_cstr(w, "check", check_id_name(check));
    jsonw_key_bool(w, "passed", result->passed);
    jsonw_key_f64(w, "ms", (double)result->us / 1000);
    jsonw_key_str(w, "evidence", buf_str(&result->evidence));
    if (result->tests != 0)
        jsonw_key_u64(w, "tests", result->tests);
    jsonw_key_str(w, "output", buf_str(&result->output));
    return executor_commit(r, EVENT_CHECK_RESULT);
}

static enum err run_check(struct executor_task *r, enum check_id check,
                          struct check_result *result, struct why *why)
{
    struct workdir workdir CLEANUP(workdir_done) = {.task_dir = ""};
    struct check_job job = {.lang = r->request.lang,
                            .code = buf_str(&r->p.code),
                            .tests = buf_str(&r->p.tests),
                            .entry = str_c(r->p.entry),
                            .workdir = &workdir,
                            .time_ms = r->e->check_ms,
                            .cancel_fd =
                                r->signal != NULL ? r->signal->fd : -1};

    TRY(workdir_open(&workdir, r->e->state, r->task, r->p.attempts, why));
    TRY(workdir_put(&workdir, job.lang, job.code, why));
    return check_run(check, &job, result, why);
}

static enum err do_check(struct executor_task *r, enum check_id check)
{
    CLEANUP(check_result_done) struct check_result result = CHECK_RESULT_INIT;
    struct why why = WHY_INIT;
    struct jsonw *w = executor_begin(r);
    enum err e;

    jsonw_key_cstr(w, "check", check_id_name(check));
    executor_show(r, EVENT_CHECK_STARTED);
    e = run_check(r, check, &result, &why);
    if (e != ERR_OK) {
        if (why.code == ERR_OK)
            (void)FAIL(&why, e, "the check %s could not be run: %s",
                       check_id_name(check), err_text(e));
        return executor_give_up(r, &why);
    }
    return store_check(r, check, &result);
}

static enum err do_fail(struct executor_task *r)
{
    struct jsonw *w = executor_begin(r);

    jsonw_key_u64(w, "attempt", r->p.attempt);
    jsonw_key_cstr(w, "model", progress_model(&r->p));
    jsonw_key_cstr(w, "check", check_id_name(r->p.failed_check));
    jsonw_key_str(w, "evidence", buf_str(&r->p.evidence));
    return executor_commit(r, EVENT_ATTEMPT_FAILED);
}

static enum err do_escalate(struct executor_task *r)
{
    char reason[PROGRESS_REASON_MAX];

    (void)snprintf(reason, sizeof(reason),
                   "%u attempt%s failed; the last: %.*s", r->p.attempt,
                   r->p.attempt == 1 ? "" : "s",
                   STR_ARG(str_sub(buf_str(&r->p.evidence), 0, 300)));
    return executor_escalate(r, reason);
}

/* ---- review and end -------------------------------------------------------------------------------------- */

/* Why the machine does not decide alone. */
static void review_reason(const struct executor_task *r, char *out, size_t cap)
{
    if (r->p.tier >= r->p.plan.n_tiers)
        (void)snprintf(out, cap, "no model of the chain did it: %.300s",
                       r->p.reason);
    else if (!r->p.plan.need.checks[CHECK_TESTS])
        (void)snprintf(out, cap,
                       "nothing failed, but without tests nothing proves that "
                       "the code does what was asked");
    else
        (void)snprintf(out, cap,
                       "every check passed; a task of the kind \"%s\" needs a "
                       "person's word too",
                       kind_text(r->p.kind));
}

static enum err do_review(struct executor_task *r)
{
    char reason[PROGRESS_REASON_MAX];
    struct jsonw *w;

    review_reason(r, reason, sizeof(reason));
    w = executor_begin(r);
    jsonw_key_cstr(w, "reason", reason);
    return executor_commit(r, EVENT_TASK_REVIEW);
}

static enum err do_end(struct executor_task *r, enum verdict v)
{
    char reason[PROGRESS_REASON_MAX];

    switch (v) {
    case VERDICT_VERIFIED:
        return end(r, v, "");
    case VERDICT_CHECKED:
        return end(r, v, "checked: syntax, compile, load; not tested");
    default:
        (void)snprintf(reason, sizeof(reason), "%s", r->p.reason);
        return end(r, v, reason);
    }
}

static enum err do_step(struct executor_task *r, const struct progress_step *s)
{
    switch (s->step) {
    case STEP_CLASSIFY:
        return do_classify(r);
    case STEP_TIER:
        return do_tier(r);
    case STEP_ATTEMPT:
        return executor_attempt(r, s->attempt);
    case STEP_CHECK:
        return do_check(r, s->check);
    case STEP_FAIL:
        return do_fail(r);
    case STEP_ESCALATE:
        return do_escalate(r);
    case STEP_REVIEW:
        return do_review(r);
    case STEP_END:
        return do_end(r, s->verdict);
    case STEP_NONE:
    default:
        return ERR_OK;
    }
}

/* ---- life ---------------------------------------------------------------------------------------------------- */

static void run_done(struct executor_task *r)
{
    request_done(&r->request);
    progress_done(&r->p);
    buf_done(&r->members);
}

static enum err load(struct executor_task *r)
{
    CLEANUP(buf_done) struct buf spec = BUF_INIT(REQUEST_BODY_MAX * 2);
    struct jsonw *w;

    TRY(worklog_spec(r->log, r->task, &spec, r->why));
    TRY(request_parse(buf_str(&spec), &r->request, r->why));
    TRY(worklog_progress(r->log, r->task, &r->p, r->why));
    if (r->p.seq <= 1 || r->p.is_done)
        return ERR_OK; /* fresh, or over */
    w = executor_begin(r);
    jsonw_key_u64(w, "after", r->p.seq);
    return executor_commit(r, EVENT_TASK_RESUMED);
}

enum err executor_run(const struct executor *e, struct worklog *log,
                      struct str task, struct executor_signal *signal,
                      struct why *w)
{
    CLEANUP(run_done)
    struct executor_task r = {.e = e,
                              .log = log,
                              .signal = signal,
                              .task = task,
                              .members = BUF_INIT(MEMBERS_MAX),
                              .why = w};

    progress_init(&r.p);
    TRY(load(&r));
    for (;;) {
        struct progress_step s = progress_next(&r.p);

        if (s.step == STEP_NONE)
            return ERR_OK;
        if (executor_is_interrupted(&r))
            TRY(stop(&r));
        else
            TRY(do_step(&r, &s));
    }
}
