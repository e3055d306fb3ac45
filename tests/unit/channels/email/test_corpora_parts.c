/* test_corpora_parts.c - collected mails taken apart, against the trees, fields and decoded bytes
 * of their authors. Each leaf counts: in its place, with its header, decoded to the same bytes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>

#include "email/mime.h"
#include "email/mime_part.h"
#include "mail_check.h"

#define FOLDER "../shared/corpora/mime4j/mimetools-testmsgs/"
enum { PARTS_MAX = 100, FLOOR = 100 /* percent */ };

/* One part as the authors give it, in the order of the mail. */
struct expected {
    struct str fields[40];
    size_t fields_n;
    char file[200]; /* its decoded bytes */
};

struct check {
    struct arena arena;
    struct expected parts[PARTS_MAX];
    size_t parts_n, at;
    size_t right, total;
    const char *mail;
};

static bool file_read(const char *name, struct buf *out) {
    char path[600];
    snprintf(path, sizeof path, FOLDER "%s", name);
    return mail_file(path, out);
}

/* &lt; &gt; &amp; of a field. */
static struct str plain(struct arena *a, struct str s) {
    static const struct {
        const char *entity;
        char c;
    } known[] = {{"&lt;", '<'}, {"&gt;", '>'}, {"&amp;", '&'}, {"&quot;", '"'}};
    char *p = arena_new(a, s.n + 1);
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        for (size_t k = 0; k < COUNT(known); k++)
            if (str_starts(str_from(s, i), str_c(known[k].entity))) {
                c = known[k].c;
                i += strlen(known[k].entity) - 1;
                break;
            }
        p[n++] = c;
    }
    return str_make(p, n);
}

static struct str between(struct str s, size_t from, const char *end) {
    const char *at = memmem(s.p + from, s.n - from, end, strlen(end));
    return at ? str_make(s.p + from, (size_t)(at - s.p) - from) : STR_NONE;
}

/* The leaves of <message>…</message>, each with the fields of the header in front of it. */
static void expected_read(struct check *c, struct str xml) {
    struct expected next = {0};
    for (size_t i = 0; i < xml.n; i++) {
        struct str rest = str_from(xml, i);
        if (str_starts(rest, str_c("<header>"))) {
            next.fields_n = 0;
        } else if (str_starts(rest, str_c("<field>"))) {
            assert_true(next.fields_n < COUNT(next.fields));
            next.fields[next.fields_n++] =
                plain(&c->arena, str_trim(between(xml, i + 7, "</field>")));
        } else if (str_starts(rest, str_c("<text-body name=\"")) ||
                   str_starts(rest, str_c("<binary-body name=\""))) {
            struct str name = between(xml, (size_t)str_find(rest, '"') + i + 1, "\"");
            assert_true(c->parts_n < PARTS_MAX);
            snprintf(next.file, sizeof next.file, "%.*s", STR_ARG(name));
            c->parts[c->parts_n++] = next;
        }
    }
}

/* Line ends aside: the authors' files have those of their system. */
static bool same_bytes(struct str a, struct str b) {
    size_t i = 0, k = 0;
    while (i < a.n || k < b.n) {
        if (i < a.n && a.p[i] == '\r')
            i++;
        else if (k < b.n && b.p[k] == '\r')
            k++;
        else if (i == a.n || k == b.n || a.p[i++] != b.p[k++])
            return false;
    }
    return true;
}

static bool same_fields(struct check *c, const struct mime_part *p, const struct expected *e) {
    struct header_walk w = {.rest = p->header};
    struct header_field f;
    size_t n = 0;
    while (header_next(&w, &f)) {
        struct str whole = header_unfold(&c->arena, f.whole);
        if (n == e->fields_n || !str_eq(whole, header_unfold(&c->arena, e->fields[n])))
            return false;
        n++;
    }
    return n == e->fields_n;
}

/* Theirs leaves out the last one or two bytes of base64 that is not padded; they are there. */
static bool lacks_unpadded_end(const struct mime_part *p, struct str decoded, struct str expected) {
    return p->coding == MIME_CODING_BASE64 && decoded.n > expected.n &&
           decoded.n - expected.n <= 2 && str_starts(decoded, expected);
}

static void leaf_check(struct check *c, const struct mime_part *p) {
    struct buf expected, decoded;
    const struct expected *e = &c->parts[c->at++];
    c->total++;
    if (c->at > c->parts_n) {
        printf("  differs: %s: a part more than expected\n", c->mail);
        return;
    }
    buf_init(&expected, 64 << 20);
    buf_init(&decoded, 64 << 20);
    mime_decode(&decoded, p->body, p->coding);
    bool bytes = file_read(e->file, &expected) && same_bytes(buf_str(&decoded), buf_str(&expected));
    bool fields = same_fields(c, p, e);
    if (!bytes && lacks_unpadded_end(p, buf_str(&decoded), buf_str(&expected))) {
        printf("  differs: %s lacks the end of unpadded base64; ours counts\n", e->file);
        bytes = true;
    }
    if (bytes && fields)
        c->right++;
    else
        printf("  differs: %s:%s%s (%zu bytes, %zu expected)\n", e->file, bytes ? "" : " bytes",
               fields ? "" : " fields", decoded.n, expected.n);
    buf_clear(&expected);
    buf_clear(&decoded);
}

/* The authors look into a mail inside a mail too. */
static void tree_check(struct check *c, const struct mime_part *p) {
    struct warnings w = {0};
    struct mime_work work = {0};
    if (str_is(p->type, "message/rfc822"))
        tree_check(c, mime_part_read_entity(&c->arena, p->body, &w, &work));
    else if (mime_part_is_multipart(p))
        for (const struct mime_part *child = p->children; child; child = child->next)
            tree_check(c, child);
    else
        leaf_check(c, p);
}

static void mail_check(struct check *c, const char *name) {
    struct warnings w = {0};
    struct mime_work work = {0};
    struct buf mail, xml;
    char xml_name[300];
    buf_init(&mail, 64 << 20);
    buf_init(&xml, 64 << 20);
    arena_init(&c->arena);
    c->parts_n = c->at = 0;
    c->mail = name;
    snprintf(xml_name, sizeof xml_name, "%.*s_decoded.xml", (int)(strlen(name) - 4), name);
    assert_true(file_read(name, &mail) && file_read(xml_name, &xml));
    expected_read(c, buf_str(&xml));
    struct headers top;
    headers_read(&c->arena, buf_str(&mail), &top);
    tree_check(c, mime_part_read(&c->arena, &top, &w, &work));
    for (; c->at < c->parts_n; c->at++) {
        printf("  differs: %s: not found\n", c->parts[c->at].file);
        c->total++;
    }
    arena_clear(&c->arena);
    buf_clear(&mail);
    buf_clear(&xml);
}

static void parts_are_what_their_authors_found(void **state) {
    struct check *c = NEW(struct check);
    DIR *d = opendir(FOLDER);
    (void)state;
    if (!d) {
        printf("no " FOLDER ": skipped\n");
        mem_freep(&c);
        skip();
    }
    for (struct dirent *e; (e = readdir(d));)
        if (strlen(e->d_name) > 4 && !strcmp(e->d_name + strlen(e->d_name) - 4, ".msg"))
            mail_check(c, e->d_name);
    closedir(d);
    printf("corpus mime4j: %zu of %zu\n", c->right, c->total);
    assert_true(c->total > 0 && c->right * 100 >= c->total * FLOOR);
    mem_freep(&c);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(parts_are_what_their_authors_found)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
