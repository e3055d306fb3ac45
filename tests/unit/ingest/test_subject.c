/* Subjects without their marks, and the threads of others run through our joining. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <jansson.h>
#include <stdio.h>

#include <touchline/kit/own.h>

#include "ingest/conversation.h"
#include "ingest/letter.h"
#include "ingest/subject.h"
#include "touchpoint/touchpoint.h"

#define CORPUS "../shared/corpora/jwz-threading/threads.json"
enum { MESSAGES_MAX = 100, FLOOR = 97 };

static const struct {
    const char *in, *base;
    unsigned depth;
    bool forwarded;
} cases[] = {
    {"Order", "order", 0, false},
    {"  Re:  Order \t 12 ", "order 12", 1, false},
    {"RE: AW: Antw: Order", "order", 3, false},
    {"Re[4]: Order", "order", 4, false},
    {"Re(2): Re^3: Order", "order", 5, false},
    {"[list] Re: [list] Re: Order", "order", 2, false},
    {"Re [list]: Order", "order", 1, false},
    {"[Only this]", "[only this]", 0, false},
    {"Order (fwd) (fwd)", "order", 0, false},
    {"[Fwd: Re: Order]", "order", 1, true},
    {"WG: Order", "order", 0, true},
    {"RE : Order", "order", 1, false},
    {"回复：订单", "订单", 1, false},
    {"Отв: Заказ", "Заказ", 1, false},
    {"Reset: it", "reset: it", 0, false},
    {"Re: ", "", 1, false},
    {"", "", 0, false},
    {"[", "[", 0, false},
    {"[fwd:]", "", 0, true},
};

static void marks_are_taken_off_subjects(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct subject s;
        subject_read(str_c(cases[i].in), &s);
        if (!str_is(s.base, cases[i].base) || s.depth != cases[i].depth ||
            s.forwarded != cases[i].forwarded)
            fail_msg("%s: \"%.*s\" %u", cases[i].in, STR_ARG(s.base), s.depth);
    }
}

static void a_long_subject_is_read_in_time(void **state) {
    static char text[200000];
    struct subject s;
    (void)state;
    for (size_t i = 0; i + 4 < sizeof text; i += 4)
        memcpy(text + i, "Re: ", 4);
    subject_read(str_make(text, sizeof text - 4), &s);
    assert_int_equal(s.base.n, 0);
    memset(text, '[', sizeof text);
    subject_read(str_make(text, sizeof text), &s);
    assert_int_equal(s.base.n, SUBJECT_BASE_MAX);
}

/* A contact's slot as the store keeps it: message ids, threads and subjects to conversations. */
struct shelf {
    struct {
        char message_id[100], root[100], subject[LOOK_FIELD_MAX];
        size_t conversation;
    } items[MESSAGES_MAX];
    struct conversation conversations[MESSAGES_MAX];
    size_t n;
};

static void keep(struct str s, char out[100]) {
    snprintf(out, 100, "%.*s", STR_ARG(s));
}

/* The conversation's number that the message joined; it is on the shelf then. */
static size_t shelf_join(struct shelf *all, const json_t *m) {
    static const struct id contact = {.b = {1}};
    struct reference_fact refs[MESSAGES_MAX];
    struct conversation_choice c;
    char subject[LOOK_FIELD_MAX], root[100];
    json_t *json = json_object();
    struct touchpoint tp = {.json = json,
                            .channel = STR("email"),
                            .source = STR("email:support"),
                            .direction = STR("inbound")};
    size_t refs_n = 0, own = all->n;
    json_t *list = json_array();
    json_object_set_new(json, "references", list);
    const char *text = json_string_value(json_object_get(m, "references"));
    struct str rest = str_c(text);
    while (rest.n) {
        struct str id = str_cut(&rest, ' ');
        if (id.n)
            json_array_append_new(list, json_stringn(id.p, id.n));
    }
    tp.subject = str_c(json_string_value(json_object_get(m, "subject")));
    tp.message_id = str_c(json_string_value(json_object_get(m, "message_id")));
    keep(letter_root(&tp), root);
    bool has_subject = letter_subject_field(&tp, subject).n > 0;
    struct open_fact open = {.part = contact};
    for (size_t r = json_array_size(list); r-- > 0;)
        for (size_t i = 0; i < all->n; i++)
            if (str_is(message_id_bare(str_c(json_string_value(json_array_get(list, r)))),
                       all->items[i].message_id))
                refs[refs_n++] = (struct reference_fact){
                    .found = true,
                    .ours = true,
                    .conversation_id = {.b = {(uint8_t)all->items[i].conversation}},
                    .conversation = &all->conversations[all->items[i].conversation]};
    for (size_t i = 0; i < all->n; i++) {
        if (!strcmp(all->items[i].root, root))
            open.thread = &all->conversations[all->items[i].conversation];
        if (has_subject && !memcmp(all->items[i].subject, subject, sizeof subject))
            open.open = &all->conversations[all->items[i].conversation];
    }
    conversation_choose(&tp, contact, refs, refs_n, &open, 1, &c);
    size_t joined = c.existing ? (size_t)c.existing->id.b[0] : own;
    keep(message_id_bare(tp.message_id), all->items[own].message_id);
    memcpy(all->items[own].root, root, sizeof root);
    memset(all->items[own].subject, 0, sizeof subject);
    if (has_subject)
        memcpy(all->items[own].subject, subject, sizeof subject);
    all->items[own].conversation = joined;
    all->conversations[own].id.b[0] = (uint8_t)own;
    all->n++;
    json_decref(json);
    return joined;
}

/* The author's tree: a line that is not indented begins a thread; its messages in order of the
 * tree, by subject. Two subjects alike in two threads count as right in either. */
static size_t thread_of_line(const char *tree, const char *subject, size_t not_below) {
    size_t root = 0;
    bool begun = false;
    while (*tree) {
        const char *end = strchr(tree, '\n');
        size_t n = end ? (size_t)(end - tree) : strlen(tree);
        if (*tree != ' ') {
            root += begun;
            begun = true;
        }
        struct str line = str_trim(str_make(tree, n));
        if (root >= not_below && str_is(line, subject))
            return root;
        tree += n + (end != NULL);
    }
    return SIZE_MAX;
}

static void threads_are_joined_as_their_author_expects(void **state) {
    json_t *all = json_load_file(CORPUS, 0, NULL), *set, *one;
    size_t i, k, right = 0, total = 0;
    (void)state;
    if (!all) {
        printf("no " CORPUS ": skipped\n");
        skip();
    }
    json_array_foreach(json_object_get(all, "threads"), i, set) {
        struct shelf *shelf = NEW(struct shelf);
        size_t root_of[MESSAGES_MAX];
        const char *tree = json_string_value(json_object_get(set, "expected_tree"));
        json_array_foreach(json_object_get(set, "messages"), k, one) {
            const char *subject = json_string_value(json_object_get(one, "subject"));
            size_t joined = shelf_join(shelf, one), root = thread_of_line(tree, subject, 0);
            bool good = joined == k || (root != SIZE_MAX && root_of[joined] == root);
            root_of[k] = root;
            for (size_t e = 0; joined == k && e < k; e++)
                good = good && (root_of[e] != root || root == SIZE_MAX);
            if (!good)
                printf("  differs: %s: %s\n", json_string_value(json_object_get(set, "test")),
                       subject);
            right += good;
            total++;
        }
        free(shelf);
    }
    json_array_foreach(json_object_get(all, "base_subjects"), i, one) {
        struct subject s;
        subject_read(str_c(json_string_value(json_object_get(one, "in"))), &s);
        bool good = str_is(s.base, json_string_value(json_object_get(one, "base"))) &&
                    s.depth == (unsigned)json_integer_value(json_object_get(one, "depth"));
        if (!good)
            printf("  differs: %s\n", json_string_value(json_object_get(one, "in")));
        right += good;
        total++;
    }
    json_decref(all);
    printf("corpus jwz-threading: %zu of %zu\n", right, total);
    assert_true(right * 100 >= total * FLOOR);
}

static struct touchpoint with_references(json_t *json, const char *id) {
    return (struct touchpoint){.json = json,
                               .channel = STR("email"),
                               .source = STR("email:support"),
                               .direction = STR("inbound"),
                               .message_id = str_c(id)};
}

static void a_loop_of_references_is_harmless(void **state) {
    json_t *first = json_pack("{s:o,s:[s],s:[s,s]}", "subject", json_null(), "in_reply_to", "<b@x>",
                              "references", "<b@x>", "<a@x>");
    struct touchpoint tp = with_references(first, "<a@x>");
    (void)state;
    assert_true(str_is(letter_root(&tp), "b@x"));
    json_decref(first);
    tp = with_references(NULL, "<a@x>");
    assert_true(str_is(letter_root(&tp), "a@x"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(marks_are_taken_off_subjects),
        cmocka_unit_test(a_long_subject_is_read_in_time),
        cmocka_unit_test(threads_are_joined_as_their_author_expects),
        cmocka_unit_test(a_loop_of_references_is_harmless),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
