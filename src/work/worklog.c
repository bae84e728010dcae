/*
 * worklog.c - the schema, and everything that changes it. Reading for clients
 * is in worklog_json.c.
 *
 * The row of a task repeats what its events say (that is the log that people
 * query); it is written in the transaction of the event it comes from, and
 * only from the folded progress, so the two cannot disagree.
 */
#include "work/worklog.h"

#include "data/json.h"
#include "data/jsonw.h"
#include "store/migrate.h"

/* clang-format off */
static const struct migration steps[] = {
    {1, "tasks, events, reviews",
     "CREATE TABLE task ("
     " id TEXT PRIMARY KEY, created_ms BIGINT NOT NULL, done_ms BIGINT,"
     " spec TEXT NOT NULL, prompt TEXT NOT NULL, language TEXT NOT NULL,"
     " idem TEXT UNIQUE, state TEXT NOT NULL, type TEXT, complexity BIGINT,"
     " worker TEXT, checker TEXT, verdict TEXT, reason TEXT,"
     " attempts BIGINT NOT NULL, escalations BIGINT NOT NULL,"
     " validation TEXT, latency_ms BIGINT, tokens_in BIGINT NOT NULL,"
     " tokens_out BIGINT NOT NULL, cost DOUBLE PRECISION NOT NULL,"
     " code TEXT);"
     "CREATE INDEX task_state ON task (state, id);"
     "CREATE TABLE event ("
     " task TEXT NOT NULL, seq BIGINT NOT NULL, at_ms BIGINT NOT NULL,"
     " name TEXT NOT NULL, data TEXT NOT NULL, PRIMARY KEY (task, seq));"
     "CREATE TABLE review ("
     " task TEXT PRIMARY KEY, opened_ms BIGINT NOT NULL, reason TEXT NOT NULL,"
     " decided_ms BIGINT, action TEXT);"
     "CREATE INDEX review_open ON review (decided_ms, opened_ms);"},
};
/* clang-format on */

enum err worklog_open(struct worklog *l, struct str url,
                      int64_t (*now_ms)(void), struct why *w)
{
    CLEANUP(db_closep) struct db *db = NULL;

    TRY(db_open(&db, url, NULL, w));
    TRY(migrate_up(db, steps, COUNTOF(steps), now_ms(), w));
    *l = (struct worklog){TAKE(db), now_ms};
    return ERR_OK;
}

void worklog_close(struct worklog *l)
{
    if (l->db != NULL)
        db_close(l->db);
    l->db = NULL;
}

/* ---- events ------------------------------------------------------------------ */

enum err worklog_event_json(uint64_t seq, struct str id, int64_t at,
                            struct str members, struct buf *out)
{
    struct jsonw w = JSONW_INIT(out);
    size_t before = out->len;
    enum err e;

    jsonw_obj(&w);
    jsonw_key_u64(&w, "seq", seq);
    jsonw_key_str(&w, "task", id);
    jsonw_key_i64(&w, "at", at);
    jsonw_obj_end(&w);
    TRY(jsonw_end(&w));
    if (members.n <= 2) /* "{}" */
        return ERR_OK;
    out->data[out->len - 1] = ',';
    e = buf_add(out, str_sub(members, 1, SIZE_MAX));
    if (e != ERR_OK)
        out->data[out->len = before] = '\0';
    return e;
}

static enum err insert_event(struct worklog *l, struct str id, uint64_t seq,
                             int64_t at, enum event_id e, struct str data,
                             struct why *w)
{
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;

    TRY(db_prepare(l->db,
                   "INSERT INTO event (task, seq, at_ms, name, data)"
                   " VALUES (?1, ?2, ?3, ?4, ?5)",
                   &st, w));
    db_bind_text(st, 1, id);
    db_bind_i64(st, 2, (int64_t)seq);
    db_bind_i64(st, 3, at);
    db_bind_text(st, 4, str_c(event_name(e)));
    db_bind_text(st, 5, data);
    return db_run(st, w);
}

/* ---- the row of the task --------------------------------------------------------- */

/* "syntax, compile, tests": what the verdict rests on. */
static enum err validation(const struct progress *p, struct buf *out)
{
    for (int c = 0; c < CHECK_COUNT; c++) {
        if (!p->plan.need.checks[c] || !p->passed[c])
            continue;
        TRY(buf_printf(out, "%s%s", out->len != 0 ? ", " : "",
                       check_id_name((enum check_id)c)));
    }
    return ERR_OK;
}

static void bind_or_null(struct db_stmt *st, int at, struct str v)
{
    if (v.n != 0)
        db_bind_text(st, at, v);
    else
        db_bind_null(st, at);
}

static enum err update_task(struct worklog *l, struct str id,
                            const struct progress *p, int64_t at,
                            struct str reason, struct why *w)
{
    CLEANUP(buf_done) struct buf checks = BUF_INIT(256);
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;

    TRY(validation(p, &checks));
    TRY(db_prepare(
        l->db,
        "UPDATE task SET state = ?2, type = ?3, complexity = ?4,"
        " worker = ?5, verdict = ?6, attempts = ?7,"
        " escalations = ?8, validation = ?9, tokens_in = ?10,"
        " tokens_out = ?11, code = ?12, done_ms = COALESCE(done_ms, ?13),"
        " latency_ms = COALESCE(latency_ms, ?14), reason = ?15"
        " WHERE id = ?1",
        &st, w));
    db_bind_text(st, 1, id);
    db_bind_text(st, 2, p->is_done ? STR("done") : STR("running"));
    bind_or_null(st, 3, str_c(p->is_classified ? kind_name(p->kind) : ""));
    db_bind_i64(st, 4, p->complexity);
    bind_or_null(st, 5, str_c(progress_worker(p)));
    bind_or_null(st, 6, str_c(p->is_done ? verdict_name(p->verdict) : ""));
    db_bind_i64(st, 7, p->attempts);
    db_bind_i64(st, 8, p->escalations);
    bind_or_null(st, 9, buf_str(&checks));
    db_bind_i64(st, 10, (int64_t)p->tokens_in);
    db_bind_i64(st, 11, (int64_t)p->tokens_out);
    bind_or_null(st, 12, buf_str(&p->code));
    if (p->is_done) {
        db_bind_i64(st, 13, at);
        db_bind_i64(st, 14, MAX(at - p->created_ms, 0));
    }
    bind_or_null(st, 15, reason);
    return db_run(st, w);
}

/* A statement about the review of ?1, at ?2, with the words ?3. */
static enum err review(struct worklog *l, const char *sql, struct str id,
                       int64_t at, struct str words, struct why *w)
{
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;

    TRY(db_prepare(l->db, sql, &st, w));
    db_bind_text(st, 1, id);
    db_bind_i64(st, 2, at);
    db_bind_text(st, 3, words);
    return db_run(st, w);
}

static enum err close_review(struct worklog *l, struct str id, int64_t at,
                             struct str action, struct why *w)
{
    TRY(review(l,
               "UPDATE review SET decided_ms = ?2, action = ?3"
               " WHERE task = ?1 AND decided_ms IS NULL",
               id, at, action, w));
    if (db_changes(l->db) != 1)
        return FAIL(w, ERR_EXISTS, "this task waits for no decision");
    return ERR_OK;
}

/* What the event changes besides being stored. */
static enum err effects(struct worklog *l, struct str id,
                        const struct progress *p, enum event_id e, int64_t at,
                        struct str members, struct why *w)
{
    CLEANUP(json_done) struct json_doc doc = JSON_DOC_INIT;
    struct json v;
    struct str reason;

    TRY(json_parse(&doc, members, NULL, w));
    v = json_root(&doc);
    reason = json_str(json_get(v, "reason"));
    if (e == EVENT_TASK_REVIEW)
        TRY(review(l,
                   "INSERT INTO review (task, opened_ms, reason)"
                   " VALUES (?1, ?2, ?3)",
                   id, at, reason, w));
    if (e == EVENT_REVIEW_DECIDED)
        TRY(close_review(l, id, at, json_str(json_get(v, "action")), w));
    return update_task(l, id, p, at,
                       e == EVENT_TASK_DONE ? reason : str_c(p->reason), w);
}

enum err worklog_append(struct worklog *l, struct str id, struct progress *p,
                        enum event_id e, struct str members, struct buf *data,
                        struct why *w)
{
    CLEANUP(buf_done) struct buf json = BUF_INIT(EVENT_DATA_MAX);
    CLEANUP(db_tx_done) struct db_tx tx = {l->db};
    bool ends = e == EVENT_TASK_DONE || e == EVENT_REVIEW_DECIDED;
    int64_t at = l->now_ms();
    uint64_t seq = p->seq + 1;

    TRY(worklog_event_json(seq, id, at, members, &json));
    /* What a power cut takes from the middle of a task is done again. */
    TRY(db_begin(tx.db, ends ? DB_DURABLE : DB_RELAXED, w));
    TRY(insert_event(l, id, seq, at, e, buf_str(&json), w));
    TRY(progress_fold(p, e, buf_str(&json), w));
    TRY(effects(l, id, p, e, at, members, w));
    TRY(db_commit(tx.db, w));
    return data != NULL ? buf_add(data, buf_str(&json)) : ERR_OK;
}

static enum err fold_row(void *ctx, uint64_t seq, struct str name,
                         struct str data)
{
    enum event_id e;

    (void)seq;
    if (!event_parse(name, &e))
        return ERR_PARSE;
    return progress_fold(ctx, e, data, NULL);
}

enum err worklog_progress(struct worklog *l, struct str id, struct progress *p,
                          struct why *w)
{
    enum err e = worklog_events(l, id, 0, fold_row, p, w);

    if (e == ERR_PARSE)
        return FAIL(w, ERR_STORE,
                    "the events of task %.*s do not fit together: the "
                    "database is damaged or of a newer hearth",
                    STR_ARG(id));
    TRY(e);
    if (p->seq == 0)
        return FAIL(w, ERR_NOTFOUND, "there is no task %.*s", STR_ARG(id));
    return ERR_OK;
}

enum err worklog_events(struct worklog *l, struct str id, uint64_t after,
                        worklog_event_fn *each, void *ctx, struct why *w)
{
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;
    bool row = true;

    TRY(db_prepare(l->db,
                   "SELECT seq, name, data FROM event"
                   " WHERE task = ?1 AND seq > ?2 ORDER BY seq",
                   &st, w));
    db_bind_text(st, 1, id);
    db_bind_i64(st, 2, (int64_t)MIN(after, (uint64_t)INT64_MAX));
    for (;;) {
        TRY(db_step(st, &row, w));
        if (!row)
            return ERR_OK;
        TRY(each(ctx, (uint64_t)db_col_i64(st, 0), db_col_text(st, 1),
                 db_col_text(st, 2)));
    }
}

/* ---- tasks --------------------------------------------------------------------------- */

static enum err find_idem(struct worklog *l, struct str idem, struct id *taken,
                          struct why *w)
{
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;
    bool row = false;

    if (idem.n == 0)
        return ERR_OK;
    TRY(db_prepare(l->db, "SELECT id FROM task WHERE idem = ?1", &st, w));
    db_bind_text(st, 1, idem);
    TRY(db_step(st, &row, w));
    if (!row)
        return ERR_OK;
    if (!str_z(db_col_text(st, 0), taken->text, sizeof(taken->text)))
        return FAIL(w, ERR_STORE, "a task has an id of a strange form");
    return FAIL(w, ERR_EXISTS, "a task with this idempotency key is there");
}

static enum err insert_task(struct worklog *l, const struct worklog_new *n,
                            int64_t at, struct why *w)
{
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;

    TRY(db_prepare(l->db,
                   "INSERT INTO task (id, created_ms, spec, prompt, language,"
                   " idem, state, attempts, escalations, tokens_in,"
                   " tokens_out, cost)"
                   " VALUES (?1, ?2, ?3, ?4, ?5, ?6, 'queued', 0, 0, 0, 0, 0)",
                   &st, w));
    db_bind_text(st, 1, n->id);
    db_bind_i64(st, 2, at);
    db_bind_text(st, 3, n->spec);
    db_bind_text(st, 4, n->prompt);
    db_bind_text(st, 5, n->language);
    bind_or_null(st, 6, n->idem);
    return db_run(st, w);
}

enum err worklog_create(struct worklog *l, const struct worklog_new *n,
                        struct id *taken, struct why *w)
{
    CLEANUP(buf_done) struct buf json = BUF_INIT(EVENT_DATA_MAX);
    CLEANUP(db_tx_done) struct db_tx tx = {l->db};
    int64_t at = l->now_ms();

    TRY(worklog_event_json(1, n->id, at, n->created, &json));
    TRY(db_begin(tx.db, DB_DURABLE, w));
    TRY(find_idem(l, n->idem, taken, w));
    TRY(insert_task(l, n, at, w));
    TRY(insert_event(l, n->id, 1, at, EVENT_TASK_CREATED, buf_str(&json), w));
    return db_commit(tx.db, w);
}

enum err worklog_spec(struct worklog *l, struct str id, struct buf *spec,
                      struct why *w)
{
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;
    bool row = false;

    TRY(db_prepare(l->db, "SELECT spec FROM task WHERE id = ?1", &st, w));
    db_bind_text(st, 1, id);
    TRY(db_step(st, &row, w));
    if (!row)
        return FAIL(w, ERR_NOTFOUND, "there is no task %.*s", STR_ARG(id));
    return buf_add(spec, db_col_text(st, 0));
}

enum err worklog_unfinished(struct worklog *l, worklog_id_fn *each, void *ctx,
                            struct why *w)
{
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;
    bool row = true;

    TRY(db_prepare(l->db,
                   "SELECT id FROM task WHERE state <> 'done' ORDER BY id", &st,
                   w));
    for (;;) {
        TRY(db_step(st, &row, w));
        if (!row)
            return ERR_OK;
        TRY(each(ctx, db_col_text(st, 0)));
    }
}
