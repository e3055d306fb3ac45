/* base/metrics.h - counters, gauges and histograms of the process, as Prometheus text.
 *
 * One table, base/metrics.def: METRIC(id, kind, "touchline_name", "label or NULL", "help"). Adding
 * is atomic and may be done on any thread. Labels come from bounded sets: at most 64 values a
 * metric, then "other".
 */
#ifndef BASE_METRICS_H
#define BASE_METRICS_H

#include <stdint.h>

#include <touchline/kit/buf.h>

enum metric {
#define METRIC(id, kind, name, label, help) METRIC_##id,
#include "base/metrics.def"
#undef METRIC
    METRIC_COUNT
};

/* What stands from the start on: version and start time. main.c, once. */
void metrics_start(void);

void metric_add(enum metric m, uint64_t n);
void metric_add_label(enum metric m, const char *label_value, uint64_t n);
void metric_set(enum metric m, int64_t value);
void metric_set_label(enum metric m, const char *label_value, int64_t value);
/* Histograms: seconds are given as microseconds. */
void metric_observe_us(enum metric m, int64_t us);
/* A counter of a plugin: touchline_<plugin>_<name>_total, made on first use (bounded: 256). */
void metric_plugin_add(const char *plugin, const char *name, const char *label_value, uint64_t n);
/* All of them as text/plain; version=0.0.4. */
bool metrics_write(struct buf *out) must_check;

#endif
