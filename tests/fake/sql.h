/*
 * sql.h - databases of tests, and questions to them.
 */
#ifndef TESTS_FAKE_SQL_H
#define TESTS_FAKE_SQL_H

#include "store/db.h"

struct db *sql_memory(void); /* empty; to be closed */

/* The first column of the first row, which there must be. */
int64_t sql_number(struct db *db, const char *sql);

#endif
