/* store/episode.c - visits read, put together to episodes, counted. Pure.
 *
 * Packed (functions/contact_visit.lua writes it): window(6), then by visit channel(1, high bit: a
 * conversation follows) from(6) length(4) inbound(2) touchpoints(2) subject(4) order(4) first(16)
 * [conversation(16)]. Marks: at(6) conversation(16) length(1) agent.
 */
#include "store/episode.h"

#include <stdlib.h>
#include <string.h>

#include <touchline/kit/arena.h>
#include <touchline/touchpoint.h>

#include "store/contact_priv.h"

enum { WINDOW_BYTES = 6, VISIT_BYTES = 39, MARK_BYTES = 23, OTHER_CONVERSATION = 0x80 };

const int64_t episode_repeat_ms = INT64_C(30) * 86400000;
static const int64_t piece_ms = 900000; /* as in functions/contact_visit.lua */

/* ---- reading ---- */

static uint64_t number(const char *p, size_t n) {
    uint64_t v = 0;
    for (size_t i = 0; i < n; i++)
        v = v << 8 | (unsigned char)p[i];
    return v;
}

static int64_t time_of(const char *p) {
    uint64_t v = number(p, 6);
    return v >> 47 ? (int64_t)v - (INT64_C(1) << 48) : (int64_t)v;
}

static bool visit_read(struct str *in, struct episode_visit *out) {
    const char *p = in->p;
    if (in->n < VISIT_BYTES)
        return false;
    bool other = (unsigned char)p[0] & OTHER_CONVERSATION;
    size_t n = VISIT_BYTES + (other ? ID_BYTES : 0);
    if (in->n < n)
        return false;
    *out = (struct episode_visit){
        .channel = (unsigned char)p[0] & ~OTHER_CONVERSATION,
        .from_ms = time_of(p + 1),
        .to_ms = time_of(p + 1) + (int64_t)number(p + 7, 4),
        .inbound = (unsigned)number(p + 11, 2),
        .touchpoints = (unsigned)number(p + 13, 2),
        .subject = (uint32_t)number(p + 15, 4),
        .order = (uint32_t)number(p + 19, 4),
    };
    memcpy(out->first.b, p + 23, ID_BYTES);
    memcpy(out->conversation.b, p + (other ? VISIT_BYTES : 23), ID_BYTES);
    *in = str_from(*in, n);
    return true;
}

static bool mark_read(struct str *in, struct episode_mark *out) {
    if (in->n < MARK_BYTES)
        return false;
    size_t agent = (unsigned char)in->p[MARK_BYTES - 1];
    if (in->n < MARK_BYTES + agent)
        return false;
    out->at_ms = time_of(in->p);
    memcpy(out->conversation.b, in->p + 6, ID_BYTES);
    out->agent = str_make(in->p + MARK_BYTES, agent);
    *in = str_from(*in, MARK_BYTES + agent);
    return true;
}

static int by_time(const void *a, const void *b) {
    const struct episode_visit *x = a, *y = b;
    if (x->from_ms != y->from_ms)
        return x->from_ms < y->from_ms ? -1 : 1;
    return memcmp(x->first.b, y->first.b, ID_BYTES);
}

static void *grown(struct arena *a, const void *old, size_t n, size_t more, size_t size) {
    void *p = arena_new(a, (n + more + 1) * size);
    if (n)
        memcpy(p, old, n * size);
    return p;
}

void episodes_init(struct episodes *e, struct arena *a) {
    *e = (struct episodes){.arena = a};
}

void episodes_add(struct episodes *e, struct str visits, struct str marks) {
    if (visits.n < WINDOW_BYTES)
        return;
    int64_t window = time_of(visits.p);
    e->window_ms = window > e->window_ms ? window : e->window_ms;
    visits = str_from(visits, WINDOW_BYTES);
    e->visits = grown(e->arena, e->visits, e->visits_n, visits.n / VISIT_BYTES, sizeof *e->visits);
    e->marks = grown(e->arena, e->marks, e->marks_n, marks.n / MARK_BYTES, sizeof *e->marks);
    while (visit_read(&visits, &e->visits[e->visits_n]))
        e->visits_n++;
    while (mark_read(&marks, &e->marks[e->marks_n]))
        e->marks_n++;
    qsort(e->visits, e->visits_n, sizeof *e->visits, by_time);
}

void episodes_copy(struct episodes *out, const struct episodes *from, struct arena *a) {
    *out = *from;
    out->arena = a;
    out->visits = grown(a, from->visits, from->visits_n, 0, sizeof *out->visits);
    out->marks = grown(a, from->marks, from->marks_n, 0, sizeof *out->marks);
    for (size_t i = 0; i < out->marks_n; i++)
        out->marks[i].agent = arena_str(a, out->marks[i].agent);
}

/* Pieces of one talk in writing are one visit, as the store keeps them. */
static bool is_piece(const struct episode_visit *of, const struct episode_visit *v) {
    const char *channel =
        v->channel > 0 && v->channel <= CHANNELS_N ? contact_channels[v->channel - 1] : "";
    struct str name = str_c(channel);
    return (str_is(name, "social") || str_is(name, "chat") || str_is(name, "sms") ||
            str_is(name, "web")) &&
           of->channel == v->channel && id_equal(of->conversation, v->conversation) &&
           v->from_ms >= of->from_ms - piece_ms && v->from_ms <= of->to_ms + piece_ms;
}

void episodes_note(struct episodes *e, const struct episode_visit *v) {
    for (size_t i = 0; i < e->visits_n; i++)
        if (id_equal(e->visits[i].first, v->first) || is_piece(&e->visits[i], v))
            return;
    e->visits = grown(e->arena, e->visits, e->visits_n, 1, sizeof *e->visits);
    e->visits[e->visits_n++] = *v;
    qsort(e->visits, e->visits_n, sizeof *e->visits, by_time);
}

int store_channel(struct str name) {
    for (int i = 0; i < CHANNELS_N; i++)
        if (str_is(name, contact_channels[i]))
            return i + 1;
    return CHANNELS_N;
}

/* ---- episodes ---- */

/* Whose mark it is: the newest visit of the conversation that had begun by then. */
static const struct episode_visit *marked(const struct episodes *e, const struct episode_mark *m) {
    for (size_t i = e->visits_n; i > 0; i--)
        if (id_equal(e->visits[i - 1].conversation, m->conversation) &&
            e->visits[i - 1].from_ms <= m->at_ms)
            return &e->visits[i - 1];
    return NULL;
}

static struct str owner_of(const struct episodes *e, const struct episode *ep) {
    const struct episode_mark *last = NULL;
    for (size_t i = 0; i < e->marks_n; i++) {
        const struct episode_visit *v = marked(e, &e->marks[i]);
        if (v && v >= ep->visits && v < ep->visits + ep->n &&
            (!last || e->marks[i].at_ms > last->at_ms))
            last = &e->marks[i];
    }
    return last ? last->agent : STR_NONE;
}

static void describe(const struct episodes *e, int64_t window_ms, struct episode *ep) {
    ep->id = ep->visits->first;
    ep->since_ms = ep->visits->from_ms;
    ep->until_ms = ep->last_ms + window_ms;
    for (size_t i = 0; i < ep->n; i++) {
        ep->touchpoints += ep->visits[i].touchpoints;
        if (ep->visits[i].channel <= EPISODE_CHANNEL_MAX)
            ep->channels |= UINT32_C(1) << ep->visits[i].channel;
    }
    ep->owner = owner_of(e, ep);
}

/* The episode to which the visit at `index` belongs. */
static bool episode_around(const struct episodes *e, int64_t window_ms, size_t index,
                           struct episode *out) {
    size_t begin = 0;
    int64_t last = INT64_MIN;
    if (window_ms <= 0 || index >= e->visits_n)
        return false;
    for (size_t i = 0; i < e->visits_n; i++) {
        const struct episode_visit *v = &e->visits[i];
        if (i && v->from_ms - last > window_ms) {
            if (i > index)
                break;
            begin = i;
        }
        last = v->to_ms > last ? v->to_ms : last;
        *out = (struct episode){.visits = e->visits + begin, .n = i + 1 - begin, .last_ms = last};
    }
    describe(e, window_ms, out);
    return true;
}

bool episode_at(const struct episodes *e, int64_t window_ms, int64_t at_ms, struct episode *out) {
    for (size_t i = e->visits_n; i > 0; i--)
        if (e->visits[i - 1].from_ms <= at_ms)
            return episode_around(e, window_ms, i - 1, out) && at_ms <= out->until_ms;
    return false;
}

bool episode_of_conversation(const struct episodes *e, int64_t window_ms, struct id conversation,
                             struct episode *out) {
    for (size_t i = e->visits_n; i > 0; i--)
        if (id_equal(e->visits[i - 1].conversation, conversation))
            return episode_around(e, window_ms, i - 1, out);
    return false;
}

bool episode_last(const struct episodes *e, int64_t window_ms, struct episode *out) {
    return e->visits_n && episode_around(e, window_ms, e->visits_n - 1, out);
}

static bool same_matter(const struct episode_visit *a, const struct episode_visit *b) {
    return id_equal(a->conversation, b->conversation) || (a->subject && a->subject == b->subject) ||
           (a->order && a->order == b->order);
}

size_t episode_repeat(const struct episodes *e, int64_t window_ms, const struct episode_visit *v) {
    struct episode ep;
    size_t n = 0;
    if (!episode_at(e, window_ms, v->from_ms, &ep))
        return 0;
    for (size_t i = 0; i < e->visits_n; i++) {
        const struct episode_visit *one = &e->visits[i];
        bool within = one >= ep.visits && one < ep.visits + ep.n;
        if (one->inbound && one->from_ms <= v->from_ms &&
            (within || (v->from_ms - one->to_ms <= episode_repeat_ms && same_matter(one, v))))
            n++;
    }
    return n;
}

/* ---- showing ---- */

static bool seen_before(const struct episode *ep, size_t at) {
    for (size_t i = 0; i < at; i++)
        if (id_equal(ep->visits[i].conversation, ep->visits[at].conversation))
            return true;
    return false;
}

void episode_json(struct jwrite *w, const struct episode *ep) {
    if (!ep) {
        jwrite_raw(w, "episode", str_c("null"));
        return;
    }
    jwrite_open(w, "episode", '{');
    jwrite_c(w, "id", id_write('e', ep->id).c);
    jwrite_time(w, "since", ep->since_ms);
    jwrite_time(w, "until", ep->until_ms);
    jwrite_str(w, "owner", ep->owner.n ? ep->owner : STR_NONE);
    jwrite_open(w, "conversations", '[');
    for (size_t i = 0; i < ep->n; i++)
        if (!seen_before(ep, i))
            jwrite_c(w, NULL, id_write('v', ep->visits[i].conversation).c);
    jwrite_close(w, ']');
    jwrite_int(w, "touchpoints", (int64_t)ep->touchpoints);
    jwrite_open(w, "channels", '[');
    for (int i = 0; i < CHANNELS_N; i++)
        if (ep->channels >> (i + 1) & 1)
            jwrite_c(w, NULL, contact_channels[i]);
    jwrite_close(w, ']');
    jwrite_close(w, '}');
}
