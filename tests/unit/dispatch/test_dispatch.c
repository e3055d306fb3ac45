/* dispatch: offers, moves, restarts and takeovers with a real store and a real spool. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "house.h"

static void an_offer_is_made_and_accepted_once(void **state) {
    (void)state;
    presence("anna", "available");
    want("t_1", "support");
    assert_true(becomes("t_1", "offered"));
    assert_string_equal(last_reason(), "longest idle of 1 able");
    move("ben", "t_1", "accept", "{\"offer\":1}");
    assert_int_equal(told.kind, ANSWER_CONFLICT);
    assert_string_equal(told.code, "stale-offer");
    move("anna", "t_1", "complete", "{}");
    assert_string_equal(told.code, "wrong-state");
    assert_string_equal(told.detail, "the task is offered");
    move("anna", "t_1", "accept", "{}");
    assert_int_equal(told.kind, ANSWER_OK);
    assert_false(told.repeated);
    move("anna", "t_1", "accept", "{\"offer\":1}");
    assert_true(told.repeated);
    move("anna", "t_1", "complete", "{\"disposition\":\"answered\",\"note\":\"sent\"}");
    assert_string_equal(text(told.j, "state"), "done");
    assert_string_equal(text(told.j, "disposition"), "answered");
    assert_null(strstr(told.json, "\"_own\""));
}

/* ---- 200 tasks, two agents ---- */

struct worker {
    struct route_log *log;
    size_t accepted, completed, conflicts, double_accepts;
};
struct step {
    struct worker *w;
    char task[32], agent[16];
    bool completing, second;
};

static void on_step(void *arg, const struct answer *a) {
    struct step *s = arg;
    if (s->second) { /* the other agent's attempt at the same offer */
        assert_int_equal(a->kind, ANSWER_CONFLICT);
        s->w->conflicts++;
        free(s);
        return;
    }
    assert_int_equal(a->kind, ANSWER_OK);
    if (s->completing) {
        s->w->completed++;
        free(s);
        return;
    }
    s->w->accepted += !a->repeated;
    s->w->double_accepts += a->repeated;
    if (a->repeated) {
        free(s);
        return;
    }
    s->completing = true;
    dispatch_move(d, (struct dispatch_actor){str_c(s->agent), ROLE_AGENT}, str_c(s->task),
                  "complete", str_c("{}"), on_step, s);
}

static void attempt(struct worker *w, struct str task, struct str agent, bool second) {
    struct step *s = NEW(struct step);
    s->w = w;
    s->second = second;
    snprintf(s->task, sizeof s->task, "%.*s", STR_ARG(task));
    snprintf(s->agent, sizeof s->agent, "%.*s", STR_ARG(agent));
    dispatch_move(d, (struct dispatch_actor){str_c(s->agent), ROLE_AGENT}, str_c(s->task), "accept",
                  str_c("{}"), on_step, s);
}

static void on_event(void *arg, struct str id, const struct route_entry *e) {
    (void)id;
    if (!str_is(e->type, "offer"))
        return;
    attempt(arg, e->task_id, e->agent, false);
    attempt(arg, e->task_id, e->agent, false); /* a double click */
    attempt(arg, e->task_id, str_c(str_is(e->agent, "anna") ? "ben" : "anna"), true);
}

static void on_reset(void *arg) {
    (void)arg;
    fail_msg("the log has a hole");
}

static void on_want(void *arg, const struct answer *a) {
    (void)arg;
    assert_int_equal(a->kind, ANSWER_OK);
}

static void two_hundred_tasks_have_one_owner_each(void **state) {
    (void)state;
    enum { TASKS = 200 };
    struct worker w = {0};
    char id[16];
    w.log = store_route_log(b->store, str_c("0-0"), on_event, on_reset, &w);
    presence("anna", "available");
    presence("ben", "available");
    for (int i = 0; i < TASKS; i++) {
        snprintf(id, sizeof id, "t_%03d", i);
        struct task_wanted x = {.task = str_c(id),
                                .touchpoint = str_c(id),
                                .conversation = str_c(id),
                                .queue = str_c("support"),
                                .channel = str_c("email"),
                                .priority = 1 + i % 10,
                                .at_ms = clock_wall_ms() + i};
        store_task_want(b->store, &x, on_want, NULL);
    }
    for (int i = 0;
         i < 3000 && (w.completed < TASKS || w.conflicts < TASKS || w.double_accepts < TASKS); i++)
        run_for(b, 5);
    store_route_log_free(w.log);
    assert_int_equal(w.completed, TASKS);
    assert_int_equal(w.accepted, TASKS);
    assert_int_equal(w.conflicts, TASKS);
    size_t by_anna = 0;
    for (int i = 0; i < TASKS; i++) {
        snprintf(id, sizeof id, "t_%03d", i);
        look(id);
        assert_string_equal(text(told.j, "state"), "done");
        const json_t *history = json_object_get(told.j, "history");
        assert_int_equal(json_array_size(history), 4);
        for (size_t k = 1; k < 4; k++) {
            assert_string_equal(text(json_array_get(history, k), "from"),
                                text(json_array_get(history, k - 1), "to"));
            assert_string_equal(text(json_array_get(history, k), "agent"), text(told.j, "agent"));
        }
        by_anna += !strcmp(text(told.j, "agent"), "anna");
    }
    assert_true(by_anna > TASKS / 4 && by_anna < TASKS * 3 / 4);
    assert_int_equal(router_tasks(d->router), 0);
}

static void an_offer_survives_a_restart_with_its_end(void **state) {
    (void)state;
    presence("anna", "available");
    want("t_1", "support");
    assert_true(becomes("t_1", "offered"));
    char expires[40];
    snprintf(expires, sizeof expires, "%s", text(json_object_get(told.j, "offer"), "expires_at"));
    dispatch_close(d);
    house_dispatch(&d);
    for (int i = 0; i < 1000 && d->phase != PHASE_ROUTING; i++)
        run_for(b, 5);
    assert_int_equal(router_tasks(d->router), 1);
    look("t_1");
    assert_string_equal(text(json_object_get(told.j, "offer"), "expires_at"), expires);
    assert_int_equal(jget_int(told.j, "rev", 0), 2);
    move("anna", "t_1", "accept", "{\"offer\":1}");
    assert_int_equal(told.kind, ANSWER_OK);
}

static void an_offer_nobody_answers_comes_back_also_after_a_restart(void **state) {
    (void)state;
    presence("anna", "available");
    want("t_1", "callbacks"); /* 300 ms */
    assert_true(becomes("t_1", "offered"));
    dispatch_close(d);
    run_for(b, 400);
    house_dispatch(&d);
    assert_true(becomes("t_1", "waiting"));
    assert_string_equal(last_reason(), "offer expired");
    move("anna", "t_1", "accept", "{\"offer\":1}");
    assert_int_equal(told.kind, ANSWER_CONFLICT);
    assert_string_equal(told.code, "stale-offer");
    presence("ben", "available");
    assert_true(becomes("t_1", "offered"));
    assert_string_equal(text(told.j, "agent"), "ben");
}

static void who_misses_too_much_goes_away(void **state) {
    (void)state;
    presence("anna", "available");
    want("t_1", "callbacks");
    want("t_2", "callbacks");
    want("t_3", "callbacks");
    for (int i = 0; i < 600; i++) {
        told_new();
        dispatch_agent(d, str_c("anna"), on_told, &told);
        told_wait(&told);
        if (!strcmp(text(json_object_get(told.j, "presence"), "state"), "away"))
            break;
        run_for(b, 10);
    }
    assert_string_equal(text(json_object_get(told.j, "presence"), "state"), "away");
    assert_string_equal(text(json_object_get(told.j, "presence"), "reason"), "missed");
}

static void a_wrap_up_ends_and_is_recorded(void **state) {
    (void)state;
    struct spool_figures before, after;
    spool_figures(spool, &before);
    presence("anna", "available");
    want("t_wrap", "callbacks");
    assert_true(becomes("t_wrap", "offered"));
    move("anna", "t_wrap", "accept", "{}");
    move("anna", "t_wrap", "complete", "{}");
    assert_string_equal(text(told.j, "state"), "wrapup");
    assert_true(becomes("t_wrap", "done"));
    assert_string_equal(last_reason(), "wrap-up over");
    for (int i = 0; i < 500; i++) { /* acceptance, completion, and the end that nobody asked for */
        spool_figures(spool, &after);
        if (after.last_seq == before.last_seq + 3)
            return;
        run_for(b, 10);
    }
    fail_msg("%d records", (int)(after.last_seq - before.last_seq));
}

static void another_daemon_takes_over_and_the_first_does_no_harm(void **state) {
    (void)state;
    struct dispatch *first = d, *second;
    presence("anna", "available");
    house_dispatch(&second);
    run_for(b, 100);
    assert_int_equal(second->phase, PHASE_IDLE);
    /* The first sleeps through its lease: it is given away behind its back. */
    store_route_leave(b->store, str_c(first->holder));
    loop_timer_set(first->lease_timer, 60000);
    loop_timer_set(second->lease_timer, 0);
    for (int i = 0; i < 1000 && second->phase != PHASE_ROUTING; i++)
        run_for(b, 5);
    assert_int_equal(second->fence, first->fence + 1);
    assert_int_equal(first->phase, PHASE_ROUTING); /* it believes so still */
    want("t_1", "support");
    assert_true(becomes("t_1", "offered"));
    run_for(b, 50);
    look("t_1");
    assert_int_equal(json_array_size(json_object_get(told.j, "history")), 2); /* offered once */
    assert_int_equal(first->phase, PHASE_IDLE);                               /* and was told */
    dispatch_close(second);
}

static void a_store_that_went_back_learns_who_is_there(void **state) {
    (void)state;
    presence("anna", "available");
    dispatch_run(d, false);
    assert_int_equal(d->phase, PHASE_IDLE);
    move("anna", "t_1", "accept", "{}");
    assert_int_equal(told.kind, ANSWER_LATER);
    ask(b, "FLUSHALL");
    dispatch_run(d, true);
    want("t_1", "support");
    assert_true(becomes("t_1", "offered"));
}

static void a_disconnected_agent_gets_nothing_until_he_is_back(void **state) {
    (void)state;
    presence("anna", "available");
    dispatch_streams(d, str_c("anna"), true);
    dispatch_streams(d, str_c("anna"), false);
    want("t_1", "support");
    run_for(b, 100);
    look("t_1");
    assert_string_equal(text(told.j, "state"), "waiting");
    dispatch_streams(d, str_c("anna"), true);
    assert_true(becomes("t_1", "offered"));
    dispatch_streams(d, str_c("anna"), false);
    assert_true(becomes("t_1", "waiting")); /* after 5 s */
    assert_string_equal(last_reason(), "agent disconnected");
}

static void supervisors_move_tasks_of_their_queues_only(void **state) {
    (void)state;
    presence("anna", "available");
    want("t_1", "support");
    want("t_2", "callbacks");
    assert_true(becomes("t_1", "offered"));
    move_by("clara", ROLE_SUPERVISOR, "t_1", "transfer", "{\"agent\":\"ben\"}");
    assert_int_equal(told.kind, ANSWER_OK);
    move_by("clara", ROLE_SUPERVISOR, "t_2", "transfer", "{\"queue\":\"support\"}");
    assert_int_equal(told.kind, ANSWER_NOT_FOUND);
    move_by("ops", ROLE_OPERATOR, "t_2", "transfer", "{\"queue\":\"support\"}");
    assert_int_equal(told.kind, ANSWER_OK);
}

static void what_is_asked_wrongly_is_refused_by_name(void **state) {
    (void)state;
    static const struct {
        const char *move, *body, *pointer;
    } cases[] = {
        {"accept", "{\"offer\":\"one\"}", "/offer"},
        {"accept", "{\"offer\":0}", "/offer"},
        {"reject", "{\"reason\":7}", "/reason"},
        {"complete", "{\"disposition\":[]}", "/disposition"},
        {"transfer", "{}", "/queue"},
        {"transfer", "{\"queue\":\"nope\"}", "/queue"},
        {"transfer", "{\"agent\":\"nobody\"}", "/agent"},
        {"transfer", "{\"agent\":\"clara\"}", "/agent"},
        {"transfer", "{\"agent\":\"ben\",\"queue\":\"support\"}", "/agent"},
        {"snooze", "{}", "/until"},
        {"snooze", "{\"until\":\"tomorrow\"}", "/until"},
        {"snooze", "{\"until\":\"2001-01-01T00:00:00Z\"}", "/until"},
        {"snooze", "{\"until\":\"9999-01-01T00:00:00Z\"}", "/until"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        move("anna", "t_1", cases[i].move, cases[i].body);
        assert_int_equal(told.kind, ANSWER_REFUSED);
        assert_string_equal(told.pointer, cases[i].pointer);
    }
    static const struct {
        const char *body, *pointer;
    } hands[] = {
        {"{}", "/conversation"},
        {"{\"contact\":\"c_1\"}", "/queue"},
        {"{\"contact\":\"c_1\",\"queue\":\"support\",\"priority\":11}", "/priority"},
        {"{\"contact\":\"c_1\",\"queue\":\"support\",\"skills\":\"de\"}", "/skills"},
        {"{\"contact\":\"c_1\",\"queue\":\"support\",\"skills\":{\"de\":11}}", "/skills"},
        {"{\"contact\":\"c_1\",\"queue\":\"support\",\"tags\":[1]}", "/tags"},
        {"{\"contact\":\"c_1\",\"queue\":\"support\",\"due\":\"soon\"}", "/due"},
        {"{\"contact\":\"c_1\",\"queue\":\"support\"}", "/contact"}, /* there is none */
    };
    for (size_t i = 0; i < COUNT(hands); i++) {
        told_new();
        dispatch_create(d, (struct dispatch_actor){str_c("ops"), ROLE_OPERATOR},
                        str_c(hands[i].body), on_told, &told);
        told_wait(&told);
        assert_int_equal(told.kind, ANSWER_REFUSED);
        assert_string_equal(told.pointer, hands[i].pointer);
    }
}

static void agents_and_queues_look_as_the_contract_says(void **state) {
    (void)state;
    presence("anna", "available");
    want("t_1", "support");
    assert_true(becomes("t_1", "offered"));
    move("anna", "t_1", "accept", "{}");
    told_new();
    dispatch_agent(d, str_c("anna"), on_told, &told);
    told_wait(&told);
    json_object_del(json_object_get(told.j, "presence"), "since");
    cleanup(json_freep) json_t *agent = json_loads(
        "{\"id\":\"anna\",\"name\":\"Anna\",\"presence\":{\"state\":\"available\",\"reason\":null},"
        "\"queues\":[\"support\",\"callbacks\"],\"skills\":{\"de\":5},\"load\":{\"units\":1,"
        "\"capacity\":10,"
        "\"channels\":{\"email\":{\"open\":1,\"max\":5}}},\"tasks\":[\"t_1\"],\"connected\":true}",
        0, NULL);
    if (!json_equal(agent, told.j))
        fail_msg("%s", told.json);
    told_new();
    dispatch_queues(d, (struct tl_strs){house_queues, 1}, on_told, &told);
    told_wait(&told);
    cleanup(json_freep) json_t *queues = json_loads(
        "{\"items\":[{\"id\":\"support\",\"waiting\":0,\"offered\":0,\"accepted\":1,\"oldest_at\":"
        "null,"
        "\"longest_wait_s\":0,\"agents\":{\"available\":1,\"busy\":0,\"away\":0,\"offline\":1},"
        "\"paused\":null,\"service_level\":null}],\"next\":null}",
        0, NULL);
    json_t *queue = json_array_get(json_object_get(told.j, "items"), 0);
    assert_int_equal(jget_int(json_object_get(queue, "figures"), "taken", 0), 1);
    json_object_del(queue, "figures"); /* how long it waited depends on the machine */
    if (!json_equal(queues, told.j))
        fail_msg("%s", told.json);
    told_new();
    dispatch_agents(d, (struct tl_strs){0}, on_told, &told);
    told_wait(&told);
    assert_int_equal(json_array_size(json_object_get(told.j, "items")), 3);
    told_new();
    dispatch_agent(d, str_c("nobody"), on_told, &told);
    told_wait(&told);
    assert_int_equal(told.kind, ANSWER_NOT_FOUND);
    told_new();
}

static void a_reload_counts_from_then_on(void **state) {
    (void)state;
    struct tl_items fewer = {house_agents + 1, 2}; /* without anna */
    struct roster_config config = {
        .agents = &fewer, .queues = &house_queues_list, .units = &house_units};
    presence("anna", "available");
    want("t_1", "support");
    assert_true(becomes("t_1", "offered"));
    presence("ben", "available");
    dispatch_reload(d, &config);
    for (int i = 0; i < 500 && strcmp(text(told.j, "agent"), "ben"); i++) {
        assert_true(becomes("t_1", "offered"));
        run_for(b, 10);
    }
    assert_string_equal(text(told.j, "agent"), "ben");
    const json_t *back = json_array_get(json_object_get(told.j, "history"), 2);
    assert_string_equal(text(back, "reason"), "agent is no longer configured");
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, empty_setup, empty_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        CASE(an_offer_is_made_and_accepted_once),
        CASE(two_hundred_tasks_have_one_owner_each),
        CASE(an_offer_survives_a_restart_with_its_end),
        CASE(an_offer_nobody_answers_comes_back_also_after_a_restart),
        CASE(who_misses_too_much_goes_away),
        CASE(a_wrap_up_ends_and_is_recorded),
        CASE(another_daemon_takes_over_and_the_first_does_no_harm),
        CASE(a_store_that_went_back_learns_who_is_there),
        CASE(a_disconnected_agent_gets_nothing_until_he_is_back),
        CASE(supervisors_move_tasks_of_their_queues_only),
        CASE(what_is_asked_wrongly_is_refused_by_name),
        CASE(agents_and_queues_look_as_the_contract_says),
        CASE(a_reload_counts_from_then_on),
    };
    return cmocka_run_group_tests(tests, house_setup, house_teardown);
}
