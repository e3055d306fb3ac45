/* plugin/host.c and its neighbours: life, timers, health, reading, replies, through a real channel.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dlfcn.h>

#include <touchline/kit/buf.h>

#include "base/clock.h"
#include "base/loop.h"
#include "channel.h"
#include "config/config.h"
#include "plugin/plugin_priv.h"
#include "spool/record.h"

/* Says what happens to it in `told`; "greeting: no" cannot be reloaded. */
#define CHANNEL_TEXT(name)                                                                         \
    CHANNEL_HEAD                                                                                   \
    "#include <string.h>\n"                                                                        \
    "char told[400]; static const struct tl_host *host; static struct tl_timer *timer;\n"          \
    "struct tl_job *kept;\n"                                                                       \
    "static void tell(const char *s) { strcat(told, s); strcat(told, \" \"); }\n"                  \
    "static void tick(void *arg) { (void)arg; tell(\"tick\"); host->timer_free(timer); }\n"        \
    "static void *begin(const struct tl_host *h, struct tl_channel *ch, const void *c) {\n"        \
    "  const struct config *config = c; host = h;\n"                                               \
    "  if (config->greeting.n == 4) return NULL;\n"                                                \
    "  h->health(ch, (struct str)STR(\"door\"), TL_DEGRADED, \"ajar\");\n"                         \
    "  timer = h->timer(ch, 1, true, tick, NULL); tell(\"start\"); return (void *)c; }\n"          \
    "static void end(void *i) { (void)i; tell(\"stop\"); }\n"                                      \
    "static bool again(void *i, const void *c) { (void)i;\n"                                       \
    "  const struct config *config = c; tell(\"reload\"); return config->greeting.n != 2; }\n"     \
    "static void drain(void *i) { (void)i; tell(\"drain\"); }\n"                                   \
    "static bool read(const struct tl_read *in, const struct tl_emit *out) {\n"                    \
    "  if (!in->body.n) return false;\n"                                                           \
    "  out->blob(out->ctx, in->meta, in->body); out->touchpoint(out->ctx, in->format);\n"          \
    "  out->bad(out->ctx, in->region, \"no\"); return true; }\n"                                   \
    "static void send(void *i, struct tl_job *job, const struct tl_outbound *what) { (void)i;\n"   \
    "  if (what->attempt == 7) { kept = job; return; }\n"                                          \
    "  struct tl_sent_result r = {.size = sizeof r, .state = TL_SENT, .provider_id = what->id};\n" \
    "  host->sent(job, &r); }\n"                                                                   \
    "static void attach(void *i, struct tl_media *m, const struct tl_attach *what) { (void)i;\n"   \
    "  if (what->attempt == 7) return;\n"                                                          \
    "  struct tl_attached a = {.size = sizeof a, .state = TL_SENT, .bytes = what->fetch};\n"       \
    "  host->attached(m, &a); }\n"                                                                 \
    "static bool sender(void *i, struct str source, struct str *name, struct str *address) {\n"    \
    "  (void)i; *name = source; *address = (struct str)STR(\"a@b\"); return true; }\n"             \
    "const struct tl_plugin touchline_plugin = { TL_PLUGIN_HEAD, .name = STR(\"" name "\"),\n"     \
    "  .keys = keys, .config_bytes = sizeof(struct config), .start = begin, .stop = end,\n"        \
    "  .reload = again, .drain = drain, .read = read,"

static struct folder folder;
static struct plugin_host *host;
static struct loop *loop;
static struct config *config;
static char *told;

static const struct config_section sections[] = {{0}};

static struct config *load(const char *text) {
    struct config *c = NULL;
    struct fault_list faults;
    char path[100];
    fault_list_init(&faults, 10);
    file_write(&folder, "t.yml", text);
    snprintf(path, sizeof path, "%s/t.yml", folder.path);
    if (!config_load(path, sections, plugin_host_find, host, NULL, &c, &faults))
        fail_msg("%s: %s", faults.items[0].place, faults.items[0].reason);
    fault_list_clear(&faults);
    return c;
}

static void *symbol(const char *name, const char *what) {
    char path[100];
    snprintf(path, sizeof path, "%s/%s.so", folder.path, name);
    void *handle = dlopen(path, RTLD_NOW | RTLD_NOLOAD);
    assert_non_null(handle);
    return dlsym(handle, what);
}

static int setup(void **state) {
    (void)state;
    folder_new(&folder);
    loop = loop_new();
    host = plugin_host_new();
    host->folder_strs[0] = folder.str; /* as if it lay beside the daemon */
    channel_build(&folder, "fifth",
                  CHANNEL_TEXT("fifth") ".send = send, .sender = sender, .attach = attach };\n");
    channel_build(&folder, "email",
                  CHANNEL_TEXT("email") ".send = send, .sender = sender, .attach = attach };\n");
    channel_build(&folder, "forms", CHANNEL_TEXT("forms") "};\n");
    config = load("channels:\n  fifth:\n    greeting: hello\n");
    told = symbol("fifth", "told");
    return 0;
}

static int teardown(void **state) {
    (void)state;
    plugin_host_free(host);
    config_free(config);
    loop_free(loop);
    folder_free(&folder);
    return 0;
}

static void start(void) {
    struct plugin_parts parts = {.loop = loop, .region = str_c("DE")};
    struct fault f = {0};
    if (!plugin_host_start(host, &parts, config, &f))
        fail_msg("%s: %s", f.place, f.reason);
}

static void nothing(void *arg) {
    (void)arg;
}

/* Turns the loop until the flag, at most two seconds. */
static bool run_until(const volatile bool *flag) {
    int64_t until = clock_mono_ms() + 2000;
    struct loop_timer *t = loop_timer_new(loop, 5, nothing, NULL);
    while (!*flag && clock_mono_ms() < until) {
        loop_timer_set(t, 5);
        event_base_loop(loop_base(loop), EVLOOP_ONCE);
    }
    loop_timer_free(t);
    return *flag;
}

static void run_until_told(const char *what) {
    int64_t until = clock_mono_ms() + 2000;
    bool never = false;
    while (!strstr(told, what) && clock_mono_ms() < until)
        event_base_loop(loop_base(loop), EVLOOP_ONCE);
    (void)never;
    if (!strstr(told, what))
        fail_msg("%s was not told, but: %s", what, told);
}

static void a_channel_starts_ticks_drains_and_stops(void **state) {
    (void)state;
    start();
    run_until_told("tick");
    plugin_host_drain(host);
    plugin_host_free(host);
    assert_string_equal(told, "start tick drain stop ");
    host = plugin_host_new();
}

static void a_channel_that_cannot_start_is_a_fault_with_its_name(void **state) {
    (void)state;
    struct plugin_parts parts = {.loop = loop};
    struct fault f = {0};
    config_free(config);
    config = load("channels:\n  fifth:\n    greeting: four\n");
    assert_false(plugin_host_start(host, &parts, config, &f));
    assert_string_equal(f.place, "fifth");
}

static void its_health_is_shown_by_its_worst_part(void **state) {
    (void)state;
    cleanup(buf_clear) struct buf out;
    buf_init(&out, 4096);
    start();
    assert_true(plugin_host_describe(host, &out));
    assert_string_equal(buf_c(&out),
                        "\"fifth\":{\"state\":\"degraded\",\"parts\":{\"door\":{\"state\":"
                        "\"degraded\",\"detail\":\"ajar\"}}}");
}

/* ---- reload ---- */

static bool reload(const char *text, struct config **out) {
    struct fault f = {0};
    *out = load(text);
    return plugin_host_reload(host, *out, &f);
}

static void a_refused_reload_goes_back_to_the_old_one(void **state) {
    (void)state;
    struct config *newer;
    config_free(config);
    config = load("channels:\n  fifth:\n    greeting: hello\n  email:\n    greeting: hello\n");
    char *told_email = symbol("email", "told");
    start();
    assert_false(
        reload("channels:\n  fifth:\n    greeting: other\n  email:\n    greeting: no\n", &newer));
    config_free(newer);
    assert_string_equal(told, "start reload reload ");
    assert_string_equal(told_email, "start reload ");
    struct tl_channel *ch = channel_find(host, str_c("fifth"));
    assert_ptr_equal(ch->config, config_channel(config, str_c("fifth")));
}

static void a_reload_starts_new_channels_and_stops_old_ones(void **state) {
    (void)state;
    struct config *newer;
    start();
    assert_true(reload("channels:\n  forms:\n    greeting: hi!\n", &newer));
    assert_string_equal(told, "start stop ");
    assert_string_equal(symbol("forms", "told"), "start ");
    config_free(config);
    config = newer;
}

/* ---- reading ---- */

static struct {
    bool done, ok, again;
    size_t n;
    char text[200];
} was_read;

static void on_read(void *arg, const struct read_item *items, size_t n, bool ok, bool again,
                    const char *reason) {
    (void)arg;
    was_read.done = true;
    was_read.ok = ok;
    was_read.again = again;
    was_read.n = n;
    was_read.text[0] = '\0';
    for (size_t i = 0; i < n; i++)
        snprintf(was_read.text + strlen(was_read.text), 60, "%d:%.*s:%.*s ", (int)items[i].type,
                 STR_ARG(items[i].ref), STR_ARG(items[i].bytes));
    if (!ok)
        snprintf(was_read.text, sizeof was_read.text, "%s", reason);
}

static void read_record(const char *source, const char *head, const char *body) {
    struct reader reader = plugin_host_reader(host);
    struct record *r = record_new(RECORD_RAW);
    memset(&was_read, 0, sizeof was_read);
    r->source = str_c(source);
    r->head = str_c(head);
    r->body = str_c(body);
    reader.read(reader.ctx, r, on_read, NULL);
    assert_false(was_read.done);
    assert_true(run_until(&was_read.done));
    record_free(r);
}

static void kept_bytes_are_read_in_order(void **state) {
    (void)state;
    start();
    read_record("fifth:x", "{\"format\":\"{}\",\"meta\":{\"a\":1}}", "bytes");
    assert_true(was_read.ok);
    assert_string_equal(was_read.text, "2:{\"a\":1}:bytes 1::{} 3:no:DE ");
}

static void what_cannot_be_read_says_so(void **state) {
    (void)state;
    start();
    read_record("fifth:x", "{\"format\":\"{}\"}", "");
    assert_false(was_read.ok);
    assert_false(was_read.again);
    assert_string_equal(was_read.text, "cannot be read");
    read_record("nobody:x", "{\"format\":\"{}\"}", "b");
    assert_string_equal(was_read.text, "no channel here reads this");
    read_record("fifth:x", "{", "b");
    assert_string_equal(was_read.text, "the record's head cannot be read");
}

/* ---- replies ---- */

static struct {
    bool done;
    enum tl_sent state;
    char provider_id[40];
} sent;

static void on_sent(void *arg, const struct tl_sent_result *r) {
    (void)arg;
    assert_false(sent.done);
    sent.done = true;
    sent.state = r->state;
    snprintf(sent.provider_id, sizeof sent.provider_id, "%.*s", STR_ARG(r->provider_id));
}

static void send_it(const char *source, uint32_t attempt) {
    struct sender sender = plugin_host_sender(host);
    struct tl_outbound what = {
        .size = sizeof what, .id = str_c("p_1"), .source = str_c(source), .attempt = attempt};
    memset(&sent, 0, sizeof sent);
    sender.send(sender.ctx, &what, on_sent, NULL);
    assert_false(sent.done);
}

static bool way_out(const char *source) {
    struct sender sender = plugin_host_sender(host);
    struct str name, address;
    return sender.who(sender.ctx, str_c(source), &name, &address);
}

static void a_reply_is_answered_later_and_once(void **state) {
    (void)state;
    start();
    assert_true(way_out("fifth:a"));
    send_it("fifth:a", 1);
    assert_true(run_until(&sent.done));
    assert_int_equal(sent.state, TL_SENT);
    assert_string_equal(sent.provider_id, "p_1");
}

static void a_form_is_answered_by_mail_where_there_is_mail(void **state) {
    (void)state;
    config_free(config);
    config = load("channels:\n  forms:\n    greeting: a\n");
    start();
    assert_false(way_out("forms:contact"));
    assert_false(way_out("push:crm"));
    send_it("forms:contact", 1);
    assert_true(run_until(&sent.done));
    assert_int_equal(sent.state, TL_SENT_RETRY);
    struct config *newer;
    assert_true(
        reload("channels:\n  forms:\n    greeting: a\n  email:\n    greeting: a\n", &newer));
    assert_true(way_out("forms:contact"));
    assert_false(way_out("push:crm"));
    config_free(config);
    config = newer;
}

static void a_reply_under_way_when_its_channel_stops_comes_back(void **state) {
    (void)state;
    struct config *newer;
    start();
    send_it("fifth:a", 7);
    assert_true(reload("channels:\n  forms:\n    greeting: a\n", &newer));
    assert_true(run_until(&sent.done));
    assert_int_equal(sent.state, TL_SENT_RETRY);
    config_free(config);
    config = newer;
}

static void nobody_is_called_when_the_host_has_gone(void **state) {
    (void)state;
    start();
    send_it("fifth:a", 1);
    plugin_host_free(host);
    assert_false(sent.done);
    host = plugin_host_new();
}

/* ---- attachments ---- */

static struct {
    bool done;
    enum tl_sent state;
    char bytes[20], reason[100];
} got;

static void on_attached(void *arg, const struct tl_attached *r) {
    (void)arg;
    assert_false(got.done);
    got.done = true;
    got.state = r->state;
    snprintf(got.bytes, sizeof got.bytes, "%.*s", STR_ARG(r->bytes));
    snprintf(got.reason, sizeof got.reason, "%s", r->reason);
}

static void fetch_it(const char *source, uint32_t max_bytes, uint32_t attempt) {
    struct fetcher fetcher = plugin_host_fetcher(host);
    struct tl_attach what = {.size = sizeof what,
                             .source = str_c(source),
                             .fetch = str_c("bytes"),
                             .max_bytes = max_bytes,
                             .attempt = attempt};
    memset(&got, 0, sizeof got);
    fetcher.fetch(fetcher.ctx, &what, on_attached, NULL);
    assert_false(got.done);
}

static void an_attachment_is_answered_later_once_and_within_its_bound(void **state) {
    (void)state;
    start();
    fetch_it("fifth:a", 5, 1);
    assert_true(run_until(&got.done));
    assert_int_equal(got.state, TL_SENT);
    assert_string_equal(got.bytes, "bytes");
    fetch_it("fifth:a", 4, 1);
    assert_true(run_until(&got.done));
    assert_int_equal(got.state, TL_SENT_NEVER);
    fetch_it("nobody:a", 5, 1);
    assert_true(run_until(&got.done));
    assert_int_equal(got.state, TL_SENT_RETRY);
}

static void whoever_asked_is_answered_also_when_all_goes(void **state) {
    (void)state;
    start();
    fetch_it("fifth:a", 5, 7);
    plugin_host_free(host);
    assert_true(got.done);
    assert_int_equal(got.state, TL_SENT_RETRY);
    host = plugin_host_new();
}

#define WITH(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        WITH(a_channel_starts_ticks_drains_and_stops),
        WITH(an_attachment_is_answered_later_once_and_within_its_bound),
        WITH(whoever_asked_is_answered_also_when_all_goes),
        WITH(a_channel_that_cannot_start_is_a_fault_with_its_name),
        WITH(its_health_is_shown_by_its_worst_part),
        WITH(a_refused_reload_goes_back_to_the_old_one),
        WITH(a_reload_starts_new_channels_and_stops_old_ones),
        WITH(kept_bytes_are_read_in_order),
        WITH(what_cannot_be_read_says_so),
        WITH(a_reply_is_answered_later_and_once),
        WITH(a_form_is_answered_by_mail_where_there_is_mail),
        WITH(a_reply_under_way_when_its_channel_stops_comes_back),
        WITH(nobody_is_called_when_the_host_has_gone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
