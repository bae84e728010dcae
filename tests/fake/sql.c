#include "fake/sql.h"

#include "test.h"

struct db *sql_memory(void)
{
    struct db *db = NULL;

    CHECK(db_open(&db, STR("sqlite::memory:"), NULL, NULL) == ERR_OK);
    return db;
}

int64_t sql_number(struct db *db, const char *sql)
{
    struct db_stmt *st CLEANUP(db_stmt_freep) = NULL;
    bool row = false;

    CHECK(db_prepare(db, sql, &st, NULL) == ERR_OK);
    CHECK(db_step(st, &row, NULL) == ERR_OK && row);
    return db_col_i64(st, 0);
}
