/*
 * The driver against the real library on real files: results, failures with
 * their texts, and what is left after a failure at every point: of memory
 * (the library allocates through our counted heap here), of a call into the
 * library, and of a write or sync under it (a file system shim).
 */
#include <errno.h>
#include <ftw.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "fake/sql.h"
#include "store/db_driver.h"
#include "test.h"

static struct why why;
static char dir[64], url[96];

/* ---- counted memory for the library ---- */

static void *lib_alloc(int n)
{
    size_t *p = mem_alloc(sizeof(size_t) * 2 + (size_t)n);

    if (p == NULL)
        return NULL;
    p[0] = (size_t)n;
    return p + 2;
}

static void lib_free(void *p)
{
    mem_free((size_t *)p - 2);
}

static void *lib_resize(void *p, int n)
{
    size_t *q = mem_resize((size_t *)p - 2, sizeof(size_t) * 2 + (size_t)n);

    if (q == NULL)
        return NULL;
    q[0] = (size_t)n;
    return q + 2;
}

static int lib_size(void *p)
{
    return p != NULL ? (int)((size_t *)p)[-2] : 0;
}

static int lib_round(int n)
{
    return (n + 7) & ~7;
}

static int lib_start(void *ctx)
{
    (void)ctx;
    return SQLITE_OK;
}

static void lib_stop(void *ctx)
{
    (void)ctx;
}

/* ---- a file system that fails the nth write, sync or truncate ---- */

static size_t io_at, io_seen;
static sqlite3_vfs shim_vfs;
static sqlite3_vfs *real_vfs;

/* The library has a set of methods for each way of locking. */
static struct io {
    sqlite3_io_methods shim; /* first: what a file points at */
    const sqlite3_io_methods *real;
} ios[4];

static const sqlite3_io_methods *real_io(const sqlite3_file *f)
{
    return ((const struct io *)(const void *)f->pMethods)->real;
}

static bool io_fails(void)
{
    io_seen++;
    return io_at != 0 && io_seen >= io_at; /* a dead disk stays dead */
}

static int io_write(sqlite3_file *f, const void *p, int n, sqlite3_int64 at)
{
    return io_fails() ? SQLITE_IOERR_WRITE : real_io(f)->xWrite(f, p, n, at);
}

static int io_truncate(sqlite3_file *f, sqlite3_int64 size)
{
    return io_fails() ? SQLITE_IOERR_TRUNCATE : real_io(f)->xTruncate(f, size);
}

static int io_sync(sqlite3_file *f, int flags)
{
    return io_fails() ? SQLITE_IOERR_FSYNC : real_io(f)->xSync(f, flags);
}

static int vfs_open(sqlite3_vfs *v, const char *name, sqlite3_file *f,
                    int flags, int *out)
{
    int rc = real_vfs->xOpen(real_vfs, name, f, flags, out);
    size_t i = 0;

    (void)v;
    if (rc != SQLITE_OK || f->pMethods == NULL)
        return rc;
    while (ios[i].real != NULL && ios[i].real != f->pMethods)
        i++;
    CHECK(i < COUNTOF(ios) - 1);
    ios[i].real = f->pMethods;
    ios[i].shim = *f->pMethods;
    ios[i].shim.xWrite = io_write;
    ios[i].shim.xTruncate = io_truncate;
    ios[i].shim.xSync = io_sync;
    f->pMethods = &ios[i].shim;
    return rc;
}

/* ---- a directory for each test ---- */

static int drop_one(const char *path, const struct stat *st, int kind,
                    struct FTW *f)
{
    (void)st;
    (void)kind;
    (void)f;
    return remove(path);
}

static void drop_dir(void)
{
    (void)nftw(dir, drop_one, 8, FTW_DEPTH | FTW_PHYS);
}

__attribute__((constructor)) static void start(void)
{
    static const sqlite3_mem_methods counted = {
        lib_alloc, lib_free,  lib_resize, lib_size,
        lib_round, lib_start, lib_stop,   NULL};

    (void)sqlite3_config(SQLITE_CONFIG_MALLOC, &counted);
    (void)sqlite3_config(SQLITE_CONFIG_PAGECACHE, NULL, 0, 0);
    (void)sqlite3_initialize();
    real_vfs = sqlite3_vfs_find(NULL);
    shim_vfs = *real_vfs;
    shim_vfs.zName = "shim";
    shim_vfs.xOpen = vfs_open;
    (void)sqlite3_vfs_register(&shim_vfs, 1);
}

/* A fresh directory and the URL of a database in it. */
static void fresh(void)
{
    static bool registered;

    if (dir[0] != '\0')
        drop_dir();
    else if (!registered)
        registered = atexit(drop_dir) == 0;
    memcpy(dir, "/tmp/sqlite_test_XXXXXX", 24);
    CHECK(mkdtemp(dir) != NULL);
    (void)snprintf(url, sizeof(url), "sqlite:%s/a.db", dir);
    io_at = 0;
}

static struct db *opened(void)
{
    struct db *db = NULL;

    CHECK(db_open(&db, str_c(url), NULL, &why) == ERR_OK);
    return db;
}

static bool says(const char *part)
{
    if (str_has(str_c(why.msg), str_c(part)))
        return true;
    print_error("message: %s\n", why.msg);
    return false;
}

static const char table[] =
    "CREATE TABLE t (id BIGINT PRIMARY KEY, name TEXT UNIQUE, "
    "score DOUBLE PRECISION CHECK (score >= 0), body BLOB)";

/* ---- results ---- */

TEST(values_of_all_types_come_back)
{
    fresh();
    struct db *db CLEANUP(db_closep) = opened();
    struct db_stmt *st CLEANUP(db_stmt_freep) = NULL;
    bool row;

    CHECK(db_exec(db, table, &why) == ERR_OK);
    CHECK(db_prepare(db, "INSERT INTO t VALUES (?1, ?2, ?3, ?4)", &st, &why)
          == ERR_OK);
    db_bind_i64(st, 1, INT64_MIN);
    db_bind_text(st, 2, STR("a\0b"));
    db_bind_f64(st, 3, 0.1);
    db_bind_blob(st, 4, STR_EMPTY);
    CHECK(db_run(st, &why) == ERR_OK && db_changes(db) == 1);
    db_bind_i64(st, 1, 2); /* bound values stay until db_reset */
    db_bind_text(st, 2, (struct str){NULL, 0});
    db_bind_null(st, 4);
    CHECK(db_run(st, &why) == ERR_OK);
    db_stmt_free(TAKE(st));
    CHECK(db_prepare(db, "SELECT * FROM t ORDER BY id", &st, &why) == ERR_OK);
    CHECK(db_step(st, &row, &why) == ERR_OK && row);
    CHECK(db_col_i64(st, 0) == INT64_MIN && db_col_f64(st, 2) == 0.1);
    CHECK(str_eq(db_col_text(st, 1), STR("a\0b")));
    CHECK(db_col_blob(st, 3).n == 0 && !db_col_is_null(st, 3));
    CHECK(str_eq(db_col_text(st, 2), STR("0.1")));
    CHECK(db_step(st, &row, &why) == ERR_OK && row);
    CHECK(db_col_i64(st, 0) == 2 && db_col_text(st, 1).n == 0);
    CHECK(!db_col_is_null(st, 1) && db_col_is_null(st, 3));
    CHECK(db_step(st, &row, &why) == ERR_OK && !row);
    CHECK(db_step(st, &row, &why) == ERR_OK && row); /* runs again */
}

TEST(a_transaction_is_all_or_nothing)
{
    fresh();
    struct db *db CLEANUP(db_closep) = opened();

    CHECK(db_exec(db, table, &why) == ERR_OK);
    for (int i = 0; i < 2; i++) {
        struct db_tx tx CLEANUP(db_tx_done) = {db};

        CHECK(db_begin(tx.db, i == 0 ? DB_RELAXED : DB_DURABLE, &why)
              == ERR_OK);
        CHECK(db_begin(db, DB_DURABLE, &why) == ERR_SYNTAX);
        CHECK(db_exec(db, "INSERT INTO t (id) VALUES (7)", &why) == ERR_OK);
        CHECK(sql_number(db, "PRAGMA synchronous") == (i == 0 ? 1 : 2));
        if (i == 1)
            CHECK(db_commit(db, &why) == ERR_OK);
    }
    CHECK(sql_number(db, "SELECT count(*) FROM t") == 1);
    CHECK(sql_number(db, "PRAGMA synchronous") == 2);
    CHECK(db_commit(db, &why) == ERR_SYNTAX);
}

TEST(the_file_is_opened_with_the_promised_settings)
{
    fresh();
    struct db *db CLEANUP(db_closep) = opened();
    struct db_stmt *st CLEANUP(db_stmt_freep) = NULL;
    bool row;

    CHECK(db_prepare(db, "PRAGMA journal_mode", &st, &why) == ERR_OK);
    CHECK(db_step(st, &row, &why) == ERR_OK);
    CHECK(str_eq(db_col_text(st, 0), STR("wal")));
    CHECK(sql_number(db, "PRAGMA foreign_keys") == 1);
    CHECK(sql_number(db, "PRAGMA synchronous") == 2);
    CHECK(sql_number(db, "PRAGMA trusted_schema") == 0);
    CHECK(db_exec(db, "ATTACH ':memory:' AS x", &why) != ERR_OK);
    CHECK(db_exec(db, "SELECT \"text\"", &why) == ERR_SYNTAX);
}

/* ---- failures ---- */

TEST(a_new_file_is_for_this_user_alone_whatever_the_umask)
{
    static const char *const ends[] = {"", "-wal", "-shm"};
    mode_t was = umask(0);

    fresh();
    struct db *db CLEANUP(db_closep) = opened();

    CHECK(db_exec(db, table, &why) == ERR_OK);
    (void)umask(was);
    for (size_t i = 0; i < COUNTOF(ends); i++) {
        char path[128];
        struct stat st;

        (void)snprintf(path, sizeof(path), "%s%s", url + strlen("sqlite:"),
                       ends[i]);
        CHECK(stat(path, &st) == 0 && (st.st_mode & 0777) == 0600);
    }
}

TEST(conflicts_and_wrong_values_have_their_own_errors)
{
    fresh();
    struct db *db CLEANUP(db_closep) = opened();
    struct db_stmt *st CLEANUP(db_stmt_freep) = NULL;

    CHECK(db_exec(db, table, &why) == ERR_OK);
    CHECK(db_exec(db, "INSERT INTO t VALUES (1, 'a', 1, NULL)", &why)
          == ERR_OK);
    CHECK(db_exec(db, "INSERT INTO t VALUES (1, 'b', 1, NULL)", &why)
          == ERR_EXISTS);
    CHECK(db_exec(db, "INSERT INTO t VALUES (2, 'a', 1, NULL)", &why)
          == ERR_EXISTS);
    CHECK(says("t.name"));
    CHECK(db_exec(db, "INSERT INTO t VALUES (3, 'c', -1, NULL)", &why)
          == ERR_RANGE);
    CHECK(db_exec(db, "CREATE TABLE c (t BIGINT REFERENCES t)", &why)
          == ERR_OK);
    CHECK(db_exec(db, "INSERT INTO c VALUES (99)", &why) == ERR_STORE);
    CHECK(db_prepare(db, "SELEC", &st, &why) == ERR_SYNTAX && st == NULL);
    CHECK(db_prepare(db, "", &st, &why) == ERR_SYNTAX);
    CHECK(db_prepare(db, "SELECT 1; SELECT 2", &st, &why) == ERR_SYNTAX);
    CHECK(db_prepare(db, "SELECT ?1", &st, &why) == ERR_OK);
    CHECK(db_run(st, &why) == ERR_SYNTAX && says("gave a row"));
    db_bind_i64(st, 9, 1);
    CHECK(db_run(st, &why) == ERR_SYNTAX && says("could not be bound"));
}

TEST(what_cannot_be_opened_says_why_and_what_to_do)
{
    struct db *db = NULL;
    struct db_options exist = {.must_exist = true};
    struct db_options ro = {.read_only = true};

    fresh();
    CHECK(db_open(&db, str_c(url), &exist, &why) == ERR_STORE);
    CHECK(says("does its directory exist"));
    CHECK(db_open(&db, str_c(url), &ro, &why) == ERR_STORE);
    CHECK(db_open(&db, STR("sqlite:/nonexistent/x.db"), NULL, &why)
          == ERR_STORE);
    CHECK(says("does its directory exist"));
    CHECK(db_open(&db, STR("sqlite:"), NULL, &why) == ERR_SYNTAX);
    CHECK(db_open(&db, STR("postgres://x"), NULL, &why) == ERR_UNSUPPORTED);
    CHECK(db == NULL);
}

TEST(a_read_only_handle_reads_and_does_not_write)
{
    struct db_options ro = {.read_only = true};

    fresh();
    struct db *db CLEANUP(db_closep) = opened();
    struct db *reader CLEANUP(db_closep) = NULL;

    CHECK(db_exec(db, table, &why) == ERR_OK);
    CHECK(db_open(&reader, str_c(url), &ro, &why) == ERR_OK);
    CHECK(sql_number(reader, "SELECT count(*) FROM t") == 0);
    CHECK(db_exec(reader, "INSERT INTO t (id) VALUES (1)", &why) == ERR_STORE);
    CHECK(says("may this user write"));
}

static void write_file(const char *text, size_t at)
{
    char path[128];
    FILE *f;

    (void)snprintf(path, sizeof(path), "%s/a.db", dir);
    f = fopen(path, at == 0 ? "wbe" : "r+be");
    CHECK(f != NULL && fseek(f, (long)at, SEEK_SET) == 0);
    CHECK(fputs(text, f) >= 0 && fclose(f) == 0);
}

TEST(a_damaged_file_is_named_as_such)
{
    struct db *db CLEANUP(db_closep) = NULL;
    struct db_options check = {.check = true};

    fresh();
    write_file("this is not a database, whatever its name says ............."
               "......................................................",
               0);
    CHECK(db_open(&db, str_c(url), NULL, &why) == ERR_STORE);
    CHECK(says("damaged or not a database"));
    fresh();
    db = opened();
    CHECK(db_exec(db, table, &why) == ERR_OK);
    CHECK(db_exec(db, "INSERT INTO t (id, name) VALUES (1, 'x')", &why)
          == ERR_OK);
    db_close(TAKE(db));
    write_file("garbage garbage garbage garbage", 4096);
    CHECK(db_open(&db, str_c(url), &check, &why) == ERR_STORE);
    CHECK(says("damaged"));
}

TEST(a_full_disk_says_so_and_keeps_what_was_committed)
{
    fresh();
    struct db *db CLEANUP(db_closep) = opened();
    struct db_stmt *st CLEANUP(db_stmt_freep) = NULL;
    struct buf big CLEANUP(buf_done) = BUF_INIT(100000);
    enum err e = ERR_OK;
    int64_t n = 0;

    CHECK(db_exec(db, table, &why) == ERR_OK);
    CHECK(sql_number(db, "PRAGMA max_page_count=40") == 40);
    CHECK(buf_reserve(&big, 20000) == ERR_OK);
    memset(big.data, 'x', 20000);
    buf_grew(&big, 20000);
    CHECK(db_prepare(db, "INSERT INTO t (id, body) VALUES (?1, ?2)", &st, &why)
          == ERR_OK);
    while (e == ERR_OK && n < 100) {
        db_bind_i64(st, 1, ++n);
        db_bind_blob(st, 2, buf_str(&big));
        e = db_run(st, &why);
    }
    CHECK(e == ERR_STORE && says("no space left"));
    CHECK(sql_number(db, "SELECT count(*) FROM t") == n - 1);
}

TEST(a_lock_held_elsewhere_is_waited_for_and_then_reported)
{
    struct db_options o = {.busy_timeout_ms = 1};

    fresh();
    struct db *a CLEANUP(db_closep) = opened();
    struct db *b CLEANUP(db_closep) = NULL;

    CHECK(db_open(&b, str_c(url), &o, &why) == ERR_OK);
    CHECK(db_exec(a, table, &why) == ERR_OK);
    CHECK(db_begin(a, DB_DURABLE, &why) == ERR_OK);
    CHECK(db_begin(b, DB_DURABLE, &why) == ERR_AGAIN);
    CHECK(says("locked by another process"));
    CHECK(sql_number(b, "SELECT count(*) FROM t") == 0); /* readers go on */
    db_rollback(a);
    CHECK(db_begin(b, DB_DURABLE, &why) == ERR_OK);
    CHECK(db_commit(b, &why) == ERR_OK);
}

/* ---- torture ---- */

/* Opens, creates, writes two rows in one transaction, reads them back. */
static enum err story(const char *at)
{
    struct db *db CLEANUP(db_closep) = NULL;
    struct db_stmt *st CLEANUP(db_stmt_freep) = NULL;
    struct db_tx tx CLEANUP(db_tx_done) = {NULL};
    bool row;

    TRY(db_open(&db, str_c(at), NULL, &why));
    TRY(db_exec(db, "CREATE TABLE IF NOT EXISTS r (k TEXT, v BLOB)", &why));
    TRY(db_begin(db, DB_RELAXED, &why));
    tx.db = db;
    TRY(db_exec(db, "DELETE FROM r", &why));
    TRY(db_prepare(db, "INSERT INTO r VALUES (?1, ?2)", &st, &why));
    for (int i = 0; i < 2; i++) {
        db_bind_text(st, 1, STR("key"));
        db_bind_blob(st, 2, STR("value"));
        TRY(db_run(st, &why));
    }
    TRY(db_commit(db, &why));
    db_stmt_free(TAKE(st));
    TRY(db_prepare(db, "SELECT v FROM r", &st, &why));
    for (int i = 0; i < 2; i++) {
        TRY(db_step(st, &row, &why));
        CHECK(row && str_eq(db_col_text(st, 0), STR("value")));
    }
    TRY(db_step(st, &row, &why));
    CHECK(!row);
    return ERR_OK;
}

/* After whatever happened: the file is sound and holds both rows or none. */
static void sound(void)
{
    struct db_options check = {.check = true};
    struct db *db CLEANUP(db_closep) = NULL;
    int64_t n;

    CHECK(db_open(&db, str_c(url), &check, &why) == ERR_OK);
    if (sql_number(db, "SELECT count(*) FROM sqlite_schema") == 0)
        return;
    n = sql_number(db, "SELECT count(*) FROM r");
    CHECK(n == 0 || n == 2);
}

TEST(every_call_into_the_library_may_fail)
{
    size_t nth = 0, calls;
    enum err e;

    do {
        nth++;
        fresh();
        (void)sqlite_fault_arm(nth);
        e = story(url);
        calls = sqlite_fault_arm(0);
        CHECK(e == ERR_OK || (e == ERR_STORE && calls >= nth));
        sound();
    } while (calls >= nth);
    CHECK(e == ERR_OK && calls > 20);
}

TEST(every_write_and_sync_may_fail)
{
    size_t nth = 0, writes;
    enum err e;

    do {
        nth++;
        fresh();
        io_seen = 0;
        io_at = nth;
        e = story(url);
        writes = io_seen;
        io_at = 0;
        CHECK(e == ERR_OK || (e == ERR_STORE && writes >= nth));
        sound();
    } while (writes >= nth);
    CHECK(e == ERR_OK && writes > 10);
}

static bool story_of_memory(void)
{
    enum err e;

    /* The settings of the file are made by then: less to go through. */
    e = story(url);
    CHECK(e == ERR_OK || e == ERR_NOMEM || e == ERR_STORE);
    return e == ERR_OK;
}

TEST(every_allocation_may_fail)
{
    fresh();
    CHECK(story(url) == ERR_OK);
    (void)mem_fault_arm(0, false);
    CHECK(story(url) == ERR_OK);
    CHECK(mem_fault_arm(0, false) > 50); /* the library's are counted */
    TEST_OOM(story_of_memory());
    sound();
}
