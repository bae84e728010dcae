#include "data/http1.h"

#include "base/buf.h"
#include "test.h"

/* Everything the parser says about `n` messages, as one text, so that runs
 * that cut the input differently can be compared. */
static void describe_head(struct buf *out, const struct http1_head *h)
{
    CHECK(buf_printf(out, "%.*s|%.*s|%.*s|%.*s|%d|1.%d|%s%s%s|",
                     STR_ARG(h->method), STR_ARG(h->path), STR_ARG(h->query),
                     STR_ARG(h->host), h->status, h->minor,
                     h->chunked ? "chunked," : "", h->keep_alive ? "keep," : "",
                     h->expect_continue ? "continue," : "")
          == ERR_OK);
    for (size_t i = 0; i < h->field_count; i++)
        CHECK(buf_printf(out, "%.*s=%.*s;", STR_ARG(h->fields[i].name),
                         STR_ARG(h->fields[i].value))
              == ERR_OK);
    CHECK(buf_add_c(out, "\n") == ERR_OK);
}

struct run {
    enum http1_kind kind;
    struct http1_limits limits;
    bool eof, no_body;
};

static struct http1 *made(const struct run *r)
{
    struct http1 *p = NULL;

    CHECK(http1_new(r->kind, &r->limits, &p) == ERR_OK);
    return p;
}

/* Feeds `in` in pieces of `step` bytes; *rest is what nobody took. */
static void parse(const struct run *r, struct str in, size_t step,
                  struct buf *out)
{
    struct http1 *p = made(r);
    struct str body = STR_EMPTY;
    bool go = true;

    while (go) {
        struct str piece = str_sub(in, 0, step);
        enum http1_event ev;
        size_t taken;

        ev = http1_feed(p, piece, &taken, &body);
        CHECK(taken <= piece.n);
        in = str_sub(in, taken, SIZE_MAX);
        switch (ev) {
        case HTTP1_MORE:
            CHECK(taken == piece.n);
            go = in.n != 0;
            break;
        case HTTP1_HEAD:
            describe_head(out, http1_head(p));
            if (r->no_body)
                http1_no_body(p);
            break;
        case HTTP1_BODY:
            CHECK(body.n != 0);
            CHECK(buf_add(out, body) == ERR_OK);
            break;
        case HTTP1_END:
            CHECK(buf_add_c(out, "\nEND\n") == ERR_OK);
            http1_reset(p);
            go = in.n != 0;
            break;
        case HTTP1_REFUSED:
            CHECK(buf_printf(out, "NO %s\n", http1_no_name(http1_refusal(p)))
                  == ERR_OK);
            go = false;
            break;
        }
    }
    if (r->eof && http1_refusal(p) == HTTP1_NO_NONE)
        CHECK(buf_printf(out, "EOF %d\n", http1_feed_eof(p) == HTTP1_END)
              == ERR_OK);
    http1_free(p);
}

static void parsed_by(const struct run *r, struct str in, const char *want)
{
    struct buf whole = BUF_INIT(1 << 20);

    parse(r, in, SIZE_MAX, &whole);
    if (!str_eq(buf_str(&whole), str_c(want)))
        print_error("got:\n%s\nwant:\n%s\n", whole.len ? whole.data : "", want);
    CHECK(str_eq(buf_str(&whole), str_c(want)));
    for (size_t step = 1; step < 8; step++) {
        struct buf cut = BUF_INIT(1 << 20);

        parse(r, in, step, &cut);
        if (!str_eq(buf_str(&cut), buf_str(&whole)))
            print_error("cut at %zu:\n%s\n", step, cut.data);
        CHECK(str_eq(buf_str(&cut), buf_str(&whole)));
        buf_done(&cut);
    }
    buf_done(&whole);
}

static const struct run request = {HTTP1_REQUEST,
                                   {32768, 8192, 100, 1 << 20},
                                   false,
                                   false};
static const struct run response = {HTTP1_RESPONSE,
                                    {32768, 8192, 100, 1 << 20},
                                    true,
                                    false};

static void parsed(const char *in, const char *want)
{
    parsed_by(&request, str_c(in), want);
}

TEST(a_request_is_the_same_however_it_is_cut)
{
    parsed("GET /v1/models?limit=2 HTTP/1.1\r\nHost: a\r\nX:  b c \r\n"
           "Empty:\r\n\r\n",
           "GET|/v1/models|limit=2|a|0|1.1|keep,|Host=a;X=b c;Empty=;\n"
           "\nEND\n");
}

TEST(a_body_of_known_length_ends_where_it_says)
{
    parsed("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"
           "GET /2 HTTP/1.1\r\nHost: a\r\n\r\n",
           "POST|/||a|0|1.1|keep,|Host=a;Content-Length=3;\nabc\nEND\n"
           "GET|/2||a|0|1.1|keep,|Host=a;\n\nEND\n");
}

TEST(chunks_extensions_and_trailers_leave_only_the_content)
{
    parsed("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
           "3;x=y\r\nabc\r\n2\r\nde\r\n0\r\nTrailer: t\r\n\r\n"
           "GET /2 HTTP/1.1\r\nHost: a\r\n\r\n",
           "POST|/||a|0|1.1|chunked,keep,|Host=a;Transfer-Encoding=chunked;\n"
           "abcde\nEND\n"
           "GET|/2||a|0|1.1|keep,|Host=a;\n\nEND\n");
}

TEST(an_absolute_target_names_the_host)
{
    parsed("GET http://b:80/x?y HTTP/1.1\r\nHost: a\r\n\r\n",
           "GET|/x|y|b:80|0|1.1|keep,|Host=a;\n\nEND\n");
    parsed("GET http://b HTTP/1.1\r\nHost: a\r\n\r\n",
           "GET|/||b|0|1.1|keep,|Host=a;\n\nEND\n");
    parsed("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
           "OPTIONS|*||a|0|1.1|keep,|Host=a;\n\nEND\n");
}

TEST(an_old_client_closes_unless_it_asks)
{
    parsed("GET / HTTP/1.0\r\n\r\n", "GET|/|||0|1.0||\n\nEND\n");
    parsed("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n",
           "GET|/|||0|1.0|keep,|Connection=Keep-Alive;\n\nEND\n");
    parsed("GET / HTTP/1.1\r\nHost: a\r\nConnection: x, close\r\n\r\n",
           "GET|/||a|0|1.1||Host=a;Connection=x, close;\n\nEND\n");
}

TEST(an_upgrade_is_ignored)
{
    parsed("GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\n"
           "Upgrade: websocket\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n",
           "GET|/||a|0|1.1|keep,|Host=a;Connection=upgrade;"
           "Upgrade=websocket;\n\nEND\n"
           "GET|/2||a|0|1.1|keep,|Host=a;\n\nEND\n");
}

#define HEAD "POST / HTTP/1.1\r\nHost: a\r\n"

TEST(ambiguous_and_malformed_messages_are_refused)
{
    static const struct {
        const char *in, *no;
    } rows[] = {
        {HEAD "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n",
         "FRAMING"},
        {HEAD "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n",
         "FRAMING"},
        {HEAD "Content-Length: 4\r\nContent-Length: 5\r\n\r\n", "FRAMING"},
        {HEAD "Content-Length: 4\r\nContent-Length: 4\r\n\r\n", "FRAMING"},
        {HEAD "Content-Length: +4\r\n\r\n", "FRAMING"},
        {HEAD "Content-Length: 4, 4\r\n\r\n", "FRAMING"},
        {HEAD "Content-Length: 99999999999999999999\r\n\r\n", "FRAMING"},
        {HEAD "Transfer-Encoding: gzip, chunked\r\n\r\n", "CODING"},
        {HEAD "Transfer-Encoding: xchunked\r\n\r\n", "CODING"},
        {"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", "FRAMING"},
        {"GET / HTTP/1.1\r\n\r\n", "HOST"},
        {"GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", "HOST"},
        {"GET / HTTP/1.1\r\nHost: a b\r\n\r\n", "HOST"},
        {"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", "HOST"},
        {"GET / HTTP/1.1\r\nHost : a\r\n\r\n", "SYNTAX"},
        {"GET / HTTP/1.1\nHost: a\n\n", "SYNTAX"},
        {"GET / HTTP/1.1\r\nHost: a\r\nX: a\r\n b\r\n\r\n", "SYNTAX"},
        {"GET / HTTP/1.1\r\nHost: a\r\nX: a\rb\r\n\r\n", "SYNTAX"},
        {"GET /\x01 HTTP/1.1\r\nHost: a\r\n\r\n", "SYNTAX"},
        {"GET nowhere HTTP/1.1\r\nHost: a\r\n\r\n", "SYNTAX"},
        {"GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n", "TARGET"},
        {"GET http:///x HTTP/1.1\r\nHost: a\r\n\r\n", "TARGET"},
        {"CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n", "METHOD"},
        {"FROB / HTTP/1.1\r\nHost: a\r\n\r\n", "METHOD"},
        {"get / HTTP/1.1\r\nHost: a\r\n\r\n", "SYNTAX"},
        {"\x16\x03\x01\x02", "SYNTAX"},
        {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "VERSION"},
        {"GET / HTTP/2.0\r\nHost: a\r\n\r\n", "VERSION"},
        {"GET / HTTP/0.9\r\nHost: a\r\n\r\n", "VERSION"},
        {"GET / HTTP/1.2\r\nHost: a\r\n\r\n", "VERSION"},
        {HEAD "Expect: tea\r\n\r\n", "EXPECT"},
    };

    for (size_t i = 0; i < COUNTOF(rows); i++) {
        char want[32];

        (void)snprintf(want, sizeof(want), "NO %s\n", rows[i].no);
        parsed(rows[i].in, want);
    }
}

TEST(a_nul_in_a_field_is_refused)
{
    parsed_by(&request, STR("GET / HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n"),
              "NO SYNTAX\n");
}

TEST(broken_chunks_are_refused)
{
    static const char *const bodies[] = {
        "0x3\r\nabc\r\n0\r\n\r\n", "fffffffffffffffff1\r\nabc\r\n", "-1\r\n",
        "3 \r\nabc\r\n0\r\n\r\n", "g\r\n"};

    for (size_t i = 0; i < COUNTOF(bodies); i++) {
        struct buf in = BUF_INIT(1000), out = BUF_INIT(1000);

        CHECK(buf_printf(&in, HEAD "Transfer-Encoding: chunked\r\n\r\n%s",
                         bodies[i])
              == ERR_OK);
        parse(&request, buf_str(&in), SIZE_MAX, &out);
        CHECK(str_has(buf_str(&out), STR("NO FRAMING")));
        buf_done(&in);
        buf_done(&out);
    }
    parsed(HEAD "Transfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n",
           "POST|/||a|0|1.1|chunked,keep,|Host=a;Transfer-Encoding=chunked;\n"
           "abcNO SYNTAX\n");
    parsed(HEAD "Transfer-Encoding: chunked\r\n\r\n3\nabc\r\n0\r\n\r\n",
           "POST|/||a|0|1.1|chunked,keep,|Host=a;Transfer-Encoding=chunked;\n"
           "NO SYNTAX\n");
}

/* A head of exactly `n` raw bytes, most of them in one field. */
static void head_of(struct buf *b, size_t n)
{
    CHECK(buf_add_c(b, "GET / HTTP/1.1\r\nHost: a\r\nX: ") == ERR_OK);
    while (b->len < n - 4)
        CHECK(buf_add_byte(b, 'x') == ERR_OK);
    CHECK(buf_add_c(b, "\r\n\r\n") == ERR_OK);
}

static void ends_with(const struct run *r, struct str in, const char *want)
{
    for (size_t step = 1; step < 100000; step = step * 7 + 1) {
        struct buf out = BUF_INIT(1 << 20);

        parse(r, in, step, &out);
        CHECK(str_ends(buf_str(&out), str_c(want)));
        buf_done(&out);
    }
}

TEST(the_head_may_have_exactly_its_limit_of_bytes)
{
    struct buf ok = BUF_INIT(40000), over = BUF_INIT(40000);

    head_of(&ok, 32768);
    head_of(&over, 32769);
    ends_with(&request, buf_str(&ok), "END\n");
    ends_with(&request, buf_str(&over), "NO HEAD_SIZE\n");
    buf_done(&ok);
    buf_done(&over);
}

TEST(white_space_counts_as_head)
{
    struct buf b = BUF_INIT(1 << 20);

    CHECK(buf_add_c(&b, "GET / HTTP/1.1\r\nHost: a\r\nX:") == ERR_OK);
    for (int i = 0; i < 40000; i++)
        CHECK(buf_add_byte(&b, ' ') == ERR_OK);
    ends_with(&request, buf_str(&b), "NO HEAD_SIZE\n");
    buf_done(&b);
}

TEST(too_many_fields_and_too_long_a_url_are_refused)
{
    struct buf b = BUF_INIT(1 << 20);

    CHECK(buf_add_c(&b, "GET / HTTP/1.1\r\nHost: a\r\n") == ERR_OK);
    for (int i = 0; i < 99; i++)
        CHECK(buf_printf(&b, "X%d: 1\r\n", i) == ERR_OK);
    CHECK(buf_add_c(&b, "\r\n") == ERR_OK);
    ends_with(&request, buf_str(&b), "END\n");
    b.len -= 2;
    CHECK(buf_add_c(&b, "Y: 1\r\n\r\n") == ERR_OK);
    ends_with(&request, buf_str(&b), "NO HEAD_SIZE\n");
    buf_clear(&b);
    CHECK(buf_add_c(&b, "GET /") == ERR_OK);
    for (int i = 0; i < 8191; i++)
        CHECK(buf_add_byte(&b, 'u') == ERR_OK);
    CHECK(buf_add_c(&b, " HTTP/1.1\r\nHost: a\r\n\r\n") == ERR_OK);
    ends_with(&request, buf_str(&b), "END\n");
    b.data[b.len - 22] = 'u'; /* one more, in the place of the space */
    ends_with(&request, buf_str(&b), "NO URL_SIZE\n");
    buf_done(&b);
}

TEST(a_chunk_that_announces_more_than_the_body_may_have_is_refused_at_once)
{
    ends_with(&request,
              STR(HEAD "Transfer-Encoding: chunked\r\n\r\n"
                       "FFFFFFFFFFFFFFFF\r\n"),
              "NO BODY_SIZE\n");
}

TEST(chunk_extensions_and_trailers_are_bounded)
{
    struct buf b = BUF_INIT(1 << 20);

    CHECK(buf_add_c(&b, HEAD "Transfer-Encoding: chunked\r\n\r\n1;e=")
          == ERR_OK);
    for (int i = 0; i < 20000; i++)
        CHECK(buf_add_byte(&b, 'e') == ERR_OK);
    CHECK(buf_add_c(&b, "\r\nx\r\n0\r\n\r\n") == ERR_OK);
    ends_with(&request, buf_str(&b), "NO SYNTAX\n");
    buf_clear(&b);
    CHECK(
        buf_add_c(&b, HEAD "Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n")
        == ERR_OK);
    for (int i = 0; i < 2000; i++)
        CHECK(buf_printf(&b, "T%d: abcdefgh\r\n", i) == ERR_OK);
    CHECK(buf_add_c(&b, "\r\n") == ERR_OK);
    ends_with(&request, buf_str(&b), "NO SYNTAX\n");
    buf_done(&b);
}

TEST(a_body_over_the_limit_is_refused_as_soon_as_that_is_known)
{
    struct run r = request;

    r.limits.body_bytes = 4;
    parsed_by(&r, STR(HEAD "Content-Length: 4\r\n\r\nabcd"),
              "POST|/||a|0|1.1|keep,|Host=a;Content-Length=4;\nabcd\nEND\n");
    parsed_by(&r, STR(HEAD "Content-Length: 5\r\n\r\n"),
              "POST|/||a|0|1.1|keep,|Host=a;Content-Length=5;\n"
              "NO BODY_SIZE\n");
    ends_with(&r,
              STR(HEAD "Transfer-Encoding: chunked\r\n\r\n"
                       "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"),
              "NO BODY_SIZE\n");
}

TEST(responses_end_by_length_chunks_or_the_connection)
{
    struct run bare = response;

    parsed_by(&response, STR("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab"),
              "||||200|1.1|keep,|Content-Length=2;\nab\nEND\nEOF 0\n");
    parsed_by(&response, STR("HTTP/1.1 200 OK\r\n\r\nab"),
              "||||200|1.1|keep,|\nabEOF 1\n");
    parsed_by(&response, STR("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nab"),
              "||||200|1.1|keep,|Content-Length=3;\nabEOF 0\n");
    bare.no_body = true;
    bare.eof = false;
    parsed_by(&bare, STR("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n"),
              "||||200|1.1|keep,|Content-Length=3;\n\nEND\n");
}

TEST(fields_are_found_by_any_case_and_lists_by_token)
{
    struct http1_field f[] = {{STR("Connection"), STR("keep-alive , TE")},
                              {STR("connection"), STR("x")}};
    struct http1_head h = {.fields = f, .field_count = 2};

    CHECK(str_eq(http1_field(&h, STR("CONNECTION")), f[0].value));
    CHECK(http1_field(&h, STR("none")).n == 0);
    CHECK(http1_has_token(&h, STR("Connection"), STR("te")));
    CHECK(http1_has_token(&h, STR("Connection"), STR("X")));
    CHECK(!http1_has_token(&h, STR("Connection"), STR("keep")));
}

TEST(a_field_that_would_break_the_head_may_not_be_sent)
{
    CHECK(http1_field_ok(&(struct http1_field){STR("A"), STR("b\tc")}));
    CHECK(!http1_field_ok(&(struct http1_field){STR("A"), STR("b\r\nC: d")}));
    CHECK(!http1_field_ok(&(struct http1_field){STR("A B"), STR("")}));
    CHECK(!http1_field_ok(&(struct http1_field){STR(""), STR("")}));
    CHECK(!http1_field_ok(&(struct http1_field){STR("A"), STR("a\0b")}));
}

TEST(reasons_exist_for_every_refusal)
{
    for (int i = 1; i < HTTP1_NO_COUNT; i++) {
        int status = http1_no_status((enum http1_no)i);

        if (status != 0)
            CHECK(strcmp(http1_reason(status), "Unknown") != 0);
    }
    CHECK(strcmp(http1_reason(298), "Unknown") == 0);
    CHECK(strcmp(http1_reason(404), "Not Found") == 0);
}

static bool survives(void)
{
    struct str in = STR(HEAD "Content-Length: 3\r\n\r\nabc"), body;
    struct http1 *p = NULL;
    enum http1_event ev;
    size_t taken;

    if (http1_new(HTTP1_REQUEST, &request.limits, &p) != ERR_OK)
        return false;
    do {
        ev = http1_feed(p, in, &taken, &body);
        in = str_sub(in, taken, SIZE_MAX);
    } while (ev == HTTP1_HEAD || ev == HTTP1_BODY);
    CHECK(ev == HTTP1_END || http1_refusal(p) == HTTP1_NO_NOMEM);
    http1_free(p);
    return ev == HTTP1_END;
}

TEST(every_allocation_may_fail)
{
    TEST_OOM(survives());
}
