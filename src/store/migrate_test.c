#include "store/migrate.h"

#include "fake/sql.h"
#include "store/db_driver.h"
#include "test.h"

static struct why why;

static const struct migration steps[] = {
    {1, "tasks",
     "CREATE TABLE task (id TEXT PRIMARY KEY);"
     "CREATE TABLE note (id TEXT PRIMARY KEY)"},
    {2, "task title", "ALTER TABLE task ADD COLUMN title TEXT"},
    {3, "first note", "INSERT INTO note VALUES ('n1')"},
};

TEST(steps_are_applied_once_and_in_order)
{
    struct db *db CLEANUP(db_closep) = sql_memory();
    unsigned v = 9;

    CHECK(migrate_version(db, &v, &why) == ERR_OK && v == 0);
    CHECK(migrate_up(db, steps, 2, 1000, &why) == ERR_OK);
    CHECK(migrate_version(db, &v, &why) == ERR_OK && v == 2);
    CHECK(migrate_up(db, steps, 3, 2000, &why) == ERR_OK);
    CHECK(migrate_up(db, steps, 3, 3000, &why) == ERR_OK);
    CHECK(sql_number(db, "SELECT count(*) FROM note") == 1);
    CHECK(
        sql_number(db, "SELECT applied_ms FROM schema_migrations WHERE id = 3")
        == 2000);
    CHECK(sql_number(db, "SELECT sum(applied_ms) FROM schema_migrations")
          == 4000);
}

TEST(a_database_from_the_future_is_refused_untouched)
{
    struct db *db CLEANUP(db_closep) = sql_memory();

    CHECK(migrate_up(db, steps, 3, 1, &why) == ERR_OK);
    CHECK(migrate_up(db, steps, 2, 1, &why) == ERR_STORE);
    CHECK(str_has(str_c(why.msg), STR("a newer version")));
    CHECK(str_has(str_c(why.msg), STR("has schema step 3")));
    CHECK(sql_number(db, "SELECT count(*) FROM schema_migrations") == 3);
}

TEST(a_database_with_another_history_is_refused)
{
    static const struct migration other[] = {
        {1, "tasks", "CREATE TABLE task (id TEXT)"},
        {2, "something else", "CREATE TABLE other (id TEXT)"},
    };
    struct db *db CLEANUP(db_closep) = sql_memory();

    CHECK(migrate_up(db, steps, 2, 1, &why) == ERR_OK);
    CHECK(migrate_up(db, other, 2, 1, &why) == ERR_STORE);
    CHECK(str_has(str_c(why.msg), STR("step 2 is not \"something else\"")));
}

TEST(a_failing_step_leaves_the_database_between_two_steps)
{
    static const struct migration broken[] = {
        {1, "good", "CREATE TABLE a (x TEXT)"},
        {2, "bad", "CREATE TABLE b (x TEXT); CREATE TABLE a (x TEXT)"},
    };
    struct db *db CLEANUP(db_closep) = sql_memory();
    unsigned v;

    CHECK(migrate_up(db, broken, 2, 1, &why) == ERR_SYNTAX);
    CHECK(migrate_version(db, &v, &why) == ERR_OK && v == 1);
    CHECK(sql_number(db, "SELECT count(*) FROM sqlite_schema WHERE name = 'b'")
          == 0);
}

TEST(a_fault_at_any_call_is_repaired_by_the_next_start)
{
    enum err e = ERR_STORE;

    for (size_t nth = 1; e != ERR_OK; nth++) {
        struct db *db CLEANUP(db_closep) = sql_memory();
        size_t calls;

        (void)sqlite_fault_arm(nth);
        e = migrate_up(db, steps, 3, 1, &why);
        calls = sqlite_fault_arm(0);
        CHECK((e == ERR_OK) == (calls < nth));
        CHECK(migrate_up(db, steps, 3, 1, &why) == ERR_OK);
        CHECK(sql_number(db, "SELECT count(*) FROM note") == 1);
        CHECK(nth < 200);
    }
}
