#include "runner/llama/llama_log.h"

#include <llama.h>

static struct {
    void (*sink)(void *ctx, int level, struct str line);
    void *ctx;
    int level;
    bool expected;
    size_t len;
    char line[512];
    char last_error[256]; /* explains a load that failed */
} lib_log;

static void end_line(void)
{
    struct str s = {lib_log.line, lib_log.len};
    lib_log.len = 0;
    if (s.n == 0)
        return;
    if (lib_log.level >= 3) {
        size_t n = MIN(s.n, sizeof lib_log.last_error - 1);
        memcpy(lib_log.last_error, s.p, n);
        lib_log.last_error[n] = '\0';
    }
    if (lib_log.sink)
        lib_log.sink(lib_log.ctx, lib_log.expected ? 0 : lib_log.level, s);
}

/* Lines come in pieces; a long one is cut into several. */
static void on_log(enum ggml_log_level level, const char *text, void *ctx)
{
    (void)ctx;
    if (level != GGML_LOG_LEVEL_CONT)
        lib_log.level = level == GGML_LOG_LEVEL_ERROR  ? 3
                        : level == GGML_LOG_LEVEL_WARN ? 2
                        : level == GGML_LOG_LEVEL_INFO ? 1
                                                       : 0;
    for (; *text; text++) {
        if (*text == '\n' || lib_log.len == sizeof lib_log.line)
            end_line();
        if (*text != '\n')
            lib_log.line[lib_log.len++] = *text;
    }
}

void llama_log_to(void (*sink)(void *ctx, int level, struct str line),
                  void *ctx)
{
    lib_log.sink = sink;
    lib_log.ctx = ctx;
    llama_log_set(on_log, NULL);
}

void llama_log_expect_errors(bool yes)
{
    lib_log.expected = yes;
}

void llama_log_abort(const char *text)
{
    end_line();
    if (lib_log.sink)
        lib_log.sink(lib_log.ctx, 3, str_c(text));
}

void llama_log_forget(void)
{
    lib_log.last_error[0] = '\0';
}

const char *llama_log_last_error(void)
{
    end_line();
    return lib_log.last_error[0] ? lib_log.last_error
                                 : "the library gave no reason";
}
