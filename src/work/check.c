/*
 * check.c - checks of interpreted languages: a judge and a candidate, each in
 * a sandbox, joined by a socket. C has its own way in check_c.c.
 */
#include "work/check.h"

#include <fcntl.h>
#include <signal.h>

#include "data/json.h"
#include "data/jsonw.h"
#include "sys/clock.h"
#include "sys/fd.h"
#include "work/check_c.h"
#include "work/extract.h"
#include "work/harness.h"
#include "work/jail.h"
#include "work/prompt.h"
#include "work/syntax.h"

enum {
    SPEC_MAX = 4 << 20,
    RESULT_MAX = 64 << 10,
    GRACE_MS = 3000, /* for the judge to say that a call did not finish */
    HARNESS_FD = 3
};

void check_result_done(struct check_result *r)
{
    buf_done(&r->evidence);
    buf_done(&r->output);
}

static enum err fail_with(struct check_result *out, struct str evidence)
{
    out->passed = false;
    buf_clear(&out->evidence);
    return prompt_evidence(evidence, &out->evidence);
}

/* ---- programs ------------------------------------------------------------------ */

static const struct {
    const char *program, *package;
} tools[LANG_COUNT] = {
    [LANG_PYTHON] = {"/usr/bin/python3", "python3"},
    [LANG_JAVASCRIPT] = {"/usr/bin/node", "nodejs"},
    [LANG_C] = {"/usr/bin/cc", "gcc"},
};

enum err check_tools(enum lang lang, struct why *w)
{
    if (lang >= LANG_COUNT || !fs_is_executable(tools[lang].program))
        return FAIL(w, ERR_UNSUPPORTED,
                    "%s is needed to check %s: install the package %s",
                    tools[lang].program, lang_name(lang), tools[lang].package);
    return ERR_OK;
}

/* The harness in a role, as a command line. */
static enum err command(enum lang lang, const char *role,
                        const struct check_job *job, struct jail *out,
                        struct why *w)
{
    const char *python[] = {tools[LANG_PYTHON].program,
                            "-I",
                            "-S",
                            "-u",
                            "-c",
                            harness_python,
                            role,
                            NULL};
    const char *node[] = {tools[LANG_JAVASCRIPT].program,
                          "--max-old-space-size=256",
                          "--stack-size=900",
                          "-e",
                          harness_node,
                          "--",
                          role,
                          NULL};
    struct jail_opts o =
        JAIL_OPTS(job->workdir->code_dir, lang == LANG_PYTHON ? python : node);

    /* More than the wall allows: what runs for ever meets the deadline, which
     * has a name for it, before it meets the kernel. */
    o.cpu_s = (job->time_ms + GRACE_MS) / 1000 + 2;
    o.file_bytes = WORKDIR_OUTPUT_MAX;
    if (lang == LANG_JAVASCRIPT)
        o.data_bytes = UINT64_C(1) << 30;
    return jail_make(&o, out, w);
}

/* ---- the candidate ---------------------------------------------------------------- */

struct candidate {
    int pid; /* 0: none */
};

static void candidate_end(struct candidate *c)
{
    struct child_status status;

    if (c->pid == 0)
        return;
    IGNORE(child_kill(c->pid, SIGKILL, true));
    IGNORE(child_wait(c->pid, true, &status));
    c->pid = 0;
}

static enum err candidate_start(struct candidate *c,
                                const struct check_job *job, int socket,
                                struct why *w)
{
    CLEANUP(fd_closep) int output = -1;
    CLEANUP(jail_done) struct jail jail = JAIL_INIT;
    struct child_map fds[4];
    struct child_opts o = {.argv = jail.argv,
                           .fds = fds,
                           .n_fds = 4,
                           .own_group = true,
                           .die_with_parent = true};

    TRY(command(job->lang, "candidate", job, &jail, w));
    TRY(fd_open(job->workdir->output, O_WRONLY | O_CREAT | O_TRUNC, 0600,
                &output, w));
    fds[0] = (struct child_map){output, 1};
    fds[1] = (struct child_map){output, 2};
    fds[2] = (struct child_map){socket, HARNESS_FD};
    fds[3] = (struct child_map){jail.filter, JAIL_FD};
    return child_start(&o, &c->pid, w);
}

/* ---- the judge ------------------------------------------------------------------------ */

static enum err spec(const struct check_job *job, const char *mode,
                     struct buf *out)
{
    struct jsonw w = JSONW_INIT(out);

    jsonw_obj(&w);
    jsonw_key_cstr(&w, "mode", mode);
    jsonw_key_str(&w, "entry", job->entry);
    jsonw_key_str(&w, "tests", job->tests);
    jsonw_key_f64(&w, "seconds", job->time_ms / 1000.0);
    jsonw_obj_end(&w);
    return jsonw_end(&w);
}

/* A judge that cannot wait with a deadline writes down each call before it
 * makes it. */
static enum err did_not_finish(struct str text, struct check_result *out)
{
    CLEANUP(buf_done) struct buf line = BUF_INIT(1024);
    struct str rest = text, s, last = STR("the tests");

    while (str_line(&rest, &s))
        if (str_starts(s, STR("calling ")))
            last = str_sub(s, 8, 300);
    TRY(buf_printf(&line, "%.*s did not finish", STR_ARG(last)));
    return fail_with(out, buf_str(&line));
}

/* How the judge ended, when it said nothing. */
static enum err silent(const struct child_run *run, struct check_result *out,
                       struct why *w)
{
    char how[CHILD_TEXT_MAX];
    struct str text = str_trim(buf_str(&run->err));

    if (run->cancelled)
        return FAIL(w, ERR_CANCELLED, "cancelled");
    if (run->timed_out)
        return did_not_finish(text, out);
    TRY(jail_blame(text, w));
    child_text(&run->status, how);
    return FAIL(w, ERR_IO, "the judge of the tests ended with %s: %.*s", how,
                STR_ARG(str_sub(text, 0, 300)));
}

static enum err read_result(const struct child_run *run,
                            struct check_result *out, struct why *w)
{
    CLEANUP(json_done) struct json_doc doc = JSON_DOC_INIT;
    struct str evidence = STR_EMPTY;
    uint64_t count = 0;
    bool wrong = false;

    if (json_parse(&doc, buf_str(&run->out), NULL, NULL) != ERR_OK)
        return silent(run, out, w);
    TRY(json_get_bool(json_root(&doc), "ok", &out->passed, w));
    TRY(json_opt_u64(json_root(&doc), "count", 0, UINT32_MAX, &count, w));
    TRY(json_opt_str(json_root(&doc), "evidence", &evidence, w));
    TRY(json_opt_bool(json_root(&doc), "wrong_tests", &wrong, w));
    if (wrong)
        return FAIL(w, ERR_SYNTAX, "%.*s", STR_ARG(evidence));
    out->tests = (unsigned)count;
    return out->passed ? ERR_OK : fail_with(out, evidence);
}

static enum err judge(const struct check_job *job, const char *mode,
                      bool with_candidate, struct check_result *out,
                      struct why *w)
{
    CLEANUP(buf_done) struct buf input = BUF_INIT(SPEC_MAX);
    CLEANUP(candidate_end) struct candidate c = {0};
    CLEANUP(fd_closep) int mine = -1;
    CLEANUP(child_run_done)
    struct child_run run =
        CHILD_RUN_INIT(RESULT_MAX, RESULT_MAX,
                       clock_us() + (job->time_ms + GRACE_MS) * UINT64_C(1000));
    CLEANUP(jail_done) struct jail jail = JAIL_INIT;
    struct child_map fds[2];
    struct child_opts o = {.argv = jail.argv,
                           .own_group = true,
                           .die_with_parent = true,
                           .fds = fds,
                           .n_fds = 1};

    TRY(spec(job, mode, &input));
    TRY(command(job->lang, "judge", job, &jail, w));
    fds[0] = (struct child_map){jail.filter, JAIL_FD};
    if (with_candidate) {
        CLEANUP(fd_closep) int theirs = -1;
        int pair[2];

        TRY(fd_socketpair(pair, w));
        mine = pair[0];
        theirs = pair[1];
        TRY(candidate_start(&c, job, theirs, w));
        fds[1] = (struct child_map){mine, HARNESS_FD};
        o.n_fds = 2;
    }
    run.input = buf_str(&input);
    run.cancel_fd = job->cancel_fd;
    TRY(child_run(&o, &run, w));
    candidate_end(&c);
    TRY(read_result(&run, out, w));
    return with_candidate
               ? workdir_output(job->workdir, CHECK_OUTPUT_MAX, &out->output, w)
               : ERR_OK;
}

/* ---- the checks -------------------------------------------------------------------------- */

/* The interpreter's own words for a fault are those that the next attempt
 * understands best; tree-sitter's are the fallback. */
static enum err syntax(const struct check_job *job, struct check_result *out,
                       struct why *w)
{
    struct syntax_report r;
    char line[PROMPT_EVIDENCE_MAX];

    if (job->code.n == 0)
        return fail_with(out, STR("there is no code block in the answer"));
    TRY(syntax_check(job->lang, job->code, &r, w));
    out->passed = r.ok;
    if (r.ok)
        return ERR_OK;
    (void)snprintf(line, sizeof(line), "syntax error on line %u: %s", r.line,
                   r.what);
    if (job->lang == LANG_PYTHON)
        TRY(judge(job, "compile", false, out, w));
    if (job->lang != LANG_PYTHON || out->passed)
        TRY(fail_with(out, str_c(line)));
    return buf_printf(&out->output, "line %u, column %u: %s\n%s\n", r.line,
                      r.column, r.what, r.source);
}

enum err check_run(enum check_id check, const struct check_job *job,
                   struct check_result *out, struct why *w)
{
    uint64_t from = clock_us();
    enum err e = ERR_UNSUPPORTED;

    if (check != CHECK_SYNTAX)
        TRY(check_tools(job->lang, w));
    switch (check) {
    case CHECK_SYNTAX:
        e = syntax(job, out, w);
        break;
    case CHECK_COMPILE:
        e = job->lang == LANG_C ? check_c_compile(job, out, w)
                                : judge(job, "compile", false, out, w);
        break;
    case CHECK_LOAD:
        e = job->lang == LANG_C ? check_c_load(job, out, w)
                                : judge(job, "load", true, out, w);
        break;
    case CHECK_TESTS:
        e = job->lang == LANG_C ? check_c_tests(job, out, w)
                                : judge(job, "tests", true, out, w);
        break;
    case CHECK_COUNT:
    default:
        break;
    }
    out->us = clock_us() - from;
    return e;
}
