/* plugin/load.c: what is no channel, or one of another version, is refused with a clear reason. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "channel.h"
#include "plugin/plugin_priv.h"

static struct folder folder;
static struct plugin_host *host;

static int setup(void **state) {
    (void)state;
    folder_new(&folder);
    host = plugin_host_new();
    return 0;
}

static int teardown(void **state) {
    (void)state;
    plugin_host_free(host);
    folder_free(&folder);
    return 0;
}

static const struct tl_plugin *find(const char *name, struct fault *f) {
    struct tl_strs folders = {.items = &folder.str, .n = 1};
    *f = (struct fault){0};
    return plugin_host_find(host, str_c(name), &folders, f);
}

static void refused(const char *name, const char *text, const char *reason) {
    struct fault f;
    if (text)
        channel_build(&folder, name, text);
    assert_null(find(name, &f));
    if (!strstr(f.reason, reason))
        fail_msg("\"%s\" does not say \"%s\"", f.reason, reason);
}

#define TABLE(name, more)                                                                          \
    CHANNEL_HEAD "const struct tl_plugin touchline_plugin = { TL_PLUGIN_HEAD, .name = "            \
                 "STR(\"" name "\"), .keys = keys, .config_bytes = sizeof(struct config), "        \
                 ".start = start, .stop = stop, " more "};\n"

static void a_channel_is_loaded_once(void **state) {
    (void)state;
    struct fault f;
    channel_build(&folder, "fifth", TABLE("fifth", ""));
    const struct tl_plugin *p = find("fifth", &f);
    assert_non_null(p);
    assert_true(str_is(p->name, "fifth"));
    assert_ptr_equal(find("fifth", &f), p);
}

static void one_of_a_later_minor_is_loaded_without_what_we_do_not_know(void **state) {
    (void)state;
    struct fault f;
    channel_build(&folder, "later",
                  CHANNEL_HEAD
                  "struct later { struct tl_plugin table; void *more[4]; };\n"
                  "const struct later touchline_plugin = { .table = { .abi_major = TL_ABI_MAJOR,\n"
                  "  .abi_minor = TL_ABI_MINOR + 1, .size = sizeof(struct later),\n"
                  "  .key_bytes = sizeof(struct tl_key), .name = STR(\"later\"), .keys = keys,\n"
                  "  .config_bytes = sizeof(struct config), .start = start, .stop = stop },\n"
                  "  .more = { (void *)keys, (void *)keys } };\n");
    const struct tl_plugin *p = find("later", &f);
    assert_non_null(p);
    assert_null(p->send);
}

static void what_cannot_be_loaded_is_refused_by_name(void **state) {
    (void)state;
    refused("nowhere", NULL, "no nowhere.so in /tmp/");
    refused("Upper", NULL, "lower-case");
    refused("../x", NULL, "lower-case");
    refused("", NULL, "lower-case");
    file_write(&folder, "text.so", "not an object");
    refused("text", NULL, "cannot be loaded");
    refused("bare", "int x;", "no symbol touchline_plugin");
    refused("needy", TABLE("needy", "") "int missing(void); int f(void) { return missing(); }",
            "undefined symbol");
}

static void a_wrong_table_is_refused(void **state) {
    (void)state;
    refused("major",
            CHANNEL_HEAD "const struct tl_plugin touchline_plugin = { .abi_major = TL_ABI_MAJOR + "
                         "1, .size = sizeof(struct tl_plugin) };",
            "version 2");
    refused("small",
            CHANNEL_HEAD "const struct tl_plugin touchline_plugin = { .abi_major = TL_ABI_MAJOR, "
                         ".size = 24, .key_bytes = sizeof(struct tl_key) };",
            "sizes");
    refused("keyless",
            CHANNEL_HEAD "const struct tl_plugin touchline_plugin = { .abi_major = TL_ABI_MAJOR, "
                         ".size = sizeof(struct tl_plugin), .key_bytes = 8 };",
            "sizes");
    refused("other", TABLE("another", ""), "calls itself another");
    refused("nostop", TABLE("nostop", ".stop = NULL"), "no stop");
    refused("nokeys", TABLE("nokeys", ".keys = NULL"), "no table of keys");
    refused("noread", TABLE("noread", ".flags = TL_PLUGIN_READ_IN_CHILD"), "has no read");
    refused("halfsend",
            CHANNEL_HEAD "static void out(void *i, struct tl_job *j, const struct tl_outbound *o) "
                         "{ (void)i, (void)j, (void)o; }\n"
                         "const struct tl_plugin touchline_plugin = { TL_PLUGIN_HEAD, .name = "
                         "STR(\"halfsend\"), .keys = keys, .config_bytes = sizeof(struct config), "
                         ".start = start, .stop = stop, .send = out };",
            "only one of send and sender");
}

static void without_folders_it_looks_beside_the_daemon(void **state) {
    (void)state;
    struct tl_strs searched = plugin_host_folders(host, NULL);
    assert_int_equal(searched.n, 2);
    assert_true(str_ends(searched.items[0], str_c("/channels")));
    assert_true(searched.items[0].p[0] == '/');
    assert_true(str_ends(searched.items[1], str_c("/lib/touchline/channels")));
}

#define WITH(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        WITH(a_channel_is_loaded_once),
        WITH(one_of_a_later_minor_is_loaded_without_what_we_do_not_know),
        WITH(what_cannot_be_loaded_is_refused_by_name),
        WITH(a_wrong_table_is_refused),
        WITH(without_folders_it_looks_beside_the_daemon),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
