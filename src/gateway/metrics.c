#include "gateway/metrics.h"

#include <inttypes.h>

enum kind { COUNTS, GAUGES, HISTOGRAMS };

static const struct {
    enum kind kind;
    const char *name, *help;
    double first; /* upper end of the first bucket, seconds */
} rows[] = {
#define COUNTER(name, full, help) {COUNTS, full, help, 0},
#define GAUGE(name, full, help)   {GAUGES, full, help, 0},
#define HISTOGRAM(name, full, help, first)                                     \
    {HISTOGRAMS, full, help, (first) / 1e3},
#include "gateway/metrics.def"
#undef COUNTER
#undef GAUGE
#undef HISTOGRAM
};

static const char *const kind_names[] = {"counter", "gauge", "histogram"};

/* Statuses that we answer with; others are counted as the last one. */
static const int statuses[METRICS_STATUSES] = {
    200, 204, 304, 400, 401, 403, 404, 405, 408, 409,
    413, 415, 429, 431, 499, 500, 502, 503, 504, 0,
};

void metrics_add(struct metrics *m, enum metrics_id id, uint64_t n)
{
    m->values[id] += n;
}

void metrics_set(struct metrics *m, enum metrics_id id, uint64_t v)
{
    m->values[id] = v;
}

void metrics_observe(struct metrics *m, enum metrics_id id, double seconds)
{
    double end = rows[id].first;

    m->values[id]++;
    m->sums[id] += seconds;
    for (size_t i = 0; i < METRICS_BUCKETS; i++) {
        if (seconds <= end) {
            m->buckets[id][i]++;
            return;
        }
        end *= 2;
    }
}

void metrics_request(struct metrics *m, size_t route, int status)
{
    size_t i = 0;

    while (i < METRICS_STATUSES - 1 && statuses[i] != status)
        i++;
    m->requests[MIN(route, METRICS_ROUTES_MAX - 1)][i]++;
}

static enum err write_histogram(const struct metrics *m, size_t id,
                                struct buf *out)
{
    uint64_t up_to = 0;
    double end = rows[id].first;

    for (size_t i = 0; i < METRICS_BUCKETS; i++) {
        up_to += m->buckets[id][i];
        TRY(buf_printf(out, "%s_bucket{le=\"%g\"} %" PRIu64 "\n", rows[id].name,
                       end, up_to));
        end *= 2;
    }
    TRY(buf_printf(out, "%s_bucket{le=\"+Inf\"} %" PRIu64 "\n", rows[id].name,
                   m->values[id]));
    return buf_printf(out, "%s_sum %.9g\n%s_count %" PRIu64 "\n", rows[id].name,
                      m->sums[id], rows[id].name, m->values[id]);
}

static enum err write_requests(const struct metrics *m,
                               const char *(*route_name)(size_t route),
                               struct buf *out)
{
    TRY(buf_add_c(out,
                  "# HELP hearth_requests_total requests by route and status\n"
                  "# TYPE hearth_requests_total counter\n"));
    for (size_t r = 0; r < METRICS_ROUTES_MAX; r++)
        for (size_t i = 0; i < METRICS_STATUSES; i++) {
            if (m->requests[r][i] == 0)
                continue;
            TRY(buf_printf(out, "hearth_requests_total{route=\"%s\",status=\"",
                           r == METRICS_ROUTES_MAX - 1 ? "none"
                                                       : route_name(r)));
            if (statuses[i] != 0)
                TRY(buf_printf(out, "%d", statuses[i]));
            else
                TRY(buf_add_c(out, "other"));
            TRY(buf_printf(out, "\"} %" PRIu64 "\n", m->requests[r][i]));
        }
    return ERR_OK;
}

enum err metrics_write(const struct metrics *m,
                       const char *(*route_name)(size_t route), struct buf *out)
{
    TRY(write_requests(m, route_name, out));
    for (size_t i = 0; i < COUNTOF(rows); i++) {
        TRY(buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", rows[i].name,
                       rows[i].help, rows[i].name, kind_names[rows[i].kind]));
        if (rows[i].kind == HISTOGRAMS)
            TRY(write_histogram(m, i, out));
        else
            TRY(buf_printf(out, "%s %" PRIu64 "\n", rows[i].name,
                           m->values[i]));
    }
    return ERR_OK;
}

enum err metrics_doc(struct buf *out)
{
    TRY(buf_add_c(out,
                  "# Metrics\n\nMade by `hearth docs metrics` from "
                  "src/gateway/metrics.def; do not edit.\n\n`GET /metrics` "
                  "answers in the Prometheus text format. No name or label "
                  "holds anything of a request's content.\n\n"
                  "| metric | kind | meaning |\n|---|---|---|\n"
                  "| `hearth_requests_total{route,status}` | counter | "
                  "requests by route and status |\n"));
    for (size_t i = 0; i < COUNTOF(rows); i++)
        TRY(buf_printf(out, "| `%s` | %s | %s |\n", rows[i].name,
                       kind_names[rows[i].kind], rows[i].help));
    return ERR_OK;
}
