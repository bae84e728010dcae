/*
 * json_write.h - a value that was read, as the next value of a writer.
 */
#ifndef DATA_JSON_WRITE_H
#define DATA_JSON_WRITE_H

#include "data/json.h"
#include "data/jsonw.h"

/* Absent is written as null; a whole number beyond 64 bits as the double it
 * was read as. Too deep for the writer is its ERR_LIMIT. */
void json_write(struct json v, struct jsonw *w);

#endif
