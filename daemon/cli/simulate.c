/* cli/simulate.c - recorded days through the router again, with another configuration.
 *
 * The record and the configuration that the daemon goes by now come from its API, or from a file
 * that --save wrote; the other configuration is read here, where it lies. Both go through the very
 * router of the daemon (replay/).
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <touchline/kit/date.h>
#include <touchline/kit/jread.h>
#include <touchline/touchpoint.h>

#include "cli/cli.h"
#include "config/basics.h"
#include "config/config.h"
#include "replay/replay.h"
#include "roster/roster.h"

enum {
    FAULTS_MAX = 100,
    CONFIG_TEXT_MAX = 8 << 20,
    LINE_MAX_BYTES = 1 << 20,
    DAY_MS = 86400000,
    TEXT_CELL = 48,
};

static const struct config_section sections[] = {
    {"tokens", token_keys, sizeof(struct token_config), CONFIG_SECTION_LIST, NULL},
    CONFIG_ROUTING_SECTIONS,
    {0},
};

/* One configuration, as the router takes it. */
struct house {
    struct config *config;
    struct people *people;
    struct times *times;
};

static void house_clear(struct house *h) {
    times_free(h->times);
    people_free(h->people);
    config_free(h->config);
    *h = (struct house){0};
}

static bool house_read(const char *path, struct house *out) {
    cleanup(fault_list_clear) struct fault_list faults;
    fault_list_init(&faults, FAULTS_MAX);
    if (!config_load_parts(path, sections, &out->config, &faults)) {
        for (size_t i = 0; i < faults.n; i++)
            fprintf(stderr, "%s: %s\n", faults.items[i].place, faults.items[i].reason);
        return false;
    }
    const struct roster_config c = {.agents = config_get(out->config, "agents"),
                                    .queues = config_get(out->config, "queues"),
                                    .units = config_get(out->config, "units"),
                                    .calendars = config_get(out->config, "calendars"),
                                    .levels = config_get(out->config, "service_levels"),
                                    .blocks = config_get(out->config, "blocks"),
                                    .key_accounts = config_get(out->config, "key_accounts")};
    out->people = people_new(&c);
    out->times = times_new(&c);
    return true;
}

/* ---- the record ---- */

struct reading {
    struct replay_record record;
    FILE *save; /* NULL: it is not kept */
    struct buf old;
    size_t line;
    int64_t next_ms; /* 0: that was all */
};

/* A saved record begins with the configuration, a line each, marked. */
static const struct str config_mark = STR("#config ");

static bool take_line(struct reading *x, struct str line) {
    struct fault f = {0};
    x->line++;
    if (!line.n)
        return true;
    if (x->save && !str_starts(line, (struct str)STR("{\"next\":")))
        fprintf(x->save, "%.*s\n", STR_ARG(line));
    if (str_starts(line, config_mark))
        return buf_add(&x->old, str_from(line, config_mark.n)) && buf_add_byte(&x->old, '\n');
    if (str_starts(line, (struct str)STR("{\"next\":"))) {
        x->next_ms = strtoll(line.p + 8, NULL, 10);
        return true;
    }
    if (replay_record_line(&x->record, line, &f))
        return true;
    fprintf(stderr, "touchline: line %zu of the record: %s%s%s\n", x->line, f.place,
            *f.place ? ": " : "", f.reason);
    return false;
}

static bool take_lines(struct reading *x, struct str text) {
    while (text.n)
        if (!take_line(x, str_cut(&text, '\n')))
            return false;
    return true;
}

static bool read_file(struct reading *x, const char *path) {
    FILE *in = fopen(path, "r");
    char *line = NULL;
    size_t room = 0;
    bool ok = in != NULL;
    if (!in)
        fprintf(stderr, "touchline: %s: %s\n", path, strerror(errno));
    for (ssize_t n; ok && (n = getline(&line, &room, in)) > 0;)
        ok = take_line(x, str_make(line, (size_t)n - (line[n - 1] == '\n')));
    free(line);
    if (in)
        fclose(in);
    return ok;
}

/* Presences of the day before tell who was there when the span began. */
static enum cli_exit ask_daemon(struct cli *c, struct reading *x) {
    enum cli_exit status = CLI_OK;
    struct cli_answer a;
    status = cli_call(c, "GET", "/v1/history/config", NULL, &a);
    struct str text = status == CLI_OK ? buf_str(&a.body) : STR_NONE;
    while (text.n) {
        struct str line = str_cut(&text, '\n');
        if (x->save && line.n)
            fprintf(x->save, "#config %.*s\n", STR_ARG(line));
        if (!buf_add(&x->old, line) || !buf_add_byte(&x->old, '\n'))
            status = CLI_REFUSED;
    }
    cli_answer_clear(&a);
    for (x->next_ms = x->record.from_ms - DAY_MS; status == CLI_OK && x->next_ms;) {
        char path[128];
        snprintf(path, sizeof path, "/v1/history?from=%lld&to=%lld", (long long)x->next_ms,
                 (long long)x->record.to_ms);
        x->next_ms = 0;
        status = cli_call(c, "GET", path, NULL, &a);
        if (status == CLI_OK && !take_lines(x, buf_str(&a.body)))
            status = CLI_REFUSED;
        cli_answer_clear(&a);
    }
    return status;
}

/* The daemon's configuration goes through the same reader as a file, so it becomes one. */
static bool old_house(struct reading *x, struct house *out) {
    char path[] = "/tmp/touchline-simulate-XXXXXX";
    int fd = mkstemp(path);
    struct str text = buf_str(&x->old);
    bool ok = fd >= 0 && write(fd, text.p, text.n) == (ssize_t)text.n;
    if (fd >= 0)
        close(fd);
    ok = ok && house_read(path, out);
    unlink(path);
    if (!ok)
        fputs("touchline: the record holds no configuration that could be read\n", stderr);
    return ok;
}

/* ---- telling ---- */

enum { SIDES = 3 };
static const char *const sides[SIDES] = {"recorded", "old", "new"};

struct row {
    const char *label, *json;
    bool percent;
    int64_t (*value)(const struct replay_queue *q); /* thousandths where percent; -1: none */
};

static int64_t share(int64_t part, int64_t of) {
    return of > 0 ? part * 1000 / of : -1;
}
static int64_t tasks_of(const struct replay_queue *q) {
    return q->tasks;
}
static int64_t taken_of(const struct replay_queue *q) {
    return q->taken;
}
static int64_t left_of(const struct replay_queue *q) {
    return q->left;
}
static int64_t sl_of(const struct replay_queue *q) {
    return share(q->within, q->promised);
}
static int64_t sl2_of(const struct replay_queue *q) {
    return q->promised ? share(q->within + q->left_within, q->promised + q->left) : -1;
}
static int64_t p50_of(const struct replay_queue *q) {
    return q->wait_p50_s;
}
static int64_t p95_of(const struct replay_queue *q) {
    return q->wait_p95_s;
}
static int64_t p99_of(const struct replay_queue *q) {
    return q->wait_p99_s;
}
static int64_t max_of(const struct replay_queue *q) {
    return q->wait_max_s;
}
static int64_t busy_of(const struct replay_queue *q) {
    return share(q->busy_ms, q->busy_ms + q->available_ms);
}
static int64_t first_of(const struct replay_queue *q) {
    return q->breaches[0];
}
static int64_t resolve_of(const struct replay_queue *q) {
    return q->breaches[1];
}
static int64_t acknowledge_of(const struct replay_queue *q) {
    return q->breaches[2];
}

static const struct row rows[] = {
    {"tasks", "tasks", false, tasks_of},
    {"taken", "taken", false, taken_of},
    {"left without an agent", "left", false, left_of},
    {"service level", "sl", true, sl_of},
    {"service level, with those left", "sl2", true, sl2_of},
    {"wait, median (s)", "wait_p50_s", false, p50_of},
    {"wait, 95 % (s)", "wait_p95_s", false, p95_of},
    {"wait, 99 % (s)", "wait_p99_s", false, p99_of},
    {"wait, longest (s)", "wait_max_s", false, max_of},
    {"occupancy", "occupancy", true, busy_of},
    {"breaches of first response", "breaches_first_response", false, first_of},
    {"breaches of resolve", "breaches_resolve", false, resolve_of},
    {"breaches of acknowledge", "breaches_acknowledge", false, acknowledge_of},
};

static const char *cell(struct cli *c, const struct row *r, int64_t v, bool sign) {
    char text[TEXT_CELL];
    if (v == INT64_MIN || (!sign && v < 0))
        return "-";
    if (r->percent)
        snprintf(text, sizeof text, sign ? "%+.1f %%" : "%.1f %%", (double)v / 10);
    else
        snprintf(text, sizeof text, sign ? "%+lld" : "%lld", (long long)v);
    return arena_str(&c->arena, str_c(text)).p;
}

static int64_t value_of(const struct replay_figures *f, const char *queue, const struct row *r) {
    const struct replay_queue *q = replay_figures_queue(f, queue);
    return q ? r->value(q) : -1;
}

static void print_queue(struct cli *c, const struct replay_figures f[SIDES], const char *queue) {
    static const char *const heads[] = {"", "RECORDED", "OLD", "NEW", "NEW - OLD", NULL};
    struct cli_table *t = cli_table_new(heads);
    printf("%s\n", strcmp(queue, "*") ? queue : "all queues");
    for (size_t i = 0; i < COUNT(rows); i++) {
        int64_t v[SIDES];
        for (int s = 0; s < SIDES; s++)
            v[s] = value_of(&f[s], queue, &rows[i]);
        cli_table_cell(t, rows[i].label);
        for (int s = 0; s < SIDES; s++)
            cli_table_cell(t, cell(c, &rows[i], v[s], false));
        cli_table_cell(t, cell(c, &rows[i], v[1] < 0 || v[2] < 0 ? INT64_MIN : v[2] - v[1], true));
    }
    cli_table_print(t);
    putchar('\n');
}

static json_t *json_side(const struct replay_figures *f) {
    json_t *all = json_object();
    for (size_t i = 0; i < f->queues_n; i++) {
        json_t *q = json_object();
        for (size_t k = 0; k < COUNT(rows); k++) {
            int64_t v = rows[k].value(&f->queues[i]);
            json_object_set_new(q, rows[k].json,
                                v < 0             ? json_null()
                                : rows[k].percent ? json_real((double)v / 1000)
                                                  : json_integer(v));
        }
        json_object_set_new(all, f->queues[i].id, q);
    }
    return all;
}

/* Queues of either side, by name, then all of them together. */
static void print_all(struct cli *c, const struct replay_figures f[SIDES]) {
    if (c->json) {
        json_t *j = json_object();
        for (int s = 0; s < SIDES; s++)
            json_object_set_new(j, sides[s], json_side(&f[s]));
        cli_print_json(j);
        json_decref(j);
        return;
    }
    for (int s = SIDES - 1; s > 0; s--)
        for (size_t i = 0; i + 1 < f[s].queues_n; i++)
            if (s == 2 || !replay_figures_queue(&f[2], f[s].queues[i].id))
                print_queue(c, f, f[s].queues[i].id);
    print_queue(c, f, "*");
}

/* ---- the command ---- */

static bool moment(const char *text, int64_t *out) {
    char day[40];
    snprintf(day, sizeof day, "%.10sT00:00:00Z", text ? text : "");
    return text &&
           (date_parse(str_c(text), out) || (strlen(text) == 10 && date_parse(str_c(day), out)));
}

static enum cli_exit read_record(struct cli *c, struct reading *x) {
    const char *path = cli_value(c, "record"), *save = cli_value(c, "save");
    enum cli_exit status;
    if (save && !(x->save = fopen(save, "w"))) {
        fprintf(stderr, "touchline: %s: %s\n", save, strerror(errno));
        return CLI_REFUSED;
    }
    status = path ? (read_file(x, path) ? CLI_OK : CLI_REFUSED) : ask_daemon(c, x);
    if (x->save && fclose(x->save) != 0)
        status = CLI_REFUSED;
    replay_record_end(&x->record);
    return status;
}

static enum cli_exit simulate(struct cli *c, struct reading *x, struct house *was,
                              struct house *is) {
    struct replay_figures f[SIDES];
    enum cli_exit status = read_record(c, x);
    if (status != CLI_OK)
        return status;
    if (!old_house(x, was) || !house_read(cli_value(c, "config"), is))
        return CLI_REFUSED;
    replay_recorded(&x->record, was->people, was->times, &f[0]);
    replay_run(&x->record, was->people, was->times, &f[1]);
    replay_run(&x->record, is->people, is->times, &f[2]);
    print_all(c, f);
    for (int s = 0; s < SIDES; s++)
        replay_figures_clear(&f[s]);
    return CLI_OK;
}

enum cli_exit cli_simulate(struct cli *c) {
    struct reading x = {.line = 0};
    struct house was = {0}, is = {0};
    int64_t from, to;
    if (!cli_value(c, "config"))
        return cli_usage(c, "--config FILE names the configuration to try");
    if (!moment(cli_value(c, "from"), &from) || !moment(cli_value(c, "to"), &to) || to <= from)
        return cli_usage(c, "--from and --to are days or times, like 2026-11-23, the end after the "
                            "begin");
    replay_record_init(&x.record, from, to);
    buf_init(&x.old, CONFIG_TEXT_MAX);
    enum cli_exit status = simulate(c, &x, &was, &is);
    replay_record_clear(&x.record);
    buf_clear(&x.old);
    house_clear(&was);
    house_clear(&is);
    return status;
}
