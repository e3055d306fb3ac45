/* outbox/outbox.c, attempt.c, state.c over a real spool and blob store, with a channel that does
 * what it is told. The wall clock is turned by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <touchline/kit/jread.h>

#include "base/clock.h"
#include "base/loop.h"
#include "base/thread.h"
#include "blob/blob.h"
#include "outbox/outbox_priv.h"

enum { JOBS_MAX = 32 };

struct job {
    char id[40];
    uint32_t attempt;
    void (*done)(void *arg, const struct tl_sent_result *result);
    void *arg;
};

static char dir[64], spool_dir[80], clock_file[80];
static struct loop *loop;
static struct spool *spool;
static struct blob_store *blobs;
static struct id_maker *ids;
static struct outbox *outbox;

/* What the channel was given, and answers: by its own script, or held until told. */
static struct job jobs[JOBS_MAX];
static size_t jobs_n, answered_n;
static struct tl_sent_result script;
static bool holding;
static char last_touchpoint[4000], last_file[64], last_path[200];

static void answer(size_t i, const struct tl_sent_result *r) {
    answered_n++;
    jobs[i].done(jobs[i].arg, r);
}

static void answer_last(void *arg) {
    answer((size_t)(uintptr_t)arg, &script);
}

static void read_file(const struct tl_outbound *what) {
    cleanup(json_freep) json_t *tp = NULL;
    if (!jread_parse(what->touchpoint, 1 << 20, &tp, NULL))
        return;
    struct str path = jget_str(json_array_get(json_object_get(tp, "attachments"), 0), "path");
    if (!path.n)
        return;
    snprintf(last_path, sizeof last_path, "%.*s", STR_ARG(path));
    FILE *f = fopen(last_path, "r");
    if (f) {
        last_file[fread(last_file, 1, sizeof last_file - 1, f)] = '\0';
        fclose(f);
    }
}

static void channel_send(void *ctx, const struct tl_outbound *what,
                         void (*done)(void *arg, const struct tl_sent_result *result), void *arg) {
    (void)ctx;
    assert_true(jobs_n < JOBS_MAX);
    struct job *j = &jobs[jobs_n];
    snprintf(j->id, sizeof j->id, "%.*s", STR_ARG(what->id));
    j->attempt = what->attempt;
    j->done = done;
    j->arg = arg;
    snprintf(last_touchpoint, sizeof last_touchpoint, "%.*s", STR_ARG(what->touchpoint));
    read_file(what);
    if (!holding)
        loop_later(loop, answer_last, (void *)(uintptr_t)jobs_n);
    jobs_n++;
}

static bool channel_who(void *ctx, struct str source, struct str *name, struct str *address) {
    (void)ctx, (void)source;
    *name = str_c("Support");
    *address = str_c("support@example.com");
    return true;
}

/* Delivery records as they wait for the pipeline. */
static char deliveries[4000];
static size_t deliveries_n;
static bool looking;
static void on_pending(void *arg, struct record **records, size_t n, bool *keep) {
    (void)arg, (void)keep;
    looking = false;
    deliveries_n = 0;
    for (size_t i = 0; i < n; i++)
        if (records[i]->kind == RECORD_DELIVERY) {
            snprintf(deliveries, sizeof deliveries, "%.*s", STR_ARG(records[i]->head));
            deliveries_n++;
        }
}

static void open_all(void) {
    static const struct sender sender = {.who = channel_who, .send = channel_send};
    struct spool_config config = {(int64_t)1 << 30, 86400000, (int64_t)30 * 86400000};
    struct fault f = {0};
    char blob_dir[100];
    snprintf(blob_dir, sizeof blob_dir, "%s/blobs", dir);
    if (!spool_open(loop, str_c(spool_dir), &config, &spool, &f) ||
        !blob_open(loop, str_c(blob_dir), &blobs, &f) ||
        !outbox_open(loop, spool, blobs, NULL, ids, &sender, str_c("DE"), &outbox, &f))
        fail_msg("%s %s", f.place, f.reason);
    looking = false;
}

static void close_all(void) {
    outbox_close(outbox);
    blob_close(blobs);
    spool_close(spool);
}

static int setup(void **state) {
    (void)state;
    thread_set(THREAD_LOOP);
    snprintf(dir, sizeof dir, "/tmp/tl-outbox-XXXXXX");
    if (!mkdtemp(dir))
        return -1;
    snprintf(spool_dir, sizeof spool_dir, "%s/spool", dir);
    snprintf(clock_file, sizeof clock_file, "%s/clock", dir);
    setenv("TOUCHLINE_CLOCK", clock_file, 1);
    setenv("TMPDIR", dir, 1);
    loop = loop_new();
    ids = id_maker_new(str_c("a secret of the tests"));
    jobs_n = answered_n = deliveries_n = 0;
    holding = false;
    script = (struct tl_sent_result){.size = sizeof script, .state = TL_SENT};
    last_touchpoint[0] = last_file[0] = last_path[0] = deliveries[0] = '\0';
    open_all();
    return 0;
}

static int teardown(void **state) {
    (void)state;
    char command[100];
    close_all();
    id_maker_free(ids);
    loop_free(loop);
    snprintf(command, sizeof command, "rm -rf '%s'", dir);
    return system(command);
}

static void nothing(void *arg) {
    (void)arg;
}

static void turn(void) {
    struct loop_timer *t = loop_timer_new(loop, 2, nothing, NULL);
    if (!looking)
        spool_ask_pending(spool, 0, 100, on_pending, NULL);
    looking = true;
    event_base_loop(loop_base(loop), EVLOOP_ONCE);
    loop_timer_free(t);
}

#define WAIT_FOR(condition)                                                                        \
    do {                                                                                           \
        int64_t wait_until = clock_mono_ms() + 8000;                                               \
        while (!(condition) && clock_mono_ms() < wait_until)                                       \
            turn();                                                                                \
        assert_true(condition);                                                                    \
    } while (0)

static void turn_for(int64_t ms) {
    int64_t until = clock_mono_ms() + ms;
    while (clock_mono_ms() < until)
        turn();
}

/* Forward by so much; never back, since a clock that was turned stays so for the process. */
static void clock_turn(int64_t ms) {
    static int64_t turned_ms;
    turned_ms += ms;
    FILE *f = fopen(clock_file, "w");
    fprintf(f, "%lld", (long long)turned_ms);
    fclose(f);
}

/* ---- a reply in the spool, as queue.c writes it ---- */

static bool kept;
static void on_kept(void *arg, enum spool_verdict verdict, struct record *r, bool *keep,
                    struct str text, const struct fault *fault) {
    (void)arg, (void)r, (void)keep, (void)text, (void)fault;
    assert_int_equal(verdict, SPOOL_KEPT);
    kept = true;
}

static void queue(const char *source, const char *nonce, const char *body) {
    cleanup(json_freep) json_t *b = NULL, *to = NULL;
    cleanup(buf_clear) struct buf saved, head;
    struct touchpoint *tp;
    struct fault f;
    assert_true(jread_parse(str_c(body), 1 << 20, &b, &f));
    to = json_pack("{s:s}", "email", "jana@example.org");
    struct composing c = {.ids = ids,
                          .region = str_c("DE"),
                          .source = str_c(source),
                          .source_id = str_c(nonce),
                          .name = str_c("Support"),
                          .address = str_c("support@example.com"),
                          .by = str_c("anna"),
                          .channel = str_c("email"),
                          .body = b,
                          .to = to,
                          .begins = true,
                          .now_ms = clock_wall_ms()};
    if (!compose(&c, &tp, &f))
        fail_msg("%s %s", f.place, f.reason);
    buf_init(&saved, 1 << 20);
    buf_init(&head, 1 << 20);
    assert_true(touchpoint_save(tp, &saved));
    assert_true(buf_add(&head, str_upto(buf_str(&saved), saved.n - 1)) &&
                buf_add_c(&head, ",\"_contact\":\"c_1\",\"_conversation\":\"v_1\"}"));
    struct record *r = record_new(RECORD_REPLY);
    struct id_text id = id_write('p', tp->id);
    r->id = record_keep(r, str_c(id.c));
    r->source = record_keep(r, tp->source);
    r->source_id = record_keep(r, tp->source_id);
    r->head = record_keep(r, buf_str(&head));
    r->received_ms = c.now_ms;
    kept = false;
    assert_true(spool_push(spool, r, on_kept, NULL, &f));
    WAIT_FOR(kept);
    touchpoint_free(tp);
}

static struct outbox_row row;
static char row_id[40];
static bool row_asked;
static void on_row(void *arg, const struct outbox_row *rows, size_t n) {
    (void)arg;
    row_asked = true;
    if (n) {
        row = rows[0];
        row.id = row.head = row.source = row.reply_to = row.provider_id = STR_NONE;
    }
}

/* Until the spool says so: notes ride along in a later group. */
static void wait_row(const char *id, enum outbox_state state, uint32_t attempts) {
    snprintf(row_id, sizeof row_id, "%s", id);
    for (int i = 0; i < 200; i++) {
        row_asked = false;
        spool_ask_sent(spool, str_c(row_id), on_row, NULL);
        WAIT_FOR(row_asked);
        if (row.state == state && row.attempts == attempts)
            return;
        turn_for(10);
    }
    fail_msg("state %d attempts %u", (int)row.state, row.attempts);
}

/* ---- */

static void a_reply_is_sent_once_and_its_state_told(void **state) {
    (void)state;
    script.provider_id = str_c("wamid.1");
    queue("email:support", "1", "{\"text\":\"Hello\"}");
    outbox_pump(outbox);
    WAIT_FOR(deliveries_n == 1);
    assert_int_equal(jobs[0].attempt, 1);
    assert_non_null(strstr(last_touchpoint, "\"contact\":\"c_1\",\"conversation\":\"v_1\""));
    assert_non_null(strstr(last_touchpoint, "\"text\":\"Hello\""));
    assert_null(strstr(last_touchpoint, "_content"));
    assert_non_null(strstr(deliveries, "\"state\":\"sent\""));
    assert_non_null(strstr(deliveries, jobs[0].id));
    assert_non_null(strstr(deliveries, "\"provider_id\":\"wamid.1\""));
    wait_row(jobs[0].id, OUTBOX_SENT, 1);
    turn_for(2500);
    assert_int_equal(jobs_n, 1);
    close_all();
    open_all();
    turn_for(1500);
    assert_int_equal(jobs_n, 1);
}

static void a_reply_that_nobody_took_is_tried_again_later(void **state) {
    (void)state;
    script.state = TL_SENT_RETRY;
    queue("email:support", "1", "{\"text\":\"Hello\"}");
    outbox_pump(outbox);
    WAIT_FOR(answered_n == 1);
    int64_t now = clock_wall_ms();
    wait_row(jobs[0].id, OUTBOX_QUEUED, 1);
    assert_in_range(row.next_ms - now, 8000, 12000);
    turn_for(1500);
    assert_int_equal(jobs_n, 1);
    script.state = TL_SENT;
    clock_turn(15000);
    WAIT_FOR(deliveries_n == 1);
    assert_int_equal(jobs_n, 2);
    assert_int_equal(jobs[1].attempt, 2);
    assert_string_equal(jobs[0].id, jobs[1].id);
}

static void a_reply_refused_for_good_has_failed(void **state) {
    (void)state;
    script.state = TL_SENT_NEVER;
    script.code = str_c("550");
    script.status = str_c("5.1.1");
    script.diagnostic = str_c("no such user");
    queue("email:support", "1", "{\"text\":\"Hello\"}");
    outbox_pump(outbox);
    WAIT_FOR(deliveries_n == 1);
    assert_non_null(strstr(deliveries, "\"delivery\":{\"state\":\"failed\",\"status\":\"5.1.1\","
                                       "\"code\":\"550\",\"hard\":true,\"recipient\":"
                                       "\"jana@example.org\",\"diagnostic\":\"no such user\"}"));
    wait_row(jobs[0].id, OUTBOX_FAILED, 1);
}

static void after_two_days_it_is_given_up(void **state) {
    (void)state;
    script.state = TL_SENT_RETRY;
    queue("email:support", "1", "{\"text\":\"Hello\"}");
    clock_turn((int64_t)49 * 3600 * 1000);
    turn_for(1100);
    WAIT_FOR(deliveries_n == 1);
    assert_non_null(strstr(deliveries, "\"state\":\"failed\""));
    assert_null(strstr(deliveries, "\"hard\""));
}

static void at_most_four_of_a_source_are_under_way(void **state) {
    (void)state;
    holding = true;
    for (int i = 0; i < 6; i++) {
        char nonce[8];
        snprintf(nonce, sizeof nonce, "%d", i);
        queue("email:support", nonce, "{\"text\":\"Hello\"}");
    }
    queue("email:sales", "x", "{\"text\":\"Hello\"}");
    outbox_pump(outbox);
    WAIT_FOR(jobs_n == 5); /* four of support, one of sales */
    turn_for(1500);
    assert_int_equal(jobs_n, 5);
    for (size_t i = 0; i < 5; i++)
        answer(i, &script);
    clock_turn(10000); /* the two that were put off are due again */
    WAIT_FOR(jobs_n == 7);
    answer(5, &script);
    answer(6, &script);
}

static void a_source_that_fails_again_and_again_is_left_alone(void **state) {
    (void)state;
    script.state = TL_SENT_RETRY;
    for (int i = 0; i < 5; i++) {
        char nonce[8];
        snprintf(nonce, sizeof nonce, "%d", i);
        queue("email:support", nonce, "{\"text\":\"Hello\"}");
    }
    outbox_pump(outbox);
    clock_turn(5000);
    WAIT_FOR(answered_n == 5);
    queue("email:support", "late", "{\"text\":\"Hello\"}");
    queue("email:sales", "other", "{\"text\":\"Hello\"}");
    outbox_pump(outbox);
    WAIT_FOR(jobs_n == 6); /* the other source alone */
    turn_for(1500);
    assert_int_equal(jobs_n, 6);
    clock_turn(45000);
    WAIT_FOR(jobs_n > 6);
}

static void an_attachment_comes_as_a_file_that_is_gone_afterwards(void **state) {
    (void)state;
    struct stat st;
    queue("email:support", "1",
          "{\"text\":\"see\",\"attachments\":[{\"name\":\"a.txt\",\"data\":\"aGVsbG8=\"}]}");
    outbox_pump(outbox);
    WAIT_FOR(deliveries_n == 1);
    assert_string_equal(last_file, "hello");
    assert_int_equal(stat(last_path, &st), -1);
}

static void what_is_under_way_at_the_end_is_tried_again_by_the_next(void **state) {
    (void)state;
    struct stat st;
    holding = true;
    queue("email:support", "1",
          "{\"text\":\"see\",\"attachments\":[{\"name\":\"a.txt\",\"data\":\"aGVsbG8=\"}]}");
    outbox_pump(outbox);
    WAIT_FOR(jobs_n == 1);
    outbox_close(outbox);
    assert_int_equal(stat(last_path, &st), -1);
    answer(0, &script); /* into nothing */
    assert_int_equal(deliveries_n, 0);
    blob_close(blobs);
    spool_close(spool);
    open_all();
    clock_turn(12000);
    WAIT_FOR(jobs_n == 2);
    assert_int_equal(jobs[1].attempt, 2);
    answer(1, &script);
    WAIT_FOR(deliveries_n == 1);
}

static void pauses_double_up_to_an_hour(void **state) {
    (void)state;
    assert_int_equal(attempt_pause_ms(1), 10000);
    assert_int_equal(attempt_pause_ms(2), 20000);
    assert_int_equal(attempt_pause_ms(9), 2560000);
    assert_int_equal(attempt_pause_ms(10), 3600000);
    assert_int_equal(attempt_pause_ms(1000), 3600000);
}

#define WITH(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        WITH(a_reply_is_sent_once_and_its_state_told),
        WITH(a_reply_that_nobody_took_is_tried_again_later),
        WITH(a_reply_refused_for_good_has_failed),
        WITH(after_two_days_it_is_given_up),
        WITH(at_most_four_of_a_source_are_under_way),
        WITH(a_source_that_fails_again_and_again_is_left_alone),
        WITH(an_attachment_comes_as_a_file_that_is_gone_afterwards),
        WITH(what_is_under_way_at_the_end_is_tried_again_by_the_next),
        cmocka_unit_test(pauses_double_up_to_an_hour),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
