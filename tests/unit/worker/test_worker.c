/* worker/: real children (this program itself with --worker) and a plugin built for the occasion.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/loop.h"
#include "worker/wire.h"
#include "worker/worker.h"

static const char plugin_text[] =
    "#include <dirent.h>\n#include <stdlib.h>\n#include <stdio.h>\n#include <unistd.h>\n"
    "#include <touchline/plugin.h>\n"
    "static bool rd(const struct tl_read *in, const struct tl_emit *out) {\n"
    "  if (str_is(in->format, \"echo\")) {\n"
    "    out->blob(out->ctx, in->source, in->body);\n"
    "    out->touchpoint(out->ctx, in->meta);\n"
    "    out->bad(out->ctx, in->source_id, \"no good\");\n"
    "    out->touchpoint(out->ctx, in->region);\n"
    "    return in->received_ms == -5;\n"
    "  }\n"
    "  if (str_is(in->format, \"hang\")) for (;;) pause();\n"
    "  if (str_is(in->format, \"crash\")) abort();\n"
    "  if (str_is(in->format, \"exit\")) exit(7);\n"
    "  if (str_is(in->format, \"noise\")) { if (write(3, \"garbage\", 7) < 0) abort(); pause(); }\n"
    "  if (str_is(in->format, \"flood\")) {\n"
    "    for (int i = 0; i < 70; i++) out->blob(out->ctx, in->source, in->body);\n"
    "    return true;\n"
    "  }\n"
    "  return false;\n"
    "}\n"
    "static bool wk(struct str kind, struct str payload, const struct tl_emit *out) {\n"
    "  char text[64];\n"
    "  (void)payload;\n"
    "  if (str_is(kind, \"files\")) {\n"
    "    int n = 0;\n"
    "    DIR *d = opendir(\"/proc/self/fd\");\n"
    "    while (readdir(d)) n++;\n"
    "    closedir(d);\n"
    "    snprintf(text, sizeof text, \"%d\", n - 3);\n"
    "    out->answer(out->ctx, str_c(text));\n"
    "  } else if (str_is(kind, \"secret\")) {\n"
    "    out->answer(out->ctx, str_c(getenv(\"TOUCHLINE_TEST_SECRET\") ? \"known\" : "
    "\"unknown\"));\n"
    "  } else if (str_is(kind, \"memory\")) {\n"
    "    out->answer(out->ctx, str_c(malloc(600u << 20) ? \"got\" : \"refused\"));\n"
    "  } else return false;\n"
    "  return true;\n"
    "}\n"
    "const struct tl_plugin touchline_plugin = {\n"
    "#ifdef WRONG\n"
    "  .abi_major = 99, .size = sizeof(struct tl_plugin),\n"
    "#else\n"
    "  TL_PLUGIN_HEAD,\n"
    "#endif\n"
    "  .name = STR(\"testing\"), .read = rd, .work = wk };\n";

static char folder[] = "/tmp/touchline-worker-XXXXXX";
static bool have_plugin;
static struct loop *loop;
static struct worker_pool *pool;

/* What the last job came to. */
static struct {
    int done;
    bool ok, killed;
    char reason[256], text[512];
    size_t items, blob_bytes;
} last;
static int wanted;

static void on_done(void *arg, const struct worker_answer *a) {
    (void)arg;
    last.ok = a->ok;
    last.killed = a->killed;
    last.items = a->n;
    last.blob_bytes = 0;
    last.text[0] = '\0';
    snprintf(last.reason, sizeof last.reason, "%s", a->reason ? a->reason : "");
    for (size_t i = 0; i < a->n; i++) {
        size_t n = strlen(last.text);
        last.blob_bytes += a->items[i].type == WORKER_BLOB ? a->items[i].bytes.n : 0;
        snprintf(last.text + n, sizeof last.text - n, "%d:%.*s:%.*s;", (int)a->items[i].type,
                 STR_ARG(a->items[i].ref_or_reason), STR_ARG(str_upto(a->items[i].bytes, 150)));
    }
    if (++last.done == wanted)
        loop_stop(loop);
}

static void too_late(void *arg) {
    (void)arg;
    fail_msg("no answer in time: %d of %d", last.done, wanted);
}

static void await(int n) {
    struct loop_timer *bound = loop_timer_new(loop, 60000, too_late, NULL);
    wanted = n;
    loop_run(loop);
    loop_timer_free(bound);
}

static void build_plugin(const char *name, const char *flags) {
    char path[256], command[1024];
    snprintf(path, sizeof path, "%s/%s.c", folder, name);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(plugin_text, f);
    fclose(f);
    snprintf(command, sizeof command, "cc -shared -fPIC -Iinclude %s -o %s/%s.so %s 2>&1", flags,
             folder, name, path);
    have_plugin = system(command) == 0;
}

static int build(void **state) {
    (void)state;
    assert_non_null(mkdtemp(folder));
    build_plugin("wrong", "-DWRONG");
    build_plugin("testing", "");
    setenv("TOUCHLINE_TEST_SECRET", "hush", 1);
    return 0;
}

static int clean(void **state) {
    (void)state;
    char command[128];
    snprintf(command, sizeof command, "rm -r %s", folder);
    return system(command);
}

static int setup(void **state) {
    (void)state;
    struct str folders[] = {str_c("/nonexistent"), str_c(folder)};
    struct tl_strs list = {folders, 2};
    memset(&last, 0, sizeof last);
    loop = loop_new();
    return worker_open(loop, &list, 1, &pool, NULL) ? 0 : -1;
}

static int teardown(void **state) {
    (void)state;
    worker_close(pool);
    loop_free(loop);
    return 0;
}

static void read_job(const char *plugin, const char *format, struct str body, uint32_t deadline) {
    struct fault f = {0};
    struct tl_read in = {.size = sizeof in,
                         .source = str_c("email:support"),
                         .source_id = str_c("<1@x>"),
                         .format = str_c(format),
                         .meta = str_c("{\"m\":1}"),
                         .body = body,
                         .received_ms = -5};
    if (!worker_read(pool, str_c(plugin), &in, deadline, on_done, NULL, &f))
        fail_msg("refused: %s", f.reason);
    assert_int_equal(last.done, 0); /* never from inside */
}

static void read_and_await(const char *plugin, const char *format, uint32_t deadline) {
    last.done = 0;
    read_job(plugin, format, str_c("body"), deadline);
    await(1);
}

static void work_and_await(const char *kind) {
    last.done = 0;
    assert_true(
        worker_work(pool, str_c("testing"), str_c(kind), str_c("{}"), 20000, on_done, NULL, NULL));
    await(1);
}

static void a_password_is_known_again_and_no_other(void **state) {
    (void)state;
    char phc[256];
    assert_true(worker_password_hash(pool, str_c("dev"), on_done, NULL, NULL));
    await(1);
    assert_true(last.ok);
    assert_int_equal(last.items, 1);
    assert_int_equal(sscanf(last.text, "4::%200[^;];", phc), 1);
    assert_memory_equal(phc, "$argon2id$v=19$m=19456,t=2,p=1$", 31);
    static const struct {
        const char *password;
        bool ok;
    } cases[] = {{"dev", true}, {"Dev", false}, {"", false}, {"dev ", false}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        last.done = 0;
        assert_true(worker_password_verify(pool, str_c(phc), str_c(cases[i].password), on_done,
                                           NULL, NULL));
        await(1);
        assert_int_equal(last.ok, cases[i].ok);
        assert_false(last.killed);
    }
    static const char *const broken[] = {"", "x", "$argon2id$v=19$m=19456,t=2,p=1$", "$2b$10$abc"};
    for (size_t i = 0; i < COUNT(broken); i++) {
        last.done = 0;
        assert_true(
            worker_password_verify(pool, str_c(broken[i]), str_c("dev"), on_done, NULL, NULL));
        await(1);
        assert_false(last.ok || last.killed);
    }
}

static void what_a_plugin_reads_comes_back_in_order(void **state) {
    (void)state;
    if (!have_plugin)
        skip();
    read_and_await("testing", "echo", 20000);
    assert_true(last.ok);
    assert_string_equal(last.text, "2:email:support:body;1::{\"m\":1};3:no good:<1@x>;1::;");
}

static void a_large_body_goes_both_ways(void **state) {
    (void)state;
    if (!have_plugin)
        skip();
    size_t n = 30u << 20;
    char *body = malloc(n);
    memset(body, 'x', n);
    read_job("testing", "echo", str_make(body, n), 50000);
    await(1);
    free(body);
    assert_true(last.ok);
    assert_int_equal(last.blob_bytes, n);
}

static void an_answer_without_bounds_is_cut_off(void **state) {
    (void)state;
    if (!have_plugin)
        skip();
    size_t n = 1u << 20;
    char *body = calloc(1, n);
    read_job("testing", "flood", str_make(body, n), 50000);
    await(1);
    free(body);
    assert_false(last.ok);
    assert_string_equal(last.reason, "the answer is too large");
}

static void a_child_that_hangs_is_killed_and_replaced(void **state) {
    (void)state;
    if (!have_plugin)
        skip();
    int64_t from = clock_mono_ms();
    read_and_await("testing", "hang", 150);
    assert_true(clock_mono_ms() - from >= 135); /* less a step of the coarse clock */
    assert_true(last.killed && !last.ok);
    assert_string_equal(last.reason, "took longer than 150 ms");
    read_and_await("testing", "echo", 20000);
    assert_true(last.ok);
}

static void a_child_that_crashes_says_how_and_is_replaced(void **state) {
    (void)state;
    if (!have_plugin)
        skip();
    read_and_await("testing", "crash", 20000);
    assert_true(last.killed);
    assert_string_equal(last.reason, "the worker was ended by signal 6");
    read_and_await("testing", "exit", 20000);
    assert_false(last.killed || last.ok);
    assert_string_equal(last.reason, "the worker ended with status 7");
    read_and_await("testing", "noise", 20000);
    assert_true(last.killed);
    assert_string_equal(last.reason, "the worker broke the protocol");
    read_and_await("testing", "echo", 20000);
    assert_true(last.ok);
}

static void jobs_behind_a_hanging_one_are_served(void **state) {
    (void)state;
    if (!have_plugin)
        skip();
    read_job("testing", "hang", str_c(""), 100);
    for (int i = 0; i < 20; i++)
        read_job("testing", "echo", str_c("b"), 20000);
    await(21);
    assert_true(last.ok);
}

static void a_plugin_that_is_not_there_or_not_ours_fails_the_job(void **state) {
    (void)state;
    if (!have_plugin)
        skip();
    static const struct {
        const char *plugin, *reason;
    } cases[] = {{"absent", "no such channel: absent"},
                 {"../testing", "no such channel"},
                 {"", "no such channel"},
                 {"wrong", "the channel is made for another version: wrong"}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        read_and_await(cases[i].plugin, "echo", 20000);
        assert_false(last.ok || last.killed);
        assert_string_equal(last.reason, cases[i].reason);
    }
    read_and_await("testing", "unknown", 20000);
    assert_false(last.ok);
    assert_string_equal(last.reason, "cannot be read");
}

static void a_child_has_no_files_no_secrets_and_little_memory(void **state) {
    (void)state;
    if (!have_plugin)
        skip();
    work_and_await("files");
    assert_true(last.ok);
    assert_string_equal(last.text, "4::4;"); /* 0, 1, 2 and the socket */
    work_and_await("secret");
    assert_string_equal(last.text, "4::unknown;");
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    work_and_await("memory");
    assert_string_equal(last.text, "4::refused;");
#endif
    work_and_await("else");
    assert_false(last.ok);
    assert_string_equal(last.reason, "the work failed");
}

static void a_full_queue_is_busy_and_closing_tells_everyone(void **state) {
    (void)state;
    struct fault f = {0};
    for (int i = 0; i < 4096; i++)
        assert_true(worker_password_hash(pool, str_c("x"), on_done, NULL, &f));
    assert_false(worker_password_hash(pool, str_c("x"), on_done, NULL, &f));
    assert_int_equal(f.kind, FAULT_BUSY);
    /* The others' queues are their own. */
    await(3);
    worker_close(pool);
    assert_int_equal(last.done, 4096);
    assert_string_equal(last.reason, "the daemon is stopping");
    loop_free(loop);
    assert_int_equal(setup(NULL), 0); /* for the teardown */
}

static void a_job_above_the_bound_is_refused(void **state) {
    (void)state;
    struct fault f = {0};
    size_t n = 97u << 20;
    char *body = calloc(1, n);
    struct tl_read in = {.size = sizeof in, .body = str_make(body, n)};
    assert_false(worker_read(pool, str_c("testing"), &in, 1000, on_done, NULL, &f));
    assert_int_equal(f.kind, FAULT_INPUT);
    free(body);
}

static void frames_are_read_whole_or_not_at_all(void **state) {
    (void)state;
    cleanup(buf_clear) struct buf b;
    size_t at;
    buf_init(&b, 1000);
    assert_true(wire_begin(&b, WIRE_BLOB, &at) && wire_add_str(&b, str_c("ref")) &&
                wire_add_str(&b, STR_NONE) && wire_add_int(&b, INT64_MIN));
    wire_end(&b, at);
    struct wire_frame frame;
    for (size_t n = 0; n < b.n; n++) {
        struct str part = str_upto(buf_str(&b), n);
        assert_int_equal(wire_next(&part, 1000, &frame), WIRE_MORE);
        assert_int_equal(part.n, n);
    }
    struct str in = buf_str(&b), s;
    int64_t v;
    assert_int_equal(wire_next(&in, 1000, &frame), WIRE_FRAME);
    assert_int_equal(in.n, 0);
    assert_int_equal(frame.type, WIRE_BLOB);
    for (size_t n = 0; n < 7; n++) {
        struct str part = str_upto(frame.payload, n);
        assert_false(wire_take_str(&part, &s));
    }
    assert_true(wire_take_str(&frame.payload, &s) && str_is(s, "ref"));
    assert_true(wire_take_str(&frame.payload, &s) && !s.p);
    assert_true(wire_take_int(&frame.payload, &v) && v == INT64_MIN);
    assert_false(wire_take_int(&frame.payload, &v));
    in = buf_str(&b);
    assert_int_equal(wire_next(&in, b.n - WIRE_HEAD - 1, &frame), WIRE_BROKEN);
    b.p[4] = 99;
    assert_int_equal(wire_next(&in, 1000, &frame), WIRE_BROKEN);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(int argc, char **argv) {
    if (argc > 1 && strcmp(argv[1], "--worker") == 0)
        return worker_child_main(argc, argv);
    const struct CMUnitTest tests[] = {
        TEST(a_password_is_known_again_and_no_other),
        TEST(what_a_plugin_reads_comes_back_in_order),
        TEST(a_large_body_goes_both_ways),
        TEST(an_answer_without_bounds_is_cut_off),
        TEST(a_child_that_hangs_is_killed_and_replaced),
        TEST(a_child_that_crashes_says_how_and_is_replaced),
        TEST(jobs_behind_a_hanging_one_are_served),
        TEST(a_plugin_that_is_not_there_or_not_ours_fails_the_job),
        TEST(a_child_has_no_files_no_secrets_and_little_memory),
        TEST(a_full_queue_is_busy_and_closing_tells_everyone),
        TEST(a_job_above_the_bound_is_refused),
        cmocka_unit_test(frames_are_read_whole_or_not_at_all),
    };
    return cmocka_run_group_tests(tests, build, clean);
}
