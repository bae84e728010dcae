/*
 * db.h - the seam to a database. SQLite today; what is written against this
 * header runs on PostgreSQL when its driver stands beside sqlite.c.
 *
 * SQL is the common subset: parameters are ?1, ?2, ...; types BIGINT, DOUBLE
 * PRECISION, TEXT, BLOB; time is a BIGINT of milliseconds since 1970. One
 * handle, with its statements, belongs to one thread; a process opens as many
 * as it has threads. Closing the handle frees its statements: declare it before
 * them, so that CLEANUP runs in the right order.
 *
 *   struct db_stmt *st CLEANUP(db_stmt_freep) = NULL;
 *   TRY(db_prepare(db, "SELECT body FROM task WHERE id = ?1", &st, why));
 *   db_bind_text(st, 1, id);
 *   TRY(db_step(st, &row, why));
 *   if (row) ... db_col_text(st, 0) ...
 *
 * Errors: ERR_STORE with what failed and what to do (disk full, damaged file,
 * read-only directory, newer schema); ERR_EXISTS when a unique value is there
 * already; ERR_RANGE for a NOT NULL or CHECK that does not hold; ERR_AGAIN when
 * another process held the lock for longer than the busy timeout; ERR_NOMEM;
 * ERR_SYNTAX for SQL that does not compile and for wrong use of this header.
 */
#ifndef STORE_DB_H
#define STORE_DB_H

#include "base/err.h"
#include "base/str.h"

struct db;
struct db_stmt;

struct db_options {
    bool read_only;
    bool must_exist; /* do not create */
    bool check;      /* read the whole file once and refuse a damaged one */
    unsigned busy_timeout_ms; /* 0: 5000 */
};

/* How much a commit must survive. Both survive a crash of the process. A
 * statement outside a transaction is DB_DURABLE. */
enum db_durability {
    DB_DURABLE, /* also a power cut: the disk is waited for */
    DB_RELAXED, /* a power cut may lose the last commits, never the file */
};

/* `url` is "sqlite:PATH", or "sqlite::memory:" for tests. `o` may be NULL. */
NODISCARD enum err db_open(struct db **out, struct str url,
                           const struct db_options *o, struct why *why);
void db_close(struct db *db); /* frees its statements first */
void db_closep(struct db **db);

/* Runs one or more statements without parameters, ignoring rows. */
NODISCARD enum err db_exec(struct db *db, const char *sql, struct why *why);

/* One statement. `out` changes only on success. Frees with db_stmt_free. */
NODISCARD enum err db_prepare(struct db *db, const char *sql,
                              struct db_stmt **out, struct why *why);
void db_stmt_free(struct db_stmt *st);
void db_stmt_freep(struct db_stmt **st);

/* Parameters count from 1. Texts and blobs are copied. A failure sticks and
 * is returned by the next db_step. */
void db_bind_i64(struct db_stmt *st, int at, int64_t v);
void db_bind_f64(struct db_stmt *st, int at, double v);
void db_bind_text(struct db_stmt *st, int at, struct str v);
void db_bind_blob(struct db_stmt *st, int at, struct str v);
void db_bind_null(struct db_stmt *st, int at);

/* Runs up to the next row; *row is false when there is none left (the
 * statement is then ready to be bound and run again). */
NODISCARD enum err db_step(struct db_stmt *st, bool *row, struct why *why);
/* Runs a statement that gives no rows to its end. */
NODISCARD enum err db_run(struct db_stmt *st, struct why *why);
/* Drops the rest of the rows and the bound values. */
void db_reset(struct db_stmt *st);

/* Columns of the current row, from 0. Values convert as SQL does; a NULL
 * reads as 0 or empty. Slices are valid until the next step, reset or free. */
bool db_col_is_null(struct db_stmt *st, int col);
int64_t db_col_i64(struct db_stmt *st, int col);
double db_col_f64(struct db_stmt *st, int col);
struct str db_col_text(struct db_stmt *st, int col);
struct str db_col_blob(struct db_stmt *st, int col);

/* Takes the write lock at once, so that what was read stays true until the
 * commit. Transactions do not nest: ERR_SYNTAX. */
NODISCARD enum err db_begin(struct db *db, enum db_durability d,
                            struct why *why);
/* After a failed commit the transaction is rolled back. */
NODISCARD enum err db_commit(struct db *db, struct why *why);
void db_rollback(struct db *db); /* nothing when none is open */

/* For CLEANUP(db_tx_done): rolls back unless the commit went through.
 *   struct db_tx tx CLEANUP(db_tx_done) = {db};
 *   TRY(db_begin(tx.db, DB_DURABLE, why)); ... return db_commit(tx.db, why); */
struct UNUSED db_tx {
    struct db *db;
};
void db_tx_done(struct db_tx *tx);

int64_t db_changes(struct db *db); /* rows changed by the last statement */

#endif
