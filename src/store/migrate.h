/*
 * migrate.h - brings a database to the schema this program knows.
 *
 * A schema is an append-only table of steps with ids 1, 2, 3, ...; each runs
 * in a transaction of its own together with its row in schema_migrations, so
 * after a crash the database stands exactly between two steps. A database
 * with steps we do not know was written by a newer program and is refused
 * untouched: ERR_STORE.
 *
 * To add a step: append a row, never change an old one (its name is recorded
 * and compared).
 */
#ifndef STORE_MIGRATE_H
#define STORE_MIGRATE_H

#include "base/err.h"
#include "store/db.h"

struct migration {
    unsigned id;
    const char *name; /* a few words, unique */
    const char *sql;  /* one or more statements; no BEGIN or COMMIT */
};

/* Applies what is missing, in order. `now_ms` is recorded. Safe when several
 * processes start at once: one applies, the others find it done. */
NODISCARD enum err migrate_up(struct db *db, const struct migration *steps,
                              size_t count, int64_t now_ms, struct why *why);

/* The highest step applied; 0 for a fresh database. */
NODISCARD enum err migrate_version(struct db *db, unsigned *out,
                                   struct why *why);

#endif
