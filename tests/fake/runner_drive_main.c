/*
 * runner_drive: speaks to a runner without a gateway, for tests and `make
 * bench`. Starts one, loads a model, runs a script, prints JSON lines.
 *
 *   runner_drive [options] < script.json
 *     --runner FILE  --model FILE  --unconfined  --log LEVEL
 *     --ctx N --seq N --batch N --ubatch N --threads N
 *     --flash --no-mmap --embedding --probe
 *
 * The script is a JSON array of operations, done in order; requests are
 * numbered from 1 in the order they are sent:
 *   {"op":"generate", "prompt":".." or "chat":{"messages":[..]}, "branches":[..],
 *    "n":1, "max_tokens":16, "temperature":0, "seed":1, "stop":[..], ...}
 *   {"op":"embed", "inputs":[..], "normalize":true}
 *   {"op":"count", "prompt":".." or "chat":{..}}
 *   {"op":"wait"}                    until all requests have ended
 *   {"op":"sleep", "ms":100}         while reading
 *   {"op":"cancel"|"pause"|"resume", "req":1}
 *   {"op":"status"}
 * The end of the script waits too. Times are microseconds on our clock.
 */
#include "base/buf.h"
#include "base/mem.h"
#include "data/json_write.h"
#include "ipc/chan.h"
#include "ipc/msg.h"
#include "sys/child.h"
#include "sys/clock.h"
#include "sys/fd.h"
#include "sys/fs.h"

#include <unistd.h>

enum { REQUESTS_MAX = 512, CHOICES_MAX = 2048 };
#define TEXT_MAX ((size_t)64 << 20)

struct answer {
    struct buf text, reasoning, tool_calls, logprobs, vector;
    struct msg_done done;
    bool ended;
    uint32_t n_deltas;
    uint64_t last_us, longest_gap_us;
};

struct request {
    uint64_t sent_us, first_us, cancel_us, end_us;
    struct answer *answers;
    uint32_t n, n_ended;
    bool ended;
};

struct drive {
    struct chan chan;
    int pid;
    struct msg_load load;
    bool probe;
    const char *runner, *model, *log;
    bool unconfined;
    struct request requests[REQUESTS_MAX + 1];
    uint32_t n_requests, n_open;
    struct buf line;
    uint64_t start_us;
};

static _Noreturn void die(const char *what, enum err e)
{
    (void)fprintf(stderr, "runner_drive: %s: %s\n", what, err_name(e));
    exit(1); /* NOLINT(concurrency-mt-unsafe): one thread */
}

static void must(enum err e, const char *what)
{
    if (e != ERR_OK)
        die(what, e);
}

/* ---- output ------------------------------------------------------------------- */

static struct jsonw begin(struct drive *d)
{
    buf_clear(&d->line);
    struct jsonw w = JSONW_INIT(&d->line);
    jsonw_obj(&w);
    return w;
}

static void finish(struct drive *d, struct jsonw *w)
{
    jsonw_obj_end(w);
    must(jsonw_end(w), "output");
    (void)fwrite(d->line.data, 1, d->line.len, stdout);
    (void)fputc('\n', stdout);
    (void)fflush(stdout);
}

static void put_answer(struct jsonw *w, const struct request *r,
                       const struct answer *a, uint32_t index)
{
    jsonw_obj(w);
    jsonw_key_u64(w, "index", index);
    jsonw_key_str(w, "text", buf_str(&a->text));
    if (a->reasoning.len)
        jsonw_key_str(w, "reasoning", buf_str(&a->reasoning));
    if (a->tool_calls.len)
        jsonw_key_str(w, "tool_calls", buf_str(&a->tool_calls));
    if (a->logprobs.len)
        jsonw_key_str(w, "logprobs", buf_str(&a->logprobs));
    if (a->vector.len) {
        jsonw_key_arr(w, "vector");
        for (size_t i = 0; i + 4 <= a->vector.len; i += 4) {
            float v;
            memcpy(&v, a->vector.data + i, 4);
            jsonw_f32(w, v);
        }
        jsonw_arr_end(w);
    }
    jsonw_key_cstr(w, "finish", msg_finish_name(a->done.finish));
    jsonw_key_u64(w, "prompt_tokens", a->done.prompt_tokens);
    jsonw_key_u64(w, "cached_tokens", a->done.cached_tokens);
    jsonw_key_u64(w, "completion_tokens", a->done.completion_tokens);
    jsonw_key_u64(w, "queue_us", a->done.queue_us);
    jsonw_key_u64(w, "prefill_us", a->done.prefill_us);
    jsonw_key_u64(w, "decode_us", a->done.decode_us);
    jsonw_key_u64(w, "deltas", a->n_deltas);
    jsonw_key_u64(w, "longest_gap_us", a->longest_gap_us);
    jsonw_key_u64(w, "last_us", a->last_us ? a->last_us - r->sent_us : 0);
    jsonw_obj_end(w);
}

static void put_request(struct drive *d, uint32_t req)
{
    struct request *r = &d->requests[req];
    struct jsonw w = begin(d);
    jsonw_key_u64(&w, "req", req);
    jsonw_key_u64(&w, "at_us", r->sent_us - d->start_us);
    jsonw_key_u64(&w, "first_us", r->first_us ? r->first_us - r->sent_us : 0);
    jsonw_key_u64(&w, "wall_us", r->end_us - r->sent_us);
    if (r->cancel_us)
        jsonw_key_u64(&w, "cancel_us", r->end_us - r->cancel_us);
    jsonw_key_arr(&w, "choices");
    for (uint32_t i = 0; i < r->n; i++)
        if (r->answers[i].ended || r->answers[i].vector.len)
            put_answer(&w, r, &r->answers[i], i);
    jsonw_arr_end(&w);
    finish(d, &w);
}

/* ---- messages ------------------------------------------------------------------ */

static struct answer *answer_of(struct drive *d, uint32_t req, uint32_t index)
{
    if (req > d->n_requests || index >= CHOICES_MAX)
        die("answer to nothing", ERR_PROTOCOL);
    struct request *r = &d->requests[req];
    if (!r->answers)
        r->answers = mem_calloc(CHOICES_MAX, sizeof *r->answers);
    if (!r->answers)
        die("memory", ERR_NOMEM);
    r->n = MAX(r->n, index + 1);
    struct answer *a = &r->answers[index];
    if (a->text.max == 0)
        a->text.max = a->reasoning.max = a->tool_calls.max = a->logprobs.max =
            a->vector.max = TEXT_MAX;
    return a;
}

static void end_request(struct drive *d, uint32_t req)
{
    struct request *r = &d->requests[req];
    r->ended = true;
    r->end_us = clock_us();
    d->n_open--;
}

static void on_delta(struct drive *d, uint32_t req, struct str payload)
{
    struct msg_delta m;
    must(msg_delta_get(payload, &m, NULL), "DELTA");
    struct answer *a = answer_of(d, req, m.index);
    struct request *r = &d->requests[req];
    uint64_t now = clock_us();
    if (!r->first_us)
        r->first_us = now;
    if (a->last_us)
        a->longest_gap_us = MAX(a->longest_gap_us, now - a->last_us);
    a->last_us = now;
    a->n_deltas++;
    must(buf_add(&a->text, m.text), "text");
    must(buf_add(&a->reasoning, m.reasoning), "text");
    must(buf_add(&a->tool_calls, m.tool_calls), "text");
    must(buf_add(&a->logprobs, m.logprobs), "text");
}

static void on_done(struct drive *d, uint32_t req, struct str payload)
{
    struct msg_done m;
    must(msg_done_get(payload, &m, NULL), "DONE");
    struct answer *a = answer_of(d, req, m.index);
    struct request *r = &d->requests[req];
    a->done = m;
    a->ended = true;
    if (++r->n_ended < m.of)
        return;
    end_request(d, req);
    put_request(d, req);
}

static void on_fail(struct drive *d, uint32_t req, struct str payload)
{
    struct msg_fail m;
    must(msg_fail_get(payload, &m, NULL), "FAIL");
    struct jsonw w = begin(d);
    jsonw_key_u64(&w, "req", req);
    jsonw_key_cstr(&w, "fail", err_name((enum err)m.code));
    jsonw_key_str(&w, "text", m.text);
    jsonw_key_u64(&w, "n_prompt", m.n_prompt);
    jsonw_key_u64(&w, "n_ctx", m.n_ctx);
    finish(d, &w);
    if (req)
        end_request(d, req);
}

static void on_vector(struct drive *d, uint32_t req, struct str payload)
{
    struct msg_vector m;
    must(msg_vector_get(payload, &m, NULL), "VECTOR");
    must(buf_add(&answer_of(d, req, m.index)->vector, m.values), "vector");
}

/* Prints every number of a message: READY, NEED, STATS, TOKENS. */
static void put_fields(struct drive *d, const struct frame *f)
{
    union {
        struct msg_ready ready;
        struct msg_need need;
        struct msg_stats stats;
        struct msg_tokens tokens;
    } m;
    const struct msg_info *info = msg_info(f->kind);
    must(msg_get(f->payload, f->kind, &m, NULL), info->name);
    struct jsonw w = begin(d);
    jsonw_key_cstr(&w, "message", info->name);
    jsonw_key_u64(&w, "req", f->req);
    for (const struct msg_field *l = info->fields(); l->name; l++) {
        const char *at = (const char *)&m + l->at;
        uint64_t v = 0;
        switch (l->type) {
        case MSG_U8:
            v = *(const uint8_t *)at;
            break;
        case MSG_U32:
            memcpy(&v, at, 4); /* little-endian machines only */
            break;
        case MSG_U64:
            memcpy(&v, at, 8);
            break;
        case MSG_TEXT:
            jsonw_key_str(&w, l->name, *(const struct str *)(const void *)at);
            continue;
        case MSG_F32:
            continue;
        }
        jsonw_key_u64(&w, l->name, v);
    }
    finish(d, &w);
    if (f->kind == MSG_TOKENS)
        end_request(d, f->req);
}

static void on_frame(struct drive *d, const struct frame *f)
{
    switch (f->kind) {
    case MSG_HELLO:
    case MSG_PROGRESS:
        return;
    case MSG_DELTA:
        on_delta(d, f->req, f->payload);
        return;
    case MSG_DONE:
        on_done(d, f->req, f->payload);
        return;
    case MSG_FAIL:
        on_fail(d, f->req, f->payload);
        return;
    case MSG_VECTOR:
        on_vector(d, f->req, f->payload);
        return;
    default:
        put_fields(d, f);
    }
}

/* Prints how the runner ended; the driver ends with it. */
static _Noreturn void on_end(struct drive *d)
{
    struct child_status st;
    char how[CHILD_TEXT_MAX];
    must(child_wait(d->pid, true, &st), "wait");
    child_text(&st, how);
    struct jsonw w = begin(d);
    jsonw_key_cstr(&w, "exit", how);
    jsonw_key_u64(&w, "peak_bytes", st.peak_bytes);
    jsonw_key_u64(&w, "cpu_us", st.cpu_us);
    finish(d, &w);
    int code = st.exited && st.code == 0 && d->n_open == 0 ? 0 : 2;
    exit(code); /* NOLINT(concurrency-mt-unsafe): one thread */
}

/* One frame, or false at the deadline. */
static bool pump(struct drive *d, uint64_t deadline_us, uint8_t *kind)
{
    struct frame f;
    enum err e = chan_recv_wait(&d->chan, &f, deadline_us);
    if (e == ERR_TIMEOUT)
        return false;
    if (e != ERR_OK)
        on_end(d);
    on_frame(d, &f);
    *kind = f.kind;
    return true;
}

static void wait_all(struct drive *d)
{
    uint8_t kind;
    while (d->n_open)
        (void)pump(d, CLOCK_NEVER, &kind);
}

static void send(struct drive *d, enum msg_kind kind, uint32_t req,
                 const void *m)
{
    CLEANUP(buf_done) struct buf b = BUF_INIT(FRAME_MAX);
    must(msg_put(&b, kind, m), "message");
    enum err e = chan_send_wait(&d->chan, (uint8_t)kind, req, buf_str(&b),
                                clock_us() + 30000000);
    if (e != ERR_OK)
        on_end(d);
}

static uint32_t send_request(struct drive *d, enum msg_kind kind, const void *m)
{
    if (d->n_requests == REQUESTS_MAX)
        die("requests", ERR_LIMIT);
    uint32_t req = ++d->n_requests;
    d->requests[req].sent_us = clock_us();
    d->n_open++;
    send(d, kind, req, m);
    return req;
}

/* ---- the script ----------------------------------------------------------------- */

static uint64_t number(struct json op, const char *key, uint64_t def)
{
    must(json_opt_u64(op, key, 0, UINT64_MAX, &def, NULL), key);
    return def;
}

static float real(struct json op, const char *key, double def)
{
    must(json_opt_f64(op, key, -1e30, 1e30, &def, NULL), key);
    return (float)def;
}

static struct str text(struct json op, const char *key)
{
    struct str s = STR_EMPTY;
    must(json_opt_str(op, key, &s, NULL), key);
    return s;
}

/* A member as JSON text; empty when absent. */
static struct str raw(struct json op, const char *key, struct buf *out)
{
    struct json v = json_get(op, key);
    if (json_type(v) == JSON_ABSENT)
        return STR_EMPTY;
    struct jsonw w = JSONW_INIT(out);
    json_write(v, &w);
    must(jsonw_end(&w), key);
    return buf_str(out);
}

static void op_generate(struct drive *d, struct json op)
{
    struct buf b[6];
    for (size_t i = 0; i < COUNTOF(b); i++)
        b[i] = BUF_INIT(TEXT_MAX);
    struct str chat = raw(op, "chat", &b[0]);
    struct msg_generate m = {
        .is_chat = chat.n > 0,
        .input = chat.n ? chat : text(op, "prompt"),
        .branches = raw(op, "branches", &b[1]),
        .n = (uint32_t)number(op, "n", 1),
        .max_tokens = (uint32_t)number(op, "max_tokens", 0),
        .temperature = real(op, "temperature", 0),
        .top_p = real(op, "top_p", 1),
        .top_k = (uint32_t)number(op, "top_k", 0),
        .min_p = real(op, "min_p", 0),
        .repeat_penalty = real(op, "repeat_penalty", 1),
        .presence_penalty = real(op, "presence_penalty", 0),
        .frequency_penalty = real(op, "frequency_penalty", 0),
        .penalty_last_n = (uint32_t)number(op, "penalty_last_n", 64),
        .has_seed = json_type(json_get(op, "seed")) != JSON_ABSENT,
        .seed = number(op, "seed", 0),
        .logprobs = json_true(json_get(op, "logprobs")),
        .top_logprobs = (uint32_t)number(op, "top_logprobs", 0),
        .ignore_eos = json_true(json_get(op, "ignore_eos")),
        .stop = raw(op, "stop", &b[2]),
        .logit_bias = raw(op, "logit_bias", &b[3]),
        .grammar = text(op, "grammar"),
        .json_schema = raw(op, "json_schema", &b[4]),
    };
    (void)send_request(d, MSG_GENERATE, &m);
    for (size_t i = 0; i < COUNTOF(b); i++)
        buf_done(&b[i]);
}

static void op_embed(struct drive *d, struct json op)
{
    CLEANUP(buf_done) struct buf b = BUF_INIT(TEXT_MAX);
    struct msg_embed m = {.inputs = raw(op, "inputs", &b),
                          .normalize = json_true(json_get(op, "normalize"))};
    (void)send_request(d, MSG_EMBED, &m);
}

static void op_count(struct drive *d, struct json op)
{
    CLEANUP(buf_done) struct buf b = BUF_INIT(TEXT_MAX);
    struct str chat = raw(op, "chat", &b);
    struct msg_count m = {.is_chat = chat.n > 0,
                          .input = chat.n ? chat : text(op, "prompt")};
    (void)send_request(d, MSG_COUNT, &m);
}

static void op_sleep(struct drive *d, struct json op)
{
    uint8_t kind;
    uint64_t until = clock_us() + number(op, "ms", 0) * 1000;
    while (pump(d, until, &kind))
        ;
}

static void op_about(struct drive *d, struct json op, struct str name)
{
    uint32_t req = (uint32_t)number(op, "req", 0);
    struct msg_pause pause = {.hold = str_eq(name, STR("pause"))};
    struct msg_cancel cancel = {0};
    if (req == 0 || req > d->n_requests)
        die("no such request", ERR_RANGE);
    if (!str_eq(name, STR("cancel"))) {
        send(d, MSG_PAUSE, req, &pause);
        return;
    }
    d->requests[req].cancel_us = clock_us();
    send(d, MSG_CANCEL, req, &cancel);
}

static void op_status(struct drive *d)
{
    struct msg_status m = {0};
    uint8_t kind = 0;
    send(d, MSG_STATUS, 0, &m);
    while (kind != MSG_STATS)
        (void)pump(d, CLOCK_NEVER, &kind);
}

static void run(struct drive *d, struct json op)
{
    struct str name = text(op, "op");
    if (str_eq(name, STR("generate")))
        op_generate(d, op);
    else if (str_eq(name, STR("embed")))
        op_embed(d, op);
    else if (str_eq(name, STR("count")))
        op_count(d, op);
    else if (str_eq(name, STR("wait")))
        wait_all(d);
    else if (str_eq(name, STR("sleep")))
        op_sleep(d, op);
    else if (str_eq(name, STR("status")))
        op_status(d);
    else
        op_about(d, op, name);
}

/* ---- start and end -------------------------------------------------------------- */

static void spawn(struct drive *d)
{
    int pair[2];
    const char *argv[] = {d->runner, "--model", d->model, "--log-level",
                          d->log,    NULL,      NULL};
    if (d->unconfined)
        argv[5] = "--unconfined";
    struct child_opts o = {
        .argv = argv,
        .fds = &(const struct child_map){0, CHAN_CHILD_FD},
        .n_fds = 1,
        .die_with_parent = true,
    };
    must(fd_socketpair(pair, NULL), "socketpair");
    struct child_map map = {pair[1], CHAN_CHILD_FD};
    o.fds = &map;
    must(child_start(&o, &d->pid, NULL), d->runner);
    fd_close(pair[1]);
    must(chan_init(&d->chan, pair[0], CHAN_QUEUE_MAX), "channel");
}

static void until(struct drive *d, uint8_t wanted)
{
    uint8_t kind = 0;
    while (kind != wanted) {
        (void)pump(d, CLOCK_NEVER, &kind);
        if (kind == MSG_FAIL) { /* printed; the runner has nothing to do */
            struct msg_stop m = {0};
            send(d, MSG_STOP, 0, &m);
        }
    }
}

static void load(struct drive *d)
{
    struct msg_probe p = {.n_ctx = d->load.n_ctx,
                          .n_seq = d->load.n_seq,
                          .n_batch = d->load.n_batch,
                          .n_ubatch = d->load.n_ubatch,
                          .flash_attn = d->load.flash_attn,
                          .use_mmap = d->load.use_mmap,
                          .embedding = d->load.embedding};
    if (d->probe) {
        send(d, MSG_PROBE, 0, &p);
        until(d, MSG_NEED);
    }
    send(d, MSG_LOAD, 0, &d->load);
    until(d, MSG_READY);
}

static bool flag(struct drive *d, const char *a)
{
    if (strcmp(a, "--flash") == 0)
        d->load.flash_attn = 1;
    else if (strcmp(a, "--no-mmap") == 0)
        d->load.use_mmap = 0;
    else if (strcmp(a, "--embedding") == 0)
        d->load.embedding = 1;
    else if (strcmp(a, "--probe") == 0)
        d->probe = true;
    else if (strcmp(a, "--unconfined") == 0)
        d->unconfined = true;
    else
        return false;
    return true;
}

static void option(struct drive *d, const char *a, const char *v)
{
    struct {
        const char *name;
        uint32_t *to;
    } numbers[] = {
        {"--ctx", &d->load.n_ctx},         {"--seq", &d->load.n_seq},
        {"--batch", &d->load.n_batch},     {"--ubatch", &d->load.n_ubatch},
        {"--threads", &d->load.n_threads},
    };
    uint64_t n;
    if (strcmp(a, "--runner") == 0)
        d->runner = v;
    else if (strcmp(a, "--model") == 0)
        d->model = v;
    else if (strcmp(a, "--log") == 0)
        d->log = v;
    else
        for (size_t i = 0; i < COUNTOF(numbers); i++)
            if (strcmp(a, numbers[i].name) == 0
                && str_u64(str_c(v), UINT32_MAX, &n)) {
                *numbers[i].to = (uint32_t)n;
                return;
            }
}

static void read_script(struct json_doc *doc)
{
    CLEANUP(buf_done) struct buf in = BUF_INIT(TEXT_MAX);
    struct why why = WHY_INIT;
    size_t n;
    static char part[65536];
    while (fd_read(STDIN_FILENO, part, sizeof part, &n) == ERR_OK)
        must(buf_add(&in, (struct str){part, n}), "script");
    struct json_limits lim = JSON_LIMITS;
    lim.max_bytes = TEXT_MAX;
    enum err e = json_parse(doc, buf_str(&in), &lim, &why);
    if (e != ERR_OK)
        die(err_why(&why), e);
}

int main(int argc, char **argv)
{
    static struct drive d = {
        .load = {.n_seq = 8, .n_threads = 1, .use_mmap = 1},
        .runner = "hearth-runner",
        .log = "warn",
        .line = {.max = TEXT_MAX}};
    CLEANUP(json_done) struct json_doc doc = JSON_DOC_INIT;
    struct msg_stop stop = {.drain_ms = 10000};
    struct str key;
    struct json op;
    uint8_t kind;
    for (int i = 1; i < argc; i++)
        if (!flag(&d, argv[i]) && i + 1 < argc) {
            option(&d, argv[i], argv[i + 1]);
            i++;
        }
    read_script(&doc);
    spawn(&d);
    load(&d);
    d.start_us = clock_us();
    for (struct json_iter it = json_iter(json_root(&doc));
         json_next(&it, &key, &op);)
        run(&d, op);
    wait_all(&d);
    send(&d, MSG_STOP, 0, &stop);
    for (;;)
        (void)pump(&d, CLOCK_NEVER, &kind);
}
