/* store/watch.c - see watch.h; what is published stands in contact.h. */
#include "store/watch.h"

#include <stdlib.h>

#include <touchline/kit/buf.h>
#include <touchline/kit/jread.h>

#include "store/client.h"
#include "store/contact.h"

struct store_watch {
    struct store_subscription *subscription;
    store_watch_fn *touched;
    store_watch_attention_fn *attention; /* NULL: nobody asks */
    void *arg;
};

enum { ATTENTION_MAX = 4096 };

static void tell_attention(struct store_watch *w, const json_t *attention) {
    cleanup(buf_clear) struct buf b;
    buf_init(&b, ATTENTION_MAX);
    if (w->attention && jread_dump(&b, attention))
        w->attention(w->arg, jget_str(attention, "agent"), buf_str(&b));
}

static void on_message(void *arg, struct str channel, struct str payload) {
    struct store_watch *w = arg;
    cleanup(json_freep) json_t *j = NULL;
    (void)channel;
    if (!jread_parse(payload, payload.n, &j, NULL))
        return;
    struct str touchpoint = jget_str(j, "touchpoint");
    const json_t *attention = json_object_get(j, "attention");
    if (touchpoint.n)
        w->touched(w->arg, touchpoint); /* may end the watch */
    else if (attention)
        tell_attention(w, attention);
}

struct store_watch *store_watch_contact(struct store *s, struct str contact,
                                        store_watch_fn *touched, void *arg) {
    char channel[ID_TEXT + 4];
    struct id id;
    if (!id_read(contact, 'c', &id))
        return NULL;
    struct store_watch *w = NEW(struct store_watch);
    *w = (struct store_watch){.touched = touched, .arg = arg};
    w->subscription = store_subscribe(s, contact_channel(id, channel), on_message, w);
    return w;
}

void store_watch_attention(struct store_watch *w, store_watch_attention_fn *told) {
    w->attention = told;
}

void store_watch_end(struct store_watch *take_w) {
    if (!take_w)
        return;
    store_unsubscribe(take_w->subscription);
    free(take_w);
}
