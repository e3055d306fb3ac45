/* plugin/entry.c over real spool, store and ingest: what becomes of what a channel submits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <touchline/kit/jread.h>

#include "../store/server.h"
#include "base/thread.h"
#include "blob/blob.h"
#include "channel.h"
#include "ingest/ingest.h"
#include "plugin/plugin_priv.h"
#include "spool/spool.h"
#include "touchpoint/id.h"

/* read() gives one touchpoint with the text of the body. */
#define CHANNEL_TEXT                                                                               \
    CHANNEL_HEAD                                                                                   \
    "#include <stdio.h>\n"                                                                         \
    "static bool read(const struct tl_read *in, const struct tl_emit *out) { char json[300];\n"    \
    "  int n = snprintf(json, sizeof json, \"{\\\"channel\\\":\\\"chat\\\",\\\"from\\\":{"         \
    "\\\"email\\\":\\\"jana@example.org\\\"},\\\"text\\\":\\\"%.*s\\\"}\", STR_ARG(in->body));\n"  \
    "  out->touchpoint(out->ctx, str_make(json, (size_t)n)); return true; }\n"                     \
    "const struct tl_plugin touchline_plugin = { TL_PLUGIN_HEAD, .name = STR(\"fifth\"), .keys = " \
    "keys, .config_bytes = sizeof(struct config), .start = start, .stop = stop, .read = read };\n"

static struct server sv;
static struct bench b;
static struct folder folder;
static struct plugin_host *host;
static struct tl_channel *channel;
static struct spool *spool;
static struct blob_store *blobs;
static struct id_maker *ids;
static struct ingest *ingest;

static void recovered(void *arg) {
    *(bool *)arg = true;
}

static void open_rooms(void) {
    static const struct tl_items no_rules;
    struct spool_config config = {(int64_t)1 << 30, 86400000, (int64_t)30 * 86400000};
    struct fault f = {0};
    char dir[2][100];
    bool ready = false;
    snprintf(dir[0], sizeof dir[0], "%s/spool", sv.dir);
    snprintf(dir[1], sizeof dir[1], "%s/blobs", sv.dir);
    struct ingest_parts parts = {.loop = b.loop,
                                 .store = b.store,
                                 .ids = ids,
                                 .reader = plugin_host_reader(host),
                                 .region = str_c("DE")};
    bool ok = spool_open(b.loop, str_c(dir[0]), &config, &spool, &f) &&
              blob_open(b.loop, str_c(dir[1]), &blobs, &f);
    parts.spool = spool;
    parts.blobs = blobs;
    if (!ok || !ingest_open(&parts, &no_rules, &ingest, &f))
        fail_msg("%s %s", f.place, f.reason);
    const struct plugin_parts neighbours = {.loop = b.loop,
                                            .spool = spool,
                                            .store = b.store,
                                            .intake = ingest_intake(ingest),
                                            .ids = ids,
                                            .region = str_c("DE")};
    host_join(host, &neighbours);
    ingest_recover(ingest, false, recovered, &ready);
    assert_true(run_until(b.loop, &ready, 5000));
}

/* ---- one submit, awaited ---- */

static struct {
    bool done;
    enum tl_status status;
    char id[40], pointer[100], reason[200];
} got;

static void on_outcome(void *arg, const struct tl_outcome *o) {
    (void)arg;
    assert_false(got.done);
    got.done = true;
    got.status = o->status;
    snprintf(got.id, sizeof got.id, "%.*s", STR_ARG(o->id));
    snprintf(got.pointer, sizeof got.pointer, "%.*s", STR_ARG(o->pointer));
    snprintf(got.reason, sizeof got.reason, "%.*s", STR_ARG(o->reason));
}

static void submit_any(struct tl_entry e) {
    memset(&got, 0, sizeof got);
    e.size = sizeof e;
    if (!e.source.p)
        e.source = str_c("fifth:a");
    host_submit(channel, &e, on_outcome, NULL);
    assert_false(got.done);
    assert_true(run_until(b.loop, &got.done, 5000));
}

static void submit(struct tl_entry e, enum tl_status status) {
    submit_any(e);
    if (got.status != status)
        fail_msg("status %d, not %d: %s %s", (int)got.status, (int)status, got.pointer, got.reason);
}

#define HELLO "{\"channel\":\"chat\",\"from\":{\"email\":\"jana@example.org\"},\"text\":\"hello\"}"
#define BYE "{\"channel\":\"chat\",\"from\":{\"email\":\"jana@example.org\"},\"text\":\"bye\"}"

/* Until live ones are applied at once: for a moment after a recovery they wait behind the replay.
 */
static void warm_up(void) {
    char id[24];
    for (int i = 0; i < 100 && got.status != TL_APPLIED; i++)
        submit_any((struct tl_entry){
            .source_id = store_int(i + 1000, id), .touchpoint = str_c(HELLO), .await_ms = 100});
    assert_int_equal(got.status, TL_APPLIED);
}

static int setup(void **state) {
    (void)state;
    struct tl_strs folders = {.items = &folder.str, .n = 1};
    struct fault f;
    static int config;
    thread_set(THREAD_LOOP);
    b = (struct bench){0};
    server_new(&sv);
    server_start(&sv, durable_options);
    bench_open(&b, &sv);
    ids = id_maker_new(str_c("secret"));
    assert_true(run_until_state(&b, STORE_UP, 3000));
    folder_new(&folder);
    channel_build(&folder, "fifth", CHANNEL_TEXT);
    host = plugin_host_new();
    open_rooms();
    assert_true((channel = channel_load(host, str_c("fifth"), &folders, &f)) != NULL);
    channel->instance = channel->plugin.start(&plugin_host_table, channel, &config);
    memset(&got, 0, sizeof got);
    warm_up();
    return 0;
}

static int teardown(void **state) {
    (void)state;
    plugin_host_free(host);
    ingest_drain(ingest);
    for (int i = 0; i < 300 && !ingest_idle(ingest); i++)
        run_for(&b, 10);
    ingest_close(ingest);
    blob_close(blobs);
    spool_close(spool);
    bench_close(&b);
    id_maker_free(ids);
    server_free(&sv);
    folder_free(&folder);
    return 0;
}

static void a_judged_one_is_kept_once(void **state) {
    (void)state;
    char id[40];
    struct tl_entry e = {.source_id = str_c("1"), .touchpoint = str_c(HELLO), .await_ms = 3000};
    submit(e, TL_APPLIED);
    snprintf(id, sizeof id, "%s", got.id);
    assert_true(strncmp(id, "p_", 2) == 0);
    submit(e, TL_DUPLICATE);
    assert_string_equal(got.id, id);
    e.touchpoint = str_c(BYE);
    submit(e, TL_MISMATCH);
    e.source_id = str_c("2");
    submit(e, TL_APPLIED);
    assert_string_not_equal(got.id, id);
}

static void one_that_nobody_waits_for_is_kept_with_the_commit(void **state) {
    (void)state;
    struct tl_entry e = {.source_id = str_c("1"), .touchpoint = str_c(HELLO)};
    submit(e, TL_KEPT);
    assert_true(strncmp(got.id, "p_", 2) == 0);
}

static void a_wrong_one_is_refused_at_its_place(void **state) {
    (void)state;
    static const struct {
        const char *json, *pointer;
    } cases[] = {
        {"{\"channel\":\"smoke\",\"from\":{\"email\":\"a@b.c\"}}", "/channel"},
        {"{\"channel\":\"form\",\"from\":{\"email\":\"no address\"}}", "/from/email"},
        {"{\"channel\":\"chat\",\"priority\":99}", "/priority"},
        {"[]", ""},
        {"{", "1:2"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct tl_entry e = {.source_id = str_c("1"), .touchpoint = str_c(cases[i].json)};
        submit(e, TL_REFUSED);
        assert_true(got.reason[0]);
        if (i < 4)
            assert_string_equal(got.pointer, cases[i].pointer);
    }
}

static void only_a_channels_own_sources_are_taken(void **state) {
    (void)state;
    static const char *const sources[] = {"", "fifth", "fifth:", "other:a", "fifthly:a"};
    for (size_t i = 0; i < COUNT(sources); i++) {
        struct tl_entry e = {
            .source = str_c(sources[i]), .source_id = str_c("1"), .touchpoint = str_c(HELLO)};
        submit(e, TL_REFUSED);
        assert_non_null(strstr(got.reason, "fifth:INSTANCE"));
    }
}

static void without_an_id_the_same_is_the_same_for_ten_minutes(void **state) {
    (void)state;
    char id[40];
    struct tl_entry e = {
        .touchpoint = str_c(HELLO), .bucket = str_c("jana hello"), .await_ms = 3000};
    submit(e, TL_APPLIED);
    snprintf(id, sizeof id, "%s", got.id);
    submit(e, TL_DUPLICATE);
    assert_string_equal(got.id, id);
    e.bucket = str_c("jana again");
    submit(e, TL_APPLIED);
}

static void bytes_are_kept_with_their_cursor_and_read(void **state) {
    (void)state;
    char value[40];
    size_t n;
    struct tl_entry e = {.source_id = str_c("1"),
                         .format = str_c("text"),
                         .meta = str_c("{}"),
                         .body = str_c("hello"),
                         .cursor = str_c("log"),
                         .cursor_value = str_c("4711"),
                         .await_ms = 3000};
    submit(e, TL_APPLIED);
    assert_true(host_cursor(channel, str_c("log"), value, sizeof value, &n));
    assert_int_equal(n, 4);
    assert_memory_equal(value, "4711", 4);
    assert_false(host_cursor(channel, str_c("other"), value, sizeof value, &n));
}

static void one_set_aside_makes_no_contact(void **state) {
    (void)state;
    struct spool_figures figures;
    struct tl_entry e = {.source_id = str_c("1"),
                         .touchpoint = str_c(HELLO),
                         .flags = TL_ENTRY_QUARANTINE,
                         .reason = str_c("honeypot")};
    submit(e, TL_KEPT);
    spool_figures(spool, &figures);
    assert_int_equal(figures.quarantined, 1);
}

static void nobody_is_called_after_the_channel_has_stopped(void **state) {
    (void)state;
    struct tl_entry e = {.size = sizeof e,
                         .source = str_c("fifth:a"),
                         .source_id = str_c("1"),
                         .touchpoint = str_c(HELLO)};
    memset(&got, 0, sizeof got);
    host_submit(channel, &e, on_outcome, NULL);
    plugin_host_free(host);
    run_for(&b, 300);
    assert_false(got.done);
    host = plugin_host_new();
}

#define WITH(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        WITH(a_judged_one_is_kept_once),
        WITH(one_that_nobody_waits_for_is_kept_with_the_commit),
        WITH(a_wrong_one_is_refused_at_its_place),
        WITH(only_a_channels_own_sources_are_taken),
        WITH(without_an_id_the_same_is_the_same_for_ten_minutes),
        WITH(bytes_are_kept_with_their_cursor_and_read),
        WITH(one_set_aside_makes_no_contact),
        WITH(nobody_is_called_after_the_channel_has_stopped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
