/* tests/unit/spool/test_kill.c - kill -9 at any moment: what was acknowledged is there, once. */
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>

#include "fixture.h"

enum { KILLS = 30, WINDOW = 200, IDS_MAX = 100000 };

struct child {
    struct world *w;
    int out;
    unsigned run;
    uint32_t next, done;
};

static void push_more(struct child *c);

static void acknowledged(void *arg, enum spool_verdict verdict, struct record *r, bool *keep,
                         struct str answer, const struct fault *fault) {
    (void)keep, (void)answer, (void)fault;
    struct child *c = arg;
    char word[32];
    int n = snprintf(word, sizeof word, "%.*s\n", STR_ARG(r->id));
    if (verdict == SPOOL_KEPT && write(c->out, word, (size_t)n) != n)
        _exit(3);
    c->done++;
    push_more(c);
}

static void push_more(struct child *c) {
    for (; c->next - c->done < WINDOW; c->next++) {
        char id[24];
        struct fault f;
        snprintf(id, sizeof id, "p_%u_%u", c->run, c->next);
        struct record *r = record_of(id, "aaaa", 0);
        if (c->next % 50 == 0) { /* one with a file beside it */
            size_t big = BIG_BODY + 1;
            char *body = mem_new(big);
            r->body = record_keep(r, str_make(body, big));
            free(body);
        }
        if (!spool_push(c->w->s, r, acknowledged, c, &f))
            return;
        if (c->next)
            spool_note_step(c->w->s, str_c(id), 1, "step", STR_NONE);
    }
}

static void run_child(struct world *w, unsigned run, int out) {
    struct child c = {.w = w, .out = out, .run = run};
    w->loop = loop_new();
    world_open(w);
    push_more(&c);
    for (;;)
        world_turn(w);
}

/* The words that the child managed to say. */
static size_t read_words(int in, char **out) {
    size_t n = 0, room = 1 << 16;
    char *text = mem_new(room);
    for (ssize_t got; (got = read(in, text + n, room - n - 1)) > 0;) {
        n += (size_t)got;
        if (room - n < 4096)
            text = mem_grow(text, room *= 2);
    }
    text[n] = '\0';
    *out = text;
    return n;
}

static void kill_one(struct world *w, unsigned run, char **out_acknowledged) {
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (!pid) {
        close(ends[0]);
        run_child(w, run, ends[1]);
    }
    close(ends[1]);
    /* At a moment of its own each time, counted from its first acknowledgement. */
    struct pollfd said = {.fd = ends[0], .events = POLLIN};
    assert_int_equal(poll(&said, 1, PATIENCE_MS), 1);
    usleep(1000 + run * 2713 % 50000);
    assert_int_equal(kill(pid, SIGKILL), 0);
    read_words(ends[0], out_acknowledged);
    close(ends[0]);
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status));
}

static int by_text(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* All that is pending, sorted; marked as applied, so that the next run begins with none. */
static size_t take_pending(struct world *w, char **ids) {
    size_t n = 0;
    uint64_t after = 0;
    do {
        world_forget_records(w);
        ASK(w, spool_ask_pending(w->s, after, COUNT(w->records), on_records, w));
        assert_false(w->records_failed);
        for (size_t i = 0; i < w->records_n; i++) {
            const struct record *r = w->records[i];
            assert_true(r->seq > after);
            after = r->seq;
            assert_true(r->body.n == 0 || r->body.n == BIG_BODY + 1);
            assert_true(n < IDS_MAX);
            ids[n++] = mem_dup(r->id.p, r->id.n);
            spool_note_applied(w->s, r->seq);
        }
    } while (w->records_n);
    qsort(ids, n, sizeof *ids, by_text);
    return n;
}

/* Returns how many acknowledged ones were looked for. */
static size_t compare(char *words, char **ids, size_t n) {
    size_t looked = 0;
    for (size_t i = 1; i < n; i++)
        if (strcmp(ids[i - 1], ids[i]) == 0)
            fail_msg("%s is there twice", ids[i]);
    char *rest = words;
    for (char *id; (id = strsep(&rest, "\n")) && rest; looked++)
        if (!bsearch(&id, ids, n, sizeof *ids, by_text))
            fail_msg("%s was acknowledged and is lost", id);
    return looked;
}

static void what_was_acknowledged_survives_kill_9_once(void **state) {
    struct world *w = *state;
    struct loop *loop = w->loop;
    char **ids = mem_new(IDS_MAX * sizeof *ids);
    size_t looked = 0;
    for (unsigned run = 0; run < KILLS; run++) {
        char *words = NULL;
        kill_one(w, run, &words);
        w->loop = loop;
        world_open(w);
        assert_true(spool_was_unclean(w->s));
        size_t n = take_pending(w, ids);
        looked += compare(words, ids, n);
        world_close(w);
        for (size_t i = 0; i < n; i++)
            free(ids[i]);
        free(words);
    }
    free(ids);
    print_message("%d kills, %zu acknowledged, 0 lost, 0 doubled\n", KILLS, looked);
    assert_true(looked >= KILLS);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        SPOOL_TEST(what_was_acknowledged_survives_kill_9_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
