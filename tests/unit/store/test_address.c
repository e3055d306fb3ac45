/* store/address.c and store/settings.c: what an operator writes, what a server says of itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "store/store_priv.h"

static const char *shown(const struct store_address *a) {
    static char text[400];
    if (a->is_unix)
        snprintf(text, sizeof text, "unix %s", a->path);
    else
        snprintf(text, sizeof text, "%s %s %u %s %s %s", a->tls ? "tls" : "tcp", a->host, a->port,
                 a->user ? a->user : "-", a->password ? a->password : "-",
                 a->loopback ? "near" : "far");
    return text;
}

static void addresses_are_read_as_they_are_written(void **state) {
    (void)state;
    static const struct {
        const char *url, *shown;
    } cases[] = {
        {"redis://localhost", "tcp localhost 6379 - - near"},
        {"redis://127.0.0.1:7000", "tcp 127.0.0.1 7000 - - near"},
        {"redis://127.0.0.1:7000/0", "tcp 127.0.0.1 7000 - - near"},
        {"redis://127.0.0.1:7000/", "tcp 127.0.0.1 7000 - - near"},
        {"redis://touch@db.example.org", "tcp db.example.org 6379 touch - far"},
        {"redis://:geheim@db.example.org:1", "tcp db.example.org 1 - geheim far"},
        {"rediss://a%40b:p%3Aq@db.example.org", "tls db.example.org 6379 a@b p:q far"},
        {"rediss://[::1]:6380", "tls ::1 6380 - - near"},
        {"redis://[2001:db8::7]", "tcp 2001:db8::7 6379 - - far"},
        {"unix:/run/redis.sock", "unix /run/redis.sock"},
        {"unix:///run/redis.sock", "unix /run/redis.sock"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct store_address a;
        struct fault f = {0};
        if (!store_address_parse(&a, str_c(cases[i].url), STR_NONE, &f))
            fail_msg("%s: %s", cases[i].url, f.reason);
        assert_string_equal(shown(&a), cases[i].shown);
        store_address_clear(&a);
    }
}

static void a_broken_address_is_refused(void **state) {
    (void)state;
    static const char *const broken[] = {
        "",
        "localhost",
        "http://localhost",
        "redis://",
        "redis://:6379",
        "redis://host:0",
        "redis://host:65536",
        "redis://host:6379x",
        "redis://host:-1",
        "redis://host/1",
        "redis://host/0/0",
        "redis://[::1",
        "redis://[::1]6379",
        "redis://us%er@host",
        "redis://us%00er@host",
        "redis://u%4@host",
        "unix:",
        "unix://",
    };
    for (size_t i = 0; i < COUNT(broken); i++) {
        struct store_address a;
        struct fault f = {0};
        if (store_address_parse(&a, str_c(broken[i]), STR_NONE, &f))
            fail_msg("%s was taken", broken[i]);
        assert_int_equal(f.kind, FAULT_INPUT);
        assert_null(a.host);
    }
}

static void the_password_of_the_file_outranks_the_one_in_the_address(void **state) {
    (void)state;
    struct store_address a;
    assert_true(store_address_parse(&a, str_c("redis://u:x@h"), str_c("y"), NULL));
    assert_string_equal(a.password, "y");
    store_address_clear(&a);
}

/* ---- settings ---- */
#define GOOD_INFO                                                                                  \
    "# Server\r\nredis_version:7.0.15\r\n# Memory\r\nused_memory:100\r\nmaxmemory:1000\r\n"        \
    "maxmemory_policy:noeviction\r\n# Persistence\r\naof_enabled:1\r\n"                            \
    "rdb_last_bgsave_status:ok\r\nevicted_keys:0\r\ncluster_enabled:0\r\n"

static char warned[400];
static void on_warn(void *ctx, const char *setting, const char *reason) {
    (void)ctx, (void)reason;
    snprintf(warned + strlen(warned), sizeof warned - strlen(warned), "%s ", setting);
}

/* CONFIG GET's answer with one value in it. */
static bool check(const char *info, const char *name, const char *value, struct fault *f) {
    struct store_reply items[2] = {{.type = STORE_STR, .str = str_c(name)},
                                   {.type = STORE_STR, .str = str_c(value)}};
    struct store_reply config = {.type = STORE_ARRAY, .items = items, .n = name ? 2 : 0};
    warned[0] = '\0';
    return store_settings_check(str_c(info), &config, on_warn, NULL, f);
}

static void what_loses_data_is_refused_by_its_name(void **state) {
    (void)state;
    static const struct {
        const char *info, *setting, *value, *refused;
    } cases[] = {
        {GOOD_INFO, NULL, NULL, NULL},
        {GOOD_INFO, "appendfsync", "everysec", NULL},
        {GOOD_INFO, "appendfsync", "always", NULL},
        {GOOD_INFO, "appendfsync", "no", "appendfsync"},
        {GOOD_INFO, "proto-max-bulk-len", "1048576", "proto-max-bulk-len"},
        {"redis_version:7.0.1\naof_enabled:0\n", NULL, NULL, "appendonly"},
        {"redis_version:7.0.1\n", NULL, NULL, "appendonly"},
        {"redis_version:6.2.14\naof_enabled:1\n", NULL, NULL, "redis_version"},
        {"", NULL, NULL, "redis_version"},
        {"redis_version:7.2.0\naof_enabled:1\nmaxmemory_policy:volatile-ttl\n", NULL, NULL,
         "maxmemory-policy"},
        {"redis_version:7.2.0\naof_enabled:1\ncluster_enabled:1\n", NULL, NULL, "cluster_enabled"},
        {"redis_version:8.0.0\naof_enabled:1\n", NULL, NULL, NULL},
        {"redis_version:10.0.0\naof_enabled:1\n", NULL, NULL, NULL},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct fault f = {0};
        bool ok = check(cases[i].info, cases[i].setting, cases[i].value, &f);
        assert_int_equal(ok, cases[i].refused == NULL);
        if (!ok)
            assert_string_equal(f.place, cases[i].refused);
    }
}

static void what_should_be_otherwise_is_warned_of(void **state) {
    (void)state;
    static const struct {
        const char *setting, *value, *warned;
    } cases[] = {
        {"hash-max-listpack-value", "64", "hash-max-listpack-value "},
        {"hash-max-listpack-value", "1024", ""},
        {"no-appendfsync-on-rewrite", "yes", "no-appendfsync-on-rewrite "},
        {"timeout", "300", "timeout "},
        {"tcp-keepalive", "300", "tcp-keepalive "},
        {"tcp-keepalive", "60", ""},
        {"stop-writes-on-bgsave-error", "no", "stop-writes-on-bgsave-error "},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        assert_true(check(GOOD_INFO, cases[i].setting, cases[i].value, NULL));
        assert_string_equal(warned, cases[i].warned);
    }
    assert_true(check("redis_version:7.0.1\naof_enabled:1\nused_memory:90\nmaxmemory:100\n", NULL,
                      NULL, NULL));
    assert_string_equal(warned, "maxmemory ");
}

static void where_config_is_denied_info_is_enough(void **state) {
    (void)state;
    struct store_reply denied = {.type = STORE_ERROR, .str = str_c("NOPERM")};
    assert_true(store_settings_check(str_c(GOOD_INFO), &denied, NULL, NULL, NULL));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_are_read_as_they_are_written),
        cmocka_unit_test(a_broken_address_is_refused),
        cmocka_unit_test(the_password_of_the_file_outranks_the_one_in_the_address),
        cmocka_unit_test(what_loses_data_is_refused_by_its_name),
        cmocka_unit_test(what_should_be_otherwise_is_warned_of),
        cmocka_unit_test(where_config_is_denied_info_is_enough),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
