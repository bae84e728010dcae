/*
 * The real engine on the tiny models of models/tiny: what must hold of tokens,
 * prompts, sharing and memory, computed by llama.cpp itself.
 */
#include "runner/llama/engine_llama.h"

#include <math.h>
#include <unistd.h>

#include "base/mem.h"
#include "fake/chat_input.h"
#include "runner/batcher.h"
#include "runner/guard.h"
#include "runner/intake.h"
#include "sys/fs.h"
#include "test.h"

static const char model_path[] = "models/tiny/tiny-1m-q8_0.gguf";

enum { MOST = 64, MAX_TOKENS = 40 };

static struct engine_load usual(void)
{
    return (struct engine_load){.path = model_path,
                                .n_ctx = 1024,
                                .n_seq = 4,
                                .n_threads = 1,
                                .use_mmap = true};
}

static struct engine *open_model(const struct engine_load *l)
{
    struct engine *e = NULL;
    struct why why = WHY_INIT;
    static bool ready;
    if (!ready)
        engine_llama_init(NULL, NULL);
    ready = true;
    if (engine_llama_open(l, &e, &why) != ERR_OK)
        fail_msg("%s", err_why(&why));
    return e;
}

static struct engine *open_usual(void)
{
    struct engine_load l = usual();
    return open_model(&l);
}

/* ---- a gateway that listens ------------------------------------------------------ */

struct heard {
    struct buf text[MOST];
    struct batcher_usage usage[MOST];
    float *vector;
    uint32_t n_done;
    bool failed;
};
static struct heard heard;

static uint64_t tick(void)
{
    static uint64_t now;
    return now += 1000;
}

static void on_delta(void *ctx, uint32_t req, uint32_t index,
                     const struct delta *d)
{
    (void)ctx;
    (void)req;
    CHECK(buf_add(&heard.text[index], buf_str(&d->text)) == ERR_OK);
}

static void on_vector(void *ctx, uint32_t req, uint32_t index,
                      uint32_t n_tokens, const float *values, uint32_t n)
{
    (void)ctx;
    (void)req;
    (void)index;
    (void)n_tokens;
    heard.vector = mem_calloc(n, sizeof *heard.vector);
    CHECK(heard.vector);
    memcpy(heard.vector, values, n * sizeof *values);
}

static void on_done(void *ctx, uint32_t req, uint32_t index, uint32_t of,
                    enum batcher_finish finish, const struct batcher_usage *u)
{
    (void)ctx;
    (void)req;
    (void)of;
    (void)finish;
    heard.usage[index] = *u;
    heard.n_done++;
}

static void on_fail(void *ctx, uint32_t req, const struct why *why)
{
    (void)ctx;
    (void)req;
    (void)why;
    heard.failed = true;
}

static struct batcher batcher_of(struct engine *e)
{
    const struct batcher_sink sink = {NULL, on_delta, on_vector, on_done,
                                      on_fail};
    struct batcher b;
    CHECK(batcher_init(&b, e, &sink, tick) == ERR_OK);
    return b;
}

static void forget(void)
{
    for (int i = 0; i < MOST; i++) {
        buf_done(&heard.text[i]);
        heard.text[i] = BUF_INIT(1 << 20);
    }
    mem_free(heard.vector);
    heard.vector = NULL;
    heard.n_done = 0;
    heard.failed = false;
}

static struct msg_generate question(const char *input, bool is_chat)
{
    return (struct msg_generate){.is_chat = is_chat,
                                 .input = str_c(input),
                                 .n = 1,
                                 .max_tokens = MAX_TOKENS,
                                 .top_p = 1,
                                 .repeat_penalty = 1,
                                 .has_seed = 1,
                                 .seed = 5};
}

static void run(struct engine *e, struct batcher *b,
                const struct msg_generate *m)
{
    struct why why = WHY_INIT;
    struct intake_size size;
    struct job *j;
    forget();
    if (intake_generate(e, m, 1, 0, &j, &size, &why) != ERR_OK)
        fail_msg("%s", err_why(&why));
    CHECK(batcher_add(b, j, &why) == ERR_OK);
    while (batcher_step(b))
        ;
    CHECK(batcher_idle(b) && !heard.failed);
}

/* The usual model with a batcher. */
struct served {
    struct engine *e;
    struct batcher b;
};

static struct served serve(void)
{
    struct engine *e = open_usual();
    return (struct served){e, batcher_of(e)};
}

static void served_done(struct served *s)
{
    batcher_done(&s->b);
    forget();
    s->e->ops->close(s->e);
}

/* Runs it and adds what its first choice says. */
static void say(struct served *s, const struct msg_generate *m,
                struct buf *said)
{
    run(s->e, &s->b, m);
    CHECK(buf_add(said, buf_str(&heard.text[0])) == ERR_OK);
}

static void says_again(struct served *s, const struct msg_generate *m,
                       const struct buf *said)
{
    run(s->e, &s->b, m);
    CHECK(str_eq(buf_str(&heard.text[0]), buf_str(said)));
}

/* ---- greedy text ------------------------------------------------------------------ */

/* One sequence, one token per call, nothing shared: the plainest loop. */
static void naive(struct engine *e, const char *prompt, struct buf *text)
{
    CLEANUP(buf_done) struct buf tokens = BUF_INIT(1 << 20);
    uint32_t at_least;
    CHECK(guard_text(e, str_c(prompt), &at_least, &tokens, NULL) == ERR_OK);
    size_t n = tokens.len / sizeof(int32_t);
    int32_t seq = 0;
    for (size_t i = 0; i < n + MAX_TOKENS - 1; i++) {
        int32_t token, pos = (int32_t)i;
        int8_t want = 1;
        memcpy(&token, tokens.data + i * sizeof token, sizeof token);
        struct engine_batch b = {1, &token, &pos, &seq, &want};
        CHECK(e->ops->decode(e, &b, false) == ENGINE_DONE);
        if (i + 1 < n)
            continue;
        const float *l = e->ops->logits(e, 0);
        int32_t best = 0;
        for (uint32_t t = 1; t < e->facts.n_vocab; t++)
            best = l[t] > l[best] ? (int32_t)t : best;
        if (e->ops->is_eog(e, best))
            break;
        CHECK(buf_add(text, e->ops->piece(e, NULL, best)) == ERR_OK);
        CHECK(buf_add(&tokens, (struct str){(const char *)&best, sizeof best})
              == ERR_OK);
    }
    CHECK(e->ops->seq_cut(e, 0, 0));
}

static const char *const prompts[] = {
    "def add(a, b):\n    return a", "Write a function",
    "Напиши функцию, которая складывает два числа", "int main(void) {"};

TEST(greedy_text_is_that_of_the_plainest_loop)
{
    struct engine *e = open_usual();
    for (size_t i = 0; i < COUNTOF(prompts); i++) {
        CLEANUP(buf_done) struct buf want = BUF_INIT(1 << 20);
        naive(e, prompts[i], &want);
        struct batcher b = batcher_of(e);
        struct msg_generate m = question(prompts[i], false);
        run(e, &b, &m);
        /* the last character may be unfinished and is then replaced */
        size_t n = want.len > 4 ? want.len - 4 : 0;
        CHECK(
            str_starts(buf_str(&heard.text[0]), str_sub(buf_str(&want), 0, n)));
        for (int32_t s; (s = prefix_oldest(b.prefix)) >= 0;) {
            (void)e->ops->seq_cut(e, s, 0);
            prefix_drop(b.prefix, s);
        }
        batcher_done(&b);
    }
    forget();
    e->ops->close(e);
}

#define SHARED                                                                 \
    "{\"messages\":[{\"role\":\"system\",\"content\":\"You are a careful "     \
    "programmer who writes short functions, explains them in one sentence "    \
    "and never leaves a test out.\"}"
#define CHAT(text) SHARED ",{\"role\":\"user\",\"content\":\"" text "\"}]}"
#define ASK(text)  "[{\"role\":\"user\",\"content\":\"" text "\"}]"

TEST(branches_say_what_separate_requests_say)
{
    static const char *const asks[] = {"Add two numbers.", "Reverse a list.",
                                       "Сложи два числа."};
    struct engine *e = open_usual();
    struct batcher b = batcher_of(e);
    struct msg_generate m = question(SHARED "]}", true);
    struct buf all[3];
    m.branches = STR("[" ASK("Add two numbers.") "," ASK(
        "Reverse a list.") "," ASK("Сложи два числа.") "]");
    run(e, &b, &m);
    CHECK(heard.n_done == 3);
    CHECK(heard.usage[1].cached_tokens > 30);
    for (int i = 0; i < 3; i++) {
        all[i] = BUF_INIT(1 << 20);
        CHECK(buf_add(&all[i], buf_str(&heard.text[i])) == ERR_OK);
    }
    batcher_done(&b);
    e->ops->close(e);
    for (int i = 0; i < 3; i++) {
        CLEANUP(buf_done) struct buf one = BUF_INIT(1 << 12);
        e = open_usual();
        b = batcher_of(e);
        CHECK(buf_printf(&one, CHAT("%s"), asks[i]) == ERR_OK);
        m = question(one.data, true);
        run(e, &b, &m);
        CHECK(heard.usage[0].cached_tokens == 0);
        CHECK(str_eq(buf_str(&heard.text[0]), buf_str(&all[i])));
        batcher_done(&b);
        e->ops->close(e);
        buf_done(&all[i]);
    }
    forget();
}

TEST(a_remembered_beginning_changes_no_word)
{
    CLEANUP(served_done) struct served s = serve();
    CLEANUP(buf_done) struct buf cold = BUF_INIT(1 << 20);
    struct msg_generate m = question(CHAT("Sum a list."), true);
    say(&s, &m, &cold);
    says_again(&s, &m, &cold);
    CHECK(heard.usage[0].cached_tokens == heard.usage[0].prompt_tokens - 1);
}

/* Other prompts between, so that it left the cache. */
TEST(a_parked_beginning_changes_no_word)
{
    CLEANUP(served_done) struct served s = serve();
    CLEANUP(buf_done) struct buf cold = BUF_INIT(1 << 20);
    struct msg_generate m = question(CHAT("Sum a list."), true);
    say(&s, &m, &cold);
    struct msg_generate other = question(prompts[0], false);
    s.b.idle_max = 0;
    run(s.e, &s.b, &other);
    CHECK(s.b.parked.bytes > 0);
    says_again(&s, &m, &cold);
    CHECK(heard.usage[0].cached_tokens == heard.usage[0].prompt_tokens - 1);
}

TEST(a_state_that_is_not_whole_is_refused)
{
    struct engine *e = open_usual();
    CLEANUP(buf_done) struct buf saved = BUF_INIT(1 << 26);
    int32_t token[3] = {1, 2, 3}, pos[3] = {0, 1, 2}, seq[3] = {0};
    int8_t want[3] = {0, 0, 1};
    struct engine_batch batch = {3, token, pos, seq, want};
    CHECK(e->ops->decode(e, &batch, false) == ENGINE_DONE);
    CHECK(e->ops->seq_save(e, 0, &saved) == ERR_OK);
    CHECK(!e->ops->seq_load(e, 1, str_sub(buf_str(&saved), 0, saved.len - 9)));
    CHECK(!e->ops->seq_load(e, 1, STR_EMPTY));
    CHECK(e->ops->seq_load(e, 1, buf_str(&saved)));
    e->ops->close(e);
}

static int32_t greedy_with(struct engine *e, uint32_t row, int32_t token,
                           float bias)
{
    const struct engine_bias one = {token, bias};
    const struct engine_sampling how = {
        .top_p = 1, .repeat_penalty = 1, .bias = &one, .n_bias = 1};
    struct engine_sampler *s;
    int32_t chosen;
    CHECK(e->ops->sampler_new(e, &how, NULL, &s, NULL) == ERR_OK);
    CHECK(e->ops->sample(s, row, &chosen, NULL) == ERR_OK);
    e->ops->sampler_free(s);
    return chosen;
}

TEST(a_bias_moves_the_greedy_choice_only_where_it_counts)
{
    struct engine_load l = usual();
    struct engine *e = open_model(&l);
    int32_t token[3] = {1, 2, 3}, pos[3] = {0, 1, 2}, seq[3] = {0};
    int8_t want[3] = {0, 0, 1};
    struct engine_batch batch = {3, token, pos, seq, want};
    CHECK(e->ops->decode(e, &batch, false) == ENGINE_DONE);
    const float *at = e->ops->logits(e, 2);
    int32_t first = 0, second = -1;
    for (int32_t t = 1; t < (int32_t)e->facts.n_vocab; t++)
        first = at[t] > at[first] ? t : first;
    for (int32_t t = 0; t < (int32_t)e->facts.n_vocab; t++)
        if (t != first && (second < 0 || at[t] > at[second]))
            second = t;
    CHECK(greedy_with(e, 2, first, 0) == first);
    CHECK(greedy_with(e, 2, second, -100) == first);
    CHECK(greedy_with(e, 2, second, 100) == second);
    CHECK(greedy_with(e, 2, first, 100) == first);
    CHECK(greedy_with(e, 2, first, -100) == second);
    e->ops->close(e);
}

TEST(the_same_seed_says_the_same_among_neighbours)
{
    CLEANUP(served_done) struct served s = serve();
    CLEANUP(buf_done) struct buf alone = BUF_INIT(1 << 20);
    struct msg_generate m = question("Write a function", false);
    m.temperature = 1;
    say(&s, &m, &alone);
    m.n = 4; /* choice i has the seed + i */
    says_again(&s, &m, &alone);
    CHECK(!str_eq(buf_str(&heard.text[1]), buf_str(&alone)));
}

/* ---- prompts ---------------------------------------------------------------------- */

static void chat_tokens(struct engine *e, struct str content,
                        struct buf *tokens)
{
    CLEANUP(json_done) struct json_doc doc = JSON_DOC_INIT;
    uint32_t at_least;
    struct guard_chat in = {.at_least = &at_least};
    in.input = chat_input("user", content, &doc);
    CHECK(guard_chat(e, &in, tokens, NULL, NULL, NULL) == ERR_OK);
}

static size_t controls_in(struct engine *e, const struct buf *tokens)
{
    size_t n, found = 0;
    const struct engine_control *c = e->ops->controls(e, &n);
    for (size_t i = 0; i < tokens->len; i += sizeof(int32_t)) {
        int32_t t;
        memcpy(&t, tokens->data + i, sizeof t);
        for (size_t k = 0; k < n; k++)
            found += c[k].token == t;
    }
    return found;
}

TEST(no_special_token_of_the_vocabulary_can_be_written_by_a_client)
{
    struct engine *e = open_usual();
    size_t n;
    const struct engine_control *c = e->ops->controls(e, &n);
    CLEANUP(buf_done) struct buf harmless = BUF_INIT(1 << 20);
    CHECK(n >= 4);
    chat_tokens(e, STR("hello"), &harmless);
    uint32_t at_least;
    size_t own = controls_in(e, &harmless);
    CHECK(own == 3);
    for (size_t i = 0; i < n; i++) {
        static const char *const before[] = {"", "a", " ", "\n", "<"};
        for (size_t k = 0; k < COUNTOF(before); k++) {
            CLEANUP(buf_done) struct buf text = BUF_INIT(1 << 12);
            CLEANUP(buf_done) struct buf tokens = BUF_INIT(1 << 20);
            CLEANUP(buf_done) struct buf plain = BUF_INIT(1 << 20);
            CHECK(buf_add_c(&text, before[k]) == ERR_OK);
            CHECK(buf_add(&text, c[i].text) == ERR_OK);
            CHECK(buf_add(&text, c[(i + k) % n].text) == ERR_OK);
            chat_tokens(e, buf_str(&text), &tokens);
            CHECK(controls_in(e, &tokens) == own);
            CHECK(guard_text(e, buf_str(&text), &at_least, &plain, NULL)
                  == ERR_OK);
            CHECK(controls_in(e, &plain) == 0);
        }
    }
    e->ops->close(e);
}

/* The careful way must not change the tokens of the template around it. */
TEST(careful_prompts_have_the_tokens_of_ordinary_ones)
{
    struct engine *e = open_usual();
    CLEANUP(buf_done) struct buf plain = BUF_INIT(1 << 20);
    CLEANUP(buf_done) struct buf marked = BUF_INIT(1 << 20);
    chat_tokens(e, STR("x"), &plain);
    chat_tokens(e, STR("x<|im_end|>"), &marked);
    size_t head = 4 * sizeof(int32_t);
    CHECK(marked.len > plain.len);
    CHECK(memcmp(plain.data, marked.data, head) == 0);
    CHECK(memcmp(plain.data + plain.len - head, marked.data + marked.len - head,
                 head)
          == 0);
    e->ops->close(e);
}

TEST(a_schema_binds_the_answer)
{
    CLEANUP(served_done) struct served s = serve();
    struct msg_generate m = question(CHAT("A number."), true);
    m.json_schema = STR("{\"type\":\"object\",\"properties\":{\"n\":"
                        "{\"type\":\"boolean\"}},\"required\":[\"n\"],"
                        "\"additionalProperties\":false}");
    run(s.e, &s.b, &m);
    CLEANUP(json_done) struct json_doc doc = JSON_DOC_INIT;
    CHECK(json_parse(&doc, buf_str(&heard.text[0]), NULL, NULL) == ERR_OK);
    CHECK(json_type(json_get(json_root(&doc), "n")) == JSON_BOOL);
    m.grammar = STR("root ::= \"yes\" | \"no\"");
    m.json_schema = STR_EMPTY;
    run(s.e, &s.b, &m);
    CHECK(str_eq(buf_str(&heard.text[0]), STR("yes"))
          || str_eq(buf_str(&heard.text[0]), STR("no")));
}

TEST(a_grammar_that_does_not_parse_is_refused)
{
    struct engine *e = open_usual();
    struct msg_generate m = question("x", false);
    struct intake_size size;
    struct job *j;
    struct why why = WHY_INIT;
    m.grammar = STR("root ::= (");
    CHECK(intake_generate(e, &m, 1, 0, &j, &size, &why) == ERR_PARSE);
    m.grammar = STR_EMPTY;
    e->ops->close(e);
}

/* The words are the converter's, without the library's about templates. */
TEST(a_schema_that_cannot_be_used_is_named_so)
{
    static const char *const inputs[] = {"A number.", CHAT("A number.")};
    struct engine *e = open_usual();
    struct intake_size size;
    struct job *j;
    for (int chat = 0; chat < 2; chat++) {
        struct msg_generate m = question(inputs[chat], chat);
        struct why why = WHY_INIT;
        m.json_schema = STR("{\"type\":17}");
        CHECK(intake_generate(e, &m, 1, 0, &j, &size, &why) == ERR_SCHEMA);
        CHECK(str_starts(str_c(why.msg), STR("JSON schema error at #: ")));
    }
    e->ops->close(e);
}

/* ---- tools ------------------------------------------------------------------------- */

static const char tool_template[] =
    "{%- if tools %}{{- '<|im_start|>system\\n# Tools\\n<tools>' }}"
    "{%- for tool in tools %}{{- '\\n' }}{{- tool | tojson }}{%- endfor %}"
    "{{- '\\n</tools>\\n<tool_call>\\n{\"name\": <name>, \"arguments\": "
    "<args>}\\n</tool_call><|im_end|>\\n' }}{%- endif %}"
    "{%- for message in messages %}{%- if message.role == 'tool' %}"
    "{{- '<|im_start|>user\\n<tool_response>\\n' + message.content + "
    "'\\n</tool_response><|im_end|>\\n' }}{%- elif message.tool_calls %}"
    "{{- '<|im_start|>' + message.role }}{%- if message.content %}"
    "{{- '\\n' + message.content }}{%- endif %}"
    "{%- for call in message.tool_calls %}{{- '\\n<tool_call>\\n{\"name\": "
    "\"' + call.function.name + '\", \"arguments\": ' }}"
    "{{- call.function.arguments | tojson }}{{- '}\\n</tool_call>' }}"
    "{%- endfor %}{{- '<|im_end|>\\n' }}{%- else %}"
    "{{- '<|im_start|>' + message.role + '\\n' + message.content + "
    "'<|im_end|>\\n' }}{%- endif %}{%- endfor %}"
    "{%- if add_generation_prompt %}{{- '<|im_start|>assistant\\n' }}"
    "{%- endif %}";

/* The tiny model with another chat template. The header grows by whole
 * alignment units, so that the weights stay where they must be. */
static void write_model(const char *path, const char *text)
{
    CLEANUP(buf_done) struct buf old = BUF_INIT(64 << 20);
    CLEANUP(buf_done) struct buf new = BUF_INIT(64 << 20);
    struct str key = STR("tokenizer.chat_template");
    CHECK(fs_read(model_path, &old, NULL) == ERR_OK);
    size_t at = str_find(buf_str(&old), key) + key.n + 4;
    uint64_t n, len = strlen(text);
    memcpy(&n, old.data + at, sizeof n);
    while ((len - n) % 32)
        len++;
    CHECK(buf_add(&new, str_sub(buf_str(&old), 0, at)) == ERR_OK);
    CHECK(buf_add(&new, (struct str){(const char *)&len, sizeof len})
          == ERR_OK);
    CHECK(buf_add_c(&new, text) == ERR_OK);
    for (uint64_t i = strlen(text); i < len; i++)
        CHECK(buf_add_byte(&new, ' ') == ERR_OK);
    CHECK(buf_add(&new, str_sub(buf_str(&old), at + sizeof n + n, old.len))
          == ERR_OK);
    CHECK(fs_write_atomic(path, buf_str(&new), 0600, NULL) == ERR_OK);
}

static struct engine *open_with_tools(void)
{
    char path[] = "/tmp/hearth-tools-XXXXXX";
    int fd = mkstemp(path);
    CHECK(fd >= 0 && close(fd) == 0);
    write_model(path, tool_template);
    struct engine_load l = usual();
    l.path = path;
    l.use_mmap = false;
    struct engine *e = open_model(&l);
    (void)unlink(path);
    return e;
}

static const char tool_request[] =
    "{\"messages\":[{\"role\":\"user\",\"content\":\"weather?\"}],"
    "\"tools\":[{\"type\":\"function\",\"function\":{\"name\":"
    "\"get_weather\",\"parameters\":{\"type\":\"object\","
    "\"properties\":{\"city\":{\"type\":\"string\"}},\"required\":"
    "[\"city\"]}}}]}";

static enum err render_tools(struct engine *e, struct buf *prompt,
                             struct buf *stops, struct engine_rendered *r)
{
    struct engine_ask ask = {str_c(tool_request), STR_EMPTY, STR_EMPTY};
    return e->ops->chat_render(e, &ask, prompt, stops, r, NULL);
}

struct read_back {
    struct buf text, reasoning, calls;
    bool has_calls;
};

/* Reads an answer that arrives in pieces of `step` bytes. */
static struct read_back read_answer(struct engine *e, struct engine_chat *c,
                                    struct str answer, size_t step)
{
    struct read_back r = {BUF_INIT(1 << 16), BUF_INIT(1 << 16),
                          BUF_INIT(1 << 16), false};
    struct engine_parser *p;
    CHECK(e->ops->parser_new(c, &p, NULL) == ERR_OK);
    for (size_t n = step; n < answer.n + step; n += step) {
        CLEANUP(buf_done) struct buf new = BUF_INIT(1 << 16);
        struct engine_parsed out = {&r.text, &r.reasoning, &new, false};
        bool last = n >= answer.n;
        CHECK(e->ops->parse(p, str_sub(answer, 0, n), !last, &out, NULL)
              == ERR_OK);
        r.has_calls = out.has_tool_calls;
        if (new.len == 0)
            continue;
        /* one array out of many */
        if (r.calls.len) {
            r.calls.data[r.calls.len - 1] = ',';
            new.data[0] = ' ';
        }
        CHECK(buf_add(&r.calls, buf_str(&new)) == ERR_OK);
    }
    e->ops->parser_free(p);
    return r;
}

TEST(a_tool_call_is_read_back_however_it_arrives)
{
    struct engine *e = open_with_tools();
    CLEANUP(buf_done) struct buf prompt = BUF_INIT(1 << 20);
    CLEANUP(buf_done) struct buf stops = BUF_INIT(1 << 16);
    struct engine_rendered r = {0};
    struct str answer =
        STR("I look it up.\n<tool_call>\n{\"name\": \"get_weather\", "
            "\"arguments\": {\"city\": \"Paris\"}}\n</tool_call>");
    CHECK(render_tools(e, &prompt, &stops, &r) == ERR_OK);
    CHECK(!r.plain && str_has(buf_str(&prompt), STR("get_weather")));
    for (size_t step = 1; step < answer.n + 8; step += 7) {
        struct read_back got = read_answer(e, r.chat, answer, step);
        CLEANUP(json_done) struct json_doc doc = JSON_DOC_INIT;
        CLEANUP(buf_done) struct buf args = BUF_INIT(1 << 12);
        struct str key;
        struct json d;
        CHECK(got.has_calls);
        CHECK(str_starts(buf_str(&got.text), STR("I look it up.")));
        CHECK(json_parse(&doc, buf_str(&got.calls), NULL, NULL) == ERR_OK);
        struct json first = json_at(json_root(&doc), 0);
        CHECK(str_starts(json_str(json_get(first, "id")), STR("call_")));
        CHECK(str_eq(json_str(json_get(json_get(first, "function"), "name")),
                     STR("get_weather")));
        struct json_iter it = json_iter(json_root(&doc));
        while (json_next(&it, &key, &d))
            CHECK(buf_add(&args, json_str(json_get(json_get(d, "function"),
                                                   "arguments")))
                  == ERR_OK);
        CHECK(str_has(buf_str(&args), STR("\"Paris\"")));
        buf_done(&got.text);
        buf_done(&got.reasoning);
        buf_done(&got.calls);
    }
    e->ops->chat_free(r.chat);
    e->ops->close(e);
}

TEST(an_answer_among_tools_that_calls_none_is_text)
{
    struct engine *e = open_with_tools();
    CLEANUP(buf_done) struct buf prompt = BUF_INIT(1 << 20);
    CLEANUP(buf_done) struct buf stops = BUF_INIT(1 << 16);
    struct engine_rendered r = {0};
    CHECK(render_tools(e, &prompt, &stops, &r) == ERR_OK);
    struct read_back got = read_answer(e, r.chat, STR("a < b, no tool"), 3);
    CHECK(!got.has_calls && got.calls.len == 0);
    CHECK(str_eq(buf_str(&got.text), STR("a < b, no tool")));
    buf_done(&got.text);
    buf_done(&got.reasoning);
    buf_done(&got.calls);
    e->ops->chat_free(r.chat);
    e->ops->close(e);
}

/* ---- embeddings -------------------------------------------------------------------- */

static void embed(struct engine *e, struct batcher *b, const char *inputs)
{
    struct msg_embed m = {.inputs = str_c(inputs), .normalize = 1};
    struct intake_size size;
    struct job *j;
    forget();
    CHECK(intake_embed(e, &m, 1, &j, &size, NULL) == ERR_OK);
    CHECK(batcher_add(b, j, NULL) == ERR_OK);
    while (batcher_step(b))
        ;
    CHECK(heard.vector);
}

TEST(an_embedding_does_not_depend_on_how_it_was_cut)
{
    float first[512] = {0};
    uint32_t n = 0;
    static const char text[] =
        "[\"a text that is a little longer than the pieces it is cut into, "
        "so that it takes a number of steps to pool all of its tokens, and "
        "then some more words so that it is long enough for that to be "
        "true of a vocabulary with many words in it\"]";
    for (uint32_t batch = 0; batch < 2; batch++) {
        struct engine_load l = usual();
        l.n_batch = l.n_ubatch = batch ? 16 : 512;
        l.embedding = batch == 0;
        struct engine *e = open_model(&l);
        struct batcher b = batcher_of(e);
        embed(e, &b, text);
        n = e->facts.n_embd;
        CHECK(n <= 512);
        double length = 0, same = 0;
        for (uint32_t i = 0; i < n; i++) {
            length += (double)(heard.vector[i] * heard.vector[i]);
            same += (double)(heard.vector[i] * first[i]);
        }
        CHECK(fabs(length - 1) < 1e-4);
        if (batch)
            CHECK(same > 0.9999);
        memcpy(first, heard.vector, n * sizeof *first);
        batcher_done(&b);
        e->ops->close(e);
    }
    forget();
}

TEST(embedding_and_generating_can_take_turns)
{
    CLEANUP(served_done) struct served s = serve();
    CLEANUP(buf_done) struct buf before = BUF_INIT(1 << 20);
    struct msg_generate m = question("def add(a, b):", false);
    say(&s, &m, &before);
    embed(s.e, &s.b, "[\"some text\"]");
    says_again(&s, &m, &before);
}

/* ---- loading ----------------------------------------------------------------------- */

TEST(the_need_is_what_the_load_takes)
{
    struct engine_load l = usual();
    struct engine_need need = {0};
    l.use_mmap = false;
    engine_llama_init(NULL, NULL);
    CHECK(engine_llama_probe(&l, &need, NULL) == ERR_OK);
    struct engine *e = open_model(&l);
    CHECK(need.model == e->facts.model_bytes);
    CHECK(need.kv == e->facts.kv_bytes);
    CHECK(need.compute == e->facts.compute_bytes);
    CHECK(need.n_ctx == e->facts.n_ctx);
    e->ops->close(e);
}

static void expect_refused(struct str bytes)
{
    char path[] = "/tmp/hearth-model-XXXXXX";
    int fd = mkstemp(path);
    CHECK(fd >= 0);
    CHECK(write(fd, bytes.p, bytes.n) == (ssize_t)bytes.n);
    CHECK(close(fd) == 0);
    struct engine_load l = usual();
    struct engine *e;
    struct engine_need need;
    struct why why = WHY_INIT;
    l.path = path;
    engine_llama_init(NULL, NULL);
    CHECK(engine_llama_open(&l, &e, &why) == ERR_MODEL);
    CHECK(strlen(why.msg) > 20);
    CHECK(engine_llama_probe(&l, &need, &why) == ERR_MODEL);
    (void)unlink(path);
}

TEST(what_is_no_model_is_refused_with_a_reason)
{
    CLEANUP(buf_done) struct buf whole = BUF_INIT(64 << 20);
    expect_refused(STR_EMPTY);
    expect_refused(STR("no model at all"));
    CHECK(fs_read(model_path, &whole, NULL) == ERR_OK);
    expect_refused(str_sub(buf_str(&whole), 0, 1000));
    expect_refused(str_sub(buf_str(&whole), 0, whole.len - 1000));
}

static bool stop_at_once(void *ctx, unsigned permille)
{
    (void)ctx;
    return permille > 1000;
}

TEST(a_load_can_be_stopped)
{
    struct engine_load l = usual();
    struct engine *e;
    l.progress = stop_at_once;
    engine_llama_init(NULL, NULL);
    CHECK(engine_llama_open(&l, &e, NULL) == ERR_CANCELLED);
}
