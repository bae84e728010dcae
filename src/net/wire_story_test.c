/*
 * wire_story_test.c - plays the stories of tests/wire against a real server with
 * the routes of tests/fake/http_rig.h; the format is in tests/wire/README.md.
 * Every story is played twice: as written, and with every byte alone.
 */
#include <dirent.h>
#include <unistd.h>

#include "fake/http_rig.h"
#include "net/sock.h"
#include "test.h"

enum { STORY_MAX = 1 << 20 };

static int hex(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
                                  : -1;
}

/* \r \n \t \0 \\ \xNN */
static bool unescape(struct str s, struct buf *out)
{
    static const char names[] = "rnt0\\", values[] = "\r\n\t\0\\";

    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];

        if (c == '\\' && i + 1 < s.n) {
            const char *plain = memchr(names, s.p[++i], 5);

            if (plain != NULL) {
                c = values[plain - names];
            } else if (s.p[i] == 'x' && i + 2 < s.n) {
                c = (char)(hex(s.p[i + 1]) * 16 + hex(s.p[i + 2]));
                i += 2;
            } else {
                return false;
            }
        }
        if (buf_add_byte(out, c) != ERR_OK)
            return false;
    }
    return true;
}

struct play {
    struct http_rig rig;
    struct buf want, got, sending;
    bool ended;
    int fd;
};

/* Everything that was expected so far must have come, and no more. */
static bool compare(struct play *p)
{
    const struct server_stats *stats = server_stats(p->rig.server);
    uint64_t moved = 0;

    for (int i = 0; i < 300 && p->got.len < p->want.len && !p->ended; i++) {
        if (moved != stats->bytes_in + stats->bytes_out)
            i = 0;
        moved = stats->bytes_in + stats->bytes_out;
        if (http_rig_read(&p->rig, p->fd, &p->got, ""))
            http_rig_turn(&p->rig);
        else
            p->ended = true; /* "<EOF>" is in `got` */
    }
    if (str_eq(buf_str(&p->got), buf_str(&p->want)))
        return true;
    print_error("got:\n%.*s\nwanted:\n%.*s\n", STR_ARG(buf_str(&p->got)),
                STR_ARG(buf_str(&p->want)));
    return false;
}

static bool repeat(struct str count, struct str text, struct buf *out)
{
    uint64_t n;

    if (!str_u64(count, 100000, &n))
        return false;
    while (n-- != 0)
        if (!unescape(text, out))
            return false;
    return true;
}

/* One line; `*into` is what a "|" line adds to. */
static bool line(struct play *p, struct str l, struct buf **into)
{
    struct str word = l;
    struct str rest;

    if (l.n == 0 || l.p[0] == '#')
        return true;
    if (str_starts(l, STR("| ")))
        return *into != NULL && unescape(str_sub(l, 2, SIZE_MAX), *into);
    rest = word;
    word = str_cut(&rest, ' ');
    if (str_eq(word, STR("repeat"))) {
        struct str count = str_cut(&rest, ' ');

        return *into != NULL && repeat(count, rest, *into);
    }
    if (p->sending.len != 0) {
        http_rig_send(&p->rig, p->fd, buf_str(&p->sending));
        buf_clear(&p->sending);
    }
    if (str_eq(word, STR("send"))) {
        *into = &p->sending;
        return compare(p);
    }
    *into = &p->want;
    if (str_eq(word, STR("closed")))
        return buf_add(&p->want, STR("<EOF>")) == ERR_OK && compare(p);
    if (str_eq(word, STR("open")))
        return compare(p) && !p->ended;
    return str_eq(word, STR("expect"));
}

static bool play(struct str story, size_t at_once)
{
    struct play p = {.want = BUF_INIT(STORY_MAX),
                     .got = BUF_INIT(STORY_MAX),
                     .sending = BUF_INIT(STORY_MAX)};
    struct buf *into = NULL;
    struct str l;
    bool ok = true;

    http_rig_start(&p.rig, NULL);
    sock_fault_short(at_once);
    p.fd = http_rig_connect(&p.rig);
    while (ok && str_line(&story, &l))
        ok = line(&p, l, &into);
    ok = ok && p.want.len != 0 && compare(&p);
    sock_fault_short(0);
    (void)close(p.fd);
    buf_done(&p.want);
    buf_done(&p.got);
    buf_done(&p.sending);
    http_rig_stop(&p.rig);
    return ok;
}

static void read_story(const char *name, struct buf *out)
{
    char path[300], bytes[4096];
    FILE *f;
    size_t n;

    (void)snprintf(path, sizeof(path), "tests/wire/%s", name);
    f = fopen(path, "re");
    CHECK(f != NULL);
    while ((n = fread(bytes, 1, sizeof(bytes), f)) != 0)
        CHECK(buf_add(out, (struct str){bytes, n}) == ERR_OK);
    CHECK(fclose(f) == 0);
}

TEST(every_wire_story_ends_as_it_is_written)
{
    DIR *d = opendir("tests/wire");
    struct dirent *e;
    int stories = 0, failed = 0;

    CHECK(d != NULL);
    /* NOLINTNEXTLINE(concurrency-mt-unsafe): the only thread */
    while ((e = readdir(d)) != NULL) {
        struct buf story = BUF_INIT(STORY_MAX);

        if (!str_ends(str_c(e->d_name), STR(".wire")))
            continue;
        stories++;
        read_story(e->d_name, &story);
        for (size_t at_once = 0; at_once < 2; at_once++) {
            if (!play(buf_str(&story), at_once)) {
                print_error("story %s failed%s\n", e->d_name,
                            at_once == 1 ? " byte by byte" : "");
                failed++;
            }
        }
        buf_done(&story);
    }
    CHECK(closedir(d) == 0);
    CHECK(stories >= 10);
    CHECK(failed == 0);
}
