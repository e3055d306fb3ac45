/* base/metrics.c - numbers without locks.
 *
 * Every slot is an atomic. A label's or a plugin's slot is taken by one compare-and-exchange of its
 * name and never given back, so whoever saw a name may go on using the slot.
 */
#include "base/metrics.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include <touchline/kit/own.h>
#include <touchline/version.h>

enum { LABELS_MAX = 64, PLUGIN_MAX = 256, NAME_MAX_BYTES = 100 };

enum kind { COUNTER, GAUGE, HISTOGRAM };

static const struct {
    enum kind kind;
    const char *name, *label, *help;
} table[] = {
#define METRIC(id, kind, name, label, help) {kind, name, label, help},
#include "base/metrics.def"
#undef METRIC
};

/* Upper bounds in microseconds; from a fast commit to a slow provider. */
static const int64_t bounds_us[] = {250,     500,     1000,     2500,     5000,    10000,
                                    25000,   50000,   100000,   250000,   500000,  1000000,
                                    2500000, 5000000, 10000000, 30000000, 60000000};
enum { BUCKETS = sizeof bounds_us / sizeof bounds_us[0] };

struct slot {
    _Atomic(char *) name;
    _Atomic int64_t value;
};

static _Atomic int64_t values[METRIC_COUNT];
/* The last of each is "other". Untouched ones cost no memory. */
static struct slot labels[METRIC_COUNT][LABELS_MAX + 1];
static struct {
    _Atomic uint64_t bucket[BUCKETS + 1]; /* the last: above all bounds */
    _Atomic int64_t sum_us;
} histograms[METRIC_COUNT];
static struct slot plugin_slots[PLUGIN_MAX]; /* name: "metric\tlabel value" */

/* The slot of that name among n, taken on first use; NULL: all are others'. */
static struct slot *slot_of(struct slot *slots, size_t n, const char *name) {
    for (size_t i = 0; i < n; i++) {
        char *there = atomic_load(&slots[i].name);
        if (!there) {
            char *mine = mem_dup(name, strlen(name));
            if (atomic_compare_exchange_strong(&slots[i].name, &there, mine))
                return &slots[i];
            free(mine); /* another thread was first; `there` is its name now */
        }
        if (strcmp(there, name) == 0)
            return &slots[i];
    }
    return NULL;
}

static struct slot *label_slot(enum metric m, const char *label_value) {
    assert(table[m].label);
    struct slot *s = slot_of(labels[m], LABELS_MAX, label_value);
    return s ? s : slot_of(&labels[m][LABELS_MAX], 1, "other");
}

void metrics_start(void) {
    metric_set_label(METRIC_BUILD, TOUCHLINE_VERSION, 1);
    metric_set(METRIC_START_TIME, clock_wall_ms() / 1000);
}

void metric_add(enum metric m, uint64_t n) {
    atomic_fetch_add(&values[m], (int64_t)n);
}

void metric_add_label(enum metric m, const char *label_value, uint64_t n) {
    atomic_fetch_add(&label_slot(m, label_value)->value, (int64_t)n);
}

void metric_set(enum metric m, int64_t value) {
    atomic_store(&values[m], value);
}

void metric_set_label(enum metric m, const char *label_value, int64_t value) {
    atomic_store(&label_slot(m, label_value)->value, value);
}

void metric_observe_us(enum metric m, int64_t us) {
    assert(table[m].kind == HISTOGRAM);
    size_t i = 0;
    while (i < BUCKETS && us > bounds_us[i])
        i++;
    atomic_fetch_add(&histograms[m].bucket[i], 1);
    atomic_fetch_add(&histograms[m].sum_us, us);
}

static void only_name_bytes(char *name) {
    for (; *name; name++)
        if (!((*name >= 'a' && *name <= 'z') || (*name >= '0' && *name <= '9')))
            *name = '_';
}

void metric_plugin_add(const char *plugin, const char *name, const char *label_value, uint64_t n) {
    char key[2 * NAME_MAX_BYTES];
    snprintf(key, NAME_MAX_BYTES, "touchline_%.30s_%.50s", plugin, name);
    only_name_bytes(key);
    size_t used = strlen(key);
    snprintf(key + used, sizeof key - used, "_total\t%.60s", label_value ? label_value : "");
    struct slot *s = slot_of(plugin_slots, PLUGIN_MAX, key);
    if (s)
        atomic_fetch_add(&s->value, (int64_t)n);
    else
        metric_add(METRIC_PLUGIN_METRICS_DROPPED, 1);
}

/* Backslash, quote and line end are what the format escapes. */
static bool write_label(struct buf *out, const char *label, const char *value) {
    bool ok = buf_addf(out, "{%s=\"", label);
    for (; ok && *value; value++) {
        if (*value == '\\' || *value == '"')
            ok = buf_add_byte(out, '\\') && buf_add_byte(out, *value);
        else if (*value == '\n')
            ok = buf_add_c(out, "\\n");
        else
            ok = buf_add_byte(out, *value);
    }
    return ok && buf_add_c(out, "\"}");
}

static bool write_head(struct buf *out, const char *name, const char *help, enum kind kind) {
    static const char *const types[] = {"counter", "gauge", "histogram"};
    return buf_addf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, types[kind]);
}

static bool write_histogram(struct buf *out, size_t m) {
    uint64_t count = 0;
    bool ok = true;
    for (size_t i = 0; ok && i < BUCKETS; i++) {
        count += atomic_load(&histograms[m].bucket[i]);
        ok = buf_addf(out, "%s_bucket{le=\"%g\"} %" PRIu64 "\n", table[m].name,
                      (double)bounds_us[i] / 1e6, count);
    }
    count += atomic_load(&histograms[m].bucket[BUCKETS]);
    return ok && buf_addf(out, "%s_bucket{le=\"+Inf\"} %" PRIu64 "\n", table[m].name, count) &&
           buf_addf(out, "%s_sum %.6f\n%s_count %" PRIu64 "\n", table[m].name,
                    (double)atomic_load(&histograms[m].sum_us) / 1e6, table[m].name, count);
}

static bool write_labels(struct buf *out, size_t m) {
    bool ok = true;
    for (size_t i = 0; ok && i <= LABELS_MAX; i++) {
        const char *name = atomic_load(&labels[m][i].name);
        if (!name)
            continue;
        ok = buf_add_c(out, table[m].name) && write_label(out, table[m].label, name) &&
             buf_addf(out, " %" PRId64 "\n", atomic_load(&labels[m][i].value));
    }
    return ok;
}

/* How long the metric's part of a plugin slot's name is; 0: the slot is free. */
static size_t metric_part(size_t i) {
    const char *name = atomic_load(&plugin_slots[i].name);
    return name ? strcspn(name, "\t") : 0;
}

static bool same_metric(size_t i, size_t k) {
    size_t n = metric_part(i);
    return n == metric_part(k) &&
           memcmp(atomic_load(&plugin_slots[i].name), atomic_load(&plugin_slots[k].name), n) == 0;
}

/* All slots of the metric that slot i is the first of; the format wants them together. */
static bool write_plugin_metric(struct buf *out, size_t i) {
    char metric[2 * NAME_MAX_BYTES];
    size_t n = metric_part(i);
    snprintf(metric, sizeof metric, "%.*s", (int)n, atomic_load(&plugin_slots[i].name));
    bool ok = write_head(out, metric, "counted by the channel", COUNTER);
    for (size_t k = i; ok && k < PLUGIN_MAX && metric_part(k); k++) {
        if (!same_metric(i, k))
            continue;
        const char *label = atomic_load(&plugin_slots[k].name) + n + 1;
        ok = buf_add_c(out, metric) && (!*label || write_label(out, "kind", label)) &&
             buf_addf(out, " %" PRId64 "\n", atomic_load(&plugin_slots[k].value));
    }
    return ok;
}

static bool write_plugins(struct buf *out) {
    bool ok = true;
    for (size_t i = 0; ok && i < PLUGIN_MAX && metric_part(i); i++) {
        bool first = true;
        for (size_t k = 0; first && k < i; k++)
            first = !same_metric(k, i);
        ok = !first || write_plugin_metric(out, i);
    }
    return ok;
}

bool metrics_write(struct buf *out) {
    bool ok = true;
    for (size_t m = 0; ok && m < METRIC_COUNT; m++) {
        ok = write_head(out, table[m].name, table[m].help, table[m].kind);
        if (ok && table[m].kind == HISTOGRAM)
            ok = write_histogram(out, m);
        else if (ok && table[m].label)
            ok = write_labels(out, m);
        else if (ok)
            ok = buf_addf(out, "%s %" PRId64 "\n", table[m].name, atomic_load(&values[m]));
    }
    return ok && write_plugins(out);
}
