#include "work/progress.h"

#include "data/json.h"

enum { TESTS_MAX = 256 << 10, SEQ_MAX = 1000000 };

void progress_init(struct progress *p)
{
    *p = (struct progress){.code = BUF_INIT(EXTRACT_CODE_MAX),
                           .evidence = BUF_INIT(4096),
                           .tests = BUF_INIT(TESTS_MAX)};
}

void progress_done(struct progress *p)
{
    buf_done(&p->code);
    buf_done(&p->evidence);
    buf_done(&p->tests);
}

const char *progress_model(const struct progress *p)
{
    return p->tier < p->plan.n_tiers ? p->plan.tiers[p->tier] : "";
}

const char *progress_worker(const struct progress *p)
{
    return p->worker != 0 ? p->plan.tiers[p->worker - 1] : "";
}

static enum err set(struct buf *b, struct str s)
{
    buf_clear(b);
    return buf_add(b, s);
}

/* Cuts what does not fit: these are texts for people. */
static void keep(char *dst, size_t cap, struct str s)
{
    s = str_sub(s, 0, cap - 1);
    if (!str_z(s, dst, cap))
        dst[0] = '\0';
}

static enum err opt_text(struct json v, const char *key, struct str *out,
                         struct why *w)
{
    *out = STR_EMPTY;
    return json_opt_str(v, key, out, w);
}

static enum err add_count(struct json v, const char *key, uint64_t *sum,
                          struct why *w)
{
    uint64_t n = 0;

    TRY(json_opt_u64(v, key, 0, UINT32_MAX, &n, w));
    *sum += n;
    return ERR_OK;
}

/* ---- one function per event that changes something -------------------------- */

static enum err on_created(struct progress *p, struct json v, struct why *w)
{
    return json_opt_i64(v, "at", 0, INT64_MAX, &p->created_ms, w);
}

static enum err read_need(struct progress *p, struct json v, struct why *w)
{
    struct json_iter it;
    struct json item;
    struct str key, name;
    enum check_id c;

    p->plan.need = (struct matrix_need){.if_passed = VERDICT_UNPROVED};
    TRY(json_get_arr(v, "required", &item, w));
    for (it = json_iter(item); json_next(&it, &key, &item);) {
        if (!check_id_parse(json_str(item), &c))
            return json_fail(item, ERR_PARSE, w, "is no check we know");
        p->plan.need.checks[c] = true;
    }
    TRY(json_get_bool(v, "person", &p->plan.need.person, w));
    TRY(json_get_str(v, "if_passed", &name, w));
    if (!verdict_parse(name, &p->plan.need.if_passed))
        return json_fail(v, ERR_PARSE, w, "has a verdict that we do not know");
    return ERR_OK;
}

static enum err read_plan(struct progress *p, struct json v, struct why *w)
{
    uint64_t attempts = 0;
    struct json_iter it;
    struct json item;
    struct str key;

    TRY(json_get_u64(v, "attempts", 1, MATRIX_ATTEMPTS_MAX, &attempts, w));
    TRY(json_get_arr(v, "tiers", &item, w));
    p->plan.attempts = (unsigned)attempts;
    p->plan.n_tiers = 0;
    for (it = json_iter(item); json_next(&it, &key, &item);) {
        if (p->plan.n_tiers == MATRIX_TIERS_MAX || json_str(item).n == 0
            || !str_z(json_str(item), p->plan.tiers[p->plan.n_tiers],
                      MATRIX_NAME_MAX))
            return json_fail(item, ERR_PARSE, w, "does not fit into a chain");
        p->plan.n_tiers++;
    }
    return read_need(p, v, w);
}

static enum err on_classified(struct progress *p, struct json v, struct why *w)
{
    struct str text;
    uint64_t complexity = 0;

    TRY(json_get_str(v, "type", &text, w));
    if (!kind_parse(text, &p->kind))
        return json_fail(v, ERR_PARSE, w, "has a type that we do not know");
    TRY(json_get_u64(v, "complexity", 0, 10, &complexity, w));
    p->complexity = (unsigned)complexity;
    TRY(opt_text(v, "entry", &text, w));
    keep(p->entry, sizeof(p->entry), text);
    TRY(opt_text(v, "test_text", &text, w));
    TRY(set(&p->tests, text));
    TRY(read_plan(p, v, w));
    p->is_classified = true;
    return ERR_OK;
}

static enum err on_tier(struct progress *p, struct json v, struct why *w)
{
    (void)v;
    (void)w;
    p->in_tier = true;
    p->attempt = 0;
    p->is_answered = p->is_failed = p->is_over = p->repeats = false;
    buf_clear(&p->evidence); /* a new model starts from the task alone */
    buf_clear(&p->code);
    return ERR_OK;
}

static enum err on_attempt(struct progress *p, struct json v, struct why *w)
{
    uint64_t n = 0;

    TRY(json_get_u64(v, "attempt", 1, MATRIX_ATTEMPTS_MAX, &n, w));
    if (n != p->attempt) /* else: asked again after a crash */
        p->attempts++;
    p->attempt = (unsigned)n;
    p->worker = MIN(p->tier + 1, p->plan.n_tiers);
    p->is_answered = p->is_failed = p->is_over = false;
    for (int c = 0; c < CHECK_COUNT; c++)
        p->passed[c] = false;
    return ERR_OK;
}

static enum err on_answer(struct progress *p, struct json v, struct why *w)
{
    struct str code;

    TRY(opt_text(v, "code", &code, w));
    TRY(set(&p->code, code));
    TRY(json_opt_bool(v, "repeats", &p->repeats, w));
    TRY(add_count(v, "tokens_in", &p->tokens_in, w));
    TRY(add_count(v, "tokens_out", &p->tokens_out, w));
    p->is_answered = true;
    p->answers++;
    return ERR_OK;
}

static enum err on_check(struct progress *p, struct json v, struct why *w)
{
    enum check_id c;
    struct str text;
    bool passed = false;

    TRY(json_get_str(v, "check", &text, w));
    if (!check_id_parse(text, &c))
        return json_fail(v, ERR_PARSE, w, "has a check that we do not know");
    TRY(json_get_bool(v, "passed", &passed, w));
    p->passed[c] = passed;
    if (passed)
        return ERR_OK;
    p->is_failed = true;
    p->failed_check = c;
    TRY(opt_text(v, "evidence", &text, w));
    return set(&p->evidence, text);
}

static enum err on_failed(struct progress *p, struct json v, struct why *w)
{
    (void)v;
    (void)w;
    p->is_over = true;
    return ERR_OK;
}

static enum err on_escalated(struct progress *p, struct json v, struct why *w)
{
    struct str text;

    TRY(opt_text(v, "reason", &text, w));
    keep(p->reason, sizeof(p->reason), text);
    p->tier++;
    if (p->tier < p->plan.n_tiers)
        p->escalations++;
    p->in_tier = false;
    return ERR_OK;
}

static enum err on_review(struct progress *p, struct json v, struct why *w)
{
    struct str text;

    TRY(opt_text(v, "reason", &text, w));
    keep(p->reason, sizeof(p->reason), text);
    p->in_review = true;
    return ERR_OK;
}

static enum err on_verdict(struct progress *p, struct json v, struct why *w)
{
    struct str text;

    TRY(json_get_str(v, "verdict", &text, w));
    if (!verdict_parse(text, &p->verdict))
        return json_fail(v, ERR_PARSE, w, "has a verdict that we do not know");
    p->is_decided = p->is_done; /* the second verdict is a person's */
    p->is_done = true;
    return ERR_OK;
}

static enum err on_decided(struct progress *p, struct json v, struct why *w)
{
    struct str code;

    TRY(opt_text(v, "code", &code, w));
    if (code.n != 0)
        TRY(set(&p->code, code));
    return on_verdict(p, v, w);
}

static enum err on_nothing(struct progress *p, struct json v, struct why *w)
{
    (void)p;
    (void)v;
    (void)w;
    return ERR_OK;
}

typedef enum err fold_fn(struct progress *p, struct json v, struct why *w);
static fold_fn *const folds[EVENT_COUNT] = {
    [EVENT_TASK_CREATED] = on_created,
    [EVENT_TASK_RESUMED] = on_nothing,
    [EVENT_TASK_CLASSIFIED] = on_classified,
    [EVENT_TASK_WAITING] = on_nothing,
    [EVENT_TIER_STARTED] = on_tier,
    [EVENT_ATTEMPT_STARTED] = on_attempt,
    [EVENT_ATTEMPT_DELTA] = on_nothing,
    [EVENT_ATTEMPT_REPEATED] = on_nothing,
    [EVENT_ATTEMPT_ANSWER] = on_answer,
    [EVENT_CHECK_STARTED] = on_nothing,
    [EVENT_CHECK_RESULT] = on_check,
    [EVENT_ATTEMPT_FAILED] = on_failed,
    [EVENT_TIER_ESCALATED] = on_escalated,
    [EVENT_TASK_REVIEW] = on_review,
    [EVENT_TASK_DONE] = on_verdict,
    [EVENT_REVIEW_DECIDED] = on_decided,
};

enum err progress_fold(struct progress *p, enum event_id e, struct str data,
                       struct why *w)
{
    CLEANUP(json_done) struct json_doc doc = JSON_DOC_INIT;
    uint64_t seq = 0;

    if (e >= EVENT_COUNT)
        return FAIL(w, ERR_PARSE, "an event that we do not know");
    TRY(json_parse(&doc, data, NULL, w));
    TRY(json_get_u64(json_root(&doc), "seq", 1, SEQ_MAX, &seq, w));
    TRY(folds[e](p, json_root(&doc), w));
    p->seq = seq;
    return ERR_OK;
}

/* ---- what next ----------------------------------------------------------------- */

/* All required checks passed: is that enough? */
static struct progress_step after_pass(const struct progress *p)
{
    if (p->plan.need.person && !p->in_review)
        return (struct progress_step){.step = STEP_REVIEW};
    return (struct progress_step){.step = STEP_END,
                                  .verdict = p->plan.need.if_passed};
}

static struct progress_step in_attempt(const struct progress *p)
{
    if (p->is_over) {
        if (p->attempt < p->plan.attempts)
            return (struct progress_step){.step = STEP_ATTEMPT,
                                          .attempt = p->attempt + 1};
        return (struct progress_step){.step = STEP_ESCALATE};
    }
    if (!p->is_answered) /* in flight when we died: once more */
        return (struct progress_step){.step = STEP_ATTEMPT,
                                      .attempt = MAX(p->attempt, 1)};
    if (p->is_failed)
        return (struct progress_step){.step = STEP_FAIL};
    for (int c = 0; c < CHECK_COUNT; c++)
        if (p->plan.need.checks[c] && !p->passed[c])
            return (struct progress_step){.step = STEP_CHECK,
                                          .check = (enum check_id)c};
    return after_pass(p);
}

struct progress_step progress_next(const struct progress *p)
{
    if (p->is_done)
        return (struct progress_step){.step = STEP_NONE};
    if (!p->is_classified)
        return (struct progress_step){.step = STEP_CLASSIFY};
    if (p->in_tier)
        return in_attempt(p);
    if (p->tier < p->plan.n_tiers)
        return (struct progress_step){.step = STEP_TIER};
    if (!p->in_review)
        return (struct progress_step){.step = STEP_REVIEW};
    return (struct progress_step){
        .step = STEP_END,
        /* Models that never said anything have not failed. */
        .verdict = p->answers != 0 ? VERDICT_FAILED : VERDICT_ERROR};
}
