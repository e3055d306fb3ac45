/* egress/stream.c - the loop's half of streams: hands bytes over, tells what came, in order.
 *
 * What is told waits in the stream's list while it is held, so that DOWN never overtakes the bytes
 * before it. A stream that was closed stays until the thread has let go of it.
 */
#include <stdlib.h>
#include <string.h>

#include "base/loop.h"
#include "base/metrics.h"
#include "egress/egress_priv.h"
#include "egress/stream_priv.h"

enum { TURN_MAX = 64 };

struct stream_message *stream_message_new(enum stream_verb verb, struct egress_stream *s,
                                          struct str bytes) {
    struct stream_message *m = mem_new(sizeof *m + bytes.n);
    m->verb = verb;
    m->stream = s;
    m->n = bytes.n;
    if (bytes.n)
        memcpy(m->bytes, bytes.p, bytes.n);
    return m;
}

static void say(struct egress_stream *s, enum stream_verb verb, struct str bytes) {
    queue_push_always(egress_queues(s->egress)->stream_in, stream_message_new(verb, s, bytes));
}

static void give_credit(struct egress_stream *s, size_t n) {
    struct stream_message *m = stream_message_new(STREAM_CREDIT, s, STR_NONE);
    m->n = n;
    queue_push_always(egress_queues(s->egress)->stream_in, m);
}

static char *copy(struct str s) {
    return s.p ? mem_dup(s.p, s.n) : NULL;
}

/* Secrets do not stay behind in freed memory. */
static void forget(char *secret) {
    if (secret)
        explicit_bzero(secret, strlen(secret));
    free(secret);
}

static void stream_free(struct egress_stream *s) {
    struct link *l;
    while ((l = list_first(&s->waiting))) {
        link_remove(l);
        free(container_of(l, struct stream_message, link));
    }
    link_remove(&s->link);
    free(s->setup.url);
    free(s->setup.user);
    forget(s->setup.password);
    forget(s->setup.bearer);
    free(s->setup.ca);
    free(s);
}

void egress_stream_close(struct egress_stream *s) {
    if (s->closed)
        return;
    s->closed = true;
    say(s, STREAM_CLOSE, STR_NONE);
}

/* Tells what waits. The callback may hold or close the stream; it lives until GONE is taken. */
static void deliver(struct egress_stream *s) {
    struct link *l;
    while (!s->held && !s->closed && (l = list_first(&s->waiting))) {
        struct stream_message *m = container_of(l, struct stream_message, link);
        bool last = m->event == TL_STREAM_DOWN || m->event == TL_STREAM_DENIED;
        link_remove(l);
        if (m->event == TL_STREAM_DATA)
            give_credit(s, m->n);
        if (last)
            egress_stream_close(s);
        s->event(s->arg, m->event, str_make(m->bytes, m->n));
        free(m);
    }
}

/* true: the stream has gone with it. */
static bool take(struct stream_message *take_m) {
    struct egress_stream *s = take_m->stream;
    bool gone = take_m->verb == STREAM_GONE;
    if (take_m->verb == STREAM_TELL && !s->closed) {
        list_push(&s->waiting, &take_m->link);
        deliver(s);
        return false;
    }
    if (take_m->verb == STREAM_SENT)
        s->unsent_bytes -= take_m->n;
    free(take_m);
    if (gone)
        stream_free(s);
    return gone;
}

void streams_take(struct egress *e) {
    void *items[TURN_MAX];
    size_t n = queue_take(egress_queues(e)->stream_out, items, COUNT(items));
    for (size_t i = 0; i < n; i++)
        if (take(items[i]))
            egress_streams(e)->n--;
}

static void deliver_all(void *arg) {
    struct egress *e = arg;
    list_each (l, &egress_streams(e)->list)
        deliver(container_of(l, struct egress_stream, link));
}

static void end_here(struct egress_stream *s, const char *why) {
    struct stream_message *m = stream_message_new(STREAM_TELL, s, str_c(why));
    m->event = TL_STREAM_DOWN;
    list_push(&s->waiting, &m->link);
    loop_later(egress_loop(s->egress), deliver_all, s->egress);
}

struct egress_stream *egress_stream_open(struct egress *e, const struct tl_stream_open *what,
                                         tl_stream_fn *event, void *arg) {
    struct streams *all = egress_streams(e);
    if (all->closing || all->n >= STREAMS_MAX)
        return NULL;
    struct egress_stream *s = NEW(struct egress_stream);
    s->egress = e;
    s->event = event;
    s->arg = arg;
    s->setup = (struct stream_setup){.url = copy(what->url),
                                     .user = copy(what->user),
                                     .password = copy(what->password),
                                     .bearer = copy(what->bearer),
                                     .ca = copy(what->ca),
                                     .timeout_ms = what->timeout_ms,
                                     .tls_required = what->tls_required,
                                     .private_allowed = what->private_allowed};
    link_init(&s->waiting);
    list_push(&all->list, &s->link);
    all->n++;
    metric_add_label(METRIC_EGRESS_REQUESTS, "stream", 1);
    say(s, STREAM_OPEN, STR_NONE);
    return s;
}

void egress_stream_write(struct egress_stream *s, struct str bytes) {
    if (s->closed || !bytes.n)
        return;
    if (s->unsent_bytes > STREAM_UNSENT_MAX) {
        end_here(s, "the server takes nothing more");
        return;
    }
    s->unsent_bytes += bytes.n;
    say(s, STREAM_WRITE, bytes);
}

void egress_stream_hold(struct egress_stream *s, bool held) {
    s->held = held;
    if (!held)
        loop_later(egress_loop(s->egress), deliver_all, s->egress);
}

static void drop_messages(struct queue *q) {
    void *item;
    while (queue_take(q, &item, 1))
        free(item);
}

/* The thread has ended. */
void streams_close(struct egress *e) {
    struct streams *all = egress_streams(e);
    struct link *l;
    all->closing = true;
    drop_messages(egress_queues(e)->stream_out);
    while ((l = list_first(&all->list))) {
        static const char why[] = "the daemon is stopping";
        struct egress_stream *s = container_of(l, struct egress_stream, link);
        if (!s->closed) {
            s->closed = true;
            s->event(s->arg, TL_STREAM_DOWN, str_c(why));
        }
        stream_free(s);
    }
    drop_messages(egress_queues(e)->stream_in);
}
