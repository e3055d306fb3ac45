/* store/page.c - timelines and conversations in pages, newest first, over all parts of a contact.
 *
 *   profiles ──► tl1_page of each part ──► entries joined by (at, id) ──► JSON
 *
 * A cursor is the time and id of the last entry shown: what arrives meanwhile does not move it. A
 * part's answer may stop early (a bound on what one call looks at); then only entries newer than
 * where it stopped can be shown, and the next page goes on from there.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include <touchline/touchpoint.h>

#include "store/contact_priv.h"
#include "store/page.h"
#include "store/read.h"

enum {
    SCAN_MAX = 5000, /* entries looked at by one call where few fit */
    PAGE_BYTES_MAX = 16 << 20,
    PAGE_JSON_MAX = 64 << 20,
    CURSOR_MAX = 64,
};

struct entry {
    struct id id;
    int64_t at_ms;
    struct str packed; /* in the page's arena */
};

struct page {
    struct store *s;
    struct arena arena;
    struct page_query q;
    struct id parts[PAGE_PARTS_MAX];
    size_t parts_n, pending;
    struct entry *entries;
    size_t entries_n, entries_room;
    bool more;       /* a part stopped before its end */
    int64_t stop_ms; /* the newest place at which one stopped */
    struct id stop_id;
    struct fault fault;
    page_fn *done;
    void *arg;
};

/* ---- order ---- */

static int newest_first(int64_t a_ms, const struct id *a, int64_t b_ms, const struct id *b) {
    if (a_ms != b_ms)
        return a_ms > b_ms ? -1 : 1;
    return -memcmp(a->b, b->b, ID_BYTES);
}

static int entry_order(const void *a, const void *b) {
    const struct entry *x = a, *y = b;
    return newest_first(x->at_ms, &x->id, y->at_ms, &y->id);
}

/* ---- cursors: MS.ID ---- */

bool page_cursor_read(struct str cursor, int64_t *out_ms, struct id *out_id) {
    struct str rest = cursor, ms = str_cut(&rest, '.');
    char text[24], *end;
    if (!rest.p || !ms.n || ms.n >= sizeof text || !base32_id_decode(rest, out_id->b))
        return false;
    memcpy(text, ms.p, ms.n);
    text[ms.n] = '\0';
    *out_ms = strtoll(text, &end, 10);
    return *end == '\0';
}

static struct str cursor_write(int64_t ms, struct id id, char out[CURSOR_MAX]) {
    char text[BASE32_ID + 1];
    base32_id(id.b, text);
    int n = snprintf(out, CURSOR_MAX, "%" PRId64 ".%s", ms, text);
    return str_make(out, (size_t)n);
}

/* ---- the answer ---- */

static void page_end(struct page *p) {
    struct page_result r = {.fault = p->fault.kind ? &p->fault : NULL};
    char next[CURSOR_MAX];
    if (p->entries_n) /* qsort takes no NULL, not even of none */
        qsort(p->entries, p->entries_n, sizeof *p->entries, entry_order);
    size_t n = 0;
    while (n < p->entries_n && n < p->q.limit &&
           (!p->more ||
            newest_first(p->entries[n].at_ms, &p->entries[n].id, p->stop_ms, &p->stop_id) <= 0))
        n++;
    r.n = n;
    r.ctx = p;
    if (n < p->entries_n && n)
        r.next = cursor_write(p->entries[n - 1].at_ms, p->entries[n - 1].id, next);
    else if (p->more)
        r.next = cursor_write(p->stop_ms, p->stop_id, next);
    p->done(p->arg, &r);
    free(p->entries);
    arena_clear(&p->arena);
    free(p);
}

bool page_entry(const struct page_result *r, size_t i, struct id contact, struct buf *out) {
    const struct page *p = r->ctx;
    return entry_json(p->entries[i].id, p->entries[i].packed, contact, out);
}

struct id page_entry_id(const struct page_result *r, size_t i) {
    return r->ctx->entries[i].id;
}

static void page_add(struct page *p, struct str id, struct str at, struct str packed) {
    struct entry e = {.at_ms = str_int(at, 0)};
    if (!id_from(id, &e.id))
        return;
    e.packed = arena_str(&p->arena, packed);
    if (p->entries_n == p->entries_room) {
        p->entries_room = p->entries_room ? 2 * p->entries_room : 64;
        p->entries = mem_grow(p->entries, p->entries_room * sizeof *p->entries);
    }
    p->entries[p->entries_n++] = e;
}

static void page_answer(void *arg, const struct store_reply *r, const struct fault *fault) {
    struct page *p = arg;
    struct id stop;
    if (fault)
        p->fault = *fault;
    for (size_t i = 3; !fault && i + 2 < r->n; i += 3)
        page_add(p, reply_str(r, i), reply_str(r, i + 1), reply_str(r, i + 2));
    if (!fault && str_is(reply_str(r, 0), "1") && id_from(reply_str(r, 2), &stop)) {
        int64_t ms = str_int(reply_str(r, 1), 0);
        if (!p->more || newest_first(ms, &stop, p->stop_ms, &p->stop_id) < 0) {
            p->stop_ms = ms;
            p->stop_id = stop;
        }
        p->more = true;
    }
    if (--p->pending == 0)
        page_end(p);
}

static int channel_number(struct str channel) {
    for (int i = 0; i < CHANNELS_N; i++)
        if (str_is(channel, contact_channels[i]))
            return i + 1;
    return channel.n ? CHANNELS_N + 1 : 0; /* of an unknown one there is nothing */
}

static void page_ask(struct page *p, struct id part) {
    struct part_keys k;
    char max[24], min[24], limit[24], scan[24], channel[24], bytes[24];
    const struct page_query *q = &p->q;
    part_keys(part, &k);
    const struct str keys[] = {k.t, k.b};
    const struct str args[] = {
        q->has_cursor || q->to_ms != INT64_MAX
            ? store_int(q->has_cursor ? q->cursor_ms : q->to_ms, max)
            : str_c("+inf"),
        q->from_ms != INT64_MIN ? store_int(q->from_ms, min) : str_c("-inf"),
        q->has_cursor ? id_bytes(&q->cursor_id) : str_make("", 0),
        store_int((int64_t)q->limit + 1, limit),
        store_int(SCAN_MAX, scan),
        store_int(channel_number(q->channel), channel),
        q->conversation ? id_bytes(q->conversation) : str_make("", 0),
        store_int(PAGE_BYTES_MAX, bytes),
    };
    store_function(p->s, "page", true, keys, 2, args, COUNT(args), page_answer, p);
}

void page_read(struct store *s, const struct id *parts, size_t n, const struct page_query *q,
               page_fn *done, void *arg) {
    struct page *p = NEW(struct page);
    *p = (struct page){.s = s, .q = *q, .done = done, .arg = arg};
    arena_init(&p->arena);
    n = n < PAGE_PARTS_MAX ? n : PAGE_PARTS_MAX;
    p->pending = n;
    for (size_t i = 0; i < n; i++)
        page_ask(p, parts[i]);
}

/* ---- lists ---- */

bool page_json(const struct page_result *r, struct id contact, struct buf *out) {
    struct jwrite w;
    jwrite_init(&w, out);
    jwrite_open(&w, NULL, '{');
    jwrite_open(&w, "items", '[');
    for (size_t i = 0; i < r->n && w.ok; i++) {
        w.ok = (i == 0 || buf_add_byte(out, ',')) && page_entry(r, i, contact, out);
    }
    jwrite_close(&w, ']');
    jwrite_str(&w, "next", r->next);
    jwrite_close(&w, '}');
    return w.ok;
}

struct timeline {
    struct store *s;
    struct page_query q;
    char channel[16];
    struct id contact;
    answer_fn *done;
    void *arg;
};

static void timeline_page(void *arg, const struct page_result *r) {
    struct timeline *t = arg;
    cleanup(buf_clear) struct buf json;
    buf_init(&json, PAGE_JSON_MAX);
    const struct answer late = {.kind = ANSWER_LATER};
    struct answer a = {.kind = ANSWER_OK};
    bool ok = !r->fault && page_json(r, t->contact, &json);
    a.json = buf_str(&json);
    t->done(t->arg, ok ? &a : &late);
    free(t);
}

static void timeline_profiles(void *arg, const struct fault *fault, struct profiles *p) {
    struct timeline *t = arg;
    struct id parts[PAGE_PARTS_MAX];
    size_t n = 0;
    if (fault || !p->found) {
        if (fault)
            answer_fault(t->done, t->arg, fault);
        else
            answer_kind(t->done, t->arg, p->gone ? ANSWER_GONE : ANSWER_NOT_FOUND);
        free(t);
        return;
    }
    for (; n < p->parts_n && n < PAGE_PARTS_MAX; n++)
        parts[n] = p->parts[n].id;
    t->contact = parts[0];
    t->q.channel = str_c(t->channel);
    page_read(t->s, parts, n, &t->q, timeline_page, t);
}

static void timeline_refuse(struct store *s, answer_fn *done, void *arg);

void store_get_timeline(struct store *s, struct str contact, const struct timeline_query *q,
                        answer_fn *done, void *arg) {
    struct timeline *t = NEW(struct timeline);
    struct id id = {{0}};
    *t = (struct timeline){.s = s, .done = done, .arg = arg};
    t->q = (struct page_query){.limit = q->limit,
                               .from_ms = q->from_ms ? q->from_ms : INT64_MIN,
                               .to_ms = q->to_ms ? q->to_ms : INT64_MAX};
    snprintf(t->channel, sizeof t->channel, "%.*s", STR_ARG(q->channel));
    if (q->cursor.n) {
        t->q.has_cursor = page_cursor_read(q->cursor, &t->q.cursor_ms, &t->q.cursor_id);
        if (!t->q.has_cursor) {
            free(t);
            timeline_refuse(s, done, arg);
            return;
        }
    }
    if (!id_read(contact, 'c', &id))
        id = (struct id){{0}};
    store_profiles(s, id, false, timeline_profiles, t);
}

/* A cursor that is none of ours; told by an answer that comes later like any other. */
struct refusal {
    answer_fn *done;
    void *arg;
};

static void refuse_cursor(void *arg, const struct store_reply *r, const struct fault *fault) {
    struct refusal *f = arg;
    (void)r;
    (void)fault;
    const struct answer a = {.kind = ANSWER_REFUSED,
                             .code = "cursor",
                             .pointer = "",
                             .detail = "the cursor is none that a list gave"};
    f->done(f->arg, &a);
    free(f);
}

static void timeline_refuse(struct store *s, answer_fn *done, void *arg) {
    struct refusal *f = NEW(struct refusal);
    *f = (struct refusal){done, arg};
    const struct str argv[] = {str_c("PING")};
    store_command(s, argv, 1, 0, refuse_cursor, f);
}
