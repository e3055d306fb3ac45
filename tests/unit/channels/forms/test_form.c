/* forms/form.c: from bytes to fields, from fields to a touchpoint, and what is wrong told by name.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include <touchline/kit/jread.h>

#include "forms/form.h"

enum { JSON_MAX = 4 << 20 };

#define URLENCODED "application/x-www-form-urlencoded"
#define MULTIPART "multipart/form-data; boundary=XX"
#define PART "--XX\r\nContent-Disposition: form-data; name="

static const struct tl_pair pairs[] = {
    {STR("name"), STR("from.name")},     {STR("email"), STR("from.email")},
    {STR("phone"), STR("from.phone")},   {STR("crm"), STR("from.external.crm")},
    {STR("subject"), STR("subject")},    {STR("message"), STR("text")},
    {STR("order"), STR("data.order")},   {STR("wish"), STR("data.deep.wish")},
    {STR("a/b~c"), STR("data.slashed")},
};
static const struct str message[] = {STR("message")}, either[] = {STR("email"), STR("phone")},
                        slashed[] = {STR("a/b~c")};
static const struct tl_strs groups[] = {{message, 1}, {either, 2}};
static const struct tl_strs slashed_groups[] = {{slashed, 1}};
static const struct form_config config = {.name = STR("contact"),
                                          .fields = {pairs, COUNT(pairs)},
                                          .required = {groups, COUNT(groups)},
                                          .honeypot = STR("website")};

/* One submission taken in, with what was said of it. */
struct sent {
    struct arena arena;
    struct form_data data;
    struct fault fault;
    int status;
    bool taken;
};

static struct sent *send(const char *type, struct str body) {
    struct sent *s = NEW(struct sent);
    arena_init(&s->arena);
    s->taken = form_parse(&s->arena, NULL, str_c(type), body, &s->data, &s->status, &s->fault);
    return s;
}

static void sent_free(struct sent *s) {
    arena_clear(&s->arena);
    free(s);
}

/* All fields as "name=value|…", files as "name:filename:type:bytes|". */
static void assert_holds(const struct sent *s, const char *expected) {
    char text[2000] = "";
    size_t n = 0;
    for (size_t i = 0; i < s->data.fields_n; i++)
        n += (size_t)snprintf(text + n, sizeof text - n, "%.*s=%.*s|",
                              STR_ARG(s->data.fields[i].name), STR_ARG(s->data.fields[i].value));
    for (size_t i = 0; i < s->data.files_n; i++) {
        const struct form_file *f = &s->data.files[i];
        n += (size_t)snprintf(text + n, sizeof text - n, "%.*s:%.*s:%.*s:%.*s|", STR_ARG(f->name),
                              STR_ARG(f->filename), STR_ARG(f->type), STR_ARG(f->bytes));
    }
    assert_string_equal(text, expected);
}

static void every_encoding_gives_the_same_fields(void **state) {
    (void)state;
    static const struct {
        const char *type, *body, *holds;
    } cases[] = {
        {URLENCODED, "name=Jana+Wei%C3%9F&email=a%40b.de", "name=Jana Weiß|email=a@b.de|"},
        {"Application/X-WWW-Form-Urlencoded ; charset=UTF-8", "name=a%zz&&=x&b",
         "name=a%zz|=x|b=|"},
        {URLENCODED, "a=1;b=2&a=3", "a=1;b=2|a=3|"},
        {URLENCODED, "a=%ff", "a=\xef\xbf\xbd|"},
        {URLENCODED, "", ""},
        {"application/json",
         "{\"name\":\"Jana\",\"n\":12,\"x\":1.5,\"t\":true,\"f\":false,\"z\":null}",
         "name=Jana|n=12|x=1.5|t=true|f=false|z=|"},
        {"application/json;charset=utf-8", "\xef\xbb\xbf{\"a\":\"\\u00e9\"}", "a=é|"},
        {MULTIPART,
         PART "name\r\n\r\nJana\r\n" PART "f; filename=\"C:\\\\dir\\\\a b.txt\"\r\nContent-Type: "
              "Text/Plain; charset=utf-8\r\n\r\nhello\r\n--XX--\r\n",
         "name=Jana|f:a b.txt:text/plain:hello|"},
        {MULTIPART, PART "f; filename=\"\"\r\n\r\n\r\n--XX--", ""},
        {MULTIPART, PART "f; filename=\"a\"\r\n\r\n\r\n--XX--", "f:a::|"},
        {MULTIPART, PART "a\r\n\r\n\xff\r\n--XX--", "a=\xef\xbf\xbd|"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct sent *s = send(cases[i].type, str_c(cases[i].body));
        if (!s->taken)
            fail_msg("case %zu: %d %s", i, s->status, s->fault.reason);
        assert_holds(s, cases[i].holds);
        sent_free(s);
    }
}

static void what_cannot_be_read_says_how(void **state) {
    (void)state;
    static const struct {
        const char *type, *body;
        int status;
        const char *says;
    } cases[] = {
        {"text/plain", "name=x", 415, "multipart/form-data"},
        {"", "name=x", 415, "multipart/form-data"},
        {"application/jsonx", "{}", 415, "application/json"},
        {"application/json", "{\"a\":", 400, "ends too early"},
        {"application/json", "{\"a\":1,\"a\":2}", 400, "twice"},
        {"application/json", "[]", 422, "object"},
        {"application/json", "{\"a\":[1]}", 422, "list"},
        {"application/json", "{\"a\":{}}", 422, "list or an object"},
        {"application/json", "", 400, "JSON"},
        {"multipart/form-data", "--XX--", 400, "boundary"},
        {MULTIPART, "--YY\r\n\r\n", 400, "boundary"},
        {MULTIPART, PART "a\r\n\r\nx", 400, "closing"},
        {MULTIPART, "--XX\r\n\r\nx\r\n--XX--", 400, "headers"},
        {MULTIPART, "--XX\r\nContent-Type: a/b\r\n\r\nx\r\n--XX--", 400, "no name"},
        {MULTIPART, PART "a\r\nContent-Type: multipart/mixed\r\n\r\nx\r\n--XX--", 400, "nested"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct sent *s = send(cases[i].type, str_c(cases[i].body));
        if (s->taken || s->status != cases[i].status || !strstr(s->fault.reason, cases[i].says))
            fail_msg("case %zu: taken=%d status=%d %s", i, s->taken, s->status, s->fault.reason);
        assert_int_equal(s->fault.kind, FAULT_INPUT);
        sent_free(s);
    }
}

/* `piece` so many times, with what stands before and behind. */
static struct str repeat(struct buf *b, const char *before, const char *piece, size_t times,
                         const char *behind) {
    buf_init(b, 64 << 20);
    assert_true(buf_add_c(b, before));
    for (size_t i = 0; i < times; i++)
        assert_true(buf_add_c(b, piece));
    assert_true(buf_add_c(b, behind));
    return buf_str(b);
}

static void each_limit_holds_at_its_very_edge(void **state) {
    (void)state;
    static const struct {
        const char *type, *before, *piece, *behind;
        size_t times; /* the most that is taken; one more is refused so: */
        int status;
    } cases[] = {
        {URLENCODED, "", "a=1&", "", FORM_FIELDS_MAX, 422},
        {URLENCODED, "message=", "x", "", FORM_FIELD_BYTES_MAX, 413},
        {"application/json", "{\"a\":\"", "x", "\"}", FORM_FIELD_BYTES_MAX, 413},
        {MULTIPART, PART "a\r\n\r\n", "x", "\r\n--XX--", FORM_FIELD_BYTES_MAX, 413},
        {MULTIPART, "", PART "a\r\n\r\n1\r\n", "--XX--", FORM_FIELDS_MAX, 422},
        {MULTIPART, "", PART "f; filename=a\r\n\r\n1\r\n", "--XX--", FORM_FILES_MAX, 413},
    };
    for (size_t i = 0; i < COUNT(cases); i++)
        for (size_t more = 0; more < 2; more++) {
            struct buf b;
            struct sent *s = send(cases[i].type, repeat(&b, cases[i].before, cases[i].piece,
                                                        cases[i].times + more, cases[i].behind));
            if (s->taken == (more == 1) || (more && s->status != cases[i].status))
                fail_msg("case %zu, %zu more: status %d %s", i, more, s->status, s->fault.reason);
            sent_free(s);
            buf_clear(&b);
        }
}

static void ten_thousand_parts_and_two_megabytes_are_too_large(void **state) {
    (void)state;
    struct buf b;
    struct sent *s = send(MULTIPART, repeat(&b, "", PART "a\r\n\r\n1\r\n", 10000, "--XX--"));
    assert_false(s->taken);
    assert_int_equal(s->status, 413);
    sent_free(s);
    buf_clear(&b);
    s = send(URLENCODED, repeat(&b, "", "&", FORM_PLAIN_BYTES_MAX + 1, ""));
    assert_false(s->taken);
    assert_int_equal(s->status, 413);
    sent_free(s);
    buf_clear(&b);
}

/* ---- check ---- */

static void assert_faults(const struct form_config *c, const char *body, const char *expected) {
    struct sent *s = send(URLENCODED, str_c(body));
    struct fault_list faults;
    char text[1000] = "";
    size_t n = 0;
    assert_true(s->taken);
    fault_list_init(&faults, 10);
    assert_int_equal(form_check(c, &s->data, &faults), expected[0] == '\0');
    for (size_t i = 0; i < faults.n; i++)
        n += (size_t)snprintf(text + n, sizeof text - n, "%s: %s\n", faults.items[i].place,
                              faults.items[i].reason);
    assert_string_equal(text, expected);
    fault_list_clear(&faults);
    sent_free(s);
}

static void all_that_is_missing_or_unknown_is_told_at_once(void **state) {
    (void)state;
    struct form_config odd = config;
    char long_id[400] = "email=a@b.de&message=x&submission_id=";
    odd.required = (struct tl_groups){slashed_groups, 1};
    assert_faults(&config, "email=a%40b.de&message=Hi", "");
    assert_faults(&config, "phone=030&message=Hi&_charset_=utf-8&submission_id=1&website=", "");
    assert_faults(&config, "email=&phone=+&message=Hi",
                  "/email: one of these is needed\n/phone: one of these is needed\n");
    assert_faults(&config, "message=%20%0D%0A",
                  "/message: is needed\n/email: one of these is needed\n"
                  "/phone: one of these is needed\n");
    assert_faults(&config, "email=a@b.de&message=Hi&<script>=1&other=2",
                  ": there is a field that this form does not have\n");
    assert_faults(&odd, "", "/a~1b~0c: is needed\n");
    memset(long_id + strlen(long_id), 'x', 255);
    assert_faults(&config, long_id, "");
    strcat(long_id, "x");
    assert_faults(&config, long_id, "/submission_id: longer than 255 bytes\n");
}

static void a_file_fills_a_required_field(void **state) {
    (void)state;
    static const struct str photo[] = {STR("photo")};
    static const struct tl_strs needed[] = {{photo, 1}};
    struct form_config c = config;
    struct fault_list faults;
    c.required = (struct tl_groups){needed, 1};
    fault_list_init(&faults, 10);
    struct sent *s = send(MULTIPART, str_c(PART "photo; filename=a.png\r\n\r\nx\r\n--XX--"));
    assert_true(form_check(&c, &s->data, &faults));
    sent_free(s);
    s = send(MULTIPART, str_c(PART "other; filename=a.png\r\n\r\nx\r\n--XX--"));
    assert_false(form_check(&c, &s->data, &faults));
    sent_free(s);
    fault_list_clear(&faults);
}

static void the_honeypot_is_sprung_by_words_alone(void **state) {
    (void)state;
    static const struct {
        const char *body;
        bool trapped;
    } cases[] = {{"message=x", false}, {"website=", false},  {"website=+%09", false},
                 {"website=x", true},  {"Website=x", false}, {"=x", false}};
    struct form_config none = config;
    none.honeypot = STR_NONE;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct sent *s = send(URLENCODED, str_c(cases[i].body));
        assert_int_equal(form_trapped(&config, &s->data), cases[i].trapped);
        assert_false(form_trapped(&none, &s->data));
        sent_free(s);
    }
}

/* ---- touchpoint ---- */

static json_t *written(const char *type, const char *body) {
    struct sent *s = send(type, str_c(body));
    struct buf out;
    json_t *j;
    buf_init(&out, JSON_MAX);
    assert_true(s->taken);
    assert_true(form_write(&config, &s->data, &out));
    assert_true(jread_parse(buf_str(&out), JSON_MAX, &j, NULL));
    buf_clear(&out);
    sent_free(s);
    return j;
}

static void assert_written(const char *type, const char *body, const char *expected) {
    json_t *got = written(type, body), *want = json_loads(expected, 0, NULL);
    assert_non_null(want);
    json_object_set_new(want, "channel", json_string("form"));
    json_object_set_new(want, "kind", json_string("submission"));
    json_object_set_new(want, "direction", json_string("inbound"));
    if (!json_equal(got, want)) {
        char *text = json_dumps(got, 0);
        fail_msg("%s\n gave %s\n not  %s", body, text, expected);
    }
    json_decref(got);
    json_decref(want);
}

static void fields_go_to_their_places(void **state) {
    (void)state;
    assert_written(
        URLENCODED, "name=+Jana+&email=a%40b.de&crm=4711&subject=Hi&order=1&wish=more",
        "{\"from\":{\"name\":\"Jana\",\"email\":\"a@b.de\",\"external\":{\"crm\":\"4711\"}},"
        "\"subject\":\"Hi\",\"data\":{\"order\":\"1\",\"deep\":{\"wish\":\"more\"}}}");
    assert_written(URLENCODED,
                   "message=+Where+is+it%3F%0D%0A&phone=", "{\"text\":\" Where is it?\\r\\n\"}");
    assert_written(URLENCODED, "website=x&submission_id=1&_charset_=utf-8", "{}");
    assert_written(MULTIPART,
                   PART "f; filename=a.bin\r\n\r\n\xff\x01\r\n" PART
                        "g; filename=\r\nContent-Type: image/png\r\n\r\nx\r\n--XX--",
                   "{\"attachments\":[{\"name\":\"a.bin\",\"type\":\"application/octet-stream\","
                   "\"data\":\"/wE=\"},{\"name\":\"\",\"type\":\"image/png\",\"data\":\"eA==\"}]}");
}

static void of_a_repeated_field_an_identity_is_the_first_and_data_a_list(void **state) {
    (void)state;
    assert_written(URLENCODED, "email=&email=a@b.de&email=c@d.de&message=one&message=two&message=",
                   "{\"from\":{\"email\":\"a@b.de\"},\"text\":\"one\\ntwo\"}");
    assert_written(URLENCODED, "order=1&order=2&order=3&subject=a&subject=b",
                   "{\"subject\":\"a\",\"data\":{\"order\":[\"1\",\"2\",\"3\"]}}");
}

static void a_place_in_the_touchpoint_leads_back_to_its_field(void **state) {
    (void)state;
    static const struct {
        const char *pointer, *field; /* NULL: none */
    } cases[] = {{"/from/email", "email"},
                 {"/text", "message"},
                 {"/data/deep/wish", "wish"},
                 {"/from", NULL},
                 {"/from/emai", NULL},
                 {"/from/emails", NULL},
                 {"", NULL},
                 {"/data/order", "order"}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct str field = form_field_of(&config, str_c(cases[i].pointer));
        assert_int_equal(field.p != NULL, cases[i].field != NULL);
        assert_true(!cases[i].field || str_is(field, cases[i].field));
    }
}

/* ---- who ---- */

static void ipv6_counts_by_its_64(void **state) {
    (void)state;
    static const struct {
        const char *peer, *network;
    } cases[] = {{"192.0.2.1", "192.0.2.1"},
                 {"2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"},
                 {"2001:db8:1:2::9", "2001:db8:1:2::/64"},
                 {"2001:db8:1:3::9", "2001:db8:1:3::/64"},
                 {"::ffff:192.0.2.1", "::ffff:192.0.2.1"},
                 {"unix", "unix"},
                 {"", ""}};
    struct arena a;
    arena_init(&a);
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_true(str_is(form_network(&a, str_c(cases[i].peer)), cases[i].network));
    arena_clear(&a);
}

static void the_same_is_only_what_is_the_same_in_every_part(void **state) {
    (void)state;
    static const struct {
        const char *type, *body, *peer;
    } cases[] = {
        {URLENCODED, "a=1&b=2", "x"},
        {URLENCODED, "a=1&b=2", "y"},
        {URLENCODED, "a=1b&=2", "x"},
        {URLENCODED, "b=2&a=1", "x"},
        {URLENCODED, "a=1", "x"},
        {URLENCODED, "a1=", "x"},
        {MULTIPART, PART "f; filename=a\r\n\r\n1\r\n--XX--", "x"},
        {MULTIPART, PART "f; filename=a\r\n\r\n2\r\n--XX--", "x"},
        {MULTIPART, PART "a\r\n\r\n1\r\n--XX--", "x"},
    };
    struct buf all[COUNT(cases)];
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct sent *s = send(cases[i].type, str_c(cases[i].body));
        buf_init(&all[i], JSON_MAX);
        assert_true(form_sameness(&s->data, str_c(cases[i].peer), &all[i]));
        sent_free(s);
    }
    for (size_t i = 0; i < COUNT(cases); i++)
        for (size_t k = 0; k < i; k++) {
            bool same = str_eq(buf_str(&all[i]), buf_str(&all[k]));
            if (same != (k == 4 && i == 8)) /* one field in two encodings */
                fail_msg("cases %zu and %zu", k, i);
        }
    for (size_t i = 0; i < COUNT(cases); i++)
        buf_clear(&all[i]);
}

/* ---- collected samples ---- */

static struct str file_read(const char *path, struct buf *out) {
    FILE *f = fopen(path, "rb");
    char chunk[4096];
    size_t n;
    buf_init(out, 1 << 20);
    if (!f)
        return STR_NONE;
    while ((n = fread(chunk, 1, sizeof chunk, f)) > 0)
        assert_true(buf_add(out, str_make(chunk, n)));
    fclose(f);
    return buf_str(out);
}

static void the_collected_samples_are_read_as_their_makers_say(void **state) {
    (void)state;
    static const struct {
        const char *name;
        size_t fields, files;
    } cases[] = {{"single_field", 1, 0},          {"multiple_fields", 2, 0},
                 {"single_file", 0, 1},           {"utf8_filename", 0, 1},
                 {"almost_match_boundary", 0, 1}, {"crlf_dense_part_data", 0, 1}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        char path[200], type[200];
        struct buf b;
        snprintf(path, sizeof path, "../shared/corpora/python-multipart/http/%s.http",
                 cases[i].name);
        struct str body = file_read(path, &b);
        if (!body.p) {
            print_message("skipped: the corpora are not here (%s)\n", path);
            skip();
        }
        struct str first = str_trim(str_upto(body, (size_t)str_find(body, '\n')));
        snprintf(type, sizeof type, "multipart/form-data; boundary=%.*s",
                 STR_ARG(str_from(first, 2)));
        struct sent *s = send(type, body);
        if (!s->taken || s->data.fields_n != cases[i].fields || s->data.files_n != cases[i].files)
            fail_msg("%s: %s, %zu fields, %zu files", cases[i].name, s->fault.reason,
                     s->data.fields_n, s->data.files_n);
        sent_free(s);
        buf_clear(&b);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_encoding_gives_the_same_fields),
        cmocka_unit_test(what_cannot_be_read_says_how),
        cmocka_unit_test(each_limit_holds_at_its_very_edge),
        cmocka_unit_test(ten_thousand_parts_and_two_megabytes_are_too_large),
        cmocka_unit_test(all_that_is_missing_or_unknown_is_told_at_once),
        cmocka_unit_test(a_file_fills_a_required_field),
        cmocka_unit_test(the_honeypot_is_sprung_by_words_alone),
        cmocka_unit_test(fields_go_to_their_places),
        cmocka_unit_test(of_a_repeated_field_an_identity_is_the_first_and_data_a_list),
        cmocka_unit_test(a_place_in_the_touchpoint_leads_back_to_its_field),
        cmocka_unit_test(ipv6_counts_by_its_64),
        cmocka_unit_test(the_same_is_only_what_is_the_same_in_every_part),
        cmocka_unit_test(the_collected_samples_are_read_as_their_makers_say),
    };
    return cmocka_run_group_tests_name("forms/form", tests, NULL, NULL);
}
