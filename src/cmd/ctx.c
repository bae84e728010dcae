#include "cmd/ctx.h"

#include <errno.h>
#include <stdarg.h>
#include <unistd.h>

#include "base/utf8.h"
#include "config/options_load.h"
#include "data/json_write.h"
#include "sys/fs.h"
#include "sys/process.h"
#include "sys/term.h"

atomic_bool ctx_cancel;

enum { ANSWER_MAX = 64 << 20, LINE_MAX_BYTES = 1 << 20 };

enum err ctx_init(struct ctx *c)
{
    struct str home = args_text(&c->args, "home", STR_EMPTY);
    bool plain = args_has(&c->args, "no-color");
    int n;

    if (home.n != 0) {
        char z[FS_PATH_MAX], real[FS_PATH_MAX];

        if (!str_z(home, z, sizeof(z)))
            return FAIL(&c->why, ERR_SYNTAX, "--home is too long");
        TRY(fs_mkdirs(z, &c->why));
        TRY(fs_real(z, real, &c->why));
        /* The one channel through which our other processes learn it too. */
        /* NOLINTNEXTLINE(concurrency-mt-unsafe): before the first thread */
        if (setenv("HEARTH_HOME", real, 1) != 0)
            return FAIL(&c->why, ERR_NOMEM, "no memory for the environment");
    }
    TRY(paths_find(&c->paths, &c->why));
    n = snprintf(c->socket, sizeof(c->socket), "%s/gateway.sock", c->paths.run);
    if (n < 0 || (size_t)n >= sizeof(c->socket))
        return FAIL(&c->why, ERR_LIMIT, "%s is too long", c->paths.run);
    c->client = client_unix(str_c(c->socket), &ctx_cancel);
    c->texts = ARENA_INIT(ANSWER_MAX);
    c->json = args_has(&c->args, "json");
    c->color = !plain && term_colour(STDERR_FILENO);
    c->color_out = !plain && !c->json && term_colour(STDOUT_FILENO);
    return ERR_OK;
}

enum err ctx_options(struct ctx *c, struct options *out)
{
    struct str sets[ARGS_MAX], file = args_text(&c->args, "config", STR_EMPTY);
    struct options_sources from = {.config_dir = str_c(c->paths.config),
                                   .home = str_c(c->paths.state),
                                   .user_home = str_c(process_env("HOME")),
                                   .env = environ,
                                   .sets = sets};
    char z[FS_PATH_MAX];

    while (args_list(&c->args, "set", from.set_count, &sets[from.set_count]))
        from.set_count++;
    if (!str_z(file, z, sizeof(z)))
        return FAIL(&c->why, ERR_SYNTAX, "--config is too long");
    from.file = file.n != 0 ? z : NULL;
    return options_load(out, &from, &c->why);
}

static enum err call(struct ctx *c, struct str method, const char *path,
                     struct str body, struct json_doc *doc)
{
    CLEANUP(buf_done) struct buf answer = BUF_INIT(ANSWER_MAX);

    TRY(client_call(&c->client, method, str_c(path), body, &answer, &c->why));
    return json_parse(doc, buf_str(&answer), NULL, &c->why);
}

enum err ctx_get(struct ctx *c, const char *path, struct json_doc *doc)
{
    return call(c, STR("GET"), path, STR_EMPTY, doc);
}

enum err ctx_post(struct ctx *c, const char *path, struct str body,
                  struct json_doc *doc)
{
    return call(c, STR("POST"), path, body, doc);
}

enum err ctx_out(struct ctx *c, struct str text)
{
    if (fwrite(text.p, 1, text.n, stdout) != text.n || fflush(stdout) != 0)
        return FAIL_SYS(&c->why, ERR_IO, "cannot write to standard output");
    return ERR_OK;
}

enum err ctx_out_line(struct ctx *c, struct str text)
{
    TRY(ctx_out(c, text));
    return ctx_out(c, STR("\n"));
}

enum err ctx_clean(struct str text, struct buf *out)
{
    while (text.n != 0) {
        uint32_t cp = 0;
        size_t n = utf8_next(text, &cp);
        bool steers = n == 0 || (cp < ' ' && cp != '\n' && cp != '\t')
                      || (cp >= 0x7f && cp < 0xa0);

        n = MAX(n, (size_t)1);
        TRY(buf_add(out, steers ? STR_EMPTY : str_sub(text, 0, n)));
        text = str_sub(text, n, text.n);
    }
    return ERR_OK;
}

enum err ctx_out_text(struct ctx *c, struct str text)
{
    CLEANUP(buf_done) struct buf clean = BUF_INIT(ANSWER_MAX);

    if (!term_is(STDOUT_FILENO))
        return ctx_out(c, text);
    TRY(ctx_clean(text, &clean));
    return ctx_out(c, buf_str(&clean));
}

enum err ctx_outf(struct ctx *c, const char *fmt, ...)
{
    va_list ap;
    int n;

    va_start(ap, fmt);
    n = vprintf(fmt, ap);
    va_end(ap);
    if (n < 0 || fflush(stdout) != 0)
        return FAIL_SYS(&c->why, ERR_IO, "cannot write to standard output");
    return ERR_OK;
}

enum err ctx_out_json(struct ctx *c, struct json v)
{
    CLEANUP(buf_done) struct buf out = BUF_INIT(ANSWER_MAX);
    struct jsonw w = JSONW_INIT(&out);

    json_write(v, &w);
    TRY(jsonw_end(&w));
    TRY(buf_add_byte(&out, '\n'));
    return ctx_out(c, buf_str(&out));
}

uint64_t ctx_number(struct json v, const char *key)
{
    uint64_t n = 0;

    IGNORE(json_opt_u64(v, key, 0, UINT64_MAX, &n, NULL));
    return n;
}

struct str ctx_text(struct ctx *c, struct json v, const char *key)
{
    CLEANUP(buf_done) struct buf clean = BUF_INIT(ANSWER_MAX);
    struct str text = json_str(json_get(v, key)), copy = STR_EMPTY;

    if (ctx_clean(text, &clean) != ERR_OK || clean.len == text.n)
        return clean.len == text.n ? text : STR_EMPTY;
    return arena_dup(&c->texts, buf_str(&clean), &copy) == ERR_OK ? copy
                                                                  : STR_EMPTY;
}

struct ctx_usage ctx_usage(struct json v)
{
    struct json details = json_get(v, "prompt_tokens_details");
    bool nested = json_type(details) == JSON_OBJECT;

    return (struct ctx_usage){
        .prompt = ctx_number(v, "prompt_tokens"),
        .cached = ctx_number(nested ? details : v, "cached_tokens"),
        .completion = ctx_number(v, "completion_tokens")};
}

void ctx_say(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    (void)vfprintf(stderr, fmt, ap);
    va_end(ap);
}

const char *ctx_paint(const struct ctx *c, bool to_stdout, enum paint p)
{
    static const char *const codes[] = {
        [PAINT_OFF] = "\033[0m",  [PAINT_DIM] = "\033[2m",
        [PAINT_BOLD] = "\033[1m", [PAINT_GOOD] = "\033[32m",
        [PAINT_BAD] = "\033[31m", [PAINT_WARN] = "\033[33m"};

    return (to_stdout ? c->color_out : c->color) ? codes[p] : "";
}

static enum err read_stdin(struct ctx *c, struct buf *out)
{
    for (;;) {
        ssize_t n;

        if (buf_reserve(out, 4096) != ERR_OK)
            return FAIL(&c->why, ERR_LIMIT,
                        "standard input is longer than %zu bytes", out->max);
        n = read(STDIN_FILENO, out->data + out->len, 4096);
        if (n < 0 && errno == EINTR && !atomic_load(&ctx_cancel))
            continue;
        if (n < 0)
            return FAIL_SYS(&c->why, ERR_IO, "cannot read standard input");
        if (n == 0)
            return ERR_OK;
        buf_grew(out, (size_t)n);
    }
}

enum err ctx_read_file(struct ctx *c, struct str path, struct buf *out)
{
    char z[FS_PATH_MAX];

    if (str_eq(path, STR("-")))
        return read_stdin(c, out);
    if (!str_z(path, z, sizeof(z)))
        return FAIL(&c->why, ERR_SYNTAX, "the file name is too long");
    return fs_read(z, out, &c->why);
}
