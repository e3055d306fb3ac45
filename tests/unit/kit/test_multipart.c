/* kit/multipart.c: cases of our own, and the collected samples where they are. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include <touchline/kit/base64.h>
#include <touchline/kit/multipart.h>

enum { PARTS_MAX = 8 };

static const char type_b[] = "multipart/form-data; boundary=b";

static bool parse(struct arena *a, const char *content_type, struct str body,
                  struct multipart_part *out, size_t *n, struct fault *f) {
    *n = 99;
    return multipart_parse(a, str_c(content_type), body, out, PARTS_MAX, n, f);
}

static void fields_files_preamble_and_epilogue_are_told_apart(void **state) {
    (void)state;
    cleanup(arena_clear) struct arena a;
    struct multipart_part p[PARTS_MAX];
    size_t n;
    struct fault f = {0};
    arena_init(&a);
    assert_true(parse(&a, "Multipart/Form-Data; charset=utf-8; boundary=\"b c\"",
                      str_c("preamble\r\n--b c\r\n"
                            "content-disposition: form-data;\r\n name=\"x\"\r\n\r\n"
                            "one\r\n--b c  \r\n"
                            "Content-Disposition: form-data; name=file; filename=\"a.png\"\r\n"
                            "Content-Type: IMAGE/png; x=y\r\n\r\n"
                            "\r\n--b\r\n--b cc\r\nlast\r\n--b c--\r\nepilogue --b c"),
                      p, &n, &f));
    assert_int_equal(n, 2);
    assert_true(str_is(p[0].name, "x") && str_is(p[0].body, "one"));
    assert_true(!p[0].filename.p && !p[0].type.p);
    assert_true(str_is(p[1].name, "file") && str_is(p[1].filename, "a.png"));
    assert_true(str_is(p[1].type, "image/png"));
    assert_true(str_is(p[1].body, "\r\n--b\r\n--b cc\r\nlast"));
}

static void an_empty_part_is_empty_with_or_without_its_own_line(void **state) {
    (void)state;
    cleanup(arena_clear) struct arena a;
    struct multipart_part p[PARTS_MAX];
    size_t n;
    arena_init(&a);
    assert_true(parse(&a, type_b,
                      str_c("--b\r\nContent-Disposition: form-data; name=x\r\n\r\n\r\n"
                            "--b\r\nContent-Disposition: form-data; name=\"\"\r\n\r\n--b--"),
                      p, &n, NULL));
    assert_int_equal(n, 2);
    assert_int_equal(p[0].body.n, 0);
    assert_int_equal(p[1].body.n, 0);
    assert_non_null(p[1].name.p);
    assert_true(parse(&a, type_b, str_c("--b--"), p, &n, NULL));
    assert_int_equal(n, 0);
}

static void names_and_file_names_are_undone_as_browsers_write_them(void **state) {
    (void)state;
    static const struct {
        const char *params, *name, *filename; /* filename NULL: none */
    } cases[] = {
        {"name=\"a%22b\"", "a\"b", NULL},
        {"name=\"a\\\"b\"", "a\"b", NULL},
        {"name=\"100%\"", "100%", NULL},
        {"name=\"x\"; filename=\"C:\\dir\\mine.txt\"", "x", "mine.txt"},
        {"name=\"x\"; filename=\"../../etc/passwd\"", "x", "passwd"},
        {"name=\"x\"; filename=\"a%0D%0Ab%22\x07.txt\"", "x", "ab\".txt"},
        {"name=\"x\"; filename=\"\"", "x", ""},
        {"name=\"x\"; filename=\"\xff\xc3\x9f\"", "x", "\xef\xbf\xbd\xc3\x9f"},
        {"name=\"x\"; filename=\"plain\"; filename*=UTF-8'de'%e2%82%ac/r.txt", "x", "r.txt"},
        {"name=\"x\"; filename=\"plain\"; filename*=latin9''%a4", "x", "plain"},
        {"name=\"x\"; filename=\"plain\"; filename*=UTF-8''%zz", "x", "plain"},
        {"filename=plain.txt ; name=x", "x", "plain.txt"},
        {"name=\"a;b=c\"", "a;b=c", NULL},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        cleanup(arena_clear) struct arena a;
        struct multipart_part p[PARTS_MAX];
        size_t n;
        struct fault f = {0};
        arena_init(&a);
        struct str body = arena_strf(
            &a, "--b\r\nContent-Disposition: form-data; %s\r\n\r\nv\r\n--b--\r\n", cases[i].params);
        if (!parse(&a, type_b, body, p, &n, &f))
            fail_msg("%s: %s", cases[i].params, f.reason);
        assert_true(str_is(p[0].name, cases[i].name));
        assert_int_equal(p[0].filename.p != NULL, cases[i].filename != NULL);
        if (cases[i].filename && !str_is(p[0].filename, cases[i].filename))
            fail_msg("%s gave %.*s", cases[i].params, STR_ARG(p[0].filename));
    }
}

#define HEAD "Content-Disposition: form-data; name=x\r\n"

static void what_is_malformed_is_refused(void **state) {
    (void)state;
    static const struct {
        const char *type, *body;
    } cases[] = {
        {"text/plain; boundary=b", "--b--"},
        {"multipart/form-data", "--b--"},
        {"multipart/form-data; boundary=", "--b--"},
        {"multipart/form-data; boundary=\"b", "--b--"},
        {"multipart/form-data; boundary=b; boundary=c", "--b--"},
        {"multipart/form-data; boundary=\"b \"", "--b --"},
        {"multipart/form-data; boundary=\"b\tc\"", "--b\tc--"},
        {"multipart/form-data; b", "--b--"},
        {"multipart/form-data; boundary="
         "12345678901234567890123456789012345678901234567890123456789012345678901",
         "--12345678901234567890123456789012345678901234567890123456789012345678901--"},
        {type_b, ""},
        {type_b, "nothing here"},
        {type_b, "--b\r\n" HEAD "\r\nno end"},
        {type_b, "--b\r\n" HEAD "\r\nonly LF\n--b--"},
        {type_b, "--b\r\n" HEAD "\r\nlonger\r\n--bb--"},
        {type_b, "--b\n" HEAD "\r\nv\r\n--b--"},
        {type_b, "--b\r\n\r\nno headers\r\n--b--"},
        {type_b, "--b\r\nContent-Type: text/plain\r\n\r\nno name\r\n--b--"},
        {type_b, "--b\r\nContent-Disposition: form-data\r\n\r\nv\r\n--b--"},
        {type_b, "--b\r\nContent-Disposition: attachment; name=x\r\n\r\nv\r\n--b--"},
        {type_b, "--b\r\nContent-Disposition: form-data; name=\"x\r\n\r\nv\r\n--b--"},
        {type_b, "--b\r\nContent-Disposition: form-data; name=x; name=y\r\n\r\nv\r\n--b--"},
        {type_b, "--b\r\n" HEAD HEAD "\r\nv\r\n--b--"},
        {type_b, "--b\r\nno colon\r\n" HEAD "\r\nv\r\n--b--"},
        {type_b, "--b\r\nX: a\nContent-Disposition: form-data; name=x\r\n\r\nv\r\n--b--"},
        {type_b, "--b\r\n" HEAD "Content-Type: Multipart/mixed; boundary=c\r\n\r\nv\r\n--b--"},
        {type_b, "--b\r\n" HEAD "v\r\n--b--"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        cleanup(arena_clear) struct arena a;
        struct multipart_part p[PARTS_MAX];
        size_t n;
        struct fault f = {0};
        arena_init(&a);
        if (parse(&a, cases[i].type, str_c(cases[i].body), p, &n, &f))
            fail_msg("taken: %zu %s %s", i, cases[i].type, cases[i].body);
        assert_int_equal(f.kind, FAULT_INPUT);
        assert_true(f.reason[0]);
        assert_int_equal(n, 99);
    }
}

static void parts_and_headers_have_bounds(void **state) {
    (void)state;
    cleanup(arena_clear) struct arena a;
    struct multipart_part p[PARTS_MAX];
    size_t n;
    struct fault f = {0};
    arena_init(&a);
    cleanup(buf_clear) struct buf b;
    buf_init(&b, 1 << 20);
    for (int i = 0; i < PARTS_MAX; i++)
        assert_true(buf_add_c(&b, "--b\r\n" HEAD "\r\nv\r\n"));
    size_t eight = b.n;
    assert_true(buf_add_c(&b, "--b--"));
    assert_true(parse(&a, type_b, buf_str(&b), p, &n, &f));
    assert_int_equal(n, PARTS_MAX);
    b.n = eight;
    assert_true(buf_add_c(&b, "--b\r\n" HEAD "\r\nv\r\n--b--"));
    assert_false(parse(&a, type_b, buf_str(&b), p, &n, &f));
    for (int over = 0; over < 2; over++) {
        buf_reset(&b);
        size_t filler = 8192 - strlen(HEAD) - strlen("X: \r\n\r\n") + (size_t)over;
        assert_true(buf_add_c(&b, "--b\r\n" HEAD "X: "));
        memset(buf_reserve(&b, filler), 'y', filler);
        buf_commit(&b, filler);
        assert_true(buf_add_c(&b, "\r\n\r\nv\r\n--b--"));
        assert_int_equal(parse(&a, type_b, buf_str(&b), p, &n, &f), !over);
    }
}

/* ---- The collected samples: X.http with what X.yaml expects of it ---- */

static char *slurp(const char *path, size_t *n) {
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    char *p = malloc(1 << 20);
    *n = fread(p, 1, 1 << 20, file);
    fclose(file);
    return p;
}

static yaml_node_t *get(yaml_document_t *d, yaml_node_t *map, const char *key) {
    if (!map || map->type != YAML_MAPPING_NODE)
        return NULL;
    for (yaml_node_pair_t *p = map->data.mapping.pairs.start; p < map->data.mapping.pairs.top; p++)
        if (!strcmp((char *)yaml_document_get_node(d, p->key)->data.scalar.value, key))
            return yaml_document_get_node(d, p->value);
    return NULL;
}

static struct str text_of(yaml_node_t *node) {
    return node ? str_make((char *)node->data.scalar.value, node->data.scalar.length) : STR_NONE;
}

static void check_part(yaml_document_t *d, yaml_node_t *want, const struct multipart_part *got,
                       const char *path) {
    cleanup(buf_clear) struct buf b64;
    cleanup(buf_clear) struct buf data;
    buf_init(&b64, 1 << 16);
    buf_init(&data, 1 << 16);
    struct str folded = text_of(get(d, want, "data"));
    for (size_t i = 0; i < folded.n; i++)
        if (folded.p[i] > ' ')
            assert_true(buf_add_byte(&b64, folded.p[i]));
    assert_true(base64_decode(&data, buf_str(&b64), false));
    assert_true(str_eq(got->name, text_of(get(d, want, "name"))));
    assert_true(str_eq(got->filename, text_of(get(d, want, "file_name"))));
    assert_true(str_eq(got->type, text_of(get(d, want, "content_type"))));
    if (strstr(path, "quoted_printable")) {
        /* Differs: RFC 7578 4.7 took Content-Transfer-Encoding away; bytes stay as they came. */
        assert_true(str_is(got->body, "foo=3Dbar"));
        return;
    }
    assert_true(str_eq(got->body, buf_str(&data)));
}

static void check_sample(const char *yaml_path) {
    cleanup(arena_clear) struct arena a;
    struct multipart_part parts[PARTS_MAX];
    char http_path[512];
    size_t yaml_n, http_n, n;
    struct fault f = {0};
    yaml_parser_t parser;
    yaml_document_t d;
    arena_init(&a);
    snprintf(http_path, sizeof http_path, "%.*shttp", (int)strlen(yaml_path) - 4, yaml_path);
    char *yaml = slurp(yaml_path, &yaml_n), *http = slurp(http_path, &http_n);
    assert_true(yaml_parser_initialize(&parser));
    yaml_parser_set_input_string(&parser, (unsigned char *)yaml, yaml_n);
    assert_true(yaml_parser_load(&parser, &d));
    yaml_node_t *root = yaml_document_get_root_node(&d), *want = get(&d, root, "expected");
    struct str type = arena_strf(&a, "multipart/form-data; boundary=\"%.*s\"",
                                 STR_ARG(text_of(get(&d, root, "boundary"))));
    bool ok = multipart_parse(&a, type, str_make(http, http_n), parts, PARTS_MAX, &n, &f);
    if (ok != (want->type == YAML_SEQUENCE_NODE))
        fail_msg("%s: %d %s", http_path, ok, f.reason);
    if (ok) {
        yaml_node_item_t *first = want->data.sequence.items.start;
        assert_int_equal(n, want->data.sequence.items.top - first);
        for (size_t i = 0; i < n; i++)
            check_part(&d, yaml_document_get_node(&d, first[i]), &parts[i], http_path);
    }
    yaml_document_delete(&d);
    yaml_parser_delete(&parser);
    free(yaml);
    free(http);
}

static void collected_samples_are_read_as_their_authors_expect(void **state) {
    (void)state;
    glob_t found;
    if (glob("../shared/corpora/python-multipart/http/*.yaml", 0, NULL, &found) != 0) {
        print_message("skipped: ../shared/corpora/python-multipart is not here\n");
        skip();
    }
    for (size_t i = 0; i < found.gl_pathc; i++)
        check_sample(found.gl_pathv[i]); /* ends the test at the first that differs, by name */
    print_message("corpus python-multipart: %zu of %zu\n", found.gl_pathc, found.gl_pathc);
    globfree(&found);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields_files_preamble_and_epilogue_are_told_apart),
        cmocka_unit_test(an_empty_part_is_empty_with_or_without_its_own_line),
        cmocka_unit_test(names_and_file_names_are_undone_as_browsers_write_them),
        cmocka_unit_test(what_is_malformed_is_refused),
        cmocka_unit_test(parts_and_headers_have_bounds),
        cmocka_unit_test(collected_samples_are_read_as_their_authors_expect),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
