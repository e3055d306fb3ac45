/* test_mime_part.c - the tree of parts: how broken mail is cut, and how much work that may be. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include <touchline/kit/buf.h>

#include "email/mime.h"
#include "email/mime_part.h"

/* "mixed(plain[one] html[two])": the tree as text. */
static void show(struct buf *out, const struct mime_part *p) {
    ptrdiff_t slash = str_find(p->type, '/');
    bool ok = buf_add(out, str_from(p->type, (size_t)slash + 1));
    ok = ok && buf_add_c(out, mime_part_is_multipart(p) ? "(" : "[");
    if (!mime_part_is_multipart(p))
        ok = ok && buf_add(out, p->body);
    for (const struct mime_part *c = p->children; c && ok; c = c->next) {
        show(out, c);
        ok = !c->next || buf_add_c(out, " ");
    }
    assert_true(ok && buf_add_c(out, mime_part_is_multipart(p) ? ")" : "]"));
}

#define MIXED(b) "Content-Type: multipart/mixed; boundary=" b "\r\n\r\n"

static const struct {
    const char *what, *mail, *tree;
} trees[] = {
    {"plain", "Subject: x\r\n\r\nhi", "plain[hi]"},
    {"two parts", MIXED("b") "pre\r\n--b\r\n\r\none\r\n--b\r\n\r\ntwo\r\n--b--\r\npost",
     "mixed(plain[one] plain[two])"},
    {"no final delimiter", MIXED("b") "--b\r\n\r\none\r\n--b\r\n\r\ntwo",
     "mixed(plain[one] plain[two])"},
    {"space behind delimiters", MIXED("b") "--b \r\n\r\none\r\n--b\t\r\n\r\ntwo\r\n--b-- \r\nx",
     "mixed(plain[one] plain[two])"},
    {"space in the boundary", MIXED("\"b \"") "--b\r\n\r\none\r\n--b--", "mixed(plain[one])"},
    {"the inner boundary begins as the outer",
     MIXED("b") "--b\n" MIXED("bb") "--bb\n\none\n--bb--\n--b\n\ntwo\n--b--",
     "mixed(mixed(plain[one]) plain[two])"},
    {"the outer boundary begins as the inner",
     MIXED("bb") "--bb\n" MIXED("b") "--b\n\none\n--b--\n--bb\n\ntwo\n--bb--",
     "mixed(mixed(plain[one]) plain[two])"},
    {"the inner one does not end", MIXED("o") "--o\n" MIXED("i") "--i\n\none\n--o\n\ntwo\n--o--",
     "mixed(mixed(plain[one]) plain[two])"},
    {"the same boundary twice",
     MIXED("b") "--b\n" MIXED("b") "\n--b\n\none\n--b\n\ntwo\n--b--\n--b--",
     "mixed(mixed(plain[one] plain[two]))"},
    {"an empty boundary", MIXED("\"\"") "--\n\none\n--\n\ntwo\n----\n",
     "mixed(plain[one] plain[two])"},
    {"no boundary is named",
     "Content-Type: multipart/mixed\n\n--x\nContent-Type: text/html\n\none\n--x--\n",
     "mixed(html[one])"},
    {"another boundary is named", MIXED("y") "\n--x\nContent-Type: text/html\n\none\n--x--\n",
     "mixed(html[one])"},
    {"a line of dashes is no boundary", MIXED("y") "a\n-----\nb", "plain[a\n-----\nb]"},
    {"no parts", MIXED("b") "just text", "plain[just text]"},
    {"a part without a header", MIXED("b") "--b\nat once\nmore\n--b--",
     "mixed(plain[at once\nmore])"},
    {"a part that seems to have one in its second line", MIXED("b") "--b\nHello,\nNote: x\n--b--",
     "mixed(plain[Hello,\nNote: x])"},
    {"an empty part", MIXED("b") "--b\n--b\n\nx\n--b--", "mixed(plain[] plain[x])"},
    {"cut behind a delimiter", MIXED("b") "--b\n\nx\n--b", "mixed(plain[x] plain[])"},
    {"a digest",
     "Content-Type: multipart/digest; boundary=b\n\n--b\n\nSubject: x\n\ny\n--b\nContent-Type: "
     "text/plain\n\nz\n--b--",
     "digest(rfc822[Subject: x\n\ny] plain[z])"},
    {"a mail inside is not looked into",
     MIXED("b") "--b\nContent-Type: message/rfc822\n\n" MIXED("c") "--c\n\nx\n--c--\n--b--",
     "mixed(rfc822[" MIXED("c") "--c\n\nx\n--c--])"},
    {"all of it encoded", "Content-Transfer-Encoding: base64\n" MIXED("b") "LS1iCgpvbmUKLS1iLS0K",
     "mixed(plain[one])"},
    {"it says so, and is not", "Content-Transfer-Encoding: base64\n" MIXED("b") "--b\n\none\n--b--",
     "mixed(plain[one])"},
    {"no subtype", "Content-Type: text\n\nx", "plain[x]"},
    {"an empty type", "Content-Type:\n\nx", "plain[x]"},
    {"nonsense", "Content-Type: foo\n\nx", "plain[x]"},
    {"half a type", "Content-Type: image/\n\nx", "octet-stream[x]"},
    {"the first of two types", "Content-Type: text/html\nContent-Type: text/plain\n\nx", "html[x]"},
};

static void broken_multiparts_are_cut_where_they_were_meant_to_be(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT(trees); i++) {
        struct arena a;
        struct headers top;
        struct warnings w = {0};
        struct mime_work work = {0};
        struct buf tree;
        arena_init(&a);
        buf_init(&tree, 100000);
        headers_read(&a, str_c(trees[i].mail), &top);
        show(&tree, mime_part_read(&a, &top, &w, &work));
        if (!str_is(buf_str(&tree), trees[i].tree))
            fail_msg("%s: %.*s, expected %s", trees[i].what, STR_ARG(buf_str(&tree)),
                     trees[i].tree);
        buf_clear(&tree);
        arena_clear(&a);
    }
}

/* head, piece n times, tail */
static const struct {
    const char *what, *head, *piece;
    size_t n;
    const char *tail, *warning;
} floods[] = {
    {"parts", MIXED("b"), "--b\n\np\n", 20000, "--b--\n", "more parts"},
    {"a thousand parts", MIXED("b"), "--b\n\np\n", 900, "--b--\n", NULL},
    {"parts in parts", "", MIXED("b") "--b\n", 5000, "\nhi", "nested"},
    {"a hundred levels", "", MIXED("b") "--b\n", 100, "\nhi", "nested"},
    {"lines of dashes", MIXED("b"), "--\n", 2000000, "", "not looked for to the end"},
    {"empty lines", MIXED("b") "--b\n\n", "\n", 2000000, "--b--", NULL},
    {"a boundary nobody writes", MIXED("b"), "--bx\n", 100000, "", "no parts"},
};

static void the_search_for_parts_is_bounded_by_counts(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT(floods); i++) {
        struct arena a;
        struct headers top;
        struct warnings w = {0};
        struct mime_work work = {0};
        struct buf mail;
        arena_init(&a);
        buf_init(&mail, 64 << 20);
        bool ok = buf_add_c(&mail, floods[i].head);
        for (size_t n = 0; n < floods[i].n && ok; n++)
            ok = buf_add_c(&mail, floods[i].piece);
        assert_true(ok && buf_add_c(&mail, floods[i].tail));
        headers_read(&a, buf_str(&mail), &top);
        assert_non_null(mime_part_read(&a, &top, &w, &work));
        if (work.parts > MIME_PARTS_MAX || work.lines > 600000 ||
            work.scanned_bytes > 17 * mail.n + (1 << 20))
            fail_msg("%s: %zu parts, %zu lines, %zu bytes of %zu", floods[i].what, work.parts,
                     work.lines, work.scanned_bytes, mail.n);
        bool warned = !floods[i].warning;
        for (size_t k = 0; k < w.n; k++)
            warned = warned || strstr(w.items[k], floods[i].warning);
        if (!warned || (!floods[i].warning && w.n))
            fail_msg("%s: %zu warnings, the first: %s", floods[i].what, w.n, w.n ? w.items[0] : "");
        buf_clear(&mail);
        arena_clear(&a);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(broken_multiparts_are_cut_where_they_were_meant_to_be),
        cmocka_unit_test(the_search_for_parts_is_bounded_by_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
