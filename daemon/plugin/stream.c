/* plugin/stream.c - a channel's connections to other servers, which end with the channel. */
#include "plugin/plugin_priv.h"

#include <stdlib.h>

#include "egress/egress.h"

/* Freed when it is closed, or has told its end. */
struct tl_stream {
    struct link link;
    struct egress_stream *egress;
    tl_stream_fn *event;
    void *arg;
};

static void stream_free(struct tl_stream *s) {
    link_remove(&s->link);
    free(s);
}

static void on_event(void *arg, enum tl_stream_event event, struct str bytes) {
    struct tl_stream *s = arg;
    tl_stream_fn *tell = s->event;
    void *whom = s->arg;
    if (event == TL_STREAM_DOWN || event == TL_STREAM_DENIED)
        stream_free(s);
    tell(whom, event, bytes);
}

struct tl_stream *host_stream(struct tl_channel *ch, const struct tl_stream_open *what,
                              tl_stream_fn *event, void *arg) {
    struct tl_stream_open whole;
    struct tl_stream *s = NEW(struct tl_stream);
    sized_copy(&whole, sizeof whole, what, what->size);
    whole.size = sizeof whole;
    s->event = event;
    s->arg = arg;
    s->egress = egress_stream_open(ch->host->parts.egress, &whole, on_event, s);
    if (!s->egress) {
        free(s);
        return NULL;
    }
    list_push(&ch->streams, &s->link);
    return s;
}

void host_stream_write(struct tl_stream *s, struct str bytes) {
    egress_stream_write(s->egress, bytes);
}

void host_stream_hold(struct tl_stream *s, bool held) {
    egress_stream_hold(s->egress, held);
}

void host_stream_close(struct tl_stream *s) {
    if (!s)
        return;
    egress_stream_close(s->egress);
    stream_free(s);
}

void streams_clear(struct tl_channel *ch) {
    struct link *l;
    while ((l = list_first(&ch->streams)))
        host_stream_close(container_of(l, struct tl_stream, link));
}
