#include "store/db.h"

#include "store/db_driver.h"

static const struct db_ops *const drivers[] = {&sqlite_ops};

enum err db_open(struct db **out, struct str url, const struct db_options *o,
                 struct why *why)
{
    static const struct db_options usual;
    struct str rest = url, scheme = str_cut(&rest, ':');

    for (size_t i = 0; i < COUNTOF(drivers); i++)
        if (str_eq(scheme, str_c(drivers[i]->scheme)))
            return drivers[i]->open(out, rest, o != NULL ? o : &usual, why);
    return FAIL(why, ERR_UNSUPPORTED,
                "a database URL must start with \"sqlite:\"");
}

void db_close(struct db *db)
{
    if (db == NULL)
        return;
    while (db->stmts != NULL)
        db_stmt_free(db->stmts);
    db->ops->close(db);
}

void db_closep(struct db **db)
{
    db_close(*db);
    *db = NULL;
}

enum err db_exec(struct db *db, const char *sql, struct why *why)
{
    return db->ops->exec(db, sql, why);
}

enum err db_prepare(struct db *db, const char *sql, struct db_stmt **out,
                    struct why *why)
{
    struct db_stmt *st = NULL;

    TRY(db->ops->prepare(db, sql, &st, why));
    st->db = db;
    st->next = db->stmts;
    if (st->next != NULL)
        st->next->prev = st;
    db->stmts = st;
    *out = st;
    return ERR_OK;
}

void db_stmt_free(struct db_stmt *st)
{
    if (st == NULL)
        return;
    if (st->prev != NULL)
        st->prev->next = st->next;
    else
        st->db->stmts = st->next;
    if (st->next != NULL)
        st->next->prev = st->prev;
    st->db->ops->stmt_free(st);
}

void db_stmt_freep(struct db_stmt **st)
{
    db_stmt_free(*st);
    *st = NULL;
}

static void bound(struct db_stmt *st, enum err e)
{
    if (st->bind_err == ERR_OK)
        st->bind_err = e;
}

void db_bind_i64(struct db_stmt *st, int at, int64_t v)
{
    bound(st, st->db->ops->bind_i64(st, at, v));
}

void db_bind_f64(struct db_stmt *st, int at, double v)
{
    bound(st, st->db->ops->bind_f64(st, at, v));
}

void db_bind_text(struct db_stmt *st, int at, struct str v)
{
    bound(st, st->db->ops->bind_text(st, at, v));
}

void db_bind_blob(struct db_stmt *st, int at, struct str v)
{
    bound(st, st->db->ops->bind_blob(st, at, v));
}

void db_bind_null(struct db_stmt *st, int at)
{
    bound(st, st->db->ops->bind_null(st, at));
}

enum err db_step(struct db_stmt *st, bool *row, struct why *why)
{
    enum err e = st->bind_err;

    if (e != ERR_OK) {
        db_reset(st);
        return FAIL(why, e, "a value could not be bound to the statement: %s",
                    err_text(e));
    }
    return st->db->ops->step(st, row, why);
}

enum err db_run(struct db_stmt *st, struct why *why)
{
    bool row = false;

    TRY(db_step(st, &row, why));
    if (!row)
        return ERR_OK;
    db_reset(st);
    return FAIL(why, ERR_SYNTAX, "a statement run for its effect gave a row");
}

void db_reset(struct db_stmt *st)
{
    st->bind_err = ERR_OK;
    st->db->ops->reset(st);
}

bool db_col_is_null(struct db_stmt *st, int col)
{
    return st->db->ops->col_is_null(st, col);
}

int64_t db_col_i64(struct db_stmt *st, int col)
{
    return st->db->ops->col_i64(st, col);
}

double db_col_f64(struct db_stmt *st, int col)
{
    return st->db->ops->col_f64(st, col);
}

struct str db_col_text(struct db_stmt *st, int col)
{
    return st->db->ops->col_text(st, col);
}

struct str db_col_blob(struct db_stmt *st, int col)
{
    return st->db->ops->col_blob(st, col);
}

enum err db_begin(struct db *db, enum db_durability d, struct why *why)
{
    if (db->in_tx)
        return FAIL(why, ERR_SYNTAX, "a transaction is open already");
    TRY(db->ops->begin(db, d, why));
    db->in_tx = true;
    return ERR_OK;
}

enum err db_commit(struct db *db, struct why *why)
{
    enum err e;

    if (!db->in_tx)
        return FAIL(why, ERR_SYNTAX, "no transaction is open");
    e = db->ops->commit(db, why);
    if (e != ERR_OK)
        db_rollback(db);
    db->in_tx = false;
    return e;
}

void db_rollback(struct db *db)
{
    if (!db->in_tx)
        return;
    db->ops->rollback(db);
    db->in_tx = false;
}

void db_tx_done(struct db_tx *tx)
{
    if (tx->db != NULL)
        db_rollback(tx->db);
}

int64_t db_changes(struct db *db)
{
    return db->ops->changes(db);
}
