/* See fake_runner.h. One thread: answers are produced step by step, so that
 * CANCEL and PAUSE are seen between two deltas. */
#include <signal.h>
#include <unistd.h>

#include "data/jsonw.h"
#include "fake/fake_runner.h"
#include "ipc/chan.h"
#include "ipc/msg.h"
#include "sys/clock.h"
#include "sys/fs.h"
#include "sys/process.h"

enum { RUNNING_MAX = 128, EMBD = 4, CTX = 8192 };

struct answer {
    uint32_t req; /* 0: free */
    struct buf input;
    struct str words;
    uint32_t choices, step;
    uint64_t next_us;
    bool held, chat, logprobs;
};

static struct chan gateway;
static struct answer running[RUNNING_MAX];
static struct str load_words;
static uint64_t asked_tokens;

static void say(enum msg_kind kind, uint32_t req, const void *m)
{
    CLEANUP(buf_done) struct buf b = BUF_INIT(FRAME_MAX);

    if (msg_put(&b, kind, m) != ERR_OK
        || chan_send_wait(&gateway, (uint8_t)kind, req, buf_str(&b),
                          CLOCK_NEVER)
               != ERR_OK)
        _exit(3);
}

static uint32_t err_of(struct str name)
{
    for (int e = 0; e < ERR_COUNT; e++) {
        struct str full = str_c(err_name((enum err)e));

        if (str_starts(full, STR("ERR_")))
            full = str_sub(full, 4, SIZE_MAX);
        if (str_eq(name, full))
            return (uint32_t)e;
    }
    return ERR_IO;
}

/* ---- one answer -------------------------------------------------------------- */

static void forget(struct answer *a)
{
    buf_done(&a->input);
    *a = (struct answer){0};
}

static void send_fail(struct answer *a, struct str name)
{
    struct msg_fail m = {.code = err_of(name), .text = STR("the fake says no")};

    if (m.code == ERR_CONTEXT) {
        m.n_prompt = 9000;
        m.n_ctx = CTX;
    }
    say(MSG_FAIL, a->req, &m);
    forget(a);
}

static void send_nonsense(struct answer *a, uint64_t how)
{
    const struct msg_progress p = {1};
    const struct msg_delta d = {.index = 1000, .text = STR("x")};

    if (how == 1)
        say(MSG_PROGRESS, a->req, &p);
    else if (how == 3)
        say(MSG_DELTA, a->req, &d);
    else if (chan_send_wait(&gateway, MSG_DELTA, a->req, STR("\x01"),
                            CLOCK_NEVER)
             != ERR_OK)
        _exit(3);
    a->next_us = CLOCK_NEVER;
}

static const char *const calls[] = {
    ("[{\"index\":0,\"id\":\"call_1\",\"type\":\"function\",\"function\":{"
     "\"name\":\"get_weather\",\"arguments\":\"\"}}]"),
    "[{\"index\":0,\"function\":{\"arguments\":\"{\\\"city\\\":\"}}]",
    "[{\"index\":0,\"function\":{\"arguments\":\"\\\"Oslo\\\"}\"}}]",
};

static void send_delta(struct answer *a, uint32_t index)
{
    static const char *const hello[] = {"Hello", " there", "!"};
    CLEANUP(buf_done) struct buf text = BUF_INIT(1 << 20);
    struct msg_delta m = {.index = index, .n_tokens = 1};
    uint64_t pad = fake_runner_number(a->words, "pad", 0);
    struct str unused;
    enum err e = ERR_OK;

    if (fake_runner_word(a->words, "call", &unused)) {
        m.tool_calls = str_c(calls[a->step % 3]);
    } else if (fake_runner_word(a->words, "echo", &unused)) {
        m.text = buf_str(&a->input);
    } else if (fake_runner_word(a->words, "tokens", &unused)) {
        e = buf_printf(&text, "t%u ", a->step);
        for (uint64_t i = 0; i < pad && e == ERR_OK; i++)
            e = buf_add_byte(&text, 'x');
        m.text = buf_str(&text);
    } else {
        m.text = str_c(hello[a->step % 3]);
    }
    if (e != ERR_OK)
        _exit(4);
    if (fake_runner_word(a->words, "reason", &unused) && a->step == 0)
        m.reasoning = STR("hm");
    if (a->logprobs)
        m.logprobs = STR("[{\"token\":\"Hello\",\"logprob\":-0.25,\"bytes\":"
                         "[72],\"top_logprobs\":[{\"token\":\"Hello\","
                         "\"logprob\":-0.25,\"bytes\":[72]}]}]");
    say(MSG_DELTA, a->req, &m);
}

static void send_done(struct answer *a, uint32_t index, uint32_t steps)
{
    struct msg_done m = {.index = index,
                         .of = a->choices,
                         .finish = MSG_FINISH_STOP,
                         .prompt_tokens = 10,
                         .cached_tokens = 4,
                         .completion_tokens = steps,
                         .queue_us = 10,
                         .prefill_us = 20,
                         .decode_us = 30};
    struct str value;

    if (fake_runner_word(a->words, "call", &value))
        m.finish = MSG_FINISH_TOOL_CALLS;
    if (fake_runner_word(a->words, "finish", &value)
        && str_eq(value, STR("length")))
        m.finish = MSG_FINISH_LENGTH;
    say(MSG_DONE, a->req, &m);
}

/* The file was not there, and is now. */
static bool is_first(struct str file)
{
    char path[FS_PATH_MAX];

    return str_z(file, path, sizeof(path)) && !fs_is_file(path)
           && fs_append(path, STR("x"), NULL) == ERR_OK;
}

static bool dies_now(const struct answer *a)
{
    struct str value;

    if (fake_runner_number(a->words, "die", UINT64_MAX) != a->step)
        return false;
    if (!fake_runner_word(a->words, "die_once", &value))
        return true;
    return is_first(value);
}

/* One delta for each choice, or the end. */
static void step(struct answer *a)
{
    uint32_t steps = (uint32_t)fake_runner_number(a->words, "tokens", 3);
    uint64_t how = fake_runner_number(a->words, "nonsense", 0);
    struct str value;

    if (fake_runner_word(a->words, "echo", &value))
        steps = 1;
    if (dies_now(a))
        (void)raise(SIGKILL);
    if (fake_runner_word(a->words, "hang_once", &value) && is_first(value))
        (void)raise(SIGSTOP);
    if (fake_runner_word(a->words, "fail", &value)
        && fake_runner_number(a->words, "fail_at", 0) == a->step) {
        send_fail(a, value);
        return;
    }
    if (how != 0) {
        send_nonsense(a, how);
        return;
    }
    for (uint32_t i = 0; i < a->choices; i++)
        if (a->step < steps)
            send_delta(a, i);
        else
            send_done(a, i, steps);
    if (a->step++ >= steps) {
        forget(a);
        return;
    }
    a->next_us = clock_us() + 1000 * fake_runner_number(a->words, "delay", 0);
}

/* ---- requests ------------------------------------------------------------------ */

/* Elements of a JSON array, counted the simple way. */
static uint32_t count_elements(struct str array)
{
    uint32_t n = 0;
    int depth = 0;
    bool quoted = false;

    for (size_t i = 0; i < array.n; i++) {
        char c = array.p[i];

        if (c == '\\')
            i++;
        else if (c == '"')
            quoted = !quoted;
        else if (!quoted && (c == '[' || c == '{'))
            depth++;
        else if (!quoted && (c == ']' || c == '}'))
            depth--;
        else if (!quoted && c == ',' && depth == 1)
            n++;
    }
    return array.n == 0 ? 1 : n + 1;
}

static void generate(uint32_t req, struct str payload)
{
    struct msg_generate m;
    struct answer *a = running;

    if (msg_generate_get(payload, &m, NULL) != ERR_OK)
        _exit(5);
    while (a < running + RUNNING_MAX && a->req != 0)
        a++;
    if (a == running + RUNNING_MAX)
        _exit(6);
    a->input = BUF_INIT(FRAME_MAX);
    if (buf_printf(&a->input,
                   "%.*s|%.*s|t=%g p=%g k=%u seed=%d:%lld max=%u stop=%.*s "
                   "bias=%.*s schema=%.*s",
                   STR_ARG(m.input), STR_ARG(m.branches), (double)m.temperature,
                   (double)m.top_p, m.top_k, m.has_seed, (long long)m.seed,
                   m.max_tokens, STR_ARG(m.stop), STR_ARG(m.logit_bias),
                   STR_ARG(m.json_schema))
        != ERR_OK)
        _exit(7);
    a->req = req;
    a->words = fake_runner_words(buf_str(&a->input));
    a->choices = m.n * count_elements(m.branches);
    a->logprobs = m.logprobs != 0;
    a->chat = m.is_chat != 0;
    asked_tokens += 10;
}

static void embed(uint32_t req, struct str payload)
{
    struct msg_embed m;
    uint32_t n;

    if (msg_embed_get(payload, &m, NULL) != ERR_OK)
        _exit(5);
    n = count_elements(m.inputs);
    for (uint32_t i = 0; i < n; i++) {
        const float v[EMBD] = {0.5F, -0.25F, (float)i, 1.0F};

        say(MSG_VECTOR, req,
            &(struct msg_vector){.index = i,
                                 .n_tokens = 3,
                                 .values = {(const char *)v, sizeof(v)}});
    }
    say(MSG_DONE, req, &(struct msg_done){.of = 1, .prompt_tokens = 3 * n});
}

static void each_of(uint32_t req, void (*fn)(struct answer *, bool), bool arg)
{
    for (size_t i = 0; i < RUNNING_MAX; i++)
        if (running[i].req == req)
            fn(&running[i], arg);
}

static void cancel(struct answer *a, bool arg)
{
    (void)arg;
    forget(a);
}

static void hold(struct answer *a, bool arg)
{
    a->held = arg;
}

static void load(struct str payload)
{
    struct msg_load m;
    struct str value;
    uint64_t ms = fake_runner_number(load_words, "load_ms", 0);

    if (msg_load_get(payload, &m, NULL) != ERR_OK)
        _exit(5);
    if (fake_runner_word(load_words, "hang", &value))
        return;
    say(MSG_PROGRESS, 0, &(struct msg_progress){500});
    if (ms != 0)
        clock_sleep_ms((unsigned)ms);
    if (fake_runner_word(load_words, "load_die", &value))
        (void)raise(SIGKILL);
    if (fake_runner_word(load_words, "load_fail", &value)) {
        say(MSG_FAIL, 0,
            &(struct msg_fail){.code = err_of(value),
                               .text = STR("the fake cannot load")});
        _exit(1);
    }
    say(MSG_READY, 0,
        &(struct msg_ready){.arch = STR("fake"),
                            .name = STR("fake"),
                            .n_ctx = CTX,
                            .n_ctx_train = CTX,
                            .n_vocab = 100,
                            .n_embd = EMBD,
                            .n_params = 1,
                            .chat_template = 1,
                            .can_generate = 1,
                            .can_embed = 1,
                            .load_us = 1000 * ms + 500});
}

static void status(void)
{
    uint64_t rss = 0;

    if (process_rss_self(&rss) != ERR_OK)
        rss = 1;
    say(MSG_STATS, 0,
        &(struct msg_stats){.cells_total = CTX,
                            .prompt_tokens = asked_tokens,
                            .rss_bytes = rss});
}

static void handle(const struct frame *f)
{
    struct msg_pause pause;
    struct str value;
    uint64_t need = fake_runner_number(load_words, "need", 1 << 20);

    switch (f->kind) {
    case MSG_PROBE:
        say(MSG_NEED, 0,
            &(struct msg_need){.model_bytes = need,
                               .kv_bytes = 8192,
                               .compute_bytes = 1024,
                               .n_ctx = CTX});
        break;
    case MSG_LOAD:
        load(f->payload);
        break;
    case MSG_GENERATE:
        generate(f->req, f->payload);
        break;
    case MSG_EMBED:
        embed(f->req, f->payload);
        break;
    case MSG_CANCEL:
        each_of(f->req, cancel, true);
        break;
    case MSG_PAUSE:
        if (msg_pause_get(f->payload, &pause, NULL) == ERR_OK)
            each_of(f->req, hold, pause.hold != 0);
        break;
    case MSG_STATUS:
        status();
        break;
    case MSG_STOP:
        if (!fake_runner_word(load_words, "stop_deaf", &value))
            _exit(0);
        break;
    default:
        _exit(8);
    }
}

/* ---- the loop --------------------------------------------------------------------- */

static uint64_t run_due(void)
{
    uint64_t now = clock_us(), next = now + 1000000;

    for (size_t i = 0; i < RUNNING_MAX; i++) {
        struct answer *a = &running[i];

        if (a->req == 0 || a->held)
            continue;
        if (a->next_us <= now)
            step(a);
        if (a->req != 0)
            next = MIN(next, a->next_us);
    }
    return next;
}

static void begin(void)
{
    const char *env = process_env("FAKE_RUNNER");
    char path[FS_PATH_MAX];
    struct str value;

    load_words = str_c(env);
    if (fake_runner_word(load_words, "count", &value)
        && str_z(value, path, sizeof(path))
        && fs_append(path, STR("x"), NULL) != ERR_OK)
        _exit(9);
    if (chan_init(&gateway, CHAN_CHILD_FD, CHAN_QUEUE_MAX) != ERR_OK)
        _exit(10);
    say(MSG_HELLO, 0,
        &(struct msg_hello){.version = (uint32_t)fake_runner_number(
                                load_words, "hello", MSG_VERSION),
                            .role = STR("runner"),
                            .build = STR("fake")});
}

int main(void)
{
    begin();
    for (;;) {
        uint64_t next = run_due();
        struct frame f;
        enum err e = chan_recv_wait(&gateway, &f, next);

        if (e == ERR_OK)
            handle(&f);
        else if (e != ERR_TIMEOUT)
            return e == ERR_EOF ? 0 : 2;
    }
}
