#include "sys/log.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/buf.h"
#include "sys/fd.h"
#include "test.h"

static int64_t wall = 1000;
static uint64_t mono;
static int pipe_fds[2];
static char text[70000];

static int64_t fake_ms(void)
{
    return wall;
}

static uint64_t fake_us(void)
{
    return mono;
}

static void begin(enum log_level level, bool json)
{
    struct log_opts o = {.level = level,
                         .json = json,
                         .proc = "test",
                         .unix_ms = fake_ms,
                         .monotonic_us = fake_us};

    CHECK(fd_pipe(pipe_fds, NULL) == ERR_OK);
    CHECK(fd_nonblock(pipe_fds[0], true) == ERR_OK);
    o.fd = pipe_fds[1];
    log_init(&o);
}

static const char *written(void)
{
    size_t n = 0, got = 0;

    while (fd_read(pipe_fds[0], text + n, sizeof(text) - 1 - n, &got) == ERR_OK)
        n += got;
    text[n] = '\0';
    return text;
}

static void end(void)
{
    fd_close(pipe_fds[0]);
    fd_close(pipe_fds[1]);
    log_init(&(struct log_opts){.fd = 2, .level = LOG_AT_WARN});
}

#define HEAD "time=1970-01-01T00:00:01.000Z level="

TEST(a_line_has_its_fields_in_order)
{
    begin(LOG_AT_INFO, false);
    LOG(INFO, SUPER, "child_up", LOG_S("role", "gateway"), LOG_U("pid", 7),
        LOG_I("left", -3), LOG_F("load", 0.5), LOG_B("ok", true));
    LOG0(WARN, NET, "plain");
    CHECK(strcmp(written(),
                 HEAD "info proc=test area=super event=child_up role=gateway "
                      "pid=7 left=-3 load=0.5 ok=true\n" HEAD
                      "warn proc=test area=net event=plain\n")
          == 0);
    end();
}

TEST(lines_above_the_level_are_not_written_and_cost_no_evaluation)
{
    int evaluated = 0;

    begin(LOG_AT_WARN, false);
    LOG(INFO, SUPER, "quiet", LOG_I("n", ++evaluated));
    CHECK(strcmp(written(), "") == 0 && evaluated == 0);
    log_level_set(LOG_AT_DEBUG);
    LOG(DEBUG, SUPER, "loud", LOG_I("n", ++evaluated));
    CHECK(strstr(written(), "event=loud n=1\n") != NULL && evaluated == 1);
    end();
}

TEST(values_cannot_forge_fields_or_lines)
{
    begin(LOG_AT_INFO, false);
    LOG(INFO, NET, "x", LOG_S("a", "b c=d"), LOG_S("e", ""),
        LOG_S("f", "q\"\\\n\x1b[2J"), LOG_STR("g", ((struct str){"\xff!", 2})),
        LOG_S("h", "\xd0\xb4\xd0\xb0"));
    CHECK(strstr(written(),
                 " a=\"b c=d\" e=\"\" f=\"q\\\"\\\\\\u000a\\u001b[2J\" "
                 "g=\"\xef\xbf\xbd!\" h=\"\xd0\xb4\xd0\xb0\"\n")
          != NULL);
    end();
}

TEST(json_lines_are_json)
{
    begin(LOG_AT_INFO, true);
    LOG(INFO, NET, "x", LOG_S("a", "b\"\n"), LOG_U("n", 1),
        LOG_F("inf", 1e308 * 10));
    CHECK(strcmp(written(),
                 "{\"time\":\"1970-01-01T00:00:01.000Z\",\"level\":\"info\","
                 "\"proc\":\"test\",\"area\":\"net\",\"event\":\"x\","
                 "\"a\":\"b\\\"\\u000a\",\"n\":1,\"inf\":null}\n")
          == 0);
    end();
}

TEST(a_long_line_is_cut_at_a_field_and_says_so)
{
    static char big[LOG_LINE_MAX];

    memset(big, 'x', sizeof(big) - 1);
    begin(LOG_AT_INFO, true);
    LOG(INFO, NET, "x", LOG_S("small", "s"), LOG_S("big", big),
        LOG_S("after", "a"));
    CHECK(strstr(written(), "\"small\":\"s\",\"cut\":true}\n") != NULL);
    end();
}

TEST(an_event_that_repeats_is_held_back_and_counted)
{
    size_t lines = 0;

    begin(LOG_AT_INFO, false);
    for (int i = 0; i < LOG_BURST + 30; i++)
        LOG0(INFO, NET, "again_and_again");
    for (const char *p = written(); *p != '\0'; p++)
        lines += *p == '\n' ? 1 : 0;
    CHECK(lines == LOG_BURST);
    LOG0(INFO, NET, "another");
    CHECK(strstr(written(), "event=another\n") != NULL);
    mono += 1000000;
    for (int i = 0; i < 2; i++)
        LOG0(INFO, NET, "again_and_again_2"); /* not the held one */
    end();
}

static void repeat(void)
{
    LOG0(INFO, NET, "repeated");
}

TEST(the_next_second_tells_how_many_were_held)
{
    begin(LOG_AT_INFO, false);
    for (int i = 0; i < LOG_BURST + 5; i++)
        repeat();
    (void)written();
    mono += 1000000;
    repeat();
    CHECK(strstr(written(), "event=repeated suppressed=5\n") != NULL);
    repeat();
    CHECK(strstr(written(), "event=repeated\n") != NULL);
    end();
}

TEST(a_reader_that_is_stuck_loses_lines_and_stops_nobody)
{
    char block[4096];
    size_t n;

    begin(LOG_AT_INFO, false);
    memset(block, 'x', sizeof(block));
    CHECK(fd_nonblock(pipe_fds[1], true) == ERR_OK);
    while (fd_write(pipe_fds[1], block, sizeof(block), &n) == ERR_OK) {
    }
    LOG0(INFO, NET, "lost");
    CHECK(log_dropped() == 1);
    end();
}

TEST(levels_have_names)
{
    enum log_level l = LOG_AT_ERROR;

    CHECK(log_level_parse(STR("debug"), &l) && l == LOG_AT_DEBUG);
    CHECK(!log_level_parse(STR("loud"), &l) && l == LOG_AT_DEBUG);
    CHECK(strcmp(log_level_name(LOG_AT_WARN), "warn") == 0);
}
