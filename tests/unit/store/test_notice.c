/* store/notice: what agents without a stream are to be told, on a real server. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server.h"

#include "desk.h"

#include "store/notice.h"

static struct {
    bool done, ok, more;
    int64_t made, dropped;
} seen;

static void on_scanned(void *arg, bool ok, bool more, int64_t made, int64_t dropped) {
    (void)arg;
    seen.done = true;
    seen.ok = ok;
    seen.more = more;
    seen.made = made;
    seen.dropped = dropped;
}

/* How many notices of anna's were made. */
static int64_t scan_for(const char *ways) {
    const struct notice_told told[] = {{STR("anna"), str_c(ways)}};
    memset(&seen, 0, sizeof seen);
    store_notice_scan(b->store, told, 1, on_scanned, NULL);
    assert_true(run_until(b->loop, &seen.done, 5000));
    assert_true(seen.ok);
    return seen.made;
}

enum { TAKEN_MAX = 8 };
static struct {
    bool done;
    size_t n;
    struct one {
        char key[NOTICE_KEY_MAX], way[16], type[16], task[32];
        int64_t offer, tries;
        bool over;
        json_t *json;
    } list[TAKEN_MAX];
} taken;

static void on_taken(void *arg, bool ok, const struct notice *list, size_t n) {
    (void)arg;
    assert_true(ok && n <= TAKEN_MAX);
    taken.done = true;
    taken.n = n;
    for (size_t i = 0; i < n; i++) {
        struct one *o = &taken.list[i];
        assert_true(str_is(list[i].agent, "anna"));
        snprintf(o->key, sizeof o->key, "%.*s", STR_ARG(list[i].key));
        snprintf(o->way, sizeof o->way, "%.*s", STR_ARG(list[i].way));
        snprintf(o->type, sizeof o->type, "%.*s", STR_ARG(list[i].type));
        snprintf(o->task, sizeof o->task, "%.*s", STR_ARG(list[i].task));
        o->offer = list[i].offer;
        o->tries = list[i].tries;
        o->over = list[i].over;
        o->json = got_parse(list[i].json);
    }
}

static size_t take(void) {
    for (size_t i = 0; i < TAKEN_MAX; i++)
        json_decref(taken.list[i].json);
    memset(&taken, 0, sizeof taken);
    store_notice_take(b->store, TAKEN_MAX, on_taken, NULL);
    assert_true(run_until(b->loop, &taken.done, 5000));
    return taken.n;
}

static const struct one *taken_of(const char *type) {
    for (size_t i = 0; i < taken.n; i++)
        if (strcmp(taken.list[i].type, type) == 0)
            return &taken.list[i];
    fail_msg("no %s was taken", type);
    return NULL;
}

/* Due again at once. */
static void give_back(const char *key) {
    const struct str keys[] = {str_c(key)};
    store_notice_later(b->store, 0, keys, 1);
}

static void an_offer_is_told_once_by_each_way(void **state) {
    (void)state;
    offered_to("t_v1", "anna");
    assert_int_equal(scan_for(" mail webhook "), 2);
    assert_int_equal(scan_for(" mail webhook "), 0); /* whoever looks again makes none */
    assert_int_equal(take(), 2);
    for (size_t i = 0; i < 2; i++) {
        const struct one *o = &taken.list[i];
        bool mail = strcmp(o->way, "mail") == 0;
        const json_t *task = mail ? o->json : json_object_get(o->json, "task");
        assert_string_equal(o->type, "offer");
        assert_string_equal(o->task, "t_v1");
        assert_int_equal(o->offer, 1);
        assert_int_equal(o->tries, 1);
        assert_false(o->over);
        assert_string_equal(text(task, "id"), "t_v1");
        if (!mail)
            assert_string_equal(text(o->json, "expires_at"), "2023-11-14T22:15:20.000Z");
    }
    assert_int_equal(take(), 0); /* both are somebody's */
}

static void who_has_a_stream_or_no_way_is_told_nothing(void **state) {
    (void)state;
    const struct str agents[] = {STR("anna")};
    offered_to("t_v1", "ben");
    assert_int_equal(scan_for(" webhook "), 0);
    store_streams_put(b->store, 1700000000000, str_c("d1"), 60000, agents, 1);
    offered_to("t_v2", "anna");
    assert_int_equal(scan_for(" mail webhook "), 0);
    assert_int_equal(take(), 0);
}

static void mail_tells_of_offers_alone_and_webhooks_of_what_becomes_of_them(void **state) {
    (void)state;
    accepted_by("t_v1", "anna");
    offered_to("t_v2", "anna");
    move(b, "t_v2", "reject", "anna", 1);
    assert_int_equal(scan_for(" mail webhook "), 2 + 1 + 2 + 1);
    assert_int_equal(take(), 6);
    assert_string_equal(text(taken_of("task")->json, "state"), "accepted");
    const struct one *revoke = taken_of("revoke");
    assert_string_equal(text(revoke->json, "task"), "t_v2");
    assert_string_equal(text(revoke->json, "reason"), "rejected");
    for (size_t i = 0; i < taken.n; i++)
        assert_true(strcmp(taken.list[i].way, "webhook") == 0 ||
                    strcmp(taken.list[i].type, "offer") == 0);
}

static void an_offer_that_is_over_is_given_out_once_as_over(void **state) {
    (void)state;
    offered_to("t_v1", "anna");
    assert_int_equal(scan_for(" mail "), 1);
    assert_int_equal(take(), 1);
    assert_false(taken.list[0].over);
    move(b, "t_v1", "accept", "anna", 1);
    give_back(taken.list[0].key);
    assert_int_equal(take(), 1);
    assert_true(taken.list[0].over);
    struct asked left = ask(b, "EXISTS {r}:notices {r}:notice {r}:notice_n");
    assert_int_equal(left.integer, 0);
}

static void who_is_offered_it_beside_others_is_told_until_one_of_them_has_it(void **state) {
    (void)state;
    struct task_wanted w = wanted("t_v1", "p_1", "v_1");
    want(b, &w);
    struct route_offer o = offering("t_v1", 1, "ben");
    offer_to[1] = (struct route_offered){str_c("anna"), 10, INT64_MAX};
    o.to_n = 2;
    got_new();
    store_route_offer(b->store, fence, 1700000000500, &o, on_route, NULL);
    got_wait(b);
    assert_int_equal(got.route, ROUTE_DONE);
    assert_int_equal(scan_for(" mail "), 1);
    assert_int_equal(take(), 1);
    assert_false(taken.list[0].over);
    move(b, "t_v1", "accept", "ben", 1);
    give_back(taken.list[0].key);
    assert_int_equal(take(), 1);
    assert_true(taken.list[0].over);
    assert_int_equal(scan_for(" webhook "), 1);
    assert_int_equal(take(), 1);
    assert_string_equal(text(taken_of("revoke")->json, "reason"), "rescinded");
}

static void what_is_done_is_gone_and_what_is_not_comes_again(void **state) {
    (void)state;
    accepted_by("t_v1", "anna");
    assert_int_equal(scan_for(" webhook "), 2);
    assert_int_equal(take(), 2);
    char done[NOTICE_KEY_MAX];
    const struct one *task = taken_of("task");
    snprintf(done, sizeof done, "%s", task->key);
    give_back(done);
    assert_int_equal(take(), 1);
    assert_string_equal(taken.list[0].key, done);
    assert_int_equal(taken.list[0].tries, 2);
    store_notice_done(b->store, str_c(done));
    store_notice_done(b->store, str_c(done)); /* twice does no harm */
    give_back(done);                          /* nor does keeping what is done */
    assert_int_equal(take(), 0);
    struct asked left =
        ask(b, "EXISTS {r}:notices {r}:notice {r}:notice_n"); /* the offer is over */
    assert_int_equal(left.integer, 0);
}

static void what_tells_of_an_erased_person_goes_with_him(void **state) {
    (void)state;
    accepted_by("t_v1", "anna");
    assert_int_equal(scan_for(" mail webhook "), 3);
    got_new();
    store_task_forget(b->store, str_c("c_jana"), on_answer, NULL);
    got_wait(b);
    assert_int_equal(got.kind, ANSWER_OK);
    struct asked left = ask(b, "EXISTS {r}:notices {r}:notice {r}:notice_n");
    assert_int_equal(left.integer, 0);
    assert_int_equal(scan_for(" webhook "), 1); /* that it was cancelled, without a word of him */
    assert_int_equal(take(), 1);
    assert_string_equal(text(taken.list[0].json, "state"), "canceled");
    assert_string_equal(text(taken.list[0].json, "subject"), "null");
}

static void an_agent_has_a_thousand_waiting_at_most(void **state) {
    (void)state;
    ask(b, "HSET {r}:notice_n anna 1000");
    offered_to("t_v1", "anna");
    assert_int_equal(scan_for(" webhook "), 0);
    assert_int_equal(seen.dropped, 1);
    struct asked count = ask(b, "HGET {r}:notice_n anna");
    assert_string_equal(count.text, "1000");
}

#define CASE(f) cmocka_unit_test_setup(f, setup)

int main(void) {
    const struct CMUnitTest tests[] = {
        CASE(an_offer_is_told_once_by_each_way),
        CASE(who_has_a_stream_or_no_way_is_told_nothing),
        CASE(mail_tells_of_offers_alone_and_webhooks_of_what_becomes_of_them),
        CASE(an_offer_that_is_over_is_given_out_once_as_over),
        CASE(who_is_offered_it_beside_others_is_told_until_one_of_them_has_it),
        CASE(what_is_done_is_gone_and_what_is_not_comes_again),
        CASE(what_tells_of_an_erased_person_goes_with_him),
        CASE(an_agent_has_a_thousand_waiting_at_most),
    };
    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
