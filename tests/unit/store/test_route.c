/* store/task_route, task_log, task_agent: the router's writes, streams and views, on a real server.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server.h"

#include "desk.h"

static void a_wrap_up_ends_by_the_router(void **state) {
    (void)state;
    struct task_wanted w = wanted("t_1", "p_1", "v_1");
    w.queue = str_c("callbacks");
    w.channel = str_c("call");
    want(b, &w);
    offer(b, fence, "t_1", 1, "anna");
    move(b, "t_1", "accept", "anna", 1);
    move(b, "t_1", "complete", "anna", 0);
    assert_string_equal(text(got.json, "state"), "wrapup");
    got_new();
    store_route_end(b->store, fence, 1700000200000, str_c("t_1"), str_c("wrap-up over"), on_route,
                    NULL);
    got_wait(b);
    assert_int_equal(got.route, ROUTE_DONE);
    assert_null(got.own); /* no longer open */
    assert_string_equal(state_now(b, "t_1"), "done");
}

static void a_snoozed_task_wakes(void **state) {
    (void)state;
    accepted_by("t_v1", "anna");
    struct task_move m = moving("t_v1", "snooze", "anna");
    m.until_ms = 1700009999000;
    do_move(b, &m);
    assert_string_equal(text(got.json, "state"), "snoozed");
    assert_string_equal(text(got.json, "snoozed_until"), "2023-11-15T00:59:59.000Z");
    assert_true(json_is_null(json_object_get(got.json, "agent")));
    got_new();
    store_route_wake(b->store, fence, 1700009999000, str_c("t_v1"), str_c("snoozed until now"),
                     on_route, NULL);
    got_wait(b);
    assert_string_equal(text(got.json, "state"), "waiting");
    assert_string_equal(text(got.own, "wish"), "snooze");
    assert_string_equal(text(got.own, "wish_agent"), "anna");
}

static void a_router_with_an_old_fence_is_refused(void **state) {
    (void)state;
    struct task_wanted w = wanted("t_1", "p_1", "v_1");
    want(b, &w);
    assert_int_equal(lease(b, "router-2", 60000), 0);
    got_new();
    store_route_leave(b->store, str_c("router-1"));
    assert_int_equal(lease(b, "router-2", 60000), 2);
    assert_int_equal(offer(b, 1, "t_1", 1, "anna"), ROUTE_FENCE);
    assert_string_equal(state_now(b, "t_1"), "waiting");
    assert_int_equal(offer(b, 2, "t_1", 1, "anna"), ROUTE_DONE);
}

static void an_offer_is_checked_where_it_is_carried_out(void **state) {
    (void)state;
    struct task_wanted w = wanted("t_1", "p_1", "v_1"), x = wanted("t_2", "p_2", "v_2");
    want(b, &w);
    want(b, &x);
    assert_int_equal(offer(b, fence, "t_1", 7, "anna"), ROUTE_STALE);
    assert_int_equal(jget_int(got.own, "rev", 0), 1);
    assert_int_equal(offer(b, fence, "t_1", 1, "nobody"), ROUTE_LATER);
    struct route_offer o = offering("t_1", 1, "anna");
    o.weight = offer_to[0].units = 3;
    got_new();
    store_route_offer(b->store, fence, 1700000000500, &o, on_route, NULL);
    got_wait(b);
    assert_int_equal(got.route, ROUTE_DONE);
    o = offering("t_2", 1, "anna");
    offer_to[0].units = 3;
    got_new();
    store_route_offer(b->store, fence, 1700000000500, &o, on_route, NULL);
    got_wait(b);
    assert_int_equal(got.route, ROUTE_LATER); /* 3 of 3 units */
    offer_to[0].units = 10;
    offer_to[0].channel_max = 1;
    got_new();
    store_route_offer(b->store, fence, 1700000000500, &o, on_route, NULL);
    got_wait(b);
    assert_int_equal(got.route, ROUTE_LATER); /* 1 of 1 mails */
}

static enum route_code give_back(const char *task, const char *agent, int64_t n) {
    struct route_return r = {.task = str_c(task),
                             .agent = str_c(agent),
                             .reason = str_c("offer expired"),
                             .why = "expired",
                             .offer = n,
                             .exclude_until_ms = 1700000400000};
    got_new();
    store_route_return(b->store, fence, 1700000300000, &r, on_route, NULL);
    got_wait(b);
    return got.route;
}

static void an_expiry_that_comes_after_the_acceptance_does_nothing(void **state) {
    (void)state;
    accepted_by("t_v1", "anna");
    assert_int_equal(give_back("t_v1", "anna", 1), ROUTE_STALE);
    assert_string_equal(state_now(b, "t_v1"), "accepted");
    offered_to("t_v2", "anna");
    assert_int_equal(give_back("t_v2", "anna", 1), ROUTE_DONE);
    assert_string_equal(text(got.json, "state"), "waiting");
    assert_string_equal(text(got.json, "created_at"), "2023-11-14T22:13:20.123Z"); /* its place */
    assert_int_equal(give_back("t_v2", "anna", 1), ROUTE_STALE);
}

struct seen_all {
    bool done, ok;
    size_t tasks, presences, entries;
    int64_t turn;
    char from[64], last[64], types[256];
};

static void on_presence(void *ctx, const struct route_presence *p) {
    struct seen_all *s = ctx;
    s->presences++;
    assert_string_equal(p->state.p, "available");
}

static void on_turn(void *ctx, struct str queue, struct str agent, int64_t turn) {
    struct seen_all *s = ctx;
    assert_string_equal(queue.p, "support");
    assert_string_equal(agent.p, "ben");
    s->turn = turn;
}

static void on_task(void *ctx, struct str own) {
    struct seen_all *s = ctx;
    cleanup(json_freep) json_t *j = got_parse(own);
    assert_string_equal(text(j, "queue"), "support");
    s->tasks++;
}

static void on_all(void *ctx, bool ok, struct str from) {
    struct seen_all *s = ctx;
    s->done = true;
    s->ok = ok;
    snprintf(s->from, sizeof s->from, "%.*s", STR_ARG(from));
}

static void on_entry(void *arg, struct str id, const struct route_entry *e) {
    struct seen_all *s = arg;
    s->entries++;
    snprintf(s->last, sizeof s->last, "%.*s", STR_ARG(id));
    size_t n = strlen(s->types);
    snprintf(s->types + n, sizeof s->types - n, "%.*s:%.*s:%.*s ", STR_ARG(e->type),
             STR_ARG(e->agent), STR_ARG(e->reason));
}

static void on_after(void *arg, bool ok) {
    struct seen_all *s = arg;
    s->done = true;
    s->ok = ok;
}

static void a_router_begins_with_everything_and_follows_the_log(void **state) {
    (void)state;
    char id[16];
    for (int i = 0; i < 450; i++) { /* more than a piece */
        snprintf(id, sizeof id, "t_%03d", i);
        struct task_wanted w = wanted(id, id, NULL);
        got_new();
        store_task_want(b->store, &w, on_answer, NULL);
        got_wait(b);
    }
    struct seen_all all = {0};
    store_route_snapshot(b->store,
                         &(struct route_snapshot){&all, on_presence, on_turn, on_task, on_all});
    assert_true(run_until(b->loop, &all.done, 5000));
    assert_true(all.ok);
    assert_int_equal(all.tasks, 450);
    assert_int_equal(all.presences, 2);
    assert_int_equal(offer(b, fence, "t_000", 1, "anna"), ROUTE_DONE);
    move(b, "t_000", "reject", "anna", 1);
    presence(b, "ben", "away");
    struct seen_all after = {0};
    store_route_after(b->store, str_c(all.from), on_entry, on_after, &after);
    after.done = false;
    assert_true(run_until(b->loop, &after.done, 5000));
    assert_true(after.ok);
    assert_string_equal(after.types, "offer:anna: revoke:anna:rejected presence:ben: ");
    static const char *const strange[] = {"1-0", "99999999999999-0"};
    for (size_t i = 0; i < COUNT(strange); i++) {
        struct seen_all none = {0};
        store_route_after(b->store, str_c(strange[i]), on_entry, on_after, &none);
        assert_true(run_until(b->loop, &none.done, 5000));
        assert_false(none.ok);
        assert_int_equal(none.entries, 0);
    }
}

static void lost_of(void *arg, bool ok, const struct agent_now *agents, size_t n) {
    assert_true(ok);
    assert_int_equal(n, 1);
    *(int64_t *)arg = agents[0].presence.lost_ms + 1;
}

static int64_t lost_since(const char *agent) {
    int64_t lost = 0;
    struct str who = str_c(agent);
    store_agents_now(b->store, &who, 1, lost_of, &lost);
    for (int i = 0; i < 500 && !lost; i++)
        run_for(b, 5);
    assert_true(lost > 0);
    return lost - 1;
}

static void an_agent_is_lost_with_his_last_stream(void **state) {
    (void)state;
    struct str anna = str_c("anna");
    store_streams_put(b->store, 1000, str_c("d1"), 60000, &anna, 1);
    store_streams_put(b->store, 1000, str_c("d2"), 60000, &anna, 1);
    store_streams_put(b->store, 1000, str_c("d2"), 60000, &anna, 1);
    store_stream_end(b->store, 2000, str_c("d1"), anna);
    assert_int_equal(lost_since("anna"), 0);
    store_stream_end(b->store, 3000, str_c("d2"), anna);
    store_stream_end(b->store, 4000, str_c("d2"), anna);
    assert_int_equal(lost_since("anna"), 3000);
    store_streams_put(b->store, 5000, str_c("d3"), 1, &anna, 1); /* a daemon that dies at once */
    assert_int_equal(lost_since("anna"), 0);
    run_for(b, 10);
    store_streams_sweep(b->store, fence, 6000);
    assert_int_equal(lost_since("anna"), 6000);
    presence(b, "anna", "available"); /* he says something: he is there */
    assert_int_equal(lost_since("anna"), 0);
}

static void on_views(void *arg, bool ok, const struct queue_now *q, size_t n) {
    assert_true(ok && n == 2);
    assert_int_equal(q[0].waiting, 1);
    assert_int_equal(q[0].offered, 1);
    assert_int_equal(q[0].accepted, 1);
    assert_int_equal(q[0].oldest_ms, 1700000000123);
    assert_int_equal(q[1].waiting, 0);
    assert_int_equal(q[1].oldest_ms, 0);
    *(bool *)arg = true;
}

static void on_held(void *arg, bool ok, const struct agent_now *a, size_t n) {
    assert_true(ok && n == 2);
    assert_int_equal(a[0].held_n, 2);
    assert_int_equal(a[0].held[0].weight, 1);
    assert_string_equal(a[0].held[0].channel.p, "email");
    assert_int_equal(a[1].held_n, 0);
    *(bool *)arg = true;
}

static void on_desk(void *arg, bool ok, struct str from, const struct str *tasks, size_t n) {
    assert_true(ok && from.n > 3 && n == 2);
    json_decref(got_parse(tasks[0]));
    *(bool *)arg = true;
}

static void queues_and_agents_are_counted(void **state) {
    (void)state;
    static const struct str queues[] = {STR("support"), STR("callbacks")},
                            agents[] = {STR("anna"), STR("ben")};
    accepted_by("t_v1", "anna");
    offered_to("t_v2", "anna");
    struct task_wanted w = wanted("t_3", "p_3", "v_3");
    want(b, &w);
    bool done = false;
    store_queues_now(b->store, queues, 2, on_views, &done);
    assert_true(run_until(b->loop, &done, 5000));
    done = false;
    store_agents_now(b->store, agents, 2, on_held, &done);
    assert_true(run_until(b->loop, &done, 5000));
    done = false;
    store_desk(b->store, agents[0], on_desk, &done);
    assert_true(run_until(b->loop, &done, 5000));
}

static void trimming_forgets_what_ended_long_ago(void **state) {
    (void)state;
    accepted_by("t_v1", "anna");
    move(b, "t_v1", "complete", "anna", 0);
    store_route_trim(b->store, fence, 1700000100000 + 86399000, 3600000);
    assert_string_equal(state_now(b, "t_v1"), "done");
    store_route_trim(b->store, fence, 1700000100000 + 86401000, 3600000);
    assert_string_equal(state_now(b, "t_v1"), "none");
    struct asked left =
        ask(b, "EXISTS {r}:dv {r}:done {r}:ended {r}:v {r}:t {r}:o {r}:n {r}:a:anna");
    assert_int_equal(left.integer, 0);
}

#define CASE(f) cmocka_unit_test_setup(f, setup)

int main(void) {
    const struct CMUnitTest tests[] = {
        CASE(a_wrap_up_ends_by_the_router),
        CASE(a_snoozed_task_wakes),
        CASE(a_router_with_an_old_fence_is_refused),
        CASE(an_offer_is_checked_where_it_is_carried_out),
        CASE(an_expiry_that_comes_after_the_acceptance_does_nothing),
        CASE(a_router_begins_with_everything_and_follows_the_log),
        CASE(an_agent_is_lost_with_his_last_stream),
        CASE(queues_and_agents_are_counted),
        CASE(trimming_forgets_what_ended_long_ago),
    };
    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
