/* doctor: what this machine offers, and what to do where something is missing. */
#include <unistd.h>

#include "cmd/ctx.h"
#include "data/jsonw.h"
#include "sys/child.h"
#include "sys/clock.h"
#include "sys/fs.h"
#include "sys/machine.h"
#include "sys/sandbox.h"

enum { TEXT_MAX = 1 << 16, CHECK_S = 10 };

/* What one look found. `advice` is empty when all is well. */
struct finding {
    const char *name;
    bool ok, needed;
    char text[200], advice[200];
};

/* Runs a program and takes the first line that it prints. */
static bool first_line(const char *const *argv, char *out, size_t cap)
{
    struct child_opts o = {.argv = argv, .own_group = true};
    CLEANUP(child_run_done)
    struct child_run r =
        CHILD_RUN_INIT(4096, 4096, clock_us() + CHECK_S * UINT64_C(1000000));
    struct str text, line = STR_EMPTY;

    if (child_run(&o, &r, NULL) != ERR_OK || !r.status.exited
        || r.status.code != 0)
        return false;
    text = buf_str(r.out.len != 0 ? &r.out : &r.err);
    (void)str_line(&text, &line);
    (void)snprintf(out, cap, "%.*s", (int)MIN(line.n, cap - 1), line.p);
    return true;
}

static void look_program(struct finding *f, const char *const *argv,
                         const char *advice)
{
    f->ok = first_line(argv, f->text, sizeof(f->text));
    if (f->ok)
        return;
    (void)snprintf(f->text, sizeof(f->text), "%s does not run", argv[0]);
    (void)snprintf(f->advice, sizeof(f->advice), "%s", advice);
}

static void look_sandbox(struct finding *f)
{
    struct sandbox_report r;

    sandbox_probe(&r);
    f->ok = r.files && r.calls;
    (void)snprintf(f->text, sizeof(f->text), "Landlock %s (ABI %d), seccomp %s",
                   r.files ? "yes" : "no", r.landlock_abi,
                   r.calls ? "yes" : "no");
    if (!f->ok)
        (void)snprintf(f->advice, sizeof(f->advice),
                       "use a kernel with Landlock, or run models unconfined: "
                       "--set runner.unconfined=on");
}

static void look_bwrap(struct finding *f)
{
    static const char *const argv[] = {
        "bwrap", "--unshare-all", "--ro-bind", "/", "/", "true", NULL};

    f->ok = first_line(argv, f->text, sizeof(f->text));
    (void)snprintf(f->text, sizeof(f->text),
                   f->ok ? "works" : "cannot make a sandbox");
    if (!f->ok)
        (void)snprintf(f->advice, sizeof(f->advice),
                       "install bubblewrap, and allow user namespaces: "
                       "sysctl kernel.unprivileged_userns_clone=1");
}

static void look_memory(struct finding *f)
{
    struct machine_memory m;

    f->ok = machine_memory(&m, NULL) == ERR_OK;
    (void)snprintf(f->text, sizeof(f->text), "%llu MiB free of %llu MiB",
                   (unsigned long long)(m.available_bytes >> 20),
                   (unsigned long long)(m.total_bytes >> 20));
}

static void look_disk(struct ctx *c, struct finding *f)
{
    uint64_t bytes = 0;
    struct why why = WHY_INIT;

    f->ok = fs_mkdirs(c->paths.state, &why) == ERR_OK
            && fs_free_bytes(c->paths.state, &bytes, &why) == ERR_OK
            && bytes > (64U << 20);
    if (bytes != 0 || f->ok)
        (void)snprintf(f->text, sizeof(f->text), "%llu MiB free in %.120s",
                       (unsigned long long)(bytes >> 20), c->paths.state);
    else
        (void)snprintf(f->text, sizeof(f->text), "%.190s", err_why(&why));
    if (!f->ok)
        (void)snprintf(f->advice, sizeof(f->advice),
                       "free some space, or choose another place with "
                       "HEARTH_HOME");
}

static void look_models(struct ctx *c, struct finding *f)
{
    f->ok = c->paths.share[0] != '\0';
    (void)snprintf(f->text, sizeof(f->text), "%.190s",
                   f->ok ? c->paths.share : "the shipped models are missing");
    if (!f->ok)
        (void)snprintf(f->advice, sizeof(f->advice),
                       "install hearth again: models/tiny belongs to it");
}

static void look_config(struct ctx *c, struct finding *f)
{
    CLEANUP(options_done) struct options o = {0};
    struct why why = WHY_INIT;

    f->ok = ctx_options(c, &o) == ERR_OK;
    if (f->ok) {
        (void)snprintf(f->text, sizeof(f->text), "%.*s",
                       (int)MIN(o.file.n, 190U), o.file.n != 0 ? o.file.p : "");
        if (o.file.n == 0)
            (void)snprintf(f->text, sizeof(f->text), "no file, the defaults");
        return;
    }
    why = c->why;
    (void)snprintf(f->text, sizeof(f->text), "%.190s", err_why(&why));
    (void)snprintf(f->advice, sizeof(f->advice), "mend the file named there");
}

static enum err print_json(struct ctx *c, const struct finding *f, size_t n)
{
    CLEANUP(buf_done) struct buf out = BUF_INIT(TEXT_MAX);
    struct jsonw w = JSONW_INIT(&out);

    jsonw_arr(&w);
    for (size_t i = 0; i < n; i++) {
        jsonw_obj(&w);
        jsonw_key_cstr(&w, "name", f[i].name);
        jsonw_key_bool(&w, "ok", f[i].ok);
        jsonw_key_bool(&w, "needed", f[i].needed);
        jsonw_key_cstr(&w, "text", f[i].text);
        jsonw_key_cstr(&w, "advice", f[i].advice);
        jsonw_obj_end(&w);
    }
    jsonw_arr_end(&w);
    TRY(jsonw_end(&w));
    TRY(buf_add_byte(&out, '\n'));
    return ctx_out(c, buf_str(&out));
}

enum err cmd_doctor(struct ctx *c)
{
    static const char *const python[] = {"python3", "--version", NULL};
    static const char *const node[] = {"node", "--version", NULL};
    static const char *const cc[] = {"cc", "--version", NULL};
    struct finding f[] = {
        {.name = "memory", .needed = true},
        {.name = "disk", .needed = true},
        {.name = "configuration", .needed = true},
        {.name = "shipped models", .needed = true},
        {.name = "sandbox for models", .needed = true},
        {.name = "sandbox for checks", .needed = true},
        {.name = "python checks", .needed = true},
        {.name = "javascript checks", .needed = false},
        {.name = "c checks", .needed = false},
    };
    bool all = true;

    look_memory(&f[0]);
    look_disk(c, &f[1]);
    look_config(c, &f[2]);
    look_models(c, &f[3]);
    look_sandbox(&f[4]);
    look_bwrap(&f[5]);
    look_program(&f[6], python, "install python3 to check Python answers");
    look_program(&f[7], node, "install nodejs to check JavaScript answers");
    look_program(&f[8], cc, "install gcc to check C answers");
    for (size_t i = 0; i < COUNTOF(f); i++)
        all = all && (f[i].ok || !f[i].needed);
    if (c->json) {
        TRY(print_json(c, f, COUNTOF(f)));
        return all ? ERR_OK : ERR_UNVERIFIED;
    }
    for (size_t i = 0; i < COUNTOF(f); i++) {
        enum paint p =
            f[i].ok ? PAINT_GOOD : (f[i].needed ? PAINT_BAD : PAINT_WARN);

        TRY(ctx_outf(c, "%s%-4s%s %-20s %s\n", ctx_paint(c, true, p),
                     f[i].ok ? "ok" : (f[i].needed ? "BAD" : "none"),
                     ctx_paint(c, true, PAINT_OFF), f[i].name, f[i].text));
        if (f[i].advice[0] != '\0')
            TRY(ctx_outf(c, "     %-20s %s\n", "", f[i].advice));
    }
    return all ? ERR_OK : ERR_UNVERIFIED;
}
