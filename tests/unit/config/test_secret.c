/* Secrets and paths: what is read, from whom, and what a fault may say of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lab.h"

static const struct tl_key secret_only_keys[] = {
    {.name = "hidden", .type = TL_KEY_SECRET, .min = 4}, {0}};
static const struct tl_key path_keys[] = {{.name = "where", .type = TL_KEY_PATH}, {0}};
static const struct tl_key socket_keys[] = {{.name = "socket", .type = TL_KEY_ADDRESS}, {0}};
static const struct config_section sections[] = {
    {"hidden", secret_only_keys, sizeof(struct str), CONFIG_SECTION_VALUE, NULL},
    {"where", path_keys, sizeof(struct str), CONFIG_SECTION_VALUE, NULL},
    {"socket", socket_keys, sizeof(struct str), CONFIG_SECTION_VALUE, NULL},
    {0},
};

/* What stands in the file `s` with this mode, or the fault. */
static void secret_is(const char *content, size_t n, int mode, const char *secret,
                      const char *told) {
    struct lab lab;
    lab_open(&lab);
    lab_write_n(&lab, "s", content, n, mode);
    lab_write(&lab, "touchline.yml", "hidden: file:s\n", 0644);
    bool sound = lab_load(&lab, sections, NULL, NULL);
    assert_string_equal(lab.told, told);
    if (sound) {
        const struct str *s = config_get(lab.config, "hidden");
        assert_int_equal(s->n, strlen(secret));
        assert_memory_equal(s->p, secret, s->n);
    }
    lab_close(&lab);
}

static void the_last_line_end_does_not_count(void **state) {
    (void)state;
    secret_is("words", 5, 0600, "words", "");
    secret_is("words\n", 6, 0640, "words", "");
    secret_is("words\r\n", 7, 0400, "words", "");
    secret_is("words\n\n", 7, 0600, "words\n", "");
    secret_is(" wo rds ", 8, 0600, " wo rds ", "");
}

static void a_file_that_others_may_read_is_refused(void **state) {
    (void)state;
    secret_is("words", 5, 0644, NULL,
              "touchline.yml:1:9: hidden: the file has mode 0644; allowed are 0600 and 0640\n");
    secret_is("words", 5, 0660, NULL,
              "touchline.yml:1:9: hidden: the file has mode 0660; allowed are 0600 and 0640\n");
    secret_is("words", 5, 0700, NULL,
              "touchline.yml:1:9: hidden: the file has mode 0700; allowed are 0600 and 0640\n");
}

static void a_file_of_somebody_else_is_refused(void **state) {
    (void)state;
    if (geteuid() != 0) {
        print_message("needs root to give a file away\n");
        skip();
    }
    struct lab lab;
    char path[128];
    lab_open(&lab);
    lab_write(&lab, "s", "words", 0600);
    snprintf(path, sizeof path, "%s/s", lab.folder);
    assert_int_equal(chown(path, 12345, 0), 0);
    lab_write(&lab, "touchline.yml", "hidden: file:s\n", 0644);
    lab_load(&lab, sections, NULL, NULL);
    assert_string_equal(lab.told,
                        "touchline.yml:1:9: hidden: the file belongs to user 12345; allowed are "
                        "the daemon's user (0) and root\n");
    lab_close(&lab);
}

static void a_secret_has_bounds(void **state) {
    (void)state;
    static char large[(64 << 10) + 2];
    memset(large, 'x', sizeof large);
    large[64 << 10] = '\n';
    secret_is("", 0, 0600, NULL, "touchline.yml:1:9: hidden: the file is empty\n");
    secret_is("\n", 1, 0600, NULL, "touchline.yml:1:9: hidden: the file is empty\n");
    secret_is("abc", 3, 0600, NULL,
              "touchline.yml:1:9: hidden has 3 bytes; allowed are 4 to 65536\n");
    struct lab lab;
    lab_open(&lab);
    lab_write_n(&lab, "s", large, (64 << 10) + 1, 0600);
    lab_write(&lab, "touchline.yml", "hidden: file:s\n", 0644);
    assert_true(lab_load(&lab, sections, NULL, NULL));
    config_free(lab.config);
    lab.config = NULL;
    large[64 << 10] = 'x';
    lab_write_n(&lab, "s", large, sizeof large, 0600);
    assert_false(lab_load(&lab, sections, NULL, NULL));
    assert_string_equal(lab.told, "touchline.yml:1:9: hidden: the file is larger than 64 KiB\n");
    lab_close(&lab);
}

static void a_secret_written_out_is_refused_and_not_repeated(void **state) {
    (void)state;
    const char *refusal = "touchline.yml:1:9: hidden: a secret is never written here; allowed are "
                          "file:PATH and credential:NAME\n";
    lab_tells(sections, "hidden: hunter2-hunter2\n", refusal);
    lab_tells(sections, "hidden: 'file:'\n", refusal);
}

static void what_is_no_regular_file_is_refused(void **state) {
    (void)state;
    lab_tells(sections, "hidden: file:/dev/zero\n",
              "touchline.yml:1:9: hidden: not a regular file\n");
    lab_tells(sections, "hidden: file:/nowhere/at/all\n",
              "touchline.yml:1:9: hidden: the file cannot be opened: No such file or directory\n");
}

static void a_credential_comes_from_the_service_manager(void **state) {
    (void)state;
    struct lab lab;
    lab_open(&lab);
    lab_folder(&lab, "given");
    lab_write(&lab, "given/ops", "from above\n", 0400);
    lab_write(&lab, "touchline.yml", "hidden: credential:ops\n", 0644);
    unsetenv("CREDENTIALS_DIRECTORY");
    assert_false(lab_load(&lab, sections, NULL, NULL));
    assert_non_null(strstr(lab.told, "no credentials were handed in"));
    char where[128];
    snprintf(where, sizeof where, "%s/given", lab.folder);
    setenv("CREDENTIALS_DIRECTORY", where, 1);
    assert_true(lab_load(&lab, sections, NULL, NULL));
    assert_true(str_is(*(const struct str *)config_get(lab.config, "hidden"), "from above"));
    lab_close(&lab);
    lab_tells(sections, "hidden: credential:../secret\n",
              "touchline.yml:1:9: hidden: credential:NAME needs the name of a credential\n");
    unsetenv("CREDENTIALS_DIRECTORY");
}

/* `where` as it comes out, with the lab's folder written DIR. */
static void path_is(const char *written, const char *expected) {
    struct lab lab;
    char text[256], want[256], real[256];
    lab_open(&lab);
    lab_folder(&lab, "conf");
    snprintf(text, sizeof text, "where: %s\n", written);
    lab_write(&lab, "conf/touchline.yml", text, 0644);
    snprintf(lab.path, sizeof lab.path, "%s/conf/touchline.yml", lab.folder);
    assert_true(lab_load(&lab, sections, NULL, NULL));
    assert_non_null(realpath(lab.folder, real));
    snprintf(want, sizeof want, "%s%s", *expected == '/' ? "" : real,
             *expected == '/' ? expected : expected + 3);
    const struct str *s = config_get(lab.config, "where");
    assert_string_equal(s->p, want);
    lab_close(&lab);
}

static void paths_start_at_the_folder_of_the_file(void **state) {
    (void)state;
    unsetenv("TOUCHLINE_VAR");
    path_is("x", "DIR/conf/x");
    path_is("./x", "DIR/conf/x");
    path_is("file:x/y", "DIR/conf/x/y");
    path_is("../var", "DIR/var");
    path_is("../var/log/a", "DIR/var/log/a");
    path_is("..", "DIR");
    path_is("/a/b", "/a/b");
    path_is("../../../../../../..", "/");
    path_is("../../../../../../../x", "/x");
    path_is("..x", "DIR/conf/..x");
}

static void paths_below_var_move_with_the_environment(void **state) {
    (void)state;
    setenv("TOUCHLINE_VAR", "/elsewhere", 1);
    path_is("../var", "/elsewhere");
    path_is("../var/log/a", "/elsewhere/log/a");
    path_is("file:../var/secrets/a", "/elsewhere/secrets/a");
    path_is("../various/a", "DIR/various/a");
    path_is("var/a", "DIR/conf/var/a");
    path_is("/var/a", "/var/a");
    struct lab lab;
    lab_open(&lab);
    lab_write(&lab, "touchline.yml", "socket: unix:../var/lmtp.sock\n", 0644);
    assert_true(lab_load(&lab, sections, NULL, NULL));
    assert_true(
        str_is(*(const struct str *)config_get(lab.config, "socket"), "unix:/elsewhere/lmtp.sock"));
    lab_close(&lab);
    unsetenv("TOUCHLINE_VAR");
}

static void the_path_of_a_socket_must_fit(void **state) {
    (void)state;
    char text[256], long_name[128];
    memset(long_name, 'x', sizeof long_name);
    long_name[120] = '\0';
    snprintf(text, sizeof text, "socket: unix:/%s\n", long_name);
    struct lab lab;
    lab_open(&lab);
    lab_write(&lab, "touchline.yml", text, 0644);
    assert_false(lab_load(&lab, sections, NULL, NULL));
    assert_non_null(strstr(lab.told, "the path of a socket may have 107 bytes"));
    lab_close(&lab);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_last_line_end_does_not_count),
        cmocka_unit_test(a_file_that_others_may_read_is_refused),
        cmocka_unit_test(a_file_of_somebody_else_is_refused),
        cmocka_unit_test(a_secret_has_bounds),
        cmocka_unit_test(a_secret_written_out_is_refused_and_not_repeated),
        cmocka_unit_test(what_is_no_regular_file_is_refused),
        cmocka_unit_test(a_credential_comes_from_the_service_manager),
        cmocka_unit_test(paths_start_at_the_folder_of_the_file),
        cmocka_unit_test(paths_below_var_move_with_the_environment),
        cmocka_unit_test(the_path_of_a_socket_must_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
