/* All tables of the house together: the files we ship are valid by them and show every key, and the
 * reference is generated from them.
 *
 * docs/config.md is this test's: WRITE_DOCS=1 with it writes the page anew.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "house.h"

static void file_read(const char *path, struct buf *out) {
    FILE *f = fopen(path, "r");
    assert_non_null(f); /* tests run in the project's folder */
    buf_init(out, 1 << 20);
    char *to = buf_reserve(out, 1 << 19);
    buf_commit(out, fread(to, 1, 1 << 19, f));
    fclose(f);
}

static void describe_all(struct buf *out) {
    buf_init(out, 1 << 20);
    assert_true(buf_add_c(
        out, "# Every key of touchline.yml\n\nGenerated from the tables that read the file. "
             "`[]` stands for an entry of a list. Forms of values: touchline.yml(5).\n"));
    assert_true(config_describe(sections, out));
    for (size_t i = 0; i < COUNT(channels); i++)
        assert_true(config_describe_channel(channel(str_c(channels[i])), out));
}

static void the_files_we_ship_are_valid(void **state) {
    (void)state;
    static const char *const files[] = {"conf/touchline.yml", "conf/touchline.dev.yml"};
    struct lab lab;
    channels_needed();
    lab_open(&lab);
    secrets_write(&lab);
    for (size_t i = 0; i < COUNT(files); i++) {
        struct buf file;
        file_read(files[i], &file);
        lab_write_n(&lab, "touchline.yml", file.p, file.n, 0644);
        buf_clear(&file);
        lab_load(&lab, sections, find, NULL);
        assert_string_equal(lab.told, "");
        config_free(lab.config);
        lab.config = NULL;
    }
    unsetenv("TOUCHLINE_VAR");
    lab_close(&lab);
}

/* The last part of each key's path, "timeout" of `queues[].offer.timeout`, stands in the text. */
static void each_key_in(const char *path, const char *after) {
    struct buf all, file;
    char missing[4096] = "";
    describe_all(&all);
    file_read(path, &file);
    struct str rest = buf_str(&all);
    while (rest.p) {
        struct str line = str_cut(&rest, '\n');
        if (!str_starts(line, str_c("| `")))
            continue;
        struct str key = str_from(line, 3), part;
        key = str_cut(&key, '`');
        do
            part = str_cut(&key, '.');
        while (key.p);
        char wanted[128];
        snprintf(wanted, sizeof wanted, "%.*s%s", STR_ARG(part), after);
        if (!strstr(buf_c(&file), wanted) && strlen(missing) < sizeof missing - 256)
            snprintf(missing + strlen(missing), 256, "%.*s ", STR_ARG(part));
    }
    buf_clear(&all);
    buf_clear(&file);
    if (*missing)
        fail_msg("%s lacks: %s", path, missing);
}

static void the_operators_file_shows_every_key(void **state) {
    (void)state;
    channels_needed();
    each_key_in("conf/touchline.yml", ":");
}

static void the_manual_names_every_key(void **state) {
    (void)state;
    channels_needed();
    each_key_in("docs/touchline.yml.5.scd", "*");
}

static void the_reference_is_that_of_the_tables(void **state) {
    (void)state;
    channels_needed();
    struct buf all, page;
    describe_all(&all);
    if (getenv("WRITE_DOCS")) {
        FILE *f = fopen("docs/config.md", "w");
        assert_non_null(f);
        assert_int_equal(fwrite(all.p, 1, all.n, f), all.n);
        assert_int_equal(fclose(f), 0);
    }
    file_read("docs/config.md", &page);
    if (!str_eq(buf_str(&all), buf_str(&page)))
        fail_msg(
            "docs/config.md is not what the tables say; WRITE_DOCS=1 with this test writes it");
    buf_clear(&all);
    buf_clear(&page);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_files_we_ship_are_valid),
        cmocka_unit_test(the_operators_file_shows_every_key),
        cmocka_unit_test(the_manual_names_every_key),
        cmocka_unit_test(the_reference_is_that_of_the_tables),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
