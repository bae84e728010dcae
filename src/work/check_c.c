#include "work/check_c.h"

#include "sys/clock.h"
#include "work/jail.h"
#include "work/prompt.h"

enum {
    TESTS_MAX = 64,
    SOURCE_MAX = 256 << 10,
    PRINT_MAX = 64 << 10,
    COMPILE_BYTES = 1 << 30
};

/* One test: the call, and the text of the value it must have. */
struct c_test {
    struct str call, want;
};

/* What both programs begin with: a value, printed by its type. All whole
 * numbers print alike, so that 4 == 4L; numbers with a point print so that
 * the same value gives the same text, and -0 as 0. */
static const char prelude[] =
    "#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>\n"
    "#include <stdbool.h>\n#include <stdint.h>\n#include <stddef.h>\n"
    "#include <limits.h>\n#include <ctype.h>\n#include <math.h>\n"
    "static FILE *hearth_out;\n"
    "static void hearth_i(long long v) { fprintf(hearth_out, \"%lld\\n\", v); }\n"
    "static void hearth_u(unsigned long long v) { fprintf(hearth_out, \"%llu\\n\", v); }\n"
    "static void hearth_f(double v) { fprintf(hearth_out, \"%.17g\\n\", v + 0.0); }\n"
    "static void hearth_s(const char *v) {\n"
    "    fputc('\"', hearth_out);\n"
    "    for (; v && *v; v++) fprintf(hearth_out, *v == '\\n' ? \"\\\\n\" : \"%c\", *v);\n"
    "    fputs(v ? \"\\\"\\n\" : \"NULL\\n\", hearth_out);\n"
    "}\n"
    "static void hearth_p(const void *v) { fputs(v ? \"a pointer\\n\" : \"NULL\\n\", hearth_out); }\n"
    "#define HEARTH_SHOW(x) _Generic((x), float: hearth_f, double: hearth_f, \\\n"
    "    char *: hearth_s, const char *: hearth_s, unsigned long: hearth_u, \\\n"
    "    unsigned long long: hearth_u, void *: hearth_p, default: hearth_i)(x)\n";

static enum err fail_with(struct check_result *out, struct str evidence)
{
    out->passed = false;
    buf_clear(&out->evidence);
    return prompt_evidence(evidence, &out->evidence);
}

/* ---- the forms of a test ----------------------------------------------------------- */

/* Where the text outside of brackets and quotes has `what`, or SIZE_MAX. */
static size_t find_outside(struct str s, struct str what)
{
    unsigned depth = 0;

    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];

        if (c == '"' || c == '\'') {
            i = str_quote_end(s, i);
        } else if (depth == 0 && str_starts(str_sub(s, i, SIZE_MAX), what)) {
            return i;
        } else if (c == '(' || c == '[' || c == '{') {
            depth++;
        } else if ((c == ')' || c == ']' || c == '}') && depth > 0) {
            depth--;
        }
    }
    return SIZE_MAX;
}

/* strcmp(a, b) of which b is the value. */
static bool split_strcmp(struct str s, struct c_test *t)
{
    size_t comma;

    if (!str_starts(s, STR("strcmp(")) || !str_ends(s, STR(")")))
        return false;
    s = str_sub(s, 7, s.n - 8);
    comma = find_outside(s, STR(","));
    if (comma == SIZE_MAX)
        return false;
    t->call = str_trim(str_sub(s, 0, comma));
    t->want = str_trim(str_sub(s, comma + 1, SIZE_MAX));
    return true;
}

/* "assert(X == Y);", with or without the assert. */
static bool split_test(struct str line, struct c_test *t)
{
    size_t at;

    line = str_trim(line);
    if (str_ends(line, STR(";")))
        line = str_trim(str_sub(line, 0, line.n - 1));
    if (str_starts(line, STR("assert(")) && str_ends(line, STR(")")))
        line = str_trim(str_sub(line, 7, line.n - 8));
    at = find_outside(line, STR("=="));
    if (at == SIZE_MAX)
        return false;
    t->call = str_trim(str_sub(line, 0, at));
    t->want = str_trim(str_sub(line, at + 2, SIZE_MAX));
    if (str_eq(t->want, STR("0")) && split_strcmp(t->call, t))
        return true;
    return t->call.n != 0 && t->want.n != 0;
}

static enum err split_tests(struct str tests, struct c_test *out, size_t *n,
                            struct why *w)
{
    struct str line;

    *n = 0;
    while (str_line(&tests, &line)) {
        line = str_trim(line);
        if (line.n == 0 || str_starts(line, STR("//")))
            continue;
        if (*n == TESTS_MAX)
            return FAIL(w, ERR_SYNTAX, "at most %d tests", TESTS_MAX);
        if (!split_test(line, &out[*n]))
            return FAIL(w, ERR_SYNTAX,
                        "a test in C is `assert(call == value);`, this is "
                        "none: %.*s",
                        STR_ARG(str_sub(line, 0, 100)));
        (*n)++;
    }
    if (*n == 0)
        return FAIL(w, ERR_SYNTAX, "the tests test nothing");
    return ERR_OK;
}

/* ---- programs ---------------------------------------------------------------------------- */

static enum err write_file(const struct check_job *job, const char *name,
                           struct str bytes, struct why *w)
{
    char path[FS_PATH_MAX];
    int n = snprintf(path, sizeof(path), "%s/%s", job->workdir->code_dir, name);

    if (n < 0 || (size_t)n >= sizeof(path))
        return FAIL(w, ERR_LIMIT, "a path is too long");
    return fs_write_atomic(path, bytes, 0600, w);
}

/* A main that prints each value; `candidate` may be empty. The candidate's
 * own main, if any, gets another name. */
static enum err program(const struct c_test *tests, size_t n, bool calls,
                        struct buf *out)
{
    TRY(buf_add_c(out, prelude));
    if (calls)
        TRY(buf_add_c(out, "#define main hearth_candidate_main\n"
                           "#include \"candidate.c\"\n#undef main\n"));
    TRY(buf_add_c(out, "int main(void)\n{\n"
                       "    hearth_out = fdopen(1, \"w\");\n"
                       "    if (!hearth_out) return 99;\n"
                       "    setvbuf(hearth_out, NULL, _IONBF, 0);\n"));
    for (size_t i = 0; i < n; i++)
        TRY(buf_printf(out, "    HEARTH_SHOW(%.*s);\n",
                       STR_ARG(calls ? tests[i].call : tests[i].want)));
    return buf_add_c(out, "    return 0;\n}\n");
}

static enum err run(const struct check_job *job, const char *const *argv,
                    bool compiles, struct child_run *r, struct why *w)
{
    struct jail_opts o = JAIL_OPTS(job->workdir->code_dir, argv);
    CLEANUP(jail_done) struct jail jail = JAIL_INIT;
    struct child_map map = {-1, JAIL_FD};
    struct child_opts c = {
        .own_group = true, .die_with_parent = true, .fds = &map, .n_fds = 1};

    o.cpu_s = job->time_ms / 1000 + 1;
    o.writable = o.forks = compiles;
    if (compiles)
        o.data_bytes = COMPILE_BYTES;
    TRY(jail_make(&o, &jail, w));
    c.argv = jail.argv;
    map.from = jail.filter;
    r->cancel_fd = job->cancel_fd;
    TRY(child_run(&c, r, w));
    if (r->cancelled)
        return FAIL(w, ERR_CANCELLED, "cancelled");
    return jail_blame(str_trim(buf_str(&r->err)), w);
}

static struct child_run fresh_run(const struct check_job *job)
{
    return CHILD_RUN_INIT(PRINT_MAX, PRINT_MAX,
                          clock_us() + job->time_ms * UINT64_C(1000));
}

/* "candidate.c:3:5: error: expected ';'" as the line that models know. */
static enum err compiler_said(struct str text, struct check_result *out)
{
    CLEANUP(buf_done) struct buf line = BUF_INIT(2048);
    struct str rest = text, s;

    while (str_line(&rest, &s)) {
        size_t at = str_find(s, STR("error: "));
        struct str place = s, number;

        if (at == SIZE_MAX || !str_starts(s, STR("candidate.c:")))
            continue;
        (void)str_cut(&place, ':');
        number = str_cut(&place, ':');
        TRY(buf_printf(&line, "syntax error on line %.*s: %.*s",
                       STR_ARG(number), STR_ARG(str_sub(s, at + 7, 300))));
        return fail_with(out, buf_str(&line));
    }
    return fail_with(out, text.n != 0 ? str_sub(text, 0, 300)
                                      : STR("the compiler refused the code"));
}

static enum err keep_output(struct str text, struct check_result *out)
{
    return buf_add(&out->output, str_sub(text, 0, CHECK_OUTPUT_MAX));
}

static enum err compile(const struct check_job *job, const char *source,
                        const char *program_name, struct check_result *out,
                        struct why *w)
{
    const char *only[] = {"/usr/bin/cc",   "-std=gnu17", "-w",
                          "-fsyntax-only", source,       NULL};
    const char *whole[] = {"/usr/bin/cc", "-std=gnu17", "-w",  "-O1", "-o",
                           program_name,  source,       "-lm", NULL};
    CLEANUP(child_run_done) struct child_run r = fresh_run(job);

    TRY(run(job, program_name != NULL ? whole : only, true, &r, w));
    if (r.timed_out)
        return fail_with(out, STR("the compiler did not finish"));
    out->passed = r.status.exited && r.status.code == 0;
    if (out->passed)
        return ERR_OK;
    TRY(keep_output(buf_str(&r.err), out));
    return compiler_said(buf_str(&r.err), out);
}

/* ---- checks ---------------------------------------------------------------------------------- */

enum err check_c_compile(const struct check_job *job, struct check_result *out,
                         struct why *w)
{
    return compile(job, "candidate.c", NULL, out, w);
}

/* It links, with a main of ours when it has none. */
enum err check_c_load(const struct check_job *job, struct check_result *out,
                      struct why *w)
{
    CLEANUP(buf_done) struct buf source = BUF_INIT(SOURCE_MAX);

    TRY(program(NULL, 0, true, &source));
    TRY(write_file(job, "load.c", buf_str(&source), w));
    return compile(job, "load.c", "load", out, w);
}

/* Runs a program of ours and gives what it printed. */
static enum err print(const struct check_job *job, const char *source,
                      const char *name, const struct buf *text,
                      struct child_run *r, struct check_result *out,
                      struct why *w)
{
    char inside[64];
    const char *argv[] = {inside, NULL};

    (void)snprintf(inside, sizeof(inside), "/w/%s", name);
    TRY(write_file(job, source, buf_str(text), w));
    TRY(compile(job, source, name, out, w));
    return out->passed ? run(job, argv, false, r, w) : ERR_OK;
}

/* The sandbox gives the signal of the program inside as an exit code. */
static void how_it_ended(const struct child_run *r, char out[CHILD_TEXT_MAX])
{
    struct child_status s = r->status;

    if (s.exited && s.code > 128)
        s = (struct child_status){.exited = false, .signal = s.code - 128};
    child_text(&s, out);
}

static enum err compare(struct str got, struct str want,
                        const struct c_test *tests, size_t n,
                        const struct child_run *r, struct check_result *out)
{
    CLEANUP(buf_done) struct buf line = BUF_INIT(2048);
    char how[CHILD_TEXT_MAX];

    how_it_ended(r, how);
    for (size_t i = 0; i < n; i++) {
        struct str g = STR_EMPTY, x = STR_EMPTY;
        bool came = str_line(&got, &g);

        (void)str_line(&want, &x);
        if (came && str_eq(g, x))
            continue;
        if (came)
            TRY(buf_printf(&line, "%.*s returned %.*s, expected %.*s",
                           STR_ARG(tests[i].call), STR_ARG(str_sub(g, 0, 100)),
                           STR_ARG(str_sub(x, 0, 100))));
        else if (r->timed_out)
            TRY(buf_printf(&line, "%.*s did not finish",
                           STR_ARG(tests[i].call)));
        else
            TRY(buf_printf(&line, "%.*s ended the process: %s",
                           STR_ARG(tests[i].call), how));
        return fail_with(out, buf_str(&line));
    }
    out->passed = true;
    out->tests = (unsigned)n;
    return ERR_OK;
}

enum err check_c_tests(const struct check_job *job, struct check_result *out,
                       struct why *w)
{
    struct c_test tests[TESTS_MAX];
    CLEANUP(buf_done) struct buf source = BUF_INIT(SOURCE_MAX);
    CLEANUP(child_run_done) struct child_run want = fresh_run(job);
    CLEANUP(child_run_done) struct child_run got = fresh_run(job);
    size_t n;

    TRY(split_tests(job->tests, tests, &n, w));
    TRY(program(tests, n, true, &source));
    /* First: while the candidate runs, the values are not in its folder. */
    TRY(print(job, "calls.c", "calls", &source, &got, out, w));
    if (!out->passed)
        return ERR_OK;
    buf_clear(&source);
    TRY(program(tests, n, false, &source));
    want.deadline_us = clock_us() + job->time_ms * UINT64_C(1000);
    TRY(print(job, "want.c", "want", &source, &want, out, w));
    if (!out->passed || !want.status.exited || want.status.code != 0)
        return FAIL(w, ERR_SYNTAX,
                    "the values of the tests do not compile: "
                    "%.*s",
                    STR_ARG(str_sub(buf_str(&out->output), 0, 200)));
    TRY(keep_output(buf_str(&got.err), out));
    return compare(buf_str(&got.out), buf_str(&want.out), tests, n, &got, out);
}
