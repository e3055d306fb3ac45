/* delivery: an agent's stream over a real front door, with a real dispatch and store behind it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <poll.h>

#include "../dispatch/house.h"

#include <touchline/kit/date.h>

#include "delivery/delivery.h"
#include "http/http.h"
#include "store/body.h"
#include "store/contact.h"
#include "touchpoint/id.h"

static struct http_server *http;
static struct delivery *delivery;
static struct id_maker *ids;
static char door_path[96];

/* ---- the front door ---- */

struct ask_agent {
    void (*done)(void *arg, struct str json);
    void *arg;
};

static void on_agent(void *arg, const struct answer *a) {
    struct ask_agent q = *(struct ask_agent *)arg;
    free(arg);
    q.done(q.arg, a->kind == ANSWER_OK ? a->json : STR_NONE);
}

static void hook_agent(void *ctx, struct str agent, void (*done)(void *arg, struct str json),
                       void *arg) {
    struct ask_agent *q = NEW(struct ask_agent);
    (void)ctx;
    *q = (struct ask_agent){done, arg};
    dispatch_agent(d, agent, on_agent, q);
}

static void hook_streams(void *ctx, struct str agent, bool connected) {
    (void)ctx;
    dispatch_streams(d, agent, connected);
}

static void serve_events(void *ctx, struct http_request *r) {
    (void)ctx;
    delivery_stream(delivery, r, http_who(r)->name, http_query(r, "contact"));
}

static const struct http_route routes[] = {
    {"GET", "/v1/me/events", ALLOW_AGENT | ALLOW_SUPERVISOR, 0, serve_events, "events"},
};

static void no_session(void *ctx, const uint8_t hash[32],
                       void (*found)(void *arg, const char *agent), void *arg) {
    (void)ctx;
    (void)hash;
    found(arg, NULL);
}

static int setup_all(void **state) {
    static struct agent_config agents[3];
    static struct listen_config listen;
    static const struct limits_config limits = {100, 0, 16384, 65536, 5, {0}};
    const struct tl_items listens = {&listen, 1}, tokens = {NULL, 0}, people = {agents, 3};
    const struct http_sessions sessions = {NULL, no_session};
    struct fault f = {0};
    if (house_setup(state))
        return -1;
    memcpy(agents, house_agents, sizeof agents);
    agents[0].token = str_c("dev-anna");
    agents[1].token = str_c("dev-ben");
    agents[2].token = str_c("dev-clara");
    snprintf(door_path, sizeof door_path, "%s/http", server.dir);
    static char address[120];
    snprintf(address, sizeof address, "unix:%s", door_path);
    listen.address = str_c(address);
    if (!http_open(b->loop, &listens, &limits, &http, &f) ||
        !http_routes(http, routes, COUNT(routes), NULL))
        fail_msg("http: %s", f.reason);
    http_auth(http, &tokens, &people, &sessions);
    if (!http_listen(http, &f))
        fail_msg("http: %s %s", f.place, f.reason);
    ids = id_maker_new(str_c("a secret of some length for the tests"));
    return 0;
}

static int teardown_all(void **state) {
    told_new();
    http_close(http);
    id_maker_free(ids);
    return house_teardown(state);
}

static int setup(void **state) {
    static const struct delivery_hooks hooks = {.streams = hook_streams, .agent = hook_agent};
    struct fault f = {0};
    if (empty_setup(state))
        return -1;
    return delivery_open(b->loop, b->store, &hooks, &delivery, &f) ? 0 : -1;
}

static int teardown(void **state) {
    delivery_close(delivery);
    run_for(b, 20);
    return empty_teardown(state);
}

/* ---- a browser ---- */

struct browser {
    int fd;
    char text[1 << 18];
    size_t n, read;
    bool closed;
    char id[96], event[32], data[1 << 16];
    json_t *json;
};

static struct browser *browse(const char *token, const char *query, const char *last) {
    struct browser *w = NEW(struct browser);
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    char request[512];
    snprintf(un.sun_path, sizeof un.sun_path, "%s", door_path);
    w->fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(connect(w->fd, (struct sockaddr *)&un, sizeof un), 0);
    fcntl(w->fd, F_SETFL, O_NONBLOCK);
    int n = snprintf(
        request, sizeof request,
        "GET /v1/me/events%s HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\n%s%s%s\r\n",
        query, token, last ? "Last-Event-ID: " : "", last ? last : "", last ? "\r\n" : "");
    assert_int_equal(write(w->fd, request, (size_t)n), n);
    return w;
}

static void leave(struct browser *w) {
    close(w->fd);
    json_decref(w->json);
    free(w);
}

static void take(struct browser *w, const char *line) {
    if (!strncmp(line, "id: ", 4))
        snprintf(w->id, sizeof w->id, "%s", line + 4);
    else if (!strncmp(line, "event: ", 7))
        snprintf(w->event, sizeof w->event, "%s", line + 7);
    else if (!strncmp(line, "data: ", 6))
        snprintf(w->data, sizeof w->data, "%s", line + 6);
}

/* The next whole event, if it is there. */
static bool parse(struct browser *w) {
    char *head = strstr(w->text, "\r\n\r\n");
    if (!head)
        return false;
    if (!w->read)
        w->read = (size_t)(head - w->text) + 4;
    for (;;) {
        char *end = strstr(w->text + w->read, "\n\n");
        if (!end)
            return false;
        char *block = mem_dup(w->text + w->read, (size_t)(end - w->text) - w->read), *rest = block;
        w->read = (size_t)(end - w->text) + 2;
        w->id[0] = w->event[0] = w->data[0] = 0;
        for (char *line; (line = strsep(&rest, "\n"));)
            take(w, line);
        free(block);
        if (w->event[0])
            return true; /* else a comment */
    }
}

/* Waits for the next event; its data in w->json. */
static void next(struct browser *w) {
    for (int i = 0; i < 1000 && !parse(w); i++) {
        ssize_t n = read(w->fd, w->text + w->n, sizeof w->text - 1 - w->n);
        if (n == 0)
            w->closed = true;
        if (n > 0)
            w->n += (size_t)n;
        else
            run_for(b, 10);
        if (w->closed)
            fail_msg("the stream has ended: %s", w->text);
        if (i == 999)
            fail_msg("no event comes after: %s", w->text);
    }
    json_decref(w->json);
    w->json = json_loads(w->data, 0, NULL);
    if (!w->json)
        fail_msg("no JSON: %s", w->data);
    assert_true(w->id[0] || !strcmp(w->event, "snapshot"));
}

static void next_is(struct browser *w, const char *event) {
    next(w);
    if (strcmp(w->event, event))
        fail_msg("%s instead of %s: %s", w->event, event, w->data);
}

/* Nothing comes: whatever is done next comes first. */
static void nothing_but_presence(struct browser *w, const char *agent, const char *state) {
    presence(agent, state);
    next_is(w, "presence");
    assert_string_equal(text(w->json, "agent"), agent);
    assert_string_equal(text(w->json, "state"), state);
}

/* ---- timelines ---- */

static struct id contact_of(const char *email) {
    return id_identity(ids, str_c("email"), str_c(email));
}

static void on_claimed(void *arg, const struct fault *f, enum claim_code code, struct id part) {
    (void)code;
    (void)part;
    assert_null(f);
    *(bool *)arg = true;
}

static void on_appended(void *arg, const struct fault *f, const struct appended *a) {
    assert_null(f);
    assert_int_equal(a->code, APPEND_NEW);
    *(bool *)arg = true;
}

static struct id_text touchpoint_comes(const char *email, const char *source_id) {
    cleanup(buf_clear) struct buf body;
    struct id contact = contact_of(email),
              tp = id_touchpoint(ids, str_c("push:test"), str_c(source_id));
    struct contact_identity who = {.hash = contact,
                                   .kind = str_c("email"),
                                   .value = str_c(email),
                                   .evidence = str_c("claimed"),
                                   .link = LINK_CONFIRMED};
    const uint8_t content[4] = {1, 2, 3, 4};
    bool done = false;
    char stored[200], received[DATE_RFC3339_MAX];
    date_format(clock_wall_ms(), received);
    snprintf(stored, sizeof stored,
             "\"source\":\"push:test\",\"received_at\":\"%s\",\"text\":\"hello\",\"from\":{}",
             received);
    buf_init(&body, 4096);
    assert_true(body_pack(str_c(stored), &body));
    store_claim(b->store, tp, contact, content, 0, true, on_claimed, &done);
    assert_true(run_until(b->loop, &done, 5000));
    done = false;
    const struct append a = {.part = contact,
                             .touchpoint = tp,
                             .at_ms = clock_wall_ms(),
                             .received_ms = clock_wall_ms(),
                             .inbound = true,
                             .channel = str_c("chat"),
                             .source = str_c("push:test"),
                             .body = buf_str(&body),
                             .mode = JOIN_OWN,
                             .identities = &who,
                             .identities_n = 1};
    store_append(b->store, &a, on_appended, &done);
    assert_true(run_until(b->loop, &done, 5000));
    return id_write('p', tp);
}

/* ---- tests ---- */

static void a_stream_begins_with_what_is_so(void **state) {
    (void)state;
    presence("anna", "available");
    want("t_1", "support");
    want("t_2", "support");
    assert_true(becomes("t_1", "offered"));
    assert_true(becomes("t_2", "offered"));
    move("anna", "t_1", "accept", "{}");
    struct browser *w = browse("dev-anna", "", NULL);
    next_is(w, "snapshot");
    assert_string_equal(text(json_object_get(w->json, "agent"), "id"), "anna");
    const json_t *tasks = json_object_get(w->json, "tasks"),
                 *offers = json_object_get(w->json, "offers");
    assert_int_equal(json_array_size(tasks), 1);
    assert_string_equal(text(json_array_get(tasks, 0), "id"), "t_1");
    assert_int_equal(json_array_size(offers), 1);
    assert_int_equal(jget_int(json_array_get(offers, 0), "offer", 0), 1);
    assert_string_equal(text(json_object_get(json_array_get(offers, 0), "task"), "id"), "t_2");
    assert_string_equal(
        text(json_array_get(offers, 0), "expires_at"),
        text(json_object_get(json_object_get(json_array_get(offers, 0), "task"), "offer"),
             "expires_at"));
    leave(w);
}

static void offers_revokes_and_tasks_come_to_their_agent_alone(void **state) {
    (void)state;
    struct browser *anna = browse("dev-anna", "", NULL), *ben = browse("dev-ben", "", NULL);
    next_is(anna, "snapshot");
    next_is(ben, "snapshot");
    nothing_but_presence(anna, "anna", "available");
    want("t_1", "callbacks"); /* 300 ms */
    next_is(anna, "offer");
    assert_int_equal(jget_int(anna->json, "offer", 0), 1);
    assert_string_equal(text(json_object_get(anna->json, "task"), "state"), "offered");
    next_is(anna, "revoke");
    assert_string_equal(anna->data, "{\"task\":\"t_1\",\"offer\":1,\"reason\":\"expired\"}");
    nothing_but_presence(ben, "ben", "available");
    next_is(ben, "offer");
    move("ben", "t_1", "accept", "{}");
    next_is(ben, "task");
    assert_string_equal(text(ben->json, "state"), "accepted");
    move("ben", "t_1", "complete", "{}");
    next_is(ben, "task");
    assert_string_equal(text(ben->json, "state"), "wrapup");
    next_is(ben, "task");
    assert_string_equal(text(ben->json, "state"), "done");
    nothing_but_presence(anna, "anna", "away");
    leave(anna);
    leave(ben);
}

static void a_supervisor_sees_his_queues(void **state) {
    (void)state;
    struct browser *clara = browse("dev-clara", "", NULL);
    next_is(clara, "snapshot");
    want("t_1", "callbacks"); /* not hers */
    want("t_2", "support");
    next_is(clara, "task");
    assert_string_equal(text(clara->json, "id"), "t_2");
    assert_string_equal(text(clara->json, "state"), "waiting");
    nothing_but_presence(clara, "anna", "available");
    next_is(clara, "task");
    assert_string_equal(text(clara->json, "state"), "offered");
    leave(clara);
}

static void a_stream_goes_on_where_it_was_left(void **state) {
    (void)state;
    struct browser *w = browse("dev-anna", "", NULL);
    next_is(w, "snapshot");
    nothing_but_presence(w, "anna", "available");
    char last[96];
    snprintf(last, sizeof last, "%s", w->id);
    want("t_1", "support");
    next_is(w, "offer");
    leave(w);
    move("anna", "t_1", "accept", "{}");
    w = browse("dev-anna", "", last);
    next_is(w, "offer"); /* again: it came after */
    next_is(w, "task");
    assert_string_equal(text(w->json, "state"), "accepted");
    nothing_but_presence(w, "anna", "away");
    leave(w);
    static const char *const strange[] = {"1-0",  "99999999999999-0", "nonsense", "1-", "-1",
                                          "9-9/9"};
    for (size_t i = 0; i < COUNT(strange); i++) {
        w = browse("dev-anna", "", strange[i]);
        next_is(w, "snapshot");
        leave(w);
    }
}

static void timelines_of_held_and_named_contacts_come(void **state) {
    (void)state;
    struct id_text jana = id_write('c', contact_of("jana@example.org"));
    char query[96];
    snprintf(query, sizeof query, "?contact=nobody,%s,%s", jana.c, jana.c);
    struct browser *w = browse("dev-anna", query, NULL);
    next_is(w, "snapshot");
    struct id_text tp = touchpoint_comes("jana@example.org", "1");
    touchpoint_comes("other@example.org", "2");
    next_is(w, "timeline");
    assert_string_equal(text(w->json, "contact"), jana.c);
    assert_string_equal(text(json_object_get(w->json, "touchpoint"), "id"), tp.c);
    assert_string_equal(text(json_object_get(w->json, "touchpoint"), "text"), "hello");
    nothing_but_presence(w, "anna", "available");
    char last[96];
    struct id_text third = touchpoint_comes("jana@example.org", "3");
    next_is(w, "timeline");
    assert_string_equal(text(json_object_get(w->json, "touchpoint"), "id"), third.c);
    snprintf(last, sizeof last, "%s", w->id);
    assert_non_null(strchr(last, '/'));
    leave(w);
    run_for(b, 5); /* another millisecond */
    struct id_text missed = touchpoint_comes("jana@example.org", "4");
    w = browse("dev-anna", query, last);
    next_is(w, "timeline");
    assert_string_equal(text(json_object_get(w->json, "touchpoint"), "id"), missed.c);
    leave(w);
}

static void the_timeline_of_a_task_in_hand_comes(void **state) {
    (void)state;
    struct id_text jana = id_write('c', contact_of("task@example.org"));
    struct browser *w = browse("dev-anna", "", NULL);
    next_is(w, "snapshot");
    nothing_but_presence(w, "anna", "available");
    struct task_wanted x = {.task = str_c("t_9"),
                            .conversation = str_c("v_9"),
                            .contact = str_c(jana.c),
                            .touchpoint = str_c("p_9"),
                            .queue = str_c("support"),
                            .channel = str_c("email"),
                            .priority = 5,
                            .at_ms = clock_wall_ms()};
    told_new();
    store_task_want(b->store, &x, on_told, &told);
    told_wait(&told);
    next_is(w, "offer");
    run_for(b, 50);
    touchpoint_comes("task@example.org", "5");
    next_is(w, "timeline");
    move("anna", "t_9", "accept", "{}");
    next_is(w, "task");
    move("anna", "t_9", "complete", "{}");
    next_is(w, "task");
    touchpoint_comes("task@example.org", "6");
    nothing_but_presence(w, "anna", "away"); /* no longer his */
    leave(w);
}

static void who_leaves_is_lost_and_who_comes_is_there(void **state) {
    (void)state;
    presence("anna", "available");
    struct browser *one = browse("dev-anna", "", NULL), *two = browse("dev-anna", "", NULL);
    next_is(one, "snapshot");
    next_is(two, "snapshot");
    leave(one);
    run_for(b, 50);
    want("t_1", "support");
    next_is(two, "offer");
    leave(two);
    assert_true(becomes("t_1", "waiting"));
    assert_string_equal(last_reason(), "agent disconnected");
    two = browse("dev-anna", "", NULL);
    next_is(two, "snapshot");
    if (json_array_size(json_object_get(two->json, "offers")) == 0) /* as quick as the snapshot */
        next_is(two, "offer");
    leave(two);
}

static void a_session_that_ends_ends_its_streams(void **state) {
    (void)state;
    struct browser *w = browse("dev-anna", "", NULL);
    char byte[4096];
    next_is(w, "snapshot");
    delivery_end(delivery, str_c("anna"));
    run_for(b, 50);
    ssize_t n;
    while ((n = read(w->fd, byte, sizeof byte)) > 0)
        continue;
    assert_int_equal(n, 0);
    leave(w);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        CASE(a_stream_begins_with_what_is_so),
        CASE(offers_revokes_and_tasks_come_to_their_agent_alone),
        CASE(a_supervisor_sees_his_queues),
        CASE(a_stream_goes_on_where_it_was_left),
        CASE(timelines_of_held_and_named_contacts_come),
        CASE(the_timeline_of_a_task_in_hand_comes),
        CASE(who_leaves_is_lost_and_who_comes_is_there),
        CASE(a_session_that_ends_ends_its_streams),
    };
    return cmocka_run_group_tests(tests, setup_all, teardown_all);
}
