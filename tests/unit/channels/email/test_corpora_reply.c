/* test_corpora_reply.c - quotes and signatures taken off collected replies, against what their
 * authors expect. Two houses, two tastes: discourse drops the heading of an answered quote, github
 * keeps it.
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
enum { FLOOR = 97 /* percent */ };

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

static bool case_right(const char *name, const char *what, struct str text, struct str expected) {
    struct buf want, got;
    buf_init(&want, 1 << 22);
    buf_init(&got, 1 << 22);
    normalise(&want, expected);
    normalise(&got, text);
    bool right = str_eq(buf_str(&want), buf_str(&got));
    if (!right)
        printf("  differs: %s (%s)\n", name, what);
    if (!right && getenv("SHOW"))
        printf("--- want\n%.2000s--- got\n%.2000s", buf_c(&want), buf_c(&got));
    buf_clear(&want);
    buf_clear(&got);
    return right;
}

static void verdict(const char *corpus, size_t right, size_t total) {
    printf("corpus %s: %zu of %zu\n", corpus, right, total);
    assert_true(right * 100 >= total * FLOOR);
}

struct sum {
    size_t right, total;
};

/* One answer of the author, where he gave one. */
static void compare(struct sum *sum, const char *folder, const char *name, struct str got) {
    char path[512];
    struct buf want;
    buf_init(&want, 1 << 22);
    snprintf(path, sizeof path, DISCOURSE "/%s/%s", folder, name);
    if (file_read(path, &want)) {
        sum->right += case_right(name, folder, got, buf_str(&want));
        sum->total++;
    }
    buf_clear(&want);
}

static void replies_are_trimmed_as_discourse_expects(void **state) {
    (void)state;
    DIR *d = opendir(DISCOURSE "/emails");
    struct sum trimmed = {0}, elided = {0}, forwarded = {0};
    if (!d) {
        printf("no " DISCOURSE ": skipped\n");
        skip();
    }
    for (struct dirent *e; (e = readdir(d));) {
        char path[512];
        struct buf mail;
        struct arena a;
        struct reply_parts parts;
        struct reply_forward forward = {.from = STR_NONE};
        if (e->d_name[0] == '.')
            continue;
        arena_init(&a);
        buf_init(&mail, 1 << 22);
        snprintf(path, sizeof path, DISCOURSE "/emails/%s", e->d_name);
        assert_true(file_read(path, &mail));
        reply_split(&a, buf_str(&mail), &parts);
        (void)reply_forwarded(&a, buf_str(&mail), &forward);
        compare(&trimmed, "trimmed", e->d_name, parts.reply);
        compare(&elided, "elided", e->d_name, parts.elided);
        compare(&forwarded, "embedded", e->d_name, forward.embedded);
        compare(&forwarded, "before", e->d_name, forward.before);
        buf_clear(&mail);
        arena_clear(&a);
    }
    closedir(d);
    verdict("discourse-email-reply-trimmer, trimmed", trimmed.right, trimmed.total);
    verdict("discourse-email-reply-trimmer, elided", elided.right, elided.total);
    verdict("discourse-email-reply-trimmer, embedded and before", forwarded.right, forwarded.total);
}

static void replies_are_trimmed_as_github_does(void **state) {
    (void)state;
    json_t *all = json_load_file(GITHUB "/reference-output.json", 0, NULL), *one;
    const char *name;
    struct sum sum = {0};
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
        struct arena a;
        arena_init(&a);
        sum.right += case_right(name, "visible", reply_text(&a, buf_str(&mail)),
                                str_c(json_string_value(json_object_get(one, "visible"))));
        sum.total++;
        arena_clear(&a);
        buf_clear(&mail);
    }
    json_decref(all);
    verdict("github-email-reply-parser", sum.right, sum.total);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(replies_are_trimmed_as_discourse_expects),
        cmocka_unit_test(replies_are_trimmed_as_github_does),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
