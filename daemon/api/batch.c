/* api/batch.c - many pushes in one request: an array, lines or CloudEvents, each judged alone,
 * answered in order. */
#include <stdlib.h>

#include <touchline/kit/jread.h>

#include "api/push.h"

enum {
    BATCH_ITEMS_MAX = 10000,
    BATCH_ITEM_BYTES_MAX = 32 * 1024 * 1024,
    BATCH_ANSWER_MAX = 64 * 1024 * 1024,
    BATCH_UNDER_WAY = 64
};

struct slot {
    struct batch *batch;
    struct str answer; /* in the request's arena */
    int status;
    struct str raw; /* a line, or absent */
    json_t *json;   /* owned */
};

/* Lives in the request's arena. A window of items is under way at a time, so that one batch cannot
 * fill every queue. */
struct batch {
    struct call *call;
    enum batch_form form;
    struct slot *slots;
    size_t n, next, under_way, done;
    bool starting;
};

static void start_more(struct batch *b);

static void answer_all(struct batch *b) {
    cleanup(buf_clear) struct buf out;
    buf_init(&out, BATCH_ANSWER_MAX);
    bool ok = buf_add_byte(&out, '[');
    for (size_t i = 0; i < b->n && ok; i++) {
        struct str a = b->slots[i].answer;
        /* A problem names its status itself; an answer gets it in front. */
        if (b->slots[i].status >= 300)
            ok = buf_addf(&out, "%s%.*s", i ? "," : "", STR_ARG(a));
        else
            ok = buf_addf(&out, "%s{\"status\":%d,%.*s", i ? "," : "", b->slots[i].status,
                          (int)a.n - 1, a.p + 1);
    }
    for (size_t i = 0; i < b->n; i++)
        json_decref(b->slots[i].json);
    if (ok && buf_add_byte(&out, ']'))
        call_reply(b->call, 207, buf_str(&out));
    else
        call_problem(b->call, 413, "too-large", NULL,
                     "the answer would be too large; push fewer at once");
}

static void item_done(void *arg, int status, struct str body, const char *code) {
    struct slot *s = arg;
    struct batch *b = s->batch;
    (void)code;
    s->status = status;
    s->answer = arena_str(http_arena(b->call->r), body);
    b->under_way--;
    b->done++;
    if (b->done == b->n)
        answer_all(b);
    else if (!b->starting)
        start_more(b);
}

/* An item that never gets to push_one. */
static void item_refused(struct slot *s, int status, const char *code, const struct fault *f) {
    cleanup(buf_clear) struct buf b;
    buf_init(&b, 4096);
    if (!http_problem_text(&b, status, code, status == 422 ? f->place : NULL, f->reason))
        buf_reset(&b);
    s->batch->under_way++;
    item_done(s, status, buf_str(&b), code);
}

static bool parse_item(struct slot *s, struct fault *f) {
    return s->json || jread_parse(s->raw, BATCH_ITEM_BYTES_MAX, &s->json, f);
}

static void start_one(struct slot *s) {
    struct batch *b = s->batch;
    struct fault f = {0};
    if (!parse_item(s, &f)) {
        item_refused(s, 400, "not-json", &f);
        return;
    }
    struct push_item item = {.json = s->json, .raw = s->raw, .at_ms = -1};
    if (b->form == BATCH_EVENTS) {
        struct cloud_event e;
        int status = 422;
        bool ok = cloud_event_structured(s->json, &e, &status, &f);
        if (!ok || !cloud_event_item(&e, &item, &f)) {
            cloud_event_clear(&e);
            item_refused(s, status, status == 400 ? "specversion" : "invalid", &f);
            return;
        }
        b->under_way++;
        push_one(b->call, &item, item_done, s);
        cloud_event_clear(&e);
        return;
    }
    if (!item.raw.p) { /* of an array: its text again, for an id where it names none */
        char *text = json_dumps(s->json, JSON_COMPACT | JSON_ENCODE_ANY | JSON_SORT_KEYS);
        item.raw = arena_str(http_arena(b->call->r), str_c(text ? text : ""));
        free(text);
    }
    b->under_way++;
    push_one(b->call, &item, item_done, s);
}

static void start_more(struct batch *b) {
    b->starting = true;
    while (b->next < b->n && b->under_way < BATCH_UNDER_WAY)
        start_one(&b->slots[b->next++]);
    b->starting = false;
}

static struct batch *batch_new(struct call *c, enum batch_form form, size_t n) {
    struct batch *b = arena_new(http_arena(c->r), sizeof *b);
    *b = (struct batch){.call = c, .form = form, .n = n};
    b->slots = arena_new(http_arena(c->r), (n ? n : 1) * sizeof *b->slots);
    for (size_t i = 0; i < n; i++)
        b->slots[i].batch = b;
    return b;
}

static bool too_many(struct call *c, size_t n) {
    if (n <= BATCH_ITEMS_MAX)
        return false;
    call_problem(c, 413, "too-many", NULL, "at most 10,000 items at once");
    return true;
}

static void run(struct batch *b) {
    if (b->n == 0)
        call_reply(b->call, 207, str_c("[]"));
    else
        start_more(b);
}

static void batch_lines(struct call *c) {
    struct str rest = http_body(c->r);
    size_t n = 0;
    while (rest.p)
        n += str_trim(str_cut(&rest, '\n')).n > 0;
    if (too_many(c, n))
        return;
    struct batch *b = batch_new(c, BATCH_LINES, n);
    rest = http_body(c->r);
    for (size_t i = 0; rest.p && i < n;) {
        struct str line = str_trim(str_cut(&rest, '\n'));
        if (line.n)
            b->slots[i++].raw = line;
    }
    run(b);
}

void push_batch(struct call *c, enum batch_form form) {
    if (form == BATCH_LINES) {
        batch_lines(c);
        return;
    }
    struct fault f = {0};
    cleanup(json_freep) json_t *all = NULL;
    if (!jread_parse(http_body(c->r), BATCH_ITEM_BYTES_MAX, &all, &f)) {
        call_problem(c, 400, "not-json", NULL, f.reason);
        return;
    }
    if (!json_is_array(all)) {
        call_problem(c, 400, "not-json", NULL, "an array is expected");
        return;
    }
    if (too_many(c, json_array_size(all)))
        return;
    struct batch *b = batch_new(c, form, json_array_size(all));
    for (size_t i = 0; i < b->n; i++)
        b->slots[i].json = json_incref(json_array_get(all, i));
    run(b);
}
