#include "data/sse.h"

#include "test.h"

static struct why why;

/* All events of a stream as "event|data|id;" text, fed in given pieces. */
static enum err read_all(struct str in, size_t piece, struct buf *out,
                         bool *pending)
{
    struct sse s CLEANUP(sse_done) = {0};
    struct sse_event ev;
    enum err e = ERR_OK;
    bool got;

    sse_init(&s, 100);
    while (e == ERR_OK && in.n != 0) {
        struct str part = str_sub(in, 0, piece);

        in = str_sub(in, part.n, in.n);
        while (e == ERR_OK && part.n != 0) {
            e = sse_next(&s, &part, &ev, &got, &why);
            if (e == ERR_OK && got)
                e = buf_printf(out, "%.*s|%.*s|%.*s;", STR_ARG(ev.event),
                               STR_ARG(ev.data), STR_ARG(ev.id));
        }
    }
    *pending = sse_pending(&s);
    return e;
}

static const struct {
    const char *in, *want;
    bool pending;
} streams[] = {
    {"data: a\n\n", "message|a|;", false},
    {"data:a\r\n\r\ndata: b\r\rdata:  c\n\n",
     "message|a|;message|b|;message| c|;", false},
    {"\xef\xbb\xbf"
     "data: x\n\n",
     "message|x|;", false},
    {"\xef\xbb\xbf\xef\xbb\xbf"
     "data: x\n\ndata: y\n\n",
     "message|y|;", false},
    {"event: add\ndata: 1\ndata: 2\nid: 7\n\ndata: 3\n\n",
     "add|1\n2|7;message|3|7;", false},
    {": comment\n:\nunknown: 1\nretry: 5\nretry: 5x\ndata\n\n", "message||;",
     false},
    {"event: lost\n\ndata: x\n\n", "message|x|;", false},
    {"data: a:b:c\nid\n\n", "message|a:b:c|;", false},
    {"data: cut\n", "", true},
    {"data: cut", "", true},
    {"event: cut\n", "", true},
    {"\xef\xbb", "", true},
    {"\xef\xbbx\ndata: x\n\n", "message|x|;", false},
    {"\n\n\r\r\n\n", "", false},
};

TEST(streams_read_the_same_however_they_are_cut)
{
    for (size_t i = 0; i < COUNTOF(streams); i++) {
        struct str in = str_c(streams[i].in);

        for (size_t piece = 1; piece <= in.n; piece++) {
            struct buf out CLEANUP(buf_done) = BUF_INIT(1000);
            bool pending;

            CHECK(read_all(in, piece, &out, &pending) == ERR_OK);
            if (!str_eq(buf_str(&out), str_c(streams[i].want)))
                print_error("%zu/%zu: %.*s\n", i, piece,
                            STR_ARG(buf_str(&out)));
            CHECK(str_eq(buf_str(&out), str_c(streams[i].want)));
            CHECK(pending == streams[i].pending);
        }
    }
}

TEST(an_id_with_a_nul_is_ignored_and_retry_is_kept)
{
    struct sse s CLEANUP(sse_done) = {0};
    struct str in = STR("id: 1\nid: a\0b\nretry: 250\ndata: x\n\n");
    struct sse_event ev;
    bool got;

    sse_init(&s, 100);
    CHECK(sse_next(&s, &in, &ev, &got, &why) == ERR_OK && got);
    CHECK(str_eq(ev.id, STR("1")));
    CHECK(s.retry_ms == 250);
}

TEST(a_line_or_an_event_over_the_limit_is_refused)
{
    for (size_t piece = 1; piece <= 300; piece += 299) {
        struct buf in CLEANUP(buf_done) = BUF_INIT(2000);
        struct buf out CLEANUP(buf_done) = BUF_INIT(2000);
        bool pending;

        CHECK(buf_add_c(&in, "data: ") == ERR_OK);
        for (int i = 0; i < 100; i++)
            CHECK(buf_add_byte(&in, 'x') == ERR_OK);
        CHECK(buf_add_c(&in, "\n\n") == ERR_OK);
        CHECK(read_all(buf_str(&in), piece, &out, &pending) == ERR_OK);
        CHECK(out.len == 110);
        buf_clear(&in);
        for (int i = 0; i < 13; i++)
            CHECK(buf_add_c(&in, "data: 1234567\n") == ERR_OK);
        CHECK(read_all(buf_str(&in), piece, &out, &pending) == ERR_LIMIT);
        CHECK(str_has(str_c(why.msg), STR("longer than 100 bytes")));
        buf_clear(&in);
        for (int i = 0; i < 200; i++)
            CHECK(buf_add_byte(&in, ':') == ERR_OK);
        CHECK(buf_add_byte(&in, '\n') == ERR_OK);
        CHECK(read_all(buf_str(&in), piece, &out, &pending) == ERR_LIMIT);
    }
}

TEST(what_is_written_reads_back)
{
    struct buf b CLEANUP(buf_done) = BUF_INIT(1000);
    struct buf out CLEANUP(buf_done) = BUF_INIT(1000);
    bool pending;

    CHECK(sse_add_comment(&b, STR("hello")) == ERR_OK);
    CHECK(sse_add_id(&b, STR("9")) == ERR_OK);
    CHECK(sse_add_data(&b, "add", STR("a\r\nb\rc\n")) == ERR_OK);
    CHECK(sse_add_data(&b, NULL, STR("")) == ERR_OK);
    CHECK(
        str_eq(buf_str(&b), STR(": hello\nid: 9\nevent: add\ndata: a\ndata: b\n"
                                "data: c\ndata: \n\ndata: \n\n")));
    CHECK(read_all(buf_str(&b), 1000, &out, &pending) == ERR_OK);
    CHECK(str_eq(buf_str(&out), STR("add|a\nb\nc\n|9;message||9;")));
}

TEST(an_event_that_does_not_fit_leaves_the_buffer_as_it_was)
{
    for (size_t max = 4; max < 4 + 22; max++) {
        struct buf b CLEANUP(buf_done) = BUF_INIT(max);

        CHECK(buf_add_c(&b, "kept") == ERR_OK);
        CHECK(sse_add_data(&b, "e", STR("x\ny")) == ERR_LIMIT);
        CHECK(str_eq(buf_str(&b), STR("kept")));
    }
    struct buf b CLEANUP(buf_done) = BUF_INIT(100);

    CHECK(sse_add_data(&b, "a\nb", STR("x")) == ERR_RANGE);
    CHECK(sse_add_id(&b, STR("a\rb")) == ERR_RANGE);
    CHECK(sse_add_comment(&b, STR("a\nb")) == ERR_RANGE);
    CHECK(b.len == 0);
}

static bool read_some(void)
{
    struct buf out CLEANUP(buf_done) = BUF_INIT(1000);
    bool pending;

    return read_all(str_c(streams[4].in), 3, &out, &pending) == ERR_OK;
}

TEST(no_memory_leaks_nothing)
{
    TEST_OOM(read_some());
}
