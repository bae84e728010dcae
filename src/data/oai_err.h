/*
 * oai_err.h - a refusal in the words and the shape of the OpenAI API:
 *
 *   {"error":{"message":"...","type":"...","param":null,"code":null}}
 *
 * All four members are always there. Pure. Thread: any.
 */
#ifndef DATA_OAI_ERR_H
#define DATA_OAI_ERR_H

#include "base/buf.h"

struct oai_err {
    enum err code;
    int status;     /* 0: as err_http says */
    char param[96]; /* the field; "": null */
    char name[48];  /* error.code; "": by oai_err.def */
    char msg[600];
    uint64_t retry_after_ms; /* 0: no advice */
};

#define OAI_ERR_INIT ((struct oai_err){.code = ERR_OK})

/* Fills in and returns `e`, to end a function with. `param` and `name` may be
 * NULL. */
enum err oai_err_fail(struct oai_err *o, enum err e, const char *param,
                      const char *name, const char *fmt, ...) PRINTF_LIKE(5, 6);

/* From a failure of ours. */
void oai_err_from(struct oai_err *o, const struct why *why, const char *param);

int oai_err_status(const struct oai_err *o);

/* error.type and error.code of a failure; "": null. For the reference. */
const char *oai_err_type(enum err e);
const char *oai_err_name(enum err e);

/* Appends the object above. */
NODISCARD enum err oai_err_write(const struct oai_err *o, struct buf *out);

#endif
