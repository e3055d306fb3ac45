/* plugin/lease.c - leases: taken in the store, renewed, told to the channel when they change hands.
 *
 * While the store is away a lease is kept by whoever holds it: nobody else can take it there, and
 * two that work for a moment do no harm, since ids are derived. One that is not held is not won
 * either.
 */
#include "plugin/plugin_priv.h"

#include <stdio.h>
#include <stdlib.h>

#include <touchline/kit/jread.h>

#include "base/loop.h"
#include "base/metrics.h"
#include "store/session.h"

enum {
    LEASE_MS = 30000,
    RENEW_MS = 10000,
    AGAIN_MS = 3000,
    UNANSWERED_MS = 500,
    LEASE_NAME_MAX = 160
};

struct tl_lease {
    struct link link;
    struct tl_channel *ch;
    char name[LEASE_NAME_MAX];
    tl_lease_fn *changed;
    void *arg;
    struct loop_timer *timer;
    struct question *question; /* asked, not answered */
    bool held;
};

/* Outlives the lease when that is released first. */
struct question {
    struct tl_lease *lease;
};

static void on_answer(void *arg, const struct answer *a) {
    struct question *q = arg;
    struct tl_lease *lease = q->lease;
    cleanup(json_freep) json_t *json = NULL;
    free(q);
    if (!lease)
        return;
    lease->question = NULL;
    struct plugin_host *h = lease->ch->host;
    bool answered = a->kind == ANSWER_OK && jread_parse(a->json, 4096, &json, NULL);
    bool held = answered ? jget_bool(json, "held", false) : lease->held;
    int64_t left = jget_int(json, "left_ms", AGAIN_MS);
    /* Another one's lease is asked for again when it may have ended. */
    int64_t again = left < AGAIN_MS ? left + 50 : AGAIN_MS;
    loop_timer_set(lease->timer, held ? RENEW_MS : answered ? again : UNANSWERED_MS);
    if (held == lease->held)
        return;
    lease->held = held;
    metric_set(METRIC_LEASES, h->leases_held += held ? 1 : -1);
    lease->changed(lease->arg, held); /* may release it */
}

static void ask(void *arg) {
    struct tl_lease *lease = arg;
    struct plugin_host *h = lease->ch->host;
    if (lease->question)
        return;
    lease->question = NEW(struct question);
    lease->question->lease = lease;
    store_lease_take(h->parts.store, str_c(lease->name), str_c(h->holder), LEASE_MS, on_answer,
                     lease->question);
}

struct tl_lease *host_lease(struct tl_channel *ch, struct str name, tl_lease_fn *changed,
                            void *arg) {
    struct tl_lease *lease = NEW(struct tl_lease);
    lease->ch = ch;
    lease->changed = changed;
    lease->arg = arg;
    snprintf(lease->name, sizeof lease->name, "%s:%.*s", ch->name, STR_ARG(str_upto(name, 120)));
    list_push(&ch->leases, &lease->link);
    lease->timer = loop_timer_new(ch->host->parts.loop, 0, ask, lease);
    return lease;
}

void host_lease_release(struct tl_lease *lease) {
    if (!lease)
        return;
    struct plugin_host *h = lease->ch->host;
    if (lease->question)
        lease->question->lease = NULL;
    if (lease->held || lease->question)
        store_lease_drop(h->parts.store, str_c(lease->name), str_c(h->holder), NULL, NULL);
    if (lease->held)
        metric_set(METRIC_LEASES, --h->leases_held);
    link_remove(&lease->link);
    loop_timer_free(lease->timer);
    free(lease);
}

void leases_clear(struct tl_channel *ch) {
    struct link *l;
    while ((l = list_first(&ch->leases)))
        host_lease_release(container_of(l, struct tl_lease, link));
}
