/* plugin/media.c - an attachment that a touchpoint only names, fetched by its source's channel.
 *
 * A channel that stops before it has answered gives an answer all the same: again later.
 */
#include <stdlib.h>

#include <touchline/kit/arena.h>
#include <touchline/kit/buf.h>

#include "plugin/plugin_priv.h"

/* Given out to a channel's attach; comes back by host->attached, once. */
struct tl_media {
    struct pending pending;
    fetched_fn *done;
    void *arg;
    struct arena arena;
    struct buf bytes;
    struct tl_attached result;
};

static void tell(struct pending *p) {
    struct tl_media *m = container_of(p, struct tl_media, pending);
    m->done(m->arg, &m->result); /* also of a host that goes: who asked lives longer */
    buf_clear(&m->bytes);
    arena_clear(&m->arena);
    pending_free(p);
}

void host_attached(struct tl_media *m, const struct tl_attached *result) {
    struct tl_attached *r = &m->result;
    sized_copy(r, sizeof *r, result, result->size);
    r->size = sizeof *r;
    r->type = arena_str(&m->arena, r->type);
    r->name = arena_str(&m->arena, r->name);
    r->reason = r->reason ? arena_str(&m->arena, str_c(r->reason)).p : "the channel gave no reason";
    if (r->state == TL_SENT && !buf_add(&m->bytes, r->bytes)) {
        r->state = TL_SENT_NEVER;
        r->reason = "larger than what is taken in";
    }
    r->bytes = buf_str(&m->bytes);
    pending_soon(&m->pending, tell);
}

static void end(struct tl_media *m, enum tl_sent state, const char *reason) {
    const struct tl_attached none = {.size = sizeof none, .state = state, .reason = reason};
    host_attached(m, &none);
}

static void nobody_is_there(struct pending *p) {
    end(container_of(p, struct tl_media, pending), TL_SENT_RETRY, "the channel does not run");
}

static void fetch(void *ctx, const struct tl_attach *what, fetched_fn *done, void *arg) {
    struct plugin_host *h = ctx;
    struct tl_channel *ch = channel_of_source(h, what->source);
    struct tl_media *m = pending_new(h, ch, sizeof *m);
    m->done = done;
    m->arg = arg;
    m->pending.orphaned = nobody_is_there;
    arena_init(&m->arena);
    buf_init(&m->bytes, what->max_bytes);
    if (!ch || !ch->instance)
        nobody_is_there(&m->pending);
    else if (!ch->plugin.attach)
        end(m, TL_SENT_NEVER, "this channel fetches nothing");
    else
        ch->plugin.attach(ch->instance, m, what);
}

struct fetcher plugin_host_fetcher(struct plugin_host *h) {
    return (struct fetcher){.ctx = h, .fetch = fetch};
}
