/* daemon/main.c - builds the rooms in order, hands each its neighbours, takes them down in reverse.
 *
 *   touchlined -c FILE            the daemon, in the foreground
 *   touchlined -c FILE --check    reads the configuration and tells every fault
 *   touchlined --worker …         a child of worker/ (not for people)
 *
 * Exit codes: 0 stopped by a signal, 1 the configuration has faults (--check) or a room could not
 * be opened, 2 usage, 75 another daemon holds the state, 78 this configuration does not fit this
 * state or this Redis.
 */
#include <errno.h>
#include <event2/event.h>
#include <event2/thread.h>
#include <getopt.h>
#include <jansson.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <touchline/kit/jread.h>
#include <touchline/version.h>

#include "api/api.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/metrics.h"
#include "base/notify.h"
#include "base/thread.h"
#include "blob/blob.h"
#include "config/basics.h"
#include "config/config.h"
#include "config/people.h"
#include "delivery/delivery.h"
#include "delivery/notices.h"
#include "dispatch/dispatch.h"
#include "egress/egress.h"
#include "http/http.h"
#include "ingest/acknowledge.h"
#include "ingest/ingest.h"
#include "ingest/mask.h"
#include "ingest/pulses.h"
#include "ingest/rules.h"
#include "outbox/outbox.h"
#include "plugin/host.h"
#include "roster/roster.h"
#include "spool/spool.h"
#include "store/session.h"
#include "store/store.h"
#include "touchpoint/id.h"
#include "worker/worker.h"

enum { EXIT_FAULT = 1, EXIT_USAGE = 2, EXIT_HELD = 75, EXIT_UNFIT = 78 };
enum {
    FAULTS_MAX = 200,
    WORKERS_MAX = 4,
    DRAIN_MS = 10000,
    STORE_EPOCH_MS = 5000, /* how often store/ raises the epoch */
    DRAIN_LOOK_MS = 20,
    SESSION_IDLE_MS = 12 * 3600 * 1000
};

struct daemon {
    const char *file;
    struct config *config;
    struct config *before; /* the one before a reload: borrowed views may still point there */
    struct loop *loop;
    struct plugin_host *plugins;
    struct spool *spool;
    struct blob_store *blobs;
    struct store *store;
    struct id_maker *ids;
    struct worker_pool *workers;
    struct egress *egress;
    struct http_server *http;
    struct ingest *ingest;
    struct outbox *outbox;
    struct dispatch *dispatch;
    struct delivery *delivery;
    struct notices *notices;
    struct api *api;
    struct event *signals[4];
    struct loop_timer *drain_timer;
    int64_t drain_until_ms;
    int exit_code;
    bool draining, was_up;
};

/* Every room's part of the file. */
static const struct config_section sections[] = {
    CONFIG_OWN_SECTIONS,
    {"listen", listen_keys, sizeof(struct listen_config),
     CONFIG_SECTION_LIST | CONFIG_SECTION_FIXED, listen_check},
    {"limits", limits_keys, sizeof(struct limits_config), 0, NULL},
    {"spool", spool_keys, sizeof(struct spool_config), 0, NULL},
    {"blobs", blob_keys, sizeof(struct blob_config), 0, blob_check},
    {"store", store_keys, sizeof(struct store_config), CONFIG_SECTION_FIXED, NULL},
    {"alarm", alarm_keys, sizeof(struct alarm_config), 0, alarm_check},
    {"mask", mask_keys, sizeof(struct mask_config), CONFIG_SECTION_LIST, mask_check},
    {"rules", rule_keys, sizeof(struct rule_config), CONFIG_SECTION_LIST, rules_check},
    {0},
};

static const void *section(const struct daemon *d, const char *name) {
    return config_get(d->config, name);
}
static struct str section_str(const struct daemon *d, const char *name) {
    return *(const struct str *)section(d, name);
}

/* ---- configuration ---- */

static enum log_level log_level(const struct daemon *d) {
    const struct log_config *log = section(d, "log");
    return (enum log_level)(log->level + 1);
}

static void tell_faults(const struct fault_list *faults) {
    for (size_t i = 0; i < faults->n; i++)
        fprintf(stderr, "%s: %s\n", faults->items[i].place, faults->items[i].reason);
    if (faults->dropped)
        fprintf(stderr, "and %zu more\n", faults->dropped);
}

static bool load(struct daemon *d, const struct config *old, struct config **out) {
    cleanup(fault_list_clear) struct fault_list faults;
    fault_list_init(&faults, FAULTS_MAX);
    if (config_load(d->file, sections, plugin_host_find, d->plugins, old, out, &faults))
        return true;
    tell_faults(&faults);
    return false;
}

/* ---- what rooms ask of each other, through structs of theirs ---- */

struct session_question {
    void (*found)(void *arg, const char *agent_or_null);
    void *arg;
};

static void session_answered(void *arg, const struct answer *a) {
    struct session_question *q = arg;
    cleanup(json_freep) json_t *j = NULL;
    if (a->kind == ANSWER_OK && jread_parse(a->json, 4096, &j, NULL))
        q->found(q->arg, json_string_value(json_object_get(j, "agent")));
    else
        q->found(q->arg, NULL);
    free(q);
}

static void session_lookup(void *ctx, const uint8_t token_hash[32],
                           void (*found)(void *arg, const char *agent_or_null), void *arg) {
    struct daemon *d = ctx;
    struct session_question *q = NEW(struct session_question);
    *q = (struct session_question){found, arg};
    store_session_get(d->store, token_hash, SESSION_IDLE_MS, session_answered, q);
}

struct agent_question {
    void (*done)(void *arg, struct str json);
    void *arg;
};

static void agent_answered(void *arg, const struct answer *a) {
    struct agent_question *q = arg;
    q->done(q->arg, a->kind == ANSWER_OK ? a->json : STR_NONE);
    free(q);
}

static struct agent_question *question_new(void (*done)(void *arg, struct str json), void *arg) {
    struct agent_question *q = NEW(struct agent_question);
    *q = (struct agent_question){done, arg};
    return q;
}

static void agent_json(void *ctx, struct str agent, void (*done)(void *arg, struct str json),
                       void *arg) {
    struct daemon *d = ctx;
    dispatch_agent(d->dispatch, agent, agent_answered, question_new(done, arg));
}

static void queues_json(void *ctx, struct tl_strs queues, void (*done)(void *arg, struct str json),
                        void *arg) {
    const struct daemon *d = ctx;
    dispatch_queues(d->dispatch, queues, agent_answered, question_new(done, arg));
}

static void agents_json(void *ctx, struct tl_strs queues, void (*done)(void *arg, struct str json),
                        void *arg) {
    const struct daemon *d = ctx;
    dispatch_agents(d->dispatch, queues, agent_answered, question_new(done, arg));
}

static void agents_named_json(void *ctx, struct tl_strs ids,
                              void (*done)(void *arg, struct str json), void *arg) {
    const struct daemon *d = ctx;
    dispatch_agents_named(d->dispatch, ids, agent_answered, question_new(done, arg));
}

static void agent_streams(void *ctx, struct str agent, bool connected) {
    struct daemon *d = ctx;
    dispatch_streams(d->dispatch, agent, connected);
}

static void begin_drain(struct daemon *d, int exit_code);

static void routing_may_run(struct daemon *d) {
    dispatch_run(d->dispatch,
                 store_state(d->store) == STORE_UP && !store_loss_since(d->store) && !d->draining);
}

/* A dataset that went back further than the window cannot be filled again from the spools: routing
 * waits for an operator. The epoch rises every 5 s while the store is up, so its step back tells
 * how far. */
static void look_for_loss(struct daemon *d, int64_t epoch) {
    const struct spool_config *spool = section(d, "spool");
    uint64_t seq;
    int64_t confirmed;
    spool_confirmed(d->spool, &seq, &confirmed);
    int64_t back_ms = (confirmed - epoch) * STORE_EPOCH_MS;
    if (back_ms > spool->replay_window_ms)
        store_note_loss(d->store, clock_wall_ms() - back_ms);
}

static void recovered(void *arg) {
    struct daemon *d = arg;
    store_recovered(d->store);
}

static void store_changed(void *ctx, enum store_state state, bool went_back, int64_t epoch,
                          const char *why) {
    struct daemon *d = ctx;
    switch (state) {
    case STORE_STARTING:
        break;
    case STORE_RECOVER:
        if (went_back)
            look_for_loss(d, epoch);
        if (d->ingest)
            ingest_recover(d->ingest, went_back, recovered, d);
        break;
    case STORE_UP:
        d->was_up = true;
        if (d->dispatch)
            routing_may_run(d);
        break;
    case STORE_DOWN:
        if (d->ingest)
            ingest_store_lost(d->ingest);
        if (d->dispatch)
            routing_may_run(d);
        if (!d->was_up && str_starts(str_c(why), (struct str)STR("refused:"))) {
            fprintf(stderr, "touchlined: the store is %s\n", why);
            begin_drain(d, EXIT_UNFIT);
        }
        break;
    }
}

/* ---- opening, in order ---- */

static struct roster_config dispatch_config_of(const struct daemon *d) {
    return (struct roster_config){.german = *(const int64_t *)section(d, "language") == 0,
                                  .agents = section(d, "agents"),
                                  .queues = section(d, "queues"),
                                  .units = section(d, "units"),
                                  .calendars = section(d, "calendars"),
                                  .levels = section(d, "service_levels"),
                                  .blocks = section(d, "blocks"),
                                  .key_accounts = section(d, "key_accounts")};
}

static struct notices_setup notices_setup_of(const struct daemon *d) {
    return (struct notices_setup){.config = section(d, "notices"),
                                  .agents = section(d, "agents"),
                                  .queues = section(d, "queues"),
                                  .german = *(const int64_t *)section(d, "language") == 0};
}

static void open_notices(struct daemon *d, const struct sender *sender) {
    const struct notices_setup setup = notices_setup_of(d);
    d->notices =
        notices_open(d->loop, d->store, d->egress, sender, section_str(d, "secret"), &setup);
    delivery_tells(d->delivery, d->notices);
}

static void settle(void *ctx, struct str task, struct str reason, answer_fn *done, void *arg) {
    struct daemon *d = ctx;
    dispatch_settle(d->dispatch, task, reason, done, arg);
}

/* Ingest asks the channel, and hands to the outbox what is to be said. */
static bool acknowledges(void *ctx, struct str source, struct tl_acknowledge *out) {
    const struct daemon *d = ctx;
    return plugin_host_acknowledges(d->plugins, source, out);
}

static void acknowledge(void *ctx, const struct acknowledgement *a) {
    const struct daemon *d = ctx;
    const struct outbox_notice notice = {.conversation = a->conversation,
                                         .touchpoint = a->touchpoint,
                                         .subject = a->subject,
                                         .text = a->text};
    if (d->outbox)
        outbox_notice(d->outbox, &notice);
}

static struct acknowledger acknowledger_of(struct daemon *d) {
    return (struct acknowledger){.ctx = d, .asks = acknowledges, .send = acknowledge};
}

static bool calendar_open(void *arg, struct str calendar, int64_t at_ms) {
    struct daemon *d = arg;
    return dispatch_calendar_open(d->dispatch, calendar, at_ms);
}

static struct ingest_parts ingest_parts_of(struct daemon *d) {
    const struct identity_config *identity = section(d, "identity");
    const struct episode_config *episode = section(d, "episode");
    const struct blob_config *blobs = section(d, "blobs");
    const struct limits_config *limits = section(d, "limits");
    return (struct ingest_parts){.loop = d->loop,
                                 .spool = d->spool,
                                 .blobs = d->blobs,
                                 .store = d->store,
                                 .ids = d->ids,
                                 .reader = plugin_host_reader(d->plugins),
                                 .settler = {d, settle},
                                 .calendars = {d, calendar_open},
                                 .fetcher = plugin_host_fetcher(d->plugins),
                                 .fetch_max_bytes = limits->body_bytes,
                                 .acknowledger = acknowledger_of(d),
                                 .correspondent = limits->correspondent,
                                 .region = section_str(d, "region"),
                                 .link_claims = identity->link_claims == LINK_CLAIMS_YES,
                                 .episode_ms = episode->window_ms,
                                 .keep = &blobs->keep,
                                 .mask = section(d, "mask"),
                                 .alarm = section(d, "alarm")};
}

/* What must not change under a Redis that holds contacts: secret, normaliser, region. */
static void fingerprint(const struct daemon *d, char out[SHA256_HEX + 1]) {
    uint8_t mac[SHA256_BYTES];
    cleanup(buf_clear) struct buf b;
    buf_init(&b, 256);
    struct str region = section_str(d, "region");
    if (!buf_addf(&b, "touchline normaliser 2 region %.*s", STR_ARG(region)))
        abort();
    hmac_sha256_once(section_str(d, "secret"), buf_str(&b), mac);
    hex_encode(mac, sizeof mac, out);
}

static bool make_folder(struct str path, struct fault *f) {
    cleanup(mem_freep) char *name = mem_dup(path.p, path.n);
    if (mkdir(name, 0700) == 0 || errno == EEXIST)
        return true;
    return fault_sys(f, name, "the state folder cannot be made");
}

static bool open_keeping(struct daemon *d, struct fault *f) {
    struct str state = section_str(d, "state");
    const struct blob_config *blobs = section(d, "blobs");
    cleanup(buf_clear) struct buf dir, blob_dir, redis_dir;
    buf_init(&dir, 4096);
    buf_init(&blob_dir, 4096);
    buf_init(&redis_dir, 4096);
    bool absolute = blobs->directory.n && blobs->directory.p[0] == '/';
    if (!buf_addf(&dir, "%.*s/spool", STR_ARG(state)) ||
        !buf_addf(&redis_dir, "%.*s/redis", STR_ARG(state)) ||
        !(absolute ? buf_add(&blob_dir, blobs->directory)
                   : buf_addf(&blob_dir, "%.*s/%.*s", STR_ARG(state), STR_ARG(blobs->directory))))
        return fault_set(f, FAULT_INPUT, "state", "the path is too long");
    if (!make_folder(state, f) ||
        !spool_open(d->loop, buf_str(&dir), section(d, "spool"), &d->spool, f) ||
        !blob_open(d->loop, buf_str(&blob_dir), &d->blobs, f))
        return false;
    uint64_t seq;
    int64_t epoch;
    char print[SHA256_HEX + 1];
    spool_confirmed(d->spool, &seq, &epoch);
    fingerprint(d, print);
    d->ids = id_maker_new(section_str(d, "secret"));
    const struct store_events events = {.ctx = d, .state = store_changed};
    return store_open(d->loop, section(d, "store"), str_c(getenv("REDIS_URL")), buf_str(&redis_dir),
                      str_c(print), epoch, &events, &d->store, f);
}

static bool open_working(struct daemon *d, struct fault *f) {
    const struct ingest_parts parts = ingest_parts_of(d);
    const struct roster_config dispatch = dispatch_config_of(d);
    const struct limits_config *limits = section(d, "limits");
    const struct sender sender = plugin_host_sender(d->plugins);
    const struct delivery_hooks hooks = {.ctx = d,
                                         .streams = agent_streams,
                                         .agent = agent_json,
                                         .queues = queues_json,
                                         .agents = agents_json,
                                         .agents_named = agents_named_json};
    const struct tl_strs folders = plugin_host_folders(d->plugins, section(d, "plugins"));
    bool ok = worker_open(d->loop, &folders, WORKERS_MAX, &d->workers, f) &&
              egress_open(d->loop, &d->egress, f) &&
              http_open(d->loop, section(d, "listen"), limits, &d->http, f) &&
              ingest_open(&parts, section(d, "rules"), &d->ingest, f) &&
              outbox_open(d->loop, d->spool, d->blobs, d->store, d->ids, &sender, parts.region,
                          &d->outbox, f) &&
              dispatch_open(d->loop, d->store, d->spool, &dispatch, &d->dispatch, f) &&
              delivery_open(d->loop, d->store, &hooks, &d->delivery, f);
    if (ok)
        open_notices(d, &sender);
    return ok;
}

static void set_auth(struct daemon *d) {
    const struct http_sessions sessions = {.ctx = d, .lookup = session_lookup};
    http_auth(d->http, section(d, "tokens"), section(d, "agents"), &sessions);
}

static bool open_doors(struct daemon *d, struct fault *f) {
    const struct api_parts parts = {.loop = d->loop,
                                    .spool = d->spool,
                                    .store = d->store,
                                    .blobs = d->blobs,
                                    .ingest = d->ingest,
                                    .outbox = d->outbox,
                                    .dispatch = d->dispatch,
                                    .delivery = d->delivery,
                                    .notices = d->notices,
                                    .workers = d->workers,
                                    .plugins = d->plugins,
                                    .ids = d->ids,
                                    .config = d->config,
                                    .agents = section(d, "agents"),
                                    .region = section_str(d, "region")};
    const struct plugin_parts plugin = {.loop = d->loop,
                                        .spool = d->spool,
                                        .store = d->store,
                                        .http = d->http,
                                        .workers = d->workers,
                                        .egress = d->egress,
                                        .intake = ingest_intake(d->ingest),
                                        .ids = d->ids,
                                        .region = parts.region};
    d->api = api_new(&parts);
    api_routes(d->api, d->http);
    set_auth(d);
    return plugin_host_start(d->plugins, &plugin, d->config, f) && http_listen(d->http, f);
}

/* ---- signals ---- */

static bool is_agent(const struct tl_items *agents, struct str id) {
    const struct agent_config *all = agents->items;
    for (size_t i = 0; i < agents->n; i++)
        if (str_eq(all[i].id, id))
            return true;
    return false;
}

/* Who is no longer in the file is shown nothing more. */
static void end_streams_of_others(struct daemon *d) {
    const struct tl_items *before = config_get(d->before, "agents");
    const struct agent_config *all = before->items;
    for (size_t i = 0; i < before->n; i++)
        if (!is_agent(section(d, "agents"), all[i].id))
            delivery_end(d->delivery, all[i].id);
    delivery_boards_end(d->delivery);
}

static void reload(struct daemon *d) {
    struct config *next = NULL;
    struct fault f = {0};
    notify_reloading();
    if (!load(d, d->config, &next)) {
        metric_add_label(METRIC_CONFIG_RELOADS, "refused", 1);
        log_error("config.reject", "file=%s kept=old", log_value(str_c(d->file)));
        notify_ready();
        return;
    }
    config_free(d->before);
    d->before = d->config;
    d->config = next;
    const struct ingest_parts parts = ingest_parts_of(d);
    const struct roster_config dispatch = dispatch_config_of(d);
    const struct notices_setup notices = notices_setup_of(d);
    log_setup(log_level(d));
    spool_reconfigure(d->spool, section(d, "spool"));
    ingest_reload(d->ingest, section(d, "rules"), &parts);
    dispatch_reload(d->dispatch, &dispatch);
    notices_reload(d->notices, &notices);
    api_reload(d->api, d->config, section(d, "agents"), parts.region);
    set_auth(d);
    end_streams_of_others(d);
    bool doors = http_reload(d->http, section(d, "listen"), section(d, "limits"), &f);
    bool channels = plugin_host_reload(d->plugins, d->config, doors ? &f : NULL);
    if (!doors || !channels)
        log_error("config.partly", "reason=%s", log_fault(&f));
    metric_add_label(METRIC_CONFIG_RELOADS, "taken", 1);
    log_info("config.reload", "file=%s kept=new", log_value(str_c(d->file)));
    notify_ready();
}

static void look_drained(void *arg) {
    struct daemon *d = arg;
    bool idle = http_open_requests(d->http) == 0 && ingest_idle(d->ingest);
    if (idle || clock_mono_ms() >= d->drain_until_ms)
        loop_stop(d->loop);
    else
        loop_timer_set(d->drain_timer, DRAIN_LOOK_MS);
}

static void begin_drain(struct daemon *d, int exit_code) {
    if (d->draining)
        return;
    d->draining = true;
    d->exit_code = exit_code;
    notify_stopping();
    if (!d->api) { /* still opening */
        loop_stop(d->loop);
        return;
    }
    log_info("daemon.drain", "exit=%d", exit_code);
    api_drain(d->api);
    plugin_host_drain(d->plugins);
    dispatch_run(d->dispatch, false);
    outbox_drain(d->outbox);
    notices_drain(d->notices);
    delivery_end_all(d->delivery);
    http_drain(d->http);
    ingest_drain(d->ingest);
    d->drain_until_ms = clock_mono_ms() + DRAIN_MS;
    d->drain_timer = loop_timer_new(d->loop, 0, look_drained, d);
}

static void tell_figures(struct daemon *d) {
    struct spool_figures f;
    spool_figures(d->spool, &f);
    log_info(
        "daemon.figures",
        "seq=%llu pending=%llu quarantined=%llu outbox=%llu backlog=%llu requests=%zu store=%d",
        (unsigned long long)f.last_seq, (unsigned long long)f.pending,
        (unsigned long long)f.quarantined, (unsigned long long)f.outbox,
        (unsigned long long)ingest_backlog(d->ingest), http_open_requests(d->http),
        (int)store_state(d->store));
}

static void on_signal(evutil_socket_t number, short what, void *arg) {
    struct daemon *d = arg;
    (void)what;
    if (number == SIGHUP)
        reload(d);
    else if (number == SIGUSR1)
        tell_figures(d);
    else
        begin_drain(d, 0);
}

static void take_signals(struct daemon *d) {
    static const int numbers[] = {SIGTERM, SIGINT, SIGHUP, SIGUSR1};
    for (size_t i = 0; i < COUNT(numbers); i++) {
        d->signals[i] = evsignal_new(loop_base(d->loop), numbers[i], on_signal, d);
        evsignal_add(d->signals[i], NULL);
    }
}

/* ---- the whole ---- */

/* Helpers first, since they call back whoever waits for them; the front door last, since answers
 * under way belong to it. */
static void close_all(struct daemon *d) {
    notify_watchdog_stop();
    loop_timer_free(d->drain_timer);
    egress_close(d->egress);
    worker_close(d->workers);
    plugin_host_free(d->plugins);
    delivery_close(d->delivery);
    notices_close(d->notices);
    dispatch_close(d->dispatch);
    outbox_close(d->outbox);
    ingest_close(d->ingest);
    spool_close(d->spool);
    blob_close(d->blobs);
    store_close(d->store);
    api_free(d->api);
    http_close(d->http);
    id_maker_free(d->ids);
    for (size_t i = 0; i < COUNT(d->signals); i++)
        if (d->signals[i])
            event_free(d->signals[i]);
    loop_free(d->loop);
    config_free(d->config);
    config_free(d->before);
}

static int fault_exit(const struct fault *f) {
    if (f->kind == FAULT_STATE)
        return str_is(str_c(f->place), "lock") ? EXIT_HELD : EXIT_UNFIT;
    return EXIT_FAULT;
}

/* 10,000 connections need more than the soft limit; under systemd raising may be denied, which is
 * no fault. */
static void raise_file_limit(void) {
    struct rlimit l;
    if (getrlimit(RLIMIT_NOFILE, &l) == 0 && l.rlim_cur < l.rlim_max) {
        l.rlim_cur = l.rlim_max;
        (void)!setrlimit(RLIMIT_NOFILE, &l);
    }
}

static void prepare_process(void) {
    umask(0077);
    signal(SIGPIPE, SIG_IGN);
    raise_file_limit();
    json_object_seed(0);
    evthread_use_pthreads();
    thread_set(THREAD_LOOP);
    metrics_start();
    if (sodium_init() < 0)
        abort(); /* no random numbers: nothing here could be trusted */
}

static int run(struct daemon *d) {
    struct fault f = {0};
    d->loop = loop_new();
    log_setup(log_level(d));
    take_signals(d);
    if (!open_keeping(d, &f) || !open_working(d, &f) || !open_doors(d, &f)) {
        fprintf(stderr, "touchlined: %s: %s\n", f.place, f.reason);
        return fault_exit(&f);
    }
    if (store_state(d->store) == STORE_RECOVER)
        ingest_recover(d->ingest, false, recovered, d);
    notify_ready();
    notify_watchdog(d->loop);
    log_info("daemon.ready", "version=%s", TOUCHLINE_VERSION);
    loop_run(d->loop);
    log_info("daemon.stop", "exit=%d", d->exit_code);
    return d->exit_code;
}

static int usage(FILE *to) {
    fputs("usage: touchlined -c FILE [--check]\n"
          "       touchlined --version\n\n"
          "  -c, --config FILE   the configuration (touchline.yml)\n"
          "      --check         tell every fault of the configuration and exit 0 or 1\n"
          "      --version       print the version\n"
          "      --help          print this\n",
          to);
    return to == stdout ? 0 : EXIT_USAGE;
}

int main(int argc, char **argv) {
    static const struct option options[] = {
        {"config", required_argument, NULL, 'c'},
        {"check", no_argument, NULL, 'k'},
        {"version", no_argument, NULL, 'v'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    struct daemon d = {0};
    bool check = false;
    if (argc > 1 && strcmp(argv[1], "--worker") == 0)
        return worker_child_main(argc, argv);
    for (int c; (c = getopt_long(argc, argv, "c:h", options, NULL)) != -1;) {
        if (c == 'c')
            d.file = optarg;
        else if (c == 'k')
            check = true;
        else if (c == 'v')
            return printf("touchlined %s\n", TOUCHLINE_VERSION) < 0;
        else
            return usage(c == 'h' ? stdout : stderr);
    }
    if (!d.file || optind < argc)
        return usage(stderr);
    prepare_process();
    d.plugins = plugin_host_new();
    if (!load(&d, NULL, &d.config)) {
        plugin_host_free(d.plugins);
        return EXIT_FAULT;
    }
    int code = check ? 0 : run(&d);
    close_all(&d);
    return code;
}
