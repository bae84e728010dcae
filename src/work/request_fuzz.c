/* Any body of POST /v1/tasks: refused with a reason, or read; what is stored
 * of it reads back as the same task. */
#include "work/request.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

static bool same(const struct request *a, const struct request *b)
{
    return str_eq(a->prompt, b->prompt) && str_eq(a->entry, b->entry)
           && str_eq(buf_str(&a->tests), buf_str(&b->tests))
           && a->lang == b->lang && a->has_type == b->has_type
           && (!a->has_type || a->type == b->type)
           && a->has_complexity == b->has_complexity
           && (!a->has_complexity || a->complexity == b->complexity);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    CLEANUP(request_done) struct request r = {0};
    CLEANUP(request_done) struct request back = {0};
    struct buf spec CLEANUP(buf_done) = BUF_INIT((size_t)4 << 20);
    struct why why = WHY_INIT;

    if (request_parse((struct str){(const char *)data, size}, &r, &why)
        != ERR_OK) {
        if (why.msg[0] == '\0')
            abort();
        return 0;
    }
    if (r.prompt.n == 0 || r.prompt.n > REQUEST_PROMPT_MAX
        || r.entry.n > REQUEST_ENTRY_MAX || r.tests.len > REQUEST_TESTS_MAX
        || request_spec(&r, &spec) != ERR_OK
        || request_parse(buf_str(&spec), &back, NULL) != ERR_OK
        || !same(&r, &back))
        abort();
    return 0;
}
