/*
 * metrics.h - counters of the gateway, in the Prometheus text format
 * (exposition format 0.0.4). Rows in metrics.def. Loop's thread.
 */
#ifndef GATEWAY_METRICS_H
#define GATEWAY_METRICS_H

#include "base/buf.h"

enum { METRICS_BUCKETS = 12, METRICS_ROUTES_MAX = 64, METRICS_STATUSES = 20 };

enum metrics_id {
#define COUNTER(name, full, help)          METRICS_##name,
#define GAUGE(name, full, help)            METRICS_##name,
#define HISTOGRAM(name, full, help, first) METRICS_##name,
#include "gateway/metrics.def"
#undef COUNTER
#undef GAUGE
#undef HISTOGRAM
    METRICS_COUNT,
};

struct metrics {
    uint64_t values[METRICS_COUNT]; /* of histograms: how many */
    double sums[METRICS_COUNT];     /* of histograms, seconds */
    uint64_t buckets[METRICS_COUNT][METRICS_BUCKETS];
    uint64_t requests[METRICS_ROUTES_MAX][METRICS_STATUSES];
};

void metrics_add(struct metrics *m, enum metrics_id id, uint64_t n);
void metrics_set(struct metrics *m, enum metrics_id id, uint64_t v);
void metrics_observe(struct metrics *m, enum metrics_id id, double seconds);

/* One finished request. `route` is its row, METRICS_ROUTES_MAX - 1 for none. */
void metrics_request(struct metrics *m, size_t route, int status);

/* Appends the whole page. `route_name` gives the label of a row. */
NODISCARD enum err metrics_write(const struct metrics *m,
                                 const char *(*route_name)(size_t route),
                                 struct buf *out);

/* Appends docs/reference/metrics.md. */
NODISCARD enum err metrics_doc(struct buf *out);

#endif
