/*
 * db_driver.h - what a database driver implements. Only db.c and the drivers
 * include this. The functions are db.h's, one for one; there is their manual.
 */
#ifndef STORE_DB_DRIVER_H
#define STORE_DB_DRIVER_H

#include "store/db.h"

struct db_ops {
    const char *scheme; /* "sqlite" */
    enum err (*open)(struct db **out, struct str rest,
                     const struct db_options *o, struct why *why);
    void (*close)(struct db *db);
    enum err (*exec)(struct db *db, const char *sql, struct why *why);
    enum err (*prepare)(struct db *db, const char *sql, struct db_stmt **out,
                        struct why *why);
    void (*stmt_free)(struct db_stmt *st);
    enum err (*bind_i64)(struct db_stmt *st, int at, int64_t v);
    enum err (*bind_f64)(struct db_stmt *st, int at, double v);
    enum err (*bind_text)(struct db_stmt *st, int at, struct str v);
    enum err (*bind_blob)(struct db_stmt *st, int at, struct str v);
    enum err (*bind_null)(struct db_stmt *st, int at);
    enum err (*step)(struct db_stmt *st, bool *row, struct why *why);
    void (*reset)(struct db_stmt *st);
    bool (*col_is_null)(struct db_stmt *st, int col);
    int64_t (*col_i64)(struct db_stmt *st, int col);
    double (*col_f64)(struct db_stmt *st, int col);
    struct str (*col_text)(struct db_stmt *st, int col);
    struct str (*col_blob)(struct db_stmt *st, int col);
    enum err (*begin)(struct db *db, enum db_durability d, struct why *why);
    enum err (*commit)(struct db *db, struct why *why);
    void (*rollback)(struct db *db);
    int64_t (*changes)(struct db *db);
};

/* The first members of every driver's structs. */
struct db {
    const struct db_ops *ops;
    struct db_stmt *stmts; /* all that are alive */
    bool in_tx;
};

struct db_stmt {
    struct db *db;
    struct db_stmt *next, *prev;
    enum err bind_err;
};

extern const struct db_ops sqlite_ops;

#ifdef TEST_FAULTS
/* Fail call number `nth` into the database library (1-based) with an I/O
 * error instead of making it; 0 disarms. Returns the calls since last time. */
size_t sqlite_fault_arm(size_t nth);
#endif

#endif
