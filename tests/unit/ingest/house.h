/* tests/unit/ingest/house.h - a spool, a redis-server, blobs and the pipeline between them, in a
 * folder of their own. Header only: each test program is one file. Included after cmocka.h.
 */
#ifndef TESTS_UNIT_INGEST_HOUSE_H
#define TESTS_UNIT_INGEST_HOUSE_H

#include <touchline/kit/date.h>
#include <touchline/kit/jread.h>

#include "../store/server.h"
#include "base/log.h"
#include "base/thread.h"
#include "blob/blob.h"
#include "config/config.h"
#include "config/people.h"
#include "ingest/ingest.h"
#include "ingest/ingest_priv.h"
#include "ingest/intake.h"
#include "ingest/rules.h"
#include "spool/spool.h"
#include "store/read.h"
#include "store/task.h"
#include "touchpoint/touchpoint.h"

struct house {
    struct server sv;
    struct loop *loop;
    struct spool *spool;
    struct blob_store *blobs;
    struct store *store;
    struct ingest *ingest;
    struct id_maker *ids;
    struct config *config;
    struct reader reader;
    struct fetcher fetcher;
    enum store_state state;
    bool suggest_only;
    /* the last call */
    bool done;
    struct intake_outcome outcome;
    char contact[32], conversation[32], task[32], id[32];
    enum answer_kind kind;
    int64_t rev;
    json_t *json;
};

static struct house h;

static const char house_yaml[] =
    "skills: [de]\n"
    "queues:\n  - id: support\n  - id: callbacks\n"
    "rules:\n"
    "  - name: machines\n    when: { auto: [bounce, list] }\n    then: { task: none }\n"
    "  - name: calls\n    when: { channel: call, call.disposition: [abandoned] }\n"
    "    then: { queue: callbacks }\n"
    "  - name: quiet\n    when: { tags: { has: quiet } }\n    then: { task: none }\n"
    "  - name: the rest\n    when: { channel: [chat, email, form, social] }\n"
    "    then: { queue: support, priority: 6 }\n";

static const struct config_section house_sections[] = {
    {"queues", queue_keys, sizeof(struct queue_config), CONFIG_SECTION_LIST, NULL},
    {"skills", skills_keys, sizeof(struct tl_strs), CONFIG_SECTION_VALUE, NULL},
    {"rules", rule_keys, sizeof(struct rule_config), CONFIG_SECTION_LIST, rules_check},
    {0},
};

static inline void house_config(void) {
    char path[96];
    struct fault_list faults;
    snprintf(path, sizeof path, "%s/rules.yml", h.sv.dir);
    FILE *f = fopen(path, "w");
    fputs(house_yaml, f);
    fclose(f);
    fault_list_init(&faults, 20);
    if (!config_load(path, house_sections, NULL, NULL, NULL, &h.config, &faults))
        fail_msg("%s: %s", faults.items[0].place, faults.items[0].reason);
    fault_list_clear(&faults);
}

static inline void house_recovered(void *arg) {
    (void)arg;
    store_recovered(h.store);
}

static inline void house_state(void *ctx, enum store_state state, bool went_back, int64_t epoch,
                               const char *why) {
    (void)ctx, (void)epoch, (void)why;
    h.state = state;
    if (!h.ingest)
        return;
    if (state == STORE_RECOVER)
        ingest_recover(h.ingest, went_back, house_recovered, NULL);
    else if (state == STORE_DOWN)
        ingest_store_lost(h.ingest);
}

static inline void house_open(void) {
    const struct spool_config spool = {
        .max_bytes = (int64_t)1 << 30, .replay_window_ms = 86400000, .keep_receipts_ms = 86400000};
    const struct store_config store = {0};
    const struct store_events events = {NULL, house_state};
    char dir[96], url[128];
    uint64_t seq;
    int64_t epoch;
    struct fault f = {0};
    h.loop = loop_new();
    snprintf(dir, sizeof dir, "%s/spool", h.sv.dir);
    if (!spool_open(h.loop, str_c(dir), &spool, &h.spool, &f))
        fail_msg("%s %s", f.place, f.reason);
    snprintf(dir, sizeof dir, "%s/blobs", h.sv.dir);
    assert_true(blob_open(h.loop, str_c(dir), &h.blobs, &f));
    spool_confirmed(h.spool, &seq, &epoch);
    snprintf(url, sizeof url, "unix:%s", h.sv.socket);
    snprintf(dir, sizeof dir, "%s/store", h.sv.dir);
    if (!store_open(h.loop, &store, str_c(url), str_c(dir), str_c("fingerprint"), epoch, &events,
                    &h.store, &f))
        fail_msg("%s %s", f.place, f.reason);
    const struct ingest_parts parts = {
        .loop = h.loop,
        .spool = h.spool,
        .blobs = h.blobs,
        .store = h.store,
        .ids = h.ids,
        .reader = h.reader,
        .fetcher = h.fetcher,
        .region = STR("DE"),
        .link_claims = !h.suggest_only,
    };
    assert_true(ingest_open(&parts, config_get(h.config, "rules"), &h.ingest, &f));
}

static inline void house_close(void) {
    ingest_close(h.ingest);
    h.ingest = NULL;
    store_close(h.store);
    blob_close(h.blobs);
    spool_close(h.spool);
    loop_free(h.loop);
}

static inline bool run_until_true(bool (*test)(void), int64_t ms) {
    int64_t until = clock_mono_ms() + ms;
    bool never = false;
    while (!test() && clock_mono_ms() < until)
        run_until(h.loop, &never, 5);
    return test();
}

/* Connected, and what comes is applied at once rather than read again from the spool. */
static inline bool is_up(void) {
    return h.state == STORE_UP && !h.ingest->feed.replaying && !h.ingest->feed.behind;
}
static inline bool is_down(void) {
    return h.state == STORE_DOWN;
}
static inline bool is_applied(void) {
    struct spool_figures f;
    spool_figures(h.spool, &f);
    return f.pending == 0 && ingest_idle(h.ingest);
}

static inline int house_setup_with(void **state, struct reader reader) {
    (void)state;
    memset(&h, 0, sizeof h);
    h.reader = reader;
    thread_set(THREAD_LOOP);
    log_setup(getenv("TEST_LOG") ? LOG_DEBUG : 0);
    signal(SIGPIPE, SIG_IGN);
    server_new(&h.sv);
    server_start(&h.sv, durable_options);
    h.ids = id_maker_new(str_c("secret"));
    house_config();
    house_open();
    assert_true(run_until_true(is_up, 5000));
    return 0;
}

static inline int house_setup(void **state) {
    return house_setup_with(state, (struct reader){0});
}

static inline int house_teardown(void **state) {
    (void)state;
    house_close();
    json_decref(h.json);
    config_free(h.config);
    id_maker_free(h.ids);
    server_free(&h.sv);
    return 0;
}

/* ---- pushes ---- */

static inline void on_taken(void *arg, const struct intake_outcome *o) {
    (void)arg;
    assert_false(h.done);
    h.done = true;
    h.outcome = *o;
    snprintf(h.id, sizeof h.id, "%.*s", STR_ARG(o->id));
    snprintf(h.contact, sizeof h.contact, "%.*s", STR_ARG(o->contact));
    snprintf(h.conversation, sizeof h.conversation, "%.*s", STR_ARG(o->conversation));
    snprintf(h.task, sizeof h.task, "%.*s", STR_ARG(o->task));
}

static inline struct touchpoint *touchpoint_of(const char *text, bool trusted) {
    struct touchpoint_origin origin = {.source = STR("push:crm"),
                                       .received_ms = clock_wall_ms(),
                                       .region = STR("DE"),
                                       .trusted = trusted,
                                       .push = true};
    struct fault_list faults;
    struct touchpoint *tp = NULL;
    json_error_t error;
    json_t *j = json_loads(text, 0, &error);
    if (!j)
        fail_msg("%s: %s", text, error.text);
    fault_list_init(&faults, 10);
    if (!touchpoint_read(h.ids, j, &origin, &tp, &faults))
        fail_msg("%s %s", faults.items[0].place, faults.items[0].reason);
    json_decref(j);
    fault_list_clear(&faults);
    return tp;
}

static inline enum intake_verdict push_as(bool trusted, uint32_t await_ms, const char *text) {
    const struct intake_touchpoint what = {.take_touchpoint = touchpoint_of(text, trusted),
                                           .await_ms = await_ms};
    h.done = false;
    intake_take(ingest_intake(h.ingest), &what, on_taken, NULL);
    assert_true(run_until(h.loop, &h.done, 10000));
    return h.outcome.verdict;
}

static inline enum intake_verdict push(const char *text) {
    return push_as(false, 5000, text);
}

/* A chat message of one e-mail address. */
static inline enum intake_verdict push_chat(const char *id, const char *email, const char *text) {
    char json[512];
    snprintf(json, sizeof json,
             "{\"id\":\"%s\",\"channel\":\"chat\",\"kind\":\"message\",\"text\":\"%s\",\"from\":"
             "{\"name\":\"Jana\",\"email\":\"%s\"}}",
             id, text, email);
    return push(json);
}

/* ---- questions and actions ---- */

static inline void on_house_answer(void *arg, const struct answer *a) {
    (void)arg;
    assert_false(h.done);
    h.done = true;
    h.kind = a->kind;
    h.rev = a->rev;
    json_decref(h.json);
    h.json = NULL;
    if (a->json.n && a->json.p[0] == '{')
        assert_true(jread_parse(a->json, 1 << 26, &h.json, NULL));
}

static inline const json_t *answered(void) {
    assert_true(run_until(h.loop, &h.done, 10000));
    return h.json;
}

static inline const json_t *act(const char *op, const char *id, const char *body) {
    char json[1024];
    snprintf(json, sizeof json,
             "{\"op\":\"%s\",\"id\":\"%s\",\"body\":%s,\"by\":\"anna\",\"if_rev\":-1}", op, id,
             body);
    h.done = false;
    ingest_action(h.ingest, str_c(json), on_house_answer, NULL);
    return answered();
}

static inline const json_t *get_contact(const char *id) {
    h.done = false;
    store_get_contact(h.store, str_c(id), on_house_answer, NULL);
    return answered();
}

/* Contact id that an identity leads to, in out; "" where it leads nowhere. */
static inline const char *find(const char *identity) {
    static char out[32];
    struct arena a;
    struct identity who;
    struct fault f;
    arena_init(&a);
    assert_true(identity_parse(&a, str_c(identity), str_c("DE"), &who, &f));
    h.done = false;
    store_find_contact(h.store, id_identity(h.ids, who.kind, who.value).b, on_house_answer, NULL);
    const json_t *j = answered();
    snprintf(out, sizeof out, "%.*s", STR_ARG(jget_str(j, "id")));
    arena_clear(&a);
    return out;
}

static inline size_t timeline_n(const char *contact) {
    const struct timeline_query q = {.limit = 500};
    h.done = false;
    store_get_timeline(h.store, str_c(contact), &q, on_house_answer, NULL);
    const json_t *j = answered();
    return h.kind == ANSWER_OK ? json_array_size(json_object_get(j, "items")) : 0;
}

static inline const json_t *get_touchpoint(const char *id) {
    h.done = false;
    store_get_touchpoint(h.store, str_c(id), on_house_answer, NULL);
    return answered();
}

static inline const json_t *get_conversation(const char *id) {
    h.done = false;
    store_get_conversation(h.store, str_c(id), 50, STR_NONE, on_house_answer, NULL);
    return answered();
}

static inline const json_t *get_task(const char *id) {
    h.done = false;
    store_task_get(h.store, str_c(id), on_house_answer, NULL);
    return answered();
}

/* Redis comes back with nothing in it; what the spool has is applied again. */
static inline void lose_redis(void) {
    char command[160];
    server_kill(&h.sv);
    assert_true(run_until_true(is_down, 5000));
    snprintf(command, sizeof command, "rm -rf %s/appendonlydir %s/*.rdb", h.sv.dir, h.sv.dir);
    assert_int_equal(system(command), 0);
    server_start(&h.sv, durable_options);
    assert_true(run_until_true(is_up, 15000));
    assert_true(run_until_true(is_applied, 15000));
}

static inline void restart_redis(void) {
    server_kill(&h.sv);
    assert_true(run_until_true(is_down, 5000));
    server_start(&h.sv, durable_options);
}

#endif
