/* Broken configurations by mutation of the real ones: each is refused with its place, or valid;
 * never a crash.
 *
 * With the tables and checks of all rooms and channels, as the daemon's --check has them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "house.h"

enum { MUTANTS = 400, FILE_MAX_BYTES = 32768 };

static uint64_t seed;
static size_t upto(size_t n) {
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return n ? (size_t)(seed % n) : 0;
}

static size_t splice(char *text, size_t n, size_t at, size_t gone, const char *with, size_t more) {
    if (n - gone + more > FILE_MAX_BYTES)
        return n;
    memmove(text + at + more, text + at + gone, n - at - gone);
    memcpy(text + at, with, more);
    return n - gone + more;
}

static size_t line_start(const char *text, size_t at) {
    while (at && text[at - 1] != '\n')
        at--;
    return at;
}

static size_t line_end(const char *text, size_t n, size_t at) {
    while (at < n && text[at] != '\n')
        at++;
    return at < n ? at + 1 : n;
}

/* One slip of the hand, or of malice. */
static size_t mutate(char *text, size_t n) {
    static const char *const bits[] = {"&a ",
                                       "*a",
                                       "!!str ",
                                       "\t",
                                       "[",
                                       "]",
                                       "{",
                                       "}",
                                       "'",
                                       "\"",
                                       ":",
                                       ": ",
                                       "- ",
                                       "#",
                                       "|\n",
                                       ">\n",
                                       "---\n",
                                       "...\n",
                                       "%YAML 1.1\n",
                                       "\\",
                                       "\"\\0\"",
                                       "\xFF",
                                       "\xC3",
                                       "\xE2\x80\xA8",
                                       "<<: {a: b}\n",
                                       "? ",
                                       "~",
                                       "null",
                                       "99999999999999999999",
                                       "-1",
                                       "1e9",
                                       "file:",
                                       "file:../../../../etc/passwd",
                                       "credential:x",
                                       "unix:",
                                       "yes",
                                       "@",
                                       "`",
                                       "\r\n",
                                       "\x01",
                                       ",",
                                       "include: '*.yml'\n",
                                       "  "};
    char copy[512];
    size_t at = upto(n), start = line_start(text, at), end = line_end(text, n, at), other;
    const char *bit = bits[upto(COUNT(bits))];
    char byte = (char)upto(256);
    switch (upto(8)) {
    case 0: /* a byte is lost */
        return n ? splice(text, n, at, n > at, "", 0) : n;
    case 1: /* a byte is another */
        return n ? splice(text, n, at, n > at, &byte, 1) : n;
    case 2:
    case 3: /* something slips in */
        return splice(text, n, at, 0, bit, strlen(bit));
    case 4: /* a line is lost */
        return splice(text, n, start, end - start, "", 0);
    case 5: /* a line stands twice, elsewhere */
        other = end - start < sizeof copy ? end - start : sizeof copy;
        memcpy(copy, text + start, other);
        return splice(text, n, line_start(text, upto(n)), 0, copy, other);
    case 6: /* the file ends early */
        return upto(10) ? splice(text, n, start, 0, "  ", 2) : at;
    default: /* a line moves by a space */
        return splice(text, n, start, 0, " ", 1);
    }
}

static void place_check(const char *line) {
    unsigned at_line = 0, at_column = 0;
    int used = 0;
    const char *place = strstr(line, "touchline.yml:");
    assert_non_null(place);
    if (sscanf(place, "touchline.yml:%u:%u: %n", &at_line, &at_column, &used) != 2 || !used ||
        !at_line || !at_column || !place[used] || place[used] == '\n')
        fail_msg("no place or no reason: %s", line);
}

static void mutants(const char *path) {
    static char original[FILE_MAX_BYTES], text[FILE_MAX_BYTES + 1];
    struct lab lab;
    size_t refused = 0;
    channels_needed();
    FILE *f = fopen(path, "r");
    assert_non_null(f); /* tests run in the project's folder */
    size_t n = fread(original, 1, sizeof original, f);
    fclose(f);
    lab_open(&lab);
    secrets_write(&lab);
    lab_write_n(&lab, "touchline.yml", original, n, 0644);
    lab_load(&lab, sections, find, NULL);
    assert_string_equal(lab.told, "");
    config_free(lab.config);
    lab.config = NULL;
    seed = 0x9E3779B97F4A7C15;
    for (size_t i = 0; i < MUTANTS; i++) {
        size_t m = n, rounds = 1 + upto(3);
        memcpy(text, original, n);
        while (rounds--)
            m = mutate(text, m);
        lab_write_n(&lab, "touchline.yml", text, m, 0644);
        if (lab_load(&lab, sections, find, NULL)) {
            config_free(lab.config);
            lab.config = NULL;
            continue;
        }
        refused++;
        for (char *rest = lab.told, *line; (line = strtok_r(rest, "\n", &rest));)
            place_check(line);
    }
    assert_in_range(refused, MUTANTS / 4, MUTANTS - 1);
    unsetenv("TOUCHLINE_VAR");
    lab_close(&lab);
}

static void broken_development_files_are_refused_with_a_place_or_valid(void **state) {
    (void)state;
    mutants("conf/touchline.dev.yml");
}

static void broken_operators_files_are_refused_with_a_place_or_valid(void **state) {
    (void)state;
    mutants("conf/touchline.yml");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(broken_development_files_are_refused_with_a_place_or_valid),
        cmocka_unit_test(broken_operators_files_are_refused_with_a_place_or_valid),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
