/*
 * The SQLite driver. Settings and why:
 *  - WAL: readers never wait for the writer, and a crash at any moment leaves
 *    the last committed state.
 *  - synchronous=FULL, so that a commit waits for the disk; DB_RELAXED lowers
 *    it to NORMAL for one transaction (in WAL mode that can lose the last
 *    commits in a power cut, but never damage the file).
 *  - BEGIN IMMEDIATE: a transaction that begins by reading and then writes can
 *    otherwise fail half-way with "busy" and no way to wait.
 *  - the schema is not trusted to call functions, double quotes are not
 *    strings, no ATTACH: what SQLite recommends for files that may come from
 *    elsewhere.
 *  - a new file is made by us, readable by this user alone; the library would
 *    ask the umask.
 * Results of the library are turned into our errors in one place, explain().
 */
#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>

#include "base/buf.h"
#include "base/mem.h"
#include "store/db_driver.h"
#include "sys/fd.h"

struct lite {
    struct db db;
    sqlite3 *h;
    char *path;
    bool read_only, relaxed;
};

struct lite_stmt {
    struct db_stmt st;
    sqlite3_stmt *h;
};

#ifdef TEST_FAULTS
static size_t fault_at, fault_seen;

size_t sqlite_fault_arm(size_t nth)
{
    size_t seen = fault_seen;

    fault_at = nth;
    fault_seen = 0;
    return seen;
}

static bool fault_hit(void)
{
    /* Handles of several threads count together. */
    return __atomic_add_fetch(&fault_seen, 1, __ATOMIC_RELAXED) == fault_at;
}
#else
static bool fault_hit(void)
{
    return false;
}
#endif

/* Every call into the library whose failure we handle. */
#define CALL(expr) (fault_hit() ? SQLITE_IOERR : (expr))

static struct lite *lite(struct db *db)
{
    return CONTAINER_OF(db, struct lite, db);
}

static struct lite_stmt *lite_stmt(struct db_stmt *st)
{
    return CONTAINER_OF(st, struct lite_stmt, st);
}

/* ---- failures ---- */

static enum err explain_constraint(const struct lite *s, int rc,
                                   struct why *why)
{
    const char *text = sqlite3_errmsg(s->h);

    switch (rc) {
    case SQLITE_CONSTRAINT_UNIQUE:
    case SQLITE_CONSTRAINT_PRIMARYKEY:
    case SQLITE_CONSTRAINT_ROWID:
        return FAIL(why, ERR_EXISTS, "already in the database: %s", text);
    case SQLITE_CONSTRAINT_CHECK:
    case SQLITE_CONSTRAINT_NOTNULL:
        return FAIL(why, ERR_RANGE, "refused by the database: %s", text);
    default:
        return FAIL(why, ERR_STORE, "refused by the database: %s", text);
    }
}

static enum err explain_io(const struct lite *s, struct why *why)
{
    int sys = s->h != NULL ? sqlite3_system_errno(s->h) : 0;

    if (sys == ENOSPC || sys == EDQUOT)
        return FAIL(why, ERR_STORE,
                    "no space left for the database %s: free some, then try "
                    "again; what was committed is safe",
                    s->path);
    errno = sys;
    return FAIL_SYS(why, ERR_STORE, "cannot read or write the database %s",
                    s->path);
}

static enum err explain(const struct lite *s, int rc, struct why *why)
{
    switch (rc & 0xff) {
    case SQLITE_NOMEM:
        return FAIL(why, ERR_NOMEM, "no memory for the database %s", s->path);
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return FAIL(why, ERR_AGAIN,
                    "the database %s is locked by another process", s->path);
    case SQLITE_FULL:
        return FAIL(why, ERR_STORE,
                    "no space left for the database %s: free some, then try "
                    "again; what was committed is safe",
                    s->path);
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return FAIL(why, ERR_STORE,
                    "%s is damaged or not a database (%s): move it away and "
                    "restore a backup, or start without it",
                    s->path, sqlite3_errstr(rc));
    case SQLITE_READONLY:
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
        return FAIL(why, ERR_STORE,
                    "cannot open the database %s for writing: does its "
                    "directory exist, and may this user write there? (%s)",
                    s->path, sqlite3_errstr(rc));
    case SQLITE_IOERR:
        return explain_io(s, why);
    case SQLITE_CONSTRAINT:
        return explain_constraint(s, rc, why);
    case SQLITE_TOOBIG:
        return FAIL(why, ERR_LIMIT, "a value is too large for the database");
    case SQLITE_INTERRUPT:
        return FAIL(why, ERR_CANCELLED, "the query was interrupted");
    default:
        return FAIL(why, ERR_STORE, "the database %s refused: %s", s->path,
                    sqlite3_errmsg(s->h));
    }
}

/* ---- statements ---- */

static enum err lite_exec(struct db *db, const char *sql, struct why *why)
{
    struct lite *s = lite(db);
    int rc = CALL(sqlite3_exec(s->h, sql, NULL, NULL, NULL));

    if (rc == SQLITE_OK)
        return ERR_OK;
    if (rc == SQLITE_ERROR)
        return FAIL(why, ERR_SYNTAX, "SQL: %s", sqlite3_errmsg(s->h));
    return explain(s, rc, why);
}

static enum err lite_prepare(struct db *db, const char *sql,
                             struct db_stmt **out, struct why *why)
{
    struct lite *s = lite(db);
    struct lite_stmt *st = mem_zalloc(sizeof(*st));
    const char *rest = "";
    int rc;

    if (st == NULL)
        return FAIL(why, ERR_NOMEM, "no memory for a statement");
    rc = CALL(sqlite3_prepare_v2(s->h, sql, -1, &st->h, &rest));
    if (rc == SQLITE_OK && st->h != NULL && rest[0] == '\0') {
        *out = &st->st;
        return ERR_OK;
    }
    (void)sqlite3_finalize(st->h);
    mem_free(st);
    if (rc == SQLITE_OK)
        return FAIL(why, ERR_SYNTAX, "SQL: exactly one statement is needed");
    if (rc == SQLITE_ERROR)
        return FAIL(why, ERR_SYNTAX, "SQL: %s", sqlite3_errmsg(s->h));
    return explain(s, rc, why);
}

static void lite_stmt_free(struct db_stmt *base)
{
    struct lite_stmt *st = lite_stmt(base);

    (void)sqlite3_finalize(st->h);
    mem_free(st);
}

static enum err bound(int rc)
{
    switch (rc & 0xff) {
    case SQLITE_OK:
        return ERR_OK;
    case SQLITE_NOMEM:
        return ERR_NOMEM;
    case SQLITE_TOOBIG:
        return ERR_LIMIT;
    case SQLITE_RANGE:
    case SQLITE_MISUSE:
        return ERR_SYNTAX;
    default:
        return ERR_STORE;
    }
}

static enum err lite_bind_i64(struct db_stmt *st, int at, int64_t v)
{
    return bound(CALL(sqlite3_bind_int64(lite_stmt(st)->h, at, v)));
}

static enum err lite_bind_f64(struct db_stmt *st, int at, double v)
{
    return bound(CALL(sqlite3_bind_double(lite_stmt(st)->h, at, v)));
}

static enum err lite_bind_text(struct db_stmt *st, int at, struct str v)
{
    return bound(
        CALL(sqlite3_bind_text64(lite_stmt(st)->h, at, v.n != 0 ? v.p : "", v.n,
                                 SQLITE_TRANSIENT, SQLITE_UTF8)));
}

static enum err lite_bind_blob(struct db_stmt *st, int at, struct str v)
{
    return bound(CALL(sqlite3_bind_blob64(
        lite_stmt(st)->h, at, v.n != 0 ? v.p : "", v.n, SQLITE_TRANSIENT)));
}

static enum err lite_bind_null(struct db_stmt *st, int at)
{
    return bound(CALL(sqlite3_bind_null(lite_stmt(st)->h, at)));
}

static enum err lite_step(struct db_stmt *base, bool *row, struct why *why)
{
    struct lite_stmt *st = lite_stmt(base);
    int rc = CALL(sqlite3_step(st->h));
    enum err e = ERR_OK;

    if (rc == SQLITE_ROW) {
        *row = true;
        return ERR_OK;
    }
    if (rc != SQLITE_DONE)
        e = explain(lite(base->db), rc, why); /* before the reset below */
    (void)sqlite3_reset(st->h);
    if (e == ERR_OK)
        *row = false;
    return e;
}

static void lite_reset(struct db_stmt *st)
{
    (void)sqlite3_reset(lite_stmt(st)->h);
    (void)sqlite3_clear_bindings(lite_stmt(st)->h);
}

static bool lite_col_is_null(struct db_stmt *st, int col)
{
    return sqlite3_column_type(lite_stmt(st)->h, col) == SQLITE_NULL;
}

static int64_t lite_col_i64(struct db_stmt *st, int col)
{
    return sqlite3_column_int64(lite_stmt(st)->h, col);
}

static double lite_col_f64(struct db_stmt *st, int col)
{
    return sqlite3_column_double(lite_stmt(st)->h, col);
}

static struct str lite_col_blob(struct db_stmt *st, int col)
{
    sqlite3_stmt *h = lite_stmt(st)->h;
    const char *p = sqlite3_column_blob(h, col);
    int n = sqlite3_column_bytes(h, col);

    return p != NULL && n > 0 ? (struct str){p, (size_t)n} : STR_EMPTY;
}

static struct str lite_col_text(struct db_stmt *st, int col)
{
    sqlite3_stmt *h = lite_stmt(st)->h;
    int type = sqlite3_column_type(h, col);

    /* Read as a blob, a text needs no NUL and so no memory: column_text can
     * fail there, and would look like an empty text. */
    if (type == SQLITE_INTEGER || type == SQLITE_FLOAT)
        (void)sqlite3_column_text(h, col);
    return lite_col_blob(st, col);
}

/* ---- transactions ---- */

/* Lowering is for one transaction only: see the banner. */
static enum err set_relaxed(struct lite *s, bool relaxed, struct why *why)
{
    if (s->relaxed == relaxed)
        return ERR_OK;
    TRY(lite_exec(&s->db,
                  relaxed ? "PRAGMA synchronous=NORMAL"
                          : "PRAGMA synchronous=FULL",
                  why));
    s->relaxed = relaxed;
    return ERR_OK;
}

static enum err lite_begin(struct db *db, enum db_durability d, struct why *why)
{
    struct lite *s = lite(db);

    TRY(set_relaxed(s, d == DB_RELAXED, why));
    return lite_exec(db, s->read_only ? "BEGIN" : "BEGIN IMMEDIATE", why);
}

/* What follows a transaction waits for the disk again. If that cannot be set,
 * `relaxed` stays true and the next transaction sets it. */
static void tighten(struct lite *s)
{
    if (set_relaxed(s, false, NULL) != ERR_OK)
        assert(s->relaxed);
}

static enum err lite_commit(struct db *db, struct why *why)
{
    TRY(lite_exec(db, "COMMIT", why));
    tighten(lite(db));
    return ERR_OK;
}

static void lite_rollback(struct db *db)
{
    struct lite *s = lite(db);

    /* Some failures have rolled back by themselves. */
    if (sqlite3_get_autocommit(s->h) == 0)
        (void)sqlite3_exec(s->h, "ROLLBACK", NULL, NULL, NULL);
    tighten(s);
}

static int64_t lite_changes(struct db *db)
{
    return sqlite3_changes64(lite(db)->h);
}

/* ---- opening ---- */

static void lite_close(struct db *db)
{
    struct lite *s = lite(db);

    (void)sqlite3_close(s->h);
    mem_free(s->path);
    mem_free(s);
}

static void lite_closep(struct lite **s)
{
    if (*s != NULL)
        lite_close(&(*s)->db);
}

/* One row with one text. */
static enum err ask(struct lite *s, const char *sql, struct buf *answer,
                    struct why *why)
{
    struct db_stmt *st = NULL;
    bool row = false;
    enum err e;

    TRY(lite_prepare(&s->db, sql, &st, why));
    assert(st != NULL);
    st->db = &s->db;
    e = lite_step(st, &row, why);
    if (e == ERR_OK && row)
        e = buf_add(answer, lite_col_text(st, 0));
    lite_stmt_free(st);
    return e;
}

static enum err check_file(struct lite *s, struct why *why)
{
    struct buf answer CLEANUP(buf_done) = BUF_INIT(4096);

    TRY(ask(s, "PRAGMA quick_check(1)", &answer, why));
    if (str_eq(buf_str(&answer), STR("ok")))
        return ERR_OK;
    return FAIL(why, ERR_STORE,
                "%s is damaged (%.*s): move it away and restore a backup, or "
                "start without it",
                s->path, (int)MIN(answer.len, (size_t)120), buf_str(&answer).p);
}

static enum err configure(struct lite *s, const struct db_options *o,
                          struct why *why)
{
    static const struct {
        int option, value;
    } config[] = {
        {SQLITE_DBCONFIG_DEFENSIVE, 1},   {SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0},
        {SQLITE_DBCONFIG_DQS_DML, 0},     {SQLITE_DBCONFIG_DQS_DDL, 0},
        {SQLITE_DBCONFIG_ENABLE_FKEY, 1},
    };
    struct buf answer CLEANUP(buf_done) = BUF_INIT(64);
    unsigned wait = o->busy_timeout_ms != 0 ? o->busy_timeout_ms : 5000;
    int rc = CALL(sqlite3_extended_result_codes(s->h, 1));

    for (size_t i = 0; i < COUNTOF(config) && rc == SQLITE_OK; i++)
        rc = CALL(
            sqlite3_db_config(s->h, config[i].option, config[i].value, NULL));
    if (rc == SQLITE_OK)
        rc = CALL(
            sqlite3_busy_timeout(s->h, (int)MIN(wait, (unsigned)INT32_MAX)));
    if (rc != SQLITE_OK)
        return explain(s, rc, why);
    (void)sqlite3_limit(s->h, SQLITE_LIMIT_ATTACHED, 0);
    if (!s->read_only) {
        TRY(ask(s, "PRAGMA journal_mode=WAL", &answer, why));
        TRY(lite_exec(&s->db, "PRAGMA synchronous=FULL", why));
    }
    /* The first look into the file: says whether it is a database at all. */
    buf_clear(&answer);
    TRY(ask(s, "PRAGMA schema_version", &answer, why));
    return o->check ? check_file(s, why) : ERR_OK;
}

/* Makes the file unless it is there. Never opens one that exists: closing that
 * descriptor would drop the locks of this process's other handles. A failure
 * is left to the library, which fails the same way and explains it. */
static void make_file(const char *path)
{
    int fd CLEANUP(fd_closep) = -1;

    if (strcmp(path, ":memory:") != 0)
        (void)!fd_open(path, O_RDWR | O_CREAT | O_EXCL, 0600, &fd, NULL);
}

static enum err lite_open(struct db **out, struct str rest,
                          const struct db_options *o, struct why *why)
{
    struct lite *s CLEANUP(lite_closep) = mem_zalloc(sizeof(*s));
    int flags = SQLITE_OPEN_NOMUTEX;
    int rc;

    if (rest.n == 0 || memchr(rest.p, '\0', rest.n) != NULL)
        return FAIL(why, ERR_SYNTAX, "a database URL is sqlite:PATH");
    if (s == NULL)
        return FAIL(why, ERR_NOMEM, "no memory for a database");
    s->db.ops = &sqlite_ops;
    s->read_only = o->read_only;
    s->path = mem_strndup(rest.p, rest.n);
    if (s->path == NULL)
        return FAIL(why, ERR_NOMEM, "no memory for a database");
    flags |= o->read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE;
    if (!o->read_only && !o->must_exist)
        make_file(s->path);
    rc = CALL(sqlite3_open_v2(s->path, &s->h, flags, NULL));
    if (rc != SQLITE_OK)
        return explain(s, rc, why);
    TRY(configure(s, o, why));
    *out = &TAKE(s)->db;
    return ERR_OK;
}

const struct db_ops sqlite_ops = {
    .scheme = "sqlite",
    .open = lite_open,
    .close = lite_close,
    .exec = lite_exec,
    .prepare = lite_prepare,
    .stmt_free = lite_stmt_free,
    .bind_i64 = lite_bind_i64,
    .bind_f64 = lite_bind_f64,
    .bind_text = lite_bind_text,
    .bind_blob = lite_bind_blob,
    .bind_null = lite_bind_null,
    .step = lite_step,
    .reset = lite_reset,
    .col_is_null = lite_col_is_null,
    .col_i64 = lite_col_i64,
    .col_f64 = lite_col_f64,
    .col_text = lite_col_text,
    .col_blob = lite_col_blob,
    .begin = lite_begin,
    .commit = lite_commit,
    .rollback = lite_rollback,
    .changes = lite_changes,
};
