#include "cmd/reference.h"

#include "cmd/args.h"
#include "config/options.h"
#include "data/oai_err.h"
#include "gateway/gateway.h"
#include "work/work.h"

static enum err errors(struct buf *out)
{
    TRY(buf_add(out, STR("# Errors\n\nMade by `hearth docs errors`. One row "
                         "per failure; the exit status is the one of the "
                         "command line. `type` and `code` are those of the "
                         "error object of every HTTP answer; a refusal that "
                         "knows more has a code of its own (`invalid_type`, "
                         "`unknown_parameter`, ...).\n\n"
                         "| error | HTTP | type | code | try again | exit "
                         "| meaning |\n"
                         "|---|---|---|---|---|---|---|\n")));
    for (int e = ERR_OK + 1; e < ERR_COUNT; e++)
        TRY(buf_printf(out, "| %s | %d | %s | %s | %s | %d | %s |\n",
                       err_name((enum err)e), err_http((enum err)e),
                       oai_err_type((enum err)e),
                       oai_err_name((enum err)e)[0] != '\0'
                           ? oai_err_name((enum err)e)
                           : "null",
                       err_retryable((enum err)e) ? "yes" : "no",
                       err_exit((enum err)e), err_text((enum err)e)));
    return ERR_OK;
}

/* To add a reference: a row here, then `make docs`. */
static const struct {
    const char *name;
    enum err (*print)(struct buf *out);
} references[] = {
    {"commands", args_doc},           {"errors", errors},
    {"metrics", gateway_doc_metrics}, {"options", options_doc},
    {"routes", gateway_doc_routes},   {"tasks", work_doc},
};

enum err reference_list(struct buf *out)
{
    for (size_t i = 0; i < COUNTOF(references); i++)
        TRY(buf_printf(out, "%s\n", references[i].name));
    return ERR_OK;
}

enum err reference_get(struct str name, struct buf *out, struct why *why)
{
    for (size_t i = 0; i < COUNTOF(references); i++)
        if (str_eq(name, str_c(references[i].name)))
            return references[i].print(out);
    return FAIL(why, ERR_NOTFOUND,
                "there is no reference '%.*s'; `hearth docs` lists them",
                STR_ARG(name));
}
