#include "gateway/metrics.h"

#include "test.h"

static const char *name_of(size_t route)
{
    return route == 0 ? "/a" : "/b";
}

static bool has(const struct buf *page, const char *text)
{
    return str_has(buf_str(page), str_c(text));
}

TEST(counters_requests_and_histograms_are_written)
{
    static struct metrics m;
    struct buf CLEANUP(buf_done) page = BUF_INIT(1 << 20);

    metrics_request(&m, 0, 200);
    metrics_request(&m, 0, 200);
    metrics_request(&m, 1, 418);
    metrics_request(&m, METRICS_ROUTES_MAX + 5, 404);
    metrics_add(&m, METRICS_prompt_tokens, 7);
    metrics_set(&m, METRICS_queue, 3);
    metrics_observe(&m, METRICS_duration, 0.004); /* first bucket: 5 ms */
    metrics_observe(&m, METRICS_duration, 0.006);
    metrics_observe(&m, METRICS_duration, 1000);
    CHECK(metrics_write(&m, name_of, &page) == ERR_OK);
    CHECK(has(&page, "hearth_requests_total{route=\"/a\",status=\"200\"} 2\n"));
    CHECK(
        has(&page, "hearth_requests_total{route=\"/b\",status=\"other\"} 1\n"));
    CHECK(has(&page, "{route=\"none\",status=\"404\"} 1\n"));
    CHECK(has(&page, "hearth_prompt_tokens_total 7\n"));
    CHECK(has(&page, "hearth_requests_waiting 3\n"));
    CHECK(has(&page, "duration_seconds_bucket{le=\"0.005\"} 1\n"));
    CHECK(has(&page, "duration_seconds_bucket{le=\"0.01\"} 2\n"));
    CHECK(has(&page, "duration_seconds_bucket{le=\"+Inf\"} 3\n"));
    CHECK(has(&page, "duration_seconds_sum 1000.01\n"));
    CHECK(has(&page, "duration_seconds_count 3\n"));
    CHECK(has(&page, "# TYPE hearth_request_duration_seconds histogram\n"));
}

TEST(a_page_without_room_is_an_error)
{
    static struct metrics m;
    struct buf CLEANUP(buf_done) page = BUF_INIT(100);

    CHECK(metrics_write(&m, name_of, &page) == ERR_LIMIT);
}
