#include "runner/intake.h"

#include "fake/fake_engine.h"
#include "test.h"

static const struct fake_opts toy = {.n_ctx = 64,
                                     .n_seq = 1,
                                     .n_slots = 4,
                                     .n_batch = 8};

static struct msg_generate usual(const char *input)
{
    return (struct msg_generate){.input = str_c(input),
                                 .n = 1,
                                 .top_p = 1,
                                 .repeat_penalty = 1,
                                 .stop = STR("[\"one\",\"two\"]"),
                                 .logit_bias = STR("{\"97\":-100}")};
}

struct made {
    struct fake_engine *f;
    struct job *j;
    struct intake_size size;
    enum err e;
};

static struct made make(const struct msg_generate *m)
{
    struct made r = {.f = fake_engine_new(&toy)};
    CHECK(r.f);
    r.e = intake_generate(&r.f->base, m, 9, 1, &r.j, &r.size, NULL);
    return r;
}

static void end(struct made *r)
{
    if (r->e == ERR_OK)
        job_free(r->j);
    r->f->base.ops->close(&r->f->base);
}

TEST(branches_times_n_become_choices)
{
    struct msg_generate m = usual("head ");
    m.n = 2;
    m.branches = STR("[\"a\",\"bc\"]");
    struct made r = make(&m);
    CHECK(r.e == ERR_OK && r.j->n == 4 && r.j->req == 9);
    CHECK(r.j->choices[0].n_prompt == 6 && r.j->choices[1].n_prompt == 6);
    CHECK(r.j->choices[3].n_prompt == 7);
    CHECK(choice_tokens(&r.j->choices[2])[5] == 'b');
    CHECK(r.j->stops.count == 2);
    end(&r);
}

TEST(a_chat_branch_gets_its_messages_after_the_shared_ones)
{
    struct msg_generate m =
        usual("{\"messages\":[{\"role\":\"system\",\"content\":\"s\"}]}");
    m.is_chat = 1;
    m.branches = STR("[[{\"role\":\"user\",\"content\":\"u\"}]]");
    struct made r = make(&m);
    CHECK(r.e == ERR_OK);
    const int32_t *t = choice_tokens(&r.j->choices[0]);
    CHECK(t[0] == FAKE_START && t[1] == 's' && t[8] == 's');
    end(&r);
}

TEST(a_prompt_must_leave_room_for_one_token)
{
    char text[65];
    memset(text, 'x', 64);
    text[63] = '\0';
    struct msg_generate m = usual(text);
    struct made r = make(&m);
    CHECK(r.e == ERR_OK);
    end(&r);
    text[63] = 'x';
    text[64] = '\0';
    m = usual(text);
    r = make(&m);
    CHECK(r.e == ERR_CONTEXT && r.size.n_prompt == 64 && r.size.n_ctx == 64);
    end(&r);
}

/* A text of 2 MB against a context of 64 tokens. */
static void expect_cheap_refusal(bool is_chat)
{
    CLEANUP(buf_done) struct buf text = BUF_INIT(4 << 20);
    if (is_chat)
        CHECK(buf_add_c(&text, "{\"messages\":[{\"role\":\"user\","
                               "\"content\":\"")
              == ERR_OK);
    for (int i = 0; i < 200000; i++)
        CHECK(buf_add_c(&text, "<|start|> ") == ERR_OK);
    CHECK(buf_add_c(&text, is_chat ? "\"}]}" : "") == ERR_OK);
    struct msg_generate m = usual(text.data);
    m.is_chat = is_chat;
    struct made r = make(&m);
    CHECK(r.e == ERR_CONTEXT);
    CHECK(r.size.n_prompt > 64 && r.size.n_prompt < 2000000);
    CHECK(r.size.n_ctx == 64);
    CHECK(r.f->bytes_tokenized < 200000);
    end(&r);
}

TEST(a_giant_prompt_is_refused_without_reading_all_of_it)
{
    expect_cheap_refusal(false);
    expect_cheap_refusal(true);
}

static void expect(struct msg_generate m, enum err e)
{
    struct made r = make(&m);
    CHECK(r.e == e);
    end(&r);
}

TEST(what_makes_no_sense_is_refused)
{
    struct msg_generate m = usual("x");
    m.stop = STR("[1]");
    expect(m, ERR_PARSE);
    m = usual("x");
    m.logit_bias = STR("{\"259\":1}");
    expect(m, ERR_RANGE);
    m = usual("x");
    m.temperature = -0.5F;
    expect(m, ERR_RANGE);
    m = usual("{\"messages\":[]}");
    m.is_chat = 1;
    expect(m, ERR_PARSE);
    m = usual("{\"messages\":[{\"role\":\"root\",\"content\":\"x\"}]}");
    m.is_chat = 1;
    expect(m, ERR_PARSE);
    m = usual("{\"no\":1}");
    m.is_chat = 1;
    expect(m, ERR_PARSE);
    expect(usual(""), ERR_RANGE);
}

static bool with_all_parts(void)
{
    struct msg_generate m = usual("head ");
    struct intake_size size;
    struct job *j = NULL;
    m.n = 2;
    m.branches = STR("[\"a\"]");
    struct fake_engine *f = fake_engine_new(&toy);
    if (!f)
        return false;
    bool ok = intake_generate(&f->base, &m, 9, 1, &j, &size, NULL) == ERR_OK;
    job_free(j);
    f->base.ops->close(&f->base);
    return ok;
}

TEST(without_memory_a_request_is_refused_and_nothing_is_lost)
{
    TEST_OOM(with_all_parts());
}
