/* test_corpora_reply.c - quotes and signatures taken off collected replies, against what their
 * authors expect. Two houses, two tastes: discourse drops the heading of an answered quote, github
 * keeps it; the floors say what is reached.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include <touchline/kit/buf.h>

#include "email/reply_text.h"

#define DISCOURSE "../shared/corpora/discourse-email-reply-trimmer"
#define GITHUB "../shared/corpora/github-email-reply-parser"
enum { DISCOURSE_FLOOR = 19, GITHUB_FLOOR = 22 };

static bool file_read(const char *path, struct buf *out) {
    char piece[65536];
    size_t n;
    FILE *f = fopen(path, "rb");
    if (!f)
        return false;
    while ((n = fread(piece, 1, sizeof piece, f)) > 0)
        assert_true(buf_add(out, str_make(piece, n)));
    fclose(f);
    return true;
}

/* Without white space at the ends of lines and of the whole. */
static void normalise(struct buf *out, struct str s) {
    s = str_trim(s);
    while (s.n) {
        struct str line = str_cut(&s, '\n');
        while (line.n && (line.p[line.n - 1] == ' ' || line.p[line.n - 1] == '\t' ||
                          line.p[line.n - 1] == '\r'))
            line.n--;
        assert_true(buf_add(out, line) && buf_add_byte(out, '\n'));
    }
}

static bool case_right(const char *name, struct str mail, struct str expected) {
    struct arena a;
    struct buf want, got;
    arena_init(&a);
    buf_init(&want, 1 << 22);
    buf_init(&got, 1 << 22);
    normalise(&want, expected);
    normalise(&got, reply_text(&a, mail));
    bool right = str_eq(buf_str(&want), buf_str(&got));
    if (!right)
        printf("  differs: %s\n", name);
    if (!right && getenv("SHOW"))
        printf("--- want\n%.2000s--- got\n%.2000s", buf_c(&want), buf_c(&got));
    buf_clear(&want);
    buf_clear(&got);
    arena_clear(&a);
    return right;
}

static void verdict(const char *corpus, size_t right, size_t total, size_t floor) {
    printf("%s: %zu of %zu right\n", corpus, right, total);
    assert_true(right >= floor);
}

static void replies_are_trimmed_as_discourse_expects(void **state) {
    (void)state;
    DIR *d = opendir(DISCOURSE "/trimmed");
    size_t right = 0, total = 0;
    if (!d) {
        printf("no " DISCOURSE ": skipped\n");
        skip();
    }
    for (struct dirent *e; (e = readdir(d));) {
        char mail_path[512], want_path[512];
        struct buf mail, want;
        if (e->d_name[0] == '.')
            continue;
        snprintf(mail_path, sizeof mail_path, DISCOURSE "/emails/%s", e->d_name);
        snprintf(want_path, sizeof want_path, DISCOURSE "/trimmed/%s", e->d_name);
        buf_init(&mail, 1 << 22);
        buf_init(&want, 1 << 22);
        assert_true(file_read(mail_path, &mail) && file_read(want_path, &want));
        right += case_right(e->d_name, buf_str(&mail), buf_str(&want));
        total++;
        buf_clear(&mail);
        buf_clear(&want);
    }
    closedir(d);
    verdict("discourse", right, total, DISCOURSE_FLOOR);
}

static void replies_are_trimmed_as_github_does(void **state) {
    (void)state;
    json_t *all = json_load_file(GITHUB "/reference-output.json", 0, NULL), *one;
    const char *name;
    size_t right = 0, total = 0;
    if (!all) {
        printf("no " GITHUB ": skipped\n");
        skip();
    }
    json_object_foreach(all, name, one) {
        char path[512];
        struct buf mail;
        buf_init(&mail, 1 << 22);
        snprintf(path, sizeof path, GITHUB "/emails/%s", name);
        assert_true(file_read(path, &mail));
        right += case_right(name, buf_str(&mail),
                            str_c(json_string_value(json_object_get(one, "visible"))));
        total++;
        buf_clear(&mail);
    }
    json_decref(all);
    verdict("github", right, total, GITHUB_FLOOR);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(replies_are_trimmed_as_discourse_expects),
        cmocka_unit_test(replies_are_trimmed_as_github_does),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
