/* Attachments that are fetched later: durable, tried again, given up, told as a record. A real
 * spool, a real Redis, real blobs; the fetcher answers when the test says so. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "house.h"
#include "ingest/reader.h"
#include "spool/record.h"

/* ---- a channel whose body is one touchpoint ---- */

struct one_read {
    read_done_fn *done;
    void *arg;
    char *text;
};

static void one_done(void *arg) {
    struct one_read *o = arg;
    const struct read_item item = {.type = READ_TOUCHPOINT, .bytes = str_c(o->text)};
    o->done(o->arg, &item, 1, true, false, "");
    free(o->text);
    free(o);
}

static void one_read(void *ctx, const struct record *r, read_done_fn *done, void *arg) {
    struct one_read *o = NEW(struct one_read);
    (void)ctx;
    *o = (struct one_read){done, arg, mem_dup(r->body.p, r->body.n)};
    loop_later(h.loop, one_done, o);
}

/* ---- a fetcher that waits for the test ---- */

enum { ASKED_MAX = 32 };
static struct {
    struct question_asked {
        fetched_fn *done;
        void *arg;
        char word[100];
        uint32_t attempt, max_bytes;
    } asked[ASKED_MAX];
    size_t n, ever;
} fetcher;

static void fake_fetch(void *ctx, const struct tl_attach *what, fetched_fn *done, void *arg) {
    (void)ctx;
    assert_true(fetcher.n < ASKED_MAX);
    struct question_asked *a = &fetcher.asked[fetcher.n++];
    *a = (struct question_asked){done, arg, "", what->attempt, what->max_bytes};
    snprintf(a->word, sizeof a->word, "%.*s", STR_ARG(what->fetch));
    fetcher.ever++;
}

static void answer(const struct tl_attached *with) {
    assert_true(fetcher.n > 0);
    struct question_asked a = fetcher.asked[0];
    memmove(fetcher.asked, fetcher.asked + 1, --fetcher.n * sizeof a);
    a.done(a.arg, with);
}

static void answer_state(enum tl_sent state, const char *bytes, const char *reason) {
    const struct tl_attached with = {.size = sizeof with,
                                     .state = state,
                                     .bytes = str_c(bytes),
                                     .type = STR("image/png"),
                                     .name = STR("../cat.png"),
                                     .reason = reason};
    answer(&with);
}

static bool is_asked(void) {
    return fetcher.n > 0;
}

static int setup(void **state) {
    memset(&fetcher, 0, sizeof fetcher);
    int r = house_setup_with(state, (struct reader){NULL, one_read});
    house_close();
    h.fetcher = (struct fetcher){NULL, fake_fetch};
    house_open();
    assert_true(run_until_true(is_up, 5000));
    return r;
}

static int teardown(void **state) {
    while (fetcher.n) /* as the host of channels does when it goes */
        answer_state(TL_SENT_RETRY, "", "the channel does not run");
    return house_teardown(state);
}

static const char photo[] =
    "{\"source_id\":\"7\",\"channel\":\"social\",\"kind\":\"message\",\"text\":\"look\","
    "\"revision\":%d,\"from\":{\"phone\":\"+4930123456\"},"
    "\"attachments\":[{\"fetch\":\"id:4711\"}]}";

static void take(const char *source_id, const char *json) {
    const struct intake_raw what = {.channel = STR("lines"),
                                    .source = STR("social:wa"),
                                    .source_id = str_c(source_id),
                                    .format = STR("one"),
                                    .meta = STR("{}"),
                                    .body = str_c(json),
                                    .await_ms = 5000};
    h.done = false;
    intake_take_raw(ingest_intake(h.ingest), &what, on_taken, NULL);
    assert_true(run_until(h.loop, &h.done, 10000));
    assert_int_equal(h.outcome.verdict, INTAKE_APPLIED);
}

/* Its id in h.id. */
static void take_photo(int revision) {
    char json[400], batch[16];
    snprintf(json, sizeof json, photo, revision);
    snprintf(batch, sizeof batch, "b%d", revision);
    take(batch, json);
    snprintf(h.id, sizeof h.id, "%s",
             id_write('p', id_touchpoint(h.ids, str_c("social:wa"), str_c("7"))).c);
}

static const json_t *attachment(void) {
    return json_array_get(json_object_get(get_touchpoint(h.id), "attachments"), 0);
}

static bool is_settled(void) {
    return is_applied() && !json_object_get(attachment(), "fetch");
}

static bool blob_found;
static void on_blob(void *arg, struct str bytes) {
    (void)arg;
    h.done = true;
    blob_found = str_is(bytes, "PNG bytes");
}

static bool blob_is_there(const char *id, const char *sha256_hex) {
    h.done = false;
    blob_get(h.blobs, str_c(id), str_c(sha256_hex), 1 << 20, on_blob, NULL);
    assert_true(run_until(h.loop, &h.done, 5000));
    return blob_found;
}

/* ---- the tests ---- */

static void an_attachment_is_fetched_into_its_entry(void **state) {
    (void)state;
    take_photo(0);
    assert_string_equal(json_string_value(json_object_get(attachment(), "fetch")), "id:4711");
    assert_true(json_is_null(json_object_get(attachment(), "url")));
    assert_true(run_until_true(is_asked, 5000));
    assert_string_equal(fetcher.asked[0].word, "id:4711");
    assert_int_equal(fetcher.asked[0].attempt, 1);
    assert_int_equal(fetcher.asked[0].max_bytes, 25 << 20);
    answer_state(TL_SENT, "PNG bytes", NULL);
    assert_true(run_until_true(is_settled, 5000));
    const json_t *a = attachment();
    struct str sha = jget_str(a, "sha256"), url = jget_str(a, "url");
    assert_int_equal(jget_int(a, "size", 0), 9);
    assert_string_equal(json_string_value(json_object_get(a, "type")), "image/png");
    assert_string_equal(json_string_value(json_object_get(a, "name")), "cat.png");
    assert_int_equal(sha.n, 64);
    assert_true(str_starts(url, (struct str)STR("/v1/attachments/p_")));
    char hex[65];
    memcpy(hex, sha.p, 64);
    hex[64] = '\0';
    assert_true(blob_is_there(h.id, hex));
}

static void one_that_waits_holds_up_neither_others_nor_what_is_confirmed(void **state) {
    (void)state;
    take_photo(0);
    assert_true(run_until_true(is_asked, 5000));
    take("other", "{\"source_id\":\"8\",\"channel\":\"social\",\"text\":\"and?\","
                  "\"from\":{\"phone\":\"+4930123456\"}}");
    assert_true(run_until_true(is_applied, 5000));
    struct spool_figures f;
    spool_figures(h.spool, &f);
    assert_int_equal(feed_applied(h.ingest), f.last_seq);
}

static void a_restart_asks_again(void **state) {
    (void)state;
    take_photo(0);
    assert_true(run_until_true(is_asked, 5000));
    answer_state(TL_SENT_RETRY, "", "the channel does not run");
    house_close();
    /* As if it had died before that answer: the row is due at once. */
    char command[300];
    snprintf(command, sizeof command,
             "python3 -c \"import sqlite3; c=sqlite3.connect('%s/spool/spool.db');"
             "c.execute('update media set next=0'); c.commit()\"",
             h.sv.dir);
    assert_int_equal(system(command), 0);
    house_open();
    assert_true(run_until_true(is_up, 5000));
    assert_true(run_until_true(is_asked, 7000));
    assert_int_equal(fetcher.asked[0].attempt, 2);
    answer_state(TL_SENT, "PNG bytes", NULL);
    assert_true(run_until_true(is_settled, 5000));
}

static void what_is_refused_for_good_is_named_in_the_entry(void **state) {
    (void)state;
    take_photo(0);
    assert_true(run_until_true(is_asked, 5000));
    answer_state(TL_SENT_NEVER, "", "404");
    assert_true(run_until_true(is_settled, 5000));
    const json_t *warnings = json_object_get(get_touchpoint(h.id), "warnings");
    assert_string_equal(json_string_value(json_array_get(warnings, 0)),
                        "/attachments/0 could not be fetched: 404");
    assert_true(json_is_null(json_object_get(attachment(), "sha256")));
}

static struct media_row due;
static void on_due(void *arg, const struct media_row *rows, size_t n) {
    (void)arg;
    h.done = true;
    due = n ? rows[0] : (struct media_row){0};
}

static void what_may_come_later_is_tried_again_as_late_as_asked(void **state) {
    (void)state;
    take_photo(0);
    assert_true(run_until_true(is_asked, 5000));
    const struct tl_attached later = {
        .size = sizeof later, .state = TL_SENT_RETRY, .reason = "429", .retry_after_ms = 60000};
    int64_t now = clock_wall_ms();
    answer(&later);
    h.done = false;
    spool_ask_media(h.spool, INT64_MAX, 10, on_due, NULL);
    assert_true(run_until(h.loop, &h.done, 5000));
    assert_true(due.next_ms >= now + 60000 && due.next_ms < now + 70000);
    assert_int_equal(due.attempts, 1);
}

static void what_redis_lost_is_told_again_without_fetching(void **state) {
    (void)state;
    take_photo(0);
    assert_true(run_until_true(is_asked, 5000));
    answer_state(TL_SENT, "PNG bytes", NULL);
    assert_true(run_until_true(is_settled, 5000));
    lose_redis();
    assert_true(run_until_true(is_settled, 15000));
    assert_int_equal(jget_int(attachment(), "size", 0), 9);
    assert_int_equal(fetcher.ever, 1);
}

static void an_edit_keeps_what_was_fetched(void **state) {
    (void)state;
    take_photo(0);
    assert_true(run_until_true(is_asked, 5000));
    answer_state(TL_SENT, "PNG bytes", NULL);
    assert_true(run_until_true(is_settled, 5000));
    take_photo(1);
    assert_true(run_until_true(is_settled, 5000));
    assert_int_equal(jget_int(get_touchpoint(h.id), "revision", 0), 1);
    assert_int_equal(jget_int(attachment(), "size", 0), 9);
    assert_int_equal(fetcher.ever, 1);
}

/* Touchpoint, erasure, attachment. */
static bool three_are_applied(void) {
    struct spool_figures f;
    spool_figures(h.spool, &f);
    return f.last_seq == 3 && is_applied();
}

static void bytes_of_a_person_erased_meanwhile_do_not_stay(void **state) {
    (void)state;
    char sha[SHA256_HEX + 1], contact[32];
    uint8_t digest[SHA256_BYTES];
    take_photo(0);
    assert_true(run_until_true(is_asked, 5000));
    snprintf(contact, sizeof contact, "%s", find("phone:+4930123456"));
    act("erase", contact, "null");
    assert_true(run_until_true(is_applied, 5000));
    answer_state(TL_SENT, "PNG bytes", NULL);
    sha256(str_c("PNG bytes"), digest);
    hex_encode(digest, sizeof digest, sha);
    assert_true(run_until_true(three_are_applied, 5000));
    assert_false(blob_is_there(h.id, sha));
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(an_attachment_is_fetched_into_its_entry),
        TEST(one_that_waits_holds_up_neither_others_nor_what_is_confirmed),
        TEST(a_restart_asks_again),
        TEST(what_is_refused_for_good_is_named_in_the_entry),
        TEST(what_may_come_later_is_tried_again_as_late_as_asked),
        TEST(what_redis_lost_is_told_again_without_fetching),
        TEST(an_edit_keeps_what_was_fetched),
        TEST(bytes_of_a_person_erased_meanwhile_do_not_stay),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
