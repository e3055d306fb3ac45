/* outbox/state.c - delivery states on their way to the timeline: each a record of its own.
 *
 *   head: {"update": {"id": "p_…", "message_id": "<…>" or the provider's, "provider_id", "at",
 *                     "delivery": {"state", …}}}
 *
 * Its id is the touchpoint's, its revision the state's rank: the same state again is known already.
 * Where the spool has no room it is kept here and tried again.
 */
#include <stdlib.h>

#include <touchline/kit/hash.h>
#include <touchline/touchpoint.h>

#include "base/log.h"
#include "base/metrics.h"
#include "outbox/outbox_priv.h"
#include <touchline/kit/utf8.h>

enum { HEAD_MAX = 16 * 1024, TEXT_MAX = 1000, UNSAVED_MAX = 10000 };

struct unsaved {
    struct link link;
    struct record *record; /* a copy of it is pushed when there is room */
};

struct saving {
    struct held held;
};

static struct record *record_of(const struct delivery_news *n) {
    struct record *r = record_new(RECORD_DELIVERY);
    uint8_t digest[SHA256_BYTES];
    struct buf head;
    struct jwrite w;
    buf_init(&head, HEAD_MAX);
    jwrite_init(&w, &head);
    jwrite_open(&w, NULL, '{');
    jwrite_open(&w, "update", '{');
    jwrite_str(&w, "id", n->id);
    jwrite_str(&w, "message_id", n->message_id.n ? n->message_id : n->provider_id);
    jwrite_str(&w, "provider_id", n->provider_id);
    jwrite_time(&w, "at", n->at_ms);
    jwrite_open(&w, "delivery", '{');
    jwrite_c(&w, "state", n->state);
    if (n->status.n)
        jwrite_str(&w, "status", n->status);
    if (n->code.n)
        jwrite_str(&w, "code", n->code);
    if (n->hard)
        jwrite_bool(&w, "hard", true);
    if (n->recipient.n)
        jwrite_str(&w, "recipient", n->recipient);
    if (n->diagnostic.n)
        jwrite_str(&w, "diagnostic", str_trim(utf8_upto(n->diagnostic, TEXT_MAX)));
    jwrite_close(&w, '}');
    jwrite_close(&w, '}');
    jwrite_close(&w, '}');
    r->id = record_keep(r, n->id);
    r->source = record_keep(r, n->source);
    r->source_id = r->id;
    r->head = record_keep(r, buf_str(&head));
    r->revision = delivery_rank(str_c(n->state));
    r->received_ms = n->at_ms;
    sha256(str_c(n->state), digest);
    memcpy(r->content, digest, sizeof r->content);
    buf_clear(&head);
    return r;
}

static struct record *record_copy(const struct record *from) {
    struct record *r = record_new(RECORD_DELIVERY);
    r->id = record_keep(r, from->id);
    r->source = record_keep(r, from->source);
    r->source_id = r->id;
    r->head = record_keep(r, from->head);
    r->revision = from->revision;
    r->received_ms = from->received_ms;
    memcpy(r->content, from->content, sizeof r->content);
    return r;
}

static void unsaved_free(struct outbox *o, struct unsaved *u) {
    link_remove(&u->link);
    o->unsaved_n--;
    record_free(u->record);
    free(u);
}

static void keep_unsaved(struct outbox *o, struct record *take_r) {
    struct unsaved *u = NEW(struct unsaved);
    if (o->unsaved_n == UNSAVED_MAX) {
        log_error("outbox.state_lost", "reason=full");
        unsaved_free(o, container_of(list_first(&o->unsaved), struct unsaved, link));
    }
    u->record = take_r;
    list_push(&o->unsaved, &u->link);
    o->unsaved_n++;
}

static void on_saved(void *arg, enum spool_verdict verdict, struct record *r, bool *keep,
                     struct str answer, const struct fault *fault) {
    struct saving *s = arg;
    (void)answer, (void)fault;
    if (verdict == SPOOL_REFUSED && s->held.o)
        keep_unsaved(s->held.o, record_copy(r));
    *keep = false;
    link_remove(&s->held.link);
    free(s);
}

/* Pushes a copy. false: no room. */
static bool save(struct outbox *o, const struct record *r) {
    struct saving *s = NEW(struct saving);
    struct fault f;
    hold(o, &s->held);
    if (spool_push(o->spool, record_copy(r), on_saved, s, &f))
        return true;
    link_remove(&s->held.link);
    free(s);
    return false;
}

void state_tell(struct outbox *o, const struct delivery_news *news) {
    struct record *r = record_of(news);
    metric_add_label(METRIC_DELIVERY_UPDATES, news->state, 1);
    if (save(o, r))
        record_free(r);
    else
        keep_unsaved(o, r);
}

void states_retry(struct outbox *o) {
    struct link *l;
    while ((l = list_first(&o->unsaved))) {
        struct unsaved *u = container_of(l, struct unsaved, link);
        if (!save(o, u->record))
            return;
        unsaved_free(o, u);
    }
}

void states_clear(struct outbox *o) {
    struct link *l;
    while ((l = list_first(&o->unsaved)))
        unsaved_free(o, container_of(l, struct unsaved, link));
}
