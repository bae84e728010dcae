/*
 * oai_field.h - reads one member of a request body, found by data/json_scan,
 * with the messages and codes of the OpenAI API:
 *
 *   Invalid type for 'temperature': expected a number, but got a string
 *   instead.                                       invalid_type
 *   Invalid 'n': 0 is below the minimum of 1.      integer_below_min_value
 *
 * Missing and null leave the output as it is. All refusals are ERR_PARSE
 * (400). Pure.
 */
#ifndef GATEWAY_OAI_FIELD_H
#define GATEWAY_OAI_FIELD_H

#include "base/arena.h"
#include "data/json_scan.h"
#include "data/oai_err.h"

enum { OAI_DEPTH = 64, OAI_MEMBERS_MAX = 1000 };

/* Finds `fields` among the members of an object, as json_scan_fields does, but
 * refuses one of more than OAI_MEMBERS_MAX members: the time that a body may
 * cost has to follow its length. */
NODISCARD enum err oai_members(struct str object, struct json_field *fields,
                               size_t count, struct oai_err *o);

bool oai_given(const struct json_field *f); /* neither missing nor null */

NODISCARD enum err oai_bool(const struct json_field *f, bool *out,
                            struct oai_err *o);
NODISCARD enum err oai_f32(const struct json_field *f, double min, double max,
                           float *out, struct oai_err *o);
/* A whole number, also written as 3.0. */
NODISCARD enum err oai_u32(const struct json_field *f, uint32_t min,
                           uint32_t max, uint32_t *out, struct oai_err *o);
NODISCARD enum err oai_i64(const struct json_field *f, int64_t *out,
                           struct oai_err *o);
/* The text without quotes and escapes, in the arena. */
NODISCARD enum err oai_text(const struct json_field *f, struct arena *a,
                            struct str *out, struct oai_err *o);
/* The value's bytes; its type must be `want`. */
NODISCARD enum err oai_raw(const struct json_field *f, enum json_type want,
                           struct str *out, struct oai_err *o);

/* The refusals themselves, for what only a dialect can check. */
enum err oai_missing(struct oai_err *o, const char *param);
enum err oai_wrong_type(struct oai_err *o, const char *param, const char *want,
                        enum json_type got);
/* "Invalid '<param>': <why>." */
enum err oai_wrong(struct oai_err *o, const char *param, const char *name,
                   const char *fmt, ...) PRINTF_LIKE(4, 5);
/* The body itself is not JSON, or repeats a member. */
enum err oai_wrong_body(struct oai_err *o, const struct why *why);

#endif
