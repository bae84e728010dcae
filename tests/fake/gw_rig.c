#include "fake/gw_rig.h"

#include <poll.h>
#include <stdarg.h>
#include <unistd.h>

#include "base/mem.h"
#include "net/loop.h"
#include "sys/child.h"
#include "sys/clock.h"
#include "sys/fd.h"
#include "sys/fstree.h"
#include "sys/process.h"

enum { ROUND_MS = 20, PATIENCE_US = 20000000, BODY_MAX = 64 << 20 };

static void must(bool ok, const char *what)
{
    if (ok)
        return;
    (void)fprintf(stderr, "gw_rig: %s\n", what);
    abort();
}

/* ---- the gateway ----------------------------------------------------------------- */

static void make_models(struct gw_rig *r)
{
    char path[FS_PATH_MAX];
    struct buf CLEANUP(buf_done) gguf = BUF_INIT(16 << 20);
    static const char *const names[] = {"a", "b", "broken"};

    (void)snprintf(path, sizeof(path), "%s/models", r->home);
    must(fs_mkdirs(path, NULL) == ERR_OK, "cannot make the models folder");
    must(fs_read("models/tiny/tiny-1m-q8_0.gguf", &gguf, NULL) == ERR_OK,
         "run it in the root of the source tree");
    for (size_t i = 0; i < COUNTOF(names); i++) {
        (void)snprintf(path, sizeof(path), "%s/models/%s.gguf", r->home,
                       names[i]);
        must(fs_write_atomic(path, i < 2 ? buf_str(&gguf) : STR("GGUF? no"),
                             0600, NULL)
                 == ERR_OK,
             "cannot write a model");
    }
}

static void sibling(const char *name, char out[FS_PATH_MAX])
{
    size_t n;

    must(process_exe(out, FS_PATH_MAX, NULL) == ERR_OK, "who am I?");
    n = strlen(out);
    while (n > 0 && out[n - 1] != '/')
        n--;
    (void)snprintf(out + n, FS_PATH_MAX - n, "%s", name);
}

static bool read_said(struct gw_rig *r)
{
    char bytes[4096];
    size_t got = 0;

    if (fd_wait(r->out, FD_READ, clock_us() + 1000) != ERR_OK
        || fd_read(r->out, bytes, sizeof(bytes), &got) != ERR_OK)
        return false;
    return buf_add(&r->said, (struct str){bytes, got}) == ERR_OK;
}

/* The rest of the n-th line that begins with `word`. */
static struct str said_line(const struct gw_rig *r, const char *word, size_t n)
{
    struct str rest = buf_str(&r->said), line;

    while (str_line(&rest, &line)) {
        struct str tail = line;

        if (str_eq(str_cut(&tail, ' '), str_c(word)) && n-- == 0)
            return tail;
    }
    return STR_EMPTY;
}

static void launch(struct gw_rig *r, const char *const *settings)
{
    char serve[FS_PATH_MAX], runner[FS_PATH_MAX];
    const char *argv[GW_ARGS_MAX + 8] = {serve,
                                         r->home,
                                         runner,
                                         "server.listen=127.0.0.1:0",
                                         "log.level=error",
                                         "serving.shipped=off"};
    size_t n = 6;
    int in[2], out[2];

    for (size_t i = 0; settings[i] != NULL; i++)
        argv[n++] = settings[i];
    sibling("fake_serve", serve);
    sibling("fake_runner", runner);
    must(fd_pipe(in, NULL) == ERR_OK && fd_pipe(out, NULL) == ERR_OK, "pipes");
    must(child_start(
             &(struct child_opts){
                 .argv = argv,
                 .fds = (const struct child_map[]){{in[0], 0}, {out[1], 1}},
                 .n_fds = 2,
                 .die_with_parent = true},
             &r->pid, NULL)
             == ERR_OK,
         "cannot start fake_serve; build it first");
    fd_close(in[0]);
    fd_close(out[1]);
    r->in = in[1];
    r->out = out[0];
}

static void begin(struct gw_rig *r, const char *fake)
{
    char home[FS_PATH_MAX];

    *r = (struct gw_rig){.said = BUF_INIT(1 << 20)};
    must(fs_mkdir_temp("/tmp", "gw", home, NULL) == ERR_OK
             && str_z(str_c(home), r->home, sizeof(r->home)),
         "no home");
    r->calls = mem_calloc(GW_CALLS_MAX, sizeof(*r->calls));
    must(r->calls != NULL, "memory");
    /* NOLINTNEXTLINE(concurrency-mt-unsafe): a test of one thread */
    must(setenv("FAKE_RUNNER", fake, 1) == 0, "setenv");
    make_models(r);
}

static void write_yaml(const struct gw_rig *r, struct str text)
{
    char path[FS_PATH_MAX];

    (void)snprintf(path, sizeof(path), "%s/config.yaml", r->home);
    must(fs_write_atomic(path, text, 0600, NULL) == ERR_OK, "yaml");
}

/* False when the gateway ended instead of coming up. */
static bool come_up(struct gw_rig *r)
{
    uint64_t end = clock_us() + PATIENCE_US;
    struct pollfd out = {.fd = r->out, .events = POLLIN};

    while (said_line(r, "ready", 0).n == 0) {
        if (!read_said(r) && poll(&out, 1, 0) == 1
            && (out.revents & POLLHUP) != 0)
            return false;
        must(clock_us() < end, "the gateway did not start");
    }
    must(str_z(said_line(r, "ready", 0), r->url, sizeof(r->url)), "address");
    (void)snprintf(r->socket, sizeof(r->socket), "%s/run/gateway.sock",
                   r->home);
    must(loop_new(&r->loop, NULL) == ERR_OK
             && httpc_new(r->loop, &r->httpc, NULL) == ERR_OK,
         "no loop");
    return true;
}

void gw_rig_start(struct gw_rig *r, const char *fake, ...)
{
    const char *settings[GW_ARGS_MAX] = {NULL}, *one;
    va_list args;
    size_t n = 0;

    begin(r, fake);
    va_start(args, fake);
    while (n + 1 < GW_ARGS_MAX && (one = va_arg(args, const char *)) != NULL) {
        if (str_starts(str_c(one), STR("yaml:")))
            write_yaml(r, str_c(one + 5));
        else
            settings[n++] = one;
    }
    va_end(args);
    launch(r, settings);
    must(come_up(r), "the gateway did not come up");
}

bool gw_rig_start_fault(struct gw_rig *r, unsigned nth)
{
    const char *settings[] = {NULL};
    char text[20];
    bool up;

    begin(r, "");
    (void)snprintf(text, sizeof(text), "%u", nth);
    /* NOLINTNEXTLINE(concurrency-mt-unsafe): a test of one thread */
    must(setenv("FAKE_SERVE_FAULT", text, 1) == 0, "setenv");
    launch(r, settings);
    up = come_up(r);
    /* NOLINTNEXTLINE(concurrency-mt-unsafe): a test of one thread */
    must(unsetenv("FAKE_SERVE_FAULT") == 0, "setenv");
    return up;
}

bool gw_rig_stop_any(struct gw_rig *r)
{
    const struct fstree_bounds bounds = {1000, 0, 8};
    struct child_status st;

    if (r->loop != NULL) {
        httpc_free(r->httpc);
        loop_free(r->loop);
    }
    fd_close(r->in);
    must(child_wait(r->pid, true, &st) == ERR_OK, "wait");
    fd_close(r->out);
    buf_done(&r->said);
    for (size_t i = 0; i < GW_CALLS_MAX; i++) {
        buf_done(&r->calls[i].fields);
        buf_done(&r->calls[i].body);
        buf_done(&r->calls[i].sent);
    }
    mem_free(r->calls);
    must(fstree_remove(r->home, &bounds, NULL) == ERR_OK, "cleaning up");
    if (!st.exited || st.code != 0)
        (void)fprintf(stderr, "gw_rig: exit %d signal %d\n", st.code,
                      st.signal);
    must(st.exited && st.code < 100, "the gateway died of a signal");
    return st.code == 0;
}

void gw_rig_stop(struct gw_rig *r)
{
    must(gw_rig_stop_any(r), "the gateway did not end well");
}

int gw_rig_runner(struct gw_rig *r, size_t n)
{
    uint64_t pid = 0;

    while (read_said(r))
        ;
    if (!str_u64(said_line(r, "runner", n), INT32_MAX, &pid))
        return 0;
    return (int)pid;
}

/* ---- clients ----------------------------------------------------------------------- */

static void on_head(void *ctx, const struct httpc_answer *a)
{
    struct gw_call *c = ctx;

    c->status = a->status;
    for (size_t i = 0; i < a->field_count; i++)
        must(buf_printf(&c->fields, "%.*s: %.*s\n", STR_ARG(a->fields[i].name),
                        STR_ARG(a->fields[i].value))
                 == ERR_OK,
             "fields");
}

static enum err on_data(void *ctx, struct str bytes)
{
    struct gw_call *c = ctx;

    return buf_add(&c->body, bytes);
}

static void on_done(void *ctx, enum err e, const struct why *why)
{
    struct gw_call *c = ctx;

    (void)why;
    c->end = e;
    c->over = true;
    c->http = NULL;
}

static size_t split_fields(const char *text, struct http1_field *out,
                           size_t max)
{
    struct str rest = str_c(text), line;
    size_t n = 0;

    while (n < max && str_line(&rest, &line)) {
        struct str value = line, name = str_cut(&value, ':');

        out[n++] = (struct http1_field){name, str_trim(value)};
    }
    return n;
}

struct gw_call *gw_rig_call(struct gw_rig *r, const char *method,
                            const char *path, const char *fields,
                            struct str body)
{
    static const struct httpc_events events = {on_head, on_data, on_done};
    struct gw_call *c = r->calls;
    struct http1_field list[16];
    char url[600];
    bool admin = strncmp(path, "/admin", 6) == 0;

    while (c < r->calls + GW_CALLS_MAX && c->used)
        c++;
    must(c < r->calls + GW_CALLS_MAX, "too many calls in one test");
    *c = (struct gw_call){.rig = r,
                          .used = true,
                          .fields = BUF_INIT(65536),
                          .body = BUF_INIT(BODY_MAX),
                          .sent = BUF_INIT(BODY_MAX)};
    must(buf_add(&c->sent, body) == ERR_OK, "memory");
    (void)snprintf(url, sizeof(url), "%s%s", r->url, path);
    must(httpc_start(r->httpc,
                     &(struct httpc_request){
                         .method = str_c(method),
                         .url = str_c(url),
                         .unix_path = admin ? str_c(r->socket) : STR_EMPTY,
                         .fields = list,
                         .field_count = split_fields(fields, list, 16),
                         .body = buf_str(&c->sent)},
                     &events, c, &c->http, NULL)
             == ERR_OK,
         "cannot start a call");
    return c;
}

struct gw_call *gw_rig_get(struct gw_rig *r, const char *path)
{
    return gw_rig_call(r, "GET", path, "", STR_EMPTY);
}

struct gw_call *gw_rig_post(struct gw_rig *r, const char *path,
                            const char *body)
{
    return gw_rig_call(r, "POST", path, "Content-Type: application/json",
                       str_c(body));
}

enum err gw_rig_wait(struct gw_rig *r, struct gw_call *c)
{
    uint64_t end = clock_us() + PATIENCE_US;

    while (!c->over && clock_us() < end)
        loop_run_once(r->loop, ROUND_MS);
    must(c->over, "a call does not end");
    return c->end;
}

bool gw_rig_until(struct gw_rig *r, struct gw_call *c, const char *text)
{
    uint64_t end = clock_us() + PATIENCE_US;

    while (!c->over && !gw_rig_has(c, text) && clock_us() < end)
        loop_run_once(r->loop, ROUND_MS);
    return gw_rig_has(c, text);
}

void gw_rig_leave(struct gw_call *c)
{
    if (c->http != NULL)
        httpc_cancel(c->http);
    c->http = NULL;
    c->over = true;
}

size_t gw_rig_count(const struct gw_call *c, const char *text)
{
    struct str rest = buf_str(&c->body);
    size_t n = 0;

    for (;;) {
        size_t at = str_find(rest, str_c(text));

        if (at == SIZE_MAX)
            return n;
        n++;
        rest = str_sub(rest, at + strlen(text), SIZE_MAX);
    }
}

bool gw_rig_has(const struct gw_call *c, const char *text)
{
    return str_has(buf_str(&c->body), str_c(text));
}

bool gw_rig_has_field(const struct gw_call *c, const char *line)
{
    return str_has(buf_str(&c->fields), str_c(line));
}

struct gw_call *gw_rig_chat(struct gw_rig *r, const char *model,
                            const char *text, bool stream)
{
    char body[2000];

    (void)snprintf(body, sizeof(body),
                   "{\"model\":\"%s\",\"stream\":%s,\"messages\":[{\"role\":"
                   "\"user\",\"content\":\"%s\"}]}",
                   model, stream ? "true" : "false", text);
    return gw_rig_post(r, "/v1/chat/completions", body);
}
