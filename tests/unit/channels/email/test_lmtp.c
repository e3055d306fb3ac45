/* test_lmtp.c - the channel as the daemon runs it: a real socket, a host of our own that keeps what
 * it is given. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <touchline/kit/buf.h>
#include <touchline/kit/jread.h>

#include "email/email.h"

extern const struct tl_plugin touchline_plugin;

enum { ENTRIES_MAX = 16, PATIENCE_MS = 5000 };

/* What the host was given, and what it will say of it. */
static struct {
    struct event_base *base;
    struct {
        char source[64], source_id[80], meta[1000], body[4000];
        tl_done_fn *done;
        void *arg;
    } entries[ENTRIES_MAX];
    size_t n, told; /* submitted, answered */
    enum tl_status status;
    bool hold; /* answers wait until it is false */
} host;

static struct event_base *host_base(struct tl_channel *ch) {
    (void)ch;
    return host.base;
}
static void host_log(struct tl_channel *ch, enum tl_level level, const char *event,
                     const char *text) {
    (void)ch, (void)level, (void)event, (void)text;
}
static void host_count(struct tl_channel *ch, const char *name, const char *label, uint64_t n) {
    (void)ch, (void)name, (void)label, (void)n;
}
static void host_health(struct tl_channel *ch, struct str part, enum tl_health state,
                        const char *detail) {
    (void)ch, (void)part, (void)state, (void)detail;
}
static void host_submit(struct tl_channel *ch, const struct tl_entry *e, tl_done_fn *done,
                        void *arg) {
    (void)ch;
    assert_true(host.n < ENTRIES_MAX);
    snprintf(host.entries[host.n].source, 64, "%.*s", STR_ARG(e->source));
    snprintf(host.entries[host.n].source_id, 80, "%.*s", STR_ARG(e->source_id));
    snprintf(host.entries[host.n].meta, 1000, "%.*s", STR_ARG(e->meta));
    snprintf(host.entries[host.n].body, 4000, "%.*s", STR_ARG(e->body));
    assert_true(str_is(e->format, "mime"));
    host.entries[host.n].done = done;
    host.entries[host.n++].arg = arg;
}

static const struct tl_host table = {.abi_major = TL_ABI_MAJOR,
                                     .abi_minor = TL_ABI_MINOR,
                                     .size = sizeof table,
                                     .event_base = host_base,
                                     .log = host_log,
                                     .count = host_count,
                                     .health = host_health,
                                     .submit = host_submit};

/* One turn of the loop; answers what is due afterwards, as a host does. */
static void turn(void) {
    struct tl_outcome outcome = {.size = sizeof outcome, .status = host.status};
    event_base_loop(host.base, EVLOOP_NONBLOCK);
    while (!host.hold && host.told < host.n) {
        char id[32];
        snprintf(id, sizeof id, "p_%zu", host.told);
        outcome.id = outcome.status <= TL_DUPLICATE ? str_c(id) : STR_NONE;
        host.entries[host.told].done(host.entries[host.told].arg, &outcome);
        host.told++;
    }
}

static long now_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* ---- the channel under test ---- */

static struct str support_addresses[] = {STR("support@localhost"), STR("help@localhost")};
static struct str sales_addresses[] = {STR("sales@localhost")};
static struct mailbox_config mailboxes[] = {
    {.name = STR("support"),
     .addresses = {support_addresses, 2},
     .from = STR("Example Support <support@localhost.example>")},
    {.name = STR("sales"),
     .addresses = {sales_addresses, 1},
     .from = STR("sales@localhost.example")}};
static char folder[64], listen_at[128];
static struct email_config config;
static void *instance;

static int channel_start(void **state) {
    (void)state;
    memset(&host, 0, sizeof host);
    host.base = event_base_new();
    host.status = TL_KEPT;
    snprintf(folder, sizeof folder, "/tmp/touchline-lmtp-XXXXXX");
    assert_non_null(mkdtemp(folder));
    snprintf(listen_at, sizeof listen_at, "unix:%s/lmtp.sock", folder);
    config = (struct email_config){.lmtp = {.listen = str_c(listen_at), .max_bytes = 1 << 20},
                                   .mailboxes = {mailboxes, 2},
                                   .relay = {.address = STR("127.0.0.1:25")}};
    instance = touchline_plugin.start(&table, NULL, &config);
    assert_non_null(instance);
    return 0;
}

static int channel_stop(void **state) {
    char path[200];
    (void)state;
    touchline_plugin.stop(instance);
    host.hold = false;
    turn(); /* outcomes of mails whose connection has gone */
    event_base_free(host.base);
    snprintf(path, sizeof path, "%s/lmtp.sock", folder);
    unlink(path);
    snprintf(path, sizeof path, "%s/other.sock", folder);
    unlink(path);
    rmdir(folder);
    return 0;
}

static int client_connect(const char *name) {
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    snprintf(un.sun_path, sizeof un.sun_path, "%s/%s", folder, name);
    if (connect(fd, (struct sockaddr *)&un, sizeof un) != 0) {
        close(fd);
        return -1;
    }
    fcntl(fd, F_SETFL, O_NONBLOCK);
    return fd;
}

static void client_say(int fd, const char *bytes) {
    assert_int_equal(write(fd, bytes, strlen(bytes)), (ssize_t)strlen(bytes));
}

/* Turns the loop until the reply ends with `end`, or at the end of the connection with end NULL. */
static const char *client_hear(int fd, const char *end) {
    static char text[16384];
    size_t n = 0;
    for (long until = now_ms() + PATIENCE_MS; now_ms() < until;) {
        turn();
        ssize_t got = read(fd, text + n, sizeof text - 1 - n);
        if (got > 0)
            n += (size_t)got;
        text[n] = 0;
        if ((end && str_ends(str_make(text, n), str_c(end))) || (!end && got == 0))
            return text;
    }
    fail_msg("no \"%s\" came: %s", end ? end : "end", text);
    return NULL;
}

#define MAIL "LHLO me\r\nMAIL FROM:<Jana@example.org>\r\nRCPT TO:<support+x@localhost>\r\n"
#define DATA "DATA\r\nReceived: x\r\nSubject: Hi\r\n\r\n..body\r\n.\r\n"

static void a_mail_reaches_the_host_as_it_came(void **state) {
    json_t *meta = NULL;
    int fd = client_connect("lmtp.sock");
    (void)state;
    client_say(fd, MAIL DATA "QUIT\r\n");
    assert_non_null(strstr(client_hear(fd, NULL), "250 2.0.0 p_0 kept\r\n221 "));
    close(fd);
    assert_int_equal(host.n, 1);
    assert_string_equal(host.entries[0].source, "email:support");
    assert_string_equal(host.entries[0].body, "Received: x\r\nSubject: Hi\r\n\r\n.body\r\n");
    /* printf 'Subject: Hi\r\n\r\n.body\r\n' | sha256sum */
    assert_string_equal(host.entries[0].source_id,
                        "ab4255181842bd78711959213dba26e31221157d07af88c0eba6cc755b26226a");
    assert_true(jread_parse(str_c(host.entries[0].meta), 4096, &meta, NULL));
    assert_string_equal(json_string_value(json_object_get(meta, "envelope_from")),
                        "Jana@example.org");
    assert_string_equal(json_string_value(json_array_get(json_object_get(meta, "envelope_to"), 0)),
                        "support+x@localhost");
    assert_int_equal(json_array_size(json_object_get(meta, "from_addresses")), 2);
    json_decref(meta);
}

static void two_mailboxes_are_two_entries_and_one_mailbox_is_one(void **state) {
    int fd = client_connect("lmtp.sock");
    (void)state;
    client_say(fd, MAIL "RCPT TO:<SALES@LOCALHOST>\r\nRCPT TO:<help@localhost>\r\nRCPT "
                        "TO:<who@localhost>\r\n" DATA);
    assert_non_null(strstr(client_hear(fd, "p_0 kept\r\n"),
                           "550 5.1.1 no such mailbox\r\n354 end with CR LF . CR LF\r\n250 2.0.0 "
                           "p_0 kept\r\n250 2.0.0 p_1 "
                           "kept\r\n250 2.0.0 p_0 kept\r\n"));
    assert_int_equal(host.n, 2);
    assert_string_equal(host.entries[0].source_id, host.entries[1].source_id);
    assert_string_equal(host.entries[1].source, "email:sales");
    close(fd);
}

static void the_hosts_no_is_told(void **state) {
    int fd = client_connect("lmtp.sock");
    (void)state;
    host.status = TL_BUSY;
    client_say(fd, MAIL DATA);
    client_hear(fd, "452 4.3.1 cannot keep it now\r\n");
    host.status = TL_FAILED;
    client_say(fd, MAIL DATA);
    client_hear(fd, "451 4.3.0 cannot keep it now\r\n");
    host.status = TL_DUPLICATE;
    client_say(fd, MAIL DATA);
    client_hear(fd, "250 2.0.0 p_2 kept already\r\n");
    close(fd);
}

static void nothing_is_said_before_the_host_has_kept_it(void **state) {
    int fd = client_connect("lmtp.sock");
    (void)state;
    host.hold = true;
    client_say(fd, MAIL DATA "NOOP\r\n");
    client_hear(fd, "354 end with CR LF . CR LF\r\n");
    for (int i = 0; i < 50; i++)
        turn();
    char none[10];
    assert_int_equal(read(fd, none, sizeof none), -1);
    host.hold = false;
    assert_non_null(strstr(client_hear(fd, "250 2.0.0 ok\r\n"), "250 2.0.0 p_0 kept\r\n"));
    close(fd);
}

static void a_connection_that_goes_before_its_answer_harms_nobody(void **state) {
    int fd = client_connect("lmtp.sock");
    (void)state;
    host.hold = true;
    client_say(fd, MAIL DATA);
    client_hear(fd, "354 end with CR LF . CR LF\r\n");
    close(fd);
    for (int i = 0; i < 20; i++)
        turn();
    assert_int_equal(host.n, 1);
    host.hold = false;
    turn();
    fd = client_connect("lmtp.sock");
    client_say(fd, "LHLO me\r\nQUIT\r\n");
    client_hear(fd, NULL);
    close(fd);
}

static void a_client_that_has_said_all_still_hears_all(void **state) {
    int fd = client_connect("lmtp.sock");
    (void)state;
    host.hold = true;
    client_say(fd, MAIL DATA "RSET\r\n");
    shutdown(fd, SHUT_WR);
    client_hear(fd, "354 end with CR LF . CR LF\r\n");
    host.hold = false;
    assert_non_null(strstr(client_hear(fd, NULL), "p_0 kept\r\n250 2.0.0 ok\r\n421 "));
    close(fd);
}

static void the_last_word_reaches_whoever_floods(void **state) {
    static char flood[200 * 1024];
    int fd = client_connect("lmtp.sock");
    (void)state;
    for (size_t i = 0; i + 6 < sizeof flood; i += 6)
        memcpy(flood + i, "HACK\r\n", 7);
    assert_true(write(fd, flood, strlen(flood)) > 0);
    assert_non_null(strstr(client_hear(fd, NULL), "421 4.7.0 too many errors\r\n"));
    close(fd);
}

static void draining_ends_what_is_idle_and_lets_a_mail_end(void **state) {
    int idle = client_connect("lmtp.sock"), busy = client_connect("lmtp.sock");
    (void)state;
    client_hear(idle, "LMTP Touchline\r\n");
    client_say(busy, MAIL "DATA\r\nhalf");
    client_hear(busy, "354 end with CR LF . CR LF\r\n");
    touchline_plugin.drain(instance);
    assert_string_equal(client_hear(idle, NULL), "421 4.3.2 shutting down\r\n");
    client_say(busy, "\r\n.\r\n");
    assert_string_equal(client_hear(busy, NULL),
                        "250 2.0.0 p_0 kept\r\n421 4.3.2 shutting down\r\n");
    close(idle);
    close(busy);
}

static void a_reload_moves_the_listener_and_keeps_connections(void **state) {
    struct email_config other = config;
    char at[128];
    int before = client_connect("lmtp.sock");
    (void)state;
    client_hear(before, "LMTP Touchline\r\n");
    snprintf(at, sizeof at, "unix:%s/other.sock", folder);
    other.lmtp.listen = str_c(at);
    assert_true(touchline_plugin.reload(instance, &other));
    int after = client_connect("other.sock");
    assert_true(after >= 0);
    client_hear(after, "LMTP Touchline\r\n");
    client_say(before, "NOOP\r\n");
    client_hear(before, "250 2.0.0 ok\r\n");
    struct email_config third = other;
    third.lmtp.listen = str_c("unix:/nowhere/at/all.sock");
    assert_false(touchline_plugin.reload(instance, &third));
    close(before);
    close(after);
}

static void a_socket_left_over_is_taken_over(void **state) {
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    struct email_config other = config;
    char at[128];
    int left = socket(AF_UNIX, SOCK_STREAM, 0);
    (void)state;
    snprintf(un.sun_path, sizeof un.sun_path, "%s/other.sock", folder);
    assert_int_equal(bind(left, (struct sockaddr *)&un, sizeof un), 0);
    close(left); /* never listened: nobody answers */
    snprintf(at, sizeof at, "unix:%s", un.sun_path);
    other.lmtp.listen = str_c(at);
    assert_true(touchline_plugin.reload(instance, &other));
    struct stat st;
    assert_int_equal(stat(un.sun_path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0660);
    config = other;
}

static void who_writes_is_found_by_source(void **state) {
    struct str name, address;
    (void)state;
    assert_true(touchline_plugin.sender(instance, str_c("email:sales"), &name, &address));
    assert_true(str_is(address, "sales@localhost.example") && !name.n);
    assert_true(touchline_plugin.sender(instance, str_c("forms:contact"), &name, &address));
    assert_true(str_is(address, "support@localhost.example") && str_is(name, "Example Support"));
    assert_false(touchline_plugin.sender(instance, str_c("email:gone"), &name, &address));
}

/* ---- configuration
 * ------------------------------------------------------------------------------------------------
 */

static char told[1000];

static void on_fault(void *ctx, struct str path, const char *reason) {
    size_t n = strlen(told);
    (void)ctx, (void)reason;
    snprintf(told + n, sizeof told - n, "%.*s;", STR_ARG(path));
}

static void wrong_configurations_are_told_with_their_place(void **state) {
    static struct str twice[] = {STR("a@b"), STR("A@B")}, wrong[] = {STR("a b")};
    static struct mailbox_config bad[] = {
        {.name = STR("one"), .addresses = {twice, 2}, .from = STR("a@b, c@d")},
        {.name = STR("t:o"), .addresses = {twice, 1}, .from = STR("Name <a@b\r\n>")},
        {.name = STR("three"), .addresses = {wrong, 1}},
    };
    struct email_config c = {
        .lmtp = {.listen = STR("unix:lmtp.sock")},
        .mailboxes = {bad, 3},
        .relay = {.address = STR("mx.example:25"), .user = STR("u"), .password = STR("p")}};
    (void)state;
    told[0] = 0;
    assert_false(touchline_plugin.check(&c, on_fault, NULL));
    assert_string_equal(
        told, "mailboxes/0/addresses/1;mailboxes/0/from;mailboxes/1/name;mailboxes/1/addresses/0;"
              "mailboxes/1/from;mailboxes/2/addresses/0;relay/tls;");
    told[0] = 0;
    assert_true(touchline_plugin.check(&config, on_fault, NULL));
    assert_string_equal(told, "");
}

#define WITH_CHANNEL(test) cmocka_unit_test_setup_teardown(test, channel_start, channel_stop)

int main(void) {
    signal(SIGPIPE, SIG_IGN); /* as the daemon does */
    const struct CMUnitTest tests[] = {
        WITH_CHANNEL(a_mail_reaches_the_host_as_it_came),
        WITH_CHANNEL(two_mailboxes_are_two_entries_and_one_mailbox_is_one),
        WITH_CHANNEL(the_hosts_no_is_told),
        WITH_CHANNEL(nothing_is_said_before_the_host_has_kept_it),
        WITH_CHANNEL(a_connection_that_goes_before_its_answer_harms_nobody),
        WITH_CHANNEL(a_client_that_has_said_all_still_hears_all),
        WITH_CHANNEL(the_last_word_reaches_whoever_floods),
        WITH_CHANNEL(draining_ends_what_is_idle_and_lets_a_mail_end),
        WITH_CHANNEL(a_reload_moves_the_listener_and_keeps_connections),
        WITH_CHANNEL(a_socket_left_over_is_taken_over),
        WITH_CHANNEL(who_writes_is_found_by_source),
        cmocka_unit_test(wrong_configurations_are_told_with_their_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
