/* store/watch.c - see watch.h. */
#include "store/watch.h"

#include <stdio.h>
#include <stdlib.h>

#include <touchline/kit/jread.h>

#include "store/client.h"

enum { WATCH_NAME_MAX = 64, WATCH_PAYLOAD_MAX = 4096 };

struct store_watch {
    struct store_subscription *subscription;
    store_watch_fn *changed;
    void *arg;
    char channel[WATCH_NAME_MAX]; /* "{c_…}" */
};

static void on_message(void *arg, struct str channel, struct str payload) {
    struct store_watch *w = arg;
    cleanup(json_freep) json_t *j = NULL;
    if (channel.n < 2 || !jread_parse(payload, WATCH_PAYLOAD_MAX, &j, NULL))
        return;
    struct str touchpoint = jget_str(j, "touchpoint");
    if (touchpoint.n)
        w->changed(w->arg, str_make(channel.p + 1, channel.n - 2), touchpoint);
}

struct store_watch *store_watch_new(struct store *s, struct str contact, store_watch_fn *changed,
                                    void *arg) {
    struct store_watch *w = NEW(struct store_watch);
    w->changed = changed;
    w->arg = arg;
    snprintf(w->channel, sizeof w->channel, "{%.*s}", STR_ARG(contact));
    w->subscription = store_subscribe(s, str_c(w->channel), on_message, w);
    return w;
}

void store_watch_free(struct store_watch *take_watch) {
    if (!take_watch)
        return;
    store_unsubscribe(take_watch->subscription);
    free(take_watch);
}
