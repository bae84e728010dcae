/* What db.c adds to a driver; sqlite_test.c has the rest. */
#include "store/db.h"

#include "fake/sql.h"
#include "test.h"

static struct why why;

TEST(closing_frees_statements_in_whatever_order_they_were_made_and_freed)
{
    struct db *db CLEANUP(db_closep) = sql_memory();
    struct db_stmt *st[5] = {NULL};

    for (size_t i = 0; i < 5; i++)
        CHECK(db_prepare(db, "SELECT 1", &st[i], &why) == ERR_OK);
    db_stmt_free(st[2]);
    db_stmt_free(st[0]);
    db_stmt_free(st[4]);
    db_stmt_free(NULL);
    db_close(NULL);
}

TEST(a_failed_bind_sticks_until_the_reset)
{
    struct db *db CLEANUP(db_closep) = sql_memory();
    struct db_stmt *st CLEANUP(db_stmt_freep) = NULL;
    bool row = false;

    CHECK(db_prepare(db, "SELECT ?1", &st, &why) == ERR_OK);
    db_bind_i64(st, 2, 7);
    db_bind_i64(st, 1, 7);
    CHECK(db_step(st, &row, &why) == ERR_SYNTAX && !row);
    db_bind_i64(st, 1, 7);
    CHECK(db_step(st, &row, &why) == ERR_OK && row && db_col_i64(st, 0) == 7);
    db_reset(st);
    CHECK(db_step(st, &row, &why) == ERR_OK && db_col_is_null(st, 0));
}

TEST(a_transaction_left_by_a_failure_is_rolled_back)
{
    struct db *db CLEANUP(db_closep) = sql_memory();

    CHECK(db_exec(db, "CREATE TABLE t (x BIGINT)", &why) == ERR_OK);
    {
        struct db_tx tx CLEANUP(db_tx_done) = {db};

        CHECK(db_begin(tx.db, DB_DURABLE, &why) == ERR_OK);
        CHECK(db_exec(db, "INSERT INTO t VALUES (1)", &why) == ERR_OK);
    }
    CHECK(db_begin(db, DB_DURABLE, &why) == ERR_OK);
    CHECK(db_exec(db, "INSERT INTO t VALUES (2)", &why) == ERR_OK);
    CHECK(db_commit(db, &why) == ERR_OK);
    db_rollback(db); /* nothing is open: nothing happens */

    struct db_stmt *st CLEANUP(db_stmt_freep) = NULL;
    bool row;

    CHECK(db_prepare(db, "SELECT sum(x) FROM t", &st, &why) == ERR_OK);
    CHECK(db_step(st, &row, &why) == ERR_OK && db_col_i64(st, 0) == 2);
}
