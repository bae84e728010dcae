/*
 * executor_ask.c - one attempt: the words, the model, the answer, and what to
 * do when nobody answers.
 */
#include "data/jsonw.h"
#include "sys/clock.h"
#include "sys/fd.h"
#include "work/executor_in.h"
#include "work/extract.h"
#include "work/prompt.h"

enum { DEATHS_MAX = 3 /* of a model process on one question */ };

static void on_text(void *ctx, struct str piece)
{
    struct executor_task *r = ctx;
    struct jsonw *w = executor_begin(r);

    jsonw_key_str(w, "text", piece);
    executor_show(r, EVENT_ATTEMPT_DELTA);
}

/* Sleeps before the next try to reach a model. ERR_TIMEOUT: patience is over. */
static enum err wait_for_models(struct executor_task *r, const struct why *why)
{
    uint64_t until;
    struct jsonw *w = executor_begin(r);
    struct why copy = *why;

    if (r->waited_ms >= r->e->patience_ms)
        return ERR_TIMEOUT;
    r->wait_ms = r->wait_ms == 0 ? r->e->wait_ms
                                 : MIN(r->wait_ms * 2, r->e->wait_most_ms);
    jsonw_key_cstr(w, "reason", err_why(&copy));
    jsonw_key_u64(w, "retry_ms", r->wait_ms);
    executor_show(r, EVENT_TASK_WAITING);
    r->waited_ms += r->wait_ms;
    until = clock_us() + r->wait_ms * UINT64_C(1000);
    if (r->signal != NULL && r->signal->fd != -1)
        IGNORE(fd_wait(r->signal->fd, FD_READ, until));
    else
        clock_sleep_ms(r->wait_ms);
    return ERR_OK;
}

enum ask_end { ASKED, ASK_UNUSABLE, ASK_ERROR };

/* This model will not answer this question, however often it is asked. */
static bool is_refusal(enum err e)
{
    int status = err_http(e);

    return !err_retryable(e) && status >= 400 && status < 500
           && e != ERR_CANCELLED && e != ERR_DENIED && e != ERR_AUTH;
}

/* Somebody answered, and not that others are served first. */
static bool is_there(enum err e)
{
    return e != ERR_IO && e != ERR_EOF && e != ERR_BUSY;
}

/* Asks until there is an answer, or it is clear that there will be none. */
static enum ask_end ask(struct executor_task *r, struct asker_question *q,
                        struct asker_answer *out, struct why *why)
{
    for (;;) {
        enum err e;

        asker_answer_done(out);
        *out = ASKER_ANSWER_INIT;
        *why = WHY_INIT;
        e = r->e->asker.ask(r->e->asker.ctx, q, out, why);
        if (e == ERR_OK) {
            r->waited_ms = r->wait_ms = r->refused_ms = 0;
            return ASKED;
        }
        if (why->code == ERR_OK)
            (void)FAIL(why, e, "the model could not be asked: %s", err_text(e));
        if (executor_is_interrupted(r))
            return ASK_ERROR;
        if (is_there(e) && r->refused_ms >= r->e->model_patience_ms)
            return ASK_UNUSABLE;
        if (is_refusal(e)
            || ((e == ERR_RUNNER || e == ERR_MODEL)
                && ++r->deaths >= DEATHS_MAX))
            return ASK_UNUSABLE;
        if (!err_retryable(e) && e != ERR_EOF && e != ERR_IO)
            return ASK_ERROR;
        if (wait_for_models(r, why) != ERR_OK || executor_is_interrupted(r))
            return ASK_ERROR;
        r->refused_ms += is_there(e) ? r->wait_ms : 0;
    }
}

static uint64_t seed_of(const struct executor_task *r)
{
    return str_hash(r->task, r->p.attempts) & INT32_MAX;
}

static enum err begin_attempt(struct executor_task *r, unsigned attempt,
                              double temperature)
{
    struct jsonw *w = executor_begin(r);

    jsonw_key_u64(w, "attempt", attempt);
    jsonw_key_cstr(w, "model", progress_model(&r->p));
    jsonw_key_str(w, "evidence",
                  r->p.code.len != 0 ? buf_str(&r->p.evidence) : STR_EMPTY);
    jsonw_key_f64(w, "temperature", temperature);
    if (temperature > 0)
        jsonw_key_u64(w, "seed", seed_of(r));
    return executor_commit(r, EVENT_ATTEMPT_STARTED);
}

/* An answer without code gives an empty `code`: the first check says so. */
static enum err code_of(struct executor_task *r, const struct asker_answer *a,
                        struct buf *code)
{
    enum err e = extract_code(buf_str(&a->text), r->request.lang,
                              str_c(r->p.entry), code);

    return e == ERR_NOTFOUND || e == ERR_LIMIT ? ERR_OK : e;
}

static enum err store_answer(struct executor_task *r,
                             const struct asker_answer *a, struct str code,
                             bool repeats, uint64_t us)
{
    struct jsonw *w = executor_begin(r);

    jsonw_key_u64(w, "attempt", r->p.attempt);
    jsonw_key_cstr(w, "model", progress_model(&r->p));
    jsonw_key_str(w, "text", buf_str(&a->text));
    jsonw_key_str(w, "code", code);
    jsonw_key_bool(w, "repeats", repeats);
    jsonw_key_cstr(w, "finish", a->finish);
    jsonw_key_u64(w, "tokens_in", a->tokens_in);
    jsonw_key_u64(w, "tokens_out", a->tokens_out);
    jsonw_key_u64(w, "ms", us / 1000);
    return executor_commit(r, EVENT_ATTEMPT_ANSWER);
}

/* A model that writes the same code again is asked once more, less strictly. */
static enum ask_end ask_again(struct executor_task *r, struct asker_question *q,
                              struct asker_answer *a, struct why *why)
{
    uint64_t in = a->tokens_in, out = a->tokens_out;
    struct jsonw *w = executor_begin(r);
    enum ask_end end;

    q->temperature = 0.7;
    q->seed = seed_of(r);
    jsonw_key_f64(w, "temperature", q->temperature);
    jsonw_key_u64(w, "seed", q->seed);
    executor_show(r, EVENT_ATTEMPT_REPEATED);
    end = ask(r, q, a, why);
    a->tokens_in += in;
    a->tokens_out += out;
    return end;
}

static enum err not_asked(struct executor_task *r, enum ask_end how,
                          const struct why *why)
{
    char reason[PROGRESS_REASON_MAX];

    if (how == ASK_ERROR)
        return executor_give_up(r, why);
    (void)snprintf(reason, sizeof(reason), "%s cannot be used: %.300s",
                   progress_model(&r->p), err_why(why));
    return executor_escalate(r, reason);
}

enum err executor_attempt(struct executor_task *r, unsigned attempt)
{
    CLEANUP(buf_done) struct buf user = BUF_INIT(1 << 20);
    CLEANUP(buf_done) struct buf old = BUF_INIT(EXTRACT_CODE_MAX);
    CLEANUP(buf_done) struct buf code = BUF_INIT(EXTRACT_CODE_MAX);
    CLEANUP(asker_answer_done) struct asker_answer a = ASKER_ANSWER_INIT;
    /* Without code to show there is nothing to correct: ask differently. */
    bool retries = attempt > 1, shows = retries && r->p.code.len != 0;
    double temperature = retries && !shows ? 0.7 : 0;
    struct asker_question q = {
        .model = str_c(progress_model(&r->p)),
        .system = prompt_system(r->request.lang),
        .temperature = temperature,
        .seed = seed_of(r),
        .on_text = on_text,
        .ctx = r,
        .cancel = r->signal != NULL ? &r->signal->interrupted : NULL};
    struct why why = WHY_INIT;
    uint64_t from = clock_us();
    enum ask_end how;
    bool repeats = false;

    TRY(prompt_user(r->request.prompt, r->request.lang,
                    shows ? buf_str(&r->p.code) : STR_EMPTY,
                    shows ? buf_str(&r->p.evidence) : STR_EMPTY, &user));
    TRY(buf_add(&old, buf_str(&r->p.code)));
    TRY(begin_attempt(r, attempt, temperature));
    q.user = buf_str(&user);
    how = ask(r, &q, &a, &why);
    if (how == ASKED)
        TRY(code_of(r, &a, &code));
    if (how == ASKED && shows && str_eq(buf_str(&code), buf_str(&old))) {
        repeats = true;
        how = ask_again(r, &q, &a, &why);
        buf_clear(&code);
        if (how == ASKED)
            TRY(code_of(r, &a, &code));
    }
    if (how != ASKED)
        return not_asked(r, how, &why);
    return store_answer(r, &a, buf_str(&code), repeats, clock_us() - from);
}
