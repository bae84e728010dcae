#include "super/record.h"

#include "fake/scratch.h"
#include "sys/fs.h"
#include "sys/process.h"
#include "test.h"

static struct paths home_of(struct scratch *s)
{
    struct paths_env env = {.hearth_home = s->dir};
    struct paths p;

    CHECK(paths_from(&env, &p, NULL) == ERR_OK);
    CHECK(paths_make(&p, NULL) == ERR_OK);
    return p;
}

TEST(each_start_and_end_is_a_line_of_json)
{
    CLEANUP(scratch_done) struct scratch s = scratch_make();
    CLEANUP(buf_done) struct buf b = BUF_INIT(10000);
    struct child_status st = {.signal = 6, .peak_bytes = 77, .cpu_us = 5};
    struct paths p = home_of(&s);
    struct str text, line;

    record_life(&p, &(struct record_life){.event = "start",
                                          .who = "gateway",
                                          .what = "",
                                          .pid = 7,
                                          .starts = 2});
    record_life(&p, &(struct record_life){.event = "end",
                                          .who = "runner",
                                          .what = "a\"b\n",
                                          .pid = 8,
                                          .status = &st});
    CHECK(fs_read(scratch_path(&s, "log/lives.jsonl"), &b, NULL) == ERR_OK);
    text = buf_str(&b);
    CHECK(str_line(&text, &line));
    CHECK(
        str_ends(line, STR("\"event\":\"start\",\"who\":\"gateway\",\"pid\":7,"
                           "\"starts\":2}")));
    CHECK(str_line(&text, &line));
    CHECK(str_ends(line, STR("\"what\":\"a\\\"b\\n\",\"pid\":8,\"status\":"
                             "\"signal 6 (Aborted)\",\"peak_bytes\":77,"
                             "\"cpu_us\":5}")));
    CHECK(!str_line(&text, &line));
}

TEST(where_the_server_is_reads_back)
{
    CLEANUP(scratch_done) struct scratch s = scratch_make();
    struct paths p = home_of(&s);
    struct super_opts o = {.paths = &p, .work_socket = "/run/w.sock"};
    struct super_where where;

    CHECK(record_serve(&o, "http://[::1]:1", NULL) == ERR_OK);
    CHECK(super_find(&p, &where, NULL) == ERR_OK);
    CHECK(where.pid == process_self());
    CHECK(strcmp(where.address, "http://[::1]:1") == 0);
    CHECK(strcmp(where.work_socket, "/run/w.sock") == 0);
    CHECK(where.gateway_socket[0] == '\0');
    record_serve_drop(&p);
    record_serve_drop(&p); /* there is none: fine */
    CHECK(super_find(&p, &where, NULL) == ERR_NOTFOUND);
}

TEST(a_damaged_or_stale_file_is_no_server)
{
    CLEANUP(scratch_done) struct scratch s = scratch_make();
    struct paths p = home_of(&s);
    struct super_where where = {.pid = 5};
    char text[200];

    scratch_write(&s, "run/serve.json", STR("{\"pid\":"));
    CHECK(super_find(&p, &where, NULL) == ERR_PARSE);
    /* our pid, but another process's start time */
    (void)snprintf(text, sizeof(text),
                   "{\"pid\":%d,\"pid_start\":1,\"address\":\"\","
                   "\"gateway_socket\":\"\",\"work_socket\":\"\"}",
                   process_self());
    scratch_write(&s, "run/serve.json", str_c(text));
    CHECK(super_find(&p, &where, NULL) == ERR_NOTFOUND);
    CHECK(where.pid == 5);
}
