/* A channel that keeps a list of its own, out of tree: `size` numbered things on each shelf, of
 * which one is taken in by POST /shelf/NAME/N, all by a backfill; a reconcile holds them against
 * the host's ledger and what it knows. Each step waits `pause` ms, so that it can be interrupted.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <touchline/kit/own.h>
#include <touchline/plugin.h>
#include <touchline/touchpoint.h>

enum { STEP = 50 };

struct shelf_config {
    struct str name;
    int64_t size, pause;
};

struct shelves {
    const struct tl_host *host;
    struct tl_channel *channel;
    const struct tl_items *config;
    struct work *works;
};

/* One operation. */
struct work {
    struct work *next;
    struct shelves *all;
    const struct shelf_config *shelf;
    struct tl_operation *op;
    struct tl_timer *timer;
    bool backfill;
    char source[80];
    int64_t at, kept, missing;
    size_t batch, waiting;
    int64_t places;
};

static const struct tl_key keys[] = {
    {.name = "name",
     .type = TL_KEY_STR,
     .flags = TL_KEY_REQUIRED,
     .offset = offsetof(struct shelf_config, name),
     .help = "its name"},
    {.name = "size",
     .type = TL_KEY_INT,
     .offset = offsetof(struct shelf_config, size),
     .max = 1000000,
     .preset = "100",
     .help = "how many stand there"},
    {.name = "pause",
     .type = TL_KEY_INT,
     .offset = offsetof(struct shelf_config, pause),
     .max = 10000,
     .preset = "1",
     .help = "ms between steps"},
    {0},
};

static void submit(struct shelves *s, const char *source, int64_t n, tl_done_fn *done, void *arg) {
    char id[24], place[40], json[200];
    snprintf(id, sizeof id, "%lld", (long long)n);
    snprintf(place, sizeof place, "1/%010lld", (long long)n);
    snprintf(json, sizeof json,
             "{\"source_id\":\"%s\",\"channel\":\"letter\",\"from\":{\"email\":"
             "\"p%lld@example.org\"},\"text\":\"number %s\"}",
             id, (long long)n % 50, id);
    const struct tl_entry entry = {.size = sizeof entry,
                                   .source = str_c(source),
                                   .source_id = str_c(id),
                                   .touchpoint = str_c(json),
                                   .place = str_c(place)};
    s->host->submit(s->channel, &entry, done, arg);
}

/* ---- one of them, by HTTP ---- */

struct asked {
    struct shelves *all;
    struct tl_request *req;
};

static void kept_one(void *arg, const struct tl_outcome *o) {
    struct asked *a = arg;
    a->all->host->reply(a->req, o->status == TL_DUPLICATE ? 200 : 202, "text/plain", o->id, NULL,
                        0);
    free(a);
}

static void serve(void *arg, struct tl_request *req) {
    struct shelves *s = arg;
    struct asked *a = NEW(struct asked);
    char source[80], n[24];
    *a = (struct asked){s, req};
    snprintf(source, sizeof source, "shelf:%.*s", STR_ARG(s->host->request_param(req, "name")));
    snprintf(n, sizeof n, "%.*s", STR_ARG(s->host->request_param(req, "n")));
    submit(s, source, atoll(n), kept_one, a);
}

/* ---- long work ---- */

static void work_free(struct work *w) {
    struct work **at = &w->all->works;
    while (*at != w)
        at = &(*at)->next;
    *at = w->next;
    w->all->host->timer_free(w->timer);
    free(w);
}

static void work_end(struct work *w) {
    char summary[200];
    snprintf(
        summary, sizeof summary, "{\"server\":%lld,\"kept\":%lld,\"missing\":%lld,\"places\":%lld}",
        (long long)w->shelf->size, (long long)w->kept, (long long)w->missing, (long long)w->places);
    w->all->host->operation_end(w->op, true, str_c(summary));
    work_free(w);
}

static void step_done(struct work *w) {
    char mark[80];
    w->at += (int64_t)w->batch;
    snprintf(mark, sizeof mark, "%lld %lld %lld", (long long)w->at, (long long)w->kept,
             (long long)w->missing);
    if (!w->all->host->operation_progress(w->op, (uint64_t)w->at, (uint64_t)w->shelf->size,
                                          str_c(mark)))
        work_end(w);
}

static void known(void *arg, const bool *known_ones, size_t n) {
    struct work *w = arg;
    w->waiting--;
    if (!known_ones) {
        w->all->host->operation_end(w->op, false, str_c("could not be asked"));
        work_free(w);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        char item[120];
        w->kept += known_ones[i];
        w->missing += !known_ones[i];
        snprintf(item, sizeof item, "{\"place\":\"1/%010lld\",\"reason\":\"never taken in\"}",
                 (long long)(w->at + (int64_t)i + 1));
        if (!known_ones[i])
            w->all->host->operation_item(w->op, str_c(item));
    }
    step_done(w);
}

static void kept_many(void *arg, const struct tl_outcome *o) {
    struct work *w = arg;
    w->kept += o->status != TL_FAILED && o->status != TL_BUSY;
    if (--w->waiting == 0)
        step_done(w);
}

static void step(void *arg) {
    struct work *w = arg;
    int64_t left = w->shelf->size - w->at;
    if (w->waiting)
        return;
    if (left <= 0) {
        work_end(w);
        return;
    }
    w->batch = left < STEP ? (size_t)left : STEP;
    struct str ids[STEP];
    char texts[STEP][24];
    for (size_t i = 0; i < w->batch; i++) {
        snprintf(texts[i], sizeof texts[i], "%lld", (long long)(w->at + (int64_t)i + 1));
        ids[i] = str_c(texts[i]);
    }
    w->waiting = w->backfill ? w->batch : 1;
    if (!w->backfill)
        w->all->host->known(w->all->channel, str_c(w->source), ids, w->batch, known, w);
    for (size_t i = 0; w->backfill && i < w->batch; i++)
        submit(w->all, w->source, w->at + (int64_t)i + 1, kept_many, w);
}

static void places(void *arg, const struct tl_place *list, size_t n) {
    struct work *w = arg;
    w->waiting--;
    w->places += (int64_t)n;
    if (list && n == 1000) {
        char after[40];
        snprintf(after, sizeof after, "%.*s", STR_ARG(list[n - 1].place));
        w->waiting++;
        w->all->host->ledger(w->all->channel, str_c(w->source), str_c(after), places, w);
    }
}

static bool operate(void *instance, struct tl_operation *op, const struct tl_operate *what) {
    struct shelves *s = instance;
    const struct shelf_config *items = s->config->items;
    long long at = 0, kept = 0, missing = 0;
    for (size_t i = 0; i < s->config->n; i++) {
        struct str instance_name = what->source;
        str_cut(&instance_name, ':');
        if (!str_eq(instance_name, items[i].name))
            continue;
        struct work *w = NEW(struct work);
        *w = (struct work){.next = s->works, .all = s, .shelf = &items[i], .op = op};
        s->works = w;
        w->backfill = str_is(what->kind, "backfill");
        snprintf(w->source, sizeof w->source, "%.*s", STR_ARG(what->source));
        if (what->mark.n && sscanf(what->mark.p, "%lld %lld %lld", &at, &kept, &missing) == 3)
            w->at = at, w->kept = kept, w->missing = missing;
        w->timer = s->host->timer(s->channel, (uint32_t)items[i].pause, true, step, w);
        w->waiting = 1;
        s->host->ledger(s->channel, str_c(w->source), STR_NONE, places, w);
        return true;
    }
    return false;
}

static void *start(const struct tl_host *host, struct tl_channel *channel, const void *config) {
    struct shelves *s = NEW(struct shelves);
    *s = (struct shelves){.host = host, .channel = channel, .config = config};
    return host->route(channel, "POST", "/shelf/{name}/{n}", serve, s) ? s : NULL;
}

static void stop(void *take_instance) {
    struct shelves *s = take_instance;
    while (s->works)
        work_free(s->works);
    free(s);
}

__attribute__((visibility("default"))) const struct tl_plugin touchline_plugin = {
    TL_PLUGIN_HEAD,
    .name = STR("shelf"),
    .summary = STR("numbered things on shelves"),
    .flags = TL_PLUGIN_CONFIG_LIST,
    .keys = keys,
    .config_bytes = sizeof(struct shelf_config),
    .start = start,
    .stop = stop,
    .operate = operate,
};
