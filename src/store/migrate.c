#include "store/migrate.h"

/* Compares the steps the database has with the ones we know. */
static enum err check(struct db *db, const struct migration *steps,
                      size_t count, size_t *have, struct why *why)
{
    struct db_stmt *st CLEANUP(db_stmt_freep) = NULL;
    size_t n = 0;
    bool row;

    TRY(db_prepare(db, "SELECT id, name FROM schema_migrations ORDER BY id",
                   &st, why));
    for (;;) {
        TRY(db_step(st, &row, why));
        if (!row)
            break;
        if (n >= count)
            return FAIL(why, ERR_STORE,
                        "the database was written by a newer version of this "
                        "program (it has schema step %lld, this version knows "
                        "%zu): use that version, or a backup",
                        (long long)db_col_i64(st, 0), count);
        if (db_col_i64(st, 0) != (int64_t)steps[n].id
            || !str_eq(db_col_text(st, 1), str_c(steps[n].name)))
            return FAIL(why, ERR_STORE,
                        "the database has another history than this program: "
                        "its schema step %lld is not \"%s\"",
                        (long long)db_col_i64(st, 0), steps[n].name);
        n++;
    }
    *have = n;
    return ERR_OK;
}

static enum err record(struct db *db, const struct migration *m, int64_t now_ms,
                       struct why *why)
{
    struct db_stmt *st CLEANUP(db_stmt_freep) = NULL;

    TRY(db_prepare(db,
                   "INSERT INTO schema_migrations (id, name, applied_ms) "
                   "VALUES (?1, ?2, ?3)",
                   &st, why));
    db_bind_i64(st, 1, m->id);
    db_bind_text(st, 2, str_c(m->name));
    db_bind_i64(st, 3, now_ms);
    return db_run(st, why);
}

/* The next missing step, under the write lock: another process may have
 * applied it while this one waited. */
static enum err apply_next(struct db *db, const struct migration *steps,
                           size_t count, int64_t now_ms, size_t *have,
                           struct why *why)
{
    struct db_tx tx CLEANUP(db_tx_done) = {db};
    const struct migration *m;

    TRY(db_begin(tx.db, DB_DURABLE, why));
    TRY(check(db, steps, count, have, why));
    if (*have == count)
        return ERR_OK;
    m = &steps[*have];
    TRY(db_exec(db, m->sql, why));
    TRY(record(db, m, now_ms, why));
    TRY(db_commit(db, why));
    ++*have;
    return ERR_OK;
}

enum err migrate_up(struct db *db, const struct migration *steps, size_t count,
                    int64_t now_ms, struct why *why)
{
    size_t have = 0;

    for (size_t i = 0; i < count; i++)
        assert(steps[i].id == i + 1);
    TRY(db_exec(db,
                "CREATE TABLE IF NOT EXISTS schema_migrations ("
                "id BIGINT PRIMARY KEY, name TEXT NOT NULL, "
                "applied_ms BIGINT NOT NULL)",
                why));
    TRY(check(db, steps, count, &have, why));
    while (have < count)
        TRY(apply_next(db, steps, count, now_ms, &have, why));
    return ERR_OK;
}

enum err migrate_version(struct db *db, unsigned *out, struct why *why)
{
    struct db_stmt *st CLEANUP(db_stmt_freep) = NULL;
    struct why first = WHY_INIT;
    enum err e =
        db_prepare(db, "SELECT max(id) FROM schema_migrations", &st, &first);
    bool row;

    if (e == ERR_SYNTAX) { /* no such table: a fresh database */
        *out = 0;
        return ERR_OK;
    }
    if (e != ERR_OK) {
        if (why != NULL)
            *why = first;
        return e;
    }
    TRY(db_step(st, &row, why));
    *out = row ? (unsigned)db_col_i64(st, 0) : 0;
    return ERR_OK;
}
