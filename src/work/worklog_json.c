/*
 * worklog_json.c - work.db as clients read it.
 */
#include "base/utf8.h"
#include "data/jsonw.h"
#include "work/worklog.h"

enum { HEADLINE_MAX = 400 /* bytes of the prompt in lists */ };

#define COLUMNS                                                                \
    "id, created_ms, done_ms, prompt, language, state, type, complexity,"      \
    " worker, checker, verdict, reason, attempts, escalations, validation,"    \
    " latency_ms, tokens_in, tokens_out, cost"

enum { COL_CODE = 19 };

/* In the order of COLUMNS: the member's name and how it is written. */
static const struct {
    const char *key;
    char type; /* t text, i integer, f number */
} columns[COL_CODE] = {
    {"id", 't'},       {"created_ms", 'i'},  {"done_ms", 'i'},
    {"prompt", 't'},   {"language", 't'},    {"state", 't'},
    {"type", 't'},     {"complexity", 'i'},  {"model", 't'},
    {"checker", 't'},  {"verdict", 't'},     {"reason", 't'},
    {"attempts", 'i'}, {"escalations", 'i'}, {"validation", 't'},
    {"ms", 'i'},       {"tokens_in", 'i'},   {"tokens_out", 'i'},
    {"cost", 'f'},
};

static void put_row(struct jsonw *w, struct db_stmt *st, size_t prompt_max)
{
    for (int c = 0; c < COL_CODE; c++) {
        struct str text = db_col_text(st, c);

        if (db_col_is_null(st, c))
            jsonw_key_null(w, columns[c].key);
        else if (columns[c].type == 'i')
            jsonw_key_i64(w, columns[c].key, db_col_i64(st, c));
        else if (columns[c].type == 'f')
            jsonw_key_f64(w, columns[c].key, db_col_f64(st, c));
        else
            jsonw_key_str(w, columns[c].key, utf8_cut(text, prompt_max));
    }
}

static enum err put_event(void *ctx, uint64_t seq, struct str name,
                          struct str data)
{
    struct jsonw *w = ctx;

    (void)seq;
    jsonw_obj(w);
    jsonw_key_str(w, "event", name);
    jsonw_key_raw(w, "data", data);
    jsonw_obj_end(w);
    return w->err;
}

enum err worklog_task_json(struct worklog *l, struct str id, bool whole,
                           struct buf *out, struct why *w)
{
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;
    struct jsonw jw = JSONW_INIT(out);
    bool row = false;

    TRY(db_prepare(l->db, "SELECT " COLUMNS ", code FROM task WHERE id = ?1",
                   &st, w));
    db_bind_text(st, 1, id);
    TRY(db_step(st, &row, w));
    if (!row)
        return FAIL(w, ERR_NOTFOUND, "there is no task %.*s",
                    STR_ARG(str_sub(id, 0, 60)));
    jsonw_obj(&jw);
    jsonw_key_cstr(&jw, "object", "task");
    put_row(&jw, st, SIZE_MAX);
    if (db_col_is_null(st, COL_CODE))
        jsonw_key_null(&jw, "code");
    else
        jsonw_key_str(&jw, "code", db_col_text(st, COL_CODE));
    if (whole) {
        jsonw_key_arr(&jw, "events");
        TRY(worklog_events(l, id, 0, put_event, &jw, w));
        jsonw_arr_end(&jw);
    }
    jsonw_obj_end(&jw);
    return jsonw_end(&jw);
}

enum err worklog_list_json(struct worklog *l, unsigned limit, struct str before,
                           struct buf *out, struct why *w)
{
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;
    struct jsonw jw = JSONW_INIT(out);
    bool row = true, more = false;
    unsigned n = 0;

    limit = MIN(MAX(limit, 1), WORKLOG_LIST_MAX);
    TRY(db_prepare(l->db,
                   "SELECT " COLUMNS " FROM task"
                   " WHERE (?1 = '' OR id < ?1) ORDER BY id DESC LIMIT ?2",
                   &st, w));
    db_bind_text(st, 1, before);
    db_bind_i64(st, 2, limit + 1);
    jsonw_obj(&jw);
    jsonw_key_cstr(&jw, "object", "list");
    jsonw_key_arr(&jw, "data");
    for (;;) {
        TRY(db_step(st, &row, w));
        more = row && n == limit;
        if (!row || more)
            break;
        jsonw_obj(&jw);
        put_row(&jw, st, HEADLINE_MAX);
        jsonw_obj_end(&jw);
        n++;
    }
    jsonw_arr_end(&jw);
    jsonw_key_bool(&jw, "has_more", more);
    jsonw_obj_end(&jw);
    return jsonw_end(&jw);
}

enum err worklog_reviews_json(struct worklog *l, struct buf *out, struct why *w)
{
    CLEANUP(db_stmt_freep) struct db_stmt *st = NULL;
    struct jsonw jw = JSONW_INIT(out);
    bool row = true;

    TRY(db_prepare(l->db,
                   "SELECT r.task, r.opened_ms, r.reason, t.prompt, t.type,"
                   " t.complexity, t.language, t.worker, t.verdict, t.code"
                   " FROM review r JOIN task t ON t.id = r.task"
                   " WHERE r.decided_ms IS NULL AND t.state = 'done'"
                   " ORDER BY r.opened_ms, r.task LIMIT ?1",
                   &st, w));
    db_bind_i64(st, 1, WORKLOG_LIST_MAX);
    jsonw_obj(&jw);
    jsonw_key_cstr(&jw, "object", "list");
    jsonw_key_arr(&jw, "data");
    for (;;) {
        TRY(db_step(st, &row, w));
        if (!row)
            break;
        jsonw_obj(&jw);
        jsonw_key_str(&jw, "task", db_col_text(st, 0));
        jsonw_key_i64(&jw, "opened_ms", db_col_i64(st, 1));
        jsonw_key_str(&jw, "reason", db_col_text(st, 2));
        jsonw_key_str(&jw, "prompt", db_col_text(st, 3));
        jsonw_key_str(&jw, "type", db_col_text(st, 4));
        jsonw_key_i64(&jw, "complexity", db_col_i64(st, 5));
        jsonw_key_str(&jw, "language", db_col_text(st, 6));
        jsonw_key_str(&jw, "model", db_col_text(st, 7));
        jsonw_key_str(&jw, "verdict", db_col_text(st, 8));
        jsonw_key_str(&jw, "code", db_col_text(st, 9));
        jsonw_obj_end(&jw);
    }
    jsonw_arr_end(&jw);
    jsonw_obj_end(&jw);
    return jsonw_end(&jw);
}
